"""Is this a phone number, and what is its one true spelling?

Every number is kept in E.164 ("+12025550123"), because suppression and conversations compare
addresses letter by letter. Rules come from the `phonenumbers` metadata; `numbering` compiles those
same rules so that a number which already is E.164 does not pay for the full parser.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from messaging.domain import number_types, numbering

MAX_LENGTH = 64
"""The longest spelling worth reading: fifteen digits and generous punctuation."""

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_INVISIBLE = dict.fromkeys(
    (0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060,
     *range(0x2066, 0x206A), 0xFEFF)
)  # fmt: skip
"""Marks that come along when a number is pasted from a contact list or a chat."""
_SPELLING = re.compile(r"[\s(]*[+\uff0b]?[\d\s()\[\].\-/\u2010-\u2015\u2212\u30fc\uff08-\uff0f]*")
_EXTENSION = re.compile(
    r"(?:#|;ext=|\b(?:x|ext|extn|extension|ramal))[\s.:]*\d{1,7}#?\s*", re.IGNORECASE
)
_SEVERAL = re.compile(r"\d.*(?:[,;|&\n+\uff0b]|\b(?:or|ou|and|e)\b).*\d", re.IGNORECASE | re.DOTALL)
_LONGEST_SHORT_CODE = 6

_DETAILS = {
    "too_long": f"The number is longer than {MAX_LENGTH} characters; send one phone number only.",
    "not_a_number": "This is not a phone number; send digits in E.164, such as +12025550123.",
    "several_numbers": "This holds more than one phone number; send one message per number.",
    "extension": "A number with an extension cannot receive messages; leave the extension out.",
    "letters": "The number is spelled with letters; write it in digits.",
    "needs_country": (
        "The country is not known; write + and the country code first, or name a default country."
    ),
    "not_possible": (
        "The number has too few or too many digits for its country; check for a missing area code."
    ),
    "not_valid": "No such number is in use in its country; check area code and leading digits.",
    "short_code": "Short codes and emergency numbers cannot receive messages; use a full number.",
    "ambiguous": (
        "The leading digits may be a country code or part of the number; write + and the "
        "country code first."
    ),
}


@dataclass(frozen=True, slots=True)
class AddressProblem:
    """Why something is not an address we can write to.

    `code` is stable; `detail` says what is wrong and what to do, and never repeats the value.
    """

    code: str
    detail: str


def normalise(raw: str, region: str | None) -> str | AddressProblem:
    """The E.164 form of a phone number, or what is wrong with it.

    `region` (ISO 3166 alpha-2) is where a number without a country code is taken to be. Digits that
    start with that region's own calling code are read as international if the rest is a valid
    number, as in Brazil's "5511955550123" (DDI, DDD, number). Only valid numbers pass.
    """
    if _E164.fullmatch(raw):
        shortcut = numbering.shortcut(numbering.calling_code(raw))
        if shortcut is not None and shortcut.fullmatch(raw):
            return raw
    code = _spelling_problem(raw)
    if code is not None:
        return _problem(code)
    result = _parse(raw.translate(_INVISIBLE), region.upper() if region else None)
    return result if result.startswith("+") else _problem(result)


def region_of(e164: str) -> str | None:
    """The ISO alpha-2 region of a normalised number; None for shared codes such as +800."""
    code = numbering.calling_code(e164)
    for region, pattern in numbering.territories(code):
        if pattern is None or pattern.match(e164, len(code) + 1):
            return None if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region
    return None


def mask(address: str) -> str:
    """An address a person may see: at most the first five and last four characters of a number.

    At least three characters are always hidden; of anything but a phone number only the first
    character is shown.
    """
    if not address.startswith("+"):
        return address[:1] + "•••"
    if len(address) < 8:
        return "•••"
    return address[: min(5, len(address) - 7)] + "•••" + address[-4:]


def key(pepper: bytes, channel: str, address: str) -> bytes:
    """What stands for an address where the address itself must not be: 16 bytes.

    HMAC-SHA256 under the installation's pepper, so that the few billion possible numbers cannot be
    tried out against a stolen table. `address` must be normalised. Of an e-mail address case does not
    count: who said "unsubscribe" as Ana@ is not written to as ana@.
    """
    if channel == "email":
        address = address.lower()
    return hmac.digest(pepper, f"{channel}\0{address}".encode(), "sha256")[:16]


def _problem(code: str) -> AddressProblem:
    return AddressProblem(code, _DETAILS[code])


def _spelling_problem(raw: str) -> str | None:
    """What can be said against a spelling before any country's rules are asked."""
    if len(raw) > MAX_LENGTH:
        return "too_long"
    text = raw.translate(_INVISIBLE)
    if not any(c.isdecimal() for c in text):
        return "not_a_number"
    if _SPELLING.fullmatch(text) and "\n" not in text.strip():
        return None
    extension = _EXTENSION.search(text)
    if extension is not None and extension.end() == len(text):
        return "extension"
    if _SEVERAL.search(text):
        return "several_numbers"
    return "letters" if any(c.isalpha() for c in text) else "not_a_number"


def _parse(text: str, region: str | None) -> str:
    """The E.164 form, or the code of a problem, by the library's full parser."""
    international = text.strip().lstrip("(").lstrip().startswith(("+", "\uff0b"))
    digits = phonenumbers.normalize_digits_only(text)
    if not international:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            return "needs_country"
        with_code = _read_as_international(text.strip(), digits, region)
        if with_code is not None:
            return with_code
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        return _reason(error, digits)
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not international and len(digits) <= _LONGEST_SHORT_CODE:
        return "short_code"
    possible = phonenumbers.is_possible_number_with_reason(number)
    return "not_valid" if possible == ValidationResult.IS_POSSIBLE else "not_possible"


def _read_as_international(text: str, digits: str, region: str) -> str | None:
    """The reading of bare digits that begin with the region's calling code, if it is a valid one.

    Where national numbers carry no trunk prefix (Italy) the same digits can be two people's
    numbers. Then neither is written to.
    """
    code = str(phonenumbers.country_code_for_region(region))
    if len(text) != len(digits) or not digits.startswith(code):
        return None
    e164 = f"+{digits}"
    if normalise(e164, None) != e164:
        return None
    metadata = PhoneMetadata.metadata_for_region(region, None)
    trunk = metadata.national_prefix if metadata is not None else None
    if trunk is None and normalise(f"+{code}{digits}", None) == f"+{code}{digits}":
        return "ambiguous"
    return e164


def _reason(error: NumberParseException, digits: str) -> str:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        return "needs_country"
    if error.error_type == NumberParseException.TOO_LONG:
        return "not_possible"
    return "short_code" if len(digits) <= _LONGEST_SHORT_CODE else "not_possible"


def warm(*numbers: str) -> None:
    """Load the numbering plans of these numbers now: the first use of one takes a good moment."""
    for number in numbers:
        normalise(number, None)
        region_of(number)
        number_types.type_of(number)
