"""Outcome digests: what a season came to, without whatever differs between two runs of it.

One SHA-256 per kind of business fact: who is in the register, what was ordered, bid, scored, awarded, agreed, delivered
and paid. Ids, ciphertexts, keys, vault references and wall times are left out, or stand as the number, the INN or the
place in an order that people know them by. So two runs of one season give equal digests, and a change of a business
fact changes the digest of its kind.

Facts are taken from the folded states; balances of accounts, places and addresses, which no state holds, from the
folded read tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.replay.fold import Fold, plain
from kernel import canonical

Facts = Iterable[Mapping[str, Any]]


def outcome_digests(fold: Fold) -> dict[str, str]:
    """{kind of fact: SHA-256 of its facts, each canonical JSON, sorted}. Kinds without a fact are there too."""
    return {kind: _digest(facts) for kind, facts in sorted(outcome_facts(fold).items())}


def outcome_facts(fold: Fold) -> dict[str, list[dict[str, Any]]]:
    """The facts behind the digests, by kind: what to look at where two digests differ."""
    names = Names(fold)
    return {kind: [plain(dict(fact)) for fact in gather(fold, names)] for kind, gather in KINDS.items()}


def _digest(facts: Iterable[Mapping[str, Any]]) -> str:
    whole = hashlib.sha256()
    for line in sorted(canonical.dumps(fact) for fact in facts):
        whole.update(len(line).to_bytes(8, "big"))
        whole.update(line)
    return whole.hexdigest()


class Names:
    """What people call the things that ids stand for."""

    def __init__(self, fold: Fold) -> None:
        self._entries = _states(fold, "registry", "RegisterEntry")
        self._orders = _states(fold, "orders", "SocialOrder")
        self._agreements = _states(fold, "orders", "Agreement")
        self._certificates = _states(fold, "orders", "Certificate")
        self._competitions = _states(fold, "orders", "Competition")
        self._lots = {
            lot.lot_id: f"{order.number}/{lot.number}" for order in self._orders.values() for lot in order.lots
        }
        self._bodies: dict[str, str] = {}
        for order in sorted(self._orders.values(), key=lambda order: str(order.number)):
            # A body has no number of its own: it is the one that formed this order first.
            self._bodies.setdefault(order.body_id, f"body of {order.number}")
        self._premises = {row["premises_id"]: row for row in _rows(fold, "providers", "premises_card")}

    def provider(self, id: str) -> str:
        """The provider's INN."""
        entry = self._entries.get(id)
        return str(entry.card.inn) if entry is not None and entry.card is not None else ""

    def body(self, id: str) -> str:
        return self._bodies.get(id, "a body without orders" if id else "")

    def order(self, id: str) -> str:
        return self._orders[id].number if id in self._orders else ""

    def lot(self, id: str) -> str:
        return self._lots.get(id, "")

    def competition(self, id: str) -> str:
        return self._competitions[id].number if id in self._competitions else ""

    def agreement(self, id: str) -> str:
        """The number of an agreement, or of the certificate that an act was made under."""
        found = self._agreements.get(id) or self._certificates.get(id)
        return str(found.number) if found is not None else ""

    def address(self, premises_id: str) -> str:
        return str(self._premises.get(premises_id, {}).get("address", ""))

    def account(self, account: str) -> str:
        """`reserved:<body>:<year>:<agreement>` with the names of body, agreement or provider in it."""
        kind, body, year, *part = account.split(":")
        found = [kind, self.body(body), year]
        found += [self.agreement(each) or self.provider(each) for each in part]
        return ":".join(found)


def _states(fold: Fold, service: str, aggregate: str) -> dict[str, Any]:
    return {stream: state for stream, (_, state) in fold.states.get((service, aggregate), {}).items()}


def _rows(fold: Fold, service: str, table: str) -> Iterable[Mapping[str, Any]]:
    return fold.rows.tables.get(f"{service}.{table}", {}).values()


# -- the kinds --------------------------------------------------------------------------------------------------------


def _register(fold: Fold, names: Names) -> Facts:
    for entry in _states(fold, "registry", "RegisterEntry").values():
        card = entry.card.model_dump(mode="json", exclude={"head_ref"}) if entry.card else {}
        checks = [check.model_dump(mode="json") for check in entry.checks]
        yield {
            "status": entry.status, "number": entry.number, "included_on": entry.included_on,
            "checks": checks, "card": card,
        }  # fmt: skip


