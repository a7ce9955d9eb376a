"""Do-not-call lists over HTTP: a scrub replaces the last one whole, and grows stale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.consent_calls import US, ago, problems, put


def registry(http: httpx.Client, name: str = "US") -> dict[str, Any]:
    (found,) = [r for r in http.get("/v1/dnc").json()["data"] if r["registry"] == name]
    return dict(found)


def test_a_scrub_is_replaced_whole_and_shows_how_fresh_it_is(http: httpx.Client) -> None:
    never = registry(http)
    assert (never["required"], never["scrubbed_at"], never["days_left"]) == (True, None, 0.0)
    answer = put(http, "US", f"number\n{US}\n(202) 555-0124,listed in 2003\n\n{US}\n")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["listed"], answer.json()["skipped"]) == (2, 0)
    found = registry(http)
    assert (found["numbers"], found["days_left"]) == (2, 30.0)
    assert found["fresh_until"] > found["scrubbed_at"]
    assert put(http, "US", "number\n", ago(hours=1)).json()["listed"] == 0
    assert registry(http)["numbers"] == 0


def test_a_registry_no_policy_asks_for_has_no_term(http: httpx.Client) -> None:
    put(http, "US-TX", US)
    found = registry(http, "US-TX")
    assert found["required"] is False
    assert found["fresh_until"] is found["days_left"] is None


def test_a_stale_scrub_has_no_days_left(http: httpx.Client) -> None:
    put(http, "US", US, ago(days=32))
    assert registry(http)["days_left"] == 0.0


def test_the_time_of_a_scrub_may_stand_in_a_header(http: httpx.Client) -> None:
    at = "2026-01-05T10:00:00-05:00"
    answer = http.put("/v1/dnc/US", content=US, headers={"X-Scrubbed-At": at})
    assert answer.json()["scrubbed_at"] == "2026-01-05T15:00:00Z"
    both = http.put(
        "/v1/dnc/US", content=US, headers={"X-Scrubbed-At": at}, params={"scrubbed_at": ago()}
    )
    assert problems(both) == {"#/scrubbed_at": "contradiction"}


def test_an_older_scrub_is_refused(http: httpx.Client) -> None:
    put(http, "US", US, ago(days=1))
    answer = put(http, "US", "+12025550124", ago(days=2))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert registry(http)["days_left"] == 30.0


@pytest.mark.parametrize(
    ("name", "content", "at", "expected"),
    [
        ("US", f"{US}\nnonsense\n12\n", None, {"#/2": "not_a_number", "#/3": "short_code"}),
        ("US", '{"numbers": []}', None, {"#/1": "not_a_number"}),
        ("US", "", None, {"#": "empty"}),
        ("US", "\n \n", None, {"#": "empty"}),
        ("US", "+10005550123\n", None, {"#": "not_valid"}),
        ("US", US, "2099-01-01T00:00:00Z", {"#/scrubbed_at": "in_the_future"}),
        ("US", US, "20260105", {"#/scrubbed_at": "not_valid"}),
        ("US", US, "2026-01-05T10:00:00", {"#/scrubbed_at": "no_time_zone"}),
        ("U%20S", US, None, {"#/registry": "not_valid"}),
        ("x" * 33, US, None, {"#/registry": "not_valid"}),
    ],
)
def test_a_scrub_that_cannot_be_is_refused_and_changes_nothing(
    http: httpx.Client, name: str, content: str, at: str | None, expected: dict[str, str]
) -> None:
    put(http, "US", "+12025550124", ago(days=3))
    before = http.get("/v1/dnc").json()
    assert problems(put(http, name, content, at)) == expected
    assert http.get("/v1/dnc").json() == before


def test_numbers_that_are_in_use_nowhere_are_skipped(http: httpx.Client) -> None:
    answer = put(http, "US", f"{US}\n+10005550123\n")
    assert (answer.json()["listed"], answer.json()["skipped"]) == (1, 1)


def test_a_scrub_says_when_it_was(http: httpx.Client) -> None:
    assert problems(http.put("/v1/dnc/US", content=US)) == {"#/scrubbed_at": "required"}


def test_a_file_too_large_is_refused_before_it_is_read(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(33):
            yield b"x" * (1 << 20)

    answer = http.put("/v1/dnc/US", content=endless(), params={"scrubbed_at": ago(days=1)})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
