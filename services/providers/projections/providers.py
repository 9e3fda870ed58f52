"""registry's providers as far as this service needs them: names for lists, and who may ask for premises."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.providers.foreign import CardChanged, Plain, ProviderIncluded
from services.providers.tables import known_provider

providers = Projection("known_providers", (known_provider,))


@providers.on("registry", "ProviderIncluded", ProviderIncluded)
def _included(rows: Rows, event: ProviderIncluded, entry: Entry) -> None:
    rows.put(
        known_provider,
        {"provider_id": entry.stream_id},
        number=event.number,
        short_name=event.short_name,
        kind=event.kind,
        territory=event.territory,
        status="active",
    )


@providers.on("registry", "CardChanged", CardChanged)
def _changed(rows: Rows, event: CardChanged, entry: Entry) -> None:
    changed = event.model_dump(exclude_none=True)
    if changed:
        rows.change(known_provider, {"provider_id": entry.stream_id}, **changed)


def _becomes(status: str, event_name: str) -> None:
    @providers.on("registry", event_name, Plain)
    def _change(rows: Rows, event: Plain, entry: Entry) -> None:
        rows.change(known_provider, {"provider_id": entry.stream_id}, status=status)


_becomes("suspended", "ProviderSuspended")
_becomes("active", "ProviderRestored")
_becomes("excluded", "ProviderExcluded")
_becomes("withdrawn", "ProviderWithdrawn")
