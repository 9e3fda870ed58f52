"""`python -m app.deploy [--check]`: write the files of deploy/ that are made from the code, or say which are stale."""

from __future__ import annotations

import sys

from app.deploy.generate import stale_files, write_files


def main(arguments: list[str]) -> int:
    """Exit status 0 when everything is as the code says (after writing, without `--check`)."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m app.deploy [--check]", file=sys.stderr)
        return 2
    if arguments:
        stale = stale_files()
        for name in stale:
            print(f"stale: deploy/{name}", file=sys.stderr)
        return 1 if stale else 0
    for name in write_files():
        print(f"deploy/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
