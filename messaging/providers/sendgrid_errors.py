"""What do SendGrid's refusals, and the ends it reports later, mean for a message?

SendGrid has no codes: the words here are ours, for a status with what its error says, and for an event
with its type or reason. Source: SendGrid's API description and its Event Webhook reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messaging.domain.failures import Failure
from messaging.domain.lifecycle import Event, Status
from messaging.providers import failure_tables, replies

_SYNC = """
http_400     permanent_config    failed          none            SendGrid found the request invalid.
http_400_to  permanent_recipient undeliverable   none            SendGrid takes the recipient for no address.
http_401     permanent_config    failed          none            The API key is wrong, or may not send.
credits      permanent_config    blocked_billing other_provider  The account has used up what its plan includes.
http_403     permanent_sender    failed          other_sender    The sender is no verified identity of the account.
http_404     permanent_config    failed          none            SendGrid knows no such resource.
http_405     permanent_config    failed          none            SendGrid does not take this method there.
http_413     permanent_config    failed          none            The message is larger than SendGrid takes.
http_429     rate_limited        failed          other_provider  Too many requests at once; this one was not processed.
"""
_ASYNC = """
bounce               permanent_recipient undeliverable   none            The recipient's server refused it for good.
bounce_policy        permanent_sender    undeliverable   none            The recipient's server refused it for policy.
bounce_blocked       transient_retry     undeliverable   other_provider  The recipient's server refused it for now.
bounce_expired       permanent_recipient undeliverable   none            The recipient's server put it off for three days.
dropped              permanent_config    failed          none            SendGrid did not send it, for a reason unknown to Posthorn.
dropped_bounced      permanent_recipient undeliverable   none            It bounced before, so SendGrid did not send it.
dropped_invalid      permanent_recipient undeliverable   none            SendGrid takes the recipient for no address.
dropped_unsubscribed opted_out           opted_out       none            The recipient has unsubscribed.
dropped_complained   opted_out           opted_out       none            The recipient reported an earlier message as spam.
dropped_spam         permanent_sender    undeliverable   none            SendGrid took the message for spam.
dropped_header       permanent_config    failed          none            SendGrid did not understand a header.
dropped_quota        permanent_config    blocked_billing other_provider  The account has used up what its plan includes.
"""

SYNC = failure_tables.read(_SYNC)
"""What a reply to a send may say."""

ASYNC = failure_tables.read(_ASYNC)
"""How an event may say that a message ended badly."""

DEAD = frozenset({"http_400_to", "bounce", "dropped_bounced", "dropped_invalid"})
"""Codes by which nobody can be reached at the address."""

FILTERED = frozenset({"dropped_spam"})

BLAMELESS = failure_tables.blameless(ASYNC)

_REASONS = {
    "bounced address": "dropped_bounced",
    "invalid": "dropped_invalid",
    "unsubscribed address": "dropped_unsubscribed",
    "spam reporting address": "dropped_complained",
    "spam content": "dropped_spam",
    "invalid smtpapi header": "dropped_header",
    "recipient list over package quota": "dropped_quota",
}
_ENDS = {
    Status.UNDELIVERABLE: Event.UNDELIVERED,
    Status.FAILED: Event.FAILED,
    Status.OPTED_OUT: Event.OPTED_OUT,
    Status.BLOCKED_BILLING: Event.BLOCKED_BILLING,
}


def refusal(status: int, reply: Mapping[str, Any]) -> Failure | None:
    """What an error reply with a status of 4xx means; None if nothing is known of that status."""
    errors = replies.objects(reply.get("errors"))
    if status == 400 and any(_is_recipient(error.get("field")) for error in errors):
        return SYNC["http_400_to"]
    texts = [replies.word(error.get("message"), 80).lower() for error in errors]
    if status in {401, 403} and any("credits exceeded" in text for text in texts):
        return SYNC["credits"]
    return SYNC.get(f"http_{status}")


def _is_recipient(field: object) -> bool:
    """Whether an error is about the one address a message goes to, as in `personalizations.0.to.0.email`."""
    parts = replies.word(field, 80).split(".")
    return parts[0] == "personalizations" and "to" in parts


def ending(event: Mapping[str, Any]) -> Failure | None:
    """How a `bounce` or `dropped` event says that it ended; None for any other."""
    word = event.get("event")
    if word == "bounce":
        kind = replies.word(event.get("type")).lower()
        if kind in {"blocked", "expired"}:
            return ASYNC[f"bounce_{kind}"]
        is_policy = replies.word(event.get("status")).startswith("5.7.")
        return ASYNC["bounce_policy" if is_policy else "bounce"]
    if word == "dropped":
        return ASYNC[_REASONS.get(replies.word(event.get("reason"), 60).strip().lower(), "dropped")]
    return None


def end_event(failure: Failure) -> Event:
    """The lifecycle event of a bad end."""
    return _ENDS[failure.status]
