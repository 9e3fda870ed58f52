"""Failures that a person can act on: what went wrong, and what to do next.

A command raises `Failure` instead of printing and exiting by itself, so that every command fails in the same way: text
on stderr, nothing of a traceback, exit status 1.
"""

from __future__ import annotations


class Failure(Exception):
    """`what` happened in one sentence; `next_step` is a command or an action, in one sentence too."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}\n  → {next_step}")
        self.what = what
        self.next_step = next_step
