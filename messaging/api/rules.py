"""`GET /v1/rules`: what is asked of every message, and the law it is held to, as data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging.api import schema
from messaging.api.native import Tenants
from messaging.domain.compliance import RULES, jurisdictions
from messaging.domain.compliance.rules import VERSION

router = APIRouter(prefix="/v1/rules", tags=["policy"])


class Question(BaseModel):
    """One rule; the first that refuses decides, else the one that asks to wait longest."""

    id: str
    question: str
    source: str


class LawRow(BaseModel):
    """One row of the hours and caps that marketing is held to."""

    id: str
    jurisdiction: Annotated[
        str, Field(description="a country, a state (US-FL), or * for elsewhere")
    ]
    also: list[str]
    what: str
    source: str
    confidence: str
    effective_from: date | None
    effective_to: date | None
    reviewed_at: date
    note: str


class RulesBody(BaseModel):
    """Everything a message is held to, in the order it is asked."""

    version: Annotated[str, Field(description="of the questions")]
    ruleset: Annotated[str, Field(description="of the law's data")]
    questions: list[Question]
    law: list[LawRow]


@router.get("", response_model=RulesBody)
def list_rules(tenant: Tenants) -> Response:
    """List the rules in the order they are asked, and the law's rows; not legal advice."""
    del tenant  # any key may read them
    return schema.answer(
        {
            "version": VERSION,
            "ruleset": jurisdictions.RULESET,
            "questions": [
                {"id": rule.id, "question": rule.question, "source": rule.source} for rule in RULES
            ],
            "law": [asdict(row) for row in jurisdictions.rows()],
        }
    )
