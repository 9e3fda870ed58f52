"""The provider register: its table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.registry import facts
from services.registry.domain import imports as import_
from services.registry.domain import register_entry as entry
from services.registry.projections.imports import imports
from services.registry.projections.register import register
from services.registry.queries.imports import import_batches, import_report
from services.registry.queries.providers import applications, figures, provider, providers
from services.registry.reactions import reactions
from services.registry.rules import load_rules
from services.registry.tables import metadata


def service() -> Service:
    return Service(
        name="registry",
        metadata=metadata,
        aggregates=(entry.register_entry, import_.import_batch, import_.import_row),
        commands=(
            On(entry.ApplyToRegister),
            On(entry.CompleteImportRow, locks=facts.one_row, facts=facts.row_status),
            On(entry.ReturnApplication),
            On(entry.CheckApplication),
            On(entry.IncludeProvider, facts=facts.entry_number),
            On(entry.RefuseProvider),
            On(entry.SuspendProvider),
            On(entry.RestoreProvider),
            On(entry.ExcludeProvider),
            On(entry.WithdrawProvider),
            On(entry.ChangeCard),
            On(import_.StartImport),
            On(import_.TakeImportRow, facts=facts.known, secret=True),  # a row may hold a person's name
            On(import_.DropImportRow, locks=facts.one_row),
            On(import_.MarkImportRowCompleted),
        ),
        queries=(providers, provider, figures, applications, import_report, import_batches),
        projections=(register, imports),
        reactions=reactions,
        constraints={"provider_living_inn": entry.INN_TAKEN},
        load_rules=load_rules,
        folder=Path(__file__).parent,
    )
