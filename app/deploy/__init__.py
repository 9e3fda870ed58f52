"""`deploy/`: what an installation of many processes needs besides the code; the files that follow from the code are made
here, `python -m app.deploy` writes them and a test holds them fresh.
"""
