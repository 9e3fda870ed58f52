"""The first page, and what is shown where something is refused or failed."""

from typing import TypedDict

from services.gateway.web.contexts.common import Trust
from services.gateway.web.contexts.orders import OrderRow
from services.gateway.web.text import Text


class LandingFigures(TypedDict):
    open_orders: int
    providers: int
    agreed_kopecks: int
    entries: int


class LandingPage(TypedDict):
    """The first page: ``landing``."""

    figures: LandingFigures
    closing_soon: list[OrderRow]  # at most five, the nearest deadline first
    trust: Trust


class Refusal(TypedDict):
    """A refusal of a service as it came: stable code, both languages, the rule."""

    code: str
    sentence: Text
    rule: str | None


class Case(TypedDict):
    """What one part of the program says by a code; `{name}` stands where the facts of the case come."""

    sentence: Text
    rule: str


class ProblemPage(TypedDict):
    """What a refusal's code means: ``problem``."""

    code: str
    status: int
    cases: list[Case]


class ErrorPage(TypedDict):
    """An error: ``error``. Any HTTP status from 400; those without texts of their own look like 400 or 500."""

    status: int
    refusal: Refusal | None
    retry_after_s: int | None
