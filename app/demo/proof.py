"""The proof of a season from its own log: bundle, verify, replay, replay against the live system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.audit.export import export_bundle
from app.audit.verify import VerifyReport, verify_bundle
from app.demo.world import Unexpected, World
from app.failure import Failure
from app.replay.run import ReplayReport, replay
from kernel.identity import SigningKey
from kernel.note import Signer
from kernel.settings import Settings


@dataclass(frozen=True)
class Proof:
    """What the season's own bundle showed."""

    bundle: Path
    entries: int
    verified: VerifyReport
    alone: ReplayReport
    live: ReplayReport


def bundle_path(settings: Settings) -> Path:
    return settings.home / "season.zip"


def bundle(world: World, url: str, settings: Settings) -> tuple[Path, int]:
    """Write the bundle once a checkpoint covers every entry; where, and how many entries."""
    world.settle()
    path = bundle_path(settings)
    world.wait_for("a checkpoint over the whole log", lambda: _is_covered(world))
    entries, since = export_bundle(url, settings, path)
    world.expect("the bundle holds every entry", 0, since)
    return path, entries


def _is_covered(world: World) -> bool:
    [(leaves, signed)] = world.sql(
        "SELECT (SELECT count(*) FROM audit.leaf), (SELECT coalesce(max(size), 0) FROM audit.checkpoint)"
    )
    return bool(leaves == signed)


def verify(path: Path, settings: Settings) -> VerifyReport:
    """Verify the bundle against this installation's own key, as an auditor would against the published one."""
    key = str(Signer(settings.origin, SigningKey.at(settings.keys / "log.key").private).verifier)
    return verify_bundle(path, key)


def fold(path: Path, url: str | None, opened: int) -> ReplayReport:
    """Replay the bundle, beside the live system where `url` is given. Raises Unexpected for any difference."""
    report = replay(path, live_url=url)
    if report.differences:
        raise Unexpected("replaying the season", "no difference", "; ".join(map(str, report.differences[:5])))
    if report.bids_opened != opened:
        raise Failure(f"the replay opened {report.bids_opened} bids, the season {opened}", "please report this defect")
    return report
