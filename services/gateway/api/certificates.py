"""Social certificates and the open list of their providers."""

from __future__ import annotations

from services.gateway.api.route import area, command, query

_OFFER = "/certificate-offers/{provider_id}/{service_code}"

ROUTES = area(
    "orders",
    query("/certificate-shares", "orders.certificate_shares", "Доли сертификатов", "Shares given to certificates"),
    query("/certificate-offers", "orders.certificate_offers", "Открытый перечень", "The open list of providers"),
    command("PUT", _OFFER, "orders.offer_for_certificates", "Войти в перечень", "Come to the open list"),
    command("DELETE", _OFFER, "orders.withdraw_certificate_offer", "Выйти из перечня", "Leave the open list"),
    query("/certificates", "orders.certificates", "Сертификаты", "Certificates"),
    query("/certificates/{id}", "orders.certificate", "Сертификат с погашениями", "A certificate and its redemptions"),
    command(
        "POST",
        "/certificates",
        "orders.request_certificate",
        "Запросить сертификат по программе",
        "Request a certificate from a programme",
        creates="/certificates/{id}",
    ),
    command(
        "POST", "/certificates/{id}/issue", "orders.issue_certificate", "Выдать вторым лицом", "Issue, as a second"
    ),
    command(
        "POST", "/certificates/{id}/provider", "orders.choose_provider", "Выбрать исполнителя", "Choose a provider"
    ),
    command(
        "POST",
        "/certificates/{id}/redemptions",
        "orders.redeem_certificate",
        "Погасить часть, в том числе записью без связи",
        "Redeem a part, also by a record made offline",
    ),
    command("POST", "/certificates/{id}/annul", "orders.annul_certificate", "Аннулировать с причиной", "Annul"),
)
