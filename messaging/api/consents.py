"""`/v1/consents`: what a tenant's recipients agreed to, and what that means for marketing today."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import consents
from messaging.api import reading, schema
from messaging.api.native import Addressee, Desks, Tenants
from messaging.consents import OnRecord
from messaging.domain.compliance import Allow, Block, Verdict
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.consent_csv import COLUMNS, MAX_ROWS
from messaging.domain.consent_request import ConsentRequest
from messaging.domain.message import Category

router = APIRouter(prefix="/v1/consents", tags=["consents"])

_FILE_LIMIT = 32 * reading.MIB
_EXAMPLES: Any = {
    "grant": {
        "summary": "A box ticked on a form",
        "value": {
            "to": "+12025550123",
            "action": "grant",
            "basis": "express_written",
            "source": "web form",
            "text_version": "2026-03",
            "evidence": {"ip": "192.0.2.7", "form": "https://shop.example/vip"},
        },
    },
    "purchase": {
        "summary": "A purchase, from which some laws imply consent for a while",
        "value": {
            "to": "+14165550123",
            "action": "grant",
            "basis": "implied_purchase",
            "source": "order 4711",
            "at": "2026-03-01T12:00:00-05:00",
        },
    },
    "ask": {
        "summary": "A double opt-in was opened: YES will be the grant",
        "value": {"to": "+12025550123", "action": "ask", "source": "web form"},
    },
    "revoke": {
        "summary": "No more marketing; other messages still go",
        "value": {"to": "+12025550123", "action": "revoke", "source": "telephone"},
    },
}


class Asked(Addressee):
    """Whose consent, to what."""

    category: Category = Category.MARKETING


class Recorded(BaseModel):
    """How many events are on record now that were not."""

    recorded: int


class ConsentBody(BaseModel):
    """The event that counts: the latest."""

    action: ConsentAction
    basis: Basis | None
    source: str
    at: datetime


class LackBody(BaseModel):
    """What consent to marketing lacks."""

    reason: Reason
    rule: Annotated[str, Field(description="the law that asks for it", examples=["ca_casl"])]
    detail: str


class MarketingBody(BaseModel):
    """What a marketing message to this number would be told now, quiet hours and caps included."""

    verdict: Literal["allow", "defer", "block"]
    until: Annotated[datetime | None, Field(description="when to ask again, if deferred")]
    reason: Reason | None
    rule: str | None
    detail: str | None


class ConsentState(BaseModel):
    """What is on record, and what it means today."""

    category: Category
    consent: Annotated[ConsentBody | None, Field(description="null: nothing was ever recorded")]
    lapses_at: Annotated[datetime | None, Field(description="when it ends by itself")]
    lacking: Annotated[LackBody | None, Field(description="null: consent to marketing is enough")]
    marketing: MarketingBody


class ConsentEventBody(BaseModel):
    """One event as it was recorded."""

    category: Category
    action: ConsentAction
    basis: Basis | None
    source: str
    text_version: str | None
    evidence: dict[str, Any] | None
    at: datetime
    recorded_at: datetime


class ConsentHistory(BaseModel):
    """The newest thousand events, newest first."""

    data: list[ConsentEventBody]


Event = Annotated[ConsentRequest, Body(openapi_examples=_EXAMPLES)]
WhoAndWhat = Annotated[
    Asked, Body(openapi_examples={"marketing": {"value": {"to": "+12025550123"}}})
]
Who = Annotated[Addressee, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})]


@router.post("", response_model=Recorded, status_code=201)
def record_consent(desk: Desks, tenant: Tenants, event: Event) -> Response:
    """Record that somebody agreed, was asked, or ended their consent.

    The record only grows; the latest event by `at` counts. Revoking consent to MARKETING suppresses
    nobody: other categories still go. To stop every message, use `/v1/suppressions`.
    """
    consents.record(desk.rt, tenant, event)
    return schema.answer({"recorded": 1}, 201)


@router.post("/check", response_model=ConsentState)
def check_consent(desk: Desks, tenant: Tenants, asked: WhoAndWhat) -> Response:
    """Ask what somebody agreed to, and whether marketing may go to them now, and why not.

    Quiet hours and caps are asked, too, as if a marketing message were handed in.
    """
    found = consents.on_record(desk.rt, tenant, asked.channel, asked.to, asked.category)
    return schema.answer(state_of(found))


@router.post("/history", response_model=ConsentHistory)
def consent_history(desk: Desks, tenant: Tenants, somebody: Who) -> Response:
    """Get everything on record about somebody, with its evidence.

    The newest thousand events, newest first.
    """
    found = consents.history(desk.rt, tenant, somebody.channel, somebody.to)
    return schema.answer({"data": [_utc(asdict(event)) for event in found]})


@router.post(
    "/import",
    response_model=Recorded,
    status_code=201,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"Record up to {MAX_ROWS:,} events from a CSV file in UTF-8, all of them or none. The first "
        f"line names the columns, of `{','.join(COLUMNS)}`; `to`, `action`, `source` and `at` are "
        "needed, `evidence` is a JSON object. Each error points at a line and a field: `#/12/at`; "
        "a file that is sent again repeats its events and changes no state."
    ),
)
async def import_consents(request: Request, desk: Desks, tenant: Tenants) -> Response:
    """Record a file of events."""
    content = await reading.body(request, _FILE_LIMIT)
    count = await run_in_threadpool(consents.import_file, desk.rt, tenant, content)
    return schema.answer({"recorded": count}, 201)


def state_of(found: OnRecord) -> dict[str, Any]:
    """What is on record as `ConsentState` says."""
    consent = found.consent
    return {
        "category": found.category,
        "consent": _utc(asdict(consent)) if consent else None,
        "lapses_at": found.lapses_at,
        "lacking": asdict(found.lacking) if found.lacking else None,
        "marketing": _verdict(found.marketing),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, Allow):
        return {"verdict": "allow", "until": None, "reason": None, "rule": None, "detail": None}
    blocked = isinstance(verdict, Block)
    return {
        "verdict": "block" if blocked else "defer",
        "until": None if isinstance(verdict, Block) else verdict.until.astimezone(UTC),
        "reason": verdict.reason,
        "rule": verdict.rule,
        "detail": verdict.detail or None,
    }


def _utc(fields: dict[str, Any]) -> dict[str, Any]:
    # The database may answer in any zone; we answer in one.
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
