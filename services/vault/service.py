"""The vault, apart from the market and small: people's data and drafts of bids. Its table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.vault import facts
from services.vault.domain import draft, person, reading
from services.vault.projections.learnt import learnt
from services.vault.queries.drafts import drafts, read_draft
from services.vault.queries.names import published_names
from services.vault.reactions import reactions
from services.vault.tables import draft_secret, metadata, organisation_key, person_secret


def service() -> Service:
    return Service(
        name="vault",
        metadata=metadata,
        aggregates=(person.person, reading.reading, draft.draft),
        commands=(
            On(person.PutPerson, facts=facts.keep_person, secret=True),
            On(person.ErasePerson, facts=facts.erase_own),
            On(reading.ReadPersons, facts=facts.found_persons, secret=True),
            On(draft.SaveDraft, facts=facts.keep_draft, secret=True),
            On(draft.DestroyDraft, facts=facts.destroy_draft),
            On(person.ReferPerson),
            On(person.EraseOrphan, facts=facts.erase_if_orphan),
        ),
        queries=(published_names, read_draft, drafts),
        projections=(learnt,),
        reactions=reactions,
        constraints={"draft_secret_one_per_lot": draft.DRAFT_EXISTS},
        secrets=(person_secret, organisation_key, draft_secret),
        folder=Path(__file__).parent,
    )
