"""Which providers does the carrier speak like?"""

from __future__ import annotations

from messaging.sandbox.dialect import Dialect
from messaging.sandbox.instagram import Instagram
from messaging.sandbox.sendgrid import SendGrid
from messaging.sandbox.smtp import Smtp
from messaging.sandbox.telnyx import Telnyx
from messaging.sandbox.twilio import Twilio
from messaging.sandbox.vonage import Vonage
from messaging.sandbox.vonage_sms import VonageSms

DIALECTS: tuple[type[Dialect], ...] = (
    Twilio,
    Telnyx,
    Vonage,
    VonageSms,
    SendGrid,
    Instagram,
    Smtp,
)
"""A new protocol is a file beside this one, and a line here."""
