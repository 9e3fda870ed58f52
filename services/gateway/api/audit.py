"""The log, its tree, and what proves them. Public: what may not be read yet is withheld by the service."""

from __future__ import annotations

from typing import Any

from kernel.ids import derived_id
from services.gateway.api.route import area, command, query
from services.gateway.calls import Asker
from services.gateway.gate import Gate

ROUTES = area(
    "audit",
    query("/log", "audit.entries", "Записи журнала", "Entries of the log"),
    query("/log/tree", "audit.tree", "Дерево и последняя контрольная точка", "The tree and its latest checkpoint"),
    query("/log/checkpoints", "audit.checkpoints", "Подписанные контрольные точки", "Signed checkpoints"),
    query("/log/consistency", "audit.consistency", "Дерево продолжает прежнее", "That one tree continues another"),
    query("/log/entries/{event_id}", "audit.entry", "Запись по событию", "An entry by its event"),
    query(
        "/log/sources/{source}/{sequence}",
        "audit.entry",
        "Запись по номеру в журнале сервиса",
        "An entry by its number",
        name="audit.entry_by_number",
    ),
    query(
        "/log/leaves/{index}",
        "audit.entry",
        "Запись по месту в дереве",
        "An entry by its place in the tree",
        name="audit.entry_by_index",
    ),
    query("/log/entries/{event_id}/proof", "audit.inclusion", "Запись есть в дереве", "That an entry is in the tree"),
    query(
        "/log/leaves/{index}/proof",
        "audit.inclusion",
        "Лист есть в дереве",
        "That a leaf is in the tree",
        name="audit.inclusion_by_index",
    ),
    query(
        "/log/receipts",
        "audit.completed_receipt",
        "Дополнить квитанцию местом в дереве",
        "Complete a receipt with its place in the tree",
        method="POST",
        asks=True,
    ),
)


async def _key_of_competition(gate: Gate, asker: Asker, target: str, data: dict[str, Any], key: str) -> dict[str, Any]:
    """A custodian's key for a competition has an id of its own, which follows from both."""
    rest = dict(data)
    id = derived_id("custodian", target.partition(".")[0], str(rest.pop("competition_id")))
    return {**rest, "id": id}


CUSTODIANS = area(
    "custodians",
    command(
        "POST",
        "/custodians/{custodian}/competitions/{competition_id}/release",
        "{custodian}.release_layers",
        "Раскрыть свой слой после окончания приёма",
        "Release one's layer after the bidding",
        prepare=_key_of_competition,
    ),
    query("/custodians/{custodian}/keys", "{custodian}.competition_keys", "Ключи хранителя", "A custodian's keys"),
)
