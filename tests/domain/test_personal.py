"""What one person reads where a text has placeholders, and which texts are refused."""

from __future__ import annotations

import html

import pytest
from pydantic import ValidationError

from messaging.domain import campaign as asking
from messaging.domain import personal
from messaging.domain.campaign import CampaignRequest
from messaging.domain.personal import Lacking

ANA = {
    "first_name": "Ana",
    "attributes.colour": "red",
    "n": 3,
    "vip": True,
    "empty": "",
    "gone": None,
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "Hello"),
        ("Hi {{first_name}}!", "Hi Ana!"),
        ("Hi {{ first_name }}!", "Hi Ana!"),
        ("Hi {{first_name|you}}!", "Hi Ana!"),
        ("Hi {{nick|there}}!", "Hi there!"),
        ("Hi{{nick|}}!", "Hi!"),
        ("Hi {{nick}}!", Lacking("nick")),
        ("Hi {{empty}}!", Lacking("empty")),
        ("Hi {{gone|friend}}!", "Hi friend!"),
        ("{{n}} {{vip}} {{attributes.colour}}", "3 yes red"),
        ("{{city}}", "Lisbon"),
        ("{{city|Porto}}", "Porto"),
        ("{one} }{ {{first_name}}", "{one} }{ Ana"),
    ],
)
def test_placeholders_are_filled_in(text: str, said: str | Lacking) -> None:
    found = personal.read(text, {"city": "Lisbon"})
    assert found is not None
    assert found.fill(ANA) == said


@pytest.mark.parametrize(
    "text",
    ["{{", "}}", "{{}}", "{{1st}}", "{{first name}}", "{{a|{{b}}}}", "{{a}}}}", "{{a.b.c}}",
     "{{a()}}", "{{ a | upper | b }}", "{{{a}}}}", "{{a|x\ny}}"],
)  # fmt: skip
def test_braces_that_are_no_placeholder_are_refused(text: str) -> None:
    assert personal.read(text, {}) is None


def test_what_a_field_holds_is_never_read_as_a_text() -> None:
    found = personal.read("Hi {{a}} {{b}}", {})
    assert found is not None
    fields = {"a": "{{b}}{b}%s", "b": "{{a}}\r\nBcc: x@example.com\0"}
    assert found.fill(fields) == "Hi {{b}}{b}%s {{a}}  Bcc: x@example.com"
    assert found.fill({"a": "<b>&", "b": "'"}, html.escape) == "Hi &lt;b&gt;&amp; &#x27;"


def test_what_is_put_in_is_bounded_and_one_line() -> None:
    assert personal.spoken("a\tb\u2028c") == "a b c"
    assert len(personal.spoken("x" * 10_000) or "") == personal.LONGEST_VALUE
    assert personal.spoken({"a": 1}) is None


def codes(known: frozenset[str] | None, **fields: object) -> list[tuple[str, str]]:
    request = CampaignRequest.model_validate({"name": "spring", "body": "Hello", **fields})
    found = asking.texts(request)
    problems = found if isinstance(found, list) else asking.unknown(found, known)
    return [(p.pointer, p.code) for p in problems]


def test_an_unknown_placeholder_is_a_problem_of_its_field() -> None:
    assert codes(None, body="{{first_name}} {{attributes.x}} {{company}}") == []
    assert codes(None, body="{{nick}}") == [("#/body", "unknown_placeholder")]
    assert codes(None, body="{{nick|x}}", subject="{{nick}}") == [
        ("#/subject", "unknown_placeholder")
    ]
    assert codes(None, body="{{nick}}", defaults={"nick": "you"}) == []
    assert codes(frozenset({"nick"}), body="{{nick}}") == []
    assert codes(frozenset({"nick"}), body="{{first_name}}") == [("#/body", "unknown_placeholder")]
    assert codes(None, html="{{", body="}}") == [
        ("#/body", "not_a_placeholder"),
        ("#/html", "not_a_placeholder"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"content": "nothing known"},
        {"defaults": {"a": "\0"}},
        {"audience": {"search_keyword": "\0"}},
        {"recipients": [{"to": "x", "fields": {"a\0": 1}}]},
        {"recipients": [{"to": "x", "fields": {"a": 1e300}}]},
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_form(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CampaignRequest.model_validate({"name": "spring", "body": "Hello", **wrong})
