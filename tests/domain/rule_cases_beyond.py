"""The table of cases for e-mail and Instagram: their own rules, and what is not asked of them."""

from __future__ import annotations

from typing import Any

from messaging.domain.compliance import Defer, Facts, Reason
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category, Channel
from messaging.domain.registration import Standing
from tests.domain.rule_cases import (
    AGREED,
    BLOCKED,
    CLEAR,
    DAY,
    MARKETING,
    NOW,
    STOPPED,
    TICK,
    WRITTEN,
    facts,
    policy,
)

MAIL = {"recipient": "ana@example.com", "channel": Channel.EMAIL}
DM = {"recipient": "17841400000000001", "channel": Channel.INSTAGRAM_DM}
ADDRESSED = policy(
    marketing_consent="attested_elsewhere", postal_address="1 Main St, Springfield, IL 62701"
)
NEVER = policy(
    marketing_consent="attested_elsewhere",
    postal_address="1 Main St, Springfield, IL 62701",
    quiet_hours={"opens": "04:00", "closes": "04:00"},
)

CASES: list[tuple[str, dict[str, Any], Facts, tuple[Any, Reason] | None]] = [
    ("postal_address", MARKETING | MAIL, AGREED, (BLOCKED, Reason.NO_POSTAL_ADDRESS)),
    ("postal_address", MARKETING | MAIL, facts(consent=WRITTEN, policy=ADDRESSED), None),
    ("postal_address", MAIL | {"category": Category.NOTIFICATION}, CLEAR, None),
    ("window", DM, CLEAR, (BLOCKED, Reason.OUTSIDE_WINDOW)),
    ("window", DM, facts(last_inbound=NOW - DAY + TICK), None),
    ("window", DM, facts(last_inbound=NOW - DAY), (BLOCKED, Reason.OUTSIDE_WINDOW)),
    (
        "window",
        MARKETING | DM,
        facts(consent=WRITTEN, last_inbound=NOW - DAY),
        (BLOCKED, Reason.OUTSIDE_WINDOW),
    ),
    ("window", MAIL, CLEAR, None),
    # what is asked of numbers is not asked of other addresses
    ("consent", MARKETING | MAIL, CLEAR, (BLOCKED, Reason.NO_CONSENT)),
    ("suppressed", MAIL, STOPPED, (Event.OPTED_OUT, Reason.OPTED_OUT)),
    ("line", MAIL, facts(policy=policy(lookup={"account": "main"})), None),
    ("do_not_call", MARKETING | MAIL, facts(policy=ADDRESSED, dnc_listed="US"), None),
    ("links", MARKETING | MAIL | {"body": "bit.ly/a"}, facts(policy=ADDRESSED), None),
    ("content", MAIL | {"content": "alcohol"}, CLEAR, None),
    (
        "region",
        MAIL,
        facts(policy=policy(destinations={"regions": ["US"]}), regions=frozenset({"US"})),
        None,
    ),
    (
        "registered",
        MAIL,
        facts(standing=Standing.NO_SENDER),
        (Event.REFUSED, Reason.NO_SENDER_IN_POOL),
    ),
    ("quiet_hours", MARKETING | MAIL, facts(policy=NEVER), None),
    ("quiet_hours", MARKETING | DM, facts(policy=NEVER, last_inbound=NOW), None),
    (
        "frequency",
        MARKETING | MAIL,
        facts(policy=ADDRESSED, recent=(NOW, NOW, NOW)),
        (Defer, Reason.FREQUENCY_CAP),
    ),
]
