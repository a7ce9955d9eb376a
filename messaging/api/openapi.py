"""What does the OpenAPI document say that FastAPI cannot know? The lean routes, keys and errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from messaging.api import schema, webhooks
from messaging.api.errors import MEDIA_TYPE, PROBLEMS
from messaging.domain.request import MAX_LIST, SendRequest

_REF = "#/components/schemas/{model}"
_OPEN = ("/livez", "/readyz", "/problems/", "/webhooks/")

SOON = "2030-01-31T09:00:00Z"
"""Stands for a time that is in the future when the document is read."""

SEND_EXAMPLES: dict[str, Any] = {
    "now": {
        "summary": "One message, now",
        "value": {"to": "+12025550123", "body": "Your code is 123456", "priority": "HIGH"},
    },
    "later": {
        "summary": "At a time, with your own data",
        "value": {
            "to": "+12025550124",
            "body": "See you tomorrow at ten",
            "scheduled_for": SOON,
            "category": "NOTIFICATION",
            "metadata": {"booking": 4711},
        },
    },
    "draft": {
        "summary": "Saved, to be submitted later",
        "value": {"to": "+12025550125", "body": "Not yet", "draft": True},
    },
    "list": {
        "summary": "Several at once; each is answered on its own",
        "value": [
            {"to": "+12025550126", "body": "Doors open at six"},
            {"to": "+12025550127", "body": "Doors open at six", "category": "MARKETING"},
        ],
    },
}
"""Bodies for `POST /v1/messages`; the tests send every one of them."""


def _examples(soon: datetime) -> Any:
    """The examples, with a time that a reader of the document can still use."""
    text = soon.strftime("%Y-%m-%dT%H:00:00Z")
    return orjson.loads(orjson.dumps(SEND_EXAMPLES).replace(SOON.encode(), text.encode()))


def describe(app: FastAPI, clock: Callable[[], datetime]) -> None:
    """Make `app.openapi` the whole document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, clock())
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, now: datetime) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= _models()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    paths = found["paths"]
    paths.setdefault("/v1/messages", {})["post"] = _send(now + timedelta(days=1))
    paths[webhooks.PATH] = {
        "post": _webhook("receive_status", "Delivery receipts, from providers only"),
        "get": _question("ask_status", "A receipt in a query, or a provider's question"),
    }
    paths[webhooks.INBOUND_PATH] = {
        "post": _webhook("receive_message", "What people write to you, from providers only"),
        "get": _question("ask_message", "A message in a query, or a provider's question"),
    }
    paths["/livez"] = {"get": _livez()}
    for path, operations in paths.items():
        for operation in operations.values():
            _finish(path, operation)
    return found


def _models() -> dict[str, Any]:
    models = [
        (SendRequest, "validation"),
        (schema.Accepted, "serialization"),
        (schema.ListAnswer, "serialization"),
        (schema.ProblemBody, "serialization"),
    ]
    _, definitions = models_json_schema(models, by_alias=True, ref_template=_REF)  # type: ignore[arg-type]
    return dict(definitions["$defs"])


def _finish(path: str, operation: dict[str, Any]) -> None:
    """Who may call it, and what its errors look like."""
    responses = operation["responses"]
    responses.pop("422", None)
    ours = {"$ref": _REF.format(model="ProblemBody")}
    responses["default"] = {
        "description": "an error; its code is one of " + ", ".join(sorted(PROBLEMS)),
        "content": {MEDIA_TYPE: {"schema": ours}},
    }
    if not path.startswith(_OPEN):
        operation["security"] = [{"bearer": []}, {"header": []}]


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}


def _send(soon: datetime) -> dict[str, Any]:
    one = {"$ref": _REF.format(model="SendRequest")}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_LIST}
    answers = [{"$ref": _REF.format(model=m)} for m in ("Accepted", "ListAnswer")]
    return {
        "operationId": "send_messages",
        "summary": "Send a message, or a list of them",
        "description": (
            "Answers once everything accepted is durable. Repeat a request that got no answer with "
            "the same `Idempotency-Key`: it is kept once, and its first answer comes again with "
            "`Idempotent-Replayed: true`. A list is refused (422) only if every entry is."
        ),
        "tags": ["messages"],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [one, many]},
                    "examples": _examples(soon),
                }
            },
        },
        "responses": {
            "202": {
                "description": "kept",
                "headers": {
                    "Location": {"schema": {"type": "string"}},
                    "Idempotent-Replayed": {"schema": {"type": "string", "enum": ["true"]}},
                },
                "content": {"application/json": {"schema": {"oneOf": answers}}},
            }
        },
    }


def _webhook(operation: str, summary: str) -> dict[str, Any]:
    names = ("provider", "account")
    return {
        "operationId": operation,
        "summary": summary,
        "tags": ["webhooks"],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {"204": {"description": "kept"}},
    }


def _question(operation: str, summary: str) -> dict[str, Any]:
    """A GET, by which some providers ask whether an address is ours and want their word back."""
    answered = {"description": "yes", "content": {"text/plain": {"schema": {"type": "string"}}}}
    found = _webhook(operation, summary)
    found["responses"]["200"] = answered
    return found


def _livez() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "livez",
        "summary": "Is the process alive?",
        "tags": ["health"],
        "responses": {"200": {"description": "yes", "content": content}},
    }
