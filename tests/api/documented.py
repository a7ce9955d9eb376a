"""The OpenAPI documents as the tests read them: operations, bodies, and schemas that allow nothing more."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from starlette.routing import Mount

from messaging.api.app import create_app
from messaging.runtime import Runtime
from messaging.settings import Settings

FACADES = ("leadsail", "leadping", "liguelead", "unified", "usecase")


@cache
def documents() -> dict[str, Any]:
    """Every document, by the name of its facade; "" is `/v1`. Nothing is connected for it."""
    nowhere = Settings.read(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        secret_key="a-secret-of-at-least-32-characters",
    )
    rt = Runtime.start(nowhere, name="document")
    try:
        app = create_app(rt)
        mounted: dict[str, Any] = {r.path: r.app for r in app.routes if isinstance(r, Mount)}
        return {"": app.openapi()} | {name: mounted[f"/{name}"].openapi() for name in FACADES}
    finally:
        rt.engine.dispose()
        rt.redis.close()


@dataclass(frozen=True)
class Operation:
    """One operation of one document."""

    of: str
    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.said["operationId"])

    @property
    def parameters(self) -> list[Any]:
        return list(self.said.get("parameters", ()))

    @property
    def taken(self) -> Mapping[str, Any]:
        """What it takes, by media type."""
        found: Mapping[str, Any] = self.said.get("requestBody", {}).get("content", {})
        return found

    def answered(self, good: bool) -> Iterator[tuple[str, str, Any]]:
        """The status, media type and content of each answer with a body, 2xx or not."""
        for status, response in self.said["responses"].items():
            if status.startswith("2") == good:
                for kind, content in response.get("content", {}).items():
                    yield status, kind, content


def operations() -> list[Operation]:
    return [
        Operation(name, method.upper(), path, said)
        for name, document in documents().items()
        for path, found in document["paths"].items()
        for method, said in found.items()
    ]


def named(operation: Operation) -> str:
    return f"{operation.of}:{operation.id}"


def examples(of: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a body, by name."""
    found = {"": content["example"]} if "example" in content else {}
    for name, example in content.get("examples", {}).items():
        if "$ref" in example:
            name_in = example["$ref"].rpartition("/")[2]
            example = documents()[of]["components"]["examples"][name_in]  # noqa: PLW2901
        found[name] = example["value"]
    return found


def problems(of: str, schema: Mapping[str, Any], value: Any) -> list[str]:
    """What of a value its schema does not say; also fields that it does not name."""
    whole = {**schema, "components": {"schemas": _closed(of)}}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(value)]


@cache
def _closed(of: str) -> Any:
    schemas = copy.deepcopy(documents()[of]["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return schemas


def bodies(operation: Operation) -> list[tuple[str, str, Any]]:
    """The examples of what it takes: name, media type and body; one that is empty, if it takes nothing."""
    found = [
        (name, kind, body)
        for kind, content in operation.taken.items()
        for name, body in examples(operation.of, content).items()
    ]
    return found or [("", "", None)]


HEADERS = {
    "Location", "Link", "Idempotent-Replayed", "Preference-Applied", "Retry-After", "RateLimit",
    "RateLimit-Policy", "WWW-Authenticate",
}  # fmt: skip


def wrong(operation: Operation, answer: httpx.Response) -> list[str]:
    """What of an answer is not as documented: its status, its headers, its form or its body."""
    status = str(answer.status_code)
    said = operation.said["responses"].get(status)
    if said is None:
        return [f"{status} is not documented"]
    found = [f"{n}, which is no header of {status}" for n in HEADERS - set(said["headers"])
             if n in answer.headers]  # fmt: skip
    content, kind = said.get("content", {}), answer.headers.get("content-type", "").split(";")[0]
    if not content:
        return [*found, "a body"] if answer.content else found
    if kind not in content:
        return [*found, f"{kind} is not documented"]
    if kind.endswith("json"):
        found += problems(operation.of, content[kind]["schema"], answer.json())
    return found
