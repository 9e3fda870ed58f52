"""The bundle: what was written verifies, and whatever was changed, cut, added or forged doesn't, with the place."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit import pieces, verify
from app.audit.bundle import VerifyError, open_bundle, verify_bundle
from app.audit.manifest import Manifest
from kernel import canonical, chain
from kernel.note import Checkpoint, Signer, sign_checkpoint
from tests.unit.app.bundles import ORIGIN, REGION, Market, small_market


@pytest.fixture(scope="module")
def market() -> Market:
    return small_market()


@pytest.fixture(scope="module")
def good(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return market.write(tmp_path_factory.mktemp("bundle") / "good.zip")


def test_a_good_bundle_verifies_under_the_published_key(market: Market, good: Path) -> None:
    report = verify_bundle(good, str(market.signer.verifier))
    assert report.trusted
    assert report.entries == {"billing": 0, "orders": 8, "registry": 4}
    assert (report.checkpoints, report.region_files) == (4, 2)
    assert report.last_checkpoint == Checkpoint(ORIGIN, 12, market.tree()[0].root())
    assert f"signed by the trusted key {market.signer.verifier}" in str(report)


def test_without_a_key_the_report_says_what_it_did_not_check(market: Market, good: Path) -> None:
    report = verify_bundle(good)
    assert not report.trusted
    expected = f"consistent with itself, signed by {market.signer.verifier}; compare with the published key"
    assert expected in str(report)


def test_it_reads_back_what_was_written(market: Market, good: Path) -> None:
    with open_bundle(good) as bundle:
        assert bundle.sources == ["billing", "orders", "registry"]
        assert {source: list(bundle.entries(source)) for source in bundle.sources} == market.logs
        assert [(source, chain.take_apart(entry).sequence) for source, entry in bundle.in_tree_order()] == market.leaves
        assert list(bundle.checkpoints()) == market.checkpoints
        assert bundle.region_files() == REGION


def test_any_zip_tool_opens_it_and_the_same_input_gives_the_same_bytes(
    market: Market, good: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(good) as archive:
        assert archive.testzip() is None
        assert archive.read("log/orders.jsonl") == b"\n".join(market.logs["orders"]) + b"\n"
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert market.write(tmp_path / "again.zip").read_bytes() == good.read_bytes()


def test_every_changed_byte_is_found_and_its_place_named(tmp_path: Path) -> None:
    """Every byte of the file, headers and all (inside entries every third). In a log, the entry itself is named."""
    market = small_market(2)
    good = market.write(tmp_path / "good.zip")
    original = good.read_bytes()
    with open_bundle(good) as bundle:
        orders = bundle.members["log/orders.jsonl"]
    lengths = [len(entry) + 1 for entry in market.logs["orders"]]
    trust, changed = str(market.signer.verifier), tmp_path / "changed.zip"
    for at in range(len(original)):
        if at % 3 and orders.starts <= at < orders.ends and original[at] != ord("\n"):
            continue
        data = bytearray(original)
        data[at] ^= 0x01 if at % 2 else 0x20
        changed.write_bytes(data)
        with pytest.raises(VerifyError) as found:
            verify_bundle(changed, trust)
        place = found.value.place
        assert re.search(r"\d|manifest|header|directory|tree|checkpoint", place), found.value
        if orders.starts <= at < orders.ends - 1:
            number = next(n for n in range(len(lengths)) if at - orders.starts < sum(lengths[: n + 1]))
            start = orders.starts + sum(lengths[:number])
            assert f"orders, entry {number + 1} (log/orders.jsonl, from byte {start}" in place, (at, found.value)


def test_every_cut_and_every_addition_is_found(good: Path, tmp_path: Path) -> None:
    original, changed = good.read_bytes(), tmp_path / "changed.zip"
    for length in range(0, len(original), 7):
        changed.write_bytes(original[:length])
        with pytest.raises(VerifyError):
            verify_bundle(changed)
    for data in (original + b"\0", b"\0" + original, original * 2):
        changed.write_bytes(data)
        with pytest.raises(VerifyError):
            verify_bundle(changed)
    with pytest.raises(VerifyError, match="No such file"):
        verify_bundle(tmp_path / "absent.zip")


def rewritten(market: Market, signer: Signer) -> Market:
    """The same history but for one price, every hash after it made anew, signed by `signer`."""
    forged = Market(signer)
    forged.logs["billing"] = []
    sizes = {Checkpoint.parse(note.split("\n\n")[0] + "\n").size for note in market.checkpoints}
    for number, (source, sequence) in enumerate(market.leaves, 1):
        parts = chain.take_apart(market.logs[source][sequence - 1])
        event = parts.event.replace(b'"price":1001', b'"price":1009')
        entry, forged.links[source] = chain.next_entry(forged.links.get(source, chain.START), event, parts.sealedat)
        forged.logs.setdefault(source, []).append(entry)
        forged.leaves.append((source, sequence))
        forged.hashes.append(verify.sha256(b"\0" + entry).digest())
        if number in sizes:
            forged.checkpoint()
    assert forged.logs != market.logs
    return forged


def test_a_history_rewritten_with_every_hash_and_signed_anew_is_refused_under_trust(
    market: Market, tmp_path: Path
) -> None:
    forged = rewritten(market, Signer.generate(ORIGIN))
    path = forged.write(tmp_path / "forged.zip")
    assert not verify_bundle(path).trusted
    with pytest.raises(VerifyError, match="not the trusted key") as found:
        verify_bundle(path, str(market.signer.verifier))
    assert found.value.place == "manifest.json, key"


def test_even_the_right_key_cannot_rewrite_behind_its_own_checkpoints(market: Market, tmp_path: Path) -> None:
    forged = rewritten(market, market.signer)
    path = forged.write(tmp_path / "forged.zip", checkpoints=[*market.checkpoints[:2], *forged.checkpoints[2:]])
    with pytest.raises(VerifyError) as found:
        verify_bundle(path, str(market.signer.verifier))
    assert found.value.place == "checkpoint 2 (of 6 leaves)"


def note(market: Market, size: int, root: bytes | None = None, origin: str = ORIGIN) -> str:
    return sign_checkpoint(Checkpoint(origin, size, root or market.tree(size)[0].root()), market.signer)


def cases(market: Market) -> dict[str, tuple[dict[str, Any], str]]:
    """What a careless or a dishonest writer with the right key may give, and what is said to it."""
    orders, stranger = market.logs["orders"], Signer.generate(ORIGIN)
    swapped = [*market.leaves]
    swapped[0], swapped[1] = swapped[1], swapped[0]
    edited = orders[2].replace(b'"number":1', b'"number":7')
    return {
        "entry missing": ({"logs": market.logs | {"orders": orders[:3] + orders[4:]}}, "orders, entry 4 .*sequence 5"),
        "last entry missing": (
            {"logs": market.logs | {"orders": orders[:-1]}},
            r"tree.txt, line \d+: the log of orders",
        ),
        "entry twice": ({"logs": market.logs | {"orders": [*orders[:2], orders[1], *orders[2:]]}}, "orders, entry 3"),
        "entry edited": ({"logs": market.logs | {"orders": [*orders[:2], edited, *orders[3:]]}}, "orders, entry 3"),
        "log missing": ({"logs": {"orders": orders}}, "tree.txt, line 2: there is no log of registry"),
        "log too much": ({"logs": market.logs | {"extra": orders[:1]}}, "tree.txt: entry 1 of extra is no leaf"),
        "leaf missing": ({"leaves": market.leaves[:-1]}, "tree.txt: entry 4 of registry is no leaf"),
        "leaf twice": (
            {"leaves": [*market.leaves, ("orders", 8)]},
            "tree.txt, line 9: the leaf of orders behind entry 8",
        ),
        "leaves of a source swapped": ({"leaves": swapped}, "tree.txt, line 1: the leaf of orders behind entry 0"),
        "leaves of two sources swapped": (
            {"leaves": [*market.leaves[:1], ("registry", 1), ("orders", 2), *market.leaves[3:]]},
            # The first three leaves make the first tree.
            r"checkpoint 1 \(of 3 leaves\)",
        ),
        "no checkpoint": ({"checkpoints": []}, "checkpoints.txt: there is no checkpoint"),
        "tree beyond the last checkpoint": (
            {"checkpoints": market.checkpoints[:-1]},
            "checkpoint 3: the last one signs 9",
        ),
        "checkpoint beyond the tree": (
            {"checkpoints": [*market.checkpoints, note(market, 13, bytes(32))]},
            "checkpoint 5: it signs 13 leaves, the bundle has 12",
        ),
        "checkpoint of a fork": (
            {"checkpoints": [market.checkpoints[0], note(market, 6, bytes(32)), *market.checkpoints[2:]]},
            "checkpoint 2 .of 6 leaves.: it signs the root 0000",
        ),
        "checkpoints not in order": (
            {"checkpoints": [market.checkpoints[1], market.checkpoints[0], market.checkpoints[3]]},
            "checkpoint 2: 3 leaves, the one before has 6",
        ),
        "checkpoint of another origin": ({"checkpoints": [note(market, 12, origin="x")]}, "checkpoint 1: .*not of"),
        "checkpoint by another key": (
            {"checkpoints": [sign_checkpoint(Checkpoint(ORIGIN, 12, market.tree()[0].root()), stranger)]},
            "checkpoint 1: no signature by a known key",
        ),
        "no checkpoint at all": ({"checkpoints": ["nonsense\n"]}, "checkpoints.txt .*isn't ended"),
    }


@pytest.mark.parametrize("name", sorted(cases(small_market())))
def test_a_bundle_of_broken_parts_is_written_and_refused(market: Market, tmp_path: Path, name: str) -> None:
    changed, message = cases(market)[name]
    path = market.write(tmp_path / "bad.zip", **changed)
    with pytest.raises(VerifyError, match=message):
        verify_bundle(path, str(market.signer.verifier))


def test_a_checkpoint_signed_twice_for_one_size_and_one_of_the_empty_tree_are_fine(
    market: Market, tmp_path: Path
) -> None:
    notes = [note(market, 0), market.checkpoints[0], *market.checkpoints]
    assert verify_bundle(market.write(tmp_path / "b.zip", checkpoints=notes)).checkpoints == 6


def test_witnesses_may_cosign_checkpoints(market: Market, tmp_path: Path) -> None:
    witness = Signer.generate("witness")
    frontier, _ = market.tree()
    cosigned = sign_checkpoint(Checkpoint(ORIGIN, 12, frontier.root()), market.signer, witness)
    path = market.write(tmp_path / "b.zip", checkpoints=[cosigned])
    assert verify_bundle(path, str(market.signer.verifier)).checkpoints == 1


def test_nothing_is_left_where_writing_fails(market: Market, tmp_path: Path) -> None:
    def torn() -> Any:
        yield market.logs["orders"][0]
        raise OSError("the disk is full")

    (tmp_path / "b.zip").write_bytes(b"the bundle of yesterday")
    with pytest.raises(OSError, match="full"):
        market.write(tmp_path / "b.zip", logs={"orders": torn()})
    for name in ("../secret", "/etc/x", "a//b", "имя", "."):
        with pytest.raises(ValueError, match="no member called"):
            market.write(tmp_path / "b.zip", region_files={name: b""})
    with pytest.raises(ValueError, match="source"):
        market.write(tmp_path / "b.zip", logs={"Orders": []})
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]
    assert (tmp_path / "b.zip").read_bytes() == b"the bundle of yesterday"


@given(st.data())
def test_no_damage_makes_verification_fail_in_another_way(data: st.DataObject) -> None:
    """Bytes overwritten anywhere, most of all in the directory: always a VerifyError, never a crash."""
    with tempfile.TemporaryDirectory() as folder:
        path = small_market(1).write(Path(folder) / "b.zip")
        content = bytearray(path.read_bytes())
        size = len(content)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, size - 1) | st.integers(size - 700, size - 1))
            patch = data.draw(st.binary(min_size=1, max_size=9) | st.sampled_from([b"\xff" * 8, bytes(8)]))
            content[at : at + len(patch)] = patch
        original = path.read_bytes()
        path.write_bytes(content)
        if content == original:
            return
        with pytest.raises(VerifyError):
            verify_bundle(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: [],
        lambda value: value | {"format": "market-bundle-2"},
        lambda value: value | {"origin": 1},
        lambda value: value | {"key": None},
        lambda value: value | {"logs": [1]},
        lambda value: value | {"logs": list(reversed(value["logs"]))},
        lambda value: value | {"logs": [value["logs"][0] | {"source": 7}]},
        lambda value: value | {"logs": [value["logs"][0] | {"source": "../x"}]},
        lambda value: value | {"logs": [value["logs"][0] | {"last": -1}]},
        lambda value: value | {"logs": [value["logs"][0] | {"head": 5}]},
        lambda value: value | {"logs": [value["logs"][0] | {"first": 2}]},
        lambda value: value | {"files": value["files"][1:]},
        lambda value: value | {"files": [*value["files"], value["files"][0]]},
        lambda value: value | {"files": [value["files"][0] | {"name": []}, *value["files"][1:]]},
        lambda value: value | {"files": [value["files"][0] | {"sha256": "x"}, *value["files"][1:]]},
        lambda value: value | {"extra": 1},
        lambda value: {},
    ],
)
def test_a_manifest_of_another_form_is_none(good: Path, change: Any) -> None:
    with open_bundle(good) as bundle:
        value = canonical.loads(bundle.manifest.to_bytes())
        assert Manifest.parse(canonical.dumps(value)) == bundle.manifest
    with pytest.raises(ValueError):
        Manifest.parse(canonical.dumps(change(value)))


@pytest.mark.parametrize("key", ["", "nonsense", "market+00000000+AAAA"])
def test_a_trusted_key_that_is_none_is_refused(good: Path, key: str) -> None:
    with pytest.raises(VerifyError, match="the trusted key"):
        verify_bundle(good, key)


class TestInPieces:
    """The same verification cut into pieces, as a large bundle is, with pieces of a few entries."""

    @pytest.fixture
    def long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Market, Path]:
        monkeypatch.setattr(verify, "PIECE_BYTES", 2000)
        monkeypatch.setattr(pieces, "_BLOCK", 700)
        market = small_market(60)
        return market, market.write(tmp_path / "long.zip")

    @pytest.mark.parametrize("processes", [1, 2])
    def test_pieces_join(self, long: tuple[Market, Path], processes: int) -> None:
        market, path = long
        report = verify_bundle(path, str(market.signer.verifier), processes)
        assert report.entries == {"billing": 0, "orders": 120, "registry": 60}

    def test_a_changed_byte_is_found_wherever_the_pieces_are_cut(self, long: tuple[Market, Path]) -> None:
        _, path = long
        original = path.read_bytes()
        with open_bundle(path) as bundle:
            orders = bundle.members["log/orders.jsonl"]
        for at in range(orders.starts, orders.ends - 1, 211):
            data = bytearray(original)
            data[at] ^= 1
            path.write_bytes(data)
            with pytest.raises(VerifyError) as found:
                verify_bundle(path, processes=1)
            number = original[orders.starts : at].count(b"\n") + 1
            assert f"orders, entry {number} " in found.value.place

    def test_pieces_that_hold_by_themselves_but_not_together_are_refused(self, long: tuple[Market, Path]) -> None:
        """A log whose second half was chained on to another beginning: each half is sound."""
        market, path = long
        other = small_market(60)
        other.logs["orders"] = []
        link = chain.START
        for entry in market.logs["orders"][:50]:
            body = chain.event_bytes(entry).replace(b'"price"', b'"value"')
            made, link = chain.next_entry(link, body, chain.take_apart(entry).sealedat)
            other.logs["orders"].append(made)
        mixed = [*other.logs["orders"], *market.logs["orders"][50:]]
        market.write(path, logs=market.logs | {"orders": mixed})
        with pytest.raises(VerifyError, match=r"orders, entry 5[01]"):
            verify_bundle(path, processes=1)


def test_a_large_bundle_is_given_to_several_processes_but_never_by_a_process_with_threads() -> None:
    assert pieces.processes_for(1000) == 1
    assert pieces.processes_for(10**12) == min(len(os.sched_getaffinity(0)), pieces.MAX_PROCESSES)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert pieces.processes_for(10**12) == 1
    finally:
        done.set()
        thread.join()
