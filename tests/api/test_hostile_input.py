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

from tests.api.hostile_routes import ADDRESSES, CANARY, HEADS, NEW, ROUTES, TO, Route

NUMBERS = itertools.count()
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
        "tendlc-campaigns", "senders", "pools", "bindings", "messages", "inbound", "accounts",
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


def renewed(file: bytes) -> bytes:
    return file.replace(NEW.encode(), f"+1202555{next(NUMBERS) % 10_000:04}".encode())


@pytest.mark.parametrize("path", list(HEADS))
def test_no_file_breaks_an_import(http: httpx.Client, path: str) -> None:
    send = Sender(http, "PUT" if "dnc" in path else "POST", path, "text/csv")
    names, cells = list(HEADS[path]), list(HEADS[path].values())
    head, good = line(names), line(cells)
    whole = head + good
    send.accepts(b"\xef\xbb\xbf" + renewed(whole))
    send.accepts(renewed(whole).replace(b"\r\n", b"\n"))
    send.accepts(head + b"\r\n" + renewed(good).rstrip())
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


@pytest.mark.parametrize("key", ["of a stranger", None])
@pytest.mark.parametrize(
    "path", ["/v1/pools", "/v1/campaigns", "/v1/contacts", "/v1/messages/preview"]
)
def test_no_body_is_read_without_end(http: httpx.Client, path: str, key: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = key
    body = b'{"name": "' + CANARY.encode() * (2 << 20) + b'"}'
    answer = http.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert what_is_wrong(answer) is None
