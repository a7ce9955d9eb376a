"""What may a tenant decide about compliance, and what holds if it decides nothing?

A tenant may only tighten what the law asks; where a decision loosens something (consent kept
elsewhere, regulated content) it has to be said aloud here, and every verdict shows it.
"""

from __future__ import annotations

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from messaging.domain.compliance.regulated import REGULATED
from messaging.domain.message import Category

REGISTRY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$"
"""How a do-not-call registry may be called."""
_TEXT = r"^[^\x00]*$"
_LINE = r"^[^\x00-\x1f\x7f]*$"
_MANY = 1_000_000_000
_TEN_YEARS = 3_660


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Preset(StrEnum):
    """Ready-made quiet hours, each at least as tight as the law it is named after."""

    LAW = "law"
    """What the rule table says for the recipient's country and states, nothing more."""
    US_DEFAULT = "us_default"
    """9-20 Monday to Saturday, 12-20 on Sunday, everywhere."""
    US_STRICT = "us_strict"
    """10-18 Monday to Friday, everywhere."""
    BR_STRICT = "br_strict"
    """9-18 Monday to Friday, 9-13 on Saturday, no Sunday, no national holiday."""


class QuietHours(_Part):
    """When marketing may arrive, beyond what the law says."""

    preset: Preset = Preset.LAW
    opens: Annotated[
        time | None, Field(description="never before, in the recipient's time", examples=["09:00"])
    ] = None
    closes: Annotated[
        time | None, Field(description="never from then on, in the recipient's time")
    ] = None
    closing_margin_minutes: Annotated[
        int, Field(ge=0, le=120, description="stop handing over this long before a window closes")
    ] = 10
    spread_minutes: Annotated[
        int, Field(ge=0, le=120, description="spread what waited over this long after the opening")
    ] = 30


class Cap(_Part):
    """How often one person may be written to."""

    category: Annotated[
        Literal[Category.MARKETING, Category.NOTIFICATION],
        Field(description="each counts by itself; transactional messages are never capped"),
    ] = Category.MARKETING
    limit: Annotated[int, Field(ge=1, le=1000)]
    hours: Annotated[int, Field(ge=1, le=31 * 24, description="a rolling window")]


class Content(_Part):
    """How texts are checked and changed before they are kept."""

    smart_encoding: Annotated[
        bool, Field(description="replace typographic characters that would force UCS-2")
    ] = False
    fold_accents: Annotated[bool, Field(description="write accented letters without accents")] = (
        False
    )
    opt_out_notice: Annotated[
        str,
        Field(
            max_length=160,
            pattern=_TEXT,
            description="added to a first marketing message; empty adds nothing",
        ),
    ] = "Reply STOP to opt out"
    notice_days: Annotated[
        int, Field(ge=1, le=365, description="a message after this long counts as a first one")
    ] = 30
    regulated: Annotated[
        frozenset[Literal[*sorted(REGULATED)]],  # type: ignore[valid-type]
        Field(description="declared content this tenant may send, such as alcohol"),
    ] = frozenset()


class Replies(_Part):
    """What Posthorn answers on numbers whose replies are its own."""

    stop: Annotated[str, Field(min_length=1, max_length=320, pattern=_TEXT)] = (
        "You are unsubscribed and will receive no more messages. Reply START to resubscribe."
    )
    start: Annotated[str, Field(min_length=1, max_length=320, pattern=_TEXT)] = (
        "You are subscribed again. Reply STOP to unsubscribe, HELP for help."
    )
    help: Annotated[str, Field(min_length=1, max_length=320, pattern=_TEXT)] = (
        "This number sends messages you asked for. Reply STOP to unsubscribe. Msg&data rates may apply."
    )


class Destinations(_Part):
    """Where a tenant may write to, and how much of it abroad."""

    regions: Annotated[
        frozenset[Annotated[str, Field(pattern="^[A-Z]{2}$")]] | None,
        Field(description="ISO 3166 codes; null allows every country"),
    ] = None
    international_per_hour: Annotated[
        int,
        Field(ge=0, le=_MANY, description="messages an hour to all countries but the tenant's own"),
    ] = 1000
    prefix_per_hour: Annotated[
        int, Field(ge=0, le=_MANY, description="messages an hour to one foreign number range")
    ] = 200


