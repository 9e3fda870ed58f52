"""What the pages of the catalogue of services are given: its list, and a service with its versions and a calculation."""

from typing import TypedDict

from services.gateway.web.contexts.common import Option, Trust
from services.gateway.web.contexts.orders import Unit
from services.gateway.web.text import Instant, Text


class ServiceRow(TypedDict):
    code: str
    name: Text
    kind: str  # domestic | medical | …
    form: str  # home | …
    unit: Unit
    cost_kopecks: int | None  # None: no norm holds today


class CatalogueFilters(TypedDict):
    kind: str
    form: str


class CataloguePage(TypedDict):
    """The catalogue: ``catalogue``."""

    filters: CatalogueFilters
    kinds: list[str]
    forms: list[str]
    items: list[ServiceRow]
    cursor: str | None
    next_cursor: str | None


class QualityIndicator(TypedDict):
    name: Text
    relation: str  # at_least | at_most
    bound: str
    measure: Text


class StandardVersion(TypedDict):
    number: int
    text: Text
    indicators: list[QualityIndicator]
    valid_from: Instant
    valid_to: Instant | None
    holds: bool


class CoefficientOf(TypedDict):
    name: Text
    coefficient: str


class CostVersion(TypedDict):
    number: int
    cost_kopecks: int
    coefficients: list[CoefficientOf]  # of territories, then of categories of recipients
    basis: str
    valid_from: Instant
    valid_to: Instant | None
    holds: bool


class CostAsked(TypedDict):
    """What the reader asked to calculate, as it came."""

    territory: str
    category: str
    day: str
    units: str


class CostShown(TypedDict):
    """A calculation: what a unit costs by the norm, times what; and by which versions."""

    day: Instant
    territory: Text
    category: Text | None
    units: int
    cost_kopecks: int
    territory_coefficient: str
    category_coefficient: str
    unit_kopecks: int
    amount_kopecks: int
    standard_version: int
    cost_version: int


class ServicePage(TypedDict):
    """A service of the catalogue: ``service``."""

    code: str
    name: Text
    kind: str
    form: str
    unit: Unit
    status: str  # drafted | active | closed
    closes_on: Instant | None
    proposal_id: str | None
    standards: list[StandardVersion]  # newest first
    costs: list[CostVersion]
    asked: CostAsked
    territories: list[Option]
    categories: list[Option]
    calculation: CostShown | None
    refusal: Text | None  # why nothing could be calculated
    stream: str
    trust: Trust
