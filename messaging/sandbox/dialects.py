"""Which providers does the carrier speak like?"""

from __future__ import annotations

from messaging.sandbox.dialect import Dialect
from messaging.sandbox.twilio import Twilio

DIALECTS: tuple[type[Dialect], ...] = (Twilio,)
"""A new protocol is a file beside this one, and a line here."""
