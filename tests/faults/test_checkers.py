"""Every check can fail: for each a bug is planted of the kind that it is there to find, and it finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from kernel import sealer as sealing
from kernel.ids import new_id
from kernel.pipeline import Statement, run
from kernel.publisher import Publisher, Sealed
from kernel.store import Store, Unit
from kernel.subscription import Subscription
from tests.faults.book import Sent
from tests.faults.checks import CHECKS, check
from tests.faults.patience import until
from tests.faults.system import System
from tests.faults.transport import FileTransport


def findings(system: System) -> dict[str, str]:
    """{check: what it found}, for those that found something."""
    return {name: "\n".join(found) for name, look in CHECKS.items() if (found := look(system))}


def test_without_a_bug_every_check_is_content(system: System) -> None:
    system.put(system.open_boxes(2), 6)
    system.give("clockwork.wind", {"id": new_id(), "ticks": 3})
    system.rest()
    assert findings(system) == {}


# -- commands ---------------------------------------------------------------------------------------------------------


def planted_store(system: System, kind: type[Store]) -> None:
    host = system.market.installation.hosts["box"]
    host.store = kind(host.service, host.clock, host.rules, host.settings.keys)


class TwoTransactions(Store):
    """Writes the outbox in a transaction of its own, before which the third command's process dies."""

    commands = 0

    def commit(self, unit: Unit, *reply: Any) -> None:
        self.commands += 1
        outbox, unit.outbox = unit.outbox, []
        super().commit(unit, *reply)
        unit.outbox = outbox if self.commands != 3 else []
        super().finish(unit)
        unit.connection.connection.driver_connection.commit()  # type: ignore[union-attr]


def test_an_outbox_in_a_transaction_of_its_own(system: System) -> None:
    boxes = system.open_boxes(1)
    planted_store(system, TwoTransactions)
    system.put(boxes, 3)
    system.rest()
    found = findings(system)
    assert "was told" in found["accepted"] and "the log has []" in found["accepted"]
    assert f"box.box {boxes[0]}: version is 4, the log says 3" in found["tables"]


class NoReply(Store):
    """Keeps no reply under the key."""

    def commit(self, unit: Unit, *reply: Any) -> None:
        self.finish(unit)
        unit.batch.flush(("COMMIT", ()))


def test_a_command_done_twice_for_one_key(system: System) -> None:
    boxes = system.open_boxes(1)
    planted_store(system, NoReply)
    for _ in range(2):
        system.give("box.put", {"id": boxes[0], "amount": 1}, key="sent twice")
    system.rest()
    assert "sent twice was told" in findings(system)["accepted"]


def test_a_command_that_nobody_settled(system: System) -> None:
    system.book.sent["lost"] = Sent("lost", "box.put", {})
    assert findings(system) == {"accepted": "lost was never settled"}


def test_a_state_that_an_event_did_not_make_and_a_read_table_that_was_not_written(system: System) -> None:
    boxes = system.open_boxes(1)
    store = system.market.installation.hosts["box"].store
    store.service = replace(store.service, projections=())
    system.put(boxes, 1)
    system.rest()
    assert findings(system) == {
        "tables": "box.total red: (row) is 'no row', the log says 'a row'",
        "sums": "red: put in 1, held 1, total 0",
    }


def test_sums_that_are_not_one_number(system: System) -> None:
    [box_id] = system.open_boxes(1)
    system.put([box_id], 3)
    system.rest()
    system.market.sql("UPDATE box.box SET state = jsonb_set(state, '{held}', '-1')")
    system.market.sql("UPDATE mirror.seen SET amount = 5")
    found = findings(system)["sums"]
    assert found == (
        f"red: put in 6, held -1, total 6\nput in 6, the mirror has seen 5\n{box_id} holds less than nothing"
    )


# -- the log ----------------------------------------------------------------------------------------------------------


# What a careless sealer says instead of the right thing → the check that must find it, and what it must say.
BAD_SEALERS = {
    "takes the newest first": ("outbox ORDER BY id", "outbox ORDER BY id DESC", "versions", "goes from 0 to "),
    "takes an id for a cursor and skips one": (
        "outbox ORDER BY", "outbox WHERE mod(id, 4) <> 0 ORDER BY", "backlog", "box: to seal (",
    ),
    "skips a number": (
        "SELECT sequence, hash", "SELECT sequence + 1, hash", "positions", "missing are [1",
    ),
    "forgets the chain": (
        "SELECT sequence, hash", "SELECT sequence, repeat('0', 64)", "positions", "holds 0000",
    ),
    "leaves in the outbox what it has sealed": ("DELETE FROM outbox WHERE", "DELETE FROM outbox WHERE mod(id, 3) = 0 AND",
     "backlog", "box: to seal ("),
}  # fmt: skip


