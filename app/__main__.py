"""`python -m app`: what `./market` becomes once the libraries are there."""

from app.cli import main

main()
