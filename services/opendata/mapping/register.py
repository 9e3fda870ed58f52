"""The provider register: who the parties are. It makes no process of its own; the register is published as HSDS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.words import described


@on("registry", "ProviderIncluded")
def included(at: At) -> Iterator[Change]:
    data = at.data
    fields = {name: data[name] for name in ("number", "kind", "inn", "ogrn", "territory")}
    known = at.note("provider", at.entry.stream_id, **fields, **_names(data["kind"], data["number"], data))
    waiting = at.book.get("nameless", at.entry.stream_id)
    for ocid in (waiting or {}).get("ocids", []):
        roles = at.note("party", f"{ocid}/{at.entry.stream_id}")["roles"]
        yield Change(
            ocid, "tenderUpdate", {"parties": [{"id": at.entry.stream_id, **described(known), "roles": roles}]}
        )


@on("registry", "CardChanged")
def card_changed(at: At) -> Iterable[Change]:
    """What was published stays as it was then; later releases have the new name."""
    known = at.book.get("provider", at.entry.stream_id)
    if known:
        fields = {name: at.data[name] for name in ("kind", "inn", "ogrn", "territory") if at.data.get(name)}
        now = {"full_name": known["legal_name"], "short_name": known["name"]}
        now |= {name: at.data[name] for name in now if at.data.get(name)}
        at.note(
            "provider",
            at.entry.stream_id,
            **fields,
            **_names(fields.get("kind") or known["kind"], known["number"], now),
        )
    return ()


def _names(kind: str, number: str, data: Json) -> Json:
    if kind == "individual":
        name = f"Индивидуальный предприниматель, № {number} в реестре"
        return {"name": name, "legal_name": name}
    return {"name": data["short_name"] or data["full_name"], "legal_name": data["full_name"]}
