"""How is an audience described to whoever writes one? For the API's document; `audience` reads it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import JsonValue, WithJsonSchema

from messaging.domain import audience
from messaging.domain.audience_values import FIELDS, Operator

_LOGIC: dict[str, Any] = {
    "type": "string",
    "enum": ["AND", "OR"],
    "default": "AND",
    "description": "whether all of it must hold, or any of it",
}
_ID: dict[str, Any] = {"description": "yours; not looked at"}
_CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _ID,
        "field": {
            "type": "string",
            "description": f"one of {', '.join(FIELDS)}, or attributes.<name>",
            "examples": ["first_name", "tags", "attributes.plan"],
        },
        "operator": {
            "type": "string",
            "enum": [*Operator, "not"],
            "description": "not_... is also true of contacts that lack the field",
        },
        "value": {
            "description": (
                "a text, number, true or false as the field and the operator demand; a list, for in"
                " and contains, means any of it; left out for exists. Case does not count"
            ),
        },
    },
    "required": ["field", "operator"],
    "additionalProperties": False,
}


def _group(members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "id": _ID,
            "logic": _LOGIC,
            "conditions": {"type": "array", "minItems": 1, "items": {"anyOf": members}},
        },
        "required": ["conditions"],
        "additionalProperties": False,
    }


def _refs(most: int, description: str) -> dict[str, Any]:
    item = {"type": "string", "minLength": 1, "maxLength": 128}
    return {
        "type": "array",
        "items": item,
        "minItems": 1,
        "maxItems": most,
        "description": description,
    }


SHAPE: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "lead_ids": _refs(audience.MAX_LEADS, "contacts by ref or id"),
        "search_keyword": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "somewhere in name, company, e-mail addresses or phones",
        },
        "assignees": _refs(audience.MAX_ASSIGNEES, "contacts of any of these"),
        "filters": {
            **_group([_group([_CONDITION]), _CONDITION]),
            "description": f"groups of conditions, up to {audience.MAX_DEPTH} deep",
        },
    },
    "additionalProperties": False,
    "description": "contacts that fit everything that is given; an empty one is an error",
}
"""An audience as JSON Schema says it."""

AudienceJson = Annotated[dict[str, JsonValue], WithJsonSchema(SHAPE)]
"""An audience as it was sent: `audience.parse` reads it."""
