"""A host runs one service: answers its commands and queries, whichever bus they came over.

Here the promises to a caller are kept: a call past its deadline is dropped, the actor is proved, input is checked
strictly, the same key gives the same answer, a lost connection is tried again under the same key, and whatever goes
wrong becomes a refusal with a code. Nothing personal and no data of a command reaches a log line.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import structlog
from prometheus_client import Counter, Histogram
from pydantic import ValidationError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kernel import tracing
from kernel.bus.call import Call
from kernel.clock import MOST_SKEW_S, clock_of
from kernel.database import engine_for, is_disconnect, is_transient, violated_constraint
from kernel.failpoints import failpoint
from kernel.identity import Actor, SigningKey, TokenChecker, check_stamp, stamp_message
from kernel.instants import from_text
from kernel.keys import PublicKeys
from kernel.logs import logger
from kernel.metrics import COMMAND_SECONDS, COMMANDS, QUERIES, QUERY_SECONDS
from kernel.note import Verifier
from kernel.receipt import make_receipt_note, receipt_from_note
from kernel.refusal import FORBIDDEN, INVALID, MISSING, TOO_LATE, UNAUTHENTICATED, UNAVAILABLE, Refusal, Refused
from kernel.service import On, Query, Service, Surroundings
from kernel.settings import Settings
from kernel.store import Cause, Outcome, Store, StoredReply, body_hash, check_reuse
from kernel.traceparent import read

ATTEMPTS = 4
log = logger("host")


class _Kind(NamedTuple):
    """Commands or queries: what is counted of them."""

    word: str
    answered: Counter
    seconds: Histogram


COMMAND = _Kind("command", COMMANDS, COMMAND_SECONDS)
QUERY = _Kind("query", QUERIES, QUERY_SECONDS)


class Host:
    """One service with its database, keys and rules. Safe for many threads."""

    def __init__(
        self, service: Service, url: str, settings: Settings, wake: Callable[[str], None] | None = None
    ) -> None:
        self.service = service
        self.settings = settings
        self.url = url
        self.engine: Engine = engine_for(url, service.name, settings)
        with self.engine.connect() as connection:
            self.clock = clock_of(connection)
        self.rules = service.load_rules(settings.region)
        self.store = Store(service, self.clock, self.rules, settings.keys)
        self.public = PublicKeys(settings.keys)
        self.signer = SigningKey.at(settings.keys / f"service-{service.name}.key")
        self.tokens = TokenChecker(self.public.of("access"))
        self.wake = wake or (lambda name: None)

    def close(self) -> None:
        self.engine.dispose()

    # -- commands -------------------------------------------------------------------------------------------------

    def command(self, name: str, data: Any, call: Call) -> dict[str, Any]:
        """Answer a command: `{"reply", "id", "version", "events", …}` or `{"refused": {code, ru, en, …}}`."""
        known = name if name in self.service.rules_of else "unknown"
        return self._answering(COMMAND, known, call, lambda: self._command(name, data, call))

    def _command(self, name: str, data: Any, call: Call) -> dict[str, Any]:
        found = self.service.rules_of.get(name)
        if found is None:
            raise Refused(MISSING.having(what="command", id=name))
        _, rule, on = found
        actor, received_at, hashed = self._authenticate(f"{self.service.name}.{name}", data, call)
        if not actor.has(*rule.roles):
            raise Refused(
                UNAUTHENTICATED.having(reason="нужен вход / sign-in needed")
                if actor.has("public")
                else FORBIDDEN.having(roles=", ".join(sorted(rule.roles)))
            )
        command = _validated(rule.type, data)
        cause = Cause(actor, received_at, call.correlation_id, None, call.expected_version)
        if on.secret:
            # A bare hash of a password or a name could be guessed from a dump of the database.
            hashed = hmac.digest(self.signer.private.private_bytes_raw(), hashed, "sha256")
        for attempt in range(ATTEMPTS):
            self._check_deadline(call)
            try:
                answer = self._transact(name, command, cause, call.key, hashed, on)
                if ("replayed" not in answer and "refused" not in answer) or answer.get("events"):
                    self.wake(self.service.name)
                return answer
            except IntegrityError as problem:
                # Perhaps this very command, sent twice at once, and the other one was first: then its reply is there.
                refusal = self._meaning(problem)
                if refusal:
                    return self._replied(name, cause, call.key, hashed) or {"refused": refusal.to_dict()}
                if attempt == ATTEMPTS - 1:
                    raise
            except (DBAPIError, PoolTimeout) as problem:
                # A COMMIT whose answer was lost may have committed: the next turn finds the reply under the key.
                if not is_transient(problem) or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    def _transact(self, name: str, command: Any, cause: Cause, key: str, hashed: bytes, on: On) -> dict[str, Any]:
        with self.engine.connect() as connection:  # leaving it rolls back whatever wasn't committed
            came = self.store.once(connection, command, cause, key)
            if isinstance(came, StoredReply):
                return check_reuse(came, hashed)
            unit, outcome = came
            answer = self._answer(outcome, cause, on.receipt)
            if outcome.wrote or not outcome.decision.refusal:
                kept = {**answer, "reply": {}} if on.secret and "reply" in answer else answer
                failpoint("host.before_commit")
                self.store.commit(unit, cause.actor.id, name, key, hashed, kept)
                failpoint("host.committed")
        return answer

    def _replied(self, name: str, cause: Cause, key: str, hashed: bytes) -> dict[str, Any] | None:
        with self.engine.connect() as connection:
            stored = self.store.stored_reply(connection, cause.actor.id, name, key)
        return check_reuse(stored, hashed) if stored else None

    def _answer(self, outcome: Outcome, cause: Cause, receipt: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "id": outcome.id,
            "version": outcome.version,
            "events": [event_id for event_id, _ in outcome.events],
        }
        if outcome.decision.refusal:
            answer["refused"] = outcome.decision.refusal.to_dict()
        else:
            answer["reply"] = dict(outcome.decision.reply)
        if receipt and outcome.events:
            event_id, body = outcome.events[0]
            received = orjson.loads(body)["receivedat"]
            name = self.public.signer_name(self.service.name)
            note = make_receipt_note(self.service.name, event_id, body, received, name, self.signer)
            answer["receipt"] = receipt_from_note(note, Verifier(name, self.signer.public))
        return answer

    def _meaning(self, problem: IntegrityError) -> Refusal | None:
        name = violated_constraint(problem)
        return self.service.constraints.get(name) if name else None

    # -- queries --------------------------------------------------------------------------------------------------

    def query(self, name: str, params: Any, call: Call) -> dict[str, Any]:
        """Answer a query: `{"reply": …}` or `{"refused": …}`; `"note": "waited"` where `wait` wasn't reached in time."""
        known = name if name in self.service.queries_of else "unknown"
        return self._answering(QUERY, known, call, lambda: self._query(name, params, call))

    def _query(self, name: str, params: Any, call: Call) -> dict[str, Any]:
        query: Query | None = self.service.queries_of.get(name)
        if query is None:
            raise Refused(MISSING.having(what="query", id=name))
        actor, received_at, _ = self._authenticate(f"{self.service.name}.{name}", params, call)
        if "public" not in query.roles and not actor.has(*query.roles):
            raise Refused(
                UNAUTHENTICATED.having(reason="нужен вход / sign-in needed")
                if actor.has("public")
                else FORBIDDEN.having(roles=", ".join(sorted(query.roles)))
            )
        asked = _validated(query.params, params)
        self._check_deadline(call)
        late = bool(call.wait) and not self._wait_for(call.wait or "", min(call.deadline, time.time() + 2.0))
        reply = self._ask(query, asked, actor, received_at)
        return {"reply": reply, "note": "waited"} if late else {"reply": reply}

    def _ask(self, query: Query, asked: Any, actor: Actor, received_at: datetime | None) -> Mapping[str, Any]:
        for attempt in range(ATTEMPTS):
            try:
                with self.engine.connect() as connection, connection.begin():
                    now = self.clock.now(connection)
                    surroundings = Surroundings(actor, now, self.rules, self.settings.keys, received_at or now)
                    return query.ask(connection, asked, surroundings)
            except DBAPIError as problem:
                if not is_disconnect(problem) or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _wait_for(self, wanted: str, until: float) -> bool:
        """Whether this service has handled the event `<source>/<id>` before `until` (unix time)."""
        source, _, event_id = wanted.partition("/")
        if source == self.service.name:
            return True
        if source not in self.service.sources:
            raise Refused(INVALID.having(summary=f"wait: {source}"))
        while True:
            with self.engine.connect() as connection:
                if _has_handled(connection, source, event_id):
                    return True
            if time.time() >= until:
                return False
            time.sleep(0.02)

    # -- both -----------------------------------------------------------------------------------------------------

    def _answering(self, kind: _Kind, known: str, call: Call, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `answer` gives, or the refusal that its failure means; timed, counted, and in its place in the trace.

        `known`: the name, unless it is none of this service's: labels and spans take no name that a caller invented.
        """
        service, started = self.service.name, time.perf_counter()
        with tracing.span(f"{service}.{known}", "server", read(call.traceparent), call.correlation_id) as span:
            structlog.contextvars.bind_contextvars(correlation_id=call.correlation_id)
            try:
                answered = answer()
            except Refused as refused:
                answered = {"refused": refused.refusal.to_dict()}
            except Exception as problem:  # noqa: BLE001 - the caller gets a refusal, the log the error
                span.fail(type(problem).__name__)
                answered = self._failed(problem, f"{kind.word} {known}")
            finally:
                structlog.contextvars.clear_contextvars()
            outcome = tracing.outcome_of(answered)
            span.set({"market.outcome": outcome})
        kind.answered.labels(service, known, outcome).inc()
        kind.seconds.labels(service, known).observe(time.perf_counter() - started)
        return answered

    def _authenticate(self, command: str, data: Any, call: Call) -> tuple[Actor, datetime | None, bytes]:
        if not isinstance(data, dict):
            raise Refused(INVALID.having(summary="ожидается объект JSON / a JSON object is expected"))
        try:
            hashed = body_hash(data, call.expected_version)
            received_at = from_text(call.received_at)
            stamp = base64.b64decode(call.stamp, validate=True)
        except ValueError as problem:
            raise Refused(INVALID.having(summary=str(problem))) from problem
        check_stamp(
            self.public.of("gateway"), stamp, stamp_message(call.received_at, command, call.key, call.token, hashed)
        )
        # In a sandbox a call is received at the sandbox's instant, which the transaction reads.
        return self.tokens.actor(call.token), None if self.clock.sandbox else received_at, hashed

    def _check_deadline(self, call: Call) -> None:
        """A call may shorten its time, never lengthen it: the instant of receipt is signed, the deadline isn't.

        What closes "the longest call deadline" after a deadline (DESIGN D3) relies on it. A call from the future shows
        that the clocks are apart: this one may be the wrong one, so another replica shall answer.
        """
        received, now = from_text(call.received_at).timestamp(), time.time()
        if min(call.deadline, received + self.settings.call_deadline_s) <= now:
            raise Refused(TOO_LATE)
        if received > now + MOST_SKEW_S:
            log.error("received in the future", service=self.service.name, ahead_s=round(received - now))
            raise Refused(UNAVAILABLE.having(what=self.service.name))

    def _failed(self, problem: Exception, what: str) -> dict[str, Any]:
        if isinstance(problem, PoolTimeout) or is_transient(problem):
            log.warning("unavailable", service=self.service.name, what=what, error=type(problem).__name__)
            return {"refused": UNAVAILABLE.having(what=self.service.name).to_dict()}
        log.error("failed", service=self.service.name, what=what, error=type(problem).__name__, exc_info=problem)
        return {
            "refused": INTERNAL.having(id=structlog.contextvars.get_contextvars().get("correlation_id", "")).to_dict()
        }


INTERNAL = Refusal(
    "internal_error",
    "Внутренняя ошибка; ничего не изменено. Номер обращения: {id}.",
    "An internal error; nothing was changed. Reference: {id}.",
    kind="busy",
)


def _validated(model: Any, data: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate_json(orjson.dumps(data), strict=True)
    except ValidationError as problem:
        errors = [
            {
                "pointer": "/" + "/".join(str(part) for part in error["loc"]),
                "code": error["type"],
                "message": error["msg"],
            }
            for error in problem.errors(include_url=False, include_input=False, include_context=False)[:20]
        ]
        summary = "; ".join(f"{error['pointer']} — {error['message']}" for error in errors[:3])
        raise Refused(INVALID.having(summary=summary, errors=errors)) from problem


def _has_handled(connection: Connection, source: str, event_id: str) -> bool:
    row = connection.exec_driver_sql(
        f'SELECT l.sequence <= s.sequence FROM "{source}".log l, subscription s WHERE l.event_id = %s AND s.source = %s',
        (event_id, source),
    ).one_or_none()
    return bool(row and row[0])
