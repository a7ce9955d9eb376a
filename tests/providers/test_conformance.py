"""What every provider must do, whoever it is."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.failures import Accepted, Failure, Kind
from messaging.domain.lifecycle import Event
from messaging.providers import PROVIDERS, UnknownProviderError, get
from messaging.providers.base import Provider, Webhook
from messaging.providers.transport import Transport
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    DIALECTS,
    FROM,
    SECRET,
    SID,
    TO,
    Dialect,
    account,
    doubt,
    outbound,
    webhook,
)
from tests.providers.wire import Serve, answer, say, send

CASES = [pytest.param(get(name), DIALECTS[name], id=name) for name in PROVIDERS]
each_provider = pytest.mark.parametrize(("provider", "dialect"), CASES)
JUNK = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"null", b"[]", b"[" * 9000, b'{"code": {}}', b'{"sid": 5}', b'{"code": 1e400}']),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["code", "sid", "status", "messages", "message", "date_created"]), inner
        ),
        max_leaves=8,
    ).map(lambda value: httpx.Request("POST", "http://x", json=_jsonable(value)).content),
)  # fmt: skip


def _jsonable(value: object) -> object:
    """NaN and infinities are no JSON."""
    if isinstance(value, float):
        return value if abs(value) < 1e300 else None
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    return value


def spilled(text: str) -> list[str]:
    """Which private things a text that reaches an operator or a log gives away."""
    return [private for private in (SECRET, TO[1:], FROM[1:], BODY, "4711") if private in text]


def test_every_provider_has_its_dialect() -> None:
    assert DIALECTS.keys() == PROVIDERS.keys()
    assert all(name == provider.name for name, provider in PROVIDERS.items())


def test_an_unknown_provider_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownProviderError, match=r"pigeon.*twilio"):
        get("pigeon")


@each_provider
def test_a_send_is_one_post_to_the_accounts_base_url(provider: Provider, dialect: Dialect) -> None:
    assert dialect.accepted
    for base_url in ("http://127.0.0.1:4010", "https://api.example.com/", "http://127.0.0.1:1/sub"):
        request = provider.request(account(provider.name, base_url=base_url), outbound())
        assert isinstance(request, httpx.Request)
        assert request.method == "POST"
        assert str(request.url).startswith(base_url)
        assert "//" not in request.url.path
        assert request.headers["content-length"] == str(len(request.content))
        assert not spilled(str(request.url))
        assert request.content


@each_provider
def test_a_send_is_one_request_on_the_wire(
    provider: Provider, dialect: Dialect, serve: Serve, transport: Transport
) -> None:
    server = serve(say(answer(dialect.accepted)))
    ours = account(provider.name, base_url=server.url)
    reply = send(transport, provider.request(ours, outbound()))
    assert isinstance(reply, httpx.Response)
    assert isinstance(provider.outcome(reply), Accepted)
    assert [a.head.split(b" ")[0] for a in server.arrivals] == [b"POST"]
    if provider.lookup is None:
        return
    assert isinstance(transport.call(provider.lookup(ours, doubt())), httpx.Response)
    assert [a.head.split(b" ")[0] for a in server.arrivals] == [b"POST", b"GET"]


@each_provider
def test_two_accounts_never_share_credentials(provider: Provider, dialect: Dialect) -> None:
    assert dialect.accepted
    one = provider.request(account(provider.name), outbound())
    two = provider.request(account(provider.name, secret="other"), outbound())
    assert one.headers["authorization"] != two.headers["authorization"]
    assert one.content == two.content


@each_provider
def test_a_good_reply_is_accepted(provider: Provider, dialect: Dialect) -> None:
    for status in (200, 201, 202):
        result = provider.outcome(httpx.Response(status, content=dialect.accepted))
        assert isinstance(result, Accepted)
        assert result.provider_message_id == SID


@each_provider
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Kind.AMBIGUOUS),
        (201, Kind.AMBIGUOUS),
        (301, Kind.CONFIG),
        (302, Kind.CONFIG),
        (307, Kind.CONFIG),
        (400, Kind.CONFIG),
        (401, Kind.CONFIG),
        (403, Kind.CONFIG),
        (404, Kind.CONFIG),
        (408, Kind.AMBIGUOUS),
        (429, Kind.RATE_LIMITED),
        (500, Kind.AMBIGUOUS),
        (502, Kind.AMBIGUOUS),
        (503, Kind.AMBIGUOUS),
        (504, Kind.AMBIGUOUS),
        (599, Kind.AMBIGUOUS),
    ],
)
def test_a_bare_status_is_read_with_care(
    provider: Provider, dialect: Dialect, status: int, kind: Kind
) -> None:
    for content in (b"", b"<html>sorry</html>", b"{}", dialect.accepted[:-2]):
        result = provider.outcome(httpx.Response(status, content=content))
        assert isinstance(result, Failure)
        assert result.kind is kind
        assert result.detail.endswith(".")


@each_provider
@given(status=st.integers(200, 599), content=JUNK)
def test_an_outcome_never_raises(
    provider: Provider, dialect: Dialect, status: int, content: bytes
) -> None:
    assert dialect.accepted
    result = provider.outcome(httpx.Response(status, content=content))
    assert isinstance(result, Accepted | Failure)
    assert isinstance(result, Failure) or status < 300


@each_provider
@given(status=st.integers(200, 599), content=JUNK)
def test_a_lookup_reply_never_raises(
    provider: Provider, dialect: Dialect, status: int, content: bytes
) -> None:
    assert dialect.accepted
    if provider.sightings is not None:
        assert provider.sightings(httpx.Response(status, content=content), doubt()) is None


@each_provider
def test_a_lookup_is_a_get_at_the_base_url(provider: Provider, dialect: Dialect) -> None:
    assert dialect.accepted
    if provider.lookup is None:
        return
    request = provider.lookup(account(provider.name), doubt())
    assert request.method == "GET"
    assert request.content == b""
    assert str(request.url).startswith("http://127.0.0.1:4010/")
    assert SECRET not in str(request.url)
    assert BODY not in str(request.url)


@each_provider
def test_a_genuine_receipt_is_read(provider: Provider, dialect: Dialect) -> None:
    hook = webhook(dialect, dialect.delivered)
    assert provider.verify(account(provider.name), hook)
    report = provider.report(hook)
    assert report is not None
    assert (report.provider_message_id, report.event) == (SID, Event.DELIVERED)


@each_provider
def test_a_forged_webhook_is_refused(provider: Provider, dialect: Dialect) -> None:
    hook, ours = webhook(dialect, dialect.delivered), account(provider.name)
    forged = [
        replace(hook, body=hook.body + b"&x=1"),
        replace(hook, body=b""),
        replace(hook, url=CALLBACK.replace("e=3", "e=4")),
        replace(hook, headers={}),
        replace(hook, headers=dict.fromkeys(hook.headers, "é�")),
        replace(hook, headers=dict.fromkeys(hook.headers, "")),
    ]
    assert [provider.verify(ours, bad) for bad in forged] == [False] * len(forged)
    assert not provider.verify(account(provider.name, secret="another"), hook)
    assert not provider.verify(account(provider.name, secret=""), hook)


@each_provider
def test_an_unknown_status_changes_nothing(provider: Provider, dialect: Dialect) -> None:
    hook = webhook(dialect, "teleported")
    report = provider.report(hook)
    assert report is not None
    assert report.event is None


@each_provider
@given(body=st.binary(max_size=300), header=st.text(max_size=40), url=st.text(max_size=80))
def test_a_garbage_webhook_never_raises(
    provider: Provider, dialect: Dialect, body: bytes, header: str, url: str
) -> None:
    headers = dict.fromkeys(dialect.sign(CALLBACK, b""), header)
    hook = Webhook(url, headers, body)
    assert provider.verify(account(provider.name), hook) is False
    assert provider.report(hook) is None
    assert provider.inbound(hook) == []


@each_provider
@pytest.mark.parametrize("keyword", [None, "STOP", "START", "HELP"])
def test_an_inbound_message_is_read_and_is_no_receipt(
    provider: Provider, dialect: Dialect, keyword: str | None
) -> None:
    body = dialect.inbound(keyword)
    hook = Webhook(CALLBACK, dialect.sign(CALLBACK, body), body)
    assert provider.verify(account(provider.name), hook)
    (read,) = provider.inbound(hook)
    assert (read.provider_message_id, read.from_, read.to, read.body) == (SID, TO, FROM, BODY)
    assert read.provider_keyword == keyword
    assert provider.report(hook) is None


@each_provider
def test_a_receipt_is_no_inbound_message(provider: Provider, dialect: Dialect) -> None:
    for status in (dialect.delivered, "teleported"):
        assert provider.inbound(webhook(dialect, status)) == []


@each_provider
def test_a_forged_inbound_message_is_refused(provider: Provider, dialect: Dialect) -> None:
    body = dialect.inbound("STOP")
    headers = dialect.sign(CALLBACK, body)
    assert not provider.verify(account(provider.name), Webhook(CALLBACK, headers, body + b"&x=1"))
    assert not provider.verify(account(provider.name), Webhook(CALLBACK, {}, body))


@each_provider
def test_no_failure_spills_what_the_provider_repeats(provider: Provider, dialect: Dialect) -> None:
    """Error texts of providers quote the number and the body; ours never do."""
    assert dialect.accepted
    for status in (400, 404, 429, 500, 503):
        for code in (21211, 99999, TO, BODY, None):
            content = {"code": code, "message": f"{TO} is bad: {BODY}", "status": status}
            result = provider.outcome(httpx.Response(status, json=content))
            assert not spilled(repr(result))
