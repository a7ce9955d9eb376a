"""Whatever is sent, no route breaks: a problem that says what to do, and nothing of what was sent."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TO = "+12025550123"
CANARY = "canary7f3e"
AT = "2026-03-01T12:00:00Z"
NUMBERS = itertools.count()

Route = tuple[str, str]
ROUTES: dict[Route, dict[str, Any]] = {
    ("POST", "/v1/messages"): {
        "to": TO, "body": "Hi", "category": "MARKETING", "from": "+12025550199", "pool": "main",
        "scheduled_for": "2026-12-01T12:00:00Z", "expires_at": "2026-12-02T12:00:00Z",
        "metadata": {"a": 1}, "content": "alcohol", "time_zone": "America/New_York",
        "postal_code": "10001", "flash": False, "draft": False, "idempotency_key": "k",
    },
    ("POST", "/v1/messages/preview"): {"body": "Hi", "category": "MARKETING", "flash": True},
    ("POST", "/v1/messages/search"): {"to": TO, "limit": 10, "cursor": "x"},
    ("POST", "/v1/suppressions"): {
        "to": TO, "channel": "sms", "scope": "MARKETING", "source": "complaint", "at": AT,
        "evidence": "ticket",
    },
    ("DELETE", "/v1/suppressions"): {"to": TO, "kind": "complaint", "evidence": "x"},
    ("POST", "/v1/suppressions/check"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/suppressions/history"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/consents"): {
        "to": TO, "action": "grant", "basis": "express", "source": "web", "at": AT,
        "evidence": {"ip": "x"}, "text_version": "v1", "category": "MARKETING",
    },
    ("POST", "/v1/consents/check"): {"to": TO, "category": "MARKETING"},
    ("POST", "/v1/consents/history"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/numbers/check"): {"to": TO},
    ("POST", "/v1/erasures"): {"to": TO, "channel": "sms"},
    ("PUT", "/v1/brands/main"): {"status": "active", "provider_brand_id": "B1"},
    ("PUT", "/v1/tendlc-campaigns/main"): {
        "brand": "main", "status": "verified", "use_case": "MIXED", "has_links": True,
        "provider_campaign_id": "C1",
    },
    ("PATCH", "/v1/senders/{sender}"): {
        "campaign": "main", "verification": "verified", "reply_owner": "self", "healthy": True,
    },
    ("PATCH", "/v1/pools/main"): {"regions": ["US"]},
    ("PATCH", "/v1/policy"): {
        "brand": "Acme", "marketing_consent": "required", "over_cap": "drop",
        "caps": [{"limit": 1, "hours": 1, "category": "MARKETING"}],
        "dnc_registries": {"US": 31},
        "quiet_hours": {"preset": "law", "opens": "09:00", "closes": "17:00",
                        "closing_margin_minutes": 1, "spread_minutes": 1},
        "content": {"opt_out_notice": "x", "notice_days": 1, "regulated": ["alcohol"]},
        "replies": {"stop": "x", "start": "x", "help": "x"},
        "destinations": {"regions": ["US"], "international_per_hour": 1, "prefix_per_hour": 1},
        "lookup": {"account": "main", "max_age_days": 1},
        "retention": {"body_days": 1, "receipt_days": 1},
    },
}  # fmt: skip
TEXTS = [
    "", " ", CANARY, f"{CANARY}\0", f"{CANARY}\ud800", CANARY * 1000, "\0", "\ud800", "+1" * 500,
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00Z", "-1-01-01T00:00:00Z", "20260301", "24:00", "09:00+05:00", "\u2028",
    "1" * 5000, "[" * 50_000, '{"a": NaN}', '{"a": "\\u0000"}', '{"a": "\\ud800"}',
]  # fmt: skip
HOSTILE: list[Any] = [
    *TEXTS, None, True, 0, -1, 1e308, 10**18, 10**40, float("nan"), float("inf"), [], {}, [None],
    [[]], [CANARY], ["\0"], ["\ud800"], {f"{CANARY} {CANARY}": CANARY}, {"\0": 1}, {"\ud800": 1},
    {"a": float("nan")}, {"a": "\0"}, {"US": -5}, {"US": 10**12}, {"US": 10**40},
]  # fmt: skip
RAW = [
    b"", b"{", b"null", b"[]", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"\x00", b"NaN",
    b'{"to": 1' + b"0" * 5000 + b"}", b'{"to":"\\ud800"}', b'"canary7f3e"', b"to=1&a=canary7f3e",
    '{"to":"é"}'.encode("latin-1"),
]  # fmt: skip
TYPES = (
    "application/json", "text/plain", "", "application/x-www-form-urlencoded",
    "multipart/form-data", "application/json; charset=latin-1",
)  # fmt: skip
HEADS = {
    "/v1/suppressions/import": {
        "to": TO, "channel": "sms", "scope": "all", "source": "complaint", "at": AT,
        "evidence": "x", "kind": "complaint", "key": "",
    },
    "/v1/consents/import": {
        "to": TO, "channel": "sms", "category": "MARKETING", "action": "grant",
        "basis": "express", "source": "web", "text_version": "v", "at": AT, "evidence": "{}",
    },
    "/v1/numbers/import": {"to": TO, "line_type": "mobile"},
    "/v1/dnc/US?scrubbed_at=2026-03-01T12:00:00Z": {"number": TO},
}  # fmt: skip
ADDRESSES = (
    "/v1/brands/%00", "/v1/brands/%ff", "/v1/brands/%ED%A0%80", f"/v1/brands/{'x' * 10_000}",
    "/v1/tendlc-campaigns/%0a", "/v1/pools/%00", f"/v1/pools/{CANARY}", f"/v1/senders/{CANARY}",
    "/v1/dnc/%00?scrubbed_at=2026-03-01T12:00:00Z", "/v1/dnc/US", "/v1/dnc/US?scrubbed_at=9",
    "/v1/dnc/US?scrubbed_at=0001-01-01T00:00:00%2B14:00", f"/v1/dnc/US?scrubbed_at={CANARY}",
    f"/v1/messages/{CANARY}/explain", "/v1/messages/%00/explain", f"/v1/erasures/{CANARY}",
    f"/v1/inbound?cursor={CANARY}", f"/v1/inbound?limit={10**30}", f"/v1/inbound?keyword={CANARY}",
    f"/v1/suppressions?cursor={CANARY}", "/v1/suppressions?cursor=%00", "/v1/suppressions?limit=-1",
    f"/v1/suppressions?cursor={'A' * 5000}", "/v1/suppressions?cursor=bnVsbA",
    "/v1/suppressions?cursor=W10", "/v1/suppressions?cursor=eyJhIjoxfQ",
    "/v1/suppressions?cursor=WyJzbXMiLCJ4IiwieCIsIngiXQ", f"/problems/{CANARY}",
    "/v1/messages?created_from=0001-01-01T00:00:00%2B14:00",
)  # fmt: skip


def what_is_wrong(answer: httpx.Response) -> str | None:
    """Why this is no answer to bad input, if it is none."""
    if answer.status_code < 400:
        return None
    if answer.status_code >= 500:
        return "it broke"
    if answer.headers["content-type"] != "application/problem+json":
        return "no problem+json"
    if CANARY in answer.text:
        return "it repeats what was sent"
    problem = answer.json()
    invalid, told = problem["code"] == "validation_failed", problem["errors"]
    pointed = all(e["pointer"].startswith("#") and e["detail"] for e in told)
    helps = problem["detail"] and pointed and (told or not invalid)
    return None if helps else "no pointer or no remedy"


class Sender:
    """Sends what should not be sent, and remembers what went wrong."""

    def __init__(self, http: httpx.Client, method: str, path: str, kind: str = "") -> None:
        self.http, self.method, self.path, self.kind = http, method, path, kind
        self.faults: list[str] = []

    def __call__(self, raw: bytes, **headers: str) -> httpx.Response:
        used = {"Content-Type": self.kind or "application/json"} | headers
        answer = self.http.request(self.method, self.path, content=raw, headers=used)
        wrong = what_is_wrong(answer)
        if wrong is not None:
            self.faults.append(f"{wrong}: {raw[:300]!r} -> {answer.text[:200]}")
        return answer

    def accepts(self, raw: bytes) -> None:
        if self(raw).status_code >= 300:
            self.faults.append(f"refused: {raw[:300]!r}")

    def refuses(self, raw: bytes) -> None:
        if self(raw).status_code < 400:
            self.faults.append(f"accepted: {raw[:300]!r}")


def spots(base: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document a value stands."""
    if path:
        yield path
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(base, dict):
        inside = base.items()
    elif isinstance(base, list):
        inside = enumerate(base)
    for name, value in inside:
        yield from spots(value, (*path, name))


