"""Contacts over HTTP: kept, listed, changed, searched, and each tenant's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from messaging.api.contacts import _NEW, _PATCH, _SEARCH
from messaging.domain import addresses
from messaging.domain.contact import ContactRequest
from messaging.domain.message import Channel
from messaging.runtime import Runtime
from messaging.store import conversations

PATH = "/v1/contacts"
ANA: dict[str, Any] = {
    "ref": "lead_1",
    "name": "Ana  de Lima",
    "phones": ["(202) 555-0123", "+12025550124", "2025550123"],
    "emails": ["Ana@EXAMPLE.com"],
    "instagram_ids": ["1234567890123456"],
    "company": "Acme",
    "tags": ["vip", "vip", "Import 10/05/25"],
    "attributes": {"plan": "pro", "seats": 12, "share": 0.5, "new": True, "gone": None},
    "assignee": "ann",
    "time_zone": "America/New_York",
    "postal_code": "10001",
}


@pytest.fixture
def foreign(address: str, stranger: Any) -> Iterator[httpx.Client]:
    """The application, as another tenant sees it."""
    with httpx.Client(base_url=address, timeout=20, headers=stranger.headers) as client:
        yield client


def refs(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["ref"] for one in answer.json()["data"]]


def search(http: httpx.Client, channel: str = "sms", **audience: Any) -> httpx.Response:
    return http.post(f"{PATH}/search", json={"audience": audience, "channel": channel})


def filtered(*conditions: dict[str, Any], logic: str = "AND") -> dict[str, Any]:
    return {"conditions": [{"logic": logic, "conditions": list(conditions)}]}


def test_a_contact_is_kept_as_it_is(http: httpx.Client) -> None:
    answer = http.post(PATH, json=ANA)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["first_name"], body["last_name"]) == ("Ana", "de Lima")
    assert (body["name"], body["lead"]) == ("Ana de Lima", "lead_1")
    assert body["phones"] == ["+12025550123", "+12025550124"]
    assert body["emails"] == ["Ana@example.com"]
    assert body["tags"] == ["vip", "Import 10/05/25"]
    assert body["attributes"] == {"plan": "pro", "seats": 12, "share": 0.5, "new": True}
    assert (body["modified_at"], body["assignee"]) == (None, "ann")
    assert answer.headers["Location"] == f"{PATH}/{body['id']}"
    for name in ("lead_1", body["id"]):
        assert http.get(f"{PATH}/{name}").json() == body


def test_the_same_ref_again_changes_what_is_said(http: httpx.Client) -> None:
    first = http.post(PATH, json=ANA).json()
    again = http.post(PATH, json={"ref": "lead_1", "company": "Other", "attributes": {"x": 1}})
    assert again.status_code == 200
    body = again.json()
    assert body["modified_at"] is not None
    changed = {"company": "Other", "attributes": {"x": 1}, "modified_at": body["modified_at"]}
    assert body == first | changed
    assert http.get(f"{PATH}/lead_1").json() == body


def test_a_patch_changes_what_it_names(http: httpx.Client) -> None:
    first = http.post(PATH, json=ANA).json()
    patch = {"phones": [], "emails": ["b@example.com"], "company": None, "attributes": {"plan": None, "z": "y"}}  # fmt: skip
    body = http.patch(f"{PATH}/lead_1", json=patch).json()
    assert (body["phones"], body["emails"], body["company"]) == ([], ["b@example.com"], None)
    assert body["attributes"] == {"seats": 12, "share": 0.5, "new": True, "z": "y"}
    assert (body["id"], body["tags"]) == (first["id"], first["tags"])
    assert http.get(PATH, params={"q": "acme"}).json()["data"] == []
    assert refs(http.get(PATH, params={"q": "B@EXAMPLE"})) == ["lead_1"]
    assert http.delete(f"{PATH}/lead_1").status_code == 204
    assert http.get(f"{PATH}/lead_1").status_code == 404
    assert http.delete(f"{PATH}/lead_1").status_code == 404


WRONG: list[tuple[Any, list[tuple[str, str]]]] = [
    ({}, [("#", "not_valid")]),
    ({"tags": ["x"]}, [("#", "not_valid")]),
    ({"name": "A", "phones": ["nobody"], "emails": ["x"]}, [("#/phones/0", "not_a_number"), ("#/emails/0", "not_an_email")]),
    ({"name": "A", "instagram_ids": ["ana"]}, [("#/instagram_ids/0", "not_an_instagram_id")]),
    ({"name": "A B", "last_name": "B"}, [("#/name", "not_together")]),
    ({"name": "A", "time_zone": "Mars/Base"}, [("#/time_zone", "unknown_time_zone")]),
    ({"name": "A", "attributes": {"a": {"b": 1}}}, [("#/attributes/a", "not_plain")]),
    ({"name": "A", "attributes": {"a": "\x00"}}, [("#/attributes/a", "not_plain")]),
    ({"name": "A", "attributes": {"a b": 1}}, [("#/attributes", "not_a_name")]),
    ({"name": "A", "attributes": {"a": 1e300}}, [("#/attributes/a", "not_plain")]),
    ({"name": "A", "ghost": 1}, [("#/ghost", "unknown_field")]),
    ({"name": "A\nB"}, [("#/name", "not_valid")]),
    ({"name": 5}, [("#/name", "not_text")]),
    ("A", [("#", "not_an_object")]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "problems"), WRONG)
def test_what_is_wrong_has_a_pointer(
    http: httpx.Client, given: Any, problems: list[tuple[str, str]]
) -> None:
    answer = http.post(PATH, json=given)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == problems
    assert http.get(PATH).json()["data"] == []


def test_a_list_is_answered_entry_by_entry(http: httpx.Client) -> None:
    http.post(PATH, json={"ref": "old", "first_name": "Bo"})
    entries = [
        {"ref": "a", "phones": ["+12025550123"]},
        {"ref": "b", "phones": ["1"]},
        {"ref": "old", "last_name": "Ek"},
        {"ref": "a"},
        {"first_name": "Cy"},
        7,
    ]
    answer = http.post(PATH, json=entries)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["accepted"], body["refused"]) == (3, 3)
    kept = [(one.get("ref"), one.get("new")) for one in body["data"]]
    assert kept == [("a", True), (None, None), ("old", False), (None, None), (None, True), (None, None)]  # fmt: skip
    wrong = [(e["pointer"], e["code"]) for one in body["data"] for e in one.get("errors", [])]
    assert wrong == [("#/1/phones/0", "short_code"), ("#/3/ref", "repeated"), ("#/5", "not_an_object")]  # fmt: skip
    assert http.get(f"{PATH}/old").json()["name"] == "Bo Ek"
    assert http.post(PATH, json=[]).json()["errors"][0]["code"] == "too_long"
    assert http.post(PATH, json=[{}] * 1001).json()["errors"][0]["code"] == "too_long"
    assert http.post(PATH, json=[{}]).json()["errors"][0]["pointer"] == "#/0"


def test_contacts_are_listed_page_by_page(http: httpx.Client) -> None:
    people = [
        {"ref": f"r{n}", "first_name": f"N{n}", "tags": ["odd"] if n % 2 else [], "assignee": "ann"}
        for n in range(5)
    ]
    assert http.post(PATH, json=people).json()["accepted"] == 5
    first = http.get(PATH, params={"limit": 2})
    assert refs(first) == ["r4", "r3"]
    second = http.get(PATH, params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert refs(second) == ["r2", "r1"]
    last = http.get(PATH, params={"limit": 2, "cursor": second.json()["next_cursor"]})
    assert (refs(last), last.json()["next_cursor"]) == (["r0"], None)
    assert refs(http.get(PATH, params={"tag": "ODD"})) == ["r3", "r1"]
    assert refs(http.get(PATH, params={"assignee": "ann", "q": "n2"})) == ["r2"]
    assert refs(http.get(PATH, params={"assignee": "bob"})) == []


def test_an_audience_is_counted_and_shown(http: httpx.Client) -> None:
    http.post(PATH, json=ANA)
    http.post(PATH, json={"ref": "twin", "name": "Ana Too", "phones": ["+12025550123"]})
    http.post(PATH, json={"ref": "mail", "name": "Stéphane", "emails": ["s@example.com"]})
    found = search(http, search_keyword="ANA").json()
    assert (found["contacts"], found["recipients"], found["without_address"]) == (2, 1, 0)
    found = search(http, filters=filtered({"field": "first_name", "operator": "exists"})).json()
    assert (found["contacts"], found["recipients"], found["without_address"]) == (3, 1, 1)
    assert refs(search(http, search_keyword="+1 (202) 555-0124")) == ["lead_1"]
    assert refs(search(http, lead_ids=["lead_1", "mail", "ghost"], assignees=["ann"])) == ["lead_1"]
    mine = http.get(f"{PATH}/mail").json()["id"]
    assert refs(search(http, lead_ids=[mine])) == ["mail"]
    accent = {"field": "first_name", "operator": "contains", "value": "STÉ"}
    tag = {"id": "1759891068581-u3gsnk8f7", "field": "tags", "operator": "contains", "value": ["Import 10/05/25"]}  # fmt: skip
    assert refs(search(http, filters=filtered(accent))) == ["mail"]
    assert refs(search(http, filters=filtered(accent, tag))) == []
    assert refs(search(http, filters=filtered(accent, tag, logic="OR"))) == ["mail", "lead_1"]
    for wild in ("%", "_", "\\", "'; DROP TABLE contacts; --"):
        assert refs(search(http, filters=filtered(accent | {"value": wild}))) == []


@pytest.mark.parametrize(
    ("audience", "pointer", "code"),
    [
        ({}, "#/audience", "empty_audience"),
        ({"search_keyword": None}, "#/audience", "empty_audience"),
        ({"lead_ids": []}, "#/audience/lead_ids", "not_a_list"),
        ({"filters": {"conditions": []}}, "#/audience/filters/conditions", "not_a_list"),
        ({"filters": filtered({"field": "ghost", "operator": "equals", "value": 1})}, "#/audience/filters/conditions/0/conditions/0/field", "unknown_field"),
    ],
)  # fmt: skip
def test_an_audience_that_means_nobody_is_refused(
    http: httpx.Client, audience: Any, pointer: str, code: str
) -> None:
    answer = search(http, **audience)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


def test_the_conversations_of_a_contact(rt: Runtime, http: httpx.Client, caller: Any) -> None:
    http.post(PATH, json=ANA)
    assert http.get(f"{PATH}/lead_1/conversations").json() == {"data": []}
    with rt.engine.begin() as db:
        key = addresses.key(rt.settings.pepper, "sms", "+12025550124")
        made = conversations.join(
            db, rt.new_id(), caller.tenant.id, Channel.SMS, key, caller.sender.id
        )
    (thread,) = http.get(f"{PATH}/lead_1/conversations").json()["data"]
    assert (thread["id"], thread["channel"]) == (str(made), "sms")
    assert http.get(f"{PATH}/ghost/conversations").status_code == 404


def test_the_examples_of_the_document_are_taken(http: httpx.Client) -> None:
    for example in _NEW.values():
        assert http.post(PATH, json=example["value"]).is_success
    for example in _PATCH.values():
        assert http.patch(f"{PATH}/lead_abc123", json=example["value"]).is_success
    for example in _SEARCH.values():
        assert http.post(f"{PATH}/search", json=example["value"]).is_success
    assert set(ContactRequest.model_fields) >= set(ANA)


def test_what_another_tenant_knows_is_not_there(http: httpx.Client, foreign: httpx.Client) -> None:
    mine = http.post(PATH, json=ANA).json()
    for name in ("lead_1", mine["id"]):
        for method, path, body in (
            ("GET", f"{PATH}/{name}", None),
            ("PATCH", f"{PATH}/{name}", {"company": "Theirs"}),
            ("DELETE", f"{PATH}/{name}", None),
            ("GET", f"{PATH}/{name}/conversations", None),
        ):
            theirs, nobodys = (
                foreign.request(method, each, json=body)
                for each in (path, path.replace(name, "0" * 8))
            )
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert foreign.get(PATH).json()["data"] == []
    assert foreign.get(f"{PATH}/export").text.count("\n") == 1
    for audience in ({"lead_ids": ["lead_1", mine["id"]]}, {"search_keyword": "ana"}):
        found = search(foreign, **audience).json()
        assert (found["contacts"], found["data"]) == (0, [])
    either = filtered({"field": "first_name", "operator": "exists"}, {"field": "first_name", "operator": "not_exists"}, logic="OR")  # fmt: skip
    assert search(foreign, filters=either).json()["contacts"] == 0
    theirs = foreign.post(PATH, json=ANA | {"company": "Theirs"})
    assert (theirs.status_code, theirs.json()["id"] != mine["id"]) == (201, True)
    foreign.delete(f"{PATH}/lead_1")
    assert http.get(f"{PATH}/lead_1").json() == mine
