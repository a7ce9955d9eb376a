"""May this text stand in a header of an e-mail?

A header ends at a line break, so whoever gets one into a subject writes headers of their own: another
recipient, another sender. An encoded word (RFC 2047) hides it from whoever only looks for CR and LF,
and libraries unpack such words and write out what was in them (CVE-2024-6923 and its kin). So words
are unpacked here too, more leniently than anybody does, and what cannot be unpacked is refused.
"""

from __future__ import annotations

import re
from base64 import b64decode

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line for somebody, or cannot be written at all; a tab is only a space."""
_WORD = re.compile(r"=\?([^?]*)\?([^?]*)\?", re.DOTALL)
_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_READ = {"utf-8": "utf-8", "us-ascii": "latin-1", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}
"""Character sets in which a byte of ASCII is always that character, so that nothing hides in them."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*"
)
_LONGEST_LOCAL, _LONGEST_ADDRESS = 64, 254

BREAK = "holds a line break or another control character"
HIDDEN = "holds an encoded word with a line break in it"
UNREAD = "holds an encoded word that cannot be read for certain"
NO_ADDRESS = "is not an e-mail address that every server takes"


def problem(value: str) -> str | None:
    """Why `value` must not stand in a header, as the end of a sentence; None if it may."""
    if _CONTROL.search(value):
        return BREAK
    for word in _WORD.finditer(value):
        charset = _READ.get(word[1].partition("*")[0].strip().lower())
        kind = word[2].strip().lower()
        if charset is None or kind not in {"b", "q"}:
            return UNREAD
        # To the end of the value: where a word ends, libraries disagree.
        rest = value[word.end() :]
        within = _from_q(rest) if kind == "q" else _from_b(rest.partition("?")[0])
        text = within.decode(charset, errors="replace")
        if _CONTROL.search(text):
            return HIDDEN
        if kind == "b" and "=?" in text:
            return UNREAD
        if kind == "q" and "=?" in text.partition("?=")[0]:
            return UNREAD
    return None


def safe(value: str) -> str:
    """`value` if it may stand in a header, else what is left of it that may."""
    if problem(value) is None:
        return value
    plain = _CONTROL.sub(" ", value)
    return plain if problem(plain) is None else plain.replace("=?", "= ?")


def address_problem(value: str) -> str | None:
    """Why `value` cannot be written to, as the end of a sentence; None if it can.

    The part before the @ is ASCII without quotes (what needs SMTPUTF8 or quoting is refused by too many
    servers); the domain may be international. Source: RFC 5321 sections 4.1.2 and 4.5.3.1.
    """
    if _CONTROL.search(value):
        return BREAK
    local, _, _ = value.partition("@")
    fits = len(local) <= _LONGEST_LOCAL and len(value) <= _LONGEST_ADDRESS
    return None if fits and "=?" not in value and _ADDRESS.fullmatch(value) else NO_ADDRESS


def _from_q(text: str) -> bytes:
    """Quoted-printable as it stands in an encoded word; what is not ASCII was never encoded."""
    plain = text.replace("_", " ").encode("ascii", "replace")
    return _QUOTED.sub(lambda two: chr(int(two[1], 16)), plain.decode()).encode("latin-1")


def _from_b(text: str) -> bytes:
    """Base64, whatever its padding, and whatever stands between."""
    digits = _NO_BASE64.sub("", text)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return b64decode(digits + "=" * (-len(digits) % 4))
