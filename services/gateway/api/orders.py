"""Social orders, competitions, bids, agreements."""

from __future__ import annotations

from kernel.sealing import Sealed
from services.gateway.api.bids import body_schema, own_bid, sealed_bid
from services.gateway.api.route import area, command, query

_BIDS = "/competitions/{competition_id}/bids"
_COMPLAINT = "/competitions/{id}/complaints/{complaint_id}"
_BID = body_schema(Sealed.model_json_schema())
_NEXT_BID = body_schema(Sealed.model_json_schema(), lot_in_address=True)

ORDERS = area(
    "orders",
    query("/orders", "orders.social_orders", "Социальные заказы", "Social orders"),
    query("/orders/{id}", "orders.social_order", "Заказ с лотами", "An order with its lots"),
    command(
        "POST", "/orders", "orders.form_social_order", "Сформировать заказ", "Form an order", creates="/orders/{id}"
    ),
    command("POST", "/orders/{id}/approve", "orders.approve_social_order", "Утвердить заказ", "Approve an order"),
    command("POST", "/orders/{id}/correct", "orders.correct_social_order", "Исправить заказ", "Correct an order"),
    command("POST", "/orders/{id}/close", "orders.close_social_order", "Закрыть заказ", "Close an order"),
)
COMPETITIONS = area(
    "orders",
    query("/competitions", "orders.competitions", "Конкурсы", "Competitions"),
    query("/competitions/{id}", "orders.competition", "Конкурс", "A competition"),
    query(
        "/competitions/{id}/keys",
        "orders.custodian_keys",
        "Ключи, под которые запечатывают",
        "Keys that bids are sealed for",
    ),
    query("/competitions/{id}/lots/{lot_id}/protocol", "orders.protocol", "Протокол лота", "The protocol of a lot"),
    command(
        "POST",
        "/competitions",
        "orders.draft_competition",
        "Подготовить конкурс",
        "Draft a competition",
        creates="/competitions/{id}",
    ),
    command(
        "POST", "/competitions/{id}/evaluators", "orders.appoint_evaluators", "Назначить комиссию", "Appoint evaluators"
    ),
    command("POST", "/competitions/{id}/publish", "orders.publish_competition", "Объявить", "Publish"),
    command(
        "POST", "/competitions/{id}/cancel", "orders.cancel_competition", "Отменить с причиной", "Cancel with a reason"
    ),
    command(
        "POST",
        "/competitions/{id}/amendments",
        "orders.amend_competition",
        "Изменить извещение",
        "Amend the announcement",
    ),
    command("POST", "/competitions/{id}/questions", "orders.ask_question", "Задать вопрос", "Ask a question"),
    command(
        "POST",
        "/competitions/{id}/questions/{question_id}/answer",
        "orders.answer_question",
        "Ответить для всех",
        "Answer for everybody",
    ),
    command("POST", _BIDS, "orders.submit_bid", "Подать заявку", "Submit a bid", prepare=sealed_bid, body=_BID),
    command(
        "PUT",
        _BIDS + "/{lot_id}",
        "orders.replace_bid",
        "Заменить заявку",
        "Replace a bid",
        prepare=sealed_bid,
        body=_NEXT_BID,
    ),
    command("DELETE", _BIDS + "/{lot_id}", "orders.withdraw_bid", "Отозвать заявку", "Withdraw a bid", prepare=own_bid),
    query(
        _BIDS,
        "orders.competition_bids",
        "Заявки после окончания приёма",
        "Its bids, after the closing",
        fields={"competition_id": "id"},
    ),
    query("/competitions/{id}/late-bids", "orders.late_bids", "Опоздавшие", "Who came too late"),
    command(
        "POST",
        _BIDS + "/{lot_id}/confirm",
        "orders.confirm_bid",
        "Подтвердить заявку после изменения извещения",
        "Confirm a bid after an amendment",
        prepare=own_bid,
    ),
    query("/bids/mine", "orders.my_bids", "Мои заявки", "My own bids"),
    command(
        "POST",
        "/competitions/{id}/bids/{bid_id}/key",
        "orders.provide_bid_key",
        "Раскрыть ключ своей заявки",
        "Bring the key of one's own bid",
    ),
    command(
        "POST",
        "/competitions/{id}/bids/{bid_id}/check",
        "orders.check_bid",
        "Проверить требования",
        "Check a bid's requirements",
    ),
    command(
        "POST",
        "/competitions/{id}/bids/{bid_id}/correction",
        "orders.correct_bid",
        "Сообщить об исправлении недочёта",
        "Tell that a deficiency is corrected",
    ),
    command(
        "POST",
        "/competitions/{id}/evaluation",
        "orders.begin_evaluation",
        "Начать оценку",
        "Begin the evaluation",
    ),
    query("/bids/to-score", "orders.bids_to_score", "Заявки для оценки", "Bids to score"),
    command(
        "POST",
        "/competitions/{id}/conflicts",
        "orders.declare_conflicts",
        "Заявить о конфликте интересов или его отсутствии",
        "Declare conflicts of interest, or that there are none",
    ),
    command("POST", "/competitions/{id}/scores", "orders.submit_scores", "Выставить оценки", "Submit scores"),
    query(
        "/competitions/{id}/scores",
        "orders.competition_scores",
        "Оценки комиссии",
        "What the commission's members gave",
    ),
    command(
        "POST",
        "/competitions/{id}/bids/{bid_id}/justification",
        "orders.justify_price",
        "Обосновать необычно низкую цену",
        "Justify an abnormally low price",
    ),
    command(
        "POST",
        "/competitions/{id}/bids/{bid_id}/low-price",
        "orders.decide_low_price",
        "Решить по необычно низкой цене",
        "Decide on an abnormally low price",
    ),
    command(
        "POST",
        "/competitions/{id}/second-look",
        "orders.ask_second_look",
        "Попросить комиссию посмотреть ещё раз",
        "Ask the commission for a second look",
    ),
    command("POST", "/competitions/{id}/ranking", "orders.decide_ranking", "Подвести итог", "Decide the ranking"),
    query("/complaints", "orders.complaints", "Жалобы на итоги конкурсов", "Complaints about results"),
    command(
        "POST", "/competitions/{id}/complaints", "orders.file_complaint", "Обжаловать итог", "Complain about the result"
    ),
    command("POST", _COMPLAINT + "/accept", "orders.accept_complaint", "Принять жалобу", "Accept a complaint"),
    command("POST", _COMPLAINT + "/decline", "orders.decline_complaint", "Отклонить жалобу", "Decline a complaint"),
    command("POST", _COMPLAINT + "/satisfy", "orders.satisfy_complaint", "Удовлетворить жалобу", "Satisfy a complaint"),
    command("POST", _COMPLAINT + "/withdraw", "orders.withdraw_complaint", "Отозвать жалобу", "Withdraw a complaint"),
)
AGREEMENTS = area(
    "orders",
    query("/agreements", "orders.agreements", "Соглашения", "Agreements"),
    query("/agreements/{id}", "orders.agreement", "Соглашение", "An agreement"),
    command(
        "POST",
        "/agreements",
        "orders.draft_agreement",
        "Составить соглашение",
        "Draft an agreement",
        creates="/agreements/{id}",
    ),
    command(
        "POST",
        "/agreements/{id}/reservation",
        "orders.request_reservation",
        "Попросить деньги и места",
        "Ask for money and places",
    ),
    command("POST", "/agreements/{id}/sign", "orders.sign_agreement", "Подписать исполнителем", "Sign as the provider"),
    command("POST", "/agreements/{id}/decline", "orders.decline_agreement", "Отказаться", "Decline"),
    command(
        "POST", "/agreements/{id}/countersign", "orders.countersign_agreement", "Подписать заказчиком", "Countersign"
    ),
    command("POST", "/agreements/{id}/suspend", "orders.suspend_agreement", "Приостановить", "Suspend"),
    command("POST", "/agreements/{id}/resume", "orders.resume_agreement", "Возобновить", "Resume"),
    command("POST", "/agreements/{id}/complete", "orders.complete_agreement", "Завершить", "Complete"),
    command("POST", "/agreements/{id}/terminate", "orders.terminate_agreement", "Расторгнуть", "Terminate"),
    command("POST", "/agreements/{id}/void", "orders.void_agreement", "Признать незаключённым", "Void"),
)
ROUTES = (*ORDERS, *COMPETITIONS, *AGREEMENTS)
