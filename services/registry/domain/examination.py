"""What a row of an outside list says of an organisation, and what it leaves for a person.

Nothing is lost: every cell stays as it came, beside what was read from it. Nothing is invented: a field is taken only
where the row says it; the rest is named in `missing`, and whatever a person should look at in `problems`. The one thing
that is not kept is a person's name: it belongs in the vault, so its cell is named in `withheld`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from kernel.refusal import Refused
from services.registry.domain import names
from services.registry.domain.card import Contacts, FormOfService, Kind, Latitude, Longitude, ServiceKind
from services.registry.domain.numbers import check_inn, check_ogrn

# Headers as lists have them, normalised (see names.normalised), and the field that they mean.
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(
        ("full name", "name", "наименование", "полное наименование", "организация", "название"), "full_name"
    ),
    **dict.fromkeys(("short name", "краткое наименование", "сокращенное наименование"), "short_name"),
    **dict.fromkeys(
        ("city", "город", "населенный пункт", "муниципальное образование", "территория", "territory"), "city"
    ),
    **dict.fromkeys(("address", "адрес", "юридический адрес", "почтовый адрес"), "address"),
    **dict.fromkeys(("latitude", "широта", "lat"), "latitude"),
    **dict.fromkeys(("longitude", "долгота", "lon", "lng"), "longitude"),
    **dict.fromkeys(("inn", "инн"), "inn"),
    **dict.fromkeys(("ogrn", "огрн", "огрнип", "огрн огрнип"), "ogrn"),
    **dict.fromkeys(("phone", "телефон", "контактный телефон"), "phone"),
    **dict.fromkeys(("email", "e mail", "электронная почта", "почта"), "email"),
    **dict.fromkeys(("forms", "формы обслуживания", "форма обслуживания"), "forms"),
    **dict.fromkeys(("service kinds", "виды услуг", "вид услуг"), "service_kinds"),
    **dict.fromkeys(("activity", "деятельность", "вид деятельности", "направление"), "activity"),
    **dict.fromkeys(("head", "руководитель", "директор", "фио руководителя", "фио", "контактное лицо"), "head"),
}
NEEDED = (
    "full_name", "legal_form", "kind", "inn", "ogrn", "territory", "address", "forms", "service_kinds", "head",
)  # fmt: skip
"""What an application needs (442-FZ art. 25 p. 3) and a row may lack."""

_FORMS = (
    ("semi_residential", "полустационар"),
    ("residential", "стационар"),
    ("home", "на дому"),
    ("urgent", "срочн"),
)
_KINDS = (
    ("domestic", "бытов"), ("medical", "медицин"), ("psychological", "психолог"), ("pedagogical", "педагог"),
    ("labour", "трудов"), ("legal", "правов"), ("communicative", "коммуникатив"), ("urgent", "срочн"),
)  # fmt: skip

ReaderProblem = Literal["broken_line", "columns_guessed", "short_row", "long_row"]


class Cell(BaseModel):
    """A cell as it came, under its column's header."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    column: str
    text: str


