"""The OpenAPI documents say everything there is to say of an operation, and say it validly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from messaging.api import examples as known
from messaging.api import openapi_words
from messaging.api.errors import PROBLEMS
from tests.api.documented import (
    Operation,
    documents,
    examples,
    named,
    operations,
    problems,
)

OPERATIONS = operations()
each_document = pytest.mark.parametrize("of", list(documents()), ids=lambda name: name or "v1")
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=named)
SENTENCE = re.compile(r"[.?!](?:\s|$)")


@each_document
def test_a_document_is_openapi_3_1(of: str) -> None:
    document = documents()[of]
    faults = [str(error)[:500] for error in OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert not faults
    assert document["openapi"].startswith("3.1")


@each_document
def test_whatever_a_document_refers_to_is_there(of: str) -> None:
    document = documents()[of]
    for place in set(references(document)):
        found = document
        for part in place.removeprefix("#/").split("/"):
            assert part in found, place
            found = found[part]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


@each_document
def test_every_schema_is_json_schema_and_has_a_name_of_its_own(of: str) -> None:
    for name, schema in documents()[of]["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", name), name


@each_document
def test_every_field_says_what_it_means(of: str) -> None:
    schemas = documents()[of]["components"]["schemas"]
    silent = [name for name, schema in schemas.items() if not schema.get("description")]
    silent += [
        f"{model}.{name}"
        for model, schema in schemas.items()
        for name, field in schema.get("properties", {}).items()
        if not openapi_words.speaks(field)
    ]
    assert not silent


def test_every_word_is_said_of_something() -> None:
    document = documents()[""]
    said = {
        model: {n: f.get("description") for n, f in schema.get("properties", {}).items()}
        for model, schema in document["components"]["schemas"].items()
    }
    anywhere = {(name, text) for fields in said.values() for name, text in fields.items()}
    parameters = {(p["name"], p["description"]) for o in OPERATIONS for p in o.parameters}
    for model, fields in openapi_words.words().items():
        for name, text in fields.items():
            match model:
                case openapi_words.ANY:
                    assert (name, text) in anywhere, name
                case openapi_words.MODELS:
                    assert document["components"]["schemas"][name]["description"] == text, name
                case openapi_words.PARAMETERS:
                    assert (name, text) in parameters, name
                case openapi_words.HEADERS:
                    assert document["components"]["headers"][name]["description"] == text
                case openapi_words.TAGS:
                    assert any(name in o.said["tags"] for o in OPERATIONS), name
                case _:
                    assert said[model][name] == text, f"{model}.{name}"


@each_document
def test_operations_have_names_of_their_own_and_tags_that_are_explained(of: str) -> None:
    found = [o for o in OPERATIONS if o.of == of]
    assert len({o.id for o in found}) == len(found)
    explained = {tag["name"]: tag["description"] for tag in documents()[of]["tags"]}
    assert {tag for o in found for tag in o.said["tags"]} == set(explained)


@each_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    said = operation.said
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation.id)
    assert said["tags"]
    assert 3 < len(said["summary"]) <= 120
    assert not said["summary"].endswith(".")
    assert said["description"].endswith(".")
    assert said["description"].rstrip(".") != said["summary"]
    assert 1 <= len(SENTENCE.findall(said["description"])) <= 3
    assert all(p["description"] for p in operation.parameters)
    in_path = {p["name"] for p in operation.parameters if p["in"] == "path"}
    assert in_path == set(re.findall(r"{([a-z_]+)}", operation.path))


@each_operation
def test_every_answer_is_described_with_its_headers(operation: Operation) -> None:
    assert any(status.startswith("2") for status in operation.said["responses"])
    for status, response in operation.said["responses"].items():
        assert status.isdigit()
        assert response["description"] not in {"", "Successful Response"}
        assert "X-Request-ID" in response["headers"]
        if status in {"429", "503"} and operation.id != "readyz":
            assert "Retry-After" in response["headers"]
        if status == "204":
            assert "content" not in response
        for content in response.get("content", {}).values():
            assert content["schema"]


@each_operation
def test_every_body_and_every_answer_has_an_example_that_fits(operation: Operation) -> None:
    contents = [("taken", kind, content) for kind, content in operation.taken.items()]
    for good in (True, False):
        contents += operation.answered(good)
    for where, kind, content in contents:
        given = examples(operation.of, content)
        assert given, f"{where} {kind}"
        for name, example in given.items():
            schema = content["schema"]
            assert not problems(operation.of, schema, example), f"{where} {kind} {name}"


NO_KEY = {"/livez", "/readyz", "/problems/{code}"}


@each_operation
def test_every_error_that_may_come_is_named(operation: Operation) -> None:
    found = set(operation.said["responses"])
    if operation.path not in NO_KEY and "webhook" not in operation.path:
        assert found >= {"401", "403", "429", "500", "503"}
    if "{" in operation.path:
        assert "404" in found
    if "application/json" in operation.taken and "webhook" not in operation.path:
        assert found >= {"400", "422"} or (operation.of and found & {"400", "422"})
    if "text/csv" in operation.taken:
        assert found >= {"413", "422"}


def test_every_code_is_documented_somewhere_with_an_example() -> None:
    shown = documents()[""]["components"]["examples"]
    assert set(shown) == set(PROBLEMS)
    for code, example in shown.items():
        assert example["value"]["code"] == code
        assert example["value"]["status"] == PROBLEMS[code].status


def test_no_example_of_an_answer_is_of_nothing() -> None:
    models = set(documents()[""]["components"]["schemas"])
    ids = {f"{o.id}{s}" for o in OPERATIONS for s in ("", *(f" {r}" for r in o.said["responses"]))}
    assert set(known.answers()) <= models | ids
    assert set(known.files()) <= ids


def test_every_field_of_an_answer_is_shown() -> None:
    """What is left out of an example is not known to a reader of it."""
    schemas = documents()[""]["components"]["schemas"]
    for name, example in known.answers().items():
        required = schemas.get(name, {}).get("required", ())
        assert set(required) <= set(example), name


def test_the_document_is_plain_json() -> None:
    assert json.loads(json.dumps(documents())) == documents()
