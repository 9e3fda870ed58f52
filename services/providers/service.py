"""providers: places and who holds them, acts of delivery, premises and their loans. The table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.providers import facts
from services.providers.domain import act_terms as act_says
from services.providers.domain import loan_terms as loan_says
from services.providers.domain import premises as premises_says
from services.providers.domain import workspace as workspace_says
from services.providers.domain.act import act
from services.providers.domain.loan import loan
from services.providers.domain.premises import premises
from services.providers.domain.workspace import workspace
from services.providers.projections.acts import acts
from services.providers.projections.agreements import agreements
from services.providers.projections.premises import premises as premises_and_loans
from services.providers.projections.providers import providers
from services.providers.projections.workspaces import workspaces
from services.providers.queries import acts as ask_acts
from services.providers.queries import premises as ask_premises
from services.providers.queries import workspace as ask_workspace
from services.providers.reactions import reactions
from services.providers.rules import load_rules
from services.providers.tables import metadata


def service() -> Service:
    return Service(
        name="providers",
        metadata=metadata,
        aggregates=(workspace, act, premises, loan),
        commands=(
            # places
            On(workspace_says.SetPlaces),
            On(workspace_says.OpenWorkspace),
            On(workspace_says.SuspendWorkspace),
            On(workspace_says.CloseWorkspace),
            On(workspace_says.ReservePlaces, facts=facts.agreement_over),
            On(workspace_says.GiveBackPlaces),
            # acts of delivery
            On(act_says.DraftAct, facts=facts.agreement_of_draft),
            On(act_says.SubmitAct, facts=facts.agreement_locked),
            On(act_says.ConfirmAct),
            On(act_says.ReturnAct),
            On(act_says.DropAct),
            On(act_says.AskReversal),
            On(act_says.ConfirmReversal),
            On(act_says.DeclineReversal),
            # premises and advertising surfaces
            On(premises_says.ListPremises),
            On(premises_says.WithdrawPremises, facts=facts.living_loan),
            On(loan_says.RequestLoan, facts=facts.for_request),
            On(loan_says.GrantLoan, facts=facts.for_grant),
            On(loan_says.RefuseLoan),
            On(loan_says.CancelLoan),
            On(loan_says.SignLoan),
            On(loan_says.ReturnLoan),
            On(loan_says.EndLoan),
        ),
        queries=(
            ask_workspace.workspace,
            ask_workspace.places,
            ask_acts.acts,
            ask_acts.act,
            ask_acts.journal,
            ask_premises.premises,
            ask_premises.premises_object,
            ask_premises.loans,
            ask_premises.loan,
        ),
        projections=(providers, agreements, workspaces, acts, premises_and_loans),
        reactions=reactions,
        constraints={
            "loan_no_overlap": loan_says.OVERLAPS,
            "agreement_volume": act_says.VOLUME_EXCEEDED,
            "act_one_living": act_says.ACT_EXISTS,
        },
        load_rules=load_rules,
        folder=Path(__file__).parent,
    )
