"""A competition from its publication to its end: tender, lots, enquiries, amendments.

A draft isn't open data: the first release of a process is its publication.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.words import item, money, party, reference

METHOD = "Конкурс на заключение соглашения об исполнении социального заказа (189-ФЗ, глава 3)"
SUBMISSION = (
    "Заявка запечатана до окончания приёма: её открывают ключи двух из трёх независимых хранителей, не раньше срока."
)


def of(at: At) -> tuple[str, Json]:
    """The competition that the event is about, and its process. What is drafted and not published has none."""
    competition = at.known("competition", at.data["competition_id"])
    return competition.get("ocid", ""), competition


def tender(competition: Json, **fields: object) -> Json:
    return {"tender": {"id": competition["number"], **fields}}


@on("orders", "SocialOrderFormed")
def order_formed(at: At) -> Iterable[Change]:
    at.note("order", at.entry.stream_id, number=at.data["number"], volume=at.data["volume"], unit=at.data["unit"])
    return ()


@on("orders", "CompetitionDrafted")
def drafted(at: At) -> Iterable[Change]:
    data = at.data
    kept = ("number", "order_id", "body_id", "body_name", "title", "requirements", "criteria", "service_kind", "form")
    service = {name: data[name] for name in ("service_code", "service_name")}
    lots = [{**lot, **service} for lot in data["lots"]]
    at.note("competition", data["competition_id"], lots=lots, **{name: data[name] for name in kept})
    return ()


@on("orders", "CompetitionPublished")
def published(at: At) -> Iterator[Change]:
    id = at.data["competition_id"]
    ocid = at.rules.ocid("competition", id)
    competition = {**at.known("competition", id), "ocid": ocid}
    at.book.put("competition", id, competition)
    body = party(at, ocid, competition["body_id"], "buyer", name=competition["body_name"])
    body = party(at, ocid, competition["body_id"], "procuringEntity", name=competition["body_name"])
    lots = competition["lots"]
    release = {
        "parties": [body],
        "buyer": reference(body),
        "planning": {"rationale": _rationale(at, competition)},
        **tender(
            competition,
            title=competition["title"],
            status="planned",
            procuringEntity=reference(body),
            procurementMethod="open",
            procurementMethodDetails=METHOD,
            mainProcurementCategory="services",
            value=money(at, sum(lot["volume"] * lot["limit_price_kopecks"] for lot in lots)),
            lots=[lot_now(at, lot, "planned") for lot in lots],
            items=[item(at, lot, lot["volume"], lot["limit_price_kopecks"]) for lot in lots],
            eligibilityCriteria=eligibility(competition),
            awardCriteria="ratedCriteria",
            awardCriteriaDetails=criteria_in_words(competition, at.data["formulas_hash"]),
            submissionMethod=["electronicSubmission"],
            submissionMethodDetails=SUBMISSION,
            tenderPeriod={"startDate": at.time, "endDate": at.data["deadline"]},
            enquiryPeriod={"startDate": at.time, "endDate": at.data["questions_until"]},
            hasEnquiries=False,
        ),
    }
    earlier = list(_earlier(at, ocid, lots))
    if earlier:
        release["relatedProcesses"] = earlier
    yield Change(ocid, "tender", release)


@on("orders", "BiddingOpened")
def bidding_opened(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    at.note("competition", at.data["competition_id"], open=True)
    lots = [{"id": lot["lot_id"], "status": "active"} for lot in competition["lots"]]
    yield Change(ocid, "tenderUpdate", tender(competition, status="active", lots=lots))


@on("orders", "QuestionAnswered")
def question_answered(at: At) -> Iterator[Change]:
    """The answer is published to all without the asker."""
    ocid, competition = of(at)
    data = at.data
    enquiry = {
        "id": data["question_id"],
        "description": data["text"],
        "answer": data["answer"],
        "dateAnswered": at.time,
    }
    yield Change(ocid, "tenderUpdate", tender(competition, hasEnquiries=True, enquiries=[enquiry]))


@on("orders", "DeadlineMoved")
def deadline_moved(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    data = at.data
    change = {
        "id": at.entry.event_id,
        "date": at.time,
        "rationale": DEADLINE_REASONS.get(data["reason"], data["reason"]),
        "description": f"Срок подачи заявок перенесён с {data['previous']} на {data['deadline']}. "
        + data["explained"]["ru"],
    }
    body = tender(competition, tenderPeriod={"endDate": data["deadline"]}, amendments=[change])
    yield Change(ocid, "tenderAmendment", body)


DEADLINE_REASONS = {
    "amended": "Извещение изменено",
    "unanswered_questions": "Есть вопросы без ответа",
    "keys_missing": "Хранители не опубликовали ключи, заявок никто не мог подать",
}


@on("orders", "StandstillBegan")
def standstill_began(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    yield Change(
        ocid, "tenderUpdate", tender(competition, awardPeriod={"startDate": at.time, "endDate": at.data["until"]})
    )


@on("orders", "LotsUnsuccessful")
def lots_unsuccessful(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    yield Change(
        ocid, "tenderUpdate", tender(competition, lots=_ended(at, competition, at.data["lot_ids"], "unsuccessful"))
    )


@on("orders", "CompetitionUnsuccessful")
def unsuccessful(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    lots = _ended(at, competition, at.data["lot_ids"], "unsuccessful")
    body = tender(competition, status="unsuccessful", statusDetails=at.data["reason"], lots=lots)
    yield Change(ocid, "tenderUpdate", body)


@on("orders", "CompetitionCancelled")
def cancelled(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    if not ocid:
        return  # a draft that nobody saw
    lots = _ended(at, competition, _going_on(competition), "cancelled")
    yield Change(
        ocid,
        "tenderCancellation",
        tender(competition, status="cancelled", statusDetails=at.data["reason"], lots=lots),
    )


@on("orders", "CompetitionAgreed")
def agreed(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    lots = _ended(at, competition, _going_on(competition), "complete")
    yield Change(ocid, "tenderUpdate", tender(competition, status="complete", lots=lots))


def lot_now(at: At, lot: Json, status: str) -> Json:
    return {
        "id": lot["lot_id"],
        "title": lot["title"],
        "status": status,
        "value": money(at, lot["volume"] * lot["limit_price_kopecks"]),
    }


def _ended(at: At, competition: Json, lot_ids: Sequence[str], status: str) -> list[Json]:
    at.note("competition", at.data["competition_id"], ended=[*competition.get("ended", []), *lot_ids])
    return [{"id": lot_id, "status": status} for lot_id in lot_ids]


def _going_on(competition: Json) -> list[str]:
    """The lots that haven't ended yet."""
    ended = competition.get("ended", [])
    return [lot["lot_id"] for lot in competition["lots"] if lot["lot_id"] not in ended]


