"""Phone numbers: spellings and refusals as a table, the shortcut against the full library."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from messaging.domain import addresses
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


# -- the shortcut ----------------------------------------------------------------------------------

BUSY_CODES = [1, 44, 55, 39, 7, 61, 262, 599, 800, 870, 49, 52, 54, 91, 234, 358]
KINDS = [
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.VOIP,
    PhoneNumberType.PAGER,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
]


def by_the_library(raw: str) -> str | None:
    """The E.164 form by parsing and validating in full, or None."""
    try:
        number = phonenumbers.parse(raw, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def example(code: int, region: str, kind: int) -> str:
    number = (
        phonenumbers.example_number_for_non_geo_entity(code)
        if region == "001"
        else phonenumbers.example_number_for_type(region, kind)
    )
    return "" if number is None else phonenumbers.national_significant_number(number)


@st.composite
def international(draw: st.DrawFn, codes: list[int]) -> str:
    """A number near a real one of some region and type, or plain digits, behind a calling code."""
    code = draw(st.sampled_from(codes))
    region = draw(st.sampled_from(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]))
    digits = list(example(code, region, draw(st.sampled_from(KINDS))))
    if not digits or draw(st.integers(0, 9)) == 0:
        digits = list(draw(st.text("0123456789", min_size=5, max_size=13)))
    for _ in range(draw(st.integers(0, 4))):
        digits[draw(st.integers(0, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    return f"+{code}" + "".join(digits) + draw(st.sampled_from(["", "", "", "0", "12"]))


def agrees_with_the_library(raw: str) -> None:
    expected = by_the_library(raw)
    got = normalise(raw, None)
    assert got == expected if expected else isinstance(got, AddressProblem)
    code = addresses._calling_code(raw)
    shortcut = addresses._shortcut(code)
    if shortcut is not None and shortcut.fullmatch(raw):
        assert expected == raw
    if expected is not None:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(expected, None))
        assert region_of(expected) == (None if region == "001" else region)


@pytest.mark.parametrize("code", BUSY_CODES)
def test_the_shortcut_agrees_with_the_library_per_calling_code(code: int) -> None:
    @settings(max_examples=150)
    @given(international([code]))
    def check(raw: str) -> None:
        agrees_with_the_library(raw)

    check()


@settings(max_examples=1500)
@given(international(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)))
def test_the_shortcut_agrees_with_the_library_everywhere(raw: str) -> None:
    agrees_with_the_library(raw)


def test_the_shortcut_agrees_on_every_example_of_every_region_and_type() -> None:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in KINDS:
                if digits := example(code, region, kind):
                    agrees_with_the_library(f"+{code}{digits}")


@given(st.text("+0123456789 ()-", max_size=20))
def test_any_text_is_answered(raw: str) -> None:
    got = normalise(raw, "BR")
    if isinstance(got, str):
        assert by_the_library(got) == got


def test_e164_numbers_do_not_reach_the_full_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("the full parser was called")

    monkeypatch.setattr(phonenumbers, "parse", parse)
    for raw in ["+12025550123", "+18765550123", "+5511955550123", "+5491123456789", "+79161234567"]:
        assert normalise(raw, None) == raw


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
