"""The commands' options and help, a file per group. Bodies live elsewhere and are imported when a command runs, so that
`--help` needs none of the libraries below.
"""

from __future__ import annotations

import importlib
from typing import NoReturn

import typer


def run_body(target: str, **arguments: object) -> NoReturn:
    """Calls `module:function` with `arguments` and exits with the status it returns (None counts as 0)."""
    module, _, function = target.partition(":")
    status = getattr(importlib.import_module(module), function)(**arguments)
    raise typer.Exit(status or 0)
