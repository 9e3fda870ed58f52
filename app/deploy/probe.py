"""`python -m app.deploy.probe URL`: whether a process answers there with 200, for a container's health check.

The image holds neither curl nor wget, and this needs nothing but Python.
"""

from __future__ import annotations

import sys
from urllib.error import URLError
from urllib.request import urlopen

WAIT_S = 3.0


def main(arguments: list[str]) -> int:
    """Exit status 0 for an answer 200."""
    if len(arguments) != 1 or not arguments[0].startswith("http://127.0.0.1:"):
        print("usage: python -m app.deploy.probe http://127.0.0.1:PORT/PATH", file=sys.stderr)
        return 2
    try:
        with urlopen(arguments[0], timeout=WAIT_S) as answer:
            return 0 if answer.status == 200 else 1
    except (URLError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