def put(base: Any, path: tuple[Any, ...], value: Any) -> bytes:
    copy = json.loads(json.dumps(base))
    if "idempotency_key" in copy:
        copy["idempotency_key"] = f"k{next(NUMBERS)}"
    at = copy
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return json.dumps(copy).encode()


def everything_is_still_readable(http: httpx.Client) -> None:
    """What was let in must not break whoever reads it, or sends beside it."""
    for path in (
        "policy", "policy/history", "suppressions", "suppressions/export", "dnc", "brands",
        "tendlc-campaigns", "senders", "pools", "messages", "inbound",
    ):  # fmt: skip
        assert http.get(f"/v1/{path}").status_code == 200, path
    for message in http.get("/v1/messages?limit=200").json()["data"]:
        assert http.get(f"/v1/messages/{message['id']}").status_code == 200
    for path in ("consents/history", "consents/check", "suppressions/history", "numbers/check"):
        assert http.post(f"/v1/{path}", json={"to": TO}).status_code == 200, path
    message = {"to": TO, "body": "Hi", "category": "MARKETING"}
    assert http.post("/v1/messages", json=[message]).status_code < 500


def address(route: Route, caller: Any) -> str:
    return route[1].format(sender=caller.sender.id)


@pytest.mark.parametrize("route", list(ROUTES), ids=" ".join)
def test_no_value_of_any_field_breaks_a_route(
    http: httpx.Client, caller: Any, route: Route
) -> None:
    send = Sender(http, route[0], address(route, caller))
    base = ROUTES[route]
    for value in HOSTILE:
        for spot in spots(base):
            send(put(base, spot, value))
        send(put(base, ("extra",), value))
        send(json.dumps(value).encode())
    assert not send.faults, "\n".join(send.faults)
    everything_is_still_readable(http)


