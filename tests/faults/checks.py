"""What must hold after every fault. Each check gives sentences that say what is wrong; none means that all is right.

A accepted    what a caller was told is in the log, exactly once, and nothing else is there
B effects     every foreign event that has effects here has had each of them exactly once; due commands too
C sums        what was put in, what every total says and what the mirror has seen are one number; none is below zero
D positions   every log counts from 1 without a gap, its chain verifies and ends in its head
  tree        the audit's leaves are the logs' entries, each once, and every checkpoint signs the root over its leaves
E versions    the versions of every stream are 1, 2, 3, … in the order of the log
F tables      states and read tables are what a replay of the logs gives
R backlog     nothing waits
  publication every entry reached the bus, and for the first time in order

`effects`, `sums` and `publication` know the toys; the others hold for any market (`check_market`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from app.replay.fold import Fold, ReplayError
from app.replay.live import Live
from kernel.chain import ChainError, event_bytes, verify_chain
from kernel.keys import PublicKeys
from kernel.merkle import CompactRange, leaf_hashes
from kernel.note import Verifier, open_checkpoint
from tests.faults.book import Book
from tests.faults.system import System
from tests.support import Market

Findings = list[str]


class Kept(Protocol):
    """A market, and the book of what was asked of it."""

    @property
    def market(self) -> Market: ...

    @property
    def book(self) -> Book: ...


def check(system: System) -> None:
    """Every check; fails with all that they found."""
    _hold(CHECKS, system)


def check_market(kept: Kept, known: str = "") -> None:
    """What holds for any market. `known`: the start of a sentence about what the test itself has put into a table."""
    _hold(OF_ANY_MARKET, kept, known)


def _hold(looks: dict[str, Any], kept: Any, known: str = "") -> None:
    found = [f"{name}: {what}" for name, look in looks.items() for what in look(kept)]
    found = [line for line in found if not known or not line.startswith(known)]
    assert not found, "\n".join(found[:40])


def entries(system: Kept, service: str) -> list[bytes]:
    return [bytes(row[0]) for row in system.market.sql(f"SELECT entry FROM {service}.log ORDER BY sequence")]


def events(system: Kept, service: str) -> list[dict[str, Any]]:
    return [orjson.loads(event_bytes(entry)) for entry in entries(system, service)]


def accepted(system: Kept) -> Findings:
    found: Findings = []
    told = system.book.accepted()
    logged: dict[str, list[str]] = {}
    for service in system.market.services:
        for event in events(system, service.name):
            # What reactions, due commands and duties did, nobody was told: that is the business of `effects`.
            if "causationid" not in event and not event["actor"].startswith("system:"):
                logged.setdefault(event["correlationid"], []).append(event["id"])
    for key in sorted(told.keys() | logged.keys()):
        if sorted(told.get(key, [])) != sorted(logged.get(key, [])):
            found.append(f"{key} was told {told.get(key, [])}, the log has {logged.get(key, [])}")
    return found + [f"{sent.key} was never settled" for sent in system.book.unknown()]


def positions(system: Kept) -> Findings:
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


def versions(system: Kept) -> Findings:
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


def sums(system: System) -> Findings:
    put: Counter[str] = Counter()
    for event in events(system, "box"):
        if event["type"].split(".")[2] == "ThingPut":
            put[event["data"]["colour"]] += event["data"]["amount"]
    market = system.market
    held = dict(market.sql("SELECT state->>'colour', sum((state->>'held')::bigint)::bigint FROM box.box GROUP BY 1"))
    totals = dict(market.sql("SELECT colour, amount FROM box.total"))
    found = [
        f"{colour}: put in {put[colour]}, held {held.get(colour, 0)}, total {totals.get(colour, 0)}"
        for colour in sorted(put.keys() | held.keys() | totals.keys())
        if not put[colour] == held.get(colour, 0) == totals.get(colour, 0)
    ]
    [(seen, parked)] = market.sql(
        "SELECT (SELECT coalesce(sum(amount), 0)::bigint FROM mirror.seen), (SELECT count(*) FROM mirror.parked)"
    )
    if seen != put.total() and not parked:
        found.append(f"put in {put.total()}, the mirror has seen {seen}")
    below = market.sql("SELECT id::text FROM box.box WHERE (state->>'held')::bigint < 0")
    return found + [f"{box_id} holds less than nothing" for (box_id,) in below]


def tree(system: Kept) -> Findings:
    """Nothing to say where there is no audit service."""
    names = [service.name for service in system.market.services]
    if "audit" not in names:
        return []
    market = system.market
    leaves = market.sql('SELECT "index", source, sequence, entry FROM audit.leaf ORDER BY "index"')
    found = [f"leaf {index} stands at {at}" for at, (index, *_) in enumerate(leaves) if index != at][:1]
    kept = {(source, sequence): bytes(entry) for _, source, sequence, entry in leaves}
    logged = {
        (name, sequence): bytes(entry)
        for name in names
        if name != "audit"
        for sequence, entry in market.sql(f"SELECT sequence, entry FROM {name}.log")
    }
    found += [
        f"{name} {n} is not as in its log" for name, n in sorted(logged) if kept.get((name, n)) != logged[name, n]
    ]
    found += [f"{name} {n} is in no log" for name, n in sorted(kept.keys() - logged.keys())]
    verifier = Verifier(market.settings.origin, PublicKeys(market.settings.keys).of("log"))
    grown, at = CompactRange(), 0
    for size, root, note in market.sql("SELECT size, root, note FROM audit.checkpoint ORDER BY size"):
        grown.extend(leaf_hashes(bytes(entry) for *_, entry in leaves[at:size]))
        at = size
        signed = open_checkpoint(note, [verifier])
        if not (grown.size, grown.root()) == (size, bytes(root)) == (signed.size, signed.root):
            found.append(f"the checkpoint of {size} signs another tree")
    return found


def tables(system: Kept) -> Findings:
    market = system.market
    folded = [service for service in market.services if not service.deposit]  # what it takes is what `tree` looks at
    live = Live(market.url, folded)
    try:
        fold = Fold(folded, live.standing.limits, frozenset(live.standing.parked))
        for service in folded:
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
    reached = system.reached()
    for service in system.market.services:
        firsts = list(dict.fromkeys(reached.get(service.name, [])))
        [(head,)] = system.market.sql(f"SELECT sequence FROM {service.name}.log_head")
        lost = sorted(set(range(1, head + 1)) - set(firsts))
        if lost:
            found.append(f"{service.name}: never published: {lost}")
        if firsts != sorted(firsts):
            found.append(f"{service.name}: published out of order: {firsts}")
    return found


def waiting(system: Kept) -> Findings:
    """What ought to be done by now, and streams that wait for a person."""
    found = list(system.market.installation.unsettled())
    for service in system.market.services:
        [(parked,)] = system.market.sql(f"SELECT count(*) FROM {service.name}.parked")
        found += [f"{service.name}: {parked} parked"] if parked else []
    return found


def backlog(system: System) -> Findings:
    """Also what is due later, which toys have not, and what no bus has had."""
    found = waiting(system)
    for service in system.market.services:
        [(due, behind)] = system.market.sql(
            f"SELECT (SELECT count(*) FROM {service.name}.due), "
            f"(SELECT sequence FROM {service.name}.log_head) - (SELECT sequence FROM {service.name}.publication)"
        )
        found += [f"{service.name}: {count} {what}" for count, what in ((due, "due"), (behind, "unpublished")) if count]
    return found


OF_ANY_MARKET: dict[str, Callable[[Kept], Findings]] = {
    "accepted": accepted,
    "positions": positions,
    "tree": tree,
    "versions": versions,
    "tables": tables,
    "waiting": waiting,
}
CHECKS: dict[str, Callable[[System], Findings]] = {
    **{name: look for name, look in OF_ANY_MARKET.items() if name != "waiting"},
    "backlog": backlog,
    "effects": effects,
    "sums": sums,
    "publication": publication,
}
