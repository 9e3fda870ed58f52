"""Replaying a bundle: fold it, compute again what was computed, compare with the live system where asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.audit.bundle import Bundle, open_bundle
from app.failure import Failure
from app.replay.deadlines import Deadlines
from app.replay.digests import state_digests
from app.replay.fold import Difference, Fold, ReplayError, without_cycle_search
from app.replay.live import Live
from app.replay.opening import Openings
from app.replay.outcome import outcome_digests
from app.services import domain_services
from kernel.chain import ChainError, Link, take_apart
from kernel.instants import to_text
from services.access.verify import check_secrets as credentials
from services.vault.verify import check_secrets as vault_secrets

SHOWN = 50


@dataclass
class ReplayReport:
    """What a replay found. `differences`: computed values that come out otherwise, or live rows that differ."""

    entries: int = 0
    bids_opened: int = 0
    deadlines_counted: int = 0
    live_entries_after: int = 0
    state: dict[str, str] = field(default_factory=dict)
    outcome: dict[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


class Checks:
    """What is computed again beside the aggregates' own `computes`: openings of bids, deadlines."""

    def __init__(self, fold: Fold, bundle: Bundle) -> None:
        self.openings = Openings(fold)
        self.deadlines = Deadlines(bundle.region_files())
        fold.witnesses.append(self.deadlines.see)


def replay(file: Path, at: datetime | None = None, live_url: str | None = None) -> ReplayReport:
    """Replay the bundle in `file`, up to `at` where given, and compare with the live system at `live_url`.

    Raises Failure when an entry can't be folded or the live log isn't a continuation of the bundle's.
    """
    with open_bundle(file) as bundle, without_cycle_search():
        try:
            return _against_live(bundle, live_url) if live_url else _alone(bundle, at)
        except ReplayError as problem:
            raise Failure(
                str(problem), "this log was written by another release, or it was changed: verify it"
            ) from problem


def _alone(bundle: Bundle, at: datetime | None) -> ReplayReport:
    fold = Fold(domain_services())
    checks = Checks(fold, bundle)
    report = ReplayReport()
    for source, sequence, entry in _entries(bundle, at):
        fold.feed(source, sequence, entry)
        report.entries += 1
    return _finish(report, fold, checks)


def _against_live(bundle: Bundle, url: str) -> ReplayReport:
    services = domain_services()
    live = Live(url, services)
    try:
        fold = Fold(services, live.standing.limits, frozenset(live.standing.parked))
        checks = Checks(fold, bundle)
        report = ReplayReport()
        links: dict[str, Link] = {}
        for source, sequence, entry in _entries(bundle, None):
            fold.feed(source, sequence, entry)
            report.entries += 1
        for log in bundle.manifest.logs:
            links[log.source] = Link(log.last, log.head, "")
        _continue(fold, live, links, report)
        _finish(report, fold, checks)
        report.differences += list(live.compare(fold))
        report.differences += list(_secrets(live, fold))
        return report
    finally:
        live.close()


def _secrets(live: Live, fold: Fold) -> Iterator[Difference]:
    """What differs in the tables that aren't in the log, held against what the log fixes of them."""
    for service, check in (("access", credentials), ("vault", vault_secrets)):
        states = {
            aggregate.name: {key: state for key, (_, state) in fold.states[service, aggregate.name].items()}
            for aggregate in fold.services[service].aggregates
        }
        for found in check(live.connection, states):
            yield Difference(*found)


def _continue(fold: Fold, live: Live, links: dict[str, Link], report: ReplayReport) -> None:
    """Fold what the live system has logged since the bundle, and what waits for its sealer."""
    for service in fold.services:
        link = links.get(service, Link())
        try:
            live.continues(service, link)
        except ChainError as problem:
            raise Failure(
                f"the live log of {service} is not a continuation of the bundle's: {problem}",
                "keep the bundle: it is evidence; verify it with --trust, and compare with other copies",
            ) from problem
        for sequence, entry in live.entries_after(service, link.sequence):
            fold.feed(service, sequence, entry)
            report.live_entries_after += 1
        for event in live.standing.unsealed[service]:
            fold.feed_unsealed(service, event)


def _finish(report: ReplayReport, fold: Fold, checks: Checks) -> ReplayReport:
    checks.openings.finish()
    report.bids_opened = checks.openings.opened
    report.deadlines_counted = checks.deadlines.counted
    report.state = state_digests(fold)
    report.outcome = outcome_digests(fold)
    report.differences += [*fold.differences, *checks.openings.differences, *checks.deadlines.differences]
    return report


def _entries(bundle: Bundle, at: datetime | None) -> Iterator[tuple[str, int, bytes]]:
    """Entries in the tree's order; each log cut after the last one sealed by `at`."""
    limit = to_text(at) if at else None
    counts: dict[str, int] = {}
    for source, entry in bundle.in_tree_order():
        counts[source] = counts.get(source, 0) + 1
        if limit is None or take_apart(entry).sealedat <= limit:
            yield source, counts[source], entry
