"""What several pages share: the installation, the request, references, a unit, the card of trust."""

from typing import Literal, NotRequired, TypedDict

from services.gateway.web.preferences import View
from services.gateway.web.text import Instant, Text

Number = int | str
"""A volume or count: an integer, or decimal text such as "12.5"; never a float."""
Exact = str
"""An exact fraction as text: "92", "277/3"."""
Step = Literal["submission", "opening", "evaluation", "complaints", "contract"]


class Site(TypedDict):
    """The installation. It changes only with its configuration (region.toml)."""

    name: Text  # of the market
    region: Text
    zone: str  # IANA name, "Europe/Moscow"
    sandbox: bool  # the banner on every page
    single_machine: bool  # embedded: the three custodians share a machine, and pages say so
    version: str
    open_data: str  # address of the open data
    log_key: NotRequired[str]  # public key of the log's checkpoints, as a signed-note verifier key


class Page(TypedDict):
    """The request."""

    path: str
    query: dict[str, str]  # as it came; kept when the reader switches language or view
    view: View
    now: Instant  # of the clock that the market runs by: in a sandbox the training clock
    request_id: str


class Option(TypedDict):
    """A choice of a filter."""

    value: str
    name: Text


class ProviderRef(TypedDict):
    id: str  # what /providers/{id} takes
    name: Text
    kind: str  # npo | budget_institution | social_enterprise | individual


class EntryRef(TypedDict):
    """An entry of the log: /log/{source}/{sequence}."""

    source: str  # registry, orders, …
    sequence: int


class TrailItem(TypedDict):
    """One event of an activity trail, newest first."""

    time: Instant
    type: str  # market.orders.BidSubmitted.v1
    words: NotRequired[Text]  # better than what the type alone says
    actor: NotRequired[Text | None]
    ground: NotRequired[Text | None]
    entry: EntryRef


class Verification(TypedDict):
    time: Instant
    same: bool  # the replay gave the same result


class Checkpoint(TypedDict):
    size: int  # leaves of the tree
    root_hash: str  # hex or base64, shown as it is
    time: Instant


class Trust(TypedDict):
    """The card «Почему можно верить»."""

    events: int  # in the streams that this page is about; on the landing page in the whole log
    checkpoint: Checkpoint | None
    verification: Verification | None
    command: str  # the one command that repeats the verification
