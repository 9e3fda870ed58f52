"""Cards as HSDS, GeoJSON and CSV; `tests/conformance/test_hsds.py` holds a season's against the specification."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.ids import derived_id
from services.opendata.hsds import COLUMNS, FORMS, KINDS, SERVICE_KINDS, Places, feature, line, organization
from services.registry.domain.card import FormOfService, Kind, ServiceKind

PLACES = Places("Беломорский край", {"onega": "Онега"})


def card(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": derived_id("card"), "number": "РП-2027-000001", "full_name": "АНО «Дом у моря»", "short_name": "Дом у моря",
        "kind": "npo", "status": "active", "territory": "onega", "forms": ["home"], "service_kinds": ["domestic", "legal"],
        "inn": "0000010376", "ogrn": "1260000010412", "legal_form": "автономная некоммерческая организация",
        "address": "г. Онега", "latitude": "63.9", "longitude": "38.1", "included_on": "2027-01-12",
        "contacts": {"phone": "+7 815 555-01-22", "email": "office@provider.example"},
    }  # fmt: skip
    return {**whole, **changes}


def test_all_words_of_the_register_are_known() -> None:
    assert set(KINDS) == {str(one) for one in Kind} and set(FORMS) == {str(one) for one in FormOfService}
    assert set(SERVICE_KINDS) == {str(one) for one in ServiceKind}


def test_an_organization_has_its_services_where_it_is() -> None:
    found = organization(card(), PLACES)
    assert [service["name"] for service in found["services"]] == [SERVICE_KINDS["domestic"], SERVICE_KINDS["legal"]]
    (location,) = found["locations"]
    assert location["addresses"][0]["city"] == "Онега" and location["latitude"] == 63.9
    assert all(s["service_at_locations"][0]["location_id"] == location["id"] for s in found["services"])
    assert {n["identifier_scheme"]: n["identifier"] for n in found["organization_identifiers"]} == {
        "register": "РП-2027-000001", "RU-INN": "0000010376", "RU-OGRN": "1260000010412",
    }  # fmt: skip


def test_ids_stay_the_same() -> None:
    assert organization(card(), PLACES) == organization(card(), PLACES)


def test_a_suspended_providers_services_are_closed_for_a_time() -> None:
    found = organization(card(status="suspended"), PLACES)
    assert {service["status"] for service in found["services"]} == {"temporarily closed"}


@pytest.mark.parametrize("missing", [{"address": "", "latitude": "", "longitude": ""}, {"contacts": {}}])
def test_what_is_not_known_is_left_out(missing: dict[str, Any]) -> None:
    found = organization(card(**missing), PLACES)
    assert ("locations" in found) == ("contacts" in missing) and ("phones" in found) == ("address" in missing)


def test_a_person_is_a_number_in_the_register() -> None:
    person = card(kind="individual", full_name="ИП Примерова", short_name="ИП Примерова")
    told = str(organization(person, PLACES)) + str(line(person))
    assert "РП-2027-000001" in told and feature(person) is None
    assert not any(private in told for private in ("Примерова", "0000010376", "1260000010412", "815", "г. Онега"))


def test_a_line_has_every_column_and_lists_with_semicolons() -> None:
    told = dict(zip(COLUMNS, line(card()), strict=True))
    assert told["service_kinds"] == "domestic;legal" and told["name"] == "Дом у моря" and told["latitude"] == "63.9"


def test_a_feature_has_longitude_first() -> None:
    found = feature(card())
    assert found is not None and found["geometry"]["coordinates"] == [38.1, 63.9]
