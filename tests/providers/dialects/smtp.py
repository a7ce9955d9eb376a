"""A mail relay's last word, as the transport hands it on; it has no webhooks."""

from __future__ import annotations

from messaging.domain.failures import Kind
from messaging.domain.message import Channel, Parts
from tests.providers.conformance import REFERENCE, Dialect

DIALECT = Dialect(
    accepted=b"250 2.0.0 Ok: queued as 4XyZ12",
    accepted_status=250,
    accepted_headers={"x-smtp-stage": "final", "x-message-id": f"{REFERENCE}@example.com"},
    message_id=f"{REFERENCE}@example.com",
    refusal=lambda code, text: f"550 {code} {text}".encode(),
    # Without its stage a reply tells nothing.
    kinds=dict.fromkeys((200, 250, 354, 421, 450, 535, 550, 554), Kind.AMBIGUOUS),
    over_http=False,
    has_lookup=False,
    base_urls=("smtp://127.0.0.1:1025", "smtp://relay.example.net:2525"),
    channel=Channel.EMAIL,
    to="ana@example.org",
    sender="news@example.com",
    parts=Parts(subject="A code", from_name="Example"),
)
