"""W12: what does it cost to believe a receipt and keep it before saying so?

Receipts as Twilio posts and signs them, each of another message, to the real server, in turns with the
same posts to the same server's empty route.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from messaging import callbacks
from messaging.processes import Group
from tests.benchmarks.callers import CALLERS, Answered, call
from tests.benchmarks.empty_route import PATH
from tests.benchmarks.machine import Machine, recipients
from tests.benchmarks.witness import VoidRunError

_MOST_PER_S = 9_000
"""Receipts made beforehand for a second: more than the server takes."""


@dataclass(frozen=True, slots=True)
class Posts:
    """One comparison of the two routes."""

    kept: Answered
    empty: Answered


def posts(m: Machine, seconds: float, rounds: int) -> Iterator[Posts]:
    """Signed receipts, and the same to the empty route, in turns, on one running server.

    Raises:
        VoidRunError: a receipt was refused, or what was answered is not what is kept.
    """
    m.reset()
    port, server = m.api()
    with Group([server]):
        call(port, receipts(m, 2_000), 1.0)
        for _ in range(rounds):
            made = receipts(m, int(seconds * _MOST_PER_S))
            empty = call(port, [_elsewhere(one) for one in made], seconds)
            m.reset()
            m.checkpoint()
            kept = call(port, made, seconds)
            _check(m, kept, empty)
            yield Posts(kept, empty)


def _check(m: Machine, kept: Answered, empty: Answered) -> None:
    if set(empty.statuses) != {202} or set(kept.statuses) != {204}:
        raise VoidRunError(f"the server answered {kept.statuses} and {empty.statuses}")
    said = kept.statuses[204]
    for table in ("raw_receipts", "pending_receipts"):
        stored = m.scalar(f"SELECT count(*) FROM {table}")
        # Receipts that were on their way at the end are kept, though nobody heard the answer.
        if not said <= stored <= said + CALLERS:
            raise VoidRunError(f"{said} receipts were answered, {table} has {stored}")


def receipts(m: Machine, count: int) -> list[bytes]:
    """`count` requests, each the receipt of another message, signed for its own address."""
    people = recipients()
    return [_receipt(m, n, people[n % len(people)]) for n in range(count)]


def _receipt(m: Machine, n: int, to: str) -> bytes:
    message_id = m.rt.new_id()
    url = callbacks.address(m.rt.settings, m.account, message_id, 1)
    form = {
        "AccountSid": m.account.username,
        "ApiVersion": "2010-04-01",
        "From": "+12025550100",
        "MessageSid": f"SM{message_id.hex}",
        "MessageStatus": ("sent", "delivered")[n % 2],
        "SmsSid": f"SM{message_id.hex}",
        "SmsStatus": ("sent", "delivered")[n % 2],
        "To": to,
    }
    text = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(m.account.secret.encode(), text.encode(), "sha1"))
    body = urlencode(form).encode()
    head = (
        f"POST {url.removeprefix(m.rt.settings.public_url)} HTTP/1.1\r\nHost: bench\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature.decode()}\r\n"
        "I-Twilio-Idempotency-Token: 00000000-0000-4000-8000-000000000000\r\n"
        "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\r\n"
    )
    return head.encode() + body


def _elsewhere(request: bytes) -> bytes:
    """The same request, to the empty route."""
    _, rest = request.split(b" HTTP/1.1\r\n", 1)
    return b"POST %s HTTP/1.1\r\n%s" % (PATH.encode(), rest)
