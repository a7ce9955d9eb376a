"""The use-case document: its 201 with fourteen fields, its 404 and 422s word for word, its statuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain.lifecycle import Status
from messaging.domain.message import Campaign
from messaging.domain.registration import BrandStatus, CampaignStatus
from messaging.runtime import Runtime
from messaging.store import tables as t
from tests import registered
from tests.api.conftest import Caller
from tests.api.facades.people import PHONE

PATH = "/usecase/v1/sms/"
NOT_FOUND = "SMS use case not found or has been deleted"
NO_NUMBER = "No phone number assigned to the use case"
NO_CAMPAIGN = "No verified A2P campaign for a US long-code sender pool"
INVALID = "Invalid destination phone number (not a real number or is a landline)"
OPTED_OUT = "Destination phone number has opted out of receiving messages"
REGION = "Destination region not permitted for the messaging service"
SUSPENDED = "The brand registration behind the use case is suspended"
FIELDS = [
    "id", "use_case_id", "message_sid", "from_number", "to_number", "body", "num_segments", "status",
    "handed_off_at", "delivered_at", "errored_at", "error_code", "created_at", "updated_at",
]  # fmt: skip
NOWHERE = "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11"


@pytest.fixture
def use_case(http: httpx.Client) -> str:
    answer = http.post("/v1/use-cases", json={"name": "alerts", "pool": "main"})
    return str(answer.json()["id"])


def post(http: httpx.Client, use_case: str, **fields: Any) -> httpx.Response:
    body = {"use_case_id": use_case, "to_phone_number": PHONE, "message": "Hi", **fields}
    return http.post(PATH, json=body)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"detail", "code"}
    return answer.status_code, answer.json()["detail"]


def test_a_message_is_answered_with_its_fourteen_fields(http: httpx.Client, use_case: str) -> None:
    answer = post(http, use_case)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert list(found) == FIELDS
    at = found["created_at"]
    assert datetime.fromisoformat(at).tzinfo is not None
    assert found == dict.fromkeys(FIELDS) | {
        "id": found["id"],
        "use_case_id": use_case,
        "message_sid": found["id"],
        "to_number": PHONE,
        "body": "Hi",
        "status": "pending",
        "created_at": at,
        "updated_at": at,
    }
    again = http.get(f"{PATH}{found['id']}")
    assert (again.status_code, again.json()) == (200, found)


def empty_pool(http: httpx.Client, _rt: Runtime, _caller: Caller, use_case: str) -> None:
    http.post("/v1/pools", json={"name": "empty"})
    http.patch(f"/v1/use-cases/{use_case}", json={"pool": "empty"})


def no_campaign(http: httpx.Client, _rt: Runtime, caller: Caller, _use_case: str) -> None:
    http.patch(f"/v1/senders/{caller.sender.id}", json={"campaign": None})


def pending_campaign(_http: httpx.Client, rt: Runtime, caller: Caller, _use_case: str) -> None:
    register(rt, caller, status=CampaignStatus.PENDING)


def suspended(_http: httpx.Client, rt: Runtime, caller: Caller, _use_case: str) -> None:
    register(rt, caller, brand_status=BrandStatus.SUSPENDED)


def register(rt: Runtime, caller: Caller, **changes: Any) -> Campaign:
    with rt.engine.begin() as db:
        found = registered.campaign(rt, db, caller.tenant.id, **changes)
    rt.forget(caller.tenant.id)
    return found


def opted_out(http: httpx.Client, _rt: Runtime, _caller: Caller, _use_case: str) -> None:
    http.post("/v1/suppressions", json={"to": PHONE})


def landline(http: httpx.Client, _rt: Runtime, _caller: Caller, _use_case: str) -> None:
    http.post("/v1/numbers/import", content=f"to,line_type\n{PHONE},landline\n")


def elsewhere(http: httpx.Client, _rt: Runtime, _caller: Caller, _use_case: str) -> None:
    http.patch("/v1/policy", json={"destinations": {"regions": ["GB"]}})


def removed(http: httpx.Client, _rt: Runtime, _caller: Caller, use_case: str) -> None:
    http.delete(f"/v1/use-cases/{use_case}")


def switched_off(http: httpx.Client, _rt: Runtime, _caller: Caller, use_case: str) -> None:
    http.patch(f"/v1/use-cases/{use_case}", json={"active": False})


Before = Callable[[httpx.Client, Runtime, Caller, str], None]


@pytest.mark.parametrize(
    ("before", "status", "detail"),
    [
        (removed, 404, NOT_FOUND),
        (empty_pool, 422, NO_NUMBER),
        (no_campaign, 422, NO_CAMPAIGN),
        (pending_campaign, 422, NO_CAMPAIGN),
        (suspended, 422, SUSPENDED),
        (opted_out, 422, OPTED_OUT),
        (landline, 422, INVALID),
        (elsewhere, 422, REGION),
        (switched_off, 422, "SMS use case is not active"),
    ],
)
def test_each_condition_is_told_in_the_documents_words(
    http: httpx.Client,
    rt: Runtime,
    caller: Caller,
    use_case: str,
    before: Before,
    status: int,
    detail: str,
) -> None:
    before(http, rt, caller, use_case)
    assert refused(post(http, use_case)) == (status, detail)


def test_a_pool_of_us_numbers_needs_a_campaign_wherever_it_writes_to(
    http: httpx.Client, rt: Runtime, caller: Caller, use_case: str
) -> None:
    no_campaign(http, rt, caller, use_case)
    assert refused(post(http, use_case, to_phone_number="+447700900123")) == (422, NO_CAMPAIGN)


@pytest.mark.parametrize("number", ["+1", "12", "+120255501234567", "hello", "+18005550123"])
def test_what_is_no_number_to_write_to_is_invalid(
    http: httpx.Client, use_case: str, number: str
) -> None:
    assert refused(post(http, use_case, to_phone_number=number)) == (422, INVALID)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"message": ""}, "message: must have at least 1 characters"),
        ({"message": "x" * 1601}, "message: must have at most 1600 characters; shorten it"),
        ({"use_case_id": "7"}, "use_case_id: must be a UUID"),
        ({"use_case_id": None}, "use_case_id: must be a UUID"),
        ({"to_phone_number": None}, INVALID),
    ],
)
def test_what_is_wrong_is_told_by_field(
    http: httpx.Client, use_case: str, fields: dict[str, Any], detail: str
) -> None:
    assert refused(post(http, use_case, **fields)) == (422, detail)


def test_what_is_missing_is_told(http: httpx.Client) -> None:
    status, detail = refused(http.post(PATH, json={}))
    assert (status, detail.count("is required")) == (422, 3)


def test_what_is_anothers_or_nobodys_is_not_found(
    http: httpx.Client, address: str, use_case: str, stranger: Caller
) -> None:
    mine = post(http, use_case).json()["id"]
    native = http.post("/v1/messages", json={"to": PHONE, "body": "Hi"}).json()["id"]
    assert refused(post(http, NOWHERE)) == (404, NOT_FOUND)
    for path in (mine + "x", NOWHERE, native):
        assert http.get(PATH + path).status_code == 404
    with httpx.Client(base_url=address, headers=stranger.headers) as foreign:
        assert refused(post(foreign, use_case)) == (404, NOT_FOUND)
        assert foreign.get(PATH + mine).status_code == 404


def test_errors_of_the_door_have_the_same_shape(
    http: httpx.Client, anonymous: httpx.Client
) -> None:
    assert refused(anonymous.post(PATH, json={}))[0] == 401
    assert refused(http.post(PATH, content=b"{"))[0] == 400
    assert refused(http.delete(PATH))[0] == 405
    assert refused(http.get("/usecase/v1/mms/"))[0] == 404
    assert refused(http.post(PATH, content=b'"' + b"x" * (1 << 20) + b'"'))[0] == 413


AT = "2026-03-01T12:00:00Z"
SENT = {"sender_id": "own", "provider_message_id": "SM1", "sent_at": AT}


@pytest.mark.parametrize(
    ("status", "columns", "shown"),
    [
        (Status.DRAFT, {}, {"status": "pending"}),
        (Status.SCHEDULED, {}, {"status": "pending"}),
        (Status.QUEUED, {}, {"status": "pending"}),
        (
            Status.SENDING,
            {"sender_id": "own"},
            {"status": "pending", "from_number": "+12025550199"},
        ),
        (Status.SENT, SENT, {"status": "sent", "handed_off_at": AT, "delivered_at": None}),
        (
            Status.DELIVERED,
            SENT | {"delivered_at": AT},
            {"status": "delivered", "delivered_at": AT, "errored_at": None, "error_code": None},
        ),
        (
            Status.UNDELIVERABLE,
            SENT | {"undeliverable_at": AT, "provider_code": "30005"},
            {"status": "undelivered", "errored_at": AT, "error_code": 30005, "num_segments": 1},
        ),
        (
            Status.FAILED,
            {"failed_at": AT, "provider_code": "http_400"},
            {"status": "failed", "errored_at": AT, "error_code": None, "num_segments": None},
        ),
        (Status.OPTED_OUT, {"blocked_at": AT}, {"status": "failed", "errored_at": AT}),
        (Status.BLOCKED_COMPLIANCE, {"blocked_at": AT}, {"status": "failed"}),
        (Status.BLOCKED_BILLING, {"blocked_at": AT}, {"status": "failed"}),
        (Status.BLOCKED_MISSING_CAMPAIGN, {"blocked_at": AT}, {"status": "failed"}),
        (Status.CANCELED, {"canceled_at": AT}, {"status": "failed", "errored_at": AT}),
    ],
)
def test_fourteen_states_are_shown_as_five(
    rt: Runtime,
    http: httpx.Client,
    caller: Caller,
    use_case: str,
    status: Status,
    columns: dict[str, Any],
    shown: dict[str, Any],
) -> None:
    id_ = post(http, use_case).json()["id"]
    own = {k: caller.sender.id if v == "own" else v for k, v in columns.items()}
    with rt.engine.begin() as db:
        mine = sa.update(t.messages).where(t.messages.c.id == id_)
        db.execute(mine.values(status=status.value, **own))
    found = http.get(PATH + id_).json()
    assert {name: found[name] for name in shown} == shown
    sid = "SM1" if "provider_message_id" in columns else id_
    assert found["message_sid"] == sid
