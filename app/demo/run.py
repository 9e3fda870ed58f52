"""`./market demo`: a season from the register to the payments through the gateway, then its proof from its own log.

Exit status 0 only when every step came out as it must. Two runs have the same outcome: the digests say so.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from app.demo import (
    agreements,
    bidding,
    catalogue,
    certificates,
    changes,
    delivery,
    disputes,
    evaluation,
    orders,
    people,
    premises,
    proof,
    register,
    report,
)
from app.demo.api import Api
from app.demo.data import Season
from app.demo.misfortune import Misfortune
from app.demo.place import fresh_installation, fresh_processes
from app.demo.world import Place, World
from app.gateway import running
from kernel.logs import configure
from kernel.settings import Settings


def _until(month: int, day: int, play: Callable[[World], str], hour: int = 10) -> Callable[[World], str]:
    """`play` after the clock was moved to that day of the season."""

    def moved(world: World) -> str:
        world.move_to(month, day, hour)
        return play(world)

    return moved


PHASES: tuple[tuple[str, Callable[[World], str]], ...] = (
    ("Accounts and sign-in", people.settle_in),
    ("The register", register.play),
    ("The catalogue", catalogue.play),
    ("Places", _until(1, 13, orders.set_places)),
    ("Budget limits", orders.set_limits),
    ("Social orders", orders.form),
    ("Competitions announced", _until(1, 14, orders.announce)),
    ("Questions", _until(1, 18, bidding.ask_questions)),
    ("Sealed bids", _until(1, 25, bidding.bid)),
    ("Closing and opening", bidding.close),
    ("Formal check", _until(2, 9, evaluation.check)),
    ("Unseen scores", _until(2, 10, evaluation.score)),
    ("Rankings", _until(2, 11, evaluation.rank)),
    ("Standstill and awards", evaluation.award),
    ("Agreements", _until(2, 24, agreements.conclude)),
    ("Premises and collisions", _until(3, 10, premises.lend)),
    ("Three months of acts", delivery.deliver),
    ("Premises returned", premises.take_back),
    ("Changes and departures", changes.play),
    ("A disputed competition", disputes.play),
    ("Social certificates", certificates.play),
)


def main(as_json: bool = False, rabbit: bool = False) -> int:
    """Play, prove, tell. `rabbit`: over RabbitMQ, with the misfortunes of many processes."""
    settings = Settings()
    configure("ERROR")
    progress = report.Progress(quiet=as_json)
    season = Season(settings.region)
    progress.say(f"{season.region_name}, the season of {season.year}: a sandbox with invented people and numbers")
    begins = datetime(season.year, 1, 11, 9, tzinfo=ZoneInfo(season.zone))
    with ExitStack() as stack:
        place: Place
        misfortune = None
        if rabbit:
            place = stack.enter_context(fresh_processes(settings, begins, progress.say))
            misfortune, address = Misfortune(place.supervisor), place.address
        else:
            place = stack.enter_context(fresh_installation(settings, begins, progress.say))
            address = stack.enter_context(running(place, settings))
        world = World(season, place, _api(address))
        stack.callback(world.close)
        _play(world, progress, misfortune)
        counts = report.counts_of(world)
        shown = _prove(world, settings, progress)
    report.show(progress, counts)
    if as_json:
        sys.stdout.buffer.write(report.as_json(counts, shown, progress.seconds, _peak_mb()) + b"\n")
    progress.say(report.where_to_look(shown, progress.seconds, _peak_mb()))
    return 0


def _api(address: str) -> Api:
    parts = urlsplit(address)
    assert parts.hostname is not None and parts.port is not None
    return Api(parts.hostname, parts.port)


def _play(world: World, progress: report.Progress, misfortune: Misfortune | None) -> None:
    for title, play in PHASES:
        with misfortune.during(title) if misfortune else nullcontext():
            progress.phase(title, lambda play=play: play(world))  # type: ignore[misc]
    if misfortune:
        progress.phase("Misfortunes", misfortune.told)


def _prove(world: World, settings: Settings, progress: report.Progress) -> proof.Proof:
    """Bundle, verify, replay, and replay against what is live."""
    url, opened = world.place.url, world.facts["opened"]
    path, entries = progress.phase(
        "Bundle", lambda: proof.bundle(world, url, settings), lambda made: f"{made[1]:,} entries in {made[0]}"
    )
    verified = progress.phase(
        "Verify", lambda: proof.verify(path, settings), lambda found: f"signed by {found.key}, every hash is right"
    )
    alone = progress.phase(
        "Replay",
        lambda: proof.fold(path, None, opened),
        lambda found: f"{found.entries:,} entries folded, {found.bids_opened} bids opened again, all computed is right",
    )
    live = progress.phase(
        "Replay against live",
        lambda: proof.fold(path, url, opened),
        lambda found: "the live system is what the log says, row by row",
    )
    return proof.Proof(path, entries, verified, alone, live)


def _peak_mb() -> int:
    """The largest resident size that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
