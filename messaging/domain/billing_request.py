"""What may be said of money: prices, caps and amounts, as people and files write them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from messaging.domain import csv_table
from messaging.domain.csv_table import Table
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Channel
from messaging.domain.pricing import ANY, Price
from messaging.domain.request import Ref

MAX_ROWS = 50_000
COLUMNS = ("per_segment", "currency", "provider", "channel", "country", "since")
_TABLE = Table(COLUMNS, [frozenset({"per_segment"})], MAX_ROWS)

Money = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$",
        description="a decimal number of at most six places",
        examples=["12.50"],
    ),
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217", examples=["USD"])]


def _channel(given: str) -> str:
    if given != ANY and given not in set(Channel):
        raise ValueError(f"must be one of {', '.join(Channel)}, or {ANY} for any")
    return given


class PriceRequest(BaseModel):
    """What a segment costs; * is any provider, channel or country."""

    model_config = ConfigDict(extra="forbid")

    per_segment: Money
    currency: Currency = "USD"
    provider: Annotated[str, Field(pattern=r"^(\*|[a-z0-9_]{1,40})$")] = ANY
    channel: Annotated[str, AfterValidator(_channel)] = ANY
    country: Annotated[str, Field(pattern=r"^(\*|[A-Z]{2})$")] = ANY
    since: AwareDatetime | None = None

    def price(self, *, own: bool) -> Price:
        """It as a price: of the tenant alone, or of everybody."""
        amount = Decimal(self.per_segment)
        return Price(amount, self.currency, self.provider, self.channel, self.country, own=own)


class CapRequest(BaseModel):
    """What a campaign, or without one a day (UTC), may cost."""

    model_config = ConfigDict(extra="forbid")

    campaign: Ref | None = None
    cap: Annotated[Money | None, Field(description="null lifts the cap")]


def prices(text: str) -> Iterator[tuple[int, PriceRequest | list[FieldProblem]]]:
    """The prices of a CSV file with `COLUMNS`, each with its line (the first is 1), or what is wrong.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` rows.
    """
    for row in csv_table.rows(text, _TABLE):
        if row.problem is not None:
            yield row.number, [row.problem]
            continue
        try:
            yield row.number, PriceRequest.model_validate(row.cells)
        except ValidationError as error:
            yield (
                row.number,
                [
                    FieldProblem(
                        f"{row.prefix}/{problem['loc'][0]}",
                        "not_valid",
                        "is not written as it must be; see 'posthorn prices import --help'",
                    )
                    for problem in error.errors()
                ],
            )
