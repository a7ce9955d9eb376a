"""What does the OpenAPI document say that FastAPI cannot know? The lean routes, keys and errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from messaging.api import examples, openapi_errors, openapi_words, schema, webhooks
from messaging.api.openapi_common import complete, counted, operations, tell
from messaging.domain.request import MAX_KEY, MAX_LIST, SendRequest

_REF = "#/components/schemas/{model}"
_ABOUT = """Messages for other software: scheduled, checked, sent once, and explained.

A key goes as `Authorization: Bearer <key>` or as `X-API-Key`. Times are RFC 3339, in answers always UTC.
Every error is `application/problem+json` (RFC 9457) with a stable `code`; what is wrong with a field stands
in `errors`. Every answer carries `X-Request-ID`. Fields that are not documented are refused, and new ones
may come with any answer."""

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
        title=app.title,
        version=app.version,
        description=_ABOUT,
        routes=app.routes,
        tags=[{"name": n, "description": said} for n, said in openapi_words.tags().items()],
    )
    paths = found["paths"]
    tell(app.routes, paths)
    paths.setdefault("/v1/messages", {})["post"] = _send(now + timedelta(days=1))
    for kind, path in (("status", webhooks.PATH), ("message", webhooks.INBOUND_PATH)):
        paths[path] = {"post": _webhook(f"receive_{kind}"), "get": _question(f"ask_{kind}")}
    paths["/livez"] = {"get": _livez()}
    components = found.setdefault("components", {})
    components["schemas"] = schemas = _schemas(components.get("schemas", {}))
    components["examples"] = openapi_errors.examples()
    components["headers"] = openapi_words.headers()
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path, method, operation in operations(paths):
        _finish(path, method, operation, schemas)
    return found


def _schemas(schemas: dict[str, Any]) -> dict[str, Any]:
    models = [
        (SendRequest, "validation"),
        (schema.Accepted, "serialization"),
        (schema.ListAnswer, "serialization"),
        (schema.ProblemBody, "serialization"),
    ]
    _, definitions = models_json_schema(models, by_alias=True, ref_template=_REF)  # type: ignore[arg-type]
    unused = {"HTTPValidationError", "ValidationError"}
    found = {name: one for name, one in schemas.items() if name not in unused}
    found |= definitions["$defs"]
    openapi_words.describe_models(found)
    openapi_words.describe_fields(found)
    return found


def _finish(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Who may call it, and what it answers."""
    responses = operation["responses"]
    responses.pop("422", None)
    if not path.startswith(openapi_errors.OPEN):
        operation["security"] = [{"bearer": []}, {"header": []}]
    else:
        operation["security"] = []
    complete(operation, method, schemas)
    codes = openapi_errors.codes(path, operation)
    for status, response in openapi_errors.responses(operation["operationId"], codes).items():
        responses.setdefault(status, response)
    counted(operation)


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}


def _send(soon: datetime) -> dict[str, Any]:
    one = {"$ref": _REF.format(model="SendRequest")}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_LIST}
    answers = {"one": "Accepted", "list": "ListAnswer"}
    return {
        "operationId": "send_messages",
        "summary": "Send a message, or a list of them",
        "description": (
            "Answers once everything accepted is durable. Repeat a request that got no answer with "
            "the same `Idempotency-Key`: it is kept once, and its first answer comes again with "
            "`Idempotent-Replayed: true`. A list is refused (422) only if every entry is."
        ),
        "tags": ["messages"],
        "parameters": [KEY_PARAMETER],
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
                "description": "It is kept; of a list, each entry that says so is.",
                "content": {
                    "application/json": {
                        "schema": {
                            "oneOf": [{"$ref": _REF.format(model=m)} for m in answers.values()]
                        },
                        "examples": {
                            name: {"value": examples.answers()[model]}
                            for name, model in answers.items()
                        },
                    }
                },
            }
        },
    }


KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Requests with the same key are one: the second is answered as the first was",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
    "example": "order-4711",
}

_WEBHOOKS = {
    "receive_status": (
        "Take delivery receipts",
        {"MessageSid": "SM1", "MessageStatus": "delivered"},
    ),
    "receive_message": ("Take what people write", {"MessageSid": "SM1", "Body": "STOP"}),
    "ask_status": ("Take a receipt in a query, or answer a provider's question", {}),
    "ask_message": ("Take a message in a query, or answer a provider's question", {}),
}


def _webhook(operation: str) -> dict[str, Any]:
    summary, form = _WEBHOOKS[operation]
    names = ("provider", "account")
    kinds = {"application/x-www-form-urlencoded": form, "application/json": {"data": {"id": "1"}}}
    return {
        "operationId": operation,
        "summary": summary,
        "description": (
            "For providers only, and in their words: what it holds is believed if the account it names "
            "has signed it. It is answered once it is durable."
        ),
        "tags": ["webhooks"],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "requestBody": {
            "content": {kind: {"schema": {}, "example": sent} for kind, sent in kinds.items()}
        },
        "responses": {"204": {"description": "It is kept."}},
    }


def _question(operation: str) -> dict[str, Any]:
    """A GET, by which some providers ask whether an address is ours and want their word back."""
    answered = {
        "description": "Yes, it is ours.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "1158201444"}},
    }
    found = _webhook(operation)
    del found["requestBody"]
    found["responses"]["200"] = answered
    return found


def _livez() -> dict[str, Any]:
    alive = {"type": "object", "properties": {"status": {"const": "ok", "description": "it is"}}}
    return {
        "operationId": "livez",
        "summary": "Is the process alive?",
        "description": "It answers, whatever else is away.",
        "tags": ["health"],
        "responses": {
            "200": {
                "description": "Yes.",
                "content": {"application/json": {"schema": alive, "example": {"status": "ok"}}},
            }
        },
    }
