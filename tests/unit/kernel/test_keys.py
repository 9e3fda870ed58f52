"""Key files: made where they are missing, kept where they are, readable by their account alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernel.identity import SigningKey
from kernel.keys import ROLES, PublicKeys, make_keys, secret_at


def test_an_installation_gets_a_pair_for_every_role_and_service(tmp_path: Path) -> None:
    make_keys(tmp_path, ("orders", "billing"))
    names = {*ROLES, "service-orders", "service-billing"}
    assert {p.name for p in tmp_path.iterdir()} == {f"{n}.{end}" for n in names for end in ("key", "pub")}
    for name in names:
        assert PublicKeys(tmp_path).of(name) == SigningKey.at(tmp_path / f"{name}.key").public
        assert stat.S_IMODE((tmp_path / f"{name}.key").stat().st_mode) == 0o600


def test_keys_that_are_there_stay_and_new_services_get_theirs(tmp_path: Path) -> None:
    make_keys(tmp_path, ("orders",))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    make_keys(tmp_path, ("orders", "vault"))
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {"service-vault.key", "service-vault.pub"}


def test_a_public_key_alone_is_enough_where_the_private_one_is_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "gateway.pub").write_bytes(b"\x07" * 32)
    assert PublicKeys(tmp_path).of("gateway") == b"\x07" * 32


def test_beside_the_public_key_of_a_service_elsewhere_no_private_one_is_made(tmp_path: Path) -> None:
    (tmp_path / "gateway.pub").write_bytes(b"\x07" * 32)
    make_keys(tmp_path, ())
    assert not (tmp_path / "gateway.key").exists() and (tmp_path / "access.key").exists()


def test_a_missing_public_key_says_which_file_and_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"access\.pub is missing: run `\./market migrate`"):
        PublicKeys(tmp_path).of("access")


def test_a_secret_is_made_once_even_by_many_and_read_by_its_account_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secret_at(path), range(32)))
    assert len(found) == 1 and len(found.pop()) == 32
    assert [p.name for p in path.parent.iterdir()] == ["secret"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_at(tmp_path / "other", size=16) != secret_at(tmp_path / "another", size=16)


def test_a_secret_of_another_size_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"12345")
    with pytest.raises(ValueError, match="must hold 32 bytes, it holds 5"):
        secret_at(tmp_path / "short")


def test_receipts_name_their_signer() -> None:
    assert PublicKeys.signer_name("orders") == "market/orders"
