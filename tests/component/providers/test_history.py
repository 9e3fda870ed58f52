"""The log says everything: a replay gives the rows that are there, a rebuild gives them with all constraints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from app.replay.fold import Fold
from app.replay.live import Live
from kernel.database import admin_url
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.rebuild import Rebuild
from kernel.service import Service
from services.providers.service import service
from tests.component.providers.conftest import TODAY
from tests.component.providers.neighbours import Town, orders, registry
from tests.component.providers.test_acts import Parties
from tests.component.providers.test_loans import Object, day
from tests.support import market, person


def lively(town: Town) -> tuple[Parties, Object]:
    """A town in which everything has happened that can happen to a row."""
    parties, thing = Parties(town), Object(town)
    town.say("registry", parties.provider_id, "CardChanged", short_name="Новый дом")
    act_id = parties.confirmed(10)
    town.market.do("providers.ask_reversal", {"id": act_id, "reason": "wrong visits"}, parties.npo)
    town.market.do("providers.decline_reversal", {"id": act_id, "reason": "they are right"}, parties.officer)
    town.market.do("providers.ask_reversal", {"id": act_id, "reason": "wrong visits"}, parties.npo)
    town.market.do("providers.confirm_reversal", {"id": act_id}, parties.officer)
    parties.confirmed(20)
    returned = parties.draft(30, "2027-03")
    town.market.do("providers.submit_act", {"id": returned}, parties.npo)
    town.market.do("providers.return_act", {"id": returned, "reason": "too many"}, parties.officer)
    town.market.do("providers.drop_act", {"id": returned}, parties.npo)
    for agreement, event in ((town.request_places(parties.provider_id, 3), "AgreementVoided"),
                             (parties.agreement_id, "AgreementSuspended")):  # fmt: skip
        town.say("orders", agreement, event, agreement_id=agreement, reason="a reason")
    town.say("orders", parties.agreement_id, "AgreementResumed", agreement_id=parties.agreement_id)
    town.request_places(parties.provider_id, 4)
    town.request_places(parties.provider_id, 400)
    town.say("registry", town.include(), "ProviderExcluded", reason="inspection")
    first = thing.lend(day(1), day(5))
    town.market.do("providers.return_loan", {"id": first, "condition": "clean"}, thing.owner)
    town.market.do(
        "providers.refuse_loan", {"id": thing.request(day(1), day(2)), "reason": "let to a school"}, thing.owner
    )
    town.market.do("providers.cancel_loan", {"id": thing.request(day(1), day(2)), "reason": "no need"}, thing.npo)
    thing.lend(day(1), day(2))
    town.market.move_clock(TODAY + timedelta(days=3))
    thing.lend(day(10), day(20))
    gone = Object(town)
    town.market.do("providers.withdraw_premises", {"id": gone.id, "reason": "sold"}, gone.owner)
    town.market.work()
    return parties, thing


def differences(town: Town, services: Sequence[Service]) -> list[str]:
    fold = Fold(services)
    for source in ("registry", "orders", "providers"):
        entries: list[Any] = town.market.sql(f"SELECT sequence, entry FROM {source}.log ORDER BY sequence")
        for sequence, entry in entries:
            fold.feed(source, sequence, bytes(entry))
    live = Live(town.market.url, services)
    try:
        return [str(difference) for difference in [*fold.differences, *live.compare(fold)]]
    finally:
        live.close()


def test_replay_and_rebuild_give_what_is_there(module_database: str, tmp_path: Path) -> None:
    services = [registry(), orders(), service()]
    with market(services, module_database, tmp_path, sandbox_from=TODAY) as made:
        town = Town(made)
        parties, thing = lively(town)
        assert differences(town, services) == []
        made.sql("UPDATE providers.known_agreement SET claimed = claimed + 1 WHERE claimed > 0")
        [found] = differences(town, services)
        assert found.startswith(f"providers.known_agreement {parties.agreement_id}: claimed is 21")
        engine = create_engine(admin_url(made.url))
        Rebuild(services[2], engine, services[2].projections).run()
        engine.dispose()
        assert differences(town, services) == []
        constraints_still_refuse(town, parties, thing)


def constraints_still_refuse(town: Town, parties: Parties, thing: Object) -> None:
    again = parties.drafting(1, "2027-02")
    assert town.market.refused("providers.draft_act", again, parties.npo) == "act_exists"
    constraints = town.market.sql(
        "SELECT conname::text FROM pg_constraint "
        "WHERE connamespace = 'providers'::regnamespace AND contype IN ('c', 'x')"
    )
    names = {name for (name,) in constraints}
    assert {"loan_no_overlap", "loan_period", "agreement_volume", "agreement_confirmed", "places_bounds"} <= names
    with pytest.raises(Exception, match="loan_no_overlap"):
        town.market.sql(
            "UPDATE providers.loan_card SET living = true, starts = %s, ends = %s WHERE premises_id = %s",
            (day(10), day(20), thing.id),
        )
    stranger = person("provider", organisation=new_id())
    asked = {"id": new_id(), "premises_id": thing.id, "starts": to_text(day(30)), "ends": to_text(day(31))}
    assert (
        town.market.refused("providers.request_loan", {**asked, "purpose": "club"}, stranger) == "provider_not_active"
    )
