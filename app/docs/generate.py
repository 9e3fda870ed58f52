"""Every document that is made from the code: path under docs/ → text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.docs.events import events_page
from app.docs.refusals import refusals_page
from app.docs.states import states_page
from kernel.service import Service
from kernel.settings import PROJECT

DOCS = PROJECT / "docs"


def doc_files(services: Sequence[Service]) -> dict[str, str]:
    """Path under docs/ → text, for all `services`; several that share a package make one page."""
    files = {f"states/{s.family}.md": states_page(s) for s in reversed(services) if s.aggregates}
    return {**dict(sorted(files.items())), "events.md": events_page(services), "refusals.md": refusals_page()}


def stale_files(services: Sequence[Service], folder: Path = DOCS) -> list[str]:
    """Files that aren't what the code says, are missing, or describe a service that is no more."""
    files = doc_files(services)
    stale = [name for name, text in files.items() if not _says(folder / name, text)]
    orphans = [f"states/{path.name}" for path in (folder / "states").glob("*.md") if f"states/{path.name}" not in files]
    return sorted(stale + orphans)


def write_files(services: Sequence[Service], folder: Path = DOCS) -> list[str]:
    """Write what is stale and remove what is no more; the names of the files touched."""
    files, stale = doc_files(services), stale_files(services, folder)
    for name in stale:
        path = folder / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        else:
            path.unlink()
    return stale


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
