"""What are the bytes of the e-mail that an `Outbound` is?

Written out here and not by the standard library, which unpacks encoded words in a header and writes
what was in them: every value passes `mail_headers.safe`, and what is not plain ASCII is encoded anew. The
same attempt always gives the same bytes, so that a copy of it can be told by its Message-ID.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from email.utils import format_datetime

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.domain.mail_headers import address_problem, problem, safe
from messaging.domain.message import Parts
from messaging.providers.base import Outbound

REFERENCE_HEADER = "X-Posthorn-Attempt"
LONGEST_BODY = 1_000_000
"""Characters: beyond it a mail is refused by some server anyway, which counts encoded bytes."""
_LINE = 76
_CHUNK = 45
"""Bytes in one encoded word, which may have 75 characters (RFC 2047 section 2)."""
_BREAKS = re.compile(r"\r\n|\r|\n")
_PLAIN = re.compile(r"[ -~]*")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")


def refuses(out: Outbound) -> Failure | None:
    """Why no e-mail can be made of this; None if one can. No text of the message is in the reason."""
    parts = out.parts or Parts()
    if why := address_problem(out.to):
        return Failure(
            Kind.RECIPIENT, "bad_address", f"The recipient {why}.", status=Status.UNDELIVERABLE
        )
    if why := address_problem(out.sender):
        detail = f"The sender {why}."
        return Failure(Kind.SENDER, "bad_sender", detail, failover=Failover.OTHER_SENDER)
    if parts.reply_to is not None and (why := address_problem(parts.reply_to)):
        return Failure(Kind.CONFIG, "unsafe_header", f"The address for replies {why}.")
    for name, value in (("subject", parts.subject), ("sender's name", parts.from_name)):
        if value is not None and (why := problem(value)):
            return Failure(Kind.CONFIG, "unsafe_header", f"The {name} {why}.")
    return None


def compose(out: Outbound) -> bytes:
    """The whole e-mail, in ASCII with CRLF; text and HTML as alternatives if it has both.

    A value that may not stand in a header is made harmless, an address that is none is left out:
    `refuses` says so before it comes to that.
    """
    parts = out.parts or Parts()
    lines = [
        _mailbox("From", out.sender, parts.from_name),
        _mailbox("To", out.to),
        _mailbox("Reply-To", parts.reply_to or ""),
        f"Subject: {_text(parts.subject or '', len('Subject: '))}",
        f"Date: {format_datetime(out.at)}" if out.at is not None else "",
        f"Message-ID: <{message_id(out)}>",
        *(f"{name}: {value}" for name, value in extra_headers(out).items()),
        "MIME-Version: 1.0",
    ]
    head = "\r\n".join(line for line in lines if line).encode("ascii", "replace")
    return head + b"\r\n" + _content(out, parts.html)


def message_id(out: Outbound) -> str:
    """What the e-mail is called everywhere, without its brackets: our attempt, at the sender's domain."""
    return f"{reference(out)}@{domain(out.sender)}"


def reference(out: Outbound) -> str:
    """Our name for the attempt."""
    return out.reference or f"{out.message_id.hex}.{out.epoch}"


def extra_headers(out: Outbound) -> dict[str, str]:
    """The headers beside those that every e-mail has: our attempt, and how to unsubscribe (RFC 8058)."""
    headers = {REFERENCE_HEADER: reference(out)}
    if out.unsubscribe_url is not None and _URL.fullmatch(out.unsubscribe_url):
        # So that no encoded word stands in it, which is as good a URL.
        headers["List-Unsubscribe"] = f"<{out.unsubscribe_url.replace('=?', '=%3F')}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def address(value: str) -> str:
    """An address as it is written on the wire, its domain in ASCII; empty if it is none."""
    return f"{value.partition('@')[0]}@{domain(value)}" if address_problem(value) is None else ""


def domain(value: str) -> str:
    """The domain of an address, in ASCII; `invalid` if it has none (RFC 2606)."""
    name = value.partition("@")[2] if address_problem(value) is None else ""
    try:
        return name.encode("idna").decode() or "invalid"
    except UnicodeError:
        return "invalid"


def _mailbox(header: str, value: str, name: str | None = None) -> str:
    written = address(value)
    if not written:
        return ""
    shown = " ".join(safe(name or "").split())
    if not shown:
        return f"{header}: {written}"
    if _PLAIN.fullmatch(shown) and "=?" not in shown and len(shown) < _LINE - len(header) - 8:
        phrase = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        phrase = _words(shown, len(header) + 2)
    return f"{header}: {phrase}\r\n <{written}>"


def _text(value: str, before: int) -> str:
    """A header's text; as encoded words unless it is short, plain and holds none itself."""
    shown = safe(value).replace("\t", " ").strip()
    if _PLAIN.fullmatch(shown) and "=?" not in shown and len(shown) <= _LINE - before:
        return shown
    return _words(shown, before)


def _words(text: str, before: int) -> str:
    """Encoded words, none of which cuts a character in two; the first has `before` it on its line."""
    chunks, room = [b""], _CHUNK - before * 3 // 4
    for character in text:
        octets = character.encode(errors="replace")
        if len(chunks[-1]) + len(octets) > room:
            chunks.append(b"")
            room = _CHUNK
        chunks[-1] += octets
    return "\r\n ".join(f"=?utf-8?b?{b64encode(c).decode()}?=" for c in chunks if c)


def _content(out: Outbound, html: str | None) -> bytes:
    if html is None:
        return _part("plain", out.body)
    if not out.body:
        return _part("html", html)
    # No quoted-printable text holds `=_`, so the boundary is in neither part.
    line = f"=_{reference(out)}".encode()
    return b"".join(
        (
            b'Content-Type: multipart/alternative; boundary="' + line + b'"\r\n\r\n',
            b"--" + line + b"\r\n" + _part("plain", out.body) + b"\r\n",
            b"--" + line + b"\r\n" + _part("html", html) + b"\r\n",
            b"--" + line + b"--\r\n",
        )
    )


def _part(kind: str, text: str) -> bytes:
    whole = _BREAKS.sub("\r\n", text.replace("\0", "")).encode(errors="replace")
    # A lone LF or CR is the end of a line to one server and text to the next: none is sent.
    encoded = b2a_qp(whole, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    end = b"" if encoded.endswith(b"\r\n") else b"\r\n"
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode() + (encoded + end)
