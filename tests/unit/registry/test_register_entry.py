"""An entry's way through the register: who may, in which state, with which numbers, for which reasons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from kernel.ids import new_id
from kernel.settings import PROJECT
from services.registry.domain.numbers import ogrnip_is_valid
from services.registry.domain.register_entry import register_entry
from services.registry.domain.register_entry.application import (
    ApplyToRegister,
    CheckApplication,
    CompleteImportRow,
    IncludeProvider,
    RefuseProvider,
    ReturnApplication,
)
from services.registry.domain.register_entry.standing import (
    ChangeCard,
    ExcludeProvider,
    RestoreProvider,
    SuspendProvider,
    WithdrawProvider,
)
from services.registry.domain.register_entry.state import (
    CardChanged,
    FormalCheckDone,
    ProviderApplied,
    ProviderExcluded,
    ProviderIncluded,
    ProviderRefused,
    ProviderRestored,
    ProviderReturned,
    ProviderSuspended,
    ProviderWithdrawn,
)
from services.registry.rules import load_rules
from tests.story import Given, given
from tests.support import person

RULES = load_rules(PROJECT / "region")
PROVIDER = new_id()
STAFF = person("provider", organisation=PROVIDER)
CLERK, SECOND_CLERK = person("registrar"), person("registrar")
HEAD = new_id()
CARD: dict[str, Any] = {
    "full_name": "Автономная некоммерческая организация «Тёплый берег»",
    "short_name": "АНО «Тёплый берег»",
    "legal_form": "автономная некоммерческая организация",
    "kind": "npo",
    "inn": "0000028510",
    "ogrn": "1260000029431",
    "territory": "kem",
    "address": "г. Кемь, ул. Примерная, д. 3",
    "latitude": "64.9533",
    "longitude": "34.5950",
    "forms": ["home"],
    "service_kinds": ["domestic", "medical"],
    "head_ref": HEAD,
    "contacts": {"phone": "+7 81458 0-00-00", "email": "office@example.org"},
}
ENTREPRENEUR = {
    **CARD, "kind": "individual", "inn": "000005227904", "ogrn": "326000000525378", "full_name": "", "short_name": "",
}  # fmt: skip


def application(**changes: Any) -> ApplyToRegister:
    return ApplyToRegister(id=PROVIDER, **{**CARD, **changes})


def nothing() -> Given:
    return given(register_entry, id=PROVIDER, rules=RULES)


def applied() -> Given:
    return nothing().when(application(), STAFF).then(ProviderApplied)


def checked(met: bool = True) -> Given:
    checks = [{"requirement": "заявление полно", "met": True}, {"requirement": "лицензия", "met": met, "reason": "нет"}]
    return applied().when(CheckApplication(id=PROVIDER, checks=checks), CLERK).then(FormalCheckDone)


def active() -> Given:
    return checked().when(IncludeProvider(id=PROVIDER), CLERK, facts="РП-2027-000001").then(ProviderIncluded)


def test_from_application_to_the_register_with_a_number_and_the_regions_own_date() -> None:
    eve = datetime(2027, 12, 31, 21, 30, tzinfo=UTC)  # it is next year in Moscow
    told = checked().when(IncludeProvider(id=PROVIDER), CLERK, facts="РП-2028-000001", now=eve)
    included = told.event
    assert included.number == told.decision.reply["number"] == "РП-2028-000001"
    assert included.included_on == "2028-01-01"
    assert (included.inn, included.territory, included.forms) == ("0000028510", "kem", ("home",))
    assert told.then(ProviderIncluded).state.status == "active"


def test_only_the_own_organisation_or_a_registrar_applies() -> None:
    nothing().when(application(), person("provider", organisation=new_id())).refused("not_yours")
    nothing().when(application(), person("provider")).refused("not_yours")
    nothing().when(application(), person("officer")).refused("forbidden_role")
    assert nothing().when(application(), CLERK).event.origin == "registrar"
    assert nothing().when(application(), STAFF).event.origin == "provider"


def test_who_applied_does_not_include() -> None:
    entry = nothing().when(application(), CLERK).then(ProviderApplied)
    entry = entry.when(
        CheckApplication(id=PROVIDER, checks=[{"requirement": "всё", "met": True}]), CLERK
    ).then(FormalCheckDone)  # fmt: skip
    entry.when(IncludeProvider(id=PROVIDER), CLERK, facts="РП-2027-000001").refused("four_eyes")
    entry.when(IncludeProvider(id=PROVIDER), SECOND_CLERK, facts="РП-2027-000001").then(ProviderIncluded)


def test_nothing_is_included_before_a_check_that_is_met() -> None:
    include = IncludeProvider(id=PROVIDER)
    applied().when(include, CLERK, facts="РП-2027-000001").refused("check_needed")
    checked(met=False).when(include, CLERK, facts="РП-2027-000001").refused("check_not_met")


def test_an_unmet_requirement_names_its_reason_and_none_is_checked_twice() -> None:
    for checks, code in (
        ([{"requirement": "лицензия", "met": False}], "reason_needed"),
        ([{"requirement": "лицензия", "met": True}, {"requirement": "лицензия", "met": True}], "checked_twice"),
    ):
        applied().when(CheckApplication(id=PROVIDER, checks=checks), CLERK).refused(code)


def test_returned_corrected_checked_again() -> None:
    entry = checked(met=False)
    entry = entry.when(ReturnApplication(id=PROVIDER, reasons=["нет лицензии"]), CLERK).then(ProviderReturned)
    entry.when(IncludeProvider(id=PROVIDER), CLERK, facts="РП-2027-000001").refused("wrong_state")
    entry = entry.when(application(address="г. Кемь, д. 4"), STAFF).then(ProviderApplied)
    assert entry.state.card.address == "г. Кемь, д. 4"
    entry.when(IncludeProvider(id=PROVIDER), CLERK, facts="РП-2027-000001").refused("check_needed")


def test_a_refusal_has_reasons_and_a_ground_and_is_not_for_ever() -> None:
    refuse = RefuseProvider(id=PROVIDER, reasons=["нет услуг"], ground="requirements_not_met")
    told = applied().when(refuse, CLERK)
    assert told.event.ground == "442-FZ art. 25" and told.event.reasons == ("нет услуг",)
    told.then(ProviderRefused).when(application(), STAFF).then(ProviderApplied)


def test_suspended_restored_excluded() -> None:
    suspend = SuspendProvider(id=PROVIDER, reason="нет лицензии", ground="licence_ended")
    restore = RestoreProvider(id=PROVIDER, reason="лицензия есть", ground="violations_remedied")
    exclude = ExcludeProvider(id=PROVIDER, reason="ликвидация", ground="activity_ended")
    active().when(restore, CLERK).refused("wrong_state")
    entry = active().when(suspend, CLERK).then(ProviderSuspended)
    entry.when(suspend, CLERK).refused("wrong_state")
    entry.when(restore, CLERK).then(ProviderRestored).when(exclude, CLERK).then(ProviderExcluded)
    gone = entry.when(exclude, CLERK).then(ProviderExcluded)
    gone.when(restore, CLERK).refused("wrong_state")
    gone.when(WithdrawProvider(id=PROVIDER), STAFF).refused("wrong_state")


def test_a_provider_leaves_by_itself_and_nobody_elses_entry() -> None:
    withdraw = WithdrawProvider(id=PROVIDER)
    active().when(withdraw, person("provider", organisation=new_id())).refused("not_yours")
    for entry in (applied(), active()):
        assert entry.when(withdraw, STAFF).then(ProviderWithdrawn).state.status == "withdrawn"


@pytest.mark.parametrize("command", [SuspendProvider, ExcludeProvider])
def test_staff_may_not_decide_on_themselves(command: Any) -> None:
    active().when(command(id=PROVIDER, reason="причина"), STAFF).refused("forbidden_role")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"inn": "0000028511"}, "inn_check_digits"),
        ({"inn": "000002851"}, "inn_length"),
        ({"inn": "000005227904"}, "inn_length"),
        ({"inn": "٠٠٠٠٠٢٨٥١٠"}, "inn_length"),  # digits, but not these
        ({"ogrn": "1260000029432"}, "ogrn_check_digits"),
        ({"ogrn": "326000000525378"}, "ogrn_length"),
        ({"territory": "atlantis"}, "territory_unknown"),
        ({"forms": ["home", "home"]}, "repeated_value"),
        ({"short_name": " "}, "name_missing"),
    ],
)
def test_a_card_that_is_not_right_is_refused(changes: dict[str, Any], code: str) -> None:
    nothing().when(application(**changes), STAFF).refused(code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"inn": "0000028510"}, "inn_length"),
        ({"inn": "000005227905"}, "inn_check_digits"),
        ({"ogrn": "1260000029431"}, "ogrn_length"),
        ({"ogrn": "326000000525379"}, "ogrn_check_digits"),
        ({"full_name": "ИП Примерова А. А."}, "name_is_personal"),
        ({"head_ref": ""}, "head_missing"),
    ],
)
def test_an_entrepreneur_has_longer_numbers_and_no_name_in_the_log(changes: dict[str, Any], code: str) -> None:
    nothing().when(application(**{**ENTREPRENEUR, **changes}), STAFF).refused(code)


def test_an_entrepreneurs_card_is_named_by_its_number() -> None:
    told = nothing().when(application(**ENTREPRENEUR), STAFF)
    assert told.event.full_name == told.event.short_name == "ИП, ОГРНИП 326000000525378"
    told.then(ProviderApplied).when(ChangeCard(id=PROVIDER, address="г. Кемь"), STAFF).then(CardChanged)


@examples(st.integers(0, 10**13 - 1))
def test_every_ogrnip_has_exactly_one_check_digit(serial: int) -> None:
    body = f"3{serial:013d}"
    assert [ogrnip_is_valid(f"{body}{digit}") for digit in range(10)].count(True) == 1


def test_staff_change_what_is_theirs_and_the_registrar_the_rest() -> None:
    told = active().when(ChangeCard(id=PROVIDER, contacts={"phone": "+7 900 000-00-00"}, address="новый"), STAFF)
    assert told.decision.reply["changed"] == ["address", "contacts"]
    assert told.event.full_name is None and told.event.contacts.email == ""
    assert told.then(CardChanged).state.card.inn == CARD["inn"]
    active().when(ChangeCard(id=PROVIDER, territory="onega", address="новый"), STAFF).refused("only_registrar")
    active().when(ChangeCard(id=PROVIDER, territory="onega"), CLERK).then(CardChanged)
    active().when(ChangeCard(id=PROVIDER, inn="0000028511"), CLERK).refused("inn_check_digits")
    active().when(ChangeCard(id=PROVIDER, address=CARD["address"]), STAFF).refused("nothing_changes")
    active().when(ChangeCard(id=PROVIDER, address="x"), person("provider", organisation=new_id())).refused("not_yours")


def test_a_row_of_an_import_becomes_an_application_while_it_waits() -> None:
    row = new_id()
    complete = CompleteImportRow(row_id=row, **CARD)
    told = nothing().when(complete, CLERK, facts="draft")
    assert (told.event.origin, told.event.import_row, told.event.applied_by) == ("import", row, CLERK.id)
    for status in ("completed", "dropped", None):
        nothing().when(complete, CLERK, facts=status).refused("import_row_not_open")
    nothing().when(complete, STAFF, facts="draft").refused("forbidden_role")