def _imports(fold: Fold, names: Names) -> Facts:
    batches = _states(fold, "registry", "ImportBatch")
    for batch in batches.values():
        yield {"file": batch.file_name, "rows": batch.rows, "status": batch.status}
    for row in _states(fold, "registry", "ImportRow").values():
        file = batches[row.batch_id].file_name if row.batch_id in batches else ""
        yield {
            "file": file, "row": row.number, "status": row.status, "provider": names.provider(row.provider_id),
        }  # fmt: skip


def _orders(fold: Fold, names: Names) -> Facts:
    for order in _states(fold, "orders", "SocialOrder").values():
        yield {
            "number": order.number,
            "status": order.status,
            "body": names.body(order.body_id),
            "year": order.year,
            "service": order.service_code,
            "cost_kopecks": order.cost_kopecks,
            "volume": order.volume,
            "ways": [order.by_assignment, order.by_competition, order.by_certificate],
            "lots": [lot.model_dump(mode="json", exclude={"lot_id"}) for lot in order.lots],
        }


def _competitions(fold: Fold, names: Names) -> Facts:
    for each in _states(fold, "orders", "Competition").values():
        yield {
            "number": each.number,
            "order": names.order(each.order_id),
            "status": each.status,
            "title": each.title,
            "lots": [names.lot(lot.lot_id) for lot in each.lots],
            "came_to_nothing": sorted(names.lot(lot_id) for lot_id in each.failed_lots),
            "requirements": [requirement.model_dump(mode="json") for requirement in each.requirements],
            "criteria": [criterion.model_dump(mode="json") for criterion in each.criteria],
            "commission": len(each.evaluators),
            "questions": each.asked,
            "amendments": each.amendments,
            "deadline": each.deadline,
            "standstill_until": each.standstill_until,
        }


def _bids(fold: Fold, names: Names) -> Facts:
    """Every bid that was ever made: whether it stands, and which version."""
    for bid in _states(fold, "orders", "Bid").values():
        yield {
            "competition": names.competition(bid.competition_id),
            "lot": names.lot(bid.lot_id),
            "provider": names.provider(bid.provider_id),
            "status": bid.status,
            "version": bid.bid_version,
        }


def _opened_bids(fold: Fold, names: Names) -> Facts:
    for each in _states(fold, "orders", "Competition").values():
        for bid in each.bids:
            yield {
                "competition": each.number,
                "lot": names.lot(bid.lot_id),
                "provider": names.provider(bid.provider_id),
                "version": bid.bid_version,
                "arrival": bid.arrival,
                "status": bid.status,
                "price_kopecks": bid.price_kopecks,
                "volume": bid.volume,
                "values": bid.values,
                "reasons": list(bid.reasons),
                "corrected_by": bid.correct_until,
                "low_price": bid.low_price,
            }


def _complaints(fold: Fold, names: Names) -> Facts:
    for each in _states(fold, "orders", "Competition").values():
        for number, one in enumerate(each.complaints.values(), start=1):
            yield {
                "competition": each.number,
                "number": number,
                "lot": names.lot(one.lot_id),
                "provider": names.provider(one.provider_id),
                "status": one.status,
            }


def _scores(fold: Fold, names: Names) -> Facts:
    """Points of each bid by criterion, without who gave them: accounts are no business fact."""
    for each in _states(fold, "orders", "Competition").values():
        for bid in each.bids:
            sheets = [sheet.scores.get(bid.bid_id, {}) for sheet in each.sheets.values()]
            for criterion in sorted({key for sheet in sheets for key in sheet}):
                yield {
                    "competition": each.number,
                    "lot": names.lot(bid.lot_id),
                    "provider": names.provider(bid.provider_id),
                    "criterion": criterion,
                    "points": sorted(sheet[criterion] for sheet in sheets if criterion in sheet),
                }
        for sheet in each.sheets.values():
            if sheet.conflicted:
                conflicted = sorted(names.provider(provider) for provider in sheet.conflicted)
                yield {"competition": each.number, "conflict_with": conflicted}


def _rankings(fold: Fold, names: Names) -> Facts:
    for each in _states(fold, "orders", "Competition").values():
        bidders = {bid.bid_id: names.provider(bid.provider_id) for bid in each.bids}
        results = {row["lot_id"]: row for row in _rows(fold, "orders", "lot_result")}
        for lot_id, order in each.ranked.items():
            computed = results.get(lot_id, {}).get("ranking") or {}
            totals = {row["offer"]: row["total"] for row in computed.get("ranking", ())}
            yield {
                "competition": each.number,
                "lot": names.lot(lot_id),
                "order": [bidders[bid_id] for bid_id in order],
                "totals": [totals.get(bid_id) for bid_id in order],
            }


