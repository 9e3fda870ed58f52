"""Work of more than some milliseconds of processor time, done where it holds nobody up.

In a process of real threads that is the caller's own thread. In one of green threads (kernel/bus/bootstrap.py) it is a
real one, so `function` must let go of the interpreter while it works (as argon2 does) and touch nothing that is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def _here(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


_execute: Callable[..., Any] = _here


def offload(function: Callable[..., T], *arguments: Any) -> T:
    """The result of `function(*arguments)`, or what it raises."""
    result: T = _execute(function, *arguments)
    return result


def through(execute: Callable[..., Any]) -> None:
    """Offload through `execute(function, *arguments)` from now on, in the whole process."""
    global _execute  # noqa: PLW0603 - a process is green or it isn't, and says so once at its start
    _execute = execute