def _earlier(at: At, ocid: str, lots: list[Json]) -> Iterator[Json]:
    """The processes in which these lots came to nothing before; from now on the lots are this one's."""
    found: dict[str, str] = {}
    for lot in lots:
        before = at.book.get("lot", lot["lot_id"])
        if before and before["ocid"] not in found:
            found[before["ocid"]] = before["title"]
        at.book.put("lot", lot["lot_id"], {"ocid": ocid, "title": lot["title"]})
    for number, (earlier, title) in enumerate(found.items(), 1):
        yield {
            "id": str(number),
            "relationship": ["unsuccessfulProcess"],
            "title": title,
            "scheme": "ocid",
            "identifier": earlier,
        }


def _rationale(at: At, competition: Json) -> str:
    order = at.book.get("order", competition["order_id"])
    return f"Социальный заказ {order['number']}" if order else "Социальный заказ"


def eligibility(competition: Json) -> str:
    return "; ".join(requirement["text"] for requirement in competition["requirements"])


def criteria_in_words(competition: Json, formulas_hash: str) -> str:
    """The criteria in words; `formulas_hash` is what they were frozen by."""
    lines = [f"{c['title']}: {c['weight']} %, формула {c['formula']}" for c in competition["criteria"]]
    return "; ".join(lines) + f". SHA-256 критериев и формул: {formulas_hash}"
