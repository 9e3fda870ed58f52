"""What a season says while it is played, and the tables in the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from app.demo.proof import Proof
from app.demo.world import World

KINDS = ("npo", "social_enterprise", "individual", "budget_institution")


class Progress:
    """A line per phase: what is done, what came of it, how long it took. Plain where no terminal is."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(file=sys.stderr if quiet else sys.stdout, highlight=False)
        self._quiet = quiet
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, soft_wrap=True)

    def phase(self, title: str, work: Callable[[], Any], told: Callable[[Any], str] = str) -> Any:
        """Run `work`; its line is what `told` makes of the result."""
        began = time.monotonic()
        if self._console.is_terminal and not self._quiet:
            with self._console.status(title):
                result = work()
        else:
            result = work()
        self.say(f"[green]✓[/green] {title:<26}{time.monotonic() - began:>6.1f} s   {told(result)}")
        return result

    def table(self, table: Table) -> None:
        if not self._quiet:
            self._console.print(table)


# -- counts -----------------------------------------------------------------------------------------------------------


def counts_of(world: World) -> dict[str, Any]:
    """The season in numbers, as the market's own pages give them."""
    treasurer = world.people["treasurer_1"]
    listed = list(world.every(None, "registry.providers", limit=100))
    agreements = list(world.every(None, "orders.agreements", limit=200))
    lines = list(world.every(treasurer, "billing.budget_lines", year=world.season.year))
    clock = world.ask(None, "billing.payments_clock", year=world.season.year)["kinds"]
    balance = world.ask(treasurer, "billing.trial_balance", year=world.season.year)
    world.expect("the ledger balances", True, balance["balanced"])
    money = {
        name: sum(line[f"{name}_kopecks"] for line in lines)
        for name in ("limit", "free", "reserved", "obliged", "certificates", "accrued", "transit", "paid", "owed")
    }
    world.expect("every kopeck of the limits is somewhere", money["limit"], sum(money.values()) - money["limit"])
    return {
        "providers": _by(listed, "kind"),
        "orders": len(world.contests),
        "lots": sum(len(contest.lots) for contest in world.contests.values()),
        "bids": {
            "submitted": world.facts["bids"],
            "replaced": world.facts["replaced"],
            "withdrawn": world.facts["withdrawn"],
            "opened": world.facts["opened"],
        },
        "refusals": dict(sorted(world.refusals.items())),
        "awards": world.facts["awards"],
        "agreements": _by(agreements, "status"),
        "acts": world.facts["acts"],
        "money_kopecks": money,
        "days_to_money": {row["provider_kind"]: row["days_median"] for row in clock},
        "premises": {"objects": world.facts["premises"], "loans": world.facts["loans"]},
        "events": _events(world),
        "commands": world.api.commands,
    }


def _by(items: list[dict[str, Any]], field: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in items:
        found[item[field]] = found.get(item[field], 0) + 1
    return dict(sorted(found.items()))


def _events(world: World) -> dict[str, int]:
    """Sealed events by service, counted in the audit service's copy."""
    rows = world.sql("SELECT source, count(*) FROM audit.leaf GROUP BY 1 ORDER BY 1")
    return {source: int(count) for source, count in rows}


# -- tables -----------------------------------------------------------------------------------------------------------


def show(progress: Progress, counts: Mapping[str, Any]) -> None:
    """The final tables."""
    progress.say("")
    progress.table(_season_table(counts))
    progress.table(_sectors_table(counts))
    progress.table(_refusals_table(counts))


def _season_table(counts: Mapping[str, Any]) -> Table:
    table = Table("what", "how much", title="The season")
    bids, money, premises = counts["bids"], counts["money_kopecks"], counts["premises"]
    table.add_row("orders · lots", f"{counts['orders']} · {counts['lots']}")
    table.add_row(
        "bids submitted · replaced · withdrawn · opened",
        f"{bids['submitted']} · {bids['replaced']} · {bids['withdrawn']} · {bids['opened']}",
    )
    table.add_row("agreements", ", ".join(f"{n} {status}" for status, n in counts["agreements"].items()))
    table.add_row("acts of delivery", str(counts["acts"]))
    for name, words in (
        ("limit", "limits"), ("free", "  free"), ("reserved", "  reserved"), ("obliged", "  obligated"),
        ("accrued", "  accrued, not paid yet"), ("paid", "  paid"), ("owed", "  owed back"),
    ):  # fmt: skip
        table.add_row(words, roubles(money[name]))
    table.add_row("premises and surfaces · loans", f"{premises['objects']} · {premises['loans']}")
    table.add_row("events by service", ", ".join(f"{name} {n}" for name, n in counts["events"].items()))
    table.add_row("commands over HTTP", f"{counts['commands']:,}")
    return table


def _sectors_table(counts: Mapping[str, Any]) -> Table:
    """NPOs beside institutions: what a region watches for (competitive neutrality)."""
    table = Table("kind of provider", "in the register", "awards", "days from act to money", title="Sectors compared")
    for kind in KINDS:
        table.add_row(
            kind,
            str(counts["providers"].get(kind, 0)),
            str(counts["awards"].get(kind, 0)),
            str(counts["days_to_money"].get(kind) or "—"),
        )
    return table


def _refusals_table(counts: Mapping[str, Any]) -> Table:
    table = Table(title="Refused, by code (each expected)", show_header=False)
    cells = [f"{code} {count}" for code, count in counts["refusals"].items()]
    for start in range(0, len(cells), 3):
        table.add_row(*cells[start : start + 3])
    return table


def roubles(kopecks: int) -> str:
    """1234567 → "12 345.67 ₽"."""
    whole, rest = divmod(kopecks, 100)
    return f"{whole:,}".replace(",", " ") + f".{rest:02d} ₽"


def where_to_look(proof: Proof, seconds: float, peak_mb: int) -> str:
    return "\n".join(
        (
            "",
            f"All went as expected, in {seconds:.0f} s, with {peak_mb} MB at most. What to look at:",
            "  ./market up                                  pages and API on what this season left",
            f"  ./market audit verify {proof.bundle} --trust {proof.verified.key}",
            f"  ./market audit replay {proof.bundle} --against-live",
            f"  {proof.bundle.parent / 'accounts'}   a file for everybody who can sign in",
            "  README.md                                    a tour of five minutes",
        )
    )


def as_json(counts: Mapping[str, Any], proof: Proof, seconds: float, peak_mb: int) -> bytes:
    """One object: the counts, the digests, and that everything held."""
    found = {
        "ok": True,
        "counts": counts,
        "bundle": str(proof.bundle),
        "entries": proof.entries,
        "verified": {"key": str(proof.verified.key), "root": proof.verified.last_checkpoint.root.hex()},
        "bids_opened_again": proof.alone.bids_opened,
        "outcome": proof.alone.outcome,
        "state": proof.alone.state,
        "seconds": round(seconds, 1),
        "peak_mb": peak_mb,
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)
