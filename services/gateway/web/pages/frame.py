"""What every page shares: the installation (`site`), the request (`page`), the answer with its headers and cookies."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kernel.keys import PublicKeys
from kernel.note import Verifier
from kernel.settings import PROJECT, Settings
from services.gateway.calls import Asker, Calls
from services.gateway.gate import Gate
from services.gateway.web import CONTENT_SECURITY_POLICY, PAGES, read_preferences, render
from services.gateway.web.contexts.common import Option, Page, Site
from services.gateway.web.contexts.orders import Unit
from services.gateway.web.preferences import COOKIE_MAX_AGE_S, Preferences
from services.gateway.web.text import Text


@dataclass(frozen=True)
class Region:
    """What pages show of the region's configuration: names of territories and services, by their codes."""

    site: Site
    territories: Mapping[str, Text]
    services: Mapping[str, Text]
    units: Mapping[str, Text]
    custodians: Mapping[str, Text]
    categories: Mapping[str, Text] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: Settings, sandbox: bool, single_machine: bool) -> Region:
        region = _toml(settings.region / "region.toml")
        site: Site = {
            "name": region["market"],
            "region": region["name"],
            "zone": region["zone"],
            "sandbox": sandbox,
            "single_machine": single_machine,
            "version": _toml(PROJECT / "pyproject.toml")["project"]["version"],
            "open_data": "/openapi.json",
            "log_key": str(Verifier(settings.origin, PublicKeys(settings.keys).of("log"))),
        }
        bodies = _names(region.get("body", []))
        catalogue = _toml(settings.region / "catalogue.toml")
        return cls(
            site,
            _names(_toml(settings.region / "territories.toml").get("municipality", [])),
            _names(catalogue.get("service", [])),
            _names(catalogue.get("unit", [])),
            {f"custodian_{each['number']}": bodies[each["body"]] for each in region.get("custodian", [])},
            _names(catalogue.get("category", [])),
        )

    def territory(self, code: str) -> Text:
        """A territory's name; a code that the configuration doesn't know is shown as it is."""
        return self.territories.get(code, code)

    def unit(self, code: str) -> Unit:
        return {"code": code, "name": self.units.get(code, code)}

    def service(self, code: str, name: Text | None = None) -> Text:
        return self.services.get(code) or name or code

    def territory_options(self) -> list[Option]:
        return [{"value": code, "name": name} for code, name in self.territories.items()]

    def service_options(self) -> list[Option]:
        return [{"value": code, "name": name} for code, name in self.services.items()]


def _toml(path: Any) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _names(entries: list[dict[str, Any]]) -> dict[str, Text]:
    return {entry["code"]: entry["name"] for entry in entries}


@cache
def _cookie_attributes(secure: bool) -> dict[str, Any]:
    return {"max_age": COOKIE_MAX_AGE_S, "path": "/", "samesite": "lax", "httponly": True, "secure": secure}


@dataclass(frozen=True)
class Frame:
    """One per application: what a page's route is given."""

    gate: Gate
    region: Region

    async def asker(self, request: Request) -> Asker:
        return await self.gate.asker(request)

    @property
    def log_key(self) -> str | None:
        """The key that checkpoints are signed with, as tools take it."""
        return self.region.site.get("log_key")

    @property
    def calls(self) -> Calls:
        return self.gate.calls

    async def answer(self, request: Request, name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """The page `name` with its own context, in the reader's language and view."""
        preferences = read_preferences(
            request.query_params, request.cookies, request.headers.get("accept-language", "")
        )
        page = await self.page(request, preferences)
        html = render(name, preferences.lang, site=self.region.site, page=page, **{PAGES[name]: context})
        headers = {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Content-Language": preferences.lang,
            "Cache-Control": "no-cache",
            "Vary": "Accept-Language, Cookie",
        }
        answer = HTMLResponse(html, status, headers)
        for cookie, value in preferences.cookies.items():
            answer.set_cookie(cookie, value, **_cookie_attributes(request.url.scheme == "https"))
        return answer

    async def page(self, request: Request, preferences: Preferences) -> Page:
        """The request's part of the context."""
        now = await to_thread.run_sync(self.gate.clock.now) if self.gate.clock.sandbox else self.gate.clock.now()
        return {
            "path": request.url.path,
            "query": dict(request.query_params),
            "view": preferences.view,
            "now": now,
            "request_id": request.state.request_id,
        }


def chosen(request: Request, *names: str) -> dict[str, str]:
    """The filters of a list as they came: bounded, empty where not given."""
    return {name: request.query_params.get(name, "")[:200] for name in names}
