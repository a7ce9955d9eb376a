"""What a message costs, and which of a batch can be paid for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from messaging.domain import billing_request
from messaging.domain.billing_request import PriceRequest
from messaging.domain.errors import InvalidRequestError
from messaging.domain.message import Channel
from messaging.domain.pricing import Card, Price, price_of, range_of
from messaging.domain.spending import Ask, Purse, Short, next_day, take_all

D = Decimal
CARD = Card.of(
    "USD",
    [
        Price(D("0.05"), "USD"),
        Price(D("0.04"), "USD", channel="sms"),
        Price(D("0.03"), "USD", provider="twilio"),
        Price(D("0.02"), "USD", country="US"),
        Price(D("0.01"), "USD", provider="twilio", country="US"),
        Price(D("0.009"), "USD", country="BR", own=True),
        Price(D("0.008"), "EUR", provider="twilio", channel="sms", country="US", own=True),
    ],
)


@pytest.mark.parametrize(
    ("provider", "channel", "country", "cost"),
    [
        ("twilio", Channel.SMS, "US", "0.01"),
        ("vonage", Channel.SMS, "US", "0.02"),
        ("twilio", Channel.SMS, "GB", "0.03"),
        ("vonage", Channel.SMS, "GB", "0.04"),
        ("vonage", Channel.MMS, "GB", "0.05"),
        ("smtp", Channel.EMAIL, None, "0.05"),
        ("twilio", Channel.SMS, "BR", "0.009"),
    ],
)
def test_the_closest_price_holds(
    provider: str, channel: Channel, country: str | None, cost: str
) -> None:
    assert price_of(3, provider, channel, country, CARD) == 3 * D(cost)


def test_a_card_may_say_nothing() -> None:
    card = Card.of("USD", [Price(D(1), "USD", country="US")])
    assert price_of(1, "twilio", Channel.SMS, "GB", card) is None
    assert range_of(1, ["twilio"], Channel.SMS, "GB", card) is None
    assert range_of(1, [], Channel.SMS, "US", card) is None


def test_what_it_may_cost_depends_on_who_carries_it() -> None:
    assert range_of(2, ["twilio", "vonage"], Channel.SMS, "US", CARD) == (D("0.02"), D("0.04"))


def asks(*amounts: str | None, campaign: str | None = None, held: str = "0") -> list[Ask]:
    return [
        Ask(UUID(int=n), None if amount is None else D(amount), campaign, D(held))
        for n, amount in enumerate(amounts)
    ]


def test_in_order_and_nobody_is_kept_back_by_a_dearer_one() -> None:
    purse = Purse(D(3))
    assert take_all(purse, asks("1", "5", "2", "1")) == [None, Short.BALANCE, None, Short.BALANCE]
    assert purse.balance == 0


def test_each_limit_has_its_word() -> None:
    purse = Purse(D(100), day_cap=D(10), spent_today=D(7), campaigns={"spring": D(2)})
    assert take_all(purse, asks(None, "4", "11", "3")) == [
        Short.NO_PRICE,
        Short.DAY,
        Short.BEYOND_DAY,
        None,
    ]
    assert purse.spent_today == 10
    assert purse.take(asks("3", campaign="spring")[0]) is Short.CAMPAIGN


def test_a_cap_of_a_campaign_counts_only_its_own() -> None:
    purse = Purse(D(100), campaigns={"spring": D(2)})
    assert take_all(purse, asks("2", "1", campaign="spring")) == [None, Short.CAMPAIGN]
    assert take_all(purse, asks("2", campaign="summer")) == [None]


def test_what_is_held_already_is_not_needed_again_and_may_come_back() -> None:
    purse = Purse(D(0), day_cap=D(0))
    assert take_all(purse, asks("1", held="1")) == [None]
    assert take_all(purse, asks("1", held="3")) == [None]
    assert purse.balance == 2


def test_a_day_ends_at_midnight() -> None:
    assert next_day(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_file_of_prices_names_its_columns() -> None:
    text = "country,per_segment,provider\nUS,0.0079,twilio\n\nGB,0.04,\n"
    (one, first), (two, second) = billing_request.prices(text)
    assert (one, two) == (2, 4)
    assert isinstance(first, PriceRequest)
    assert first.price(own=True) == Price(D("0.0079"), "USD", "twilio", country="US", own=True)
    assert isinstance(second, PriceRequest)
    assert second.price(own=False) == Price(D("0.04"), "USD", country="GB")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("-1,USD,*", "per_segment"),
        ("0.0000001,USD,*", "per_segment"),
        ("1e3,USD,*", "per_segment"),
        ("1,usd,*", "currency"),
        ("1,USD,fax", "channel"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_of_its_field(row: str, field: str) -> None:
    ((_, problems),) = billing_request.prices(f"per_segment,currency,channel\n{row}\n")
    assert isinstance(problems, list)
    assert [problem.pointer for problem in problems] == [f"#/2/{field}"]


def test_a_file_without_prices_is_none() -> None:
    with pytest.raises(InvalidRequestError):
        list(billing_request.prices("country\nUS\n"))
