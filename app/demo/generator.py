"""Regions of any size for benches: real events of the register and of workspaces, made by the pure domain.

`generate_log` runs the same `decide` and `evolve` that the services run, with a clock of its own, and chains what comes
of it as a sealer does; it is deterministic and holds a few dozen providers in memory, however many it makes.
`fill_database` puts a register of that kind into an installation: log, states and read tables, by COPY.

The numbers are invented like those of `region/demo`: INN and OGRN with right check digits, from places that don't exist.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Table, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from stdnum.ru import inn as stdnum_inn

from app.replay.fold import Fold
from kernel import canonical
from kernel.aggregate import Aggregate, Command, Context
from kernel.chain import START, Link, entry_hash, next_entry, take_apart
from kernel.database import admin_url
from kernel.identity import Actor
from kernel.instants import to_text
from kernel.projection import Entry
from kernel.service import Service
from kernel.settings import PROJECT, Settings
from kernel.store import cloud_event, entry_of
from services.providers.domain.rules import Rules as ProvidersRules
from services.providers.domain.workspace import OpenWorkspace, SetPlaces, SuspendWorkspace, workspace
from services.providers.service import service as providers_service
from services.registry.domain import register_entry as register
from services.registry.domain.card import FormOfService, Kind, ServiceKind
from services.registry.domain.register_entry.application import ApplyToRegister, CheckApplication, IncludeProvider
from services.registry.domain.register_entry.standing import ChangeCard, RestoreProvider, SuspendProvider
from services.registry.domain.register_entry.state import Check
from services.registry.service import service as registry_service

MOST_PROVIDERS = 1_000_000
ORGANISATIONS = 100_000  # INNs of the invented tax office that an organisation can have
AT_A_TIME = 64
SECOND = timedelta(seconds=1)
BEGINS = datetime(2027, 1, 11, 6, tzinfo=UTC)
FORMS = ("home", "semi_residential", "residential", "urgent")
SERVICE_KINDS = ("domestic", "medical", "psychological", "pedagogical", "labour", "legal", "communicative", "urgent")
_LEGAL = (
    ("npo", "Автономная некоммерческая организация", "АНО", "автономная некоммерческая организация"),
    ("npo", "Благотворительный фонд", "БФ", "благотворительный фонд"),
    ("budget_institution", "Государственное бюджетное учреждение", "ГБУ", "государственное бюджетное учреждение"),
    (
        "social_enterprise",
        "Общество с ограниченной ответственностью",
        "ООО",
        "общество с ограниченной ответственностью",
    ),
)
_FIRST = ("Северный", "Тёплый", "Добрый", "Поморский", "Белый", "Светлый", "Новый", "Тихий", "Дальний", "Родной")
_SECOND = ("дом", "берег", "причал", "круг", "парус", "маяк", "очаг", "мост", "родник", "свет", "край", "путь")

Numbered = tuple[str, int, bytes]


def generate_log(providers: int, events: int, seed: int, region: Path = PROJECT / "region") -> Iterator[Numbered]:
    """`events` entries (source, sequence, bytes) of the lives of `providers`, as evenly as they can be given out.

    Each log is chained from its first entry. The same arguments give the same bytes. `region`: whose rules and
    municipalities hold. Raises ValueError for more providers than there are invented numbers.
    """
    if not 0 < providers <= MOST_PROVIDERS:
        raise ValueError(f"from 1 to {MOST_PROVIDERS} providers can be made, not {providers}")
    books = _Books(seed, region)
    each, more = divmod(events, providers)
    fresh = ((_Life(books, number).events(), each + (number < more)) for number in range(providers))
    running: deque[tuple[Iterator[Numbered], int]] = deque()
    for _ in range(events):
        if len(running) < AT_A_TIME and (begun := next(fresh, None)) is not None:
            running.append(begun)
        life, left = running.popleft()
        yield next(life)
        if left > 1:
            running.append((life, left - 1))


# -- how events are made ----------------------------------------------------------------------------------------------


class _Books:
    """What the lives share: the chains, the clock, ids that follow from the seed, the services' rules."""

    def __init__(self, seed: int, region: Path) -> None:
        self.seed = seed
        self.registry, self.providers = registry_service(), providers_service()
        self.registry_rules = self.registry.load_rules(region)
        self.providers_rules: ProvidersRules = self.providers.load_rules(region)
        self.territories = sorted(self.registry_rules.codes)
        self._links: dict[str, Link] = {}
        self._random = random.Random(f"ids/{seed}")
        self._stand_at(BEGINS)

    def _stand_at(self, now: datetime) -> None:
        """Everything that follows from the instant is made once an event."""
        self.now, self.instant = now, to_text(now)
        milliseconds = f"{int(now.timestamp() * 1000):012x}"
        self._id_begins = f"{milliseconds[:8]}-{milliseconds[8:]}-7"

    def new_id(self) -> str:
        """A UUIDv7 of this moment (RFC 9562), which the seed decides."""
        bits = f"{self._random.getrandbits(72):018x}"
        return f"{self._id_begins}{bits[:3]}-{'89ab'[int(bits[3], 16) & 3]}{bits[3:6]}-{bits[6:]}"

    def enter(self, service: Service, entry: Entry) -> Numbered:
        """Seal an event as the next of its service's log. The next event comes a second later."""
        body = canonical.dumps(cloud_event(entry, service))
        sealed, link = next_entry(self._links.get(service.name, START), body, self.instant)
        self._links[service.name] = link
        self._stand_at(self.now + SECOND)
        return service.name, link.sequence, sealed


