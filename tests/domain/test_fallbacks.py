"""When does a stand-in go out, and what stands under an e-mail?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messaging.domain import mail_footer
from messaging.domain.fallbacks import PATIENCE, Ended, Step, step
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
OLD = PATIENCE + timedelta(seconds=1)
NEW = timedelta(seconds=1)
WAIT, SEND, DROP = Step.WAIT, Step.SEND, Step.DROP
SMS, DM = Channel.SMS, Channel.INSTAGRAM_DM


@pytest.mark.parametrize(
    ("status", "reason", "age", "channel", "expected"),
    [
        (Status.DRAFT, None, OLD, SMS, WAIT),
        (Status.SCHEDULED, "quiet_hours", OLD, SMS, WAIT),
        (Status.QUEUED, None, OLD, SMS, WAIT),
        (Status.SENDING, None, OLD, SMS, WAIT),
        (Status.SENT, None, NEW, SMS, WAIT),
        (Status.SENT, None, OLD, SMS, DROP),
        (Status.DELIVERED, None, NEW, SMS, DROP),
        (Status.CANCELED, "canceled_by_caller", NEW, SMS, DROP),
        (Status.OPTED_OUT, "opted_out", NEW, SMS, DROP),
        (Status.FAILED, "permanent_config", NEW, SMS, SEND),
        (Status.FAILED, "attempts_exhausted", OLD, SMS, SEND),
        (Status.FAILED, "no_sender_in_pool", NEW, SMS, SEND),
        (Status.FAILED, None, NEW, SMS, SEND),
        (Status.FAILED, "expired", NEW, SMS, DROP),
        (Status.FAILED, "unknown_outcome", NEW, SMS, WAIT),
        (Status.FAILED, "unknown_outcome", OLD, SMS, DROP),
        (Status.UNDELIVERABLE, "landline", NEW, SMS, SEND),
        (Status.UNDELIVERABLE, "unreachable", NEW, SMS, SEND),
        (Status.UNDELIVERABLE, None, NEW, DM, SEND),
        (Status.BLOCKED_COMPLIANCE, "no_consent", NEW, SMS, DROP),
        (Status.BLOCKED_COMPLIANCE, "permanent_recipient", NEW, SMS, DROP),
        (Status.BLOCKED_COMPLIANCE, "permanent_recipient", NEW, DM, SEND),
        (Status.BLOCKED_COMPLIANCE, "outside_window", NEW, DM, SEND),
        (Status.BLOCKED_COMPLIANCE, "no_consent", NEW, DM, DROP),
        (Status.BLOCKED_MISSING_CAMPAIGN, "campaign_not_verified", OLD, SMS, WAIT),
        (Status.BLOCKED_BILLING, "permanent_config", OLD, SMS, WAIT),
    ],
)
def test_when_a_stand_in_goes_out(
    status: Status, reason: str | None, age: timedelta, channel: Channel, expected: Step
) -> None:
    assert step(Ended(channel, status, reason, NOW - age), NOW) is expected
    erased = Ended(channel, status, reason, NOW - age, erased=True)
    assert step(erased, NOW) is DROP


WHO = ("Acme", "1 Main St, Springfield", "https://posthorn.example/unsubscribe/a")


def test_marketing_by_mail_says_who_where_and_how_to_end_it() -> None:
    text = mail_footer.under_text("Hello \n", *WHO)
    assert text == (
        "Hello\n\n-- \nAcme\n1 Main St, Springfield\n"
        "Unsubscribe: https://posthorn.example/unsubscribe/a\n"
    )


def test_what_is_said_already_is_not_said_twice() -> None:
    text = mail_footer.under_text("ACME news. 1  Main St,\nSpringfield", *WHO)
    assert text.count("Springfield") == 1
    assert "\n-- \nUnsubscribe: https" in text


@pytest.mark.parametrize(
    ("html", "begins", "ends"),
    [
        ("<p>Hi</p>", "<p>Hi</p><p style", "</p>"),
        (
            "<html><body><p>Hi</p></BODY ></html>",
            "<html><body><p>Hi</p><p style",
            "</p></BODY ></html>",
        ),
        ("a</body>İ</body>", "a</body>İ<p style", "</p></body>"),
    ],
)
def test_it_stands_at_the_end_of_the_page(html: str, begins: str, ends: str) -> None:
    found = mail_footer.under_html(html, "A & B", "1 <Main> St", WHO[2])
    assert found.startswith(begins)
    assert found.endswith(ends)
    assert "A &amp; B<br>1 &lt;Main&gt; St<br>" in found
    assert f'href="{WHO[2]}"' in found


def test_a_page_that_names_the_sender_needs_the_link_alone() -> None:
    found = mail_footer.under_html("<b>Acme</b><i>1 Main St, Springfield</i>", *WHO)
    assert found.count("Springfield") == 1
    assert "Unsubscribe</a>" in found
