"""The bytes of an e-mail, read back by the standard library; and nobody writes a header of their own."""

from __future__ import annotations

import email
import email.header
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.failures import Failover, Kind
from messaging.domain.mail_headers import (
    BREAK,
    HIDDEN,
    NO_ADDRESS,
    UNREAD,
    address_problem,
    problem,
    safe,
)
from messaging.domain.message import Channel, Parts
from messaging.providers import mime
from messaging.providers.base import Outbound

REFERENCE = "00000000000000000000000000000003.3"
OUT = Outbound(
    UUID(int=3),
    3,
    "ana@example.org",
    "news@mail.example.com",
    "Olá\n.\nbye",
    "https://hooks.example.com/x",
    channel=Channel.EMAIL,
    reference=REFERENCE,
    parts=Parts(
        subject="Ação nº 5",
        html="<p>Olá</p>",
        from_name='Ann "A." Ltd',
        reply_to="help@example.com",
    ),
    unsubscribe_url="https://hooks.example.com/u/abc?x=1",
    at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
)
BCC = "=?utf-8?q?Hello=0D=0ABcc=3A_evil=40example=2Ecom?="


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def with_parts(**changes: str | None) -> Outbound:
    assert OUT.parts is not None
    return replace(OUT, parts=replace(OUT.parts, **changes))  # type: ignore[arg-type]


def test_an_email_is_read_back_as_it_was_meant() -> None:
    raw = mime.compose(OUT)
    mail = read(raw)
    assert mail["From"].addresses[0].display_name == 'Ann "A." Ltd'
    assert mail["From"].addresses[0].addr_spec == "news@mail.example.com"
    assert mail["To"] == "ana@example.org"
    assert mail["Reply-To"] == "help@example.com"
    assert mail["Subject"] == "Ação nº 5"
    assert mail["Date"].datetime == OUT.at
    assert mail["Message-ID"] == f"<{REFERENCE}@mail.example.com>"
    assert mail["X-Posthorn-Attempt"] == REFERENCE
    assert mail["List-Unsubscribe"] == "<https://hooks.example.com/u/abc?x=1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert cast("EmailMessage", text).get_content() == "Olá\r\n.\r\nbye\r\n"
    assert cast("EmailMessage", html).get_content() == "<p>Olá</p>\r\n"
    assert not mail.defects
    assert raw == mime.compose(OUT)


def test_an_email_without_more_is_plain_text() -> None:
    mail = read(mime.compose(replace(OUT, parts=None, unsubscribe_url=None, at=None)))
    assert mail.get_content_type() == "text/plain"
    assert mail["Date"] is None
    assert mail["List-Unsubscribe"] is None
    assert mail["Reply-To"] is None
    assert mail["Subject"] == ""


def test_a_way_out_holds_no_encoded_word() -> None:
    mail = read(mime.compose(replace(OUT, unsubscribe_url=f"https://example.com/u?x={BCC}")))
    assert mail["List-Unsubscribe"].startswith("<https://example.com/u?x==%3Futf-8?q?Hello=0D")
    assert mail["Bcc"] is None


def test_an_email_of_html_alone_has_no_empty_text() -> None:
    assert read(mime.compose(replace(OUT, body=""))).get_content_type() == "text/html"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("Hello", None),
        ("Olá, Ação 👋🏽\twith a tab", None),
        ("is 1=?2 or ?= what", None),
        ("=?utf-8?q?Ol=C3=A1?=", None),
        ("=?utf-8?b?T2zDoQ==?=", None),
        ("=?UTF-8*en?Q?a_b?= and =?iso-8859-1?q?=E1?=", None),
        ("a\r\nBcc: x@example.com", BREAK),
        ("a\nb", BREAK),
        ("a\rb", BREAK),
        ("a\0b", BREAK),
        ("a\x0bb", BREAK),
        ("a\u2028b", BREAK),
        ("a\x85b", BREAK),
        ("a\ud800b", BREAK),
        (BCC, HIDDEN),
        ("=?utf-8?Q?=0a?=", HIDDEN),
        ("=?utf-8?q?=00?=", HIDDEN),
        ("=?utf-8?b?SGVsbG8NCkJjYzogZXZpbEBleGFtcGxlLmNvbQ==?=", HIDDEN),
        ("=?utf-8?b?SGVsbG8NCkJjYzogZXZpbEBleGFtcGxlLmNvbQ?=", HIDDEN),
        ("=?utf-8?b?SGVs bG8NCkJj*Yw?=", HIDDEN),
        ("fine =?utf-8?q?x?==?utf-8?q?=0D?=", HIDDEN),
        ("=?utf-8?q?=E2=80=A8?=", HIDDEN),
        ("=?iso-8859-1?q?=85?=", HIDDEN),
        ("=?utf-8?q?a?=0D=0ABcc: x?=", HIDDEN),
        ("=?utf-8?q?a =0D b", HIDDEN),
        ("=?utf-7?q?+AA0ACg-Bcc?=", UNREAD),
        ("=?utf-16?b?AA0ACg==?=", UNREAD),
        ("=?unicode_escape?q?=5Cn?=", UNREAD),
        ("=?utf-8?x?abc?=", UNREAD),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D0D=3F=3D?=", UNREAD),
        ("=?utf-8?b?PT91dGYtOD9xPz0wRD89?=", UNREAD),
    ],
)
def test_what_may_stand_in_a_header(value: str, why: str | None) -> None:
    assert problem(value) == why
    assert problem(safe(value)) is None
    assert (safe(value) == value) is (why is None)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("ana@example.org", None),
        ("o'neil+tag=x@sub.example.org", None),
        ("ana@exämple.org", None),
        ("a.b@localhost", None),
        ("ana@example.org\r\nRCPT TO:<x@example.com>", BREAK),
        ("ana@example.org, x@example.com", NO_ADDRESS),
        ("ana@example.org> <x@example.com", NO_ADDRESS),
        ('"ana b"@example.org', NO_ADDRESS),
        ("ána@example.org", NO_ADDRESS),
        ("ana", NO_ADDRESS),
        ("", NO_ADDRESS),
        ("@example.org", NO_ADDRESS),
        ("a@b@c", NO_ADDRESS),
        (".a@example.org", NO_ADDRESS),
        ("a@-example.org", NO_ADDRESS),
        ("=?utf-8?q?=0D?=@example.org", NO_ADDRESS),
        ("a" * 65 + "@example.org", NO_ADDRESS),
    ],
)
def test_what_may_be_written_to(value: str, why: str | None) -> None:
    assert address_problem(value) == why
    assert bool(mime.address(value)) is (why is None)