@dataclass
class _Stream:
    """An aggregate as it stands."""

    service: Service
    aggregate: Aggregate
    rules: Any
    state: Any
    version: int = 0


class _Life:
    """One provider: applies, is checked and included, opens its workspace; then its places and card change, and it is
    suspended and restored, again and again."""

    def __init__(self, books: _Books, number: int) -> None:
        self._books = books
        self._number = number
        self._random = random.Random(f"{books.seed}/{number}")
        self.id = books.new_id()
        self._staff = Actor(books.new_id(), frozenset({"provider"}), self.id)
        self._entry = _Stream(books.registry, register.register_entry, books.registry_rules, register.RegisterEntry())
        self._workspace = _Stream(books.providers, workspace, books.providers_rules, workspace.initial)

    def events(self) -> Iterator[Numbered]:
        """Its events one by one, sealed as they are asked for; there is always another."""
        entry, space = self._entry, self._workspace
        card = _card(self._number, self._random, self._books.territories)
        yield self._give(entry, ApplyToRegister(id=self.id, **card), self._staff)
        yield self._give(entry, CheckApplication(id=self.id, checks=CHECKS), REGISTRAR)
        number = f"РП-{BEGINS.year}-{self._number + 1:06d}"
        yield self._give(entry, IncludeProvider(id=self.id), REGISTRAR, number)
        yield self._give(space, OpenWorkspace(id=self.id), SYSTEM)
        while True:
            yield self._give(space, self._places(), self._staff)
            yield self._give(entry, self._contacts(), self._staff)
            yield self._give(
                entry, SuspendProvider(id=self.id, reason="не представлен отчёт", ground="duties_not_kept"), REGISTRAR
            )
            yield self._give(space, SuspendWorkspace(id=self.id), SYSTEM)
            yield self._give(
                entry, RestoreProvider(id=self.id, reason="отчёт представлен", ground="violations_remedied"), REGISTRAR
            )
            yield self._give(space, OpenWorkspace(id=self.id), SYSTEM)

    def _give(self, stream: _Stream, command: Command, actor: Actor, facts: Any = None) -> Numbered:
        """Decide as the service would, and seal the one event that follows."""
        books, now = self._books, self._books.now
        context = Context(now, now, actor, books.new_id, self.id, stream.version, facts, stream.rules)
        decision = stream.aggregate.decide(stream.state, command, context)
        if decision.refusal is not None or len(decision.events) != 1:
            raise AssertionError(f"{type(command).__name__}: {decision.refusal or decision.events}")
        [event] = decision.events
        stream.state = stream.aggregate.evolve(stream.state, event)
        stream.version += 1
        return books.enter(
            stream.service,
            Entry(
                source=stream.service.name,
                event_id=books.new_id(),
                subject=f"{stream.aggregate.name}/{self.id}",
                type=stream.service.event_type(type(event)),
                time=books.instant,
                actor=actor.id,
                version=stream.version,
                correlation_id=books.new_id(),
                received_at=books.instant,
                ground=stream.aggregate.commands[type(command)].ground,
                data=event.model_dump(mode="json"),
            ),
        )

    def _places(self) -> SetPlaces:
        maximum = self._random.randrange(10, 200)
        return SetPlaces(id=self.id, form="home", maximum=maximum, funded=self._random.randrange(maximum))

    def _contacts(self) -> ChangeCard:
        return ChangeCard.model_validate(
            {"id": self.id, "contacts": {"phone": f"+7815{self._random.randrange(10**7):07d}"}}
        )


CHECKS = tuple(Check(requirement=name, met=True) for name in ("documents", "legal_capacity", "staff"))
REGISTRAR = Actor("00000000-0000-7000-8000-000000000001", frozenset({"registrar"}))
SYSTEM = Actor.system("generator")


# -- invented organisations -------------------------------------------------------------------------------------------


def _card(number: int, chance: random.Random, territories: Sequence[str]) -> dict[str, Any]:
    """The card of the provider `number`: past the numbers of organisations they are entrepreneurs."""
    forms = sorted(chance.sample(FORMS, chance.randrange(1, 3)))
    kinds = sorted(chance.sample(SERVICE_KINDS, chance.randrange(1, 4)))
    common = {
        "territory": chance.choice(territories),
        "forms": tuple(FormOfService(form) for form in forms),
        "service_kinds": tuple(ServiceKind(kind) for kind in kinds),
    }
    if number >= ORGANISATIONS:
        return {
            **common,
            "kind": Kind.INDIVIDUAL,
            "legal_form": "индивидуальный предприниматель",
            "inn": _with_checks(f"0000{number:06d}", stdnum_inn.calc_personal_check_digits),
            "ogrn": _ogrnip(number),
            "head_ref": f"00000000-0000-4000-8000-{number:012d}",
        }
    kind, long_form, short_form, legal_form = chance.choice(_LEGAL)
    name = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} {number + 1}"
    return {
        **common,
        "kind": Kind(kind),
        "legal_form": legal_form,
        "full_name": f"{long_form} «{name}»",
        "short_name": f"{short_form} «{name}»",
        "inn": _with_checks(f"0000{number:05d}", stdnum_inn.calc_company_check_digit),
        "ogrn": _ogrn(number),
        "address": f"ул. Примерная, д. {number % 300 + 1}",
    }


