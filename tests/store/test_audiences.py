"""Whatever an audience says, Postgres finds the contacts that Python finds, and nothing else happens."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging import contacts
from messaging.domain import audience
from messaging.domain.audience import Audience, Condition, Group, Logic
from messaging.domain.audience_values import FIELDS, OPERATORS, Field, Kind, Operator
from messaging.domain.contact import Contact, ContactRequest
from messaging.domain.message import Channel
from messaging.store import audience as audience_store
from messaging.store import contacts as store
from tests.store.audience_judge import fits
from tests.world import World, at_once

HOSTILE = (
    "%", "_", "\\", "'", "''", '"', "; DROP TABLE contacts; --", ":aud_0", ":tenant", "%(aud_0)s", "{}",
    "{x}", "$1", "?", "Ana", "ANA", "ana", "É", "é", "ß", "ẞ", "İ", "\u0131", "Σ", "ς", "K", "ﬀ", "日本",
    "\U0001f600", "a%b", "a_b", "a\\b", "null", "true", "1", "1.0", "0.1", " ", "{a}", "a,b", "{}", "()",
    "vip", "Import 10/05/25", "+12025550101", "202555", "example.com", "1234567890",
)  # fmt: skip
TEXT = st.sampled_from(HOSTILE) | st.builds(
    "".join, st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3)
)
NUMBER = st.sampled_from([0, 1, -1, 0.1, 0.30000000000000004, 2**53 + 1, 1e18, -2.5, 1.0])
SCALAR = TEXT | NUMBER | st.booleans()
NAMES = ["plan", "n", "x-y", "_"]
TIMES = ["2026-01-01", "2026-01-02T00:00:00Z", "2026-01-02T02:00:00+02:00", "2030-01-01"]
PLACES = [*FIELDS, *(f"attributes.{name}" for name in NAMES)]


@st.composite
def people(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: draw(TEXT.filter(str.strip))
        for name in (
            "first_name",
            "last_name",
            "company",
            "assignee",
            "source",
            "campaign",
            "agent",
        )
        if draw(st.booleans())
    }
    found["postal_code"] = draw(st.sampled_from(["10001", "1_0", "a%"]))
    found["tags"] = draw(st.lists(TEXT, max_size=3))
    found["attributes"] = draw(st.dictionaries(st.sampled_from(NAMES), SCALAR, max_size=3))
    found["phones"] = draw(st.lists(st.sampled_from(["+12025550101", "+12025550102"]), max_size=2))
    found["emails"] = draw(
        st.lists(st.sampled_from(["Ana@example.com", "b_c@example.com"]), max_size=2)
    )
    found["instagram_ids"] = draw(st.lists(st.just("1234567890"), max_size=1))
    return found


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(PLACES))
    field = FIELDS.get(name, Field(Kind.ATTRIBUTE, ""))
    operator = draw(st.sampled_from(OPERATORS[field.kind]))
    made: dict[str, Any] = {"id": "c", "field": name, "operator": operator.value}
    if "exists" in operator:
        return made
    one: st.SearchStrategy[Any] = st.sampled_from(TIMES) if field.kind is Kind.TIME else TEXT
    if field.kind is Kind.ATTRIBUTE:
        one = SCALAR if operator.value in {"equals", "not_equals", "in", "not_in"} else TEXT
        if operator.value.startswith(("gt", "lt")):
            one = TEXT | NUMBER
    listed = operator.value in {"in", "not_in"} or (
        operator.value in {"contains", "not_contains"} and draw(st.booleans())
    )
    made["value"] = draw(st.lists(one, min_size=1, max_size=3)) if listed else draw(one)
    return made


def group(members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"conditions": st.lists(members, min_size=1, max_size=3)},
        optional={"logic": st.sampled_from(["AND", "OR", "or"])},
    )


TREES = group(conditions() | group(conditions() | group(conditions())))


@st.composite
def audiences(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        made["lead_ids"] = draw(st.lists(st.sampled_from(["r1", "r2", "'", "%"]), min_size=1))
    if draw(st.integers(0, 3)) == 0:
        made["search_keyword"] = draw(TEXT.filter(str.strip))
    if draw(st.integers(0, 3)) == 0:
        made["assignees"] = draw(st.lists(TEXT, min_size=1, max_size=3))
    if not made or draw(st.booleans()):
        made["filters"] = draw(TREES)
    return made


def keep(world: World, people: list[dict[str, Any]]) -> None:
    asked = [ContactRequest.model_validate({"ref": f"r{n}", **one}) for n, one in enumerate(people)]
    assert all(not isinstance(one, list) for one in contacts.put(world.rt, world.tenant, asked))


def everybody(world: World) -> list[Contact]:
    with world.rt.engine.connect() as db:
        return store.page(db, audience_store.where(world.tenant.id, Audience()), None, 1_000)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    known=st.lists(people(), min_size=1, max_size=25),
    asked=st.lists(audiences(), min_size=10, max_size=10),
)
def test_postgres_and_python_agree(
    world: World, known: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    world.run("DELETE FROM contacts")
    keep(world, known)
    whole = everybody(world)
    assert len(whole) == len(known)
    with world.rt.engine.connect() as db:
        for raw in asked:
            meant = audience.parse(raw)
            assert isinstance(meant, Audience), meant
            where = audience_store.where(world.tenant.id, meant)
            found = {one.id for one in store.page(db, where, None, 1_000)}
            assert found == {one.id for one in whole if fits(one, meant)}, raw
            assert not any(word in where[0] for word in ("DROP", "Ana", "vip", "example"))


def test_each_person_is_meant_once(world: World) -> None:
    keep(world, [{"phones": ["+12025550101"]}, {"phones": ["+12025550101"]}, {"first_name": "A"}])
    keep(World(world.rt), [{"phones": ["+12025550103"]}])
    meant = audience.parse({"filters": {"conditions": [
        {"conditions": [{"field": "ref", "operator": "starts_with", "value": "r"}]}
    ]}})  # fmt: skip
    assert isinstance(meant, Audience)
    with world.rt.engine.connect() as db:
        sql, values = audience_store.recipients(world.tenant.id, meant, Channel.MMS)
        (only,) = db.execute(sa.text(sql), values).all()
        reach = audience_store.reach(db, world.tenant.id, meant, Channel.MMS)
        unknown = audience_store.unknown(db, world.tenant.id, ("r0", str(only.contact_id), "r9"))
    assert (only.address, reach) == ("+12025550101", audience_store.Reach(3, 1, 1))
    assert unknown == ["r9"]
    first = next(one for one in everybody(world) if one.ref == "r0")
    assert only.contact_id == first.id


def test_two_who_keep_the_same_new_person_keep_one(world: World) -> None:
    def kept(company: str, phone: str) -> contacts.Put:
        said = {"ref": "r", "company": company, "phones": [phone]}
        asked = ContactRequest.model_validate(said)
        return contacts.put_one(world.rt, world.tenant, asked)

    pairs = [(f"c{n}", f"+1202555010{n}") for n in range(4)]
    done = at_once(*(partial(kept, *pair) for pair in pairs))
    (only,) = everybody(world)
    assert {one.contact.id for one in done if isinstance(one, contacts.Put)} == {only.id}
    assert [one.new for one in done if isinstance(one, contacts.Put)].count(True) == 1
    assert (only.company, only.address(Channel.SMS)) in pairs


LEAF = {"field": "email", "operator": "exists"}


def nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"conditions": [LEAF]}
    for _ in range(depth - 1):
        made = {"conditions": [made]}
    return {"filters": made}


def leaf(**changes: Any) -> dict[str, Any]:
    return {"filters": {"conditions": [{"conditions": [LEAF | changes]}]}}


AT = "#/filters/conditions/0/conditions/0"
REFUSED: list[tuple[Any, str, str]] = [
    ([], "#", "not_an_object"),
    ({}, "#", "empty_audience"),
    ({"ghost": 1}, "#", "unknown_field"),
    ({"lead_ids": "r1"}, "#/lead_ids", "not_a_list"),
    ({"lead_ids": ["r1", 5]}, "#/lead_ids/1", "not_text"),
    ({"lead_ids": ["x"] * 50_001}, "#/lead_ids", "too_long"),
    ({"assignees": ["\x00"]}, "#/assignees/0", "not_text"),
    ({"search_keyword": " "}, "#/search_keyword", "not_text"),
    ({"search_keyword": "x" * 201}, "#/search_keyword", "not_text"),
    ({"filters": []}, "#/filters", "not_an_object"),
    ({"filters": {}}, "#/filters/conditions", "not_a_list"),
    ({"filters": {"conditions": [LEAF], "logic": "XOR"}}, "#/filters/logic", "not_allowed"),
    ({"filters": {"conditions": [LEAF] * 201}}, "#/filters/conditions/200", "too_long"),
    (nested(6), "#/filters" + "/conditions/0" * 5, "too_deep"),
    (leaf(field="attributes.", operator="exists"), f"{AT}/field", "unknown_field"),
    (leaf(field="attributes.a'b", operator="exists"), f"{AT}/field", "unknown_field"),
    (leaf(field=7), f"{AT}/field", "unknown_field"),
    (leaf(operator="like", value="x"), f"{AT}/operator", "not_allowed"),
    (leaf(operator="gt", value="x"), f"{AT}/operator", "not_allowed"),
    (leaf(value="x"), f"{AT}/value", "not_allowed"),
    (leaf(ghost=1), AT, "unknown_field"),
    (leaf(operator="equals"), f"{AT}/value", "not_valid"),
    (leaf(operator="equals", value=5), f"{AT}/value", "not_valid"),
    (leaf(operator="equals", value=""), f"{AT}/value", "not_valid"),
    (leaf(operator="equals", value="\ud800"), f"{AT}/value", "not_valid"),
    (leaf(operator="equals", value=["x"]), f"{AT}/value", "not_a_list"),
    (leaf(operator="in", value="x"), f"{AT}/value", "not_a_list"),
    (leaf(operator="in", value=[]), f"{AT}/value", "not_allowed"),
    (leaf(operator="in", value=["x", None]), f"{AT}/value/1", "not_valid"),
    (leaf(field="attributes.n", operator="gt", value=True), f"{AT}/value", "not_valid"),
    (leaf(field="attributes.n", operator="equals", value={}), f"{AT}/value", "not_valid"),
    (leaf(field="attributes.n", operator="equals", value=2.0**63), f"{AT}/value", "not_valid"),
    (leaf(field="created_at", operator="gt", value="yesterday"), f"{AT}/value", "not_valid"),
    (leaf(field="tags", operator="gt", value="x"), f"{AT}/operator", "not_allowed"),
]


@pytest.mark.parametrize(("raw", "pointer", "code"), REFUSED)
def test_what_is_no_audience_has_a_pointer(raw: Any, pointer: str, code: str) -> None:
    found = audience.parse(raw)
    assert isinstance(found, list)
    assert (found[0].pointer, found[0].code) == (pointer, code)


def test_an_audience_is_a_typed_tree() -> None:
    raw = {
        "assignees": ["u1", "u1"],
        "filters": {"conditions": [{"id": "g", "logic": "or", "conditions": [
            {"id": "1", "field": "first_name", "operator": "contains", "value": "ST"},
            {"field": "tags", "operator": "contains", "value": ["Import 10/05/25"]},
            {"field": "phone", "operator": "not", "value": "+1 (202) 555-0101"},
        ]}]},
    }  # fmt: skip
    leaves = (
        Condition(FIELDS["first_name"], Operator.CONTAINS, ("st",)),
        Condition(FIELDS["tags"], Operator.CONTAINS, ("import 10/05/25",)),
        Condition(FIELDS["phone"], Operator.NOT_EQUALS, ("+12025550101",)),
    )
    tree = Group(Logic.AND, (Group(Logic.OR, leaves),))
    assert audience.parse(raw) == Audience(None, None, ("u1",), tree)
    assert isinstance(audience.parse(nested(5)), Audience)
    assert isinstance(audience.parse({"filters": {"conditions": [LEAF] * 200}}), Audience)
