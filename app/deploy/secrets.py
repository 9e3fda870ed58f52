"""`./market secrets FOLDER`: every password and key of an installation of many processes, made at random, a file each.

A folder per process, so that each is given its own and nobody else's: the vault's key is in `vault/` alone, a custodian's
in its own. What is there stays, what is missing is made, and a password that is named is renewed. The outer folder is closed
to everybody but its owner (0700); the files inside can be read by whichever account a container runs under, into which only
that container's own files are put.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml

from app.deploy.broker import GATEWAY, OPERATOR, SCALER, TOPOLOGY, VHOST, definitions, password_hash
from app.deploy.broker import users as broker_users
from app.failure import Failure
from app.services import all_services
from kernel.identity import SigningKey
from kernel.keys import make_keys, secret_at

NAMESPACE = "market"
ROLE_PASSWORD, AMQP_URL = "market_role_password", "market_amqp_url"
DATABASE, SUPERUSER = "market", "postgres"
#: Private keys that belong to one service, besides its own for receipts. The rest of `keys/` is public.
OWNED = {
    "access": ("access.key", "access.kek"),
    "gateway": ("gateway.key",),
    "audit": ("log.key",),
    "vault": ("vault.kek",),
    **{name: (f"{name}.kek",) for name in ("custodian_1", "custodian_2", "custodian_3")},
}
#: What the operator's own commands need: the first account, imports, bundles. Nothing that opens what is sealed.
OF_OPERATOR = ("access.key", "access.kek", "gateway.key", "log.key")


@dataclass(frozen=True)
class Places:
    """Where database and broker answer (`host` or `host:port`), as the processes see them. Where a CA's file is named,
    over TLS alone.
    """

    database: str = "postgres"
    broker: str = "rabbitmq"
    database_ca: str | None = None
    broker_ca: str | None = None

    def database_url(self, password: str) -> str:
        how = f"?sslmode=verify-full&sslrootcert={self.database_ca}" if self.database_ca else ""
        return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@{self.database}/{DATABASE}{how}"

    def amqp_url(self, user: str, password: str) -> str:
        scheme, how = ("amqps", f"?cafile={self.broker_ca}") if self.broker_ca else ("amqp", "")
        return f"{scheme}://{user}:{quote(password, safe='')}@{self.broker}/{VHOST}{how}"


def main(
    folder: Path, database: str, broker: str, database_ca: str | None, broker_ca: str | None, renew: Sequence[str] = ()
) -> int:
    """Make what is missing; exit status 0 when everything is there."""
    made = make_secrets(folder, Places(database, broker, database_ca, broker_ca), renew)
    print("\n".join(made) if made else "everything is there")
    print(f"keep {folder} out of every repository and away from the database's backups", file=sys.stderr)
    return 0


def make_secrets(folder: Path, places: Places, renew: Sequence[str] = ()) -> list[str]:
    """The names of the files that were made or renewed. Those that follow from others are written each time."""
    if folder.exists() and not folder.is_dir():
        raise Failure(f"{folder} is no folder", "name another")
    services = [service.name for service in all_services()]
    renewable = [f"{name}/{ROLE_PASSWORD}" for name in services] + [f"{name}/{AMQP_URL}" for name in broker_users()]
    for name in renew:
        if name not in renewable:
            raise Failure(f"{name} can't be renewed", f"these can: {', '.join(sorted(renewable))}; keys: ./market keys")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in renew:
        (folder / name).unlink(missing_ok=True)
    before = _files(folder)
    _keys(folder, services)
    superuser = _password(folder / "postgres" / "password")
    roles = {name: _password(folder / name / ROLE_PASSWORD) for name in services}
    for name in ("migrate", OPERATOR):
        _write(folder / name / "market_database_url", places.database_url(superuser))
        _write(folder / name / "market_role_passwords", json.dumps(roles))
    broker = {name: _broker_password(folder / name / AMQP_URL, name, places) for name in broker_users()}
    hashes = {name: password_hash(password, secrets.token_bytes(4)) for name, password in broker.items()}
    _write(folder / "rabbitmq" / "definitions.json", json.dumps(definitions(hashes), indent=1))
    _write(folder / "rabbitmq" / "operator_password", broker[OPERATOR])
    _write(folder / SCALER / "tls", "enable" if places.broker_ca else "disable")  # in the scaler's own words
    _password(folder / "grafana" / "admin_password")
    _write(folder / "kustomization.yaml", _kustomization(folder, services))
    return sorted(_files(folder) - before)


def _keys(folder: Path, services: Sequence[str]) -> None:
    """Pairs and keys are put together in one place, then every process gets all public and its own private ones.

    Its owner's file is the key: where that was changed (`./market keys rotate`), public half and copies follow it.
    """
    private = {owner: [*OWNED.get(owner, ()), *_receipts(owner, services)] for owner in (*services, GATEWAY)}
    with tempfile.TemporaryDirectory(dir=folder) as gathered:
        place = Path(gathered)
        owners = {Path(name).stem: owner for owner, names in private.items() for name in names}
        for name in {path.name for path in folder.glob("*/keys/*") if path.suffix in {".key", ".kek", ".pub"}}:
            own = folder / owners.get(name.split(".")[0], "") / "keys" / name
            shutil.copyfile(own if own.exists() else min(folder.glob(f"*/keys/{name}")), place / name)
        for path in place.glob("*.key"):
            path.with_suffix(".pub").write_bytes(SigningKey.at(path).public)
        elsewhere = {owner for owner in services if _is_elsewhere(place, owner)}
        make_keys(place, tuple(services))
        for owner, names in private.items():
            for kek in (name for name in names if name.endswith(".kek") and owner not in elsewhere):
                secret_at(place / kek)
        public = [path.name for path in place.glob("*.pub")]
        for owner, names in private.items():
            _copy(place, folder / owner / "keys", [*public, *(() if owner in elsewhere else names)])
        receipts = [name for owner in services if owner not in elsewhere for name in _receipts(owner, services)]
        _copy(place, folder / OPERATOR / "keys", [*public, *OF_OPERATOR, *receipts])
        _copy(place, folder / "migrate" / "keys", public)


def _receipts(owner: str, services: Sequence[str]) -> list[str]:
    return [f"service-{owner}.key"] if owner in services else []


def _is_elsewhere(place: Path, service: str) -> bool:
    """Whether its private keys were taken away, to where somebody else runs it: they are known by their public half."""
    return (place / f"service-{service}.pub").exists() and not (place / f"service-{service}.key").exists()


def _copy(place: Path, to: Path, names: Iterable[str]) -> None:
    for name in names:
        _write_bytes(to / name, (place / name).read_bytes())


def _password(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def _broker_password(path: Path, user: str, places: Places) -> str:
    """The password inside the URL that `path` holds; the URL is written anew when the broker has moved."""
    known = urlsplit(path.read_text(encoding="utf-8").strip()).password if path.exists() else None
    password = known or secrets.token_urlsafe(32)
    _write(path, places.amqp_url(user, password))
    return password


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode())


def _write_bytes(path: Path, content: bytes) -> None:
    """Whole or not at all, and untouched when it says the same."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.chmod(0o444)
    temporary.replace(path)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _kustomization(folder: Path, services: Iterable[str]) -> str:
    """`kubectl apply -k FOLDER` makes the same files Secrets of a cluster."""
    secret: list[Mapping[str, object]] = []
    for owner in (*services, GATEWAY, "migrate", TOPOLOGY, SCALER, OPERATOR):
        for sub, suffix in (("", ""), ("/keys", "-keys")):
            names = sorted(p.name for p in (folder / f"{owner}{sub}").glob("*") if p.is_file())
            if names:
                found = [f"{owner}{sub}/{name}" for name in names]
                secret.append({"name": f"{kubernetes_name(owner)}{suffix}", "files": found})
    secret.append({"name": "rabbitmq-definitions", "files": ["rabbitmq/definitions.json"]})
    secret.append(
        {
            "name": "postgres-superuser",
            "type": "kubernetes.io/basic-auth",
            "literals": [f"username={SUPERUSER}"],
            "files": ["password=postgres/password"],
        }
    )
    return yaml.safe_dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": NAMESPACE,
            "generatorOptions": {"disableNameSuffixHash": True},
            "secretGenerator": secret,
        },
        sort_keys=False,
    )


def kubernetes_name(service: str) -> str:
    """Names of a cluster's objects have no underscores."""
    return service.replace("_", "-")
