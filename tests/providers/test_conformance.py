"""What every provider must do with a send, its reply, and a look-up, whoever it is."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Parts
from messaging.providers import PROVIDERS, UnknownProviderError, get
from messaging.providers.base import Provider, unable
from messaging.providers.transport import Transport
from tests.providers.conformance import BODY, SECRET, Dialect, dialects
from tests.providers.wire import Serve, answer, say, send

CASES = [
    pytest.param(PROVIDERS[name], dialect, id=name)
    for name, dialect in dialects().items()
    if name in PROVIDERS
]
each_provider = pytest.mark.parametrize(("provider", "dialect"), CASES)
_FIELDS = (
    "code", "sid", "status", "messages", "message", "date_created", "data", "errors", "error",
    "title", "type", "id", "message_uuid", "records", "message-id", "error-text", "uuid", "to",
    "invalid_parameters", "message_id", "source", "pointer", "error_subcode",
)  # fmt: skip
JUNK = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"null", b"[]", b"[" * 9000, b'{"code": {}}', b'{"sid": 5}', b'{"code": 1e400}']),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_FIELDS), inner),
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


def test_every_provider_has_its_dialect() -> None:
    assert dialects().keys() == PROVIDERS.keys()
    assert all(name == provider.name for name, provider in PROVIDERS.items())


def test_an_unknown_provider_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownProviderError, match=r"pigeon.*twilio"):
        get("pigeon")


@each_provider
def test_a_send_is_one_post_to_the_accounts_base_url(provider: Provider, dialect: Dialect) -> None:
    for base_url in dialect.base_urls:
        ours = dialect.account(provider, base_url=base_url)
        request = provider.request(ours, dialect.outbound())
        assert isinstance(request, httpx.Request)
        assert request.method == "POST"
        assert str(request.url).startswith(base_url)
        assert "//" not in request.url.path
        assert not dialect.spilled(str(request.url))
        assert request.content
        if dialect.over_http:
            assert request.headers["content-length"] == str(len(request.content))


@each_provider
def test_a_send_is_one_request_on_the_wire(
    provider: Provider, dialect: Dialect, serve: Serve, transport: Transport
) -> None:
    if not dialect.over_http:
        pytest.skip("another transport carries it")
    extra = "".join(f"{name}: {value}\r\n" for name, value in dialect.accepted_headers.items())
    status = f"{dialect.accepted_status} Good"
    server = serve(say(answer(dialect.accepted, status=status, extra=extra.encode())))
    ours = dialect.account(provider, base_url=server.url)
    reply = send(transport, provider.request(ours, dialect.outbound()))
    assert isinstance(reply, httpx.Response)
    assert isinstance(provider.outcome(reply), Accepted)
    assert [a.head.split(b" ")[0] for a in server.arrivals] == [b"POST"]
    if provider.lookup is None:
        return
    assert isinstance(transport.call(provider.lookup(ours, dialect.doubt())), httpx.Response)
    assert [a.head.split(b" ")[0] for a in server.arrivals] == [b"POST", b"GET"]


@each_provider
def test_two_accounts_never_share_credentials(provider: Provider, dialect: Dialect) -> None:
    secrets = {}
    for secret in (SECRET, "other"):
        ours = dialect.account(provider, secret=secret)
        request = provider.request(ours, dialect.outbound())
        secrets[secret] = (request.headers.raw, request.content, request.extensions)
    assert secrets[SECRET] != secrets["other"]
    again = provider.request(dialect.account(provider), dialect.outbound())
    assert (again.headers.raw, again.content, again.extensions) == secrets[SECRET]


@each_provider
def test_a_message_beyond_its_abilities_is_refused_with_a_reason(
    provider: Provider, dialect: Dialect
) -> None:
    can, out = provider.abilities[dialect.channel], dialect.outbound()
    assert unable(provider, out) is None
    media = tuple(f"https://cdn.example.com/{n}.png" for n in range(can.media + 1))
    beyond = {
        "too_long": replace(out, body="x" * (can.max_body + 1)),
        "media_unsupported": replace(out, parts=Parts(media=media)),
    }
    for channel in set(Channel) - provider.abilities.keys():
        beyond["channel_unsupported"] = replace(out, channel=channel)
    if not can.flash:
        beyond["flash_unsupported"] = replace(out, flash=True)
    for code, wish in beyond.items():
        refused = unable(provider, wish)
        assert refused is not None
        assert (refused.kind, refused.code) == (Kind.CONFIG, code)
        assert refused.failover is Failover.OTHER_PROVIDER
        assert not dialect.spilled(repr(refused))
    assert unable(provider, replace(out, body="x" * can.max_body)) is None


@each_provider
def test_a_good_reply_is_accepted(provider: Provider, dialect: Dialect) -> None:
    result = provider.outcome(dialect.reply())
    assert isinstance(result, Accepted)
    assert result.provider_message_id == dialect.message_id


@each_provider
def test_a_bare_status_is_read_with_care(provider: Provider, dialect: Dialect) -> None:
    for status, kind in dialect.kinds.items():
        for content in (b"", b"<html>sorry</html>", b"{}", b"[1]", dialect.accepted[:-2]):
            result = provider.outcome(httpx.Response(status, content=content))
            assert isinstance(result, Failure)
            assert result.kind is kind, status
            assert result.detail.endswith(".")


@each_provider
@given(status=st.integers(200, 599), content=JUNK)
def test_an_outcome_never_raises_and_only_a_definite_refusal_fails_over(
    provider: Provider, dialect: Dialect, status: int, content: bytes
) -> None:
    result = provider.outcome(httpx.Response(status, content=content))
    assert isinstance(result, Accepted | Failure)
    if isinstance(result, Accepted):
        assert status < 300
    elif result.kind is Kind.AMBIGUOUS:
        assert result.failover is Failover.NONE
    assert isinstance(dialect, Dialect)


@each_provider
@given(status=st.integers(200, 599), content=JUNK)
def test_a_lookup_reply_never_raises(
    provider: Provider, dialect: Dialect, status: int, content: bytes
) -> None:
    reply = httpx.Response(status, content=content)
    if provider.sightings is not None:
        seen = provider.sightings(reply, dialect.doubt())
        assert seen is None or (status == 200 and isinstance(seen, list))
    if provider.fetched is not None:
        assert status == 200 or provider.fetched(reply) is None


@each_provider
def test_a_lookup_is_a_get_at_the_base_url(provider: Provider, dialect: Dialect) -> None:
    assert dialect.has_lookup is (provider.lookup is not None)
    assert (provider.lookup is None) is (provider.sightings is None)
    assert (provider.fetch is None) is (provider.fetched is None)
    ours = dialect.account(provider)
    requests = []
    if provider.lookup is not None:
        requests.append(provider.lookup(ours, dialect.doubt()))
    if provider.fetch is not None:
        requests += [provider.fetch(ours, name) for name in (dialect.message_id, "../a?b#c")]
    for request in requests:
        assert request.method == "GET"
        assert request.content == b""
        assert str(request.url).startswith(f"{dialect.base_urls[0]}/")
        assert SECRET not in str(request.url)
        assert BODY not in str(request.url)
        assert b"/../" not in request.url.raw_path
        assert request.url.fragment == ""


@each_provider
def test_a_lookup_shows_the_attempt_or_that_there_is_none(
    provider: Provider, dialect: Dialect
) -> None:
    if provider.sightings is not None:
        (seen,) = (
            provider.sightings(httpx.Response(200, content=dialect.listing), dialect.doubt()) or []
        )
        assert seen.provider_message_id == dialect.message_id
        assert seen.event in {None, Event.ACCEPTED, Event.DELIVERED}
        nothing = httpx.Response(200, content=dialect.empty_listing)
        assert provider.sightings(nothing, dialect.doubt()) == []
        assert provider.sightings(httpx.Response(503), dialect.doubt()) is None
        # Only what names our attempt may settle a doubt by itself.
        assert seen.certain or provider.fetch is not None
    if provider.fetched is not None:
        report = provider.fetched(httpx.Response(200, content=dialect.fetched))
        assert report is not None
        assert (report.provider_message_id, report.event) == (dialect.message_id, Event.DELIVERED)


@each_provider
def test_no_failure_spills_what_the_provider_repeats(provider: Provider, dialect: Dialect) -> None:
    """Error texts of providers quote the number and the body; ours never do."""
    quoting = f"{dialect.to} is bad for {dialect.sender}, {SECRET}: {BODY}"
    codes = {*provider.dead_numbers, *provider.filtered, "99999", dialect.to, BODY, ""}
    for status in (200, 400, 404, 422, 429, 500, 503):
        for code in sorted(codes):
            reply = httpx.Response(status, content=dialect.refusal(code, quoting))
            result = provider.outcome(reply)
            assert isinstance(result, Failure)
            assert not dialect.spilled(repr(result))
            assert result.detail.endswith(".")


@each_provider
def test_the_codes_a_provider_declares_are_codes(provider: Provider, dialect: Dialect) -> None:
    assert provider.landlines <= provider.dead_numbers
    sets = (provider.dead_numbers, provider.filtered, provider.blameless, provider.daily_caps)
    assert all(not dialect.spilled(code) for codes in sets for code in codes)
    assert not provider.dead_numbers & provider.filtered
    assert not provider.dead_numbers & provider.blameless
    assert len({option.name for option in provider.options}) == len(provider.options)
