"""The transaction of a command (D2), the sealer (D3), subscriptions and parking (D4) on a real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kernel.chain import verify_chain
from kernel.ids import new_id
from kernel.receipt import verify
from tests.support import Market, market, person
from tests.toy import services
from tests.toy.services import POISON, box_service, mirror_service

KEEPER = person("keeper")


@pytest.fixture(scope="module")
def toys(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], module_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def opened(toys: Market, colour: str = "red", **more: object) -> str:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": colour, **more}, KEEPER)
    return box_id


def test_a_command_writes_state_read_table_reply_and_event_together(toys: Market) -> None:
    box_id = opened(toys, "blue")
    answer = toys.do("box.put", {"id": box_id, "amount": 7}, KEEPER)
    assert answer["reply"] == {"held": 7} and answer["version"] == 2 and len(answer["events"]) == 1
    assert toys.ask("box.total_of", {"colour": "blue"}) == {"amount": 7}
    [(version, state)] = toys.sql("SELECT version, state FROM box.box WHERE id = %s", (box_id,))
    assert version == 2 and state == {"status": "open", "colour": "blue", "held": 7}


def test_a_receipt_is_signed_over_the_event_at_once(toys: Market) -> None:
    answer = toys.do("box.put", {"id": opened(toys), "amount": 1}, KEEPER)
    assert answer["receipt"]["event_id"] == answer["events"][0]
    assert verify(answer["receipt"]).event_id == answer["events"][0]


def test_a_read_table_takes_away_down_to_its_floor(toys: Market) -> None:
    box_id = opened(toys, "amber")
    toys.do("box.put", {"id": box_id, "amount": 9}, KEEPER)
    toys.do("box.put", {"id": box_id, "amount": -4}, KEEPER)
    assert toys.ask("box.total_of", {"colour": "amber"}) == {"amount": 5}


def test_the_same_key_is_done_once_and_answers_the_same(toys: Market) -> None:
    box_id = opened(toys)
    first = toys.do("box.put", {"id": box_id, "amount": 3}, KEEPER, key="k1")
    again = toys.do("box.put", {"id": box_id, "amount": 3}, KEEPER, key="k1")
    assert again.pop("replayed") and again == first
    assert toys.refused("box.put", {"id": box_id, "amount": 4}, KEEPER, key="k1") == "idempotency_key_reused"
    assert toys.sql("SELECT state->>'held' FROM box.box WHERE id = %s", (box_id,)) == [("3",)]


def test_the_same_key_sent_by_many_at_once_is_done_once(toys: Market) -> None:
    box_id = opened(toys)
    data = {"id": box_id, "amount": 1}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: toys.do("box.put", data, KEEPER, key="together"), range(16)))
    assert {a["version"] for a in answers} == {2}
    assert sum("replayed" not in a for a in answers) == 1


def test_concurrent_commands_on_one_stream_all_count(toys: Market) -> None:
    box_id = opened(toys, "grey")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: toys.do("box.put", {"id": box_id, "amount": 2}, KEEPER), range(40)))
    assert toys.ask("box.total_of", {"colour": "grey"}) == {"amount": 80}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"id": "x", "amount": 1}, "invalid_input"),
        ({"amount": 1}, "invalid_input"),
        ({"id": new_id(), "amount": "1"}, "invalid_input"),
        ({"id": new_id(), "amount": 1.5}, "invalid_input"),
        ({"id": new_id(), "amount": 10**30}, "invalid_input"),
        ({"id": new_id(), "amount": 1, "more": 1}, "invalid_input"),
        ({"id": new_id(), "amount": 1}, "not_found"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(toys: Market, data: dict[str, object], code: str) -> None:
    before = toys.sql("SELECT count(*) FROM box.outbox UNION ALL SELECT count(*) FROM box.reply")
    try:
        assert toys.refused("box.put", data, KEEPER) == code
    except ValueError:
        # Not even a stamp can be made for what has no canonical form: the gateway refuses it the same way.
        assert data["amount"] in (1.5, 10**30)
    assert toys.sql("SELECT count(*) FROM box.outbox UNION ALL SELECT count(*) FROM box.reply") == before


def test_roles_versions_and_states_are_checked_in_the_service(toys: Market) -> None:
    box_id = opened(toys)
    data = {"id": box_id, "amount": 1}
    assert toys.refused("box.put", data, person("auditor")) == "forbidden_role"
    assert toys.refused("box.put", data, None) == "unauthenticated"
    assert toys.refused("box.put", data, KEEPER, expected_version=7) == "stale_version"
    toys.do("box.put", data, KEEPER, expected_version=1)
    toys.do("box.shut_box", {"id": box_id}, KEEPER)
    assert toys.refused("box.put", data, KEEPER) == "wrong_state"
    assert toys.refused("box.open_box", {"id": box_id, "colour": "red"}, KEEPER) == "wrong_state"


def test_a_refusal_may_be_a_fact_and_is_kept_under_its_key(toys: Market) -> None:
    box_id = opened(toys, "full")
    for _ in range(10):
        toys.do("box.put", {"id": box_id, "amount": 1000}, KEEPER)
    answer = toys.answer("box.put", {"id": box_id, "amount": 1}, KEEPER, key="over")
    assert answer["refused"]["code"] == "box_full" and len(answer["events"]) == 1
    assert toys.answer("box.put", {"id": box_id, "amount": 1}, KEEPER, key="over")["events"] == answer["events"]


def test_a_call_past_its_deadline_or_with_a_false_stamp_is_dropped(toys: Market) -> None:
    box_id = opened(toys)
    data = {"id": box_id, "amount": 1}
    host = toys.installation.hosts["box"]
    call = toys.call("box.put", data, KEEPER)
    assert host.command("put", data, _with(call, deadline=1.0))["refused"]["code"] == "deadline_passed"
    old = toys.call("box.put", data, KEEPER, received_at=datetime.now(UTC) - timedelta(seconds=11))
    assert host.command("put", data, _with(old, deadline=time.time() + 60))["refused"]["code"] == "deadline_passed"
    assert host.command("put", {**data, "amount": 2}, call)["refused"]["code"] == "unauthenticated"
    moved = _with(call, received_at="2020-01-01T00:00:00.000000Z")
    assert host.command("put", data, moved)["refused"]["code"] == "unauthenticated"


def _with(call: object, **changes: object) -> object:
    from dataclasses import replace

    return replace(call, **changes)  # type: ignore[type-var]


def test_sealed_log_is_gap_free_chained_and_final(toys: Market) -> None:
    opened(toys)
    toys.work()
    entries = [bytes(e) for (e,) in toys.sql("SELECT entry FROM box.log ORDER BY sequence")]
    link = verify_chain(entries)
    [(sequence, hashed)] = toys.sql("SELECT sequence, hash FROM box.log_head")
    assert (link.sequence, link.hash) == (sequence, hashed) and sequence == len(entries) > 0
    for statement in ("DELETE FROM log", "UPDATE log SET subject = ''"):
        with pytest.raises(Exception, match="permission denied"), toys.installation.hosts["box"].engine.begin() as c:
            c.exec_driver_sql(statement)
    with pytest.raises(Exception, match="only added to"):
        toys.sql("DELETE FROM box.log")


def test_a_subscriber_follows_and_a_poison_event_parks_its_stream_alone(toys: Market) -> None:
    good, bad = opened(toys), opened(toys)
    toys.do("box.put", {"id": bad, "amount": POISON}, KEEPER)
    toys.do("box.put", {"id": bad, "amount": 1}, KEEPER)
    toys.do("box.put", {"id": good, "amount": 5}, KEEPER)
    toys.work()
    followed = dict(toys.sql("SELECT box_id::text, amount FROM mirror.seen"))
    assert followed[good] == 5 and bad not in followed
    assert toys.sql("SELECT count(*) FROM mirror.parked WHERE subject = %s", (f"Box/{bad}",)) == [(2,)]
    services.ANTIDOTE.append(True)
    try:
        [subscription] = toys.installation.workers["mirror"].subscriptions
        assert subscription.retry_parked(everything=True) == 2
    finally:
        services.ANTIDOTE.clear()
    assert dict(toys.sql("SELECT box_id::text, amount FROM mirror.seen"))[bad] == POISON + 1
    toys.work()
    [(sum_,)] = toys.sql("SELECT state->>'sum' FROM mirror.image WHERE id = %s", (bad,))
    assert sum_ == str(POISON + 1)


def test_due_commands_fire_once(toys: Market) -> None:
    box_id = opened(toys, shut_after_s=0)
    later = opened(toys, shut_after_s=3600)
    toys.work()
    states = dict(
        toys.sql("SELECT id::text, state->>'status' FROM box.box WHERE id = ANY(%s::uuid[])", ([box_id, later],))
    )
    assert states == {box_id: "shut", later: "open"}


def test_a_service_reads_nothing_of_another_but_its_log(toys: Market) -> None:
    with toys.installation.hosts["mirror"].engine.connect() as connection:
        connection.exec_driver_sql("SELECT entry FROM box.log LIMIT 1")
        with pytest.raises(Exception, match="permission denied"):
            connection.exec_driver_sql("SELECT * FROM box.box")


def test_threads_settle(toys: Market, tmp_path: Path) -> None:
    toys.installation.start()
    box_id = opened(toys, "thread")
    for _ in range(20):
        toys.do("box.put", {"id": box_id, "amount": 1}, KEEPER)
    toys.installation.settle(10)
    assert dict(toys.sql("SELECT box_id::text, amount FROM mirror.seen"))[box_id] == 20
