"""What sort of number is this, and do messages go to such numbers?

The answer of the numbering plan alone: exactly `phonenumbers.number_type`, compiled to one pattern per
calling code and length. Whether a line is really a landline, where the plan does not tell (the US and Canada),
is a matter of look-ups and of what providers report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from phonenumbers import PhoneMetadata, PhoneNumberDesc

from messaging.domain import numbering


class NumberType(StrEnum):
    """The kinds of numbers a numbering plan tells apart."""

    MOBILE = "mobile"
    FIXED_LINE = "fixed_line"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    """The plan gives both kinds the same numbers, as in the US and Canada."""
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL_NUMBER = "personal_number"
    PAGER = "pager"
    UAN = "uan"
    """A company's number, routed to its branches."""
    VOICEMAIL = "voicemail"
    UNKNOWN = "unknown"
    """Not a valid number."""


_REFUSED = frozenset(
    {
        NumberType.TOLL_FREE,
        NumberType.PREMIUM_RATE,
        NumberType.SHARED_COST,
        NumberType.UAN,
        NumberType.PAGER,
        NumberType.VOICEMAIL,
    }
)
"""Nobody reads messages there, or somebody earns by them."""

_Answer = tuple[NumberType, str | None]
_UNKNOWN: _Answer = (NumberType.UNKNOWN, None)
_LONGEST = 21
"""Characters: the plus, three digits of calling code and the seventeen that a plan may hold."""


def type_of(e164: str) -> NumberType:
    """The type of a normalised number; UNKNOWN for anything that is none."""
    return _ask(e164)[0]


def writable(e164: str) -> str | None:
    """None if messages may go to numbers of this type, else the name of the refused type.

    A fixed line is refused only where the country's mobile numbers can be told from it. Whether the
    number is valid at all is another question (`addresses.normalise`).
    """
    return _ask(e164)[1]


def _ask(e164: str) -> _Answer:
    code = numbering.calling_code(e164)
    if not code or len(e164) > _LONGEST:
        return _UNKNOWN
    pattern, answers = _plan(code, len(e164) - 1 - len(code))
    found = pattern.match(e164)
    return answers[found.lastindex or 0] if found is not None else _UNKNOWN


@lru_cache(maxsize=4096)
def _plan(code: str, length: int) -> tuple[re.Pattern[str], tuple[_Answer, ...]]:
    """A pattern for the national numbers of one length, and what each of its groups stands for.

    The groups are empty, one behind each type; regions and types stand in the library's order, since
    the first that matches is its answer.
    """
    regions = numbering.REGIONS_OF[int(code)]
    branches: list[str] = []
    answers: list[_Answer] = [_UNKNOWN]
    claimed = ""
    for region in regions:
        metadata = numbering.metadata_of(int(code), region)
        apart = _tells_mobiles_apart(metadata)
        kinds = []
        for kind, pattern in _types(metadata, length):
            kinds.append(f"{pattern}()")
            refused = kind in _REFUSED or (kind is NumberType.FIXED_LINE and apart)
            answers.append((kind, kind.value if refused else None))
        # As in `numbering.shortcut`: leading digits of its own take a number away from later regions.
        leading = metadata.leading_digits if len(regions) > 1 else None
        general = _digits(metadata.general_desc, length)
        if general and kinds:
            mine = f"(?={leading})" if leading else ""
            branches.append(f"{claimed}{mine}(?={general})(?:{'|'.join(kinds)})")
        else:
            del answers[len(answers) - len(kinds) :]
        if leading:
            claimed += f"(?!{leading})"
    return re.compile(rf"\+{code}(?:{'|'.join(branches) or '(?!)'})", re.ASCII), tuple(answers)


def _types(metadata: PhoneMetadata, length: int) -> Iterator[tuple[NumberType, str]]:
    """Each type of a region with the pattern of its numbers, in the order they are asked about."""
    special = (
        (NumberType.PREMIUM_RATE, metadata.premium_rate),
        (NumberType.TOLL_FREE, metadata.toll_free),
        (NumberType.SHARED_COST, metadata.shared_cost),
        (NumberType.VOIP, metadata.voip),
        (NumberType.PERSONAL_NUMBER, metadata.personal_number),
        (NumberType.PAGER, metadata.pager),
        (NumberType.UAN, metadata.uan),
        (NumberType.VOICEMAIL, metadata.voicemail),
    )
    for kind, desc in special:
        if pattern := _digits(desc, length):
            yield kind, pattern
    fixed, mobile = _digits(metadata.fixed_line, length), _digits(metadata.mobile, length)
    if metadata.same_mobile_and_fixed_line_pattern:
        mobile = None
        if fixed:
            yield NumberType.FIXED_LINE_OR_MOBILE, fixed
    elif fixed and mobile:
        yield NumberType.FIXED_LINE_OR_MOBILE, f"(?={fixed}){mobile}"
    if fixed:
        yield NumberType.FIXED_LINE, fixed
    if mobile:
        yield NumberType.MOBILE, mobile


def _digits(desc: PhoneNumberDesc | None, length: int) -> str | None:
    """A pattern for the numbers of a description, all of one length; None if there are none."""
    if desc is None or not desc.national_number_pattern:
        return None
    if desc.possible_length and length not in desc.possible_length:
        return None
    return rf"(?:{desc.national_number_pattern})\Z"


def _tells_mobiles_apart(metadata: PhoneMetadata) -> bool:
    """Whether a region's plan gives mobiles numbers of their own.

    Judged by the plan's own example of a mobile number: in Chile and Mexico, for one, that might as
    well be a fixed line.
    """
    example = metadata.mobile.example_number if metadata.mobile is not None else None
    if not example or metadata.same_mobile_and_fixed_line_pattern:
        return False
    fixed = _digits(metadata.fixed_line, len(example))
    return fixed is None or re.match(fixed, example, re.ASCII) is None
