"""Bids: sealed on the bidder's own device, or here for who has none that can.

A plaintext bid is checked and sealed in this process's memory before anything is stored, queued or logged; what goes
to the market is the same as what a device would have sent, and its receipt says `sealed_by: gateway`. The gateway
keeps no plaintext and no key: not even it can open the bid afterwards.

Sealing is random, so a repetition under the same key would be other input. The sealed form of a key is therefore kept
for a while in memory, found again by a keyed hash of what was sent; where it is gone (another process, a restart) the
repetition is refused as a reused key, and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kernel import canonical
from kernel.refusal import INVALID, NOT_YOURS, Refusal, Refused, require
from kernel.sealing import MAX_PLAINTEXT_BYTES, from_base64, seal
from services.gateway.calls import Asker
from services.gateway.gate import Gate
from services.gateway.metrics import SEALED_HERE

MOST_PAGES = 50
CUSTODIANS = ("custodian_1", "custodian_2", "custodian_3")

NO_KEYS = Refusal(
    "bidding_keys_missing",
    "Ключи трёх хранителей для этого конкурса ещё не опубликованы: запечатать заявку нечем.",
    "The three custodians' keys for this competition aren't published yet: there is nothing to seal a bid with.",
)


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
#: An exact number: "12.5" or "25/2" where an integer doesn't do.
ExactText = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9]{1,16}(\.[0-9]{1,6}|/[1-9][0-9]{0,8})?$")]
Number = Annotated[int, Field(ge=0, le=10**15)] | ExactText


class PlainBid(BaseModel):
    """A bid as its bidder writes it: price per unit, volume, value per criterion, text, people as vault references."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    price_kopecks: int = Field(ge=1, le=10**12)
    volume: int = Field(ge=1, le=10**9)
    values: dict[Code, Number] = Field(default_factory=dict, max_length=20)
    text: str = Field(default="", max_length=20_000)
    people: list[Annotated[str, StringConstraints(min_length=1, max_length=80)]] = Field(
        default_factory=list, max_length=100
    )


async def sealed_bid(gate: Gate, asker: Asker, target: str, data: dict[str, Any], key: str) -> dict[str, Any]:
    """The input of `submit_bid` and `replace_bid` from `{lot_id, sealed, bid_version}` or `{lot_id, bid}`."""
    whole = own_bid_of(asker, data)
    if ("bid" in whole) == ("sealed" in whole):
        raise _invalid("/bid", "one_of", "either `bid` or `sealed`")
    if "sealed" in whole:
        return {**whole, "sealed_by": "bidder"}
    for name in ("bid_version", "sealed_by"):
        if name in whole:
            raise _invalid(f"/{name}", "extra_forbidden", "is set by whoever seals")
    place = (asker.actor.id, target, key)
    known = gate.kept_forms.find(place, whole)
    if known is not None:
        return known
    made = await _seal(gate, asker, whole)
    gate.kept_forms.keep(place, whole, made)
    return made


async def own_bid(gate: Gate, asker: Asker, target: str, data: dict[str, Any], key: str) -> dict[str, Any]:
    """The input of `withdraw_bid`: the asker's own."""
    return own_bid_of(asker, data)


def own_bid_of(asker: Asker, data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the provider for which the asker acts; nobody bids for another."""
    require(asker.actor.organisation is not None, NOT_YOURS)
    if data.get("provider_id", asker.actor.organisation) != asker.actor.organisation:
        raise Refused(NOT_YOURS)
    return {**data, "provider_id": asker.actor.organisation}


async def _seal(gate: Gate, asker: Asker, whole: Mapping[str, Any]) -> dict[str, Any]:
    plaintext = _plaintext(whole["bid"])
    competition_id, lot_id = str(whole["competition_id"]), whole.get("lot_id")
    if not isinstance(lot_id, str):
        raise _invalid("/lot_id", "string_type", "the id of a lot")
    keys = await _public_keys(gate, asker, competition_id)
    version = await _next_version(gate, asker, lot_id)
    bound = {
        "bid_version": version,
        "competition_id": competition_id,
        "lot_id": lot_id,
        "provider_id": whole["provider_id"],
    }
    sealed = seal(plaintext, canonical.dumps(bound), keys)
    SEALED_HERE.inc()
    rest = {name: value for name, value in whole.items() if name != "bid"}
    return {**rest, "bid_version": version, "sealed": sealed.to_dict(), "sealed_by": "gateway"}


def _plaintext(bid: Any) -> bytes:
    """The canonical bytes that are sealed. Raises Refused with pointers into `bid`; input is never repeated in it."""
    try:
        read = PlainBid.model_validate(bid)
    except ValidationError as problem:
        errors = [
            {
                "pointer": "/" + "/".join(("bid", *map(str, error["loc"]))),
                "code": error["type"],
                "message": error["msg"],
            }
            for error in problem.errors(include_url=False, include_input=False, include_context=False)[:20]
        ]
        summary = "; ".join(f"{error['pointer']} — {error['message']}" for error in errors[:3])
        raise Refused(INVALID.having(summary=summary, errors=errors)) from None
    plaintext = canonical.dumps(read.model_dump(mode="json"))
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise _invalid("/bid", "too_large", f"at most {MAX_PLAINTEXT_BYTES} bytes")
    return plaintext


async def _public_keys(gate: Gate, asker: Asker, competition_id: str) -> list[bytes]:
    """The three custodians' public keys for a competition, in the order of their numbers."""
    reply = await gate.calls.reply("orders.custodian_keys", {"id": competition_id}, asker)
    keys: Mapping[str, str] = reply["keys"]
    require(all(name in keys for name in CUSTODIANS), NO_KEYS)
    return [from_base64(keys[name]) for name in CUSTODIANS]


async def _next_version(gate: Gate, asker: Asker, lot_id: str) -> int:
    """The number of the version to be sealed: one more than the bidder's latest for this lot, withdrawn or not.

    A lot that is announced again goes on counting, so bids of earlier competitions are looked through as well.
    """
    asked: dict[str, Any] = {"limit": 200}
    for _ in range(MOST_PAGES):
        reply = await gate.calls.reply("orders.my_bids", asked, asker)
        for bid in reply["items"]:  # newest competitions first
            if bid["lot_id"] == lot_id:
                return int(bid["bid_version"]) + 1
        if not reply["next"]:
            break
        asked = {"limit": 200, "cursor": reply["next"]}
    return 1


def _invalid(pointer: str, code: str, message: str) -> Refused:
    error = {"pointer": pointer, "code": code, "message": message}
    return Refused(INVALID.having(summary=f"{pointer} — {message}", errors=[error]))


def body_schema(sealed: Mapping[str, Any], lot_in_address: bool = False) -> dict[str, Any]:
    """What a client sends, for the API's description: sealed on its device, or plain."""
    plain = PlainBid.model_json_schema()
    lot = {} if lot_in_address else {"lot_id": {"type": "string", "format": "uuid"}}
    return {
        "oneOf": [
            {
                "type": "object",
                "title": "sealed on the bidder's device",
                "required": [*lot, "bid_version", "sealed"],
                "additionalProperties": False,
                "properties": {
                    **lot,
                    "bid_version": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "one more than the latest of my_bids",
                    },
                    "sealed": sealed,
                },
            },
            {
                "type": "object",
                "title": "sealed by the gateway",
                "required": [*lot, "bid"],
                "additionalProperties": False,
                "properties": {**lot, "bid": plain},
            },
        ]
    }
