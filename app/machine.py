"""What the tests need of the machine beyond the locked libraries, whether it is there, and how to get it.

A test names what it needs by `@pytest.mark.needs("go")`; where that is missing it is skipped with the remedy as its
reason, and `./market test` says so before and after. This table is the only place that knows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import ocds_tools

GO_MODULE_SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


@dataclass(frozen=True)
class Part:
    """One thing that may be missing. `layers`: the folders of tests/ that use it."""

    name: str
    purpose: str
    layers: tuple[str, ...]
    is_present: Callable[[], bool]
    how_to_get: str
    packages: tuple[str, ...] = ()  # of Debian, where that is the way
    install: Callable[[], str | None] | None = None  # another way: None when it went well, else why not

    @property
    def gap(self) -> str:
        return f"{self.name} ({self.purpose}) is missing. {self.how_to_get}"


CONFORMANCE = ("merkle", "jcs", "ocds", "hsds")


def _has_conformance_material() -> bool:
    folder = os.environ.get("MARKET_CONFORMANCE_DIR")
    return bool(folder) and all((Path(str(folder)) / part).is_dir() for part in CONFORMANCE)


def _has_go() -> bool:
    return shutil.which("go") is not None and GO_MODULE_SOURCES.is_dir()


def _has_rabbitmq() -> bool:
    """A broker of somebody's, the server's scripts, or an engine that runs containers."""
    if os.environ.get("MARKET_AMQP_URL") or shutil.which("rabbitmq-server"):
        return True
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def debian_postgres() -> Path | None:
    """The programs of the newest PostgreSQL that Debian's packages have put here."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in found), key=lambda path: int(path.parent.name), default=None)


def faketime_library() -> Path | None:
    """The library that gives a process another clock."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _debian(*packages: str) -> str:
    return f"Get it: apt-get install {' '.join(packages)}"


GO_PACKAGES = ("golang-go", "golang-golang-x-mod-dev")

PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            "conformance",
            "what others published: vectors for Merkle proofs and canonical JSON, schemas of OCDS and HSDS",
            ("conformance",),
            _has_conformance_material,
            "Get it: fill a folder with merkle/ (the proofs of github.com/transparency-dev/merkle, testdata, one JSON"
            " object a line), jcs/ (testdata of github.com/cyberphone/json-canonicalization), ocds/standard-1__1__5.zip"
            " (the tag of github.com/open-contracting/standard) and hsds/3.0 (of github.com/openreferral/specification),"
            " then:"
            " MARKET_CONFORMANCE_DIR=FOLDER ./market test conformance",
        ),
        Part(
            "go",
            "verifies checkpoints and receipts with Go's own x/mod",
            ("conformance",),
            _has_go,
            _debian(*GO_PACKAGES),
            GO_PACKAGES,
        ),
        Part(
            "ocds-tools",
            "libcoveocds and ocdskit, the open contracting standard's own tools",
            ("conformance",),
            ocds_tools.are_present,
            "Get it: .venv/bin/python -m app.ocds_tools",
            install=ocds_tools.install,
        ),
        Part(
            "hledger",
            "adds the ledger's text up with another program",
            ("unit", "component"),
            lambda: shutil.which("hledger") is not None,
            _debian("hledger"),
            ("hledger",),
        ),
        Part(
            "rabbitmq",
            "the broker between services; faults are done to a node of the tests' own",
            ("integration", "faults", "deploy"),
            _has_rabbitmq,
            _debian("rabbitmq-server") + ", or name one: MARKET_AMQP_URL=amqp://user:password@host/",
            ("rabbitmq-server",),
        ),
        Part(
            "faketime",
            "gives a service's process a wrong clock",
            ("faults",),
            lambda: faketime_library() is not None,
            _debian("faketime"),
            ("faketime",),
        ),
        Part(
            "promtool",
            "checks Prometheus' configuration and plays its rules",
            ("deploy",),
            lambda: shutil.which("promtool") is not None,
            _debian("prometheus"),
            ("prometheus",),
        ),
        Part(
            "postgresql",
            "a server with TLS, which the embedded one does without",
            ("deploy",),
            lambda: debian_postgres() is not None,
            _debian("postgresql"),
            ("postgresql",),
        ),
        Part(
            "kubectl",
            "puts the files of deploy/kubernetes together as a cluster would get them",
            ("deploy",),
            lambda: shutil.which("kubectl") is not None,
            _debian("kubernetes-client"),
            ("kubernetes-client",),
        ),
        Part(
            "root",
            "starts PostgreSQL as root and as somebody else",
            ("unit",),
            lambda: os.geteuid() == 0,
            "Get it: sudo ./market test unit",
        ),
    )
}


def missing_parts(layers: Iterable[str]) -> list[Part]:
    """The parts that tests of `layers` need and that are not here."""
    wanted = set(layers)
    return [part for part in PARTS.values() if wanted & set(part.layers) and not part.is_present()]


def install_parts(parts: Iterable[Part]) -> str | None:
    """Installs what `parts` can be had by; None when that went well, else why not, in a sentence."""
    parts = list(parts)
    problem = _install_packages([package for part in parts for package in part.packages])
    for part in parts:
        if problem is None and part.install:
            problem = part.install()
    return problem


def _install_packages(packages: Sequence[str]) -> str | None:
    """The same for Debian's packages."""
    if not packages:
        return None
    command = f"apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        return f"this is no Debian: install what corresponds to {' '.join(packages)} by hand"
    if os.geteuid() != 0:
        return f"only root may install packages: sudo {command}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        print(f"apt-get {' '.join(step)} …", flush=True)
        done = subprocess.run(
            ["apt-get", "--quiet", *step],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            return f"`apt-get {step[0]}` failed (by hand: {command}):\n{done.stdout[-2000:]}"
    return None
