"""Orders: social orders, competitions with sealed bids, agreements. Its table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.orders.domain import bid as bids
from services.orders.domain import social_order as order
from services.orders.domain.agreement import ALREADY_DRAFTED, VOLUME_SPENT
from services.orders.domain.agreement import state as agreement
from services.orders.domain.certificate import SHARE_SPENT
from services.orders.domain.certificate import offer as open_list
from services.orders.domain.certificate import state as certificate
from services.orders.domain.competition import (
    admission,
    amendment,
    announcement,
    award,
    cancellation,
    closing,
    competition,
    complaint,
    correction,
    evaluation,
    low_price,
    opening,
    publication,
    questions,
    ranking,
    remedy,
    second_look,
)
from services.orders.facts import agreement as paper
from services.orders.facts import certificate as holding
from services.orders.facts import competition as facts
from services.orders.projections.agreements import agreements_projection
from services.orders.projections.bidding import (
    bids_projection,
    custodians_projection,
    places_projection,
    providers_projection,
)
from services.orders.projections.certificates import certificates_projection
from services.orders.projections.competitions import trail_projection
from services.orders.projections.evaluation import competitions_projection
from services.orders.projections.procedure import procedure_projection
from services.orders.projections.social_orders import social_orders_projection
from services.orders.queries import agreements as agreement_pages
from services.orders.queries import bids as bid_pages
from services.orders.queries import certificates as certificate_pages
from services.orders.queries import competitions as pages
from services.orders.queries import procedure as procedure_pages
from services.orders.queries import social_orders as order_pages
from services.orders.queries.scoring_sheets import bids_to_score
from services.orders.reactions import reactions
from services.orders.rules import load_rules
from services.orders.tables import metadata
from services.orders.tables.competition import late_attempt


def service() -> Service:
    return Service(
        name="orders",
        metadata=metadata,
        aggregates=(
            order.social_order,
            competition,
            bids.bid,
            agreement.agreement,
            open_list.offer,
            certificate.certificate,
        ),
        commands=(
            # the social order
            On(order.FormSocialOrder, facts=paper.order_number),
            On(order.ApproveSocialOrder),
            On(order.CorrectSocialOrder, facts=paper.lots_of_order),
            On(order.CloseSocialOrder, facts=paper.lots_of_order),
            # the competition, in the order of its phases
            On(announcement.DraftCompetition, facts=facts.draft_basis),
            On(publication.PublishCompetition),
            On(publication.RecordBiddingKey, facts=facts.published_keys),
            On(announcement.AppointEvaluators),
            On(cancellation.CancelCompetition, locks=facts.ending_bids, facts=facts.living_agreements),
            On(amendment.AmendCompetition, locks=facts.ending_bids, facts=facts.amend_basis),
            On(questions.AskQuestion),
            On(questions.AnswerQuestion, facts=facts.asked_question),
            On(bids.SubmitBid, locks=facts.while_bidding, facts=facts.bidding_now, receipt=True),
            On(bids.ReplaceBid, locks=facts.while_bidding, facts=facts.bidding_now, receipt=True),
            On(bids.WithdrawBid, locks=facts.while_bidding, facts=facts.bidding_now, receipt=True),
            On(bids.ConfirmBid, locks=facts.while_bidding, facts=facts.bidding_now, receipt=True),
            On(closing.HoldForQuestions, locks=facts.ending_bids),
            On(closing.CloseBidding, locks=facts.ending_bids, facts=facts.standing_bids),
            On(opening.OpenBids, facts=facts.found_keys),
            On(opening.ProvideBidKey, facts=facts.found_keys),
            On(admission.CheckBid, facts=facts.bidder),
            On(correction.CorrectBid),
            On(correction.LapseCorrection),
            On(admission.BeginEvaluation),
            On(evaluation.DeclareConflicts),
            On(evaluation.SubmitScores),
            On(low_price.JustifyPrice),
            On(low_price.DecideLowPrice),
            On(second_look.AskSecondLook),
            On(ranking.DecideRanking, facts=facts.kept_documents),
            On(complaint.FileComplaint),
            On(complaint.WithdrawComplaint),
            On(remedy.AcceptComplaint),
            On(remedy.DeclineComplaint),
            On(remedy.SatisfyComplaint),
            On(award.AwardCompetition, facts=facts.takers),
            On(award.SettleAward, facts=facts.takers),
            # the agreement
            On(agreement.DraftAgreement, facts=paper.award_now),
            On(agreement.RequestReservation),
            On(agreement.AcceptBudget),
            On(agreement.TakeBudgetRefusal),
            On(agreement.AcceptPlaces),
            On(agreement.TakePlacesRefusal),
            On(agreement.TimeOutReservation),
            On(agreement.LapseSigning),
            On(agreement.VoidAgreement),
            On(agreement.DeclineAgreement),
            On(agreement.SignAgreement),
            On(agreement.CountersignAgreement),
            On(agreement.SuspendAgreement),
            On(agreement.ResumeAgreement),
            On(agreement.CompleteAgreement),
            On(agreement.TerminateAgreement),
            # the social certificate
            On(open_list.OfferForCertificates, facts=holding.offer_made),
            On(open_list.WithdrawCertificateOffer),
            On(certificate.RequestCertificate, facts=holding.share_now),
            On(certificate.IssueCertificate),
            On(certificate.AcceptCertificateFunds),
            On(certificate.TakeFundsRefusal),
            On(certificate.TimeOutFunds),
            On(certificate.ChooseProvider, facts=holding.offer_chosen),
            On(certificate.RedeemCertificate),
            On(certificate.AnnulCertificate),
            On(certificate.ExpireCertificate),
            On(certificate.CloseCertificate),
        ),
        queries=(
            order_pages.social_orders,
            order_pages.social_order,
            pages.competitions,
            pages.competition,
            procedure_pages.complaints,
            pages.custodian_keys,
            bid_pages.competition_bids,
            bid_pages.competition_scores,
            bid_pages.late_bids,
            bid_pages.my_bids,
            bids_to_score,
            pages.protocol,
            agreement_pages.agreements,
            agreement_pages.agreement,
            certificate_pages.certificates,
            certificate_pages.certificate,
            certificate_pages.certificate_shares,
            certificate_pages.certificate_offers,
        ),
        projections=(
            social_orders_projection,
            competitions_projection,
            trail_projection,
            procedure_projection,
            bids_projection,
            providers_projection,
            places_projection,
            custodians_projection,
            agreements_projection,
            certificates_projection,
        ),
        reactions=reactions,
        constraints={
            "lot_claimed_once": announcement.LOT_IN_COMPETITION,
            "lot_volume_once": VOLUME_SPENT,
            "lot_pkey": order.LOT_ELSEWHERE,
            "agreement_once_per_award": ALREADY_DRAFTED,
            "certificate_share_once": SHARE_SPENT,
        },
        secrets=(late_attempt,),
        load_rules=load_rules,
        folder=Path(__file__).parent,
    )
