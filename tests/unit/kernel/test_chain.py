"""The chain: entries made by concatenation are canonical, come apart again, and hide no change."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import canonical, chain
from kernel.chain import MAX_ENTRY_BYTES, NO_HASH, START, ChainError, Link, verify_chain

AT = "2027-01-01T00:00:00.000000Z"


def entries(count: int) -> list[bytes]:
    made, link = [], START
    for number in range(count):
        event = canonical.dumps({"id": f"e{number}", "data": {"price": 100 + number}})
        entry, link = chain.next_entry(link, event, f"2027-01-01T00:00:{number // 3:02d}.000000Z")
        made.append(entry)
    return made


def linked(events: list[bytes], instants: list[str], first: int = 1) -> list[bytes]:
    """Entries as a forger would write them: the hashes right, all else as wished."""
    made, previous = [], NO_HASH
    for number, (event, instant) in enumerate(zip(events, instants, strict=True), first):
        tail = f',"prevhash":"{previous}","sealedat":"{instant}","sequence":{number}}}'
        made.append(b'{"event":' + event + tail.encode())
        previous = sha256(made[-1]).hexdigest()
    return made


def test_the_first_entry_to_the_byte() -> None:
    entry = chain.make_entry(b'{"id":"a"}', NO_HASH, AT, 1)
    assert entry == (
        b'{"event":{"id":"a"},"prevhash":"' + b"0" * 64 + b'","sealedat":"2027-01-01T00:00:00.000000Z","sequence":1}'
    )


JSON = st.recursive(
    st.none() | st.integers(-1000, 1000) | st.text(max_size=20) | st.just(f'"prevhash":"{NO_HASH}"'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "prevhash", "z"]), inner),
)


@given(st.dictionaries(st.sampled_from(["id", "event", "sequence", "prevhash"]), JSON), st.integers(1, 2**53 - 1))
def test_an_entry_is_canonical_and_comes_apart_without_parsing(event: dict[str, Any], sequence: int) -> None:
    body = canonical.dumps(event)
    previous = sha256(body).hexdigest()
    entry = chain.make_entry(body, previous, AT, sequence)
    whole = {"event": event, "prevhash": previous, "sealedat": AT, "sequence": sequence}
    assert entry == canonical.dumps(whole)
    assert chain.event_bytes(entry) == body
    assert chain.take_apart(entry) == chain.Entry(body, previous, AT, sequence)


@pytest.mark.parametrize(
    ("event", "previous", "instant", "sequence"),
    [
        (b"[]", NO_HASH, AT, 1),
        (b"", NO_HASH, AT, 1),
        (b'{"a":\n1}', NO_HASH, AT, 1),
        (b"{}", NO_HASH[1:], AT, 1),
        (b"{}", "A" * 64, AT, 1),
        (b"{}", NO_HASH, "2027-01-01T00:00:00Z", 1),
        (b"{}", NO_HASH, "2027-02-30T00:00:00.000000Z", 1),
        (b"{}", NO_HASH, "2027-01-01T00:00:00.000000+00:00", 1),
        (b"{}", NO_HASH, AT, 0),
        (b"{}", NO_HASH, AT, 2**53),
        (b'{"a":"' + b"x" * MAX_ENTRY_BYTES + b'"}', NO_HASH, AT, 1),
    ],
)
def test_what_makes_no_entry_is_refused(event: bytes, previous: str, instant: str, sequence: int) -> None:
    with pytest.raises(ValueError):
        chain.make_entry(event, previous, instant, sequence)


def test_the_largest_entry_is_made_and_verified() -> None:
    room = MAX_ENTRY_BYTES - len(chain.make_entry(b'{"a":""}', NO_HASH, AT, 1))
    entry = chain.make_entry(b'{"a":"' + b"x" * room + b'"}', NO_HASH, AT, 1)
    assert len(entry) == MAX_ENTRY_BYTES
    assert verify_chain([entry]).sequence == 1
    longer = linked([b'{"a":"' + b"x" * (room + 1) + b'"}'], [AT])
    with pytest.raises(ChainError, match="entry 1: it has 60001 bytes"):
        verify_chain(longer)


def test_a_whole_chain_and_its_parts_verify() -> None:
    log = entries(40)
    end = verify_chain(log)
    assert end == Link(40, chain.entry_hash(log[-1]), "2027-01-01T00:00:13.000000Z")
    middle = verify_chain(iter(log[:17]))
    assert verify_chain(log[17:], middle, end.hash) == end
    assert verify_chain([]) == START


def test_a_clock_that_goes_back_does_not_move_sealedat_back() -> None:
    first, link = chain.next_entry(START, b"{}", "2027-01-02T00:00:00.000000Z")
    second, link = chain.next_entry(link, b"{}", AT)
    assert link.sealedat == "2027-01-02T00:00:00.000000Z"
    assert verify_chain([first, second]) == link


def test_every_flipped_byte_is_found_at_its_entry() -> None:
    log = entries(4)
    head = chain.entry_hash(log[-1])
    for number, entry in enumerate(log):
        for at in range(len(entry)):
            changed = bytearray(entry)
            changed[at] ^= 0x01
            with pytest.raises(ChainError) as found:
                verify_chain([*log[:number], bytes(changed), *log[number + 1 :]], head=head)
            assert found.value.sequence == number + 1, f"byte {at} of entry {number + 1}: {found.value}"


def test_a_flipped_byte_is_found_wherever_it_is_in_a_long_log() -> None:
    """Entries are verified many at once: where such a batch ends, or a sequence has a digit more, changes nothing."""
    log = linked([b'{"n":%d}' % number for number in range(1100)], [AT] * 1100)
    head = chain.entry_hash(log[-1])
    assert verify_chain(log, head=head) == Link(1100, head, AT)
    for number in (1, 2, 9, 10, 99, 100, 255, 256, 257, 512, 513, 999, 1000, 1024, 1025, 1100):
        entry = log[number - 1]
        for at in (0, 9, 10, len(entry) - 120, len(entry) - 40, len(entry) - 2, len(entry) - 1):
            changed = entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]
            with pytest.raises(ChainError) as found:
                verify_chain([*log[: number - 1], changed, *log[number:]], head=head)
            assert found.value.sequence == number, f"byte {at}: {found.value}"


@pytest.mark.parametrize(
    ("damage", "sequence", "what"),
    [
        (lambda log: log[:4] + log[5:], 5, "sequence 6 in its place"),
        (lambda log: [*log[:4], log[4], *log[4:]], 6, "sequence 5 in its place"),
        (lambda log: [*log[:3], log[4], log[3], *log[5:]], 4, "sequence 5 in its place"),
        (lambda log: log[1:], 1, "sequence 2 in its place"),
        (lambda log: [*log[:4], b"", *log[4:]], 5, "not those of an entry"),
        (lambda log: [*log[:4], log[4] + b" ", *log[5:]], 5, "not those of an entry"),
        (lambda log: log[:-1], 9, "as the log's end was signed"),
    ],
)
def test_a_log_that_was_cut_or_shuffled_is_refused(damage: Any, sequence: int, what: str) -> None:
    log = entries(10)
    with pytest.raises(ChainError, match=what) as found:
        verify_chain(damage(log), head=chain.entry_hash(log[-1]))
    assert found.value.sequence == sequence


@pytest.mark.parametrize(
    ("events", "instants", "what"),
    [
        ([b"{}", b"{}"], [AT, "2026-12-31T23:59:59.999999Z"], "entry 2: sealed at 2026.*before its predecessor"),
        ([b"{}"], ["2027-13-01T00:00:00.000000Z"], "entry 1: sealedat is not an instant"),
        ([b"{}", b"{}"], [AT, "2027-01-01T00:00:60.000000Z"], "entry 2: sealedat is not an instant"),
        ([b"{}", b"{}"], [AT, "2027-01-01T00:61:00.000000Z"], "entry 2: sealedat is not an instant"),
        ([b"{}", b"{}"], [AT, "2027-01-01T00:00:0:.000000Z"], "entry 2: sealedat is not an instant"),
        ([b"[1]"], [AT], "entry 1: its event is not an object"),
        ([b'{"a":1}x'], [AT], "entry 1: its event is not an object"),
    ],
)
def test_wrong_contents_with_right_hashes_are_refused(events: list[bytes], instants: list[str], what: str) -> None:
    with pytest.raises(ChainError, match=what):
        verify_chain(linked(events, instants))


def test_an_inserted_line_cannot_pass_as_two_spellings() -> None:
    """A doubled member is cut out as it stands, so the reader of the event refuses it instead of choosing one."""
    log = linked([b'{"id":"a"},"event":{"id":"b"}'], [AT])
    verify_chain(log)
    with pytest.raises(ValueError):
        canonical.loads_canonical(chain.event_bytes(log[0]))
