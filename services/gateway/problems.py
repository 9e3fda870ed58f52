"""A refusal as HTTP says it: RFC 9457 problem details with a stable type, in the asker's language.

A service's refusal comes over the bus as data; the edge has a few of its own. Whoever reads the answer finds in it a
code for programs, a sentence for people, the rule that it follows from, JSON pointers to what is wrong with the input,
and the number under which the request stands in the logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from kernel.refusal import Refusal
from services.gateway.web.preferences import read_preferences
from services.gateway.web.text import Lang
from services.gateway.wording import in_words, message

MEDIA_TYPE = "application/problem+json"

STATUS_OF_KIND = {
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "late": 409,
    "stale": 412,
    "busy": 503,
}

MALFORMED = Refusal(
    "malformed_json", "Тело запроса — не JSON: {problem}.", "The body is not JSON: {problem}.", "RFC 8259", "invalid"
)
BAD_REQUEST = Refusal(
    "bad_request", "Запрос непонятен: {problem}.", "The request is not clear: {problem}.", "RFC 9110", "invalid"
)
TOO_LARGE = Refusal(
    "body_too_large",
    "Тело запроса больше {limit_bytes} байт.",
    "The body is larger than {limit_bytes} bytes.",
    "RFC 9110 15.5.14",
    "invalid",
)
WRONG_MEDIA = Refusal(
    "wrong_media_type",
    "Тело запроса должно быть application/json в UTF-8.",
    "The body must be application/json in UTF-8.",
    "RFC 9110 15.5.16",
    "invalid",
)
KEY_MISSING = Refusal(
    "idempotency_key_missing",
    "Нужен заголовок Idempotency-Key: с ним повтор не сделает того же дважды.",
    "The header Idempotency-Key is needed: with it a repetition does nothing twice.",
    kind="invalid",
)
KEY_MALFORMED = Refusal(
    "idempotency_key_malformed",
    "Idempotency-Key — от 1 до {limit} видимых знаков ASCII.",
    "Idempotency-Key is 1 to {limit} visible ASCII characters.",
    kind="invalid",
)
IF_MATCH_MALFORMED = Refusal(
    "if_match_malformed",
    'If-Match — номер версии в кавычках, каким его дал ETag: "3".',
    'If-Match is a version in quotes, as ETag gave it: "3".',
    "RFC 9110 13.1.1",
    "invalid",
)
NO_PATH = Refusal("no_such_address", "Такого адреса нет.", "There is no such address.", "RFC 9110 15.5.5", "missing")
NO_METHOD = Refusal(
    "method_not_allowed",
    "Этот адрес не принимает метод {method}.",
    "This address doesn't take the method {method}.",
    "RFC 9110 15.5.6",
    "invalid",
)
TOO_MANY = Refusal(
    "too_many_requests",
    "Слишком много запросов. Повторите через {retry_after_s} с.",
    "Too many requests. Try again in {retry_after_s} s.",
    "RFC 6585 4",
    "busy",
)
OVERLOADED = Refusal(
    "overloaded",
    "Сейчас слишком много обращений; ничего не сделано. Повторите с тем же ключом.",
    "Too many calls just now; nothing was done. Try again with the same key.",
    kind="busy",
)
FAILED = Refusal(
    "internal_error",
    "Внутренняя ошибка. Номер обращения: {id}.",
    "An internal error. Reference: {id}.",
    kind="busy",
)

STATUS_OF_CODE = {
    MALFORMED.code: 400,
    BAD_REQUEST.code: 400,
    KEY_MISSING.code: 400,
    KEY_MALFORMED.code: 400,
    IF_MATCH_MALFORMED.code: 400,
    TOO_LARGE.code: 413,
    WRONG_MEDIA.code: 415,
    NO_METHOD.code: 405,
    TOO_MANY.code: 429,
    FAILED.code: 500,
}

TITLES: dict[int, dict[Lang, str]] = {
    400: {"ru": "Запрос непонятен", "en": "Bad request"},
    401: {"ru": "Нужен вход", "en": "Sign-in needed"},
    403: {"ru": "Нет доступа", "en": "Forbidden"},
    404: {"ru": "Не найдено", "en": "Not found"},
    405: {"ru": "Метод не принимается", "en": "Method not allowed"},
    409: {"ru": "Сейчас это невозможно", "en": "Not possible now"},
    412: {"ru": "Запись изменилась", "en": "The record has changed"},
    413: {"ru": "Слишком большое тело", "en": "Body too large"},
    415: {"ru": "Не тот вид данных", "en": "Unsupported media type"},
    422: {"ru": "Данные не приняты", "en": "Input not accepted"},
    429: {"ru": "Слишком много запросов", "en": "Too many requests"},
    500: {"ru": "Внутренняя ошибка", "en": "Internal error"},
    503: {"ru": "Сервис недоступен", "en": "Service unavailable"},
}


def status_of(refusal: Mapping[str, Any]) -> int:
    """The HTTP status of a refusal in its travelling form."""
    return STATUS_OF_CODE.get(refusal["code"]) or STATUS_OF_KIND.get(refusal["kind"], 409)


def language(accept_language: str) -> Lang:
    """The language of an answer: Russian unless the asker prefers English (RFC 9110 12.5.4)."""
    return read_preferences({}, {}, accept_language).lang


def document(refusal: Mapping[str, Any], lang: Lang, path: str, request_id: str, zone: str = "UTC") -> dict[str, Any]:
    """The problem document of a refusal in its travelling form; its sentence names instants in `zone`."""
    refusal = in_words(refusal, zone)
    status = status_of(refusal)
    details = dict(refusal.get("details") or {})
    if "errors" in details:
        details.pop("summary", None)  # the same once more, in the words of the schema
    errors = [{**each, "message": message(each, lang)} for each in details.pop("errors", ())]
    found: dict[str, Any] = {
        "type": f"/problems/{refusal['code']}",
        "title": TITLES.get(status, TITLES[409])[lang],
        "status": status,
        "detail": refusal[lang],
        "instance": path,
        "code": refusal["code"],
        "rule": refusal.get("rule", ""),
        "request_id": request_id,
    }
    if errors:
        found["errors"] = errors
    if details:
        found["details"] = details
    return found


def headers_of(refusal: Mapping[str, Any]) -> dict[str, str]:
    """What besides the body a refusal tells a client."""
    status = status_of(refusal)
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="market"'}
    if status in (429, 503):
        return {"Retry-After": str((refusal.get("details") or {}).get("retry_after_s", 1))}
    return {}


def problem_response(
    refusal: Mapping[str, Any], accept_language: str, path: str, request_id: str, zone: str = "UTC"
) -> Response:
    """The whole answer to a refused request."""
    lang = language(accept_language)
    headers = headers_of(refusal) | {"Content-Language": lang, "Cache-Control": "no-store", "Vary": "Accept-Language"}
    body = document(refusal, lang, path, request_id, zone)
    return Response(orjson.dumps(body), body["status"], headers, MEDIA_TYPE)
