"""A superuser edits a row behind everybody's back: the chain or the replay names what was changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel.chain import ChainError, verify_chain
from kernel.ids import new_id
from tests.faults.checks import (
    accepted,
    backlog,
    check,
    check_market,
    effects,
    entries,
    positions,
    sums,
    tables,
    versions,
)
from tests.faults.system import System
from tests.support import Market


@pytest.fixture
def history(system: System) -> System:
    system.put(system.open_boxes(3), 9)
    system.give("clockwork.wind", {"id": new_id(), "ticks": 3})
    system.rest()
    check(system)
    return system


@contextmanager
def edited(market: Market, table: str, statement: str) -> Iterator[None]:
    """`table` with one edit by a superuser, whom triggers don't stop; afterwards as it was."""
    market.sql(f"CREATE TABLE public.kept AS TABLE {table}")
    market.sql(f"SET LOCAL session_replication_role = replica; {statement}")
    try:
        yield
    finally:
        market.sql(
            f"SET LOCAL session_replication_role = replica; "
            f"DELETE FROM {table}; INSERT INTO {table} TABLE public.kept; DROP TABLE public.kept"
        )


SWAP = "UPDATE box.log a SET entry = b.entry FROM box.log b WHERE a.sequence + b.sequence = 13 AND a.sequence IN (6, 7)"
LOG_EDITS = [
    ("one byte", r"UPDATE box.log SET entry = overlay(entry PLACING '\x39' FROM 60) WHERE sequence = 5", 5),
    ("its instant", "UPDATE box.log SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'sealedat\":\"2', "
     "'sealedat\":\"1'), 'UTF8') WHERE sequence = 7", 7),
    ("taken out", "DELETE FROM box.log WHERE sequence = 4", 4),
    ("two swapped", SWAP, 6),
    ("put in again", "UPDATE box.log SET entry = (SELECT entry FROM box.log WHERE sequence = 8) WHERE sequence = 9", 9),
    ("the last one", r"UPDATE box.log SET entry = overlay(entry PLACING '\x39' FROM 60) WHERE sequence = 12", 12),
]  # fmt: skip


@pytest.mark.matrix(29, "superuser: bytes, instant, deletion, swap, repetition in a log")
def test_an_edited_log_is_found_by_its_chain_which_names_the_entry(history: System) -> None:
    [(head,)] = history.market.sql("SELECT hash FROM box.log_head")
    for what, statement, sequence in LOG_EDITS:
        with edited(history.market, "box.log", statement):
            with pytest.raises(ChainError) as caught:
                verify_chain(entries(history, "box"), head=head)
            assert caught.value.sequence == sequence, f"{what}: {caught.value}"
            assert positions(history), what
    check(history)


# Table, edit, what the comparison must name besides the table.
ROW_EDITS = [
    ("box.box", "UPDATE box.box SET version = version + 1", "version is 5, the log says 4"),
    ("box.box", "UPDATE box.box SET state = jsonb_set(state, '{held}', '999')", "state.held is 999, the log says"),
    ("box.box", "UPDATE box.box SET state = jsonb_set(state, '{status}', '\"shut\"')", "state.status is 'shut'"),
    ("box.box", "UPDATE box.box SET state = state - 'colour'", "state.colour is None, the log says 'red'"),
    ("box.box", "DELETE FROM box.box", "(row) is 'no row'"),
    ("box.box", "INSERT INTO box.box VALUES (gen_random_uuid(), 1, '{}')", "a row that no event made"),
    ("box.total", "UPDATE box.total SET amount = amount + 1", "red: amount is 46, the log says 45"),
    ("box.total", "UPDATE box.total SET colour = 'blue'", "blue: (row) is 'a row that no event made'"),
    ("mirror.image", "UPDATE mirror.image SET state = jsonb_set(state, '{sum}', '1')", "state.sum is 1"),
    ("mirror.seen", "UPDATE mirror.seen SET amount = 0", "amount is 0, the log says"),
    ("mirror.seen", "DELETE FROM mirror.seen", "(row) is 'no row'"),
    ("clockwork.clockwork", "UPDATE clockwork.clockwork SET state = jsonb_set(state, '{ticked,1}', '9')",
     "state.ticked[1] is 9, the log says 2"),
]  # fmt: skip


@pytest.mark.matrix(34, "superuser: 12 edits of states and read tables")
def test_an_edited_row_of_a_state_or_a_read_table_is_found_by_the_replay_which_names_it(history: System) -> None:
    for table, statement, named in ROW_EDITS:
        with edited(history.market, table, statement):
            found = tables(history)
        assert found and all(line.startswith(table) for line in found), f"{statement}: {found}"
        assert any(named in line for line in found), f"{statement}: {found}"
    check(history)


def test_the_edited_field_is_named_with_the_key_of_its_row(history: System) -> None:
    [(box_id,)] = history.market.sql("SELECT box_id::text FROM mirror.seen ORDER BY box_id LIMIT 1")
    with edited(history.market, "mirror.seen", f"UPDATE mirror.seen SET amount = 77 WHERE box_id = '{box_id}'"):
        [found] = tables(history)
    assert re.fullmatch(rf"mirror\.seen {box_id}: amount is 77, the log says \d+", found)


# -- withheld ---------------------------------------------------------------------------------------------------------


@pytest.mark.matrix(33, "superuser deletes an event before it is sealed")
def test_an_event_that_never_reached_the_log_is_a_hole_in_its_stream_and_in_the_callers_book(history: System) -> None:
    [box_id] = history.open_boxes(1)
    history.put([box_id], 3)
    history.market.sql("DELETE FROM box.outbox WHERE id = (SELECT min(id) + 2 FROM box.outbox)")
    history.market.installation.workers["box"].sealer.seal()
    assert versions(history) == [f"box Box/{box_id} goes from 2 to 4"]
    assert any("the log has []" in line for line in accepted(history))
    assert any("goes from version 2 to 4" in line for line in tables(history))
    assert positions(history) == [], "the sealer numbers what there is: this is found by the stream alone"


@pytest.mark.matrix(33, "superuser deletes a sealed event that nobody has read")
def test_an_event_taken_out_of_the_log_stops_its_readers_before_the_hole(history: System) -> None:
    sealer = history.market.installation.workers["box"].sealer
    history.put(history.open_boxes(1), 4)
    assert sealer.seal() == 5
    [(last,)] = history.market.sql("SELECT sequence FROM box.log_head")
    hole = last - 2
    with edited(history.market, "box.log", f"DELETE FROM box.log WHERE sequence = {hole}"):
        history.market.work()
        assert f"box: the log has {last - 1} entries, missing are [{hole}]" in positions(history)
        for reader in ("mirror", "audit"):
            reached = history.market.sql(f"SELECT sequence FROM {reader}.subscription WHERE source = 'box'")
            assert reached == [(hole - 1,)], reader
        assert {"mirror behind box (3)", "audit behind box (3)"} <= set(backlog(history)), "which an alarm is told"
    history.rest()  # it is put back, and they go on by themselves
    check_market(history)  # nobody has published it meanwhile: they have it from the log
    assert effects(history) == [] and sums(history) == []
