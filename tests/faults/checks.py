"""What must hold after every fault. Each check gives sentences that say what is wrong; none means that all is right.

accepted    what a caller was told is in the log, exactly once, and nothing else is there
positions   every log counts from 1 without a gap, its chain verifies and ends in its head
versions    the versions of every stream are 1, 2, 3, … in the order of the log
effects     every foreign event that has effects here has had each of them exactly once; due commands too
tables      states and read tables are what a replay of the logs gives
publication every entry reached the bus, and for the first time in order
backlog     nothing waits
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from app.replay.fold import Fold, ReplayError
from app.replay.live import Live
from kernel.chain import ChainError, event_bytes, verify_chain
from tests.faults.system import System
from tests.faults.transport import published

Findings = list[str]


def check(system: System) -> None:
    """Every check; fails with all that they found."""
    found = [f"{name}: {what}" for name, look in CHECKS.items() for what in look(system)]
    assert not found, "\n".join(found[:40])


def entries(system: System, service: str) -> list[bytes]:
    return [bytes(row[0]) for row in system.market.sql(f"SELECT entry FROM {service}.log ORDER BY sequence")]


def events(system: System, service: str) -> list[dict[str, Any]]:
    return [orjson.loads(event_bytes(entry)) for entry in entries(system, service)]


def accepted(system: System) -> Findings:
    found: Findings = []
    told = system.book.accepted()
    logged: dict[str, list[str]] = {}
    for service in system.market.services:
        for event in events(system, service.name):
            if "causationid" not in event:  # what reactions and due commands did is the business of `effects`
                logged.setdefault(event["correlationid"], []).append(event["id"])
    for key in sorted(told.keys() | logged.keys()):
        if sorted(told.get(key, [])) != sorted(logged.get(key, [])):
            found.append(f"{key} was told {told.get(key, [])}, the log has {logged.get(key, [])}")
    return found + [f"{sent.key} was never settled" for sent in system.book.unknown()]


def positions(system: System) -> Findings:
    found: Findings = []
    for service in system.market.services:
        name = service.name
        sequences = [row[0] for row in system.market.sql(f"SELECT sequence FROM {name}.log ORDER BY sequence")]
        if sequences != list(range(1, len(sequences) + 1)):
            missing = sorted(set(range(1, (sequences or [0])[-1] + 1)) - set(sequences))
            found.append(f"{name}: the log has {len(sequences)} entries, missing are {missing}")
        [(sequence, head, sealed_at)] = system.market.sql(f"SELECT sequence, hash, sealed_at FROM {name}.log_head")
        try:
            link = verify_chain(entries(system, name))
        except ChainError as problem:
            found.append(f"{name}: {problem}")
            continue
        if (link.sequence, link.hash, link.sealedat) != (sequence, head, sealed_at):
            found.append(f"{name}: the chain ends in {link}, the head says {sequence} {head} {sealed_at}")
    return found


def versions(system: System) -> Findings:
    found: Findings = []
    for service in system.market.services:
        reached: Counter[str] = Counter()
        for event in events(system, service.name):
            subject, version = event["subject"], event["streamversion"]
            if version != reached[subject] + 1:
                found.append(f"{service.name} {subject} goes from {reached[subject]} to {version}")
            reached[subject] = version
    return found


def effects(system: System) -> Findings:
    put = [e["id"] for e in events(system, "box") if e["type"].split(".")[2] == "ThingPut"]
    reflected = Counter(e["causationid"] for e in events(system, "mirror"))
    found = [f"box event {id_} had {reflected[id_]} effects" for id_ in put if reflected[id_] != 1]
    found += [f"an effect of {id_}, which is no event of box" for id_ in reflected.keys() - set(put)]
    ticked: dict[str, list[int]] = {}
    wound: dict[str, int] = {}
    for event in events(system, "clockwork"):
        if event["type"].split(".")[2] == "Wound":
            wound[event["subject"]] = event["data"]["ticks"]
        else:
            ticked.setdefault(event["subject"], []).append(event["data"]["number"])
    for subject, ticks in wound.items():
        if ticked.get(subject, []) != list(range(1, ticks + 1)):
            found.append(f"{subject} was to tick 1 to {ticks} and ticked {ticked.get(subject, [])}")
    return found


def tables(system: System) -> Findings:
    market = system.market
    live = Live(market.url, market.services)
    try:
        fold = Fold(market.services, live.standing.limits, frozenset(live.standing.parked))
        for service in market.services:
            for sequence, entry in live.entries_after(service.name, 0):
                fold.feed(service.name, sequence, entry)
            for event in live.standing.unsealed[service.name]:
                fold.feed_unsealed(service.name, event)
        return [str(difference) for difference in (*fold.differences, *live.compare(fold))]
    except ReplayError as problem:
        return [f"a replay fails: {problem}"]
    finally:
        live.close()


def publication(system: System) -> Findings:
    found: Findings = []
    reached = published(system.published)
    for service in system.market.services:
        firsts = list(dict.fromkeys(reached.get(service.name, [])))
        [(head,)] = system.market.sql(f"SELECT sequence FROM {service.name}.log_head")
        lost = sorted(set(range(1, head + 1)) - set(firsts))
        if lost:
            found.append(f"{service.name}: never published: {lost}")
        if firsts != sorted(firsts):
            found.append(f"{service.name}: published out of order: {firsts}")
    return found


def backlog(system: System) -> Findings:
    found = list(system.market.installation.unsettled())
    for service in system.market.services:
        [(parked, due, behind)] = system.market.sql(
            f"SELECT (SELECT count(*) FROM {service.name}.parked), (SELECT count(*) FROM {service.name}.due), "
            f"(SELECT sequence FROM {service.name}.log_head) - (SELECT sequence FROM {service.name}.publication)"
        )
        found += [f"{service.name}: {count} {what}" for count, what in (
            (parked, "parked"), (due, "due"), (behind, "unpublished"),
        ) if count]  # fmt: skip
    return found


CHECKS: dict[str, Callable[[System], Findings]] = {
    "accepted": accepted,
    "positions": positions,
    "versions": versions,
    "effects": effects,
    "tables": tables,
    "publication": publication,
    "backlog": backlog,
}
