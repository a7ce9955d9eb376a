"""Phone numbers: spellings and refusals as tables, and what else is said of an address."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from messaging.domain.addresses import AddressProblem, key, mask, normalise, region_of

SPELLINGS = [
    # raw, default region, E.164
    ("+12025550123", None, "+12025550123"),
    ("+12025550123", "BR", "+12025550123"),
    ("(202) 555-0123", "US", "+12025550123"),
    ("202.555.0123", "us", "+12025550123"),
    ("1-202-555-0123", "US", "+12025550123"),
    ("12025550123", "US", "+12025550123"),
    ("011 55 11 95555 0123", "US", "+5511955550123"),
    (" +1 (202) 555 0123 ", None, "+12025550123"),
    ("(+1) 202 555 0123", None, "+12025550123"),
    ("+1\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13", None, "+12025550123"),
    ("\uff0b12025550123", None, "+12025550123"),
    ("\u202a+12025550123\u202c", None, "+12025550123"),
    ("+1\u200b2025550123", None, "+12025550123"),
    ("+1\u00a0202\u2011555\u20110123", None, "+12025550123"),
    ("+18005550199", None, "+18005550199"),
    ("+18765550123", None, "+18765550123"),
    # Brazil: DDD and number, with and without the country code, trunk 0, carrier choice
    ("11955550123", "BR", "+5511955550123"),
    ("5511955550123", "BR", "+5511955550123"),
    ("+5511955550123", "BR", "+5511955550123"),
    ("+55 (11) 95555-0123", "BR", "+5511955550123"),
    ("55 11 95555-0123", "BR", "+5511955550123"),
    ("011955550123", "BR", "+5511955550123"),
    ("0 15 11 95555 0123", "BR", "+5511955550123"),
    ("(11) 95555-0123", "BR", "+5511955550123"),
    ("0800 123 4567", "BR", "+558001234567"),
    # DDD 55 is also Brazil's country code
    ("55955550123", "BR", "+5555955550123"),
    ("5555955550123", "BR", "+5555955550123"),
    # a trunk 0 in brackets; Italy's leading zero stays
    ("+44 (0)20 7946 0123", None, "+442079460123"),
    ("+39 02 1234 5678", None, "+390212345678"),
    ("02 1234 5678", "IT", "+390212345678"),
    ("+541155550123", None, "+541155550123"),
    ("+5491123456789", None, "+5491123456789"),
    ("+525512345678", None, "+525512345678"),
    ("4915123456789", "DE", "+4915123456789"),
]

REFUSALS = [
    # raw, default region, code
    ("", None, "not_a_number"),
    ("   ", "US", "not_a_number"),
    ("+", None, "not_a_number"),
    ("no number", "US", "not_a_number"),
    ("$2025550123", "US", "not_a_number"),
    ("2" * 65, "US", "too_long"),
    ("2025550123 or 2025550124", "US", "several_numbers"),
    ("2025550123, 2025550124", "US", "several_numbers"),
    ("+12025550123+12025550124", None, "several_numbers"),
    ("+12025550123\n+12025550124", None, "several_numbers"),
    ("2025550123\n2025550124", "US", "several_numbers"),
    ("(202) 555-0123 x5", "US", "extension"),
    ("+1 202 555 0123 ext. 12", None, "extension"),
    ("+12025550123;ext=12", None, "extension"),
    ("+12025550123#12", None, "extension"),
    ("1-800-FLOWERS", "US", "letters"),
    ("tel:+12025550123", None, "letters"),
    ("2025550123", None, "needs_country"),
    ("2025550123", "XX", "needs_country"),
    ("5511955550123", None, "needs_country"),
    ("+9992025550123", None, "needs_country"),
    ("+2101234567890", None, "needs_country"),
    ("5550123", "US", "not_possible"),
    ("+1202555012", None, "not_possible"),
    ("+120255501234", None, "not_possible"),
    ("+1911", None, "not_possible"),
    ("+5215512345678", None, "not_possible"),
    ("2" * 40, "US", "not_possible"),
    ("1" * 20, "US", "not_possible"),
    ("11855550123", "BR", "not_valid"),
    ("1195555012", "BR", "not_valid"),
    ("5599999999", "BR", "not_valid"),
    ("+5520955550123", None, "not_valid"),
    ("+10005550123", None, "not_valid"),
    ("+447700900123", None, "not_valid"),  # kept for drama: nobody can have it
    ("911", "US", "short_code"),
    ("12345", "US", "short_code"),
    ("190", "BR", "short_code"),
    ("1", "BR", "short_code"),
    # both an Italian mobile number and +39 with a Milan number: nobody is written to
    ("3902123456", "IT", "ambiguous"),
]


@pytest.mark.parametrize(("raw", "region", "e164"), SPELLINGS)
def test_a_number_has_one_spelling(raw: str, region: str | None, e164: str) -> None:
    assert normalise(raw, region) == e164
    assert normalise(e164, None) == e164


@pytest.mark.parametrize(("raw", "region", "code"), REFUSALS)
def test_a_refusal_says_why_and_keeps_the_value_to_itself(
    raw: str, region: str | None, code: str
) -> None:
    problem = normalise(raw, region)
    assert isinstance(problem, AddressProblem)
    assert problem.code == code
    assert problem.detail.endswith(".")
    assert len(raw.strip()) < 2 or raw not in problem.detail


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_national_spelling_gives_the_number_back(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:  # no mobile network of its own
        number = phonenumbers.example_number(region)
    assert number is not None
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert normalise(national, region) == e164
    assert normalise(e164.removeprefix("+"), region) == e164


# -- what else is said of an address ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "region"),
    [
        ("+12025550123", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "JM"),
        ("+17875550123", "PR"),
        ("+442079460123", "GB"),
        ("+447911123456", "GG"),
        ("+5511955550123", "BR"),
        ("+80012345678", None),
        ("+10005550123", None),
        ("+99912345678", None),
    ],
)
def test_region(e164: str, region: str | None) -> None:
    assert region_of(e164) == region


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+12025550123", "+1202•••0123"),
        ("+5511955550123", "+5511•••0123"),
        ("+2901234", "+•••1234"),
        ("+290123", "•••"),
        ("+", "•••"),
        ("ana@example.com", "a•••"),
        ("", "•••"),
    ],
)
def test_mask(address: str, shown: str) -> None:
    assert mask(address) == shown


@given(st.from_regex(r"\+[1-9][0-9]{3,14}", fullmatch=True))
def test_mask_hides_at_least_three_digits(address: str) -> None:
    shown = mask(address)
    before, after = shown.split("•••")
    assert address.startswith(before)
    assert address.endswith(after)
    assert len(before) + len(after) <= len(address) - 3


def test_key_is_a_keyed_digest_of_channel_and_address() -> None:
    # HMAC-SHA256(b"pepper", b"sms\0+12025550123"), first half
    expected = bytes.fromhex("338419aea7b0939f40b9351611a07f96")
    assert key(b"pepper", "sms", "+12025550123") == expected
    others = {
        key(b"pepper", "sms", "+12025550124"),
        key(b"pepper", "email", "+12025550123"),
        key(b"other", "sms", "+12025550123"),
        key(b"pepper", "sms+", "12025550123"),
    }
    assert len(others) == 4
    assert expected not in others
