"""Pieces that many releases have: money, quantities, parties, references to them."""

from __future__ import annotations

from typing import Any

from services.opendata.mapping.book import At, Json


def money(at: At, kopecks: int) -> Json:
    """An OCDS Value. JSON has one kind of number, so roubles: a whole number, or the nearest one of two decimals."""
    roubles, rest = divmod(kopecks, 100)
    return {"amount": kopecks / 100 if rest else roubles, "currency": at.rules.currency}


def item(at: At, lot: Json, quantity: int, unit_price_kopecks: int) -> Json:
    """A service of a lot: so many units at that price. `lot` is the book's."""
    return {
        "id": lot["lot_id"],
        "description": lot["service_name"],
        "classification": {
            "scheme": f"{at.rules.region}-catalogue",
            "id": lot["service_code"],
            "description": lot["service_name"],
        },
        "quantity": quantity,
        "unit": {"name": lot["unit"], "value": money(at, unit_price_kopecks)},
        "relatedLot": lot["lot_id"],
    }


def party(at: At, ocid: str, id: str, role: str, /, **fields: Any) -> Json:
    """A party with all of its roles in this process so far; a list of words is replaced whole when releases merge."""
    known = at.note("party", f"{ocid}/{id}")
    roles = known.get("roles", [])
    if role not in roles:
        roles = [*roles, role]
        at.note("party", f"{ocid}/{id}", roles=roles)
    return {"id": id, **fields, "roles": roles}


def provider(at: At, ocid: str, id: str, role: str) -> Json:
    """A provider as a party. A person's name and number are nobody's open data: the register's number stands for it.

    Where the registry's log is behind, the party has no name yet: it is given to the process when the register tells.
    """
    known = at.book.get("provider", id)
    if known is None:
        waiting = at.note("nameless", id).get("ocids", [])
        if ocid not in waiting:
            at.note("nameless", id, ocids=[*waiting, ocid])
        return party(at, ocid, id, role, name=id)
    return party(at, ocid, id, role, **described(known))


def described(known: Json) -> Json:
    """Name, numbers and kind of a provider that the register has told of."""
    fields: Json = {
        "name": known["name"],
        "details": {"kind": known["kind"], "registerNumber": known["number"], "territory": known["territory"]},
    }
    if known["kind"] != "individual":
        fields["identifier"] = {"scheme": "RU-INN", "id": known["inn"], "legalName": known["legal_name"]}
        fields["additionalIdentifiers"] = [{"scheme": "RU-OGRN", "id": known["ogrn"]}]
    return fields


def reference(party: Json) -> Json:
    """How the other parts of a release name a party."""
    return {"id": party["id"], "name": party["name"]}
