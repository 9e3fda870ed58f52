"""A bus for tests that writes down what reached it, so that publication can be held against the log."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kernel.publisher import Sealed


class FileTransport:
    """Appends `source sequence` lines; one write a batch, so that a killed process leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        os.write(self._file, "".join(f"{source} {entry.sequence}\n" for entry in entries).encode())


def published(path: Path) -> dict[str, list[int]]:
    """{source: sequences in the order in which they reached the bus}."""
    found: dict[str, list[int]] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        source, sequence = line.split()
        found.setdefault(source, []).append(int(sequence))
    return found
