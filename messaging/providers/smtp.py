"""How does any SMTP relay carry an e-mail, and what does its answer say?

A relay says nothing after it took a mail, and cannot be asked: a message ends at sent, and a delivery
in doubt stays so. The request has the mail as its content, and for the transport in its extensions
whom it is from and to, how to log in, and how the connection is encrypted. Sources: RFC 5321, RFC 3463
for the enhanced codes, which are believed before the basic ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

import httpx

from messaging.domain.failures import Accepted, Failure, Kind, Outcome
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import mime
from messaging.providers.base import (
    Abilities,
    DeliveryReport,
    InboundMessage,
    Option,
    Outbound,
    Provider,
    RawEvent,
    Webhook,
)
from messaging.providers.smtp_errors import DEAD, FILTERED, classify

_PORTS = {"smtp": 587, "smtps": 465}
_STAGES = frozenset({"connect", "hello", "tls", "auth", "mail", "rcpt", "data", "final"})
_QUEUED = re.compile(
    r"queued (?:mail )?(?:as|for delivery as|with id)[ :]+<?([A-Za-z0-9][A-Za-z0-9._-]{3,63})",
    re.IGNORECASE,
)
_ID = re.compile(r"[!-;=?-~]{1,320}")


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one delivery that sends `out`: a POST only by name."""
    tls = _encryption(account)
    scheme = "smtps" if tls == "implicit" else "smtp"
    base = httpx.URL(account.base_url)
    # The path of such a URL is the name we greet the relay with.
    url = base.copy_with(
        scheme=scheme,
        port=base.port or _PORTS[scheme],
        raw_path=f"/{mime.domain(out.sender)}".encode(),
    )
    return httpx.Request(
        "POST",
        url,
        headers={"Content-Type": "message/rfc822"},
        content=mime.compose(out),
        extensions={
            "mail_from": mime.address(out.sender),
            "rcpt": mime.address(out.to),
            "username": account.username,
            "password": account.secret,
            "tls": tls,
            "message_id": mime.message_id(out),
        },
    )


def _encryption(account: ProviderAccount) -> str:
    """How the connection is encrypted; not at all only on this machine or network."""
    if account.base_url.lower().startswith("smtps:"):
        return "implicit"
    wish = account.options.get("tls", "starttls")
    if wish == "none" and not _is_near(httpx.URL(account.base_url).host):
        return "starttls"
    return wish if wish in {"implicit", "none"} else "starttls"


def _is_near(host: str) -> bool:
    """Whether a relay is on this machine or in a private network, by its name or number alone."""
    try:
        number = ip_address(host)
    except ValueError:
        return "." not in host
    return number.is_loopback or number.is_private


def outcome(response: httpx.Response) -> Outcome:
    """What the relay's last word says became of the mail."""
    status, stage = response.status_code, response.headers.get("x-smtp-stage", "")
    text = response.content[:2048].decode(errors="replace")
    if stage not in _STAGES:
        return Failure(Kind.AMBIGUOUS, f"smtp_{status}", "The relay's answer cannot be read.")
    if stage == "final" and 200 <= status < 300:
        queued = _QUEUED.search(text)
        named = response.headers.get("x-message-id", "")
        name = named if _ID.fullmatch(named) else queued[1] if queued else ""
        if name:
            return Accepted(name, f"{status} queued as {queued[1]}" if queued else str(status))
        return Failure(Kind.AMBIGUOUS, "unreadable", "The relay took a mail without a name.")
    return classify(stage, status, text)


def _unsigned(_account: ProviderAccount, _webhook: Webhook) -> bool:
    return False


def _no_report(_webhook: Webhook) -> DeliveryReport | None:
    return None


def _no_inbound(_webhook: Webhook) -> list[InboundMessage]:
    return []


def _no_events(_webhook: Webhook) -> list[RawEvent]:
    return []


_ABILITIES: Mapping[Channel, Abilities] = {
    Channel.EMAIL: Abilities(max_body=mime.LONGEST_BODY),
}

PROVIDER = Provider(
    name="smtp",
    base_url="smtp://localhost:587",
    abilities=_ABILITIES,
    request=request,
    outcome=outcome,
    refuses=mime.refuses,
    verify=_unsigned,
    report=_no_report,
    inbound=_no_inbound,
    events=_no_events,
    options=(
        Option(
            "tls",
            "starttls (unless said otherwise), implicit as with smtps://, or none, which is only for"
            " a relay on this machine or in a private network",
        ),
    ),
    has_receipts=False,
    dead_numbers=DEAD,
    filtered=FILTERED,
)
