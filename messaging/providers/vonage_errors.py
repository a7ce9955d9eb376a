"""What do the error codes of Vonage's Messages API mean for a message?

Tables of facts as in `failure_tables`. Its numbers mean other things in a reply than in a receipt, so a reply's
are written as they stand in the address of the problem, `#1120`, and a receipt's as the bare number. Source:
Vonage's API description, and its list of Messages errors.
"""

from __future__ import annotations

from messaging.providers.failure_tables import blameless, read

SYNC = read("""
http_401      permanent_config    failed          none           The credentials are wrong, or not for this product.
http_402      permanent_config    blocked_billing other_provider The account's balance is too low.
http_429      rate_limited        failed          other_provider Too many requests at once; this one was not processed.
http_500      ambiguous           failed          none           Vonage failed inside; it may have taken the message.
#invalid-json permanent_config    failed          none           The request was not JSON.
#recipient    permanent_recipient undeliverable   none           The recipient is not one Vonage can send to.
#1060         permanent_config    failed          none           The client reference is not valid.
#1100         permanent_config    failed          none           The channel is not supported.
#1110         permanent_config    failed          none           A parameter of the channel is not valid.
#1120         permanent_sender    failed          other_sender   The sender is not valid.
#1140         permanent_config    failed          none           The message type is not valid.
#1150         permanent_config    failed          none           A parameter is not valid.
""")
"""What is in the reply to a send: by its status, or by the problem's address."""

ASYNC = read("""
1000 rate_limited        failed          other_sender   Vonage or a carrier was sent messages too fast.
1010 permanent_config    failed          none           The message lacked a parameter.
1020 permanent_config    failed          none           A parameter of the message was not valid.
1030 transient_retry     failed          other_provider Vonage failed inside.
1040 permanent_recipient undeliverable   none           The message cannot be sent to a number like this.
1050 permanent_recipient undeliverable   none           The recipient is barred at Vonage.
1060 permanent_config    failed          other_provider The account is barred.
1070 permanent_config    blocked_billing other_provider The account's credit or quota is used up.
1080 permanent_config    failed          other_provider The account may not use this API.
1090 permanent_config    failed          none           The message is too long.
1100 transient_retry     failed          other_provider The message could not be handed on.
1110 permanent_config    failed          none           The request's signature was not valid.
1120 permanent_sender    failed          other_sender   The sender is not allowed.
1130 permanent_config    failed          none           The time to live is out of range.
1140 permanent_config    failed          none           The account may not use this kind of message.
1150 permanent_config    failed          none           The message class is not valid.
1160 permanent_config    failed          none           A demo account may send only to its own list of numbers.
1170 permanent_recipient undeliverable   none           The recipient is not a valid phone number.
1180 transient_retry     undeliverable   none           The recipient cannot be reached for now.
1190 permanent_recipient undeliverable   none           The recipient's number is no longer in use.
1200 permanent_recipient undeliverable   other_provider The carrier the number was ported to was not found.
1210 permanent_sender    undeliverable   none           A carrier took the message for spam.
1220 transient_retry     undeliverable   none           The handset was busy.
1230 transient_retry     undeliverable   none           The carrier's network failed.
1240 opted_out           opted_out       none           The recipient does not want messages from this sender.
1241 rate_limited        failed          none           The recipient was sent too many messages.
1250 permanent_recipient undeliverable   other_provider Vonage has no route to the recipient.
1260 permanent_recipient undeliverable   other_provider The recipient's network cannot be reached.
1270 permanent_recipient undeliverable   none           The recipient's age does not allow the content.
1280 permanent_recipient undeliverable   none           The recipient's carrier blocks the message.
1290 permanent_recipient undeliverable   none           The recipient has no credit to receive it.
1300 permanent_recipient undeliverable   none           The recipient is not in the carrier's network.
1310 permanent_recipient undeliverable   none           The recipient's device cannot receive it.
1320 ambiguous           failed          none           Vonage had seen the message before; it may have arrived.
1330 transient_retry     undeliverable   other_provider The message failed and no reason was given.
1360 transient_retry     failed          none           The time to live ran out.
""")
"""The titles of errors in status webhooks, and the error codes of records."""

BLAMELESS = blameless(ASYNC)
