"""Vonage's Reports API, which settles doubts about both of its ways to send."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.domain.lifecycle import Event
from messaging.providers import get
from messaging.providers.base import Provider, Sighting
from tests.providers.conformance import NOON, REFERENCE, account, doubt
from tests.providers.dialects.vonage import ID, RECORD, listing

BOTH = pytest.mark.parametrize(
    ("provider", "product"), [(get("vonage"), "MESSAGES"), (get("vonage_sms"), "SMS")]
)


@BOTH
def test_the_lookup_asks_for_a_stretch_of_time(provider: Provider, product: str) -> None:
    assert provider.lookup is not None
    request = provider.lookup(account(provider.name, username="abcd1234"), doubt())
    assert request.url.path == "/v2/reports/records"
    assert dict(request.url.params) == {
        "account_id": "abcd1234",
        "product": product,
        "direction": "outbound",
        "date_start": "2026-03-02T11:59:00Z",
        "date_end": "2026-03-02T12:02:30Z",
    }
    assert request.headers["authorization"].startswith("Basic ")


@BOTH
def test_one_message_is_asked_for_by_its_id_alone(provider: Provider, product: str) -> None:
    assert provider.fetch is not None
    request = provider.fetch(account(provider.name, username="abcd1234"), ID)
    assert dict(request.url.params) == {
        "account_id": "abcd1234",
        "product": product,
        "direction": "outbound",
        "id": ID,
    }


@BOTH
def test_records_are_where_vonage_keeps_them(provider: Provider, product: str) -> None:
    assert product
    assert provider.lookup is not None
    hosts = {
        provider.base_url: "api.nexmo.com",
        "https://rest.nexmo.com": "api.nexmo.com",
        "http://127.0.0.1:4010": "127.0.0.1",
        "https://rest.example.com": "rest.example.com",
    }
    for base_url, host in hosts.items():
        request = provider.lookup(account(provider.name, base_url=base_url), doubt())
        assert request.url.host == host
        assert request.headers["host"] == request.url.netloc.decode()


MATCH = [Sighting(ID, "delivered", Event.DELIVERED, named=True)]
OTHER = {**RECORD, "client_ref": REFERENCE[:-1] + "4"}


@BOTH
@pytest.mark.parametrize(
    ("records", "changes", "expected"),
    [
        ([RECORD], {}, MATCH),
        ([OTHER, RECORD], {}, MATCH),
        ([RECORD, {**RECORD, "message_id": "another"}], {}, MATCH),
        ([RECORD], {"cursor": "more"}, MATCH),
        ([], {}, []),
        ([OTHER], {}, []),
        ([OTHER, {"client_ref": REFERENCE}], {}, None),
        ([OTHER, 5], {}, None),
        ([], {"cursor": "more"}, None),
        ([], {"request_status": "TRUNCATED"}, None),
        ([], {"request_status": None}, None),
        ([], {"records": {}}, None),
    ],
)
def test_only_our_reference_settles_a_doubt(
    provider: Provider,
    product: str,
    records: list[Any],
    changes: dict[str, Any],
    expected: list[Sighting] | None,
) -> None:
    assert product
    assert provider.sightings is not None
    reply = httpx.Response(200, content=listing(*records, **changes))
    assert provider.sightings(reply, doubt()) == expected


@BOTH
def test_what_became_of_one_message(provider: Provider, product: str) -> None:
    assert product
    assert provider.fetched is not None
    report = provider.fetched(httpx.Response(200, content=listing(RECORD)))
    assert report is not None
    assert (report.event, report.reference, report.code) == (Event.DELIVERED, REFERENCE, None)
    assert report.at is not None
    assert (report.at - NOON).total_seconds() == 7
    assert provider.fetched(httpx.Response(200, content=listing())) is None
    assert provider.fetched(httpx.Response(404, content=listing(RECORD))) is None


@pytest.mark.parametrize(
    ("name", "status", "number", "code", "event"),
    [
        ("vonage", "undeliverable", "1240", "1240", Event.OPTED_OUT),
        ("vonage_sms", "FAILED", "9", "dlr-9", Event.OPTED_OUT),
        ("vonage_sms", "expired", 0, None, Event.UNDELIVERED),
        ("vonage_sms", "deleted", "0", None, None),
    ],
)
def test_a_records_error_is_a_receipts(
    name: str, status: str, number: object, code: str | None, event: Event | None
) -> None:
    fetched = get(name).fetched
    assert fetched is not None
    record = {**RECORD, "status": status, "error_code": number}
    report = fetched(httpx.Response(200, content=listing(record)))
    assert report is not None
    assert (report.code, report.event) == (code, event)
