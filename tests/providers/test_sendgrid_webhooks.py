"""SendGrid afterwards: its events, what people answer, its signature, and the table of its errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Webhook
from messaging.providers.sendgrid_errors import ASYNC, DEAD, SYNC
from tests.providers.conformance import CALLBACK, NOON, REFERENCE, account, read
from tests.providers.dialects.sendgrid import (
    BOUNDARY,
    FROM,
    ID,
    TO,
    body,
    event,
    form,
    mail,
    public,
)
from tests.providers.error_rows import beside, rows_of

SENDGRID = get("sendgrid")


# --- events


def reports(*events: dict[str, Any]) -> list[DeliveryReport]:
    return read(SENDGRID, Webhook(CALLBACK, {}, body(*events), NOON))


def test_a_webhook_is_split_into_its_events() -> None:
    many = [event("processed"), event("delivered"), event("open", url="https://x.example.com")]
    raw = SENDGRID.events(Webhook(CALLBACK, {}, body(*many), NOON))
    assert [each.key for each in raw] == [each["sg_event_id"] for each in many]
    assert [orjson.loads(each.body) for each in raw] == many
    nameless = {"event": "delivered", "sg_message_id": ID}
    (one,) = SENDGRID.events(Webhook(CALLBACK, {}, body(nameless), NOON))
    assert len(one.key) == 32
    assert SENDGRID.events(Webhook(CALLBACK, {}, b'{"event": "delivered"}', NOON)) == []
    assert SENDGRID.events(Webhook(CALLBACK, {}, b"[1, null, []]", NOON)) == []


def test_an_event_names_the_attempt_and_its_time() -> None:
    (report,) = reports(event("delivered"))
    assert report == DeliveryReport(
        ID,
        Event.DELIVERED,
        "delivered",
        reference=REFERENCE,
        at=datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC),
    )
    (foreign,) = reports(event("delivered", posthorn_attempt="x" * 50, timestamp="soon"))
    assert (foreign.reference, foreign.at) == (None, None)
    assert reports(event("delivered", sg_message_id=None, posthorn_attempt=None)) == []
    (bare,) = reports(event("delivered", sg_message_id=None))
    assert bare.provider_message_id == REFERENCE


@pytest.mark.parametrize(
    ("given_id", "name"),
    [
        ("LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0", "LRzXl_NHStOGhQ4kofSm_A"),
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469"),
        ("a-b_c.recvd-5f54b5d587-xb8lf-1-65E3-14.0", "a-b_c"),
        ("abc.x.0", "abc"),
        ("abc", "abc"),
    ],
)  # fmt: skip
def test_the_name_is_that_of_the_reply(given_id: str, name: str) -> None:
    (report,) = reports(event("delivered", sg_message_id=given_id))
    assert report.provider_message_id == name


# word, more of the event, our code, event
ENDINGS = [
    ("bounce", {"type": "bounce", "status": "5.1.1"}, "bounce", Event.UNDELIVERED),
    ("bounce", {}, "bounce", Event.UNDELIVERED),
    ("bounce", {"type": "bounce", "status": "5.7.1"}, "bounce_policy", Event.UNDELIVERED),
    ("bounce", {"type": "blocked"}, "bounce_blocked", Event.UNDELIVERED),
    ("bounce", {"type": "expired"}, "bounce_expired", Event.UNDELIVERED),
    ("dropped", {"reason": "Bounced Address"}, "dropped_bounced", Event.UNDELIVERED),
    ("dropped", {"reason": "Invalid"}, "dropped_invalid", Event.UNDELIVERED),
    ("dropped", {"reason": "Unsubscribed Address"}, "dropped_unsubscribed", Event.OPTED_OUT),
    ("dropped", {"reason": "Spam Reporting Address"}, "dropped_complained", Event.OPTED_OUT),
    ("dropped", {"reason": "Spam Content"}, "dropped_spam", Event.UNDELIVERED),
    ("dropped", {"reason": "Invalid SMTPAPI header"}, "dropped_header", Event.FAILED),
    ("dropped", {"reason": "Recipient List over Package Quota"}, "dropped_quota", Event.BLOCKED_BILLING),
    ("dropped", {"reason": TO}, "dropped", Event.FAILED),
]  # fmt: skip


@pytest.mark.parametrize(("word", "more", "code", "ending"), ENDINGS)
def test_a_bad_end_is_read(word: str, more: dict[str, str], code: str, ending: Event) -> None:
    (report,) = reports(event(word, **more))
    assert (report.code, report.event, report.withdraws_consent) == (code, ending, False)
    assert report.detail == ASYNC[code].detail
    assert TO not in repr(report)


@pytest.mark.parametrize("word", ["spamreport", "unsubscribe", "group_unsubscribe"])
def test_consent_withdrawn_after_delivery_leaves_the_message_as_it_is(word: str) -> None:
    (report,) = reports(event(word, asm_group_id=5))
    assert (report.event, report.withdraws_consent, report.code) == (None, True, word)


REPLIES_IN_THE_TABLE = {
    "400": ["http_400"],
    "401": ["http_401"],
    "403": ["http_403"],
    "404": ["http_404"],
    "405": ["http_405"],
    "413": ["http_413"],
    "429": ["http_429"],
}
EVENTS_IN_THE_TABLE = {
    "dropped: Bounced Address": "dropped_bounced",
    "dropped: Invalid": "dropped_invalid",
    "dropped: Unsubscribed Address": "dropped_unsubscribed",
    "dropped: Spam Reporting Address": "dropped_complained",
    "dropped: Spam Content": "dropped_spam",
    "dropped: Invalid SMTPAPI header": "dropped_header",
    "dropped: Recipient List over Package Quota": "dropped_quota",
    "bounce type=bounce": "bounce",
    "bounce type=blocked": "bounce_blocked",
    "bounce type=expired": "bounce_expired",
}
_OF_STATE = {"deferred", "spamreport / unsubscribe / group_unsubscribe", "500/502/503/504"}


@beside
def test_every_row_of_the_table_is_read_like_that() -> None:
    rows = {row["code"]: row for phase in ("sync", "async") for row in rows_of("sendgrid", phase)}
    ours = {code: SYNC[each] for code, (each,) in REPLIES_IN_THE_TABLE.items()}
    ours |= {code: ASYNC[each] for code, each in EVENTS_IN_THE_TABLE.items()}
    assert rows.keys() == ours.keys() | _OF_STATE
    for code, got in ours.items():
        row = rows[code]
        assert (got.kind, got.status, got.failover) == (
            row["cls"],
            row["lifecycle"],
            row["failover"],
        )
        assert got.suppress is (row["suppress"] == "opt_out")
        assert (got.code in DEAD) is (row["suppress"] == "number_invalid")


# --- what people answer


def received(content: bytes, kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> list[Any]:
    return SENDGRID.inbound(Webhook(CALLBACK, {"content-type": kind}, content, NOON))


def test_a_mail_is_read_in_its_own_character_set() -> None:
    (got,) = received(
        mail(text="Não, obrigado\r\n".encode("latin-1"), charsets='{"text":"ISO-8859-1"}')
    )
    assert (got.from_, got.to, got.body) == (TO, FROM, "Não, obrigado")
    assert (got.provider_message_id, got.channel) == (ID, Channel.EMAIL)


def test_a_mail_without_text_says_what_its_subject_says() -> None:
    assert received(mail(text="", subject="STOP"))[0].body == "STOP"


def test_a_mail_without_a_name_is_known_by_its_bytes() -> None:
    one, two = received(mail(headers="")), received(mail(headers="", subject="other"))
    assert len(one[0].provider_message_id) == 32
    assert one[0].provider_message_id != two[0].provider_message_id


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (mail(**{"from": "nobody", "envelope": "{}"}), None),
        (mail(envelope="[]", to="nobody"), None),
        (mail(), "application/json"),
        (mail(), "multipart/form-data"),
        (mail(), "multipart/form-data; boundary=other"),
        (form(), None),
        (b"", None),
        (b"--xYzZY\r\n\r\n", None),
    ],
)
def test_what_is_no_mail_is_not_read(content: bytes, kind: str | None) -> None:
    assert received(content, kind or f"multipart/form-data; boundary={BOUNDARY}") == []


def test_a_file_in_the_form_is_no_text() -> None:
    whole = mail(text="")
    file = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="text"; filename="a.txt"\r\n\r\nSTOP\r\n'
    ).encode()
    assert received(file + whole)[0].body == "Re: A code"


@given(content=st.binary(max_size=300))
def test_any_form_is_read_without_raising(content: bytes) -> None:
    assert isinstance(received(b"--xYzZY\r\n" + content), list)


# --- the official signature vector

OFFICIAL_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNN"
    "RaINXvVpiglSI8eNEc6wEA3F+g=="
)
OFFICIAL_HEADERS = {
    "x-twilio-email-event-webhook-timestamp": "1600112502",
    "x-twilio-email-event-webhook-signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    ),
}
OFFICIAL_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":'
    b'"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":'
    b'"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":'
    b'"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def test_the_official_vector() -> None:
    ours = account("sendgrid", webhook_secrets=(public(0), OFFICIAL_KEY))
    hook = Webhook(
        CALLBACK, OFFICIAL_HEADERS, OFFICIAL_BODY, datetime.fromtimestamp(1600112502, UTC)
    )
    assert SENDGRID.verify(ours, hook)
    assert not SENDGRID.verify(ours, replace(hook, body=OFFICIAL_BODY[:-2]))
    assert not SENDGRID.verify(ours, replace(hook, at=NOON))
    assert not SENDGRID.verify(account("sendgrid", webhook_secrets=(public(0),)), hook)
    assert not SENDGRID.verify(account("sendgrid"), hook)
    (report,) = read(SENDGRID, hook)
    assert (report.provider_message_id, report.code) == (ID, "dropped_bounced")
