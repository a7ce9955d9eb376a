"""The types of numbers are the library's own; which of them are refused is a table."""

from __future__ import annotations

import re
import timeit

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from messaging.domain import addresses
from messaging.domain.addresses import normalise, region_of
from messaging.domain.number_types import NumberType, type_of, writable

REGIONS_OF = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
KINDS = {
    PhoneNumberType.FIXED_LINE: NumberType.FIXED_LINE,
    PhoneNumberType.MOBILE: NumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberType.SHARED_COST,
    PhoneNumberType.VOIP: NumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER: NumberType.PAGER,
    PhoneNumberType.UAN: NumberType.UAN,
    PhoneNumberType.VOICEMAIL: NumberType.VOICEMAIL,
    PhoneNumberType.UNKNOWN: NumberType.UNKNOWN,
}


def examples() -> list[str]:
    """Every example the numbering plans give, of every region and type."""
    found = []
    for code, regions in REGIONS_OF.items():
        for region in regions:
            for kind in KINDS:
                number = (
                    phonenumbers.example_number_for_non_geo_entity(code)
                    if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
                    else phonenumbers.example_number_for_type(region, kind)
                )
                if number is not None:
                    digits = phonenumbers.national_significant_number(number)
                    found.append(f"+{code}{digits}")
    return found


EXAMPLES = examples()


def agrees_with_the_library(e164: str) -> None:
    """For what is spelled as the library would spell it: that is all that is ever asked about."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == e164:
        assert type_of(e164) is KINDS[phonenumbers.number_type(number)]


def test_every_example_of_every_region_and_type_is_of_the_librarys_type() -> None:
    assert len(EXAMPLES) > 1000
    for e164 in EXAMPLES:
        agrees_with_the_library(e164)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number near an example: some digits changed, the end longer or shorter."""
    digits = list(draw(st.sampled_from(EXAMPLES))[1:])
    for _ in range(draw(st.integers(0, 5))):
        digits[draw(st.integers(1, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    return "+" + "".join(digits) + draw(st.sampled_from(["", "", "", "", "0", "12"]))


@settings(max_examples=4000)
@given(numbers())
def test_the_type_is_the_librarys(e164: str) -> None:
    agrees_with_the_library(e164)


@pytest.mark.parametrize("code", [1, 7, 39, 44, 47, 52, 54, 55, 56, 61, 262, 358, 590, 599, 800])
def test_the_type_is_the_librarys_all_over_a_calling_code(code: int) -> None:
    @settings(max_examples=250)
    @given(st.text("0123456789", min_size=6, max_size=12))
    def check(digits: str) -> None:
        agrees_with_the_library(f"+{code}{digits}")

    check()


REFUSED = [
    # number, the type it is refused for
    ("+12025550123", None),
    ("+14165550123", None),
    ("+18765550123", None),  # Jamaica tells mobiles apart within +1
    ("+5511955550123", None),
    ("+447400000123", None),
    ("+525555550123", None),  # Mexico does not tell mobiles apart any more
    ("+15005550006", None),  # a personal number, as the providers' test numbers are
    ("+18005550199", "toll_free"),
    ("+18885550123", "toll_free"),
    ("+558001234567", "toll_free"),
    ("+19005550123", "premium_rate"),
    ("+449055550123", "premium_rate"),
    ("+448435550123", "premium_rate"),
    ("+491803123456", "shared_cost"),
    ("+445555550123", "uan"),
    ("+447640123456", "pager"),
    ("+551133330123", "fixed_line"),
    ("+442079460123", "fixed_line"),
    ("+541155550123", "fixed_line"),
    ("+18769270123", "fixed_line"),
]


@pytest.mark.parametrize(("e164", "refused"), REFUSED)
def test_numbers_nobody_reads_messages_at_are_refused(e164: str, refused: str | None) -> None:
    assert writable(e164) == refused


def test_what_is_refused_is_called_by_its_type() -> None:
    for e164 in EXAMPLES:
        assert writable(e164) in {None, type_of(e164).value}


def test_a_fixed_line_is_refused_only_where_mobiles_have_numbers_of_their_own() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        mobile = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        fixed = phonenumbers.example_number_for_type(region, PhoneNumberType.FIXED_LINE)
        if fixed is None or phonenumbers.number_type(fixed) != PhoneNumberType.FIXED_LINE:
            continue
        apart = mobile is not None and phonenumbers.number_type(mobile) == PhoneNumberType.MOBILE
        e164 = phonenumbers.format_number(fixed, phonenumbers.PhoneNumberFormat.E164)
        assert writable(e164) == ("fixed_line" if apart else None), region


@pytest.mark.parametrize("text", ["", "+", "12025550123", "someone@example.com", "+0", "+1\n"])
def test_what_is_no_number_has_no_type_and_no_refusal(text: str) -> None:
    assert (type_of(text), writable(text)) == (NumberType.UNKNOWN, None)


@pytest.mark.parametrize("e164", ["+12025550123", "+5511955550123", "+447400000123"])
def test_the_answer_costs_microseconds_not_a_parse(e164: str) -> None:
    type_of(e164)
    ours = min(timeit.repeat(lambda: type_of(e164), number=2000, repeat=5))
    number = phonenumbers.parse(e164, None)
    full = min(timeit.repeat(lambda: phonenumbers.number_type(number), number=200, repeat=5)) * 10
    assert ours < full


def test_after_warming_no_plan_is_compiled_in_mid_request(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses.warm("+12025550100")

    def compile_(*_: object) -> None:
        raise AssertionError("a numbering plan was compiled")

    monkeypatch.setattr(re, "compile", compile_)
    for e164 in ("+12025550123", "+14165550123", "+18005550199"):
        assert normalise(e164, None) == e164
        assert region_of(e164) in {"US", "CA"}
        assert type_of(e164) is not NumberType.UNKNOWN
