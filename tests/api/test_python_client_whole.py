"""The Python client has every operation of the API's document, in both flavours, with its fields."""

from __future__ import annotations

import inspect
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, assert_type, get_args, get_origin, get_type_hints

import pytest

from messaging.api.app import create_app
from messaging.client import Accepted, AsyncPosthorn, Message, Posthorn
from messaging.client.calls import Call, Pages, Stream, Wait
from messaging.client.campaign_results import Campaign
from messaging.client.flavours import many, once
from messaging.client.reading import Result
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.python_client_methods import METHODS

OURS = {"until", "timeout", "file", "messages", "contacts", "changes"}
"""Parameters that are no field of the document: of waits, and those that are a whole body."""
ELSEWHERE = {"X-Scrubbed-At"}
"""What the document has and a method says by another parameter."""
PARTLY = {"Accepted", "Reach", "Thread"}
"""Results that are a part of an answer; another method has the rest."""
HEADERS = {"Accepted": {"replayed"}}
"""What a result has from a header."""
PLACES = {"messages": [{}], "contacts": [{}], "changes": {}, "file": io.BytesIO(b"")}


@dataclass(frozen=True)
class Written:
    """A method as it is written down, once for both flavours."""

    name: str
    build: Any

    @property
    def parameters(self) -> set[str]:
        """Its parameters, those of its TypedDict among them, as the API calls them."""
        found = dict(inspect.signature(self.build).parameters)
        found.pop("self")
        names = {n for n, p in found.items() if p.kind is not p.VAR_KEYWORD}
        for n in found.keys() - names:
            names |= get_type_hints(get_args(get_type_hints(self.build)[n])[0]).keys()
        return {n.removesuffix("_") for n in names}

    def call(self) -> Call[Any]:
        """What it asks, with as little as it can be told."""
        needed = {
            n: PLACES.get(n, "x")
            for n, p in inspect.signature(self.build).parameters.items()
            if p.default is p.empty and p.kind is not p.VAR_KEYWORD
        }
        asked = self.build(**needed)
        match asked:
            case Pages() | Stream():
                return asked.call
            case Wait():
                return asked.look
            case _:
                assert isinstance(asked, Call)
                return asked

    @property
    def answer(self) -> Any:
        """What it says it is answered with."""
        return get_args(get_type_hints(self.build)["return"])[0]


def written(client: Posthorn | AsyncPosthorn) -> Iterator[Written]:
    for part, resource in vars(client).items():
        for name, found in vars(type(resource)).items():
            if isinstance(found, once | many):
                yield Written(f"{part}.{name}", found.build)


@cache
def document() -> dict[str, Any]:
    """The API's document; nothing is connected for it."""
    nowhere = Settings.read(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        secret_key="a-secret-of-at-least-32-characters",
    )
    rt = Runtime.start(nowhere, name="document")
    try:
        found: dict[str, Any] = json.loads(json.dumps(create_app(rt).openapi()))
        return found
    finally:
        rt.engine.dispose()
        rt.redis.close()


def operations(spec: dict[str, Any]) -> dict[str, Any]:
    """The operations of the native API."""
    return {
        f"{method.upper()} {path}": operation
        for path, found in spec["paths"].items()
        for method, operation in found.items()
        if path.startswith("/v1/")
    }


def operation_of(call: Call[Any], spec: dict[str, Any]) -> str:
    found = [
        name
        for name in operations(spec)
        if re.fullmatch(re.sub(r"\{\w+\}", "x", name), f"{call.method} {call.path}")
    ]
    assert len(found) == 1, f"{call.method} {call.path} is {found or 'not documented'}"
    return found[0]


METHOD = {w.name: w for w in written(Posthorn("http://127.0.0.1:1", "x"))}
each_operation = pytest.mark.parametrize("operation", METHODS)


def test_every_operation_has_its_method() -> None:
    spec = document()
    reached: dict[str, set[str]] = {name: set() for name in operations(spec)}
    for method in METHOD.values():
        reached[operation_of(method.call(), spec)].add(method.name)
    assert {name: " ".join(sorted(found)) for name, found in reached.items()} == METHODS


