"""What do Twilio's error codes mean for a message?

Tables of facts, two of them because a code may mean another thing when it comes with the reply to a
send (`SYNC`) than when it comes later with a receipt (`ASYNC`). Columns: code, kind, where the message ends, who else
may be tried, and a sentence for the operator. Content refusals never fail over: sending the same text
through another carrier would be filter evasion. Source: Twilio's error dictionary.
"""

from __future__ import annotations

from messaging.domain.registration import Lapse
from messaging.providers.failure_tables import blameless, read

_SYNC = """
10001 permanent_config    blocked_billing  other_provider  The account is disabled, for lack of funds or for policy.
20003 permanent_config    failed           none            The credentials are wrong or lack the permission to send.
20005 permanent_config    blocked_billing  other_provider  The account is not active, as when it is out of funds.
20404 permanent_config    failed           none            Twilio knows no such resource; the Account SID may be wrong.
20429 rate_limited        failed           other_provider  Too many requests at once; this one was not processed.
20500 ambiguous           failed           none            Twilio failed inside; it may have taken the message.
20503 transient_retry     failed           other_provider  Twilio is unavailable and did not take the message.
21211 permanent_recipient undeliverable    none            The recipient is not a valid phone number.
21212 permanent_sender    failed           other_sender    The sender is not a valid phone number or sender ID.
21408 permanent_config    failed           other_provider  The account may not send to the recipient's region.
21601 permanent_sender    failed           other_sender    The sender's number cannot send messages.
21602 permanent_config    failed           none            The request had neither a body nor media.
21603 permanent_config    failed           none            The request named no sender.
21604 permanent_config    failed           none            The request named no recipient.
21606 permanent_sender    failed           other_sender    The sender cannot send to this destination.
21608 permanent_config    failed           none            A trial account may send only to verified numbers.
21609 permanent_config    failed           none            The receipt URL is not one Twilio can call.
21610 opted_out           opted_out        none            The recipient has unsubscribed from this sender.
21611 rate_limited        failed           other_sender    The sender's queue at Twilio is full.
21612 permanent_recipient undeliverable    other_provider  Twilio has no route from this sender to the recipient.
21614 permanent_recipient undeliverable    none            The recipient is not a mobile number.
21616 permanent_config    failed           none            The sender matches more than one number of the account.
21617 permanent_config    failed           none            The body is longer than 1600 characters.
21618 permanent_sender    undeliverable    none            The body is refused by every carrier on the route.
21619 permanent_config    failed           none            The request had neither a body nor media.
21620 permanent_config    failed           none            A media URL is not valid.
21621 permanent_sender    failed           other_sender    The sender is not enabled for MMS.
21622 permanent_config    failed           other_provider  The account is not enabled for MMS.
21623 permanent_config    failed           none            The message has too many media files.
21624 permanent_config    failed           none            The validity period is out of range.
21701 permanent_config    failed           none            The Messaging Service does not exist.
21702 permanent_config    failed           other_provider  The Messaging Service is not available.
21703 permanent_sender    failed           other_provider  The Messaging Service has no number for this destination.
21704 permanent_sender    failed           other_provider  The Messaging Service has no senders.
21705 permanent_config    failed           none            The Messaging Service SID is not valid.
21730 transient_retry     failed           other_provider  Twilio is under maintenance and did not take the message.
"""

_ASYNC = """
14107 rate_limited        failed                    none            Too many messages between the same two numbers within 30 seconds.
21610 opted_out           opted_out                 none            The recipient has unsubscribed from this sender.
30001 rate_limited        failed                    other_sender    The message waited too long in the sender's queue.
30002 permanent_config    blocked_billing           other_provider  The account was suspended after the message was queued.
30003 transient_retry     undeliverable             none            The handset could not be reached; it may be off.
30004 permanent_recipient undeliverable             none            The recipient cannot receive this message or blocks it.
30005 permanent_recipient undeliverable             none            The handset is unknown; the number may not exist any more.
30006 permanent_recipient undeliverable             none            The recipient is a landline or its carrier cannot be reached.
30007 permanent_sender    undeliverable             none            Twilio or a carrier filtered the message.
30008 transient_retry     undeliverable             other_sender    The carrier failed the message and gave no reason.
30010 permanent_config    failed                    none            The message costs more than the price limit allows.
30011 permanent_recipient undeliverable             none            The recipient cannot receive MMS.
30017 transient_retry     undeliverable             none            The carrier's network is congested.
30018 permanent_sender    undeliverable             other_sender    The destination requires the sender ID to be registered first.
30019 permanent_config    failed                    none            The content is too large for the carrier.
30020 transient_retry     failed                    none            Twilio failed inside while scheduling the message.
30021 transient_retry     failed                    none            Twilio failed inside while routing the message.
30022 rate_limited        failed                    other_sender    The carrier's rate limit for the 10DLC campaign was exceeded.
30023 rate_limited        failed                    none            The carrier's daily cap for the 10DLC brand is used up.
30024 permanent_sender    undeliverable             other_sender    The sender is not yet provisioned at the carrier.
30027 rate_limited        failed                    none            T-Mobile's daily limit for the brand is used up.
30036 transient_retry     failed                    other_sender    The validity period ran out while the message was queued.
30410 ambiguous           failed                    none            The carrier did not answer Twilio; the message may have arrived.
30450 rate_limited        failed                    none            Twilio holds the destination back as likely SMS pumping.
30500 transient_retry     failed                    other_provider  Twilio failed inside.
30610 rate_limited        blocked_compliance        none            Twilio's Compliance Toolkit refused it for quiet hours.
30640 permanent_recipient blocked_compliance        none            Twilio's Compliance Toolkit knows the recipient as a litigator.
"""

# Known only once a carrier was asked, so they should come with receipts; they mean the same in a reply.
_REGISTRATION = """
30032 permanent_sender    blocked_missing_campaign  other_sender    The toll-free sender is not verified.
30033 permanent_sender    blocked_missing_campaign  other_sender    The sender's 10DLC campaign is suspended.
30034 permanent_sender    blocked_missing_campaign  other_sender    The sender is not registered with a 10DLC campaign.
30035 permanent_sender    blocked_missing_campaign  other_sender    The sender's 10DLC registration is still being set up.
"""


SYNC = read(_SYNC + _REGISTRATION.lstrip())
"""Codes in the reply to a send."""

ASYNC = read(_ASYNC + _REGISTRATION.lstrip())
"""Codes in a receipt, or on a message looked up later."""

BLAMELESS = blameless(ASYNC)
"""Codes in a receipt by which Twilio failed, or we did: too fast, too large, not registered."""

DAILY_CAPS = frozenset({"30023", "30027"})
"""A brand's day at T-Mobile is used up, which counts from midnight to midnight Pacific time."""

LAPSES = {
    "30032": Lapse.SENDER,
    "30033": Lapse.CAMPAIGN,
    "30034": Lapse.SENDER,
    "30035": Lapse.SENDER,
}
"""Codes by which a sender turns out not to be registered as we believed. Not 21606: it speaks of what a
number can do, and where."""
