"""What do the Graph API's error codes mean for a direct message on Instagram?

A code may mean another thing with a subcode; `10/2534022` is tried before `10`. The 24 hours in which somebody
who wrote may be answered are Meta's rule, not a fault of the sender or the address. Columns: code, kind, where
the message ends, who else may be tried, a sentence. Source: the Messenger Platform's table of common errors.
"""

from __future__ import annotations

from messaging.domain.failures import Failure
from messaging.providers import failure_tables

_SYNC = """
1/1357046   ambiguous           failed             none         Meta could not read an answer of its own; the message was sent, as a rule.
1           ambiguous           failed             none         Meta failed inside; it may have sent the message.
2           ambiguous           failed             none         Meta is unavailable just now; it may have sent the message.
4           rate_limited        failed             none         Too many requests of the app; this one was not processed.
10/2534022  permanent_recipient blocked_compliance none         The person has not written within the last 24 hours.
10/2018278  permanent_recipient blocked_compliance none         The person has not written within the last 24 hours.
10          permanent_config    failed             none         The app lacks the permission to send.
17          rate_limited        failed             none         Too many requests of the user; this one was not processed.
32          rate_limited        failed             none         Too many requests of the page; this one was not processed.
100/2018001 permanent_recipient undeliverable      none         Meta knows no such person.
100         permanent_config    failed             none         Meta found a parameter invalid.
190         permanent_config    failed             none         The access token is wrong or has expired.
200         permanent_config    failed             none         The app lacks the permission to send.
230         permanent_config    failed             none         The app lacks the permission to send.
368         permanent_sender    failed             other_sender Meta has blocked the account for a while, for policy.
551         permanent_recipient undeliverable      none         The person cannot be written to, or has blocked the account.
613         rate_limited        failed             none         Too many calls of this kind; this one was not processed.
1200        transient_retry     failed             none         Meta could not send the message just now.
media       permanent_config    failed             none         Meta refused the picture.
"""

SYNC = failure_tables.read(_SYNC)
"""What a reply to a send may say, by code, or by code and subcode."""

DEAD = frozenset({"100/2018001"})
"""Codes by which nobody can be reached under the id."""


def find(code: int | None, subcode: int | None) -> Failure | None:
    """What an error means; None if it is none of these."""
    if code is None:
        return None
    if 36_000 <= code < 37_000:
        return SYNC["media"]
    return SYNC.get(f"{code}/{subcode}") or SYNC.get(str(code))