@pytest.mark.parametrize("route", list(ROUTES), ids=" ".join)
def test_no_body_breaks_a_route(http: httpx.Client, caller: Any, route: Route) -> None:
    for kind in TYPES:
        send = Sender(http, route[0], address(route, caller), kind)
        for raw in RAW:
            send(raw)
        assert not send.faults, "\n".join(send.faults)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("route", list(ROUTES), ids=" ".join)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_document_breaks_a_route(
    http: httpx.Client, caller: Any, route: Route, data: st.DataObject
) -> None:
    send = Sender(http, route[0], address(route, caller))
    spot = data.draw(st.sampled_from(list(spots(ROUTES[route]))))
    send(put(ROUTES[route], spot, data.draw(JSON)))
    assert not send.faults, "\n".join(send.faults)


def line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("path", list(HEADS))
def test_no_file_breaks_an_import(http: httpx.Client, path: str) -> None:
    send = Sender(http, "PUT" if "dnc" in path else "POST", path, "text/csv")
    names, cells = list(HEADS[path]), list(HEADS[path].values())
    head, good = line(names), line(cells)
    whole = head + good
    send.accepts(b"\xef\xbb\xbf" + whole)
    send.accepts(whole.replace(b"\r\n", b"\n"))
    send.accepts(head + b"\r\n" + good.rstrip())
    send(whole.replace(b"\r\n", b"\r"))
    for bad in (b"", b"\n\n", head + "é".encode("latin-1"), head + b'"canary7f3e'):
        send.refuses(bad)
    for broken in (CANARY * 1_000_000, f'"{CANARY}" x,', f"{CANARY}\0", '"' + CANARY * 1_000_000):
        send.refuses(head + broken.encode())
    if len(names) > 1:
        for bad in (good, line(names * 2) + line(cells * 2), head + b"x," + good):
            send.refuses(bad)
    for i, text in itertools.product(range(len(cells)), TEXTS):
        send(head + line([*cells[:i], text, *cells[i + 1 :]]))
    assert not send.faults, "\n".join(send.faults)
    everything_is_still_readable(http)


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_breaks_a_route(http: httpx.Client, path: str) -> None:
    bodies = (b"", b"{}", b'{"status":"active"}', b'{"regions":null}', b"number\n")
    for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
        send = Sender(http, method, path)
        for body in bodies:
            send(body)
        send(b"number\n", **{"X-Scrubbed-At": CANARY})
        assert not send.faults, "\n".join(send.faults)
