"""Money: limits, the ledger, invoices and payments."""

from __future__ import annotations

from services.gateway.api.route import area, command, query

ROUTES = area(
    "billing",
    query("/budgets", "billing.budget_lines", "Лимиты и остатки", "Limits and what is left of them"),
    command("PUT", "/budgets/{body_id}/{year}", "billing.set_limit", "Задать лимит года", "Set the limit of a year"),
    query("/invoices", "billing.invoices", "Счета", "Invoices"),
    query("/invoices/{id}", "billing.invoice", "Счёт с проводками", "An invoice with its postings"),
    command("POST", "/invoices/{id}/retry", "billing.retry_invoice", "Повторить отказанный", "Retry a refused invoice"),
    command("POST", "/invoices/{id}/prepare", "billing.prepare_invoice", "Подготовить к оплате", "Prepare for payment"),
    command(
        "POST",
        "/invoices/{id}/approve",
        "billing.approve_invoice",
        "Утвердить вторым лицом",
        "Approve, as a second person",
    ),
    command(
        "POST", "/invoices/{id}/return", "billing.return_invoice", "Вернуть подготовившему", "Return to who prepared it"
    ),
    command("POST", "/invoices/{id}/send", "billing.send_payment", "Отправить платёж", "Send the payment"),
    command(
        "POST", "/invoices/{id}/settle", "billing.settle_payment", "Отметить исполнение", "Record that it was paid"
    ),
    command(
        "POST", "/invoices/{id}/receive-return", "billing.receive_return", "Принять возврат", "Record money returned"
    ),
    query("/ledger/accounts", "billing.accounts", "Счета учёта", "Accounts of the ledger"),
    query("/ledger/journal", "billing.journal", "Журнал проводок", "The journal"),
    query("/ledger/trial-balance", "billing.trial_balance", "Оборотная ведомость", "The trial balance"),
    query("/payments/clock", "billing.payments_clock", "Сколько дней от акта до денег", "Days from act to money"),
)
