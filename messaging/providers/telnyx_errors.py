"""What do Telnyx' error codes mean for a message?

Tables of facts as in `failure_tables`: `SYNC` for the reply to a send, `ASYNC` for receipts. Telnyx
publishes two dictionaries that contradict each other; these are the words of its error reference.
"""

from __future__ import annotations

from messaging.domain.failures import Kind
from messaging.domain.registration import Lapse
from messaging.providers.failure_tables import blameless, read

SYNC = read("""
10001 permanent_sender    failed             other_sender   The sender's number is not active.
10002 permanent_recipient undeliverable      none           The recipient is not a valid phone number.
10003 permanent_config    failed             none           A URL in the request is not valid.
10004 permanent_config    failed             none           The request lacks a parameter.
10005 permanent_config    failed             none           Telnyx knows no such resource.
10007 ambiguous           failed             none           Telnyx failed inside; it may have taken the message.
10008 ambiguous           failed             none           Telnyx took too long; it may have taken the message.
10009 permanent_config    failed             none           The API key was not accepted.
10010 permanent_config    failed             none           The API key may not send messages.
10011 rate_limited        failed             other_provider Too many requests at once; this one was not processed.
10015 permanent_config    failed             none           Telnyx could make nothing of the request.
10016 permanent_recipient undeliverable      none           The recipient is not a number in E.164 format.
10023 permanent_config    failed             none           The request was not JSON.
10027 permanent_config    failed             none           The request could not be processed as it was.
10036 transient_retry     failed             none           Telnyx was still at work on the resource.
10037 transient_retry     failed             other_provider Telnyx is unavailable and did not take the message.
20002 permanent_config    failed             none           The API key was revoked.
20006 permanent_config    failed             none           The access token has expired.
20008 permanent_config    failed             none           The API key is not valid.
20012 permanent_config    blocked_billing    other_provider The account is inactive, as when it is out of funds.
20013 permanent_config    failed             other_provider The account is blocked.
20014 permanent_config    failed             other_provider The account is not verified.
20016 permanent_config    failed             other_provider The account is not verified.
20017 permanent_config    failed             other_provider The account is not verified.
20100 permanent_config    blocked_billing    other_provider The account has not enough funds.
40100 permanent_sender    failed             other_sender   The sender is not enabled for messaging.
40150 permanent_sender    failed             other_sender   The toll-free sender is not in the registry.
40151 permanent_sender    failed             other_sender   The sender is still being enabled at another provider.
40155 permanent_sender    failed             other_sender   The sender needs a letter of authorization first.
40300 opted_out           opted_out          none           The recipient has sent STOP to this messaging profile.
40301 permanent_config    failed             none           The recipient cannot be sent a message of this type.
40302 permanent_config    failed             none           The message has more than ten parts.
40304 permanent_config    failed             none           The parts of the message do not go together.
40305 permanent_sender    failed             other_sender   The sender is not valid.
40306 permanent_sender    failed             other_sender   The alphanumeric sender is not set up.
40307 permanent_sender    failed             other_sender   The alphanumeric sender is not the messaging profile's.
40308 permanent_sender    failed             other_sender   The sender cannot send MMS.
40309 permanent_config    failed             other_provider The recipient's region is not enabled for the account.
40310 permanent_recipient undeliverable      none           The recipient is not a number Telnyx can send to.
40311 permanent_config    failed             none           The messaging profile's secret is wrong.
40312 permanent_config    failed             other_provider The messaging profile is disabled.
40313 permanent_config    failed             none           The messaging profile's secret is missing.
40314 permanent_config    failed             other_provider Messaging is disabled for the account.
40315 permanent_sender    failed             other_sender   Telnyx holds the sender to be unhealthy.
40316 permanent_config    failed             none           The message has no content.
40317 permanent_config    failed             none           The message has too many files, or too large ones.
40318 rate_limited        failed             other_sender   The queue at Telnyx is full.
40319 permanent_config    failed             none           The sender cannot send a message of this type.
40320 permanent_sender    failed             other_sender   The sender cannot be used for now.
40321 permanent_sender    failed             other_provider The number pool has no number for this recipient.
40322 permanent_sender    blocked_compliance none           Telnyx does not allow this content.
40323 permanent_sender    failed             other_sender   The sender could not be enabled for messaging.
40325 permanent_sender    failed             other_sender   The alphanumeric sender is not well formed.
40328 permanent_config    failed             none           The message would be split into too many parts.
40331 permanent_config    failed             other_provider The messaging profile allows no destination.
40333 permanent_config    blocked_billing    other_provider The messaging profile's spend limit is reached.
""")
"""Codes in the reply to a send."""

ASYNC = read("""
40001 permanent_recipient undeliverable            none           The recipient is a landline or cannot be routed to.
40002 permanent_sender    undeliverable            none           The message was taken for spam, for now.
40003 permanent_sender    undeliverable            other_sender   The sender is blocked for spam.
40004 transient_retry     undeliverable            none           The recipient's carrier rejected the message.
40005 transient_retry     undeliverable            none           The message expired on its way.
40006 transient_retry     undeliverable            none           The recipient's carrier is down.
40008 transient_retry     undeliverable            other_provider The message could not be delivered; no reason was given.
40009 permanent_config    failed                   none           The carrier does not take a body like this.
40010 permanent_sender    blocked_missing_campaign other_sender   The sender is not registered for 10DLC.
40011 rate_limited        undeliverable            other_sender   A carrier's rate limit was exceeded.
40012 permanent_recipient undeliverable            none           The carrier knows no such recipient.
40013 permanent_sender    undeliverable            other_sender   The carrier knows no such sender.
40014 rate_limited        failed                   other_sender   The message expired in the queue at Telnyx.
40015 permanent_sender    undeliverable            none           Telnyx took the message for spam.
40016 rate_limited        failed                   none           T-Mobile's daily limit for the brand is used up.
40017 permanent_sender    undeliverable            none           AT&T took the message for spam.
40018 rate_limited        failed                   other_sender   AT&T's limit per minute was exceeded.
40019 permanent_sender    blocked_missing_campaign other_sender   AT&T does not know the sender's 10DLC campaign.
40020 rate_limited        failed                   none           Telnyx holds the destination back as inflated traffic.
40300 opted_out           opted_out                none           The recipient has sent STOP to this messaging profile.
40329 permanent_sender    blocked_missing_campaign other_sender   The toll-free sender is not verified.
40330 permanent_sender    blocked_missing_campaign other_sender   The toll-free sender is not provisioned.
""")
"""Codes in a receipt, or on a message looked up later."""

ABOUT_EITHER = frozenset({"10002", "10016"})
"""Codes about a number: the pointer beside them says whether it is the recipient's or the sender's."""
BAD_SENDER = SYNC["40305"]

RANK = (
    Kind.OPTED_OUT,
    Kind.AMBIGUOUS,
    Kind.RECIPIENT,
    Kind.SENDER,
    Kind.CONFIG,
    Kind.RATE_LIMITED,
    Kind.TRANSIENT,
)
"""Of several errors in one reply, which kind decides; what may have been taken is not tried again."""

BLAMELESS = blameless(ASYNC)
DAILY_CAPS = frozenset({"40016"})
LAPSES = {
    "40010": Lapse.SENDER,
    "40019": Lapse.CAMPAIGN,
    "40329": Lapse.SENDER,
    "40330": Lapse.SENDER,
}
"""Codes by which a sender turns out not to be registered as we believed."""
