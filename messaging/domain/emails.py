"""Is this an e-mail address, and what is its one true spelling?

The domain is compared without case and written in ASCII (IDNA), as it travels. The part before the @
is its server's to read (RFC 5321, 2.4), so it is kept as it is written. That no server tells case
apart there is left to `addresses.key`; dots and `+tags` mean what each server likes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailSyntaxError, validate_email

from messaging.domain.addresses import AddressProblem

MAX_LENGTH = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""

_DETAILS = {
    "too_long": f"The address is longer than {MAX_LENGTH} characters; send one e-mail address.",
    "not_an_email": "This is not an e-mail address; send one such as ana@example.com, without a name.",
    "several_addresses": "This holds more than one address; send one message per address.",
    "not_ascii": (
        "Only plain letters, digits and signs may stand before the @; ask for another address."
    ),
}


_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII
)
"""A name before the @ as nearly everybody has (a dot-atom of RFC 5322, 3.2.3)."""
_LONGEST_NAME = 64


def normalise(raw: str) -> str | AddressProblem:
    """The one spelling of an e-mail address, or what is wrong with it.

    Nobody is asked whether the domain exists. A quoted name before the @, a bracketed IP address, and
    names that no public mail server can have (`localhost`, `.invalid`) are refused.
    """
    text = raw.strip(" \t")
    if len(text) > MAX_LENGTH:
        return _problem("too_long")
    if text.count("@") > 1:
        return _problem("several_addresses")
    local, _, domain = text.partition("@")
    if domain and not local.isascii():
        return _problem("not_ascii")
    return _spelled(text, local, domain) or _problem("not_an_email")


def _spelled(text: str, local: str, domain: str) -> str | None:
    if len(local) <= _LONGEST_NAME and _PLAIN.fullmatch(local):
        known = _domain(domain)
        if known is None or len(local) + len(known) < MAX_LENGTH:
            return known and f"{local}@{known}"
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except (EmailSyntaxError, UnicodeError):
        return None
    return found.ascii_email


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str | None:
    """A domain as it travels; None if there can be none such. A list of people has few of them."""
    try:
        found = validate_email(f"a@{domain}", check_deliverability=False, strict=True)
    except (EmailSyntaxError, UnicodeError):
        return None
    return found.ascii_domain


def _problem(code: str) -> AddressProblem:
    return AddressProblem(code, _DETAILS[code])
