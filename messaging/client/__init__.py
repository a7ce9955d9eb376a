"""How does another Python program use the API? Over HTTP, with repeats that cannot send twice.

    from messaging.client import Posthorn

    with Posthorn("https://posthorn.example", api_key="ph_live_...") as ph:
        sent = ph.messages.send(to="+12025550123", body="Your code is 123456")
        ph.messages.wait(sent.id, until="delivered", timeout=60)

    async with AsyncPosthorn() as ph:
        async for campaign in ph.campaigns.follow(campaign_id):
            print(campaign.state, campaign.counts)

Everything that `/openapi.json` describes below `/v1` is a method of a part, such as `ph.contacts.keep`. Every
send carries an idempotency key, so a repeat after a lost answer is answered with the first one. A result is a
frozen dataclass; its `raw` has every field the server named. This package needs no database, no Redis and no
setting of the server.
"""

from __future__ import annotations

from messaging.client.connection import AsyncPosthorn, Posthorn
from messaging.client.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PosthornClientError,
    RateLimitedError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
    UnreadableError,
    WaitTimeoutError,
)
from messaging.client.message_results import Accepted, FieldError, History, Message, Refused

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncPosthorn",
    "ConflictError",
    "FieldError",
    "ForbiddenError",
    "History",
    "InvalidError",
    "Message",
    "NotFoundError",
    "Posthorn",
    "PosthornClientError",
    "RateLimitedError",
    "Refused",
    "ServerError",
    "UnauthorizedError",
    "UnreachableError",
    "UnreadableError",
    "WaitTimeoutError",
]