def _with_checks(digits: str, check: Callable[[str], str]) -> str:
    return digits + check(digits)


def _ogrn(number: int) -> str:
    digits = f"12600{number:07d}"
    return digits + str(int(digits) % 11 % 10)


def _ogrnip(number: int) -> str:
    digits = f"32600{number:09d}"
    return digits + str(int(digits) % 13 % 10)


# -- into a database --------------------------------------------------------------------------------------------------

COPIED_AT_ONCE = 2_000
EVENTS_TO_INCLUDE = 3


def fill_database(url: str, settings: Settings, providers: int, seed: int = 1) -> int:
    """Fill the empty register of the installation at `url` with `providers` entries; how many events that made.

    Log, states and read tables hold what commands would have left there, in one transaction. Raises ValueError where
    the register isn't empty. Readers of its log catch up by themselves.
    """
    service = registry_service()
    filler = _Filler(service)
    engine = create_engine(admin_url(url), pool_size=1)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            if connection.exec_driver_sql("SELECT sequence FROM registry.log_head").scalar_one():
                raise ValueError("the register has a history already")
            raw: Any = connection.connection.driver_connection
            events = providers * EVENTS_TO_INCLUDE
            for number, item in enumerate(generate_log(providers, events, seed, settings.region), start=1):
                filler.take(item)
                if number % COPIED_AT_ONCE == 0 or number == events:
                    filler.copy(raw)
            filler.finish(raw, providers)
            return events
    finally:
        engine.dispose()


class _Filler:
    """Folds entries and copies out the streams that are complete."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._fold = Fold([service])
        self._entries: list[tuple[Any, ...]] = []
        self._link = START

    def take(self, item: Numbered) -> None:
        source, sequence, entry = item
        self._fold.feed(source, sequence, entry)
        self._link = Link(sequence, entry_hash(entry), take_apart(entry).sealedat)
        event = entry_of(source, orjson.loads(entry)["event"])
        self._entries.append((sequence, event.event_id, event.subject, event.type, entry))

    def copy(self, raw: psycopg.Connection[Any]) -> None:
        """Copy what has been folded; streams under way stay until they are complete."""
        schema = self._service.name
        _copy(raw, schema, "log", ("sequence", "event_id", "subject", "type", "entry"), self._entries)
        self._entries.clear()
        states = self._fold.states[schema, "RegisterEntry"]
        complete = [id for id, (version, _) in states.items() if version == EVENTS_TO_INCLUDE]
        dump = register.register_entry.dump
        rows = [(id, states[id][0], dump(states[id][1]).decode()) for id in complete]
        _copy(raw, schema, register.register_entry.table, ("id", "version", "state"), rows)
        gone = set(complete)
        for table in self._service.read_tables():
            self._copy_table(raw, table, gone)
        for id in complete:
            del states[id]

    def _copy_table(self, raw: psycopg.Connection[Any], table: Table, complete: set[str]) -> None:
        """The rows of complete streams: a row's first key column is its stream's id."""
        held = self._fold.rows.tables.get(table.fullname, {})
        keys = [key for key in held if key[0] in complete]
        names = tuple(str(column.name) for column in table.columns if column.computed is None)
        in_json = {str(column.name) for column in table.columns if isinstance(column.type, JSONB)}
        lines = ([_value(held[key][name], name in in_json) for name in names] for key in keys)
        _copy(raw, self._service.name, table.name, names, lines)
        for key in keys:
            del held[key]

    def finish(self, raw: psycopg.Connection[Any], providers: int) -> None:
        """The log's head, the publisher's cursor and the counter of numbers stand where commands would have left them."""
        schema = sql.Identifier(self._service.name)
        link = self._link
        raw.execute(sql.SQL("UPDATE {}.log_head SET sequence = %s, hash = %s, sealed_at = %s").format(schema), (*link,))
        raw.execute(sql.SQL("UPDATE {}.publication SET sequence = %s").format(schema), (link.sequence,))
        raw.execute(
            sql.SQL("INSERT INTO {}.counter (name, value) VALUES (%s, %s)").format(schema),
            (f"register-{BEGINS.year}", providers),
        )


def _value(value: Any, in_json: bool) -> Any:
    return orjson.dumps(value).decode() if in_json else value


def _copy(
    raw: psycopg.Connection[Any], schema: str, table: str, names: Iterable[str], rows: Iterable[Iterable[Any]]
) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN").format(sql.Identifier(schema), sql.Identifier(table), columns)
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(tuple(row))
