"""`./market secrets`: everybody's own and nobody else's, kept when it is there, made anew when it was removed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from app.deploy.broker import users
from app.deploy.secrets import OWNED, Places, make_secrets
from app.failure import Failure
from app.services import all_services
from kernel.identity import SigningKey
from kernel.settings import PROJECT

SERVICES = [service.name for service in all_services()]
PRIVATE = {".key", ".kek"}


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def private_keys(folder: Path, owner: str) -> set[str]:
    return {path.name for path in (folder / owner / "keys").iterdir() if path.suffix in PRIVATE}


def test_a_service_holds_its_own_private_keys_and_everybodys_public_ones(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    public = {path.name for path in (tmp_path / "migrate" / "keys").iterdir()}
    assert public == {f"{name}.pub" for name in ("access", "gateway", "log", *(f"service-{s}" for s in SERVICES))}
    for owner in (*SERVICES, "gateway"):
        own = {*OWNED.get(owner, ()), *([f"service-{owner}.key"] if owner in SERVICES else [])}
        assert private_keys(tmp_path, owner) == own
        assert public <= {path.name for path in (tmp_path / owner / "keys").iterdir()}
    for one, other in combinations((*SERVICES, "gateway"), 2):
        assert not private_keys(tmp_path, one) & private_keys(tmp_path, other)
    sealed = {f"{name}.kek" for name in ("vault", "custodian_1", "custodian_2", "custodian_3")}
    assert not private_keys(tmp_path, "operator") & sealed


def test_the_public_keys_are_those_of_the_private_ones(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    for path in tmp_path.glob("*/keys/*.key"):
        assert SigningKey.at(path).public == (tmp_path / "orders" / "keys" / f"{path.stem}.pub").read_bytes()


def test_no_password_is_used_twice_and_none_is_short(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    passwords = [urlsplit((tmp_path / user / "market_amqp_url").read_text()).password or "" for user in users()]
    passwords += json.loads((tmp_path / "migrate" / "market_role_passwords").read_text()).values()
    passwords += [(tmp_path / name).read_text() for name in ("postgres/password", "grafana/admin_password")]
    assert len(set(passwords)) == len(passwords) and min(map(len, passwords)) >= 40


def test_what_is_there_stays_and_what_was_removed_is_made_anew(tmp_path: Path) -> None:
    assert make_secrets(tmp_path, Places())
    before = files(tmp_path)
    assert make_secrets(tmp_path, Places()) == []
    salted = "rabbitmq/definitions.json"
    assert {n: c for n, c in files(tmp_path).items() if n != salted} == {n: c for n, c in before.items() if n != salted}
    (tmp_path / "orders" / "market_role_password").unlink()
    make_secrets(tmp_path, Places())
    after = files(tmp_path)
    changed = {name for name in after if after[name] != before[name]}
    roles = {f"{who}/market_role_passwords" for who in ("migrate", "operator")}
    assert changed - {salted} == {"orders/market_role_password", *roles}


@pytest.mark.parametrize("owner", ["gateway", "access", "orders"])
def test_a_pair_that_was_changed_by_its_owner_reaches_everybody(tmp_path: Path, owner: str) -> None:
    """As docs/operations/keys.md says it."""
    name = f"service-{owner}" if owner in ("orders",) else owner
    make_secrets(tmp_path, Places())
    before = (tmp_path / "registry" / "keys" / f"{name}.pub").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "app", "keys", "rotate", f"{name}.key", "--json"],
        cwd=PROJECT, env={**os.environ, "MARKET_HOME": str(tmp_path / owner)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    make_secrets(tmp_path, Places())
    private = tmp_path / owner / "keys" / f"{name}.key"
    public = {path.read_bytes() for path in tmp_path.glob(f"*/keys/{name}.pub")}
    assert public == {SigningKey.at(private).public} and before not in public
    assert {path.read_bytes() for path in tmp_path.glob(f"*/keys/{name}.key")} == {private.read_bytes()}
    retired = [path.read_bytes() for path in tmp_path.glob("*/keys/*.retired.pub")]
    assert retired == ([before] * len(retired) if name.startswith("service-") else [])
    assert (tmp_path / "audit" / "keys" / f"{name}.retired.pub").exists() == bool(retired)
    assert private.stat().st_mode & 0o777 == 0o444, "the account of its container reads it as before"


def test_a_key_that_encrypts_is_its_owners_whatever_lies_elsewhere(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    own, copy = (tmp_path / who / "keys" / "access.kek" for who in ("access", "operator"))
    own.chmod(0o600)
    own.write_bytes(bytes(32))
    make_secrets(tmp_path, Places())
    assert own.read_bytes() == copy.read_bytes() == bytes(32)


def test_private_keys_that_were_taken_to_another_machine_are_not_made_again(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    keys = tmp_path / "custodian_1" / "keys"
    public = (keys / "service-custodian_1.pub").read_bytes()
    for name in ("custodian_1.kek", "service-custodian_1.key"):
        (keys / name).unlink()
    (tmp_path / "operator" / "keys" / "service-custodian_1.key").unlink()
    password = (tmp_path / "custodian_1" / "market_role_password").read_text()
    assert make_secrets(tmp_path, Places()) == []
    assert not private_keys(tmp_path, "custodian_1")
    assert {path.read_bytes() for path in tmp_path.glob("*/keys/service-custodian_1.pub")} == {public}
    assert (tmp_path / "custodian_1" / "market_role_password").read_text() == password


def test_a_password_that_is_named_is_renewed_wherever_it_is_said(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    before = files(tmp_path)
    renewed = ["orders/market_role_password", "billing/market_amqp_url"]
    assert make_secrets(tmp_path, Places(), renewed) == sorted(renewed)
    after = files(tmp_path)
    roles = {f"{who}/market_role_passwords" for who in ("migrate", "operator")}
    assert {n for n in after if after[n] != before[n]} == {*renewed, *roles, "rabbitmq/definitions.json"}
    said = json.loads(after["migrate/market_role_passwords"])["orders"]
    assert said == after["orders/market_role_password"].decode()
    with pytest.raises(Failure, match=r"vault/keys/vault\.kek can.t be renewed"):
        make_secrets(tmp_path, Places(), ["vault/keys/vault.kek"])


def test_a_broker_that_moved_is_asked_under_the_same_passwords(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    before = urlsplit((tmp_path / "orders" / "market_amqp_url").read_text())
    make_secrets(tmp_path, Places(broker="elsewhere:5671", broker_ca="/run/tls/ca.crt"))
    after = urlsplit((tmp_path / "orders" / "market_amqp_url").read_text())
    assert (after.scheme, after.hostname, after.query) == ("amqps", "elsewhere", "cafile=/run/tls/ca.crt")
    assert after.password == before.password


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    make_secrets(tmp_path / "made", Places())
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o222 == 0 for path in (tmp_path / "made").rglob("*") if path.is_file())


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="is no folder"):
        make_secrets(tmp_path / "file", Places())


def test_the_command_prints_names_and_no_secret(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "secrets", str(tmp_path / "made")],
        cwd=PROJECT, env=dict(os.environ), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and "orders/market_role_password" in done.stdout
    for path in (tmp_path / "made").glob("*/*password*"):
        assert path.read_text().strip() not in done.stdout + done.stderr


def test_every_file_of_a_secret_in_a_cluster_is_there(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    for secret in yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["secretGenerator"]:
        assert re.fullmatch(r"[a-z0-9-]+", secret["name"])
        assert all((tmp_path / name.rpartition("=")[2]).is_file() for name in secret["files"])
