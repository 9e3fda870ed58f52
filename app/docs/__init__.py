"""Documents made from the code: states and commands of every aggregate, the events, the refusals.

What is written is a pure function of the code, so that a test can compare bytes: a diagram here can't go stale unseen.
"""
