"""`python -m app.docs [--check]`: write the documents that are made from the code, or say which are stale."""

from __future__ import annotations

import sys

from app.docs.generate import stale_files, write_files
from app.services import domain_services


def main(arguments: list[str]) -> int:
    """Exit status 0 when everything is as the code says (after writing, without `--check`)."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m app.docs [--check]", file=sys.stderr)
        return 2
    services = domain_services()
    if arguments:
        stale = stale_files(services)
        for name in stale:
            print(f"stale: docs/{name}", file=sys.stderr)
        return 1 if stale else 0
    for name in write_files(services):
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
