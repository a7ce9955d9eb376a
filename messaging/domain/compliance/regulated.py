"""Which declared content may be sent where?

A message says what it is about in `content`; nothing is guessed from its words. The rows for the US
and Canada are what the carriers' messaging programmes forbid or age-gate (CTIA's "SHAFT" and the
categories beside it); the others are advertising law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    """What holds for some content in some country."""

    PROHIBITED = "prohibited"
    AGE_GATED = "age_gated"
    """The tenant declared it, and the campaign is registered as age-gated."""
    DECLARED = "declared"
    """The tenant declared it in its policy."""


@dataclass(frozen=True, slots=True)
class Regulated:
    """A kind of content and its rules by ISO 3166 country."""

    name: str
    elsewhere: Rule = Rule.DECLARED
    countries: Mapping[str, Rule] = field(default_factory=dict)

    def rule(self, country: str) -> Rule:
        """What holds in `country`."""
        return self.countries.get(country, self.elsewhere)


_NORTH_AMERICA = ("US", "CA")
_FORBIDDEN = dict.fromkeys(_NORTH_AMERICA, Rule.PROHIBITED)
_GATED = dict.fromkeys(_NORTH_AMERICA, Rule.AGE_GATED)
# Directive 2003/33/EC; the United Kingdom's Tobacco Advertising and Promotion Act 2002; Brazil's Lei
# 9.294/1996.
_NO_TOBACCO = dict.fromkeys(
    ("BR", "GB", "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
     "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
    Rule.PROHIBITED,
)  # fmt: skip

REGULATED: dict[str, Regulated] = {
    "alcohol": Regulated("alcohol", countries=_GATED),
    "tobacco": Regulated("tobacco", countries=_GATED | _NO_TOBACCO),
    "firearms": Regulated(
        "firearms",
        countries=_GATED | {"BR": Rule.PROHIBITED},  # Lei 10.826/2003, art. 33
    ),
    "sex": Regulated("sexual content", countries=_FORBIDDEN),
    "hate": Regulated("hate", Rule.PROHIBITED),
    "cannabis": Regulated("cannabis and CBD", Rule.PROHIBITED),
    "gambling": Regulated("gambling", countries=_FORBIDDEN),
    "crypto": Regulated("cryptocurrency", countries=_FORBIDDEN),
    "payday_loans": Regulated("payday and third-party loans", countries=_FORBIDDEN),
    "debt_relief": Regulated("debt relief and third-party collection", countries=_FORBIDDEN),
    "lead_generation": Regulated("third-party lead generation", countries=_FORBIDDEN),
    "mlm": Regulated("multi-level marketing", countries=_FORBIDDEN),
}
"""What may be declared as `content`."""


def content_problem(
    content: str | None, country: str, regulated: frozenset[str], age_gated: bool
) -> str | None:
    """Why declared content may not go to `country` (ISO 3166), as a sentence; None if it may.

    `regulated` is what the tenant declared in its policy, `age_gated` whether the campaign is
    registered so. Content that nobody knows is refused: it may be a known kind, misspelt.
    """
    if content is None:
        return None
    kind = REGULATED.get(content)
    if kind is None:
        return f"This content is not known; declare one of {', '.join(REGULATED)}."
    rule = kind.rule(country)
    if rule is Rule.PROHIBITED:
        return f"Messages about {kind.name} may not be sent to {country}."
    if content not in regulated:
        return (
            f"Messages about {kind.name} are regulated; "
            f"declare {content} as content of yours in the policy first."
        )
    if rule is Rule.AGE_GATED and not age_gated:
        return (
            f"Messages about {kind.name} to {country} need a campaign registered as age-gated; "
            "send it from one."
        )
    return None
