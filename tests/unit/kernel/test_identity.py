"""Who acts is proved: tokens and stamps that were forged, moved, changed or have ended are refused."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from kernel import identity
from kernel.identity import (
    AUDIENCE,
    ISSUER,
    Actor,
    SigningKey,
    TokenChecker,
    TokenIssuer,
    check_stamp,
    stamp_message,
)
from kernel.refusal import Refused

KEY = SigningKey(Ed25519PrivateKey.generate())
ACTOR = Actor("account", frozenset({"officer", "keeper"}), "organisation")
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "roles": ["officer"], "exp": 2**33}


def signed(claims: dict[str, Any], key: SigningKey = KEY) -> str:
    """A token as somebody may make it who holds `key`, with any claims."""
    pem = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _b64(key.public),
                             "d": _b64(key.private.private_bytes_raw())})  # fmt: skip
    return jwt.encode({"alg": "Ed25519"}, claims, pem, algorithms=["Ed25519"])


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def refused(token: str | None, key: SigningKey = KEY) -> str:
    with pytest.raises(Refused) as caught:
        TokenChecker(key.public).actor(token)
    assert caught.value.refusal.code == "unauthenticated"
    return str(caught.value.refusal.to_dict()["en"])


@pytest.mark.parametrize("actor", [ACTOR, Actor("somebody", frozenset({"npo"})), Actor("nobody", frozenset())])
def test_a_token_brings_its_actor_back(actor: Actor) -> None:
    assert TokenChecker(KEY.public).actor(TokenIssuer(KEY).issue(actor)) == actor


@pytest.mark.parametrize("token", [None, ""])
def test_who_has_no_token_is_a_visitor(token: str | None) -> None:
    actor = TokenChecker(KEY.public).actor(token)
    assert actor == Actor.anonymous() and actor.has("public") and not actor.has("officer", "system")


def test_a_token_of_another_key_is_refused() -> None:
    refused(TokenIssuer(SigningKey(Ed25519PrivateKey.generate())).issue(ACTOR))


def test_a_token_with_any_byte_changed_is_refused() -> None:
    header, payload, signature = TokenIssuer(KEY).issue(ACTOR).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = _b64(json.dumps({**claims, "roles": ["administrator"]}).encode())
    refused(f"{header}.{forged}.{signature}")
    refused(f"{header}.{payload}.{signature[:-4]}AAAA")
    refused(f"{header}.{payload}.")
    refused("not a token")
    refused("ё.ё.ё")


def test_no_algorithm_but_the_one() -> None:
    none = f"{_b64(b'{}')[:0]}{_b64(json.dumps({'alg': 'none'}).encode())}.{_b64(json.dumps(CLAIMS).encode())}."
    refused(none)
    # The public key as an HMAC secret: the classic confusion of algorithms.
    refused(jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(KEY.public), algorithms=["HS256"]))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"}, {"aud": "other"}, {"roles": ["system"]}, {"roles": ["officer", "system"]}, {"roles": 5},
        {"exp": "soon"}, {"exp": None}, {"exp": 1},
    ],
)  # fmt: skip
def test_signed_claims_that_are_not_ours_are_refused(change: dict[str, Any]) -> None:
    TokenChecker(KEY.public).actor(signed(CLAIMS))
    refused(signed({**CLAIMS, **change}))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "roles", "exp"])
def test_no_claim_may_be_missing(missing: str) -> None:
    refused(signed({name: value for name, value in CLAIMS.items() if name != missing}))


def test_a_remembered_token_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checker, token = TokenChecker(KEY.public), TokenIssuer(KEY).issue(ACTOR, lifetime_s=60)
    assert checker.actor(token) == ACTOR
    later = identity.time.time() + 61
    monkeypatch.setattr(identity.time, "time", lambda: later)
    with pytest.raises(Refused, match="unauthenticated"):
        checker.actor(token)


def test_nobody_is_given_the_role_system() -> None:
    with pytest.raises(ValueError, match="no token carries the role system"):
        TokenIssuer(KEY).issue(Actor("x", frozenset({"system"})))
    assert Actor.system("orders") == Actor("system:orders", frozenset({"system"}))


# -- stamps -----------------------------------------------------------------------------------------------------------

PARTS: dict[str, Any] = {
    "received_at": "2027-01-01T00:00:00.000000Z", "command": "orders.submit_bid", "key": "k", "token": "t",
    "body_hash": b"\x01" * 32,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"received_at": "2027-01-01T00:00:00.000001Z"}, {"command": "orders.withdraw_bid"}, {"key": "l"},
        {"token": None}, {"token": "u"}, {"body_hash": b"\x02" * 32},
    ],
)  # fmt: skip
def test_a_stamp_holds_for_one_call_alone(change: dict[str, Any]) -> None:
    stamp = KEY.sign(stamp_message(**PARTS))
    check_stamp(KEY.public, stamp, stamp_message(**PARTS))
    with pytest.raises(Refused, match="unauthenticated"):
        check_stamp(KEY.public, stamp, stamp_message(**{**PARTS, **change}))


@pytest.mark.parametrize(
    "spoil", [lambda s: b"", lambda s: s[:-1], lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda s: s * 2]
)
def test_a_stamp_that_is_no_signature_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refused, match="unauthenticated"):
        check_stamp(KEY.public, spoil(KEY.sign(stamp_message(**PARTS))), stamp_message(**PARTS))


# -- key files --------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_only_its_account_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.key"
    first = SigningKey.at(path)
    assert SigningKey.at(path).public == first.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["log.key"], "nothing is left beside it"


def test_many_who_make_a_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: SigningKey.at(tmp_path / "a.key").public, range(32)))
    assert len(set(keys)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.key"]
