"""Registry, access and vault together: what is live is what a replay of their logs makes, secrets included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.replay.fold import Difference, Fold
from app.replay.live import Live
from kernel.ids import new_id
from services.access.service import service as access
from services.access.verify import check_secrets as credentials
from services.registry.service import service as registry
from services.vault.service import service as vault
from services.vault.verify import check_secrets as secrets
from tests.component.registry.test_register import CHECKS, card
from tests.component.vault.market import orders
from tests.support import Market, market, person

CLERK, SECOND, ADMINISTRATOR = person("registrar"), person("registrar"), person("administrator")
PROVIDER, BODY = new_id(), new_id()
STAFF, OFFICER = person("provider", organisation=PROVIDER), person("officer", organisation=BODY)


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    services = [access(), registry(), orders(), vault()]
    began = datetime(2027, 1, 15, 9, tzinfo=UTC)
    with market(services, module_database, tmp_path_factory.mktemp("home"), began) as made:
        _live_a_little(made)
        yield made


def _live_a_little(region: Market) -> None:
    """Some of everything that these services do, refusals among it."""
    head, orphan, account, competition, lot = (new_id() for _ in range(5))
    for ref in (head, orphan):
        region.do("vault.put_person", {"id": ref, "purpose": "head", "person": {"full_name": "Примерова"}}, STAFF)
    region.do("registry.apply_to_register", {"id": PROVIDER, **card(900, head_ref=head)}, STAFF)
    region.do("registry.return_application", {"id": PROVIDER, "reasons": ["адрес"]}, CLERK)
    again = card(900, head_ref=head, address="г. Кемь, д. 1", contacts={"phone": "+7 900 000-00-00"})
    region.do("registry.apply_to_register", {"id": PROVIDER, **again}, STAFF)
    region.do("registry.check_application", {"id": PROVIDER, "checks": CHECKS}, CLERK)
    region.do("registry.include_provider", {"id": PROVIDER}, CLERK)
    region.do("registry.change_card", {"id": PROVIDER, "forms": ["home", "urgent"], "latitude": "64.9"}, SECOND)
    region.do(
        "registry.suspend_provider", {"id": PROVIDER, "reason": "нет лицензии", "ground": "licence_ended"}, SECOND
    )
    batch = region.do(
        "registry.start_import",
        {
            "sha256": "0" * 64,
            "file_name": "a.csv",
            "encoding": "utf-8",
            "delimiter": ";",
            "columns": ["ИНН"],
            "rows": 2,
        },
        CLERK,
    )["id"]
    rows = []
    for number, name in enumerate(("АНО «Дом»", "АНО «Два дома»"), 1):
        cells = [{"column": "Наименование", "text": name}, {"column": "Город", "text": "Кемь"}]
        data = {"batch_id": batch, "number": number, "line": number + 1, "cells": cells}
        rows.append(region.do("registry.take_import_row", data, CLERK)["id"])
    region.do("registry.complete_import_row", {"row_id": rows[0], **card(901)}, CLERK)
    region.do("registry.drop_import_row", {"id": rows[1], "reason": "повтор"}, CLERK)
    who = {"login": "petrova", "password": "очень длинный пароль", "display_name": "Петрова"}
    region.do("access.create_account", {"id": account, **who, "roles": ["registrar", "evaluator"]}, ADMINISTRATOR)
    region.do("access.grant_role", {"id": account, "role": "registrar"}, person("administrator"))
    region.do("access.sign_in", {"id": new_id(), "login": "petrova", "password": who["password"]})
    region.refused("access.sign_in", {"id": new_id(), "login": "petrova", "password": "не тот пароль"})
    region.do("access.reset_password", {"id": account, "password": "совсем другой пароль"}, ADMINISTRATOR)
    region.do("orders.publish", {"id": competition, "body_id": BODY}, OFFICER)
    draft = {"id": new_id(), "competition_id": competition, "lot_id": lot, "content": {"price_kopecks": 1}}
    region.do("vault.save_draft", draft, STAFF)
    read = {"person_refs": [head], "reason": "проверка"}
    region.do("vault.read_persons", {"id": new_id(), **read}, STAFF)
    region.refused("vault.read_persons", {"id": new_id(), **read}, OFFICER)
    region.work()
    region.move_clock(datetime(2027, 1, 17, 9, tzinfo=UTC))
    region.work()


def _compared(region: Market) -> list[str]:
    services = [access(), registry(), orders(), vault()]
    live = Live(region.url, services)
    try:
        fold = Fold(services, live.standing.limits, frozenset(live.standing.parked))
        for service in services:
            for sequence, entry in live.entries_after(service.name, 0):
                fold.feed(service.name, sequence, entry)
        found = list(live.compare(fold))
        for name, check in (("access", credentials), ("vault", secrets)):
            states = {
                aggregate.name: {key: state for key, (_, state) in fold.states[name, aggregate.name].items()}
                for aggregate in fold.services[name].aggregates
            }
            found += [Difference(*one) for one in check(live.connection, states, region.settings.keys)]
        assert fold.counts["registry"] > 10 and fold.counts["vault"] > 5 and fold.counts["access"] > 5
        return [str(one) for one in found]
    finally:
        live.close()


def test_the_live_tables_are_what_a_replay_makes(region: Market) -> None:
    assert _compared(region) == []


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE registry.provider SET contacts = '{}'",
        "UPDATE registry.provider SET grams = '{}'",
        "UPDATE registry.register_entry SET state = jsonb_set(state, '{card,inn}', '\"1\"')",
        "UPDATE registry.decision SET ground = 'иное'",
        "UPDATE registry.draft SET taken = '{}'",
        "UPDATE access.account_view SET roles = '{administrator}'",
        "UPDATE access.credential SET password_hash = 'x'",
        "UPDATE vault.head SET shown = NOT shown",
        "UPDATE vault.person_secret SET sealed = 'x'",
        "DELETE FROM vault.denial",
    ],
)
def test_an_edit_past_every_command_is_named(region: Market, edit: str) -> None:
    table = edit.split()[2] if edit.startswith("DELETE") else edit.split()[1]
    with region._admin.connect() as connection:
        saved = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        assert saved, f"nothing in {table}: the test could not fail"
    region.sql(f"CREATE TABLE IF NOT EXISTS public.saved AS SELECT * FROM {table}")
    try:
        region.sql(edit)
        assert any(table in line for line in _compared(region))
    finally:
        region.sql(f"DELETE FROM {table}")
        region.sql(f"INSERT INTO {table} SELECT * FROM public.saved")
        region.sql("DROP TABLE public.saved")
    assert _compared(region) == []
