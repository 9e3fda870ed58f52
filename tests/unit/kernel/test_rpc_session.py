"""AMQP as bytes in and bytes out: a whole message from any pieces, whatever is foreign ends the connection, never a loop."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header

from kernel.bus import wire
from kernel.bus.address import Address
from kernel.bus.call import Call
from kernel.bus.session import Broken, Message, Session

ADDRESS = Address.of("amqp://me:secret@broker.test/market")


def delivered(content: bytes, part: int = 100_000, tag: int = 7) -> bytes:
    """A delivery as the broker writes it, its body in frames of `part` bytes."""
    frames = [
        frame.marshal(commands.Basic.Deliver("calls", tag, False, wire.EXCHANGE, "box.put"), 1),
        frame.marshal(header.ContentHeader(0, len(content), commands.Basic.Properties(correlation_id="1")), 1),
    ]
    frames += [frame.marshal(body.ContentBody(content[at : at + part]), 1) for at in range(0, len(content), part)]
    return b"".join(frames)


def session() -> Session:
    return Session(ADDRESS, "test", ())


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 60))
def test_a_message_comes_whole_from_any_pieces(content: bytes, part: int, read: int) -> None:
    came: list[Message] = []
    ours, data = session(), delivered(content, part) * 2
    for at in range(0, len(data), read):
        came += ours.feed(data[at : at + read])
    assert [(m.tag, m.routing_key, m.body, m.properties.correlation_id) for m in came] == [
        (7, "box.put", content, "1")
    ] * 2


@given(st.binary(max_size=300_000))
def test_what_is_published_is_what_the_other_side_reads(content: bytes) -> None:
    ours = session()
    ours.taken()
    ours.publish("box.put", content, commands.Basic.Properties(reply_to="me"), mandatory=True)
    sent, parts, key = bytes(ours.taken()), [], ""
    while sent:
        size, channel, one = frame.unmarshal(sent)
        assert channel == 1 and size <= 131_072
        sent = sent[size:]
        if isinstance(one, commands.Basic.Publish):
            assert one.mandatory and one.exchange == wire.EXCHANGE
            key = one.routing_key
        elif isinstance(one, body.ContentBody):
            parts.append(one.value)
    assert (key, b"".join(parts)) == ("box.put", content)


def test_an_acknowledgement_is_amqps() -> None:
    ours = session()
    ours.taken()
    ours.ack(2**40)
    _, channel, one = frame.unmarshal(bytes(ours.taken()))
    assert (channel, one.name, one.delivery_tag, one.multiple) == (1, "Basic.Ack", 2**40, False)


def test_a_body_over_the_limit_is_known_and_not_kept() -> None:
    [message] = session().feed(delivered(b"x" * (wire.MOST_BYTES + 1)))
    assert message.body is None and message.tag == 7


@pytest.mark.parametrize(
    "bytes_",
    [
        struct.pack(">BHI", 1, 1, 2**31) + b"x",
        struct.pack(">BHI", 3, 1, 3) + b"abc\xce",
        struct.pack(">BHI", 8, 0, 0) + b"\x00",
        struct.pack(">BHI", 1, 1, 6) + b"\xff" * 6 + b"\xce",
        struct.pack(">BHI", 2, 1, 2) + b"\xff" * 2 + b"\xce",
        frame.marshal(commands.Channel.Close(406, "no", 0, 0), 1),
        frame.marshal(commands.Connection.Close(320, "forced", 0, 0), 0),
        frame.marshal(commands.Basic.Cancel("calls"), 1),
    ],
    ids=[
        "too long",
        "a body of nothing",
        "no end",
        "no such method",
        "half a header",
        "channel closed",
        "connection closed",
        "queue deleted",
    ],
)
def test_what_ends_a_connection_is_said(bytes_: bytes) -> None:
    with pytest.raises(Broken):
        session().feed(bytes_)


def test_a_refused_connection_tells_amqps_code() -> None:
    with pytest.raises(Broken) as caught:
        session().feed(frame.marshal(commands.Channel.Close(404, "no exchange", 0, 0), 1))
    assert caught.value.code == 404


def test_a_blocked_broker_is_known() -> None:
    ours = session()
    ours.feed(frame.marshal(commands.Connection.Blocked("low on memory"), 0))
    assert ours.blocked == "low on memory"
    ours.feed(frame.marshal(commands.Connection.Unblocked(), 0))
    assert not ours.blocked


def test_a_silent_broker_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = session()
    now = ours._heard_at
    monkeypatch.setattr("time.monotonic", lambda: now + 19)
    ours.tick()
    monkeypatch.setattr("time.monotonic", lambda: now + 21)
    with pytest.raises(Broken, match="nothing was heard"):
        ours.tick()


def test_an_address_hides_its_secret() -> None:
    address = Address.of("amqp://me:se%40cret@broker.test:5673/the%2Fmarket")
    assert (address.user, address.password, address.vhost) == ("me", "se@cret", "the/market")
    assert str(address) == "broker.test:5673/the/market"
    assert "se@cret" not in repr(address)
    for bad in ("http://broker.test", "broker.test", "amqp://"):
        with pytest.raises(ValueError):
            Address.of(bad)


def test_a_call_may_come_from_a_newer_caller_but_not_from_a_careless_one() -> None:
    call = Call(key="k", deadline=1.5, expected_version=3)
    assert Call.from_dict({**call.to_dict(), "colour": "red"}) == call
    for bad in ({"key": 1}, {"deadline": "1"}, {"deadline": True}, {"token": 1}, {"expected_version": "3"}):
        with pytest.raises(ValueError):
            Call.from_dict({**call.to_dict(), **bad})


@pytest.mark.parametrize("reply", [b"", b"[]", b'{"result": 1}', b'{"result": {}, "error": {"exc_type": "X"}}', None])
def test_a_reply_of_another_make_is_unreadable(reply: bytes | None) -> None:
    with pytest.raises(wire.Unreadable):
        wire.read_reply(reply)


@given(st.binary(max_size=400))
def test_noise_ends_the_connection_or_waits_for_more(noise: bytes) -> None:
    try:
        session().feed(noise)
    except Broken:
        pass