@pytest.mark.parametrize("bug", BAD_SEALERS)
def test_a_careless_sealer(system: System, bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, name, says = BAD_SEALERS[bug]
    boxes = system.open_boxes(1)
    worker = system.market.installation.workers["box"]
    rewritten: list[str] = []

    def careless(connection: Connection, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
        rewritten.extend(sql for sql, _ in statements if old in sql)
        return run(connection, [(sql.replace(old, new), values) for sql, values in statements])

    monkeypatch.setattr(sealing, "run", careless)
    for _ in range(3):
        system.put(boxes, 3)
        try:
            worker.sealer.seal()
        except Exception as problem:  # noqa: BLE001 - the database's own constraints may refuse it first
            assert "log_event_id_key" in str(problem), problem
    assert rewritten, "the sealer says something else by now: nothing was planted"
    assert says in findings(system)[name]


def test_a_head_that_is_not_the_end_of_the_chain(system: System) -> None:
    system.open_boxes(1)
    system.rest()
    system.market.sql("UPDATE box.log_head SET hash = repeat('a', 64)")
    assert "the chain ends in" in findings(system)["positions"]


# -- the tree ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def audited(system: System) -> System:
    """A system whose audit service has signed two checkpoints."""
    boxes = system.open_boxes(2)
    for _ in range(2):
        system.put(boxes, 3)
        system.rest()
        until(lambda: system.market.work() or _all_signed(system))
    assert findings(system) == {}
    return system


def _all_signed(system: System) -> bool:
    [(leaves, signed)] = system.market.sql(
        "SELECT (SELECT count(*) FROM audit.leaf), (SELECT max(size) FROM audit.checkpoint)"
    )
    return bool(leaves == signed)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM audit.leaf WHERE source = 'box' AND sequence = 3", "box 3 is not as in its log"),
        ("UPDATE audit.leaf SET sequence = 99 WHERE source = 'box' AND sequence = 3", "box 99 is in no log"),
        (r"UPDATE audit.leaf SET entry = overlay(entry PLACING '\x39' FROM 60) WHERE sequence = 2", "signs another tree"),
        ("UPDATE audit.checkpoint SET root = sha256(root) WHERE size = (SELECT min(size) FROM audit.checkpoint)",
         "signs another tree"),
        ("UPDATE audit.checkpoint SET note = (SELECT note FROM audit.checkpoint ORDER BY size LIMIT 1)",
         "signs another tree"),
        ('UPDATE audit.leaf SET "index" = 1000 WHERE "index" = 4', "leaf 5 stands at 4"),
    ],
)  # fmt: skip
def test_a_tree_that_is_not_over_the_logs(audited: System, damage: str, says: str) -> None:
    audited.market.sql(f"SET LOCAL session_replication_role = replica; {damage}")
    assert says in findings(audited)["tree"]


# -- subscribers, schedule, publisher ---------------------------------------------------------------------------------


class MovesLater(Subscription):
    """Moves its checkpoint in a transaction of its own, before which it dies once."""

    died = False

    def catch_up(self) -> int:
        passed = super().catch_up()
        if passed and not self.died:
            self.died = True
            with self._host.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE subscription SET sequence = sequence - 2")
        return passed


class MovesFirst(Subscription):
    """Moves its checkpoint before the effects, and dies between the two."""

    def catch_up(self) -> int:
        with self._host.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE subscription SET sequence = sequence + 3 WHERE sequence = 0")
        return super().catch_up()


@pytest.mark.parametrize(("kind", "had"), [(MovesLater, 2), (MovesFirst, 0)])
def test_a_checkpoint_that_moves_apart_from_the_effects(system: System, kind: type[Subscription], had: int) -> None:
    system.put(system.open_boxes(1), 6)
    worker = system.market.installation.workers["mirror"]
    worker.subscriptions = [kind(system.market.installation.hosts["mirror"], "box")]
    system.rest()
    found = findings(system)
    assert f"had {had} effects" in found["effects"]
    assert "mirror.seen" in found["tables"]


def _again(rows: Sequence[Any]) -> Sequence[Any]:
    return [rows[0], *rows]


def _reversed(rows: Sequence[Any]) -> Sequence[Any]:
    return rows[::-1]


def _without_first(rows: Sequence[Any]) -> Sequence[Any]:
    return rows[1:]


@pytest.mark.parametrize(
    ("change", "ticked"), [(_again, "[1, 1, 2, 3]"), (_reversed, "[3, 2, 1]"), (_without_first, "[2, 3]")]
)
def test_due_commands_that_fire_twice_or_never_or_in_disorder(
    system: System, change: Callable[[Sequence[Any]], Sequence[Any]], ticked: str
) -> None:
    system.give("clockwork.wind", {"id": new_id(), "ticks": 3})
    columns = "due_at, command, data, correlation_id, causation_id"
    due = system.market.sql(f"DELETE FROM clockwork.due RETURNING {columns}")
    for at, name, data, *why in change(due):
        system.market.sql(
            f"INSERT INTO clockwork.due ({columns}) VALUES (%s, %s, %s, %s, %s)",
            (at, name, orjson.dumps(data).decode(), *why),
        )
    system.rest()
    assert f"was to tick 1 to 3 and ticked {ticked}" in findings(system)["effects"]


class Disorderly(FileTransport):
    """A publisher's transport without order."""

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        super().publish(source, entries[::-1])


class Unconfirmed(Publisher):
    """Moves its cursor before the bus has anything, and dies."""

    def publish(self) -> int:
        with self._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE publication SET sequence = (SELECT sequence FROM log_head)")
        return 0


def test_a_publisher_without_order_or_without_confirmation(system: System) -> None:
    system.put(system.open_boxes(1), 4)
    worker, host = system.market.installation.workers["box"], system.market.installation.hosts["box"]
    worker.publisher = Publisher("box", host.engine, Disorderly(system.published))
    system.rest()
    assert "box: published out of order: [5, 4, 3, 2, 1]" in findings(system)["publication"]
    system.put(system.open_boxes(1), 1)
    worker.publisher = Unconfirmed("box", host.engine, Disorderly(system.published))
    system.rest()
    assert "box: never published: [6, 7]" in findings(system)["publication"]


def test_work_that_was_left_undone(system: System) -> None:
    system.put(system.open_boxes(1), 4)
    system.give("clockwork.wind", {"id": new_id(), "ticks": 2})
    assert "box: to seal (5)" in findings(system)["backlog"] and "clockwork: 2 due" in findings(system)["backlog"]
    system.market.installation.workers["box"].sealer.seal()
    assert (
        "mirror behind box (5)" in findings(system)["backlog"] and "box: 5 unpublished" in findings(system)["backlog"]
    )
    system.rest()
    check(system)
