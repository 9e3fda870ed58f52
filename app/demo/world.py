"""The world of a season: who is in it, what has come about so far, and the hand on the sandbox's clock.

Every step says what it expects. `do` expects to be done, `refused` expects one code; whatever else comes stops the
season with a sentence that names the step. The clock moves only when every service has handled everything.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine

from app.demo.api import Answer, Api
from app.demo.data import Lot, Order, Organisation, Season
from app.failure import Failure
from kernel.clock import move_sandbox
from kernel.database import admin_url
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.settings import Settings

WORKERS = 4
Data = dict[str, Any]
"""What is sent with a command, or asked for by a query."""
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.02
BUSY = 503
TRIES = 5


class Unexpected(Failure):
    """A step of the season came out otherwise than it must."""

    def __init__(self, step: str, expected: str, found: str) -> None:
        super().__init__(
            f"{step}: expected {expected}, but {found}", "this is a defect: please report it with this line"
        )


@dataclass
class Person:
    """Somebody with an account. `token` is what signing in gave."""

    login: str
    roles: tuple[str, ...]
    organisation: str | None = None
    name: str = ""
    password: str = field(default="", repr=False)
    id: str = ""
    token: str = field(default="", repr=False)


@dataclass
class Provider:
    """An applicant of the register and its staff."""

    organisation: Organisation
    id: str
    staff: Person
    is_included: bool = False


@dataclass
class Contest:
    """An order with its competition as they come about. `lots`: {lot's id: the lot as the data has it}; `keys`: what
    bids are sealed for, {custodian: public key}."""

    order: Order
    order_id: str
    lots: dict[str, Lot]
    competition_id: str = ""
    deadline: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    bids: int = 0

    @property
    def key(self) -> str:
        return self.order.key


class Place(Protocol):
    """What a season is played on: an installation of one process or of many."""

    settings: Settings
    url: str

    def unsettled(self) -> list[str]: ...

    def wake(self) -> None: ...


class World:
    """One running season. Safe for the threads of `each`."""

    def __init__(self, season: Season, place: Place, api: Api) -> None:
        self.season = season
        self.api = api
        self.zone = ZoneInfo(season.zone)
        self.people: dict[str, Person] = {}
        self.providers: dict[int, Provider] = {}
        self.contests: dict[str, Contest] = {}
        self.refusals: Counter[str] = Counter()
        self.facts: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.place = place
        self._admin = create_engine(admin_url(place.url), pool_size=1)
        self.now = self._read_clock()

    def close(self) -> None:
        self._admin.dispose()

    # -- people act -----------------------------------------------------------------------------------------------

    def do(
        self, who: Person | None, operation: str, /, *, key: str | None = None, version: int | None = None, **data: Any
    ) -> Answer:
        """A command that must be done."""
        answer = self._give(who, operation, key, version, data)
        if answer.status >= 400:
            raise Unexpected(_step(who, operation), "it to be done", f"it was refused: {_told(answer)}")
        return answer

    def refused(
        self,
        who: Person | None,
        operation: str,
        code: str,
        /,
        *,
        key: str | None = None,
        version: int | None = None,
        **data: Any,
    ) -> Answer:
        """A command that must be refused with `code`, and is counted."""
        answer = self._give(who, operation, key, version, data)
        self.expect_code(_step(who, operation), code, answer)
        return answer

    def attempt(self, who: Person | None, operation: str, /, **data: Any) -> Answer:
        """A command that may be done or refused: its caller says which answers are right."""
        return self._give(who, operation, None, None, data)

    def expect_code(self, step: str, code: str, answer: Answer) -> None:
        """Count a refusal; raises Unexpected where it is another one or none."""
        if answer.code != code:
            found = f"it was refused: {_told(answer)}" if answer.status >= 400 else "it was done"
            raise Unexpected(step, f"the refusal {code}", found)
        self.count_refusal(code)

    def count_refusal(self, code: str) -> None:
        with self._lock:
            self.refusals[code] += 1

    def ask(self, who: Person | None, operation: str, /, **params: Any) -> dict[str, Any]:
        """The reply of a query, which must be given."""
        answer = self._patiently(operation, params, who, None, None)
        if answer.status >= 400:
            raise Unexpected(_step(who, operation), "an answer", f"it was refused: {_told(answer)}")
        return answer.body

    def every(self, who: Person | None, operation: str, /, **params: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, page after page."""
        cursor = None
        while True:
            page = self.ask(who, operation, **params, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def bids(self, contest: Contest, who: Person | None = None) -> list[dict[str, Any]]:
        """The bids of a competition in the order of their arrival, as far as `who` may see them."""
        return list(self.every(who, "orders.competition_bids", competition_id=contest.competition_id))

    def expect(self, step: str, expected: Any, found: Any) -> None:
        if expected != found:
            raise Unexpected(step, repr(expected), f"found {found!r}")

    def _give(self, who: Person | None, operation: str, key: str | None, version: int | None, data: Data) -> Answer:
        return self._patiently(operation, data, who, key or new_id(), version)

    def _patiently(
        self, operation: str, data: Data, who: Person | None, key: str | None, version: int | None
    ) -> Answer:
        """While the market is too busy to answer it is asked again, with the same key, as a well-behaved client does."""
        for _ in range(TRIES):
            answer = self.api.call(operation, data, who.token if who else None, key, version)
            if answer.status != BUSY:
                break
            time.sleep(1)
        return answer

    # -- together -------------------------------------------------------------------------------------------------

    def each(self, jobs: Iterable[Callable[[], Any]], workers: int = WORKERS) -> list[Any]:
        """Run jobs on a few threads where their order changes nothing; the first failure is raised."""
        with ThreadPoolExecutor(workers, thread_name_prefix="demo") as pool:
            futures = [pool.submit(job) for job in jobs]
            return [future.result() for future in futures]

    # -- time -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until every subscription is at its source's end and nothing is due. One calm look is one snapshot."""
        until = time.monotonic() + PATIENCE_S
        while waiting := self.place.unsettled():
            if time.monotonic() > until:
                raise Unexpected("settling", f"calm within {PATIENCE_S:.0f} s", "still waiting: " + "; ".join(waiting))
            time.sleep(LOOK_EVERY_S)

    def move(self, to: datetime) -> None:
        """Move the sandbox's clock, once all services are calm, and let what is due happen."""
        self.settle()
        with self._admin.begin() as connection:
            move_sandbox(connection, to)
        self.now = to
        self.place.wake()
        self.settle()

    def move_to(self, month: int, day: int, hour: int = 10, minute: int = 0) -> None:
        """Move the clock to a local time of the season's year."""
        self.move(self.local(month, day, hour, minute))

    def local(self, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
        """A local time of the season's year."""
        return datetime(self.season.year, month, day, hour, minute, tzinfo=self.zone).astimezone(UTC)

    def wait_for(self, step: str, check: Callable[[], bool]) -> None:
        """Wait for what services do by themselves, without moving the clock."""
        until = time.monotonic() + PATIENCE_S
        while not check():
            if time.monotonic() > until:
                raise Unexpected(step, f"it to happen within {PATIENCE_S:.0f} s", "it didn't")
            time.sleep(2 * LOOK_EVERY_S)

    def _read_clock(self) -> datetime:
        with self._admin.connect() as connection:
            row = connection.exec_driver_sql("SELECT instant FROM market.sandbox").one()
        instant: datetime = row[0]
        return instant

    def sql(self, statement: str) -> list[Any]:
        """Rows of a statement of the operator's own: for counting in the end, never for playing."""
        with self._admin.connect() as connection:
            return list(connection.exec_driver_sql(statement).all())


def text_of(instant: datetime) -> str:
    """An instant as the API takes it."""
    return to_text(instant)


def _step(who: Person | None, operation: str) -> str:
    return f"{operation} by {who.login if who else 'a visitor'}"


def _told(answer: Answer) -> str:
    body = answer.body
    more = "; ".join(f"{error['pointer']}: {error['message']}" for error in body.get("errors", ())[:3])
    return f"{answer.status} {body.get('code', '?')} ({body.get('detail', '')}{': ' + more if more else ''})"
