"""How a reader wants pages: the language, and the version for low vision. Kept in two cookies, set by plain links.

``?lang=en`` and ``?view=black-on-white`` on any address choose; the gateway then sends the cookies named here. Without
a choice the browser's Accept-Language decides, and Russian when it says nothing of use. No script takes part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from services.gateway.web.text import LANGS, Lang

View = Literal["normal", "black-on-white", "white-on-black"]
VIEWS: tuple[View, ...] = get_args(View)

COOKIE_MAX_AGE_S = 365 * 24 * 3600
LANG_COOKIE = "lang"
VIEW_COOKIE = "view"


@dataclass(frozen=True)
class Preferences:
    """The choice in force, and the cookies (name → value) to set with the answer because this request chose anew.

    Cookie attributes for the gateway: Path=/, Max-Age=COOKIE_MAX_AGE_S, SameSite=Lax, HttpOnly, Secure behind TLS.
    """

    lang: Lang
    view: View
    cookies: dict[str, str]


def read_preferences(query: Mapping[str, str], cookies: Mapping[str, str], accept_language: str = "") -> Preferences:
    """Return what a request asks for; values that are none of ours are ignored, never echoed."""
    chosen: dict[str, str] = {}
    if query.get("lang") in LANGS:
        chosen[LANG_COOKIE] = query["lang"]
    if query.get("view") in VIEWS:
        chosen[VIEW_COOKIE] = query["view"]
    kept = {**cookies, **chosen}
    lang, view = kept.get(LANG_COOKIE), kept.get(VIEW_COOKIE)
    return Preferences(
        lang=lang if lang in LANGS else _accepted(accept_language),
        view=view if view in VIEWS else "normal",
        cookies=chosen,
    )


def _accepted(header: str) -> Lang:
    """Return our language with the highest quality in an Accept-Language header (RFC 9110 §12.5.4), else Russian."""
    best: tuple[float, Lang] = (0.0, "ru")
    for item in header[:500].split(","):  # a header is the client's: read a bounded part of it
        tag, _, parameters = item.strip().partition(";")
        primary = tag.split("-")[0].lower()
        quality = _quality(parameters)
        if primary in LANGS and quality > best[0]:
            best = (quality, primary)
    return best[1]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
