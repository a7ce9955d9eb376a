"""What does an answer look like? One example for each body the OpenAPI document describes.

`document/answers/*.json` has them by the name of their schema, and by that of an operation where it
answers something of its own. `{"$like": "MessageBody", "status": "canceled"}` is another example with
some of its fields changed. The tests hold each to its schema and to what the application answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

_DIRECTORY = Path(__file__).parent / "document"
_LIKE = "$like"


@cache
def answers() -> Mapping[str, Any]:
    """Every example, by the name of a schema or of an operation."""
    known: dict[str, Any] = {}
    for path in sorted(_DIRECTORY.glob("answers/*.json")):
        known |= orjson.loads(path.read_bytes())
    return {name: _whole(value, known) for name, value in known.items()}


def _whole(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_whole(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    own = {name: _whole(one, known) for name, one in value.items() if name != _LIKE}
    return {**_whole(known[value[_LIKE]], known), **own} if _LIKE in value else own


@cache
def facades() -> Mapping[str, Mapping[str, Any]]:
    """The same of each facade: by the name of an operation, and by its status where it has several."""
    found: dict[str, dict[str, Any]] = orjson.loads((_DIRECTORY / "facades.json").read_bytes())
    return found


@cache
def files() -> Mapping[str, str]:
    """The files that operations take, by the name of the operation."""
    return tomllib.loads((_DIRECTORY / "files.toml").read_text(encoding="utf-8"))


def show(operation: dict[str, Any], known: Mapping[str, Any] | None = None) -> None:
    """Put an example into every body of an operation that has none."""
    known = answers() if known is None else known
    id_ = operation["operationId"]
    taken = operation.get("requestBody", {}).get("content", {})
    if "text/csv" in taken:
        taken["text/csv"]["example"] = files()[id_]
    for status, content in _answered(operation):
        if not {"example", "examples"} & content.keys():
            names = (f"{id_} {status}", id_, _schema(content))
            found = next((known[name] for name in names if name in known), None)
            if found is not None:
                content["example"] = found


def _answered(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        for content in response.get("content", {}).values():
            yield status, content


def _schema(content: Mapping[str, Any]) -> str:
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
