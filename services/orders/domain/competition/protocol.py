"""The protocol of one lot: written from the events' facts alone, so that anybody can write the same bytes again.

A plain document (text/html, in Russian, as the law's papers are). It names bidders by their number in the register and
shows every figure twice where it counts: rounded for people, exact for checking. Members of the commission appear by
number: their single scores are in the log, open after the ranking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from services.orders.domain.competition.state import Bid, Competition, LotLine

_FAILED = "Заявка не открылась ни одним ключом или записана не по форме."
#: The formulas' names as the law's papers say them.
_FORMULAS = {
    "lowest_price": "наименьшая цена",
    "price_gap": "отставание цены",
    "linear": "линейная",
    "scale": "по шкале",
    "expert_mean": "среднее оценок комиссии",
}
_STYLE = "table{border-collapse:collapse}td,th{border:1px solid;padding:.2em .5em;text-align:left}"


def write(
    state: Competition,
    lot_id: str,
    decided_at: datetime,
    judges: Sequence[str],
    ranking: Mapping[str, Any],
    order: Sequence[str],
    alarms: int,
) -> bytes:
    """The protocol's bytes (UTF-8 HTML) for a lot of `state` and its result."""
    lot, bids = state.lot(lot_id), state.bids_by_id()
    local = decided_at.astimezone(ZoneInfo(state.frozen.zone))
    title = f"Протокол рассмотрения и оценки заявок {state.number}"
    body = [
        f"<h1>{escape(title)}</h1>",
        _paragraph(f"Конкурс: {state.title}. Лот: {lot.title}."),
        _paragraph(f"Объём {lot.volume} ({lot.unit}), предельная цена {_roubles(lot.limit_price_kopecks)} за единицу."),
        _paragraph(f"Составлен {local:%d.%m.%Y %H:%M} ({state.frozen.zone})."),
        "<h2>Допуск</h2>",
        _table(("Участник", "Цена за единицу", "Объём", "Решение"), _admission(state, lot)),
        "<h2>Оценка</h2>",
        *_scores(state, lot, judges, ranking, order),
        *_flags(state, ranking, alarms),
        "<h2>Итог</h2>",
        _list([_place(bids[bid_id]) for bid_id in order]),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    page = ["<!DOCTYPE html>", f'<html lang="ru"><head>{head}</head><body>', *body, "</body></html>", ""]
    return "\n".join(page).encode()


def _admission(state: Competition, lot: LotLine) -> Iterable[tuple[str, ...]]:
    for bid in state.bids_of(lot.lot_id):
        if bid.status in ("failed", "sealed"):
            yield f"заявка {bid.arrival}", "—", "—", _FAILED
        else:
            decision = "допущена" if bid.status == "admitted" else "отклонена: " + "; ".join(_unmet(state, bid))
            yield bid.bidder, _roubles(bid.price_kopecks), str(bid.volume), decision


def _unmet(state: Competition, bid: Bid) -> Iterable[str]:
    """The reasons, each with its requirement as it was announced; what a machine checked says it in its reason."""
    announced = {requirement.code: requirement.text for requirement in state.requirements}
    for line in bid.reasons:
        code, _, reason = line.partition(": ")
        yield f"{announced[code]}: {reason}" if code in announced else reason


def _scores(
    state: Competition, lot: LotLine, judges: Sequence[str], ranking: Mapping[str, Any], order: Sequence[str]
) -> Iterable[str]:
    if not ranking:
        yield _paragraph("Допущена одна заявка: соглашение заключается на её условиях.")
        return
    sheets = [member for member in state.evaluators if member in state.sheets]
    yield _paragraph(
        f"Членов комиссии: {len(state.evaluators)}, заявили о наличии или отсутствии конфликта интересов: "
        f"{len(sheets)}, оценили лот: {len(judges)}, кворум {state.frozen.quorum_evaluators}."
    )
    weights = [
        f"{criterion.title} ({criterion.weight} %, {_FORMULAS[criterion.formula]})" for criterion in state.criteria
    ]
    yield _table(("Место", "Участник", *weights, "Итог", "Точно"), _score_rows(state, ranking))


def _score_rows(state: Competition, ranking: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    bids = state.bids_by_id()
    for row in ranking["ranking"]:
        points = [_shown(row["points"][criterion.key]) for criterion in state.criteria]
        bid = bids[row["offer"]]
        yield str(row["place"]), bid.bidder, *points, _shown(row["total"]), row["total"]["exact"]


def _shown(figure: Mapping[str, Any]) -> str:
    """A rounded figure with the comma of Russian papers."""
    return str(figure["shown"]).replace(".", ",")


def _flags(state: Competition, ranking: Mapping[str, Any], alarms: int) -> Iterable[str]:
    bids = state.bids_by_id()
    for bid_id in sorted(ranking.get("abnormally_low", {}), key=lambda bid_id: bids[bid_id].arrival):
        # Events from before justifications were asked for have protocols that say what was to be done.
        what = "обоснование принято" if bids[bid_id].low_price == "accepted" else "нужно обоснование"
        yield _paragraph(f"Цена участника «{bids[bid_id].bidder}» аномально низкая: {what}.")
    if alarms:
        limit = state.frozen.spread_alarm_points
        what = "комиссия смотрела их дважды" if state.second_looks else "обратите внимание"
        yield _paragraph(f"Оценок с разбросом больше {limit} баллов: {alarms}; {what}.")
    level = [row for row in ranking.get("ranking", ()) if row["level_with"]]
    if level:
        yield _paragraph("При равном итоге выше заявка, действующая редакция которой раньше в журнале.")


def _place(bid: Bid) -> str:
    return f"{bid.bidder}: {_roubles(bid.price_kopecks)} за единицу, объём {bid.volume}"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(lines: Iterable[str]) -> str:
    return "<ol>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ol>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>\n{lines}</table>"


def _roubles(kopecks: int) -> str:
    return f"{kopecks // 100},{kopecks % 100:02d} руб."
