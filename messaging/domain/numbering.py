"""What do the countries' numbering plans say, as regular expressions?

Compiled from the `phonenumbers` metadata on first use of a calling code, so that a question about a
number that already is E.164 costs one match instead of the full parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

REGIONS_OF = COUNTRY_CODE_TO_REGION_CODE
"""The regions sharing a calling code, the main one first."""
_CODES = frozenset(map(str, REGIONS_OF))


def calling_code(e164: str) -> str:
    """The calling code of "+...": no code is the beginning of another, so the first hit is it."""
    for end in (2, 3, 4):
        if e164[1:end] in _CODES:
            return e164[1:end]
    return ""


@lru_cache(maxsize=1024)
def shortcut(code: str) -> re.Pattern[str] | None:
    """A pattern for whole E.164 numbers of a calling code; what it matches is valid as it stands.

    A number whose first digits may be a trunk prefix is left to the full parser, which may rewrite
    it; so is one that the pattern does not match. So the pattern only ever has to be right when it
    says yes: `is_valid_number` would, and the E.164 form would be the same.
    """
    if not code:
        return None
    branches: list[str] = []
    claimed = ""
    for region in REGIONS_OF[int(code)]:
        metadata = metadata_of(int(code), region)
        # A region with leading digits of its own takes all numbers that begin with them, valid or
        # not; those after it in the library's order never see them.
        mine = f"(?={metadata.leading_digits})" if metadata.leading_digits else ""
        branches.append(f"{claimed}{mine}{_valid(metadata)}")
        if metadata.leading_digits:
            claimed += f"(?!{metadata.leading_digits})"
    trunk = metadata_of(int(code), REGIONS_OF[int(code)][0]).national_prefix_for_parsing
    # An optional trunk prefix that matches nothing (Argentina) takes nothing away.
    unchanged = rf"(?!(?:{trunk})(?<!\+{code}))" if trunk else ""
    return re.compile(rf"\+{code}{unchanged}(?:{'|'.join(branches)})", re.ASCII)


@lru_cache(maxsize=1024)
def territories(code: str) -> tuple[tuple[str, re.Pattern[str] | None], ...]:
    """The regions sharing a calling code, each with what a national number of it begins like."""
    regions = REGIONS_OF[int(code)] if code else ()
    if len(regions) == 1:
        return ((regions[0], None),)
    metadata = [metadata_of(int(code), region) for region in regions]
    return tuple(
        (region, re.compile(data.leading_digits or _valid(data), re.ASCII))
        for region, data in zip(regions, metadata, strict=True)
    )


def metadata_of(code: int, region: str) -> PhoneMetadata:
    """The plan of one region of a calling code."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if metadata is None:  # the library lists no region it has no metadata for
        raise LookupError(f"no phone number metadata for +{code} {region}")
    return metadata


def _valid(metadata: PhoneMetadata) -> str:
    """A pattern for the valid national numbers of a region, whatever their type."""
    kinds = "|".join(map(_described, _kinds(metadata)))
    general = metadata.general_desc
    return f"(?={_described(general)})(?:{kinds})" if general is not None and kinds else "(?!)"


def _kinds(metadata: PhoneMetadata) -> Iterator[PhoneNumberDesc]:
    """The number types that count as valid, most frequent first."""
    mobile = None if metadata.same_mobile_and_fixed_line_pattern else metadata.mobile
    kinds = (
        mobile, metadata.fixed_line, metadata.toll_free, metadata.premium_rate,
        metadata.shared_cost, metadata.voip, metadata.personal_number, metadata.pager,
        metadata.uan, metadata.voicemail,
    )  # fmt: skip
    return (kind for kind in kinds if kind is not None and kind.national_number_pattern)


def _described(desc: PhoneNumberDesc) -> str:
    """A pattern for exactly what a description matches: its digits, in one of its lengths."""
    lengths = "|".join(rf"\d{{{n}}}" for n in desc.possible_length if n > 0)
    only = rf"(?=(?:{lengths})\Z)" if desc.possible_length else ""
    return rf"{only}(?:{desc.national_number_pattern})\Z" if lengths or not only else "(?!)"
