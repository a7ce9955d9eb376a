"""What does every operation of a document have: names, sentences, headers, examples?

Of a function that answers a route, the name is the operation's id, the first sentence of the docstring
its summary, and the rest its description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from messaging.api import examples
from messaging.api.openapi_words import describe_parameters

_CLAUSE = re.compile(r"[.;:](?:\s+|$)")
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_LOCATED = frozenset(
    {
        "send_messages", "add_sender", "create_key", "create_campaign", "keep_contacts",
        "request_erasure", "add_endpoint",
    }
)  # fmt: skip
"""What answers with the address of what it made."""


def tell(routes: Sequence[BaseRoute], paths: dict[str, Any]) -> None:
    """Let every operation say what its function is called, what its docstring says, and its examples.

    FastAPI would leave out of an example whatever is null.
    """
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _tell(route, paths[route.path_format or ""][method.lower()])


def _tell(route: Any, operation: dict[str, Any]) -> None:
    doc = cleandoc(route.endpoint.__doc__ or "")
    summary, rest = sentences(doc)
    explicit = route.description if route.description != doc else None
    operation["operationId"] = route.endpoint.__name__
    operation["summary"] = route.summary or summary
    operation["description"] = explicit or (_flat(doc) if route.summary else rest)
    given = getattr(getattr(route.body_field, "field_info", None), "openapi_examples", None)
    if given:
        operation["requestBody"]["content"]["application/json"]["examples"] = given


def sentences(doc: str) -> tuple[str, str]:
    """The first clause of a docstring, and what follows; twice the same if nothing does."""
    first, end, rest = _parted(_flat(doc))
    return first, rest[:1].upper() + rest[1:] if rest else first + end


def _flat(doc: str) -> str:
    return " ".join(doc.split())


def _parted(flat: str) -> tuple[str, str, str]:
    found = _CLAUSE.search(flat)
    if found is None:
        return flat, "", ""
    return flat[: found.start()], flat[found.start() : found.end()].strip(), flat[found.end() :]


def operations(paths: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and method."""
    for path, found in paths.items():
        for method, operation in found.items():
            if method in METHODS:
                yield path, method, operation


def complete(
    operation: dict[str, Any],
    method: str,
    schemas: Mapping[str, Any],
    known: Mapping[str, Any] | None = None,
) -> None:
    """Describe parameters, headers and good answers of an operation, with the examples that are `known`."""
    describe_parameters(operation)
    examples.show(operation, known)
    names = ["X-Request-ID"]
    if method == "get" and any(p["name"] == "cursor" for p in operation.get("parameters", ())):
        names.append("Link")
    if operation["operationId"] in _LOCATED:
        names.append("Location")
    if any(p["name"] == "Prefer" for p in operation.get("parameters", ())):
        names.append("Preference-Applied")
    if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", ())):
        names.append("Idempotent-Replayed")
    for response in operation["responses"].values():
        _say(response, schemas)
        own = response.setdefault("headers", {})
        for name in names:
            own.setdefault(name, {"$ref": f"#/components/headers/{name}"})


def _say(response: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """What an answer is: what the docstring of its model says, where nobody said anything else."""
    if response["description"] != "Successful Response":
        return
    content = response.get("content", {}).get("application/json", {})
    model = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    response["description"] = schemas.get(model, {}).get("description", "It is done.")


def counted(operation: Mapping[str, Any]) -> None:
    """Say what is left of the key's limit, on every answer to somebody whose key is known."""
    if not operation["security"]:
        return
    for status, response in operation["responses"].items():
        if status != "401":
            for name in ("RateLimit", "RateLimit-Policy"):
                response["headers"][name] = {"$ref": f"#/components/headers/{name}"}
