"""Registry and orders as far as `providers` hears them: services with real logs that say what they are told to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData

from kernel.aggregate import ANY, NEW, Aggregate, Command, Context, Decision, Event, decided
from kernel.ids import Id, new_id
from kernel.service import On, Service
from tests.support import Market, person

SPEAKER = person("speaker")


@dataclass(frozen=True)
class Said:
    status: str = NEW


class Say(Command):
    id: Id
    event: str
    data: dict[str, Any]


def speaker(name: str, aggregate_name: str, fields: dict[str, dict[str, Any]]) -> Service:
    """A service `name` whose command `say` logs any of the events in `fields` ({event: {field: type}})."""
    events: dict[str, type[Event]] = {
        event: type(event, (Event,), {"__annotations__": types}) for event, types in fields.items()
    }
    aggregate = Aggregate(aggregate_name, Said)

    @aggregate.command(Say, roles={"speaker"}, states={NEW, *ANY}, emits=tuple(events.values()))
    def say(state: Said, command: Say, context: Context) -> Decision:
        return decided(events[command.event](**command.data))

    for event in events.values():
        aggregate.event(event, to="said")(lambda state, event: state)
    return Service(name=name, metadata=MetaData(schema=name), aggregates=(aggregate,), commands=(On(Say),))


def registry() -> Service:
    included = {
        "number": str, "full_name": str, "short_name": str, "kind": str, "inn": str, "ogrn": str, "territory": str,
        "forms": list[str], "service_kinds": list[str], "included_on": str,
    }  # fmt: skip
    events = {"ProviderIncluded": included, "ProviderSuspended": {"reason": str}, "ProviderRestored": {}}
    events |= {"ProviderExcluded": {"reason": str}, "ProviderWithdrawn": {}, "CardChanged": {"short_name": str}}
    return speaker("registry", "RegisterEntry", events)


def orders() -> Service:
    activated = {
        "agreement_id": str, "body_id": str, "year": int, "provider_id": str, "provider_kind": str,
        "service_code": str, "service_kind": str, "form": str, "unit": str, "volume": int, "unit_price_kopecks": int,
        "amount_kopecks": int, "starts": str, "ends": str,
    }  # fmt: skip
    over = {"agreement_id": str, "reason": str}
    return speaker(
        "orders",
        "Agreement",
        {
            "PlacesRequested": {"agreement_id": str, "provider_id": str, "form": str, "places": int},
            "AgreementActivated": activated,
            "AgreementSuspended": over,
            "AgreementResumed": {"agreement_id": str},
            "AgreementCompleted": {"agreement_id": str},
            "AgreementTerminated": over,
            "AgreementVoided": over,
        },
    )


class Town:
    """A market with `providers` in it, and short words for what its neighbours say."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def say(self, service: str, id: str, event: str, **data: Any) -> None:
        self.market.do(f"{service}.say", {"id": id, "event": event, "data": data}, SPEAKER)

    def include(self, name: str = "Добрый дом", funded: int | None = 10) -> str:
        """A provider of the register with `funded` places at home; its id."""
        provider_id = new_id()
        self.say(
            "registry", provider_id, "ProviderIncluded", number="51-000001", full_name=name, short_name=name,
            kind="npo", inn="7700000000", ogrn="1027700000000", territory="kem", forms=["home"],
            service_kinds=["domestic"], included_on="2027-01-11",
        )  # fmt: skip
        self.market.work()
        if funded is not None:
            places = {"id": provider_id, "form": "home", "maximum": funded + 5, "funded": funded}
            self.market.do("providers.set_places", places, person("provider", organisation=provider_id))
        return provider_id

    def request_places(self, provider_id: str, places: int, agreement_id: str | None = None) -> str:
        agreement_id = agreement_id or new_id()
        asked = {"agreement_id": agreement_id, "provider_id": provider_id, "form": "home", "places": places}
        self.say("orders", agreement_id, "PlacesRequested", **asked)
        return agreement_id

    def activate(self, provider_id: str, body_id: str, volume: int = 100, **more: Any) -> str:
        """An agreement in force from February to November 2027; its id."""
        agreement_id = new_id()
        self.say(
            "orders", agreement_id, "AgreementActivated",
            **{
                "agreement_id": agreement_id, "body_id": body_id, "year": 2027, "provider_id": provider_id,
                "provider_kind": "npo", "service_code": "DOM-01", "service_kind": "domestic", "form": "home",
                "unit": "visit", "volume": volume, "unit_price_kopecks": 41200, "amount_kopecks": volume * 41200,
                "starts": "2027-02-01", "ends": "2027-11-30", **more,
            },
        )  # fmt: skip
        self.market.work()
        return agreement_id

    def answers(self, agreement_id: str) -> list[tuple[str, str]]:
        """What `providers` has said about places of the agreement: (event, reason), in the order of its log."""
        self.market.work()
        rows = self.market.sql(
            "SELECT type, convert_from(entry, 'UTF8')::jsonb -> 'event' -> 'data' FROM providers.log "
            "WHERE type LIKE '%%.Places%%' ORDER BY sequence"
        )
        of_it = [(name, data) for name, data in rows if data.get("agreement_id") == agreement_id]
        return [(name.split(".")[2], data.get("reason", "")) for name, data in of_it]

    def workspace_places(self, provider_id: str) -> dict[str, int]:
        [found] = self.market.ask("providers.places", {"provider_id": provider_id})["items"]
        return {name: found[name] for name in ("maximum", "funded", "reserved", "free")}
