"""The provider register: its table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.registry.domain import consortium as network
from services.registry.domain import imports as import_
from services.registry.domain.catalogue import calculation as cost
from services.registry.domain.catalogue import listed_service as listed
from services.registry.domain.catalogue import proposal as proposed
from services.registry.domain.register_entry import (
    application,
    deadlines,
    dossier,
    licences,
    register_entry,
    standing,
)
from services.registry.facts import catalogue as held
from services.registry.facts import dossier as papers
from services.registry.facts import register as facts
from services.registry.facts.consortium import membership
from services.registry.projections.catalogue import calculations, codes, proposals, services
from services.registry.projections.consortium import consortia as consortia_projection
from services.registry.projections.dossier import dossiers
from services.registry.projections.imports import imports
from services.registry.projections.register import register
from services.registry.queries import catalogue as pages
from services.registry.queries.consortium import consortia, consortium
from services.registry.queries.dossier import document, licences_ending
from services.registry.queries.grounds import grounds
from services.registry.queries.imports import import_batches, import_report
from services.registry.queries.providers import applications, figures, provider, providers
from services.registry.reactions import reactions
from services.registry.rules import load_rules
from services.registry.tables import metadata


def service() -> Service:
    return Service(
        name="registry",
        metadata=metadata,
        aggregates=(
            register_entry,
            import_.import_batch,
            import_.import_row,
            listed.listed_service,
            cost.calculation,
            proposed.service_proposal,
            network.consortium,
        ),
        commands=(
            # an entry's life
            On(application.ApplyToRegister),
            On(application.CompleteImportRow, locks=facts.one_row, facts=facts.row_status),
            On(application.ReturnApplication),
            On(application.CheckApplication),
            On(application.IncludeProvider, facts=facts.entry_number),
            On(application.RefuseProvider),
            On(standing.SuspendProvider),
            On(standing.ReportRemedy),
            On(standing.UpholdSuspension),
            On(standing.RestoreProvider),
            On(standing.ExcludeProvider),
            On(standing.WithdrawProvider),
            On(standing.ChangeCard),
            On(deadlines.MissTerm),
            # what its card says besides
            On(licences.RecordLicence),
            On(licences.WatchLicence),
            On(licences.RemoveLicence),
            On(dossier.StateStaff),
            On(dossier.StateExperience),
            On(dossier.RecordInspection),
            On(dossier.SetFlags),
            On(dossier.AttachDocument, facts=papers.kept_document),
            # an import of a list
            On(import_.StartImport),
            On(import_.TakeImportRow, facts=facts.known, secret=True),  # a row may hold a person's name
            On(import_.DropImportRow, locks=facts.one_row),
            On(import_.MarkImportRowCompleted),
            # the catalogue of services
            On(listed.ListService),
            On(listed.ListProposedService),
            On(listed.PrepareStandard),
            On(listed.PrepareCost),
            On(listed.ApproveStandard, locks=held.changing),
            On(listed.ApproveCost, locks=held.changing),
            On(listed.CloseService, locks=held.changing),
            On(cost.CalculateCost, locks=held.calculating, facts=held.calculation_basis),
            On(proposed.ProposeService, facts=held.proposal_basis),
            On(proposed.AskExperts),
            On(proposed.GiveOpinion),
            On(proposed.ReturnProposal),
            On(proposed.RefuseProposal),
            On(proposed.ApproveProposal),
            On(proposed.WithdrawProposal),
            # consortia of providers
            On(network.FormConsortium, facts=membership),
            On(network.ConsentToConsortium, facts=membership),
            On(network.DeclineConsortium),
            On(network.ProposeReplacement, facts=membership),
            On(network.DissolveConsortium),
        ),
        queries=(
            providers,
            provider,
            figures,
            grounds,
            document,
            licences_ending,
            applications,
            import_report,
            import_batches,
            pages.catalogue,
            pages.service,
            pages.cost,
            pages.calculation,
            pages.proposals,
            pages.proposal,
            consortia,
            consortium,
        ),
        projections=(register, dossiers, imports, services, codes, calculations, proposals, consortia_projection),
        reactions=reactions,
        constraints={"provider_living_inn": application.INN_TAKEN, "service_code_pkey": listed.CODE_TAKEN},
        load_rules=load_rules,
        folder=Path(__file__).parent,
    )