def _awards(fold: Fold, names: Names) -> Facts:
    for each in _states(fold, "orders", "Competition").values():
        for award in each.awards:
            yield {
                "competition": each.number,
                "lot": names.lot(award.lot_id),
                "provider": names.provider(award.provider_id),
                "volume": award.volume,
                "unit_price_kopecks": award.unit_price_kopecks,
                "outcome": award.outcome,
            }


def _agreements(fold: Fold, names: Names) -> Facts:
    same = (
        "number", "status", "provider_kind", "service_code", "service_kind", "form", "unit", "volume",
        "unit_price_kopecks", "amount_kopecks", "year", "starts", "ends", "places", "places_held", "attempt",
    )  # fmt: skip
    for each in _states(fold, "orders", "Agreement").values():
        yield {
            **{name: getattr(each, name) for name in same},
            "competition": names.competition(each.competition_id),
            "lot": names.lot(each.lot_id),
            "body": names.body(each.body_id),
            "provider": names.provider(each.provider_id),
        }


def _certificates(fold: Fold, names: Names) -> Facts:
    """Without the numbers of records, which are their devices' own, and without keys and signatures."""
    same = (
        "number", "status", "year", "service_code", "unit", "volume", "limit_price_kopecks", "amount_kopecks",
        "valid_until", "redeemed_volume", "paid_kopecks", "returned_volume", "returned_kopecks", "closed",
    )  # fmt: skip
    for each in _states(fold, "orders", "Certificate").values():
        answers = sorted((answer.code, answer.volume, answer.own_kopecks) for answer in each.answers.values())
        yield {
            **{name: getattr(each, name) for name in same},
            "order": names.order(each.order_id),
            "body": names.body(each.body_id),
            "providers": [[names.provider(one.provider_id), one.unit_price_kopecks] for one in each.choices],
            "answers": [list(answer) for answer in answers],
        }


def _places(fold: Fold, names: Names) -> Facts:
    for provider_id, workspace in _states(fold, "providers", "Workspace").items():
        held = sorted((names.agreement(id), held.form, held.places) for id, held in workspace.held.items())
        yield {
            "provider": names.provider(provider_id),
            "status": workspace.status,
            "places": {form: [places.maximum, places.funded] for form, places in workspace.places.items()},
            "held": [list(each) for each in held],
        }


def _acts(fold: Fold, names: Names) -> Facts:
    for act in _states(fold, "providers", "Act").values():
        yield {
            "agreement": names.agreement(act.agreement_id),
            "provider": names.provider(act.provider_id),
            "month": act.month,
            "service": act.service_code,
            "quantity": act.quantity,
            "amount_kopecks": act.amount_kopecks,
            "status": act.status,
        }


def _invoices(fold: Fold, names: Names) -> Facts:
    """The number is left out: invoices of acts that were accepted at once get theirs in either order."""
    for invoice in _states(fold, "billing", "Invoice").values():
        yield {
            "agreement": names.agreement(invoice.agreement_id),
            "provider": names.provider(invoice.provider_id),
            "month": invoice.month,
            "amount_kopecks": invoice.amount_kopecks,
            "status": invoice.status,
            "settled": invoice.settled,
        }


def _budgets(fold: Fold, names: Names) -> Facts:
    for line in _states(fold, "billing", "BudgetLine").values():
        yield {"body": names.body(line.body_id), "year": line.year, "limit_kopecks": line.limit_kopecks}


def _accounts(fold: Fold, names: Names) -> Facts:
    for row in _rows(fold, "billing", "account"):
        yield {"account": names.account(row["account"]), "balance_kopecks": row["balance_kopecks"]}


def _premises(fold: Fold, names: Names) -> Facts:
    for premises_id, each in _states(fold, "providers", "Premises").items():
        yield {
            "address": names.address(premises_id),
            "kind": each.kind,
            "status": each.status,
            "available": [each.available_from, each.available_until],
        }


def _loans(fold: Fold, names: Names) -> Facts:
    for loan in _states(fold, "providers", "Loan").values():
        yield {
            "address": names.address(loan.premises_id),
            "provider": names.provider(loan.provider_id),
            "kind": loan.kind,
            "starts": loan.starts,
            "ends": loan.ends,
            "status": loan.status,
        }


KINDS: Mapping[str, Callable[[Fold, Names], Facts]] = {
    "accounts": _accounts,
    "acts": _acts,
    "agreements": _agreements,
    "awards": _awards,
    "bids": _bids,
    "budgets": _budgets,
    "certificates": _certificates,
    "competitions": _competitions,
    "complaints": _complaints,
    "imports": _imports,
    "invoices": _invoices,
    "loans": _loans,
    "opened_bids": _opened_bids,
    "orders": _orders,
    "places": _places,
    "premises": _premises,
    "rankings": _rankings,
    "register": _register,
    "scores": _scores,
}