def test_an_international_domain_is_written_in_ascii() -> None:
    assert mime.address("ana@exämple.org") == "ana@xn--exmple-cua.org"
    assert mime.domain("ana@" + "ä" * 70 + ".org") == "invalid"


@pytest.mark.parametrize(
    ("out", "kind", "code"),
    [
        (OUT, None, ""),
        (replace(OUT, to="a\r\nb@example.org"), Kind.RECIPIENT, "bad_address"),
        (replace(OUT, sender="nobody"), Kind.SENDER, "bad_sender"),
        (with_parts(reply_to="x y@example.com"), Kind.CONFIG, "unsafe_header"),
        (with_parts(subject=BCC), Kind.CONFIG, "unsafe_header"),
        (with_parts(from_name="A\nB"), Kind.CONFIG, "unsafe_header"),
        (replace(OUT, parts=None), None, ""),
    ],
)
def test_what_no_email_can_be_made_of(out: Outbound, kind: Kind | None, code: str) -> None:
    failure = mime.refuses(out)
    assert (failure.kind if failure else None) == kind
    if failure is not None:
        assert failure.code == code
        assert failure.detail.endswith(".")
        assert "evil" not in failure.detail
        assert (failure.failover is Failover.OTHER_SENDER) is (kind is Kind.SENDER)


NAMES = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "X-Posthorn-Attempt",
    "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
]  # fmt: skip
PIECES = st.sampled_from([
    BCC, "\r\n", "\n", "\r", "\0", "Bcc: evil@example.com", "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "=?utf-8?q?", "=?", "?=", "=0D=0A", "\u2028", "\x85", "\x0b", " ", "\t", "é", "👋🏽", '"', "\\", ">", "<", ",", "\ud800",
])  # fmt: skip
NASTY = st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=8).map("".join)


@given(subject=NASTY, from_name=NASTY, reply_to=NASTY, to=NASTY, sender=NASTY, unsubscribe=NASTY)
def test_nobody_writes_a_header_of_their_own(
    subject: str, from_name: str, reply_to: str, to: str, sender: str, unsubscribe: str
) -> None:
    out = replace(
        with_parts(subject=subject, from_name=from_name, reply_to=reply_to),
        to=to,
        sender=sender,
        unsubscribe_url="https://example.com/" + unsubscribe,
    )
    raw = mime.compose(out)
    head = raw.partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")
    assert head.isascii()
    assert all(32 <= octet < 127 for line in lines for octet in line)
    assert all(len(line) < 998 for line in lines)
    names = [line.partition(b":")[0].decode() for line in lines if not line.startswith(b" ")]
    assert set(names) <= set(NAMES)
    assert len(set(names)) == len(names)
    # Read and written again by the library whose fault it was: still no header of theirs.
    again = read(raw).as_bytes(policy=email.policy.SMTP)
    assert b"\r\nbcc:" not in again.lower().partition(b"\r\n\r\n")[0]


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300))
def test_any_subject_comes_back(subject: str) -> None:
    mail = email.message_from_bytes(mime.compose(with_parts(subject=subject)))
    decoded = email.header.decode_header(mail["Subject"])
    text = "".join(d.decode(c or "ascii") if isinstance(d, bytes) else d for d, c in decoded)
    if problem(subject) is None:
        assert text == subject.strip()


@given(body=st.text(max_size=400), html=st.none() | st.text(max_size=200))
def test_any_body_comes_back_and_no_line_is_half_ended(body: str, html: str | None) -> None:
    raw = mime.compose(replace(with_parts(html=html), body=body))
    assert raw.replace(b"\r\n", b"").count(b"\n") == raw.replace(b"\r\n", b"").count(b"\r") == 0
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    mail = read(raw)
    part = next(iter(mail.iter_parts())) if mail.is_multipart() else mail
    if body or html is None:
        expected = body.replace("\0", "").encode(errors="replace").decode()
        expected = expected.replace("\r\n", "\n").replace("\r", "\n")
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode().replace("\r\n", "\n").removesuffix("\n") == expected.removesuffix("\n")  # fmt: skip