class Taken(BaseModel):
    """What was read from a row; an empty field was not there or could not be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    full_name: str = ""
    short_name: str = ""
    legal_form: str = ""
    kind: str = ""
    inn: str = ""
    ogrn: str = ""
    city: str = ""
    territory: str = ""
    address: str = ""
    latitude: str = ""
    longitude: str = ""
    phone: str = ""
    email: str = ""
    activity: str = ""
    forms: tuple[str, ...] = ()
    service_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """A row as it was understood."""

    taken: Taken
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    withheld: tuple[str, ...]


def field_of(column: str) -> str | None:
    """The card's field that a column's header means."""
    return COLUMNS.get(names.normalised(column))


def personal_name(cells: Iterable[Cell]) -> tuple[str, tuple[str, ...]]:
    """The personal name that a row holds ("" for none) and the columns that hold one."""
    found: dict[str, str] = {}
    for cell in cells:
        if cell.text.strip():
            found.setdefault(field_of(cell.column) or cell.column, cell.text.strip())
    columns = ["head"] if "head" in found else []
    name = found.get("head", "")
    if _is_entrepreneur(found):
        columns += [field for field in ("full_name", "short_name") if field in found]
        name = name or re.sub(r"^\s*(ИП|индивидуальный предприниматель)\s+", "", found.get("full_name", ""), flags=re.I)
    headers = tuple(cell.column for cell in cells if cell.text.strip() and field_of(cell.column) in columns)
    return name, headers


def examine(cells: Iterable[Cell], territories: Mapping[str, str], head_ref: str = "") -> Examination:
    """Read a row. `territories`: {normalised name of a municipality: its code}."""
    cells = tuple(cells)
    _, withheld = personal_name(cells)
    found: dict[str, str] = {}
    for cell in cells:
        field = field_of(cell.column)
        if field and cell.text.strip():
            found.setdefault(field, " ".join(cell.text.split()))
    reading = _Reading(found, territories)
    taken = reading.taken(hide_names=_is_entrepreneur(found))
    missing = [field for field in NEEDED if field != "head" and not getattr(taken, field)]
    if taken.kind == Kind.INDIVIDUAL:
        missing = [field for field in missing if field != "full_name"]
    if not head_ref:
        missing.append("head")
    if withheld:
        reading.problems.append("name_is_personal")
    return Examination(taken, tuple(missing), tuple(dict.fromkeys(reading.problems)), withheld)


def _is_entrepreneur(found: Mapping[str, str]) -> bool:
    form = names.legal_form(found.get("full_name", ""))
    return bool(form and form.kind == Kind.INDIVIDUAL) or len(found.get("inn", "")) == 12


class _Reading:
    """One row being read; problems gather on the way."""

    def __init__(self, found: Mapping[str, str], territories: Mapping[str, str]) -> None:
        self.found = found
        self.territories = territories
        self.problems: list[str] = []

    def taken(self, hide_names: bool) -> Taken:
        form = names.legal_form(self.found.get("full_name", ""))
        if hide_names:
            form = names.LegalForm("индивидуальный предприниматель", Kind.INDIVIDUAL)
        full, short = ("", "") if hide_names else self._names(form)
        kind = str((form and form.kind) or "")
        inn, ogrn = self._numbers()
        latitude, longitude = self._coordinates()
        return Taken(
            full_name=full,
            short_name=short,
            legal_form=form.name if form else "",
            kind=kind,
            inn=inn,
            ogrn=ogrn,
            city=self.found.get("city", ""),
            territory=self._territory(),
            address=self.found.get("address", ""),
            latitude=latitude,
            longitude=longitude,
            phone=self._contact("phone"),
            email=self._contact("email"),
            activity=self.found.get("activity", ""),
            forms=self._codes("forms", [str(form) for form in FormOfService], _FORMS),
            service_kinds=self._codes("service_kinds", [str(kind) for kind in ServiceKind], _KINDS),
        )

    def _names(self, form: names.LegalForm | None) -> tuple[str, str]:
        raw = self.found.get("full_name", "")
        if not raw:
            return "", self.found.get("short_name", "")
        quoted = names.with_quotes_in_order(raw)
        if quoted.repaired:
            self.problems.append("quotes_unbalanced")
        if names.is_in_capitals(raw):
            self.problems.append("all_capitals")
        if names.says_part_of_another(raw):
            self.problems.append("part_of_another")
        short = self.found.get("short_name", "")
        return quoted.text, names.with_quotes_in_order(short).text if short else names.short_name(quoted.text, form)

    def _numbers(self) -> tuple[str, str]:
        inn, ogrn = (re.sub(r"\s", "", self.found.get(field, "")) for field in ("inn", "ogrn"))
        if inn and not _is_right(check_inn, inn, 12):
            self.problems.append("inn_wrong")
            inn = ""
        if ogrn and not _is_right(check_ogrn, ogrn, 15):
            self.problems.append("ogrn_wrong")
            ogrn = ""
        return inn, ogrn

    def _territory(self) -> str:
        city = re.sub(r"^(г|город|пгт|пос|с)\.?\s+", "", self.found.get("city", ""), flags=re.I)
        code = self.territories.get(names.normalised(city), "")
        if city and not code:
            self.problems.append("city_outside_region")
        return code

    def _coordinates(self) -> tuple[str, str]:
        latitude, longitude = (self.found.get(field, "").replace(",", ".") for field in ("latitude", "longitude"))
        if not latitude and not longitude:
            return "", ""
        if not (_fits(Latitude, latitude) and _fits(Longitude, longitude)):
            self.problems.append("coordinates_wrong")
            return "", ""
        if not re.search(r"\d", self.found.get("address", "")):
            # Without a house the coordinates can only be those of the place.
            self.problems.append("coordinates_of_city")
        return latitude, longitude

    def _contact(self, field: str) -> str:
        text = self.found.get(field, "")
        try:
            Contacts.model_validate({field: text})
        except ValidationError:
            self.problems.append(f"{field}_wrong")
            return ""
        return text

    def _codes(self, field: str, codes: list[str], words: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        taken: list[str] = []
        for part in re.split(r"[;,/]", self.found.get(field, "")):
            plain = part.strip().casefold()
            code = plain if plain in codes else next((code for code, word in words if word in plain), "")
            if code and code not in taken:
                taken.append(code)
            elif plain and not code:
                self.problems.append(f"{field}_unknown")
        return tuple(taken)


def _is_right(check: Callable[[str, bool], None], number: str, length_of_person: int) -> bool:
    try:
        check(number, len(number) == length_of_person)
    except Refused:
        return False
    return True


def _fits(type_: Any, text: str) -> bool:
    try:
        TypeAdapter(type_).validate_python(text)
    except ValidationError:
        return False
    return True
