"""The register of providers in the words of HSDS 3.0 (Human Services Data Specification), and as GeoJSON and CSV.

Pure functions of the cards that the registry shows to everybody. An individual entrepreneur is a person: the register's
number stands for the name, and neither address nor numbers nor contacts are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.ids import derived_id

Json = dict[str, Any]
Card = Mapping[str, Any]

KINDS = {
    "npo": "Некоммерческая организация",
    "budget_institution": "Государственное или муниципальное учреждение",
    "social_enterprise": "Социальное предприятие",
    "individual": "Индивидуальный предприниматель",
}
# 442-FZ art. 20: the kinds of social services; art. 19: their forms.
SERVICE_KINDS = {
    "domestic": "Социально-бытовые услуги",
    "medical": "Социально-медицинские услуги",
    "psychological": "Социально-психологические услуги",
    "pedagogical": "Социально-педагогические услуги",
    "labour": "Социально-трудовые услуги",
    "legal": "Социально-правовые услуги",
    "communicative": "Услуги в целях повышения коммуникативного потенциала",
    "urgent": "Срочные социальные услуги",
}
FORMS = {
    "home": "на дому",
    "semi_residential": "в полустационарной форме",
    "residential": "в стационарной форме",
    "urgent": "срочно",
}
STATUSES = {"active": "active", "suspended": "temporarily closed"}
TAXONOMY = "442-FZ art. 19: forms of social services"
COLUMNS = (
    "number", "name", "full_name", "kind", "status", "territory", "forms", "service_kinds", "inn", "ogrn", "address",
    "latitude", "longitude", "phone", "email", "included_on",
)  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Names of the region and, by code, of its municipalities."""

    region: str
    municipalities: Mapping[str, str]

    def municipality(self, code: str) -> str:
        return self.municipalities.get(code, code)


def shown(card: Card) -> Json:
    """A card as open data shows it: a person's as its number in the register and what it does."""
    contacts = card.get("contacts") or {}
    whole = {**card, "phone": contacts.get("phone", ""), "email": contacts.get("email", "")}
    if card["kind"] == "individual":
        name = f"Индивидуальный предприниматель, № {card['number']} в реестре"
        hidden = dict.fromkeys(("inn", "ogrn", "address", "latitude", "longitude", "phone", "email"), "")
        whole |= {"full_name": name, "short_name": name, **hidden}
    whole["name"] = whole["short_name"] or whole["full_name"]
    return whole


def organization(card: Card, places: Places) -> Json:
    """A provider as an HSDS organization with its locations and services."""
    known = shown(card)
    id = str(known["id"])
    found: Json = {
        "id": id,
        "name": known["full_name"],
        "alternate_name": known["name"],
        "description": f"{KINDS[known['kind']]}. В реестре поставщиков социальных услуг № {known['number']}"
        f" с {known['included_on']}.",
        "legal_status": known["legal_form"] or KINDS[known["kind"]],
        "organization_identifiers": _identifiers(id, known),
        "services": [_service(id, kind, known, places) for kind in known["service_kinds"]],
    }
    optional = {"email": known["email"], "tax_id": known["inn"], "phones": _phones(id, known)}
    found |= {name: value for name, value in optional.items() if value}
    location = _location(id, known, places)
    if location:
        found["locations"] = [location]
    return found


def feature(card: Card) -> Json | None:
    """A provider as a GeoJSON feature (RFC 7946); None where it has no coordinates to show."""
    known = shown(card)
    if not known["latitude"]:
        return None
    point = {"type": "Point", "coordinates": [float(known["longitude"]), float(known["latitude"])]}
    told = ("number", "name", "kind", "status", "territory", "forms", "service_kinds", "address", "phone", "email")
    return {
        "type": "Feature",
        "id": str(known["id"]),
        "geometry": point,
        "properties": {name: known[name] for name in told},
    }


def line(card: Card) -> list[str]:
    """A provider as a line of CSV, in the order of `COLUMNS`; several values of one cell stand with semicolons."""
    known = shown(card)
    return [";".join(known[name]) if isinstance(known[name], list) else str(known[name]) for name in COLUMNS]


def _identifiers(id: str, known: Json) -> list[Json]:
    numbers = [
        ("register", "Номер в реестре поставщиков социальных услуг", known["number"]),
        ("RU-INN", "ИНН", known["inn"]),
        ("RU-OGRN", "ОГРН", known["ogrn"]),
    ]
    return [
        {
            "id": derived_id("hsds", id, "identifier", scheme),
            "organization_id": id,
            "identifier_scheme": scheme,
            "identifier_type": title,
            "identifier": number,
        }
        for scheme, title, number in numbers
        if number
    ]


def _phones(id: str, known: Json) -> list[Json]:
    if not known["phone"]:
        return []
    return [{"id": derived_id("hsds", id, "phone"), "organization_id": id, "number": known["phone"], "type": "voice"}]


def _location(id: str, known: Json, places: Places) -> Json | None:
    """The one address of the card."""
    if not known["address"]:
        return None
    location_id = derived_id("hsds", id, "location")
    location: Json = {
        "id": location_id,
        "location_type": "physical",
        "organization_id": id,
        "name": known["name"],
        "addresses": [
            {
                "id": derived_id("hsds", id, "address"),
                "location_id": location_id,
                "address_1": known["address"],
                "city": places.municipality(known["territory"]),
                "state_province": places.region,
                "postal_code": "",  # the card has it within the address, if at all
                "country": "RU",
                "address_type": "physical",
            }
        ],
    }
    if known["latitude"]:
        location |= {"latitude": float(known["latitude"]), "longitude": float(known["longitude"])}
    return location


def _service(id: str, kind: str, known: Json, places: Places) -> Json:
    """A kind of services that a provider is in the register with."""
    service_id = derived_id("hsds", id, "service", kind)
    found: Json = {
        "id": service_id,
        "organization_id": id,
        "name": SERVICE_KINDS[kind],
        "description": f"{SERVICE_KINDS[kind]}: " + ", ".join(FORMS[form] for form in known["forms"]),
        "status": STATUSES[known["status"]],
        "service_areas": [
            {
                "id": derived_id("hsds", id, "area", kind),
                "service_id": service_id,
                "name": places.municipality(known["territory"]),
                "extent_type": "municipality",
            }
        ],
        "attributes": [_form(service_id, form) for form in known["forms"]],
    }
    location = _location(id, known, places)
    if location:
        at = {"id": derived_id("hsds", id, "at", kind), "service_id": service_id, "location_id": location["id"]}
        found["service_at_locations"] = [{**at, "location": location}]
    return found


def _form(service_id: str, form: str) -> Json:
    return {
        "id": derived_id("hsds", service_id, "form", form),
        "link_id": service_id,
        "link_entity": "service",
        "taxonomy_term": {
            "id": derived_id("hsds", "form", form),
            "code": form,
            "name": FORMS[form],
            "description": f"Форма социального обслуживания: {FORMS[form]}",
            "taxonomy": TAXONOMY,
        },
    }
