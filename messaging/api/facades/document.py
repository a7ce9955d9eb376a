"""What does a facade's own OpenAPI document say: whose key, which bodies, and every error in its shape?

Each error of `/v1` that may come is written by the facade's own function, so the document shows what is
sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from messaging.api import examples, openapi_errors, openapi_words
from messaging.api.facades.facade import trouble_of
from messaging.api.openapi import KEY_PARAMETER
from messaging.api.openapi_common import complete, counted, operations, tell

_REF = "#/components/schemas/{model}"
SENDING = (*openapi_errors.REFUSALS, "payload_too_large", "intake_unavailable")
"""Codes of every door that sends one message."""
ONCE = ("idempotency_in_progress", "idempotency_key_reused")
"""Codes of one that knows repeated requests."""

PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=N`: answer when the provider has, but after N seconds (at most 30) anyway",
    "schema": {"type": "string"},
    "example": "wait=10",
}
WAITS: dict[str, Any] = {"parameters": [PREFER]}
"""For `openapi_extra` of a route that may be asked to wait."""


def takes(
    model: type[BaseModel],
    given: Mapping[str, Mapping[str, Any]],
    *,
    wait: bool = False,
    key: bool = False,
    more: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """For `openapi_extra` of a route that reads its body with `asked`: `given` are its examples.

    `wait` and `key` say whether it heeds Prefer and Idempotency-Key; `more` are other parameters.
    """
    schema = model.model_json_schema(by_alias=True, ref_template=_REF)
    content = {
        "schema": schema,
        "examples": {name: {"value": dict(value)} for name, value in given.items()},
    }
    parameters = [*more, *([KEY_PARAMETER] if key else ()), *([PREFER] if wait else ())]
    body = {"required": True, "content": {"application/json": content}}
    return {"requestBody": body, "parameters": parameters}


def describe(app: FastAPI, module: ModuleType) -> None:
    """Make `app.openapi` the whole document of a facade.

    Of its module it takes what `build` takes; `Failure`, the model of its errors; `CODES`, what its
    operations may be refused with beyond what every operation may; `SAID`, problems with fields that
    are its own; and `CODE`, where the code stands in an error, if there are few of them.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, module)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, module: ModuleType) -> dict[str, Any]:
    name = module.__name__.rpartition(".")[2]
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=[{"name": name, "description": app.title + "."}],
    )
    tell(app.routes, found["paths"])
    components = found["components"]
    schemas = components["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemes, security = _keys(getattr(module, "KEYS", ()))
    components |= {"securitySchemes": schemes, "headers": openapi_words.headers()}
    for path, method, operation in operations(found["paths"]):
        operation["tags"] = [name]
        operation.setdefault("security", security)
        _name_models(operation, schemas)
        failures = _failures(operation)
        complete(operation, method, schemas, examples.facades()[name])
        operation["responses"] |= _errors(module, path, operation, failures)
        counted(operation)
    openapi_words.describe_models(schemas)
    return found


def _keys(headers: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a key is shown: in the facade's own headers, all of them; else as on `/v1`."""
    if headers:
        schemes = {name: {"type": "apiKey", "in": "header", "name": name} for name in headers}
        return schemes, [{name: [] for name in headers}]
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return schemes, [{"bearer": []}, {"header": []}]


def _name_models(operation: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """Put the models of a body among the others, where references look for them."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        schemas |= schema.pop("$defs", {})
        if "title" in schema:
            schemas[schema["title"]] = schema
            content["schema"] = {"$ref": _REF.format(model=schema["title"])}


def _failures(operation: dict[str, Any]) -> dict[str, Any]:
    """The schemas of errors by status, as the route names them; FastAPI's own are nobody's."""
    responses = operation["responses"]
    found = {}
    for status in [status for status in responses if not status.startswith("2")]:
        content = responses.pop(status).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if not str(schema.get("$ref")).endswith("/HTTPValidationError"):
            found[status] = schema
    return found


@dataclass(frozen=True, slots=True)
class _Shown:
    """One error as the facade writes it."""

    name: str
    code: str
    """Of `messaging.api.errors.PROBLEMS`."""
    title: str
    status: int
    body: Any


def _errors(
    module: ModuleType, path: str, operation: dict[str, Any], failures: Mapping[str, Any]
) -> dict[str, Any]:
    id_ = operation["operationId"]
    codes = [*openapi_errors.codes(path, operation), *module.CODES.get(id_, ())]
    by_status: dict[int, list[_Shown]] = {}
    for shown in _written(module, list(dict.fromkeys(codes))):
        by_status.setdefault(shown.status, []).append(shown)
    default = failures.get("default", {"$ref": _REF.format(model="Failure")})
    return {
        str(status): _response(module, failures.get(str(status), default), found)
        for status, found in sorted(by_status.items())
    }


def _written(module: ModuleType, codes: list[str]) -> Iterator[_Shown]:
    """Every error as the facade's function writes it."""
    examples_ = [(code, openapi_errors.example(code)) for code in codes]
    if "validation_failed" in codes:
        said = getattr(module, "SAID", ())
        examples_ += [(p.code, openapi_errors.example("validation_failed", p)) for p in said]
    for name, example in examples_:
        trouble = trouble_of(example, getattr(module, "FIELDS", {}))
        answer = module.shape(trouble)
        body = orjson.loads(answer.body)
        yield _Shown(name.lower(), trouble.code, trouble.title, answer.status_code, body)


def _response(module: ModuleType, schema: dict[str, Any], found: list[_Shown]) -> dict[str, Any]:
    refusals = [one for one in found if one.code in openapi_errors.RULES]
    shown = [one for one in found if one not in refusals or one.code in openapi_errors.SHOWN_RULES]
    meaning = "; ".join(dict.fromkeys(one.title for one in shown))
    if refusals:
        meaning += "; or a rule says no: " + ", ".join(f"`{one.code}`" for one in refusals)
    where = getattr(module, "CODE", ())
    if where:
        codes = {_at(one.body, where) for one in found}
        schema = schema | _nested(where, {"enum": sorted(codes)})
    return {
        "description": meaning,
        "headers": openapi_errors.headers(one.code for one in found),
        "content": {
            "application/json": {
                "schema": schema,
                "examples": {one.name: {"value": one.body} for one in shown},
            }
        },
    }


def _at(body: Any, where: tuple[str, ...]) -> str:
    for name in where:
        body = body[name]
    return str(body)


def _nested(where: tuple[str, ...], schema: dict[str, Any]) -> dict[str, Any]:
    for name in reversed(where):
        schema = {"properties": {name: schema}}
    return schema
