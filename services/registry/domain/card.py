"""A provider's card: what the register says of it (442-FZ art. 25 p. 3), and what makes a card acceptable.

The head's name and the name of an individual entrepreneur are personal data: the vault holds them, a card holds the
reference `head_ref`. So the card of an entrepreneur is named by its OGRNIP.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.refusal import Refusal, require
from services.registry.domain.numbers import check_numbers

LAW = "442-FZ art. 25"

TERRITORY_UNKNOWN = Refusal(
    "territory_unknown",
    "Территории «{given}» нет в настройках региона. Есть: {known}.",
    "The region's configuration has no territory “{given}”. There are: {known}.",
    "region/territories.toml",
    kind="invalid",
)
REPEATED = Refusal(
    "repeated_value",
    "В поле «{field}» значение указано дважды.",
    "The field “{field}” holds a value twice.",
    kind="invalid",
)
NAME_MISSING = Refusal(
    "name_missing",
    "Укажите полное и краткое наименование организации.",
    "Give the full and the short name of the organisation.",
    LAW,
    kind="invalid",
)
NAME_IS_PERSONAL = Refusal(
    "name_is_personal",
    "Имя предпринимателя — персональные данные: оставьте наименования пустыми (в реестре будет «{name}»), "
    "а имя положите в хранилище и укажите head_ref.",
    "An entrepreneur's name is personal data: leave the names empty (the register will say “{name}”), "
    "put the name into the vault and give head_ref.",
    "152-FZ art. 3, 7",
    kind="invalid",
)
HEAD_MISSING = Refusal(
    "head_missing",
    "Для предпринимателя укажите head_ref: ссылку на его имя в хранилище.",
    "Give head_ref, the vault's reference to the entrepreneur's name.",
    "442-FZ art. 25 p. 3",
    kind="invalid",
)


class Kind(StrEnum):
    """Kinds of provider."""

    NPO = "npo"
    BUDGET_INSTITUTION = "budget_institution"
    SOCIAL_ENTERPRISE = "social_enterprise"
    INDIVIDUAL = "individual"


class FormOfService(StrEnum):
    """Forms of social service (442-FZ art. 19); urgent services have no form there and stand beside them."""

    HOME = "home"
    SEMI_RESIDENTIAL = "semi_residential"
    RESIDENTIAL = "residential"
    URGENT = "urgent"


class ServiceKind(StrEnum):
    """Kinds of social service (442-FZ art. 20)."""

    DOMESTIC = "domestic"
    MEDICAL = "medical"
    PSYCHOLOGICAL = "psychological"
    PEDAGOGICAL = "pedagogical"
    LABOUR = "labour"
    LEGAL = "legal"
    COMMUNICATIVE = "communicative"
    URGENT = "urgent"


Name = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
Number = Annotated[str, StringConstraints(max_length=20)]
Line = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
Territory = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
Latitude = Annotated[str, StringConstraints(pattern=r"^-?(90(\.0+)?|[0-8]?[0-9](\.[0-9]{1,8})?)$")]
Longitude = Annotated[str, StringConstraints(pattern=r"^-?(180(\.0+)?|(1[0-7]|[0-9])?[0-9](\.[0-9]{1,8})?)$")]
HeadRef = Annotated[str, StringConstraints(pattern=r"^$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""The vault's reference to a person, or nothing."""


class Contacts(BaseModel):
    """How to reach the organisation; not a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    phone: Annotated[str, StringConstraints(pattern=r"^$|^[+0-9()\-\s,;доб.]{5,60}$")] = ""
    email: Annotated[str, StringConstraints(pattern=r"^$|^[^@\s]{1,64}@[^@\s]{1,190}$")] = ""


class CardFields(BaseModel):
    """The fields of a card. Degrees are texts, so that no float is made of them on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    full_name: Name = ""
    short_name: Name = ""
    legal_form: Line
    kind: Kind
    inn: Number
    ogrn: Number
    territory: Territory
    address: Line = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    forms: Annotated[tuple[FormOfService, ...], Field(min_length=1, max_length=4)]
    service_kinds: Annotated[tuple[ServiceKind, ...], Field(min_length=1, max_length=8)]
    head_ref: HeadRef = ""
    contacts: Contacts = Contacts()


class Card(CardFields):
    """A card as it stands in the register."""


class Changes(BaseModel):
    """Fields of a card that change; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    full_name: Name | None = None
    short_name: Name | None = None
    legal_form: Line | None = None
    kind: Kind | None = None
    inn: Number | None = None
    ogrn: Number | None = None
    territory: Territory | None = None
    address: Line | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    forms: Annotated[tuple[FormOfService, ...], Field(min_length=1, max_length=4)] | None = None
    service_kinds: Annotated[tuple[ServiceKind, ...], Field(min_length=1, max_length=8)] | None = None
    head_ref: HeadRef | None = None
    contacts: Contacts | None = None


OWN_FIELDS = frozenset({"address", "latitude", "longitude", "head_ref", "contacts"})
"""What a provider may change by itself; the rest is what the registrar decided on."""


def given(changes: BaseModel) -> dict[str, Any]:
    """The card's fields that `changes` (a Changes, or what derives from it) really names."""
    return {name: getattr(changes, name) for name in Changes.model_fields if getattr(changes, name) is not None}


def accepted(card: CardFields, territories: frozenset[str]) -> Card:
    """The card as the register takes it. Refuses wrong numbers, an unknown territory, missing or personal names."""
    is_person = card.kind is Kind.INDIVIDUAL
    check_numbers(card.inn, card.ogrn, is_person)
    known = ", ".join(sorted(territories))
    require(card.territory in territories, TERRITORY_UNKNOWN, given=card.territory, known=known)
    for field in ("forms", "service_kinds"):
        values = getattr(card, field)
        require(len(set(values)) == len(values), REPEATED, field=field)
    fields: dict[str, Any] = {name: getattr(card, name) for name in CardFields.model_fields}
    if is_person:
        name = name_of_entrepreneur(card.ogrn)
        require({card.full_name, card.short_name} <= {"", name}, NAME_IS_PERSONAL, name=name)
        require(card.head_ref != "", HEAD_MISSING)
        return Card(**{**fields, "full_name": name, "short_name": name})
    require(card.full_name != "" and card.short_name != "", NAME_MISSING)
    return Card(**fields)


def name_of_entrepreneur(ogrnip: str) -> str:
    return f"ИП, ОГРНИП {ogrnip}"
