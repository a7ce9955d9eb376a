"""`GET /v1/messages/{id}/explain`: why a message is where it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import explaining
from messaging.api import schema
from messaging.api.native import Desks, MessageId, Tenants
from messaging.domain.candidates import Pass
from messaging.domain.lifecycle import Status
from messaging.domain.message import SelectionReason

router = APIRouter(prefix="/v1/messages", tags=["messages"])


class ConsideredBody(BaseModel):
    """A sender that was passed over."""

    sender: Annotated[str, Field(description="masked")]
    under: Annotated[SelectionReason, Field(description="the reason it was looked at under")]
    why: Pass
    busy_seconds: Annotated[
        float | None, Field(description="for how long it was booked: its score, less is better")
    ]


class ChoiceBody(BaseModel):
    """How the sender was chosen."""

    sender: Annotated[str | None, Field(description="masked; null if nobody could be chosen")]
    candidates: Annotated[int, Field(description="under the reason that decided")]
    passed: list[ConsideredBody]
    absent: Annotated[
        dict[str, int], Field(description="pool members that could not be chosen, by why")
    ]


class VerdictBody(BaseModel):
    """One judgement of the rules."""

    at: datetime
    stage: Annotated[str, Field(description="intake or dispatch")]
    outcome: Annotated[str, Field(description="allow, defer or block")]
    version: Annotated[str, Field(description="of the rules and of the law's data")]
    rule: str | None
    reason: str | None
    detail: str | None
    until: datetime | None
    inputs: Annotated[
        dict[str, Any] | None, Field(description="what the rules saw that was not ordinary")
    ]
    choice: ChoiceBody | None


class TriedBody(BaseModel):
    """One attempt, as the story tells it."""

    number: int
    sender: str
    chosen_by: str
    started_at: datetime
    outcome: str
    settled_by: str | None
    code: str | None
    detail: str | None


class ExplanationBody(BaseModel):
    """A message's story; it holds no whole number and no body."""

    id: UUID
    status: Status
    summary: Annotated[str, Field(description="the answer in one sentence")]
    sentences: Annotated[list[str], Field(description="the whole chain, oldest first")]
    verdicts: list[VerdictBody]
    attempts: list[TriedBody]


@router.get("/{message_id}/explain", response_model=ExplanationBody)
def explain_message(desk: Desks, tenant: Tenants, message_id: MessageId) -> Response:
    """Explain why a message is where it is, in plain sentences.

    It tells each verdict, choice of sender, attempt and report, oldest first, and holds no
    whole number and no text.
    """
    return schema.answer(explaining.explain(desk.rt, tenant, message_id))
