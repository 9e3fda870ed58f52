"""Places, acts of delivery, premises and their loans."""

from __future__ import annotations

from services.gateway.api.route import area, command, query

ROUTES = area(
    "providers",
    query("/places", "providers.places", "Места по исполнителям и формам", "Places by provider and form"),
    query("/workspaces/{id}", "providers.workspace", "Рабочее место исполнителя", "A provider's workspace"),
    command("PUT", "/workspaces/{id}/places", "providers.set_places", "Задать места формы", "Set the places of a form"),
    query("/acts", "providers.acts", "Акты", "Acts of delivery"),
    query("/acts/{id}", "providers.act", "Акт со строками", "An act with its lines"),
    query("/journal", "providers.journal", "Оказано по месяцам", "Delivered by month"),
    command("POST", "/acts", "providers.draft_act", "Составить акт", "Draft an act", creates="/acts/{id}"),
    command("POST", "/acts/{id}/submit", "providers.submit_act", "Отправить акт", "Submit an act"),
    command("POST", "/acts/{id}/confirm", "providers.confirm_act", "Принять акт", "Confirm an act"),
    command(
        "POST", "/acts/{id}/return", "providers.return_act", "Вернуть акт с причиной", "Return an act with a reason"
    ),
    command("POST", "/acts/{id}/drop", "providers.drop_act", "Отказаться от черновика", "Drop a draft"),
    command("POST", "/acts/{id}/reversal", "providers.ask_reversal", "Просить сторно", "Ask for a reversal"),
    command("POST", "/acts/{id}/reversal/confirm", "providers.confirm_reversal", "Согласиться", "Confirm a reversal"),
    command("POST", "/acts/{id}/reversal/decline", "providers.decline_reversal", "Отклонить", "Decline a reversal"),
    query("/premises", "providers.premises", "Помещения и рекламные места", "Premises and ad surfaces"),
    query("/premises/{id}", "providers.premises_object", "Помещение", "One of the premises"),
    command("POST", "/premises", "providers.list_premises", "Предложить", "List premises", creates="/premises/{id}"),
    command(
        "POST", "/premises/{id}/withdraw", "providers.withdraw_premises", "Снять с предложения", "Withdraw premises"
    ),
    query("/loans", "providers.loans", "Договоры пользования", "Loans"),
    query("/loans/{id}", "providers.loan", "Договор пользования", "A loan"),
    command("POST", "/loans", "providers.request_loan", "Попросить помещение", "Request a loan", creates="/loans/{id}"),
    command("POST", "/loans/{id}/grant", "providers.grant_loan", "Предоставить", "Grant a loan"),
    command(
        "POST", "/loans/{id}/refuse", "providers.refuse_loan", "Отказать с причиной", "Refuse a loan with a reason"
    ),
    command("POST", "/loans/{id}/cancel", "providers.cancel_loan", "Отменить", "Cancel a loan"),
    command("POST", "/loans/{id}/sign", "providers.sign_loan", "Подписать", "Sign a loan"),
    command("POST", "/loans/{id}/return", "providers.return_loan", "Вернуть помещение", "Return the premises"),
)
