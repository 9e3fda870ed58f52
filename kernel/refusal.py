"""Refusals: a 'no' is a value with a stable code, a sentence in both languages and the rule it comes from.

A refusal is not an error of the program. It travels as data through the bus and ends as RFC 9457 problem
details at the edge. `kind` decides the HTTP status there and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["invalid", "forbidden", "missing", "conflict", "stale", "unauthenticated", "busy", "late"]


@dataclass(frozen=True)
class Refusal:
    """Why a command was not done.

    `code` is stable for programs, `ru`/`en` are for people (with `{name}` places filled from `details`),
    `rule` names the law, paper or setting that the refusal follows from.
    """

    code: str
    ru: str
    en: str
    rule: str = ""
    kind: Kind = "conflict"
    details: Mapping[str, Any] = field(default_factory=dict)

    def having(self, **details: Any) -> Refusal:
        """The same refusal with the facts of this case."""
        return replace(self, details={**self.details, **details})

    def to_dict(self) -> dict[str, Any]:
        """The form that travels: texts filled with the details."""
        return {
            "code": self.code,
            "ru": _fill(self.ru, self.details),
            "en": _fill(self.en, self.details),
            "rule": self.rule,
            "kind": self.kind,
            "details": dict(self.details),
        }


class Refused(Exception):
    """Carries a refusal up from a helper of `decide`; the store turns it into the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def require(condition: bool, refusal: Refusal, **details: Any) -> None:
    """Refuse unless `condition` holds."""
    if not condition:
        raise Refused(refusal.having(**details))


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _fill(text: str, details: Mapping[str, Any]) -> str:
    return text.format_map(_Known(details))


INVALID = Refusal(
    "invalid_input",
    "Данные не приняты: {summary}.",
    "The input was not accepted: {summary}.",
    kind="invalid",
)
UNAUTHENTICATED = Refusal(
    "unauthenticated",
    "Войдите в систему: {reason}.",
    "Sign in: {reason}.",
    kind="unauthenticated",
)
FORBIDDEN = Refusal(
    "forbidden_role",
    "Это действие доступно ролям: {roles}.",
    "This action is for the roles: {roles}.",
    kind="forbidden",
)
NOT_YOURS = Refusal(
    "not_yours",
    "Это принадлежит другой организации.",
    "This belongs to another organisation.",
    kind="forbidden",
)
MISSING = Refusal("not_found", "Не найдено: {what} {id}.", "Not found: {what} {id}.", kind="missing")
WRONG_STATE = Refusal(
    "wrong_state",
    "Сейчас состояние «{state}», а действие возможно в состояниях: {allowed}.",
    "The state is “{state}”; this can be done in: {allowed}.",
    kind="conflict",
)
STALE = Refusal(
    "stale_version",
    "Запись изменилась: у вас версия {expected}, сейчас {actual}. Откройте её заново.",
    "The record has changed: you have version {expected}, it is at {actual}. Load it again.",
    kind="stale",
)
KEY_REUSED = Refusal(
    "idempotency_key_reused",
    "Этот ключ повтора уже использован с другими данными.",
    "This idempotency key was already used with other input.",
    kind="invalid",
)
TOO_LATE = Refusal(
    "deadline_passed",
    "Время ожидания ответа истекло до начала работы; ничего не сделано. Повторите с тем же ключом.",
    "The call's deadline passed before the work began; nothing was done. Try again with the same key.",
    kind="busy",
)
UNAVAILABLE = Refusal(
    "unavailable",
    "Сервис сейчас недоступен: {what}. Повторите с тем же ключом.",
    "The service can't be reached now: {what}. Try again with the same key.",
    kind="busy",
)
NO_ANSWER = Refusal(
    "no_answer",
    "Сервис не ответил вовремя, исход неизвестен. Повторите с тем же ключом: дважды сделано не будет.",
    "The service didn't answer in time, the outcome isn't known. Try again with the same key: nothing is done twice.",
    kind="busy",
)
