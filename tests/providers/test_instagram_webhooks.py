"""Instagram afterwards: its webhooks, their signature, and its question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Webhook
from tests.providers.conformance import BODY, CALLBACK, NOON, account, read
from tests.providers.dialects.instagram import IG_ID, MID, PERSON, body, echo, item, message

INSTAGRAM = get("instagram")
OPTIONS = {"ig_id": IG_ID, "verify_token": "a-word-of-ours"}
ACCOUNT = account("instagram", options=OPTIONS)


def hook(*items: dict[str, Any]) -> Webhook:
    return Webhook(CALLBACK, {}, body(*items), NOON)


def test_a_webhook_is_split_into_its_items() -> None:
    everything = [
        message(),
        message(mid="m_2", text="STOP"),
        echo(),
        item(read={"mid": MID}),
        message(is_deleted=True),
        item(reaction={"mid": MID, "action": "react", "emoji": "👍"}),
        item(postback={"mid": "m_3", "payload": "x"}),
        item(optin={"type": "x"}),
    ]
    raw = INSTAGRAM.events(hook(*everything))
    assert [each.key for each in raw[:-1]] == [
        f"message:{MID}",
        "message:m_2",
        f"is_echo:{MID}",
        f"read:{MID}",
        f"is_deleted:{MID}",
        f"reaction:{MID}",
        "postback:m_3",
    ]
    assert len(raw[-1].key) == 32
    assert [orjson.loads(each.body)["entry"][0]["messaging"] for each in raw] == [
        [each] for each in everything
    ]
    told = INSTAGRAM.inbound(hook(*everything))
    assert [each.body for each in told] == [BODY, "STOP"]
    alone = [INSTAGRAM.inbound(Webhook(CALLBACK, {}, each.body, NOON)) for each in raw]
    assert [each for some in alone for each in some] == told
    words = [report.provider_status for report in read(INSTAGRAM, hook(*everything))]
    assert words == ["echo", "read", "reaction"]


def test_an_echo_proves_a_send_of_ours() -> None:
    at = datetime(2026, 3, 2, 12, 0, 7, 123000, tzinfo=UTC)
    assert read(INSTAGRAM, hook(echo())) == [DeliveryReport(MID, Event.ACCEPTED, "echo", at=at)]


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [(1772452807123, 1772452807.123), (1772452807, 1772452807), (0, None), ("x", None), (10**18, None)],
)  # fmt: skip
def test_a_time_is_in_milliseconds_or_seconds(stamp: object, seconds: float | None) -> None:
    (got,) = INSTAGRAM.inbound(hook({**message(), "timestamp": stamp}))
    assert got.at == (None if seconds is None else datetime.fromtimestamp(seconds, UTC))


def test_pictures_are_where_they_are() -> None:
    attachments = [
        {"type": "image", "payload": {"url": "https://lookaside.example.com/1"}},
        {"type": "share", "payload": {"url": "ftp://x"}},
        {"type": "fallback"},
        "x",
    ]
    (got,) = INSTAGRAM.inbound(hook(message(text=None, attachments=attachments)))
    assert (got.body, got.media) == ("", ("https://lookaside.example.com/1",))
    assert (got.from_, got.to, got.channel) == (PERSON, IG_ID, Channel.INSTAGRAM_DM)


@pytest.mark.parametrize(
    "broken",
    [
        {**message(), "sender": {"id": "x"}},
        {**message(), "recipient": None},
        message(mid=""),
        message(mid="a b"),
        message(is_deleted=True),
        message(is_echo=True),
        item(message="x"),
    ],
)
def test_what_nobody_wrote_is_no_message(broken: dict[str, Any]) -> None:
    assert INSTAGRAM.inbound(hook(broken)) == []


def test_webhooks_of_other_things_hold_nothing() -> None:
    for content in (b'{"object": "page"}', b"[]", b'{"object": "instagram", "entry": {}}'):
        other = Webhook(CALLBACK, {}, content, NOON)
        assert (INSTAGRAM.events(other), INSTAGRAM.inbound(other)) == ([], [])
        assert INSTAGRAM.report(other) is None


# --- signature and question

SIGNED = {
    "x-hub-signature-256": "sha256=c726e81ec9cdc8b7d73422089c436a29230032a7d7675263816c6731abe6d6de"
}
SIGNED_BODY = (
    b'{"object":"instagram","entry":[{"id":"1234567890","time":1459991487970,"messaging":[{"sender":'
    b'{"id":"5678"},"recipient":{"id":"1234567890"},"timestamp":1459991487970,"message":'
    b'{"mid":"m_1","text":"Ol\\u00e1 \\ud83d\\udc4b"}}]}]}'
)


def test_the_signature_is_of_the_bytes_that_came() -> None:
    ours = account("instagram", webhook_secrets=("another", "app_secret_123"))
    genuine = Webhook(CALLBACK, SIGNED, SIGNED_BODY, NOON)
    assert INSTAGRAM.verify(ours, genuine)
    written_anew = orjson.dumps(orjson.loads(SIGNED_BODY))
    assert written_anew != SIGNED_BODY
    assert not INSTAGRAM.verify(ours, replace(genuine, body=written_anew))
    upper = {"x-hub-signature-256": SIGNED["x-hub-signature-256"].upper()}
    assert not INSTAGRAM.verify(ours, replace(genuine, headers=upper))
    assert not INSTAGRAM.verify(account("instagram", webhook_secrets=("another",)), genuine)
    (told,) = INSTAGRAM.inbound(genuine)
    assert told.body == "Olá 👋"


ASKED = {
    "hub.mode": "subscribe",
    "hub.verify_token": "a-word-of-ours",
    "hub.challenge": "1158201444",
}


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, "1158201444"),
        ({"more": "x"}, "1158201444"),
        ({"hub.mode": "unsubscribe"}, None),
        ({"hub.verify_token": "a-word"}, None),
        ({"hub.verify_token": "\ud800"}, None),
        ({"hub.challenge": ""}, None),
        ({"hub.challenge": "a\nb"}, None),
        ({"hub.challenge": "x" * 257}, None),
    ],
)
def test_only_who_knows_our_word_is_answered(changes: dict[str, str], answer: str | None) -> None:
    assert INSTAGRAM.challenge is not None
    assert INSTAGRAM.challenge(ACCOUNT, {**ASKED, **changes}) == answer
    nothing = account("instagram", options={"verify_token": ""})
    assert INSTAGRAM.challenge(nothing, {**ASKED, "hub.verify_token": ""}) is None