def test_both_flavours_have_the_same_methods_with_the_same_parameters() -> None:
    here, there = Posthorn("http://127.0.0.1:1", "x"), AsyncPosthorn("http://127.0.0.1:1", "x")
    assert [w.name for w in written(here)] == [w.name for w in written(there)]
    for name in METHOD:
        part, _, method = name.partition(".")
        sides = [getattr(getattr(side, part), method) for side in (here, there)]
        assert len({str(inspect.signature(side)) for side in sides}) == 1, name
        assert all(side.__doc__ and side.__name__ == method for side in sides), name


@each_operation
def test_each_method_takes_what_the_document_names(operation: str) -> None:
    spec = document()
    found = operations(spec)[operation]
    takes = {p["name"].lower().replace("-", "_") for p in found.get("parameters", ())}
    takes -= {name.lower().replace("-", "_") for name in ELSEWHERE}
    for content in found.get("requestBody", {}).get("content", {}).values():
        takes |= properties(content["schema"], spec).keys()
    given = set().union(*(METHOD[name].parameters for name in METHODS[operation].split()))
    assert given - (OURS - takes) == takes


@each_operation
def test_each_result_has_the_fields_the_document_names(operation: str) -> None:
    spec = document()
    answers = operations(spec)[operation]["responses"]
    schemas = [
        answer["content"]["application/json"]["schema"]
        for status, answer in answers.items()
        if status.startswith("2") and "application/json" in answer.get("content", {})
    ]
    for name in METHODS[operation].split():
        result = METHOD[name].answer
        if is_dataclass(result) and schemas:
            compare(
                result, schemas[0], spec, listed="Pages" in str(METHOD[name].build.__annotations__)
            )


def compare(kind: Any, schema: dict[str, Any], spec: dict[str, Any], *, listed: bool) -> None:
    """Hold a result, and what is in it, to its schema."""
    known = properties(schema, spec)
    if listed:
        known = properties(known["data"]["items"], spec)
    hints = get_type_hints(kind)
    ours = {f.metadata.get("json", f.name): hints[f.name] for f in fields(kind)}
    ours = {n: h for n, h in ours.items() if n not in {"raw"} | HEADERS.get(kind.__name__, set())}
    assert ours.keys() <= known.keys(), kind.__name__
    assert kind.__name__ in PARTLY or ours.keys() == known.keys(), kind.__name__
    for name, hint in ours.items():
        for inner in inside(hint):
            compare(inner, known[name], spec, listed=False)


def inside(hint: Any) -> Iterator[Any]:
    """The results among a type's parts."""
    if inspect.isclass(hint) and issubclass(hint, Result):
        yield hint
    elif get_origin(hint) is not None:
        for part in get_args(hint):
            yield from inside(part)


def properties(schema: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The fields of an object, of a list's items, or of what may be one or the other."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return properties(spec["components"]["schemas"][name], spec)
    found: dict[str, Any] = dict(schema.get("properties", {}))
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found = {**properties(one, spec), **found}
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            found = {**properties(schema[inner], spec), **found}
    return found


if TYPE_CHECKING:

    def blocking(ph: Posthorn) -> None:
        assert_type(ph.messages.get("x"), Message)
        assert_type(ph.messages.send(to="x", body="x", flash=True), Accepted)
        assert_type(ph.messages.wait("x"), Message)
        assert_type(ph.campaigns.follow("x"), Iterator[Campaign])
        assert_type(ph.contacts.delete("x"), None)
        ph.messages.send(to="x", body="x", flsh=True)  # type: ignore[call-arg]  # no such field
        ph.messages.send(to="x", body="x", flash="x")  # type: ignore[arg-type]  # not its type

    async def awaiting(ph: AsyncPosthorn) -> None:
        assert_type(await ph.messages.get("x"), Message)
        assert_type(await ph.messages.send(to="x", body="x"), Accepted)
        assert_type(await ph.contacts.delete("x"), None)
        async for campaign in ph.campaigns.follow("x"):
            assert_type(campaign, Campaign)
        assert ph.messages.get("x").id  # type: ignore[attr-defined]  # it is to be awaited
