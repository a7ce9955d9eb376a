"""What each channel takes, and what is said of what it does not take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from messaging.domain import fallbacks
from messaging.domain.message import Capability, Channel, Parts, Sender
from messaging.domain.new_message import NewMessage
from messaging.domain.reading import Context, read
from messaging.domain.request import fingerprint, parse

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
NEWS = UUID(int=7)
POOL = UUID(int=8)
CONTEXT = Context("US", {"news@example.com": NEWS}, {}, NOW, default_pool=POOL)
CAN: list[tuple[Channel, str, set[Capability]]] = [
    (Channel.SMS, "+12025550199", {Capability.SMS}),
    (Channel.SMS, "+12025550198", {Capability.SMS, Capability.MMS}),
    (Channel.EMAIL, "news@example.com", {Capability.EMAIL}),
    (Channel.INSTAGRAM_DM, "17841400000000000", {Capability.INSTAGRAM_DM}),
]
SENDERS = [
    Sender(
        id=UUID(int=n),
        tenant_id=UUID(int=1),
        account_id=UUID(int=1),
        channel=channel,
        address=address,
        mps=1.0,
        is_default=False,
        pool_ids=frozenset(),
        capabilities=frozenset(can),
    )
    for n, (channel, address, can) in enumerate(CAN, 20)
]
SMS: dict[str, Any] = {"to": "+12025550123", "body": "Hi"}
MAIL: dict[str, Any] = {
    "to": "ana@example.com", "body": "Hi", "channel": "email", "subject": "Hello",
}  # fmt: skip
MMS: dict[str, Any] = SMS | {"channel": "mms", "media": ["https://example.com/a.png"]}
DM: dict[str, Any] = {"to": "17841400000000001", "body": "Hi", "channel": "instagram_dm"}
FALLBACK: dict[str, Any] = {"channel": "email", "to": "ana@example.com", "subject": "Hello"}
FILE = "https://example.com/picture.png"


def asked(**fields: Any) -> NewMessage | dict[str, str]:
    """The message, or what is wrong by the field it is about."""
    found = parse(fields)
    if not isinstance(found, list):
        assert fingerprint([found])  # it can be told apart from others
        found = read(found, CONTEXT)  # type: ignore[assignment]
    if isinstance(found, NewMessage):
        return found
    assert isinstance(found, list)
    assert all(p.detail for p in found)
    return {p.pointer: p.code for p in found}


def made(**fields: Any) -> NewMessage:
    found = asked(**fields)
    assert isinstance(found, NewMessage), found
    return found


@pytest.mark.parametrize(
    ("fields", "segments", "encoding", "parts"),
    [
        (SMS, 1, "GSM-7", None),
        (SMS | {"body": "é" * 161}, 2, "GSM-7", None),
        (SMS | {"media": None, "subject": None}, 1, "GSM-7", None),
        (SMS | {"media": []}, 1, "GSM-7", None),
        (MMS, 1, None, Parts(media=("https://example.com/a.png",))),
        (MMS | {"body": ""}, 1, None, Parts(media=("https://example.com/a.png",))),
        (MMS | {"media": [FILE] * 10, "body": "a" * 1600}, 1, None, Parts(media=(FILE,) * 10)),
        (SMS | {"channel": "mms"}, 1, None, None),
        (MAIL, 1, None, Parts(subject="Hello")),
        (MAIL | {"body": "a" * 102_400}, 1, None, Parts(subject="Hello")),
        (
            MAIL | {"html": "<p>Hi</p>", "from_name": "Acme", "reply_to": "Help@EXAMPLE.com"},
            1,
            None,
            Parts("Hello", "<p>Hi</p>", (), "Acme", "Help@example.com"),
        ),
        (DM, 1, None, None),
        (DM | {"body": "a" * 1000}, 1, None, None),
        (DM | {"body": "", "media": [FILE]}, 1, None, Parts(media=(FILE,))),
    ],
)
def test_what_a_channel_takes(
    fields: dict[str, Any], segments: int, encoding: str | None, parts: Parts | None
) -> None:
    found = made(**fields)
    assert (found.segments, found.encoding, found.parts) == (segments, encoding, parts)
    assert found.channel is Channel(fields.get("channel", "sms"))
    assert found.pool_id == (POOL if found.channel.by_phone else None)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        (SMS | {"body": "a" * 1601}, {"#/body": "too_long"}),
        (SMS | {"body": ""}, {"#/body": "too_short"}),
        (MMS | {"body": "a" * 1601}, {"#/body": "too_long"}),
        (SMS | {"media": [FILE]}, {"#/media": "not_with_channel"}),
        (SMS | {"subject": "Hello"}, {"#/subject": "not_with_channel"}),
        (SMS | {"html": "<p>"}, {"#/html": "not_with_channel"}),
        (
            DM | {"from_name": "Acme", "reply_to": "a@example.com"},
            {"#/from_name": "not_with_channel", "#/reply_to": "not_with_channel"},
        ),
        (MMS | {"flash": True}, {"#/flash": "not_with_channel"}),
        (MMS | {"media": [FILE] * 11}, {"#/media": "too_long"}),
        (MAIL | {"media": [FILE]}, {"#/media": "not_with_channel"}),
        (DM | {"media": [FILE]}, {"#/media": "not_together"}),
        (DM | {"body": "", "media": [FILE, FILE]}, {"#/media": "not_together"}),
        (DM | {"body": "é" * 501}, {"#/body": "too_long"}),
        (DM | {"body": ""}, {"#/body": "too_short"}),
        (DM | {"to": "@ana"}, {"#/to": "not_an_instagram_id"}),
        (DM | {"to": "1234"}, {"#/to": "not_an_instagram_id"}),
        (DM | {"to": "٣٣٣٣٣٣"}, {"#/to": "not_an_instagram_id"}),
        (MAIL | {"to": "+12025550123"}, {"#/to": "not_an_email"}),
        (SMS | {"to": "ana@example.com"}, {"#/to": "not_a_number"}),
        (MAIL | {"subject": None}, {"#/subject": "required"}),
        (MAIL | {"subject": " \t"}, {"#/subject": "required"}),
        (MAIL | {"subject": "a" * 256}, {"#/subject": "too_long"}),
        (MAIL | {"body": "é" * 51_201}, {"#/body": "too_long"}),
        (MAIL | {"body": "a\0"}, {"#/body": "not_text"}),
        (MAIL | {"html": "a\0"}, {"#/html": "not_text"}),
        (MAIL | {"html": "é" * 256_001}, {"#/html": "too_long"}),
        (MAIL | {"reply_to": "nobody"}, {"#/reply_to": "not_an_email"}),
        (MAIL | {"from": "other@example.com"}, {"#/from": "unknown_sender"}),
    ],
)
def test_what_a_channel_does_not_take(fields: dict[str, Any], wrong: dict[str, str]) -> None:
    assert asked(**fields) == wrong


@pytest.mark.parametrize("name", ["subject", "from_name", "reply_to"])
@pytest.mark.parametrize(
    "value",
    [
        "Hi\r\nBcc: all@example.com",
        "Hi\nX: y",
        "Hi\rX",
        "Hi\0",
        "Hi\u2028X",
        "Hi\x85X",
        "=?utf-8?q?Hi=0D=0ABcc:_all@example.com?=",
        "=?utf-8?b?SGkNCkJjYzogYQ==?=",
    ],
)
def test_no_header_gets_a_line_of_its_own(name: str, value: str) -> None:
    found = asked(**MAIL | {name: value})
    assert found == {f"#/{name}": "not_a_header"}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "https://",
        "https://localhost/a",
        "https://127.0.0.1/a",
        "https://user:password@example.com/a",
        "https://example.com\\@evil.example/a",
        "https://example.com/a b",
        "https://example.com/a\r\nX: y",
        "https://example.com/é",
        "https://example.com/a#b",
        'https://example.com/"',
        "https://example.com/<a>",
        "HTTPS://example.com/a",
        "file:///etc/passwd",
        "https://example.com/" + "a" * 2048,
        "\ud800",
        "",
    ],
)
def test_a_file_is_at_an_https_address(url: str) -> None:
    found = asked(**MMS | {"media": [FILE, url]})
    assert isinstance(found, dict)
    assert found.keys() == {"#/media/1"}


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://cdn-1.example.com:8443/a/b%20c?x=1&y"]
)
def test_these_are_files(url: str) -> None:
    assert made(**MMS | {"media": [url]}).parts == Parts(media=(url,))


def test_a_sender_is_found_whatever_its_case() -> None:
    assert made(**MAIL | {"from": "News@Example.com"}).sender_id == NEWS


def test_a_fallback_is_read_like_a_message_and_kept_in_one_spelling() -> None:
    found = made(
        **SMS, campaign="spring", metadata={"a": 1}, template="t", category="NOTIFICATION",
        expires_at="2026-03-04T00:00:00Z", fallback=FALLBACK | {"to": "Ana@EXAMPLE.com"},
    )  # fmt: skip
    assert found.fallback == {
        "channel": "email",
        "to": "Ana@example.com",
        "subject": "Hello",
        "body": "Hi",
        "campaign": "spring",
        "metadata": {"a": 1},
        "category": "NOTIFICATION",
        "expires_at": "2026-03-04T00:00:00Z",
    }
    again = made(**found.fallback)
    assert (again.recipient, again.channel, again.body) == ("Ana@example.com", Channel.EMAIL, "Hi")
    assert again.campaign == "spring"


@pytest.mark.parametrize("message", [SMS, MMS, MAIL, DM], ids=["sms", "mms", "email", "dm"])
@pytest.mark.parametrize(("address", "can"), [one[1:] for one in CAN], ids=[one[1] for one in CAN])
def test_a_sender_that_cannot_carry_the_message_is_refused(
    message: dict[str, Any], address: str, can: set[Capability]
) -> None:
    named = {key: s.id for s in SENDERS for key in (s.address, str(s.id))}
    context = Context("US", named, {}, NOW, known={s.id: s for s in SENDERS})
    for name in (address, str(named[address])):
        request = parse(message | {"from": name})
        assert not isinstance(request, list)
        found = read(request, context)
        if message.get("channel", "sms") in can:
            assert isinstance(found, NewMessage)
        else:
            assert isinstance(found, list)
            assert [(p.pointer, p.code) for p in found] == [("#/from", "not_with_channel")]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"subject": None}, {"#/fallback/subject": "required"}),
        ({"subject": "a\nb"}, {"#/fallback/subject": "not_a_header"}),
        ({"to": "nobody"}, {"#/fallback/to": "not_an_email"}),
        ({"from": "x@example.com"}, {"#/fallback/from": "unknown_sender"}),
        ({"body": ""}, {"#/fallback/body": "too_short"}),
        ({"body": "a\0"}, {"#/fallback/body": "not_text"}),
        ({"channel": "sms"}, {"#/fallback/channel": "not_allowed"}),
        ({"channel": "fax"}, {"#/fallback/channel": "not_allowed"}),
        ({"channel": "mms", "to": "ana"}, {"#/fallback/to": "not_a_number",
                                           "#/fallback/subject": "not_with_channel"}),
        ({"fallback": FALLBACK}, {"#/fallback/fallback": "unknown_field"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_fallback(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    assert asked(**SMS, fallback=FALLBACK | changes) == wrong


def test_what_is_wrong_with_the_message_is_said_once() -> None:
    past = {"expires_at": "2020-01-01T00:00:00Z", "fallback": FALLBACK}
    assert asked(**SMS | past) == {"#/expires_at": "in_the_past"}
    too_long = SMS | {"channel": "mms", "body": "a" * 1601, "fallback": FALLBACK}
    assert asked(**too_long) == {"#/body": "too_long"}


def test_problems_elsewhere_than_in_its_own_fields_are_not_the_fallbacks() -> None:
    found = read(parse({"to": "1", "body": "", "channel": "email"}), CONTEXT)  # type: ignore[arg-type]
    assert isinstance(found, list)
    pointers = {p.pointer for p in fallbacks.pointed(found)}
    assert pointers == {"#/fallback/to", "#/fallback/body", "#/fallback/subject"}
