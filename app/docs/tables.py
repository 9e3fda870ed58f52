"""Markdown that stays a table whatever the texts hold."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the code by `python -m app.docs`. Change the code, not this file. -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; cells may hold any text."""
    lines = [_line(head), "|" + "---|" * len(head)]
    return lines + [_line([_cell(text) for text in row]) for row in rows]


def document(*parts: Iterable[str]) -> str:
    """A file: the parts with an empty line between them."""
    return "\n\n".join("\n".join(part).strip() for part in parts) + "\n"


def code(*names: str) -> str:
    """Names as code, in the order given; a dash where there are none."""
    return ", ".join(f"`{name}`" for name in names) or "–"


def first_paragraph(documented: type) -> str:
    """The first paragraph of a class's own docstring; empty where it has none (a dataclass's own is its signature)."""
    text = inspect.cleandoc(documented.__dict__.get("__doc__") or "")
    if text.startswith(f"{documented.__name__}("):
        return ""
    return " ".join(text.split("\n\n")[0].split())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