class Lookup(_Part):
    """Whether unknown numbers are looked up before they are written to."""

    account: Annotated[
        str | None, Field(description="the provider account to ask; null asks nobody")
    ] = None
    max_age_days: Annotated[int, Field(ge=1, le=730)] = 90


class Retention(_Part):
    """How long personal data stays."""

    body_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=10 * _TEN_YEARS,
            description="bodies and addresses of final messages; null keeps them",
        ),
    ] = None
    receipt_days: Annotated[int, Field(ge=1, le=365, description="webhooks as they came in")] = 30


class Rates(_Part):
    """How fast a tenant sends, beyond what each sender, account and campaign is held to."""

    segments_per_second: Annotated[
        float | None, Field(gt=0, le=_MANY, description="all senders together; null is no limit")
    ] = None
    recipient_spacing_seconds: Annotated[
        int, Field(ge=0, le=60, description="between two messages to one person; 0 is none")
    ] = 0
    unknown_carrier_share: Annotated[
        float,
        Field(
            ge=0.01,
            le=1,
            description="of US segments, what counts against a brand's daily limit at one carrier",
        ),
    ] = 0.35


class SenderHealth(_Part):
    """When a sender is taken out of use, and for how long."""

    minimum: Annotated[
        int, Field(ge=5, le=100_000, description="results before a sender is judged by them")
    ] = 100
    cordon_hours: Annotated[
        float | None,
        Field(gt=0, le=24 * 30, description="out of use for that long; null: until midnight UTC"),
    ] = None
    grace_hours: Annotated[
        float,
        Field(ge=0, le=24 * 30, description="how long it goes on with conversations it is in"),
    ] = 72.0


_Patience = Annotated[int, Field(ge=1, le=7 * 24)]


class InDoubt(_Part):
    """How many hours evidence is waited for before a message of unknown outcome counts as failed.

    It is not sent again meanwhile, nor after; a receipt that comes later still puts it right.
    """

    transactional_hours: _Patience = 24
    notification_hours: _Patience = 24
    marketing_hours: _Patience = 24

    def patience(self, category: Category) -> timedelta:
        """How long is waited for messages of a category."""
        hours = {
            Category.TRANSACTIONAL: self.transactional_hours,
            Category.NOTIFICATION: self.notification_hours,
            Category.MARKETING: self.marketing_hours,
        }
        return timedelta(hours=hours[category])


class Policy(_Part):
    """Everything one tenant decided."""

    brand: Annotated[
        str,
        Field(
            max_length=40,
            pattern=_LINE,
            description="the sender's name, put before a first marketing text",
        ),
    ] = ""
    postal_address: Annotated[
        str,
        Field(
            max_length=200,
            pattern=_LINE,
            description="where the sender can be written to; put under marketing by e-mail, which"
            " needs it",
        ),
    ] = ""
    marketing_consent: Annotated[
        Literal["required", "attested_elsewhere"],
        Field(description="required: Posthorn holds the evidence; attested_elsewhere: you do"),
    ] = "required"
    quiet_hours: QuietHours = QuietHours()
    caps: Annotated[tuple[Cap, ...], Field(max_length=20)] = (Cap(limit=3, hours=24),)
    over_cap: Literal["defer", "drop"] = "defer"
    dnc_registries: Annotated[
        dict[Annotated[str, Field(pattern=REGISTRY)], Annotated[int, Field(ge=1, le=_TEN_YEARS)]],
        Field(
            max_length=50,
            description="do-not-call registries that must be scrubbed: name to days it stays fresh",
        ),
    ] = {"US": 31}
    content: Content = Content()
    replies: Replies = Replies()
    destinations: Destinations = Destinations()
    lookup: Lookup = Lookup()
    rates: Rates = Rates()
    sender_health: SenderHealth = SenderHealth()
    in_doubt: InDoubt = InDoubt()
    retention: Retention = Retention()


DEFAULT = Policy()
