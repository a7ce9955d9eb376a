"""What do the statuses and error codes of Vonage's SMS API mean for a message?

Tables of facts as in `failure_tables`: `SYNC` by the status of a part in the reply, `ASYNC` by the error code of a
delivery receipt, written `dlr-9` because 9 is something else in a reply. Source: Vonage's API description,
and its pages on delivery receipts.
"""

from __future__ import annotations

from messaging.providers.failure_tables import blameless, read

SYNC = read("""
1  rate_limited        failed          other_sender   Messages were sent too fast; this one was not taken.
2  permanent_config    failed          none           The request lacks a parameter.
3  permanent_config    failed          none           A parameter of the request is not valid.
4  permanent_config    failed          none           The API key or secret is wrong, or disabled.
5  transient_retry     failed          other_provider Vonage failed inside and did not take the message.
6  permanent_recipient undeliverable   none           The message cannot be sent to a number like this.
7  permanent_recipient undeliverable   none           The recipient is barred at Vonage.
8  permanent_config    failed          other_provider The account is barred.
9  permanent_config    blocked_billing other_provider The account's credit is used up.
10 rate_limited        failed          other_provider Too many connections to Vonage at once.
11 permanent_config    failed          other_provider The account may not use this API.
12 permanent_config    failed          none           The message is too long.
14 permanent_config    failed          none           The request's signature is not valid.
15 permanent_sender    failed          other_sender   The sender is not allowed.
22 permanent_config    failed          none           The network code does not fit the recipient.
23 permanent_config    failed          none           The receipt URL is too long or not valid.
29 permanent_config    failed          none           A demo account may send only to its own list of numbers.
32 permanent_config    failed          none           The request had both a signature and a secret.
33 permanent_recipient undeliverable   none           The recipient's number is no longer in use.
""")
"""Statuses of a part in the reply to a send; 0 is none of them."""

ASYNC = read(
    """
1  transient_retry     undeliverable      other_provider The message failed and no reason was given.
2  transient_retry     undeliverable      none           The recipient cannot be reached for now.
3  permanent_recipient undeliverable      none           The recipient's number is no longer in use.
4  permanent_recipient undeliverable      none           The recipient has barred all messages.
5  permanent_recipient undeliverable      other_provider The carrier the number was ported to was not found.
6  permanent_sender    undeliverable      none           A carrier took the message for spam.
7  transient_retry     undeliverable      none           The handset was busy.
8  transient_retry     undeliverable      none           The carrier's network failed.
9  opted_out           opted_out          none           The recipient does not want messages from this sender.
10 permanent_config    failed             none           The text does not fit its declared encoding.
11 permanent_recipient undeliverable      other_provider Vonage has no route to the recipient.
12 permanent_recipient undeliverable      other_provider The recipient's network cannot be reached.
13 permanent_recipient undeliverable      none           The recipient's age does not allow the content.
14 permanent_recipient undeliverable      none           The recipient's carrier blocks the message.
15 permanent_recipient undeliverable      none           The recipient has no credit to receive it.
16 rate_limited        undeliverable      other_sender   A carrier was sent messages too fast.
50 permanent_config    blocked_compliance none           The destination requires another entity ID.
51 permanent_sender    blocked_compliance other_sender   The destination does not allow this sender.
52 permanent_config    blocked_compliance none           The destination requires another content ID.
53 opted_out           blocked_compliance none           The destination knows of no consent by the recipient.
54 permanent_config    blocked_compliance none           A regulation of the destination forbids the message.
99 transient_retry     undeliverable      other_provider The message failed and no reason was given.
""",
    prefix="dlr-",
)
"""Error codes of a delivery receipt, or of a record; 0 is none of them."""

BLAMELESS = blameless(ASYNC)
