"""Somebody to write to, and what the documents ask."""

from __future__ import annotations

from typing import Any

from messaging import contacts
from messaging.domain.contact import Contact, ContactRequest
from messaging.runtime import Runtime

PHONE, OTHER_PHONE = "+12025550123", "+12025550124"


def lead(rt: Runtime, caller: Any, ref: str | None = "lead_abc123", **fields: Any) -> Contact:
    """A contact of the caller's, with a phone unless `fields` say otherwise."""
    asked = ContactRequest.model_validate({"ref": ref, "phones": [PHONE], **fields})
    return contacts.put_one(rt, caller.tenant, asked).contact


def shape_of(body: Any) -> Any:
    """A body with the names of types in the place of values."""
    if isinstance(body, dict):
        return {name: shape_of(value) for name, value in body.items()}
    if isinstance(body, list):
        return [shape_of(value) for value in body]
    return type(body).__name__
