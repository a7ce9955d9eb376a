"""What do fields, parameters and headers mean, where their models leave it open?

`document/words.toml` says it, by model and field: a reader of the document must not have to guess a
unit, or what null means.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "document" / "words.toml"
ANY = "any"
MODELS = "models"
PARAMETERS = "parameters"
HEADERS = "headers"
TAGS = "tags"


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What is said of fields, by model; of several models, if a table names several."""
    found: dict[str, dict[str, str]] = {}
    for names, said in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        for name in names.split():
            found[name] = said
    return found


def speaks(field: Mapping[str, Any]) -> bool:
    """Whether a field is described, by itself or by the schema it refers to."""
    if "description" in field or "$ref" in field:
        return True
    inner = [*field.get("anyOf", ()), *field.get("oneOf", ()), field.get("items")]
    inner.append(field.get("additionalProperties"))
    return any(speaks(one) for one in inner if isinstance(one, dict))


def describe_fields(schemas: Mapping[str, Any]) -> None:
    """Say what each field means that does not say so itself."""
    for model, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            own, any_ = words().get(model, {}).get(name), words()[ANY].get(name)
            if own is not None:
                field.setdefault("description", own)
            elif any_ is not None and not speaks(field):
                field["description"] = any_


def describe_models(schemas: Mapping[str, Any]) -> None:
    """The same of whole models that are not ours to give a docstring."""
    for model, said in words()[MODELS].items():
        if model in schemas:
            schemas[model].setdefault("description", said)


def describe_parameters(operation: Mapping[str, Any]) -> None:
    """The same for what stands in an address or a header."""
    for parameter in operation.get("parameters", ()):
        said = words()[PARAMETERS].get(parameter["name"])
        if said is not None:
            parameter.setdefault("description", said)


def headers() -> dict[str, Any]:
    """Every header of an answer, as a component."""
    kinds: dict[str, Any] = {name: {"type": "string"} for name in words()[HEADERS]}
    kinds["Retry-After"] = {"type": "integer", "minimum": 0}
    kinds["Idempotent-Replayed"] = {"type": "string", "enum": ["true"]}
    return {
        name: {"description": words()[HEADERS][name], "schema": kind}
        for name, kind in kinds.items()
    }


def tags() -> Mapping[str, str]:
    """What each tag is about."""
    return words()[TAGS]
