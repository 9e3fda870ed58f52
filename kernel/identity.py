"""Identity: who acts, proved inside the service and not only at the edge.

Every call carries a token signed by the access service (JWT, Ed25519: RFC 7519, RFC 8037) and a stamp signed by
the gateway over the instant at which it received the call. A service checks both with published keys. The role
`system` is the service itself and can't be carried by a token.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from kernel.ids import new_id
from kernel.refusal import UNAUTHENTICATED, Refused

ISSUER = "market/access"
AUDIENCE = "market"
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Actor:
    """Who acts: account id, roles, and the organisation that it acts for (a provider or a body), if any."""

    id: str
    roles: frozenset[str]
    organisation: str | None = None

    @classmethod
    def system(cls, service: str) -> Actor:
        return cls(f"system:{service}", frozenset({"system"}))

    @classmethod
    def anonymous(cls) -> Actor:
        """A visitor without a token: may ask public queries and nothing else."""
        return cls("anonymous", frozenset({"public"}))

    def has(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)


class SigningKey:
    """An Ed25519 key pair kept as a file with mode 0600."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self.public = private.public_key().public_bytes_raw()

    @classmethod
    def at(cls, path: Path) -> SigningKey:
        """The key in `path`, made there on first use (two processes may race: the first file wins)."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = Ed25519PrivateKey.generate()
            temporary = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
            temporary.touch(mode=0o600)
            temporary.write_bytes(key.private_bytes_raw())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass  # somebody else was first: use theirs
            temporary.unlink()
        return cls(Ed25519PrivateKey.from_private_bytes(path.read_bytes()))

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


class TokenIssuer:
    """Makes actor tokens; held by the access service alone."""

    def __init__(self, key: SigningKey) -> None:
        self._key = OKPKey.import_key(
            key.private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def issue(self, actor: Actor, lifetime_s: int = 12 * 3600) -> str:
        """A signed token for `actor`, valid for `lifetime_s` seconds of real time."""
        if "system" in actor.roles:
            raise ValueError("no token carries the role system")
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": actor.id,
            "roles": sorted(actor.roles),
            "iat": now,
            "exp": now + lifetime_s,
            "jti": new_id(),  # two tokens of one second differ, so that ending one session doesn't end the other
        }
        if actor.organisation:
            claims["org"] = actor.organisation
        return jwt.encode({"alg": "Ed25519", "typ": "JWT"}, claims, self._key, algorithms=["Ed25519"])


class TokenChecker:
    """Checks actor tokens with the access service's public key. A checked token is remembered until it ends."""

    def __init__(self, public: bytes) -> None:
        self._key = OKPKey.import_key(
            Ed25519PublicKey.from_public_bytes(public).public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        self._known = lru_cache(maxsize=4096)(self._check)

    def actor(self, token: str | None) -> Actor:
        """The actor of `token` (None: a visitor). Raises Refused when it is forged, foreign or has ended."""
        if not token:
            return Actor.anonymous()
        actor, ends = self._known(token)
        if ends <= time.time():
            raise Refused(UNAUTHENTICATED.having(reason="срок действия входа истёк / the session has ended"))
        return actor

    def _check(self, token: str) -> tuple[Actor, int]:
        try:
            claims = jwt.decode(token, self._key, algorithms=["Ed25519"]).claims
            roles = frozenset(claims["roles"])
            if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE or "system" in roles:
                raise ValueError("issuer, audience or role")
            return Actor(str(claims["sub"]), roles, claims.get("org")), int(claims["exp"])
        except (JoseError, ValueError, KeyError, TypeError) as problem:
            raise Refused(UNAUTHENTICATED.having(reason="токен не принят / the token was not accepted")) from problem


def stamp_message(received_at: str, command: str, key: str, token: str | None, body_hash: bytes) -> bytes:
    """What the gateway signs: the call's own parts, so that a stamp can't be moved to another call."""
    token_hash = hashlib.sha256((token or "").encode()).hexdigest()
    return "\n".join(("market stamp", received_at, command, key, token_hash, body_hash.hex())).encode()


def check_stamp(public: bytes, stamp: bytes, message: bytes) -> None:
    """Refuse a call whose instant of receipt isn't signed by the gateway."""
    try:
        if len(stamp) != SIGNATURE_BYTES:  # or a part of what was signed could pass for the stamp's end
            raise BadSignatureError("no signature is that long")
        crypto_sign_open(stamp + message, public)  # half the time of the same in `cryptography`, for every call
    except BadSignatureError as problem:
        raise Refused(UNAUTHENTICATED.having(reason="отметка шлюза не принята / the gateway's stamp")) from problem
