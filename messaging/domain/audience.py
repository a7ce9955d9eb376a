"""Whom does a campaign mean? Leads by name, a keyword, assignees and filters, as a typed tree.

What is given combines: a contact is meant if every criterion means it. Filters are groups of
conditions; a group holds if all of it does, or, with `logic` OR, if any of it does, and the same goes
for the groups among themselves. A condition's list of values means any of them; `not_...` is the
opposite of its operator, so it also holds for contacts that lack the field. Case does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from messaging.domain import audience_values
from messaging.domain.audience_values import Field, Operator
from messaging.domain.errors import FieldProblem
from messaging.domain.folding import folded
from messaging.domain.request import storable

MAX_LEADS = 50_000
MAX_ASSIGNEES = 1_000
MAX_DEPTH = 5
"""How deep groups may lie within each other."""
MAX_CONDITIONS = 200
_LONGEST = 200
_LONGEST_REF = 128


class Logic(StrEnum):
    """What of a group must hold."""

    AND = "AND"
    OR = "OR"


Value = str | bool | Decimal | datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about a contact."""

    field: Field
    operator: Operator
    values: tuple[Value, ...]
    """Any of these; none for `exists`. Texts are folded."""


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of which all must be answered yes, or any."""

    logic: Logic
    members: tuple[Condition | Group, ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Contacts that fit everything that is given; something always is."""

    lead_ids: tuple[str, ...] | None = None
    """A contact's `ref`, or its id."""
    keyword: str | None = None
    """Folded; somewhere in names, company or addresses."""
    assignees: tuple[str, ...] | None = None
    filters: Group | None = None


def parse(raw: object, at: str = "#") -> Audience | list[FieldProblem]:
    """The audience a JSON value describes, or everything that is wrong with it.

    `{lead_ids, search_keyword, assignees, filters: {logic, conditions: [{id, logic, conditions: [{id,
    field, operator, value}]}]}}`; ids are the caller's. Pointers begin with `at`.
    """
    reading = _Reading([])
    if not isinstance(raw, Mapping):
        return [FieldProblem(at, "not_an_object", "must be a JSON object")]
    given = reading.known(raw, ("lead_ids", "search_keyword", "assignees", "filters"), at)
    if not given:
        detail = "name at least one of lead_ids, search_keyword, assignees and filters"
        return [*reading.problems, FieldProblem(at, "empty_audience", detail)]
    found = Audience(
        reading.refs(given, "lead_ids", MAX_LEADS, at),
        reading.keyword(given, at),
        reading.refs(given, "assignees", MAX_ASSIGNEES, at),
        reading.group(given["filters"], f"{at}/filters", 0) if "filters" in given else None,
    )
    return reading.problems or found


@dataclass(slots=True)
class _Reading:
    problems: list[FieldProblem]
    conditions: int = 0

    def note(self, at: str, code: str, detail: str) -> None:
        self.problems.append(FieldProblem(at, code, detail))

    def known(self, raw: Mapping[str, Any], names: Sequence[str], at: str) -> dict[str, Any]:
        """What is given of an object; what is null is not."""
        if not set(raw) <= set(names):
            detail = f"has a field that is none of {', '.join(names)}; remove it"
            self.note(at, "unknown_field", detail)
        return {name: raw[name] for name in names if raw.get(name) is not None}

    def refs(
        self, given: Mapping[str, Any], name: str, most: int, at: str
    ) -> tuple[str, ...] | None:
        if name not in given:
            return None
        listed = given[name]
        at = f"{at}/{name}"
        if not isinstance(listed, list) or not listed:
            self.note(at, "not_a_list", "must be a list with something in it; else leave it out")
            return None
        if len(listed) > most:
            self.note(at, "too_long", f"takes at most {most:,}; send fewer")
            return None
        for i, ref in enumerate(listed):
            if not isinstance(ref, str) or not 1 <= len(ref) <= _LONGEST_REF or not storable(ref):
                detail = f"must be a string of 1 to {_LONGEST_REF} characters"
                self.note(f"{at}/{i}", "not_text", detail)
        return tuple(dict.fromkeys(ref for ref in listed if isinstance(ref, str)))

    def keyword(self, given: Mapping[str, Any], at: str) -> str | None:
        if "search_keyword" not in given:
            return None
        found = keyword_of(given["search_keyword"])
        if found is None:
            detail = f"must be a string of 1 to {_LONGEST} characters; else leave it out"
            self.note(f"{at}/search_keyword", "not_text", detail)
        return found

    def group(self, raw: object, at: str, depth: int) -> Group | None:
        if not isinstance(raw, Mapping):
            self.note(at, "not_an_object", "must be a JSON object")
            return None
        if depth >= MAX_DEPTH:
            self.note(at, "too_deep", f"groups lie at most {MAX_DEPTH} deep; make it flatter")
            return None
        given = self.known(raw, ("id", "logic", "conditions"), at)
        logic = self._logic(given.get("logic", "AND"), f"{at}/logic")
        listed = given.get("conditions")
        if not isinstance(listed, list) or not listed:
            detail = "must be a list of conditions with something in it"
            self.note(f"{at}/conditions", "not_a_list", detail)
            return None
        members = []
        for i, each in enumerate(listed):
            if self.conditions > MAX_CONDITIONS:
                break
            members.append(self._member(each, f"{at}/conditions/{i}", depth + 1))
        return Group(logic, tuple(m for m in members if m is not None))

    def _logic(self, raw: object, at: str) -> Logic:
        word = raw.upper() if isinstance(raw, str) else ""
        if word in Logic.__members__:
            return Logic[word]
        self.note(at, "not_allowed", "must be one of AND, OR")
        return Logic.AND

    def _member(self, raw: object, at: str, depth: int) -> Condition | Group | None:
        # Groups count, too: a tree of nothing but groups is work like any other.
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            self.note(
                at, "too_long", f"filters take at most {MAX_CONDITIONS} conditions and groups"
            )
            return None
        if isinstance(raw, Mapping) and "conditions" in raw:
            return self.group(raw, at, depth)
        return self._condition(raw, at)

    def _condition(self, raw: object, at: str) -> Condition | None:
        if not isinstance(raw, Mapping):
            self.note(at, "not_an_object", "must be a JSON object")
            return None
        given = self.known(raw, ("id", "field", "operator", "value"), at)
        found = audience_values.field_of(given.get("field"))
        if found is None:
            detail = f"must be one of {', '.join(audience_values.FIELDS)}, attributes.<name>"
            self.note(f"{at}/field", "unknown_field", detail)
            return None
        operator = audience_values.operator_of(found, given.get("operator"))
        if operator is None:
            words = ", ".join(audience_values.OPERATORS[found.kind])
            self.note(f"{at}/operator", "not_allowed", f"must be one of {words} for this field")
            return None
        values = audience_values.values_of(found, operator, given.get("value"), f"{at}/value")
        if isinstance(values, FieldProblem):
            self.problems.append(values)
            return None
        return Condition(found, operator, values)


def keyword_of(raw: object) -> str | None:
    """A keyword as it is looked for; None if it is none.

    Of what looks like a phone number only the digits count, for numbers are kept without punctuation.
    """
    if not isinstance(raw, str) or not storable(raw):
        return None
    text = folded(raw.strip())
    if not 1 <= len(text) <= _LONGEST:
        return None
    return audience_values.digits_of(text) or text
