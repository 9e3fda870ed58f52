"""Certificates over HTTP: the API from a programme to a redemption, and the public page, which names nobody."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel.ids import new_id
from kernel.instants import to_text
from tests.component.gateway.test_market import Town, town
from tests.support import person

__all__ = ["town"]  # the fixture: real services and an application over them
BODY = new_id()
FIRST, SECOND = (person("officer", organisation=BODY) for _ in range(2))


def post(town: Town, path: str, data: dict[str, Any], by: Any, status: int = 0) -> dict[str, Any]:
    answer = town.ask("POST", f"/api/v1{path}", by, json=data)
    assert answer.status_code == status if status else answer.status_code < 300, answer.text
    return dict(answer.json())


def order(town: Town) -> str:
    data = {
        "body_name": "Администрация Кеми", "year": 2027, "territory": "kem", "service_code": "DOM-01", "volume": 30,
        "by_assignment": 20, "by_competition": 0, "by_certificate": 10, "lots": [],
    }  # fmt: skip
    made = post(town, "/orders", data, FIRST)
    post(town, f"/orders/{made['id']}/approve", {}, SECOND)
    return str(made["id"])


def test_requested_and_shown_as_sums_without_its_holder(town: Town) -> None:
    order_id = order(town)
    beneficiary = person("beneficiary", organisation=new_id())
    data = {
        "order_id": order_id, "beneficiary_id": beneficiary.organisation, "programme_id": new_id(), "volume": 4,
        "valid_until": "2027-11-30",
        "public_key": b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode(),
    }  # fmt: skip
    made = post(town, "/certificates", data, FIRST, 201)
    assert made["reply"]["number"].startswith("СС-2027-")
    assert post(town, "/certificates", {**data, "volume": 7}, FIRST, 409)["code"] == "certificate_share_spent"
    assert post(town, f"/certificates/{made['id']}/issue", {}, FIRST, 403)["code"] == "four_eyes"
    record = {
        "redemption_id": new_id(), "volume": 1, "made_at": to_text(datetime.now(UTC)), "signature": "A" * 86 + "==",
    }  # fmt: skip
    path = f"/certificates/{made['id']}/redemptions"
    assert post(town, path, record, person("provider", organisation=new_id()), 403)["code"] == "redemption_not_signed"

    page = town.page("/certificates?territory=kem")
    for shown in ("Социальные сертификаты", "Администрация Кеми", "Сертификатов: 1", "Сертификаты"):
        assert shown in page, shown
    for hidden in (made["id"], str(beneficiary.organisation), made["reply"]["number"]):
        assert hidden not in page
    assert "Таких нет" in town.page("/certificates?territory=nowhere")
    listed = town.ask("GET", "/api/v1/certificates", beneficiary).json()["items"]
    assert [each["certificate_id"] for each in listed] == [made["id"]]
    assert town.ask("GET", "/api/v1/certificates").status_code == 401
    shares = town.ask("GET", "/api/v1/certificate-shares?territory=kem").json()["items"]
    assert [(each["share"], each["issued"], each["free"]) for each in shares] == [(10, 4, 6)]
