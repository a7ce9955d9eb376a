"""The shortcut for numbers that already are E.164 must say exactly what the full library says."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberType

from messaging.domain import numbering
from messaging.domain.addresses import AddressProblem, normalise, region_of

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
    code = numbering.calling_code(raw)
    shortcut = numbering.shortcut(code)
    if shortcut is not None and shortcut.fullmatch(raw):
        assert expected == raw
    if expected is not None:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(expected, None))
        assert region_of(expected) == (None if region == "001" else region)


@pytest.mark.parametrize("code", BUSY_CODES)
def test_the_shortcut_agrees_with_the_library_per_calling_code(code: int) -> None:
    @settings(max_examples=60)
    @given(international([code]))
    def check(raw: str) -> None:
        agrees_with_the_library(raw)

    check()


@settings(max_examples=600)
@given(international(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)))
def test_the_shortcut_agrees_with_the_library_everywhere(raw: str) -> None:
    agrees_with_the_library(raw)


def test_the_shortcut_agrees_on_every_example_of_every_region_and_type() -> None:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in KINDS:
                if digits := example(code, region, kind):
                    agrees_with_the_library(f"+{code}{digits}")


def test_a_number_whose_first_digits_may_be_a_trunk_prefix_is_read_in_full() -> None:
    # Belarus: valid digit by digit, but the parser takes 810 for a prefix and refuses the rest.
    agrees_with_the_library("+3758102450911")
    assert isinstance(normalise("+3758102450911", None), AddressProblem)


def plan(region: str, general: str, fixed: str, leading: str | None = None) -> PhoneMetadata:
    """A numbering plan of seven-digit numbers, stricter than any real one in each respect."""
    return PhoneMetadata(
        id=region,
        general_desc=PhoneNumberDesc(national_number_pattern=general, possible_length=(7,)),
        fixed_line=PhoneNumberDesc(national_number_pattern=fixed, possible_length=(7,)),
        mobile=PhoneNumberDesc(national_number_pattern=r"9\d*", possible_length=(-1,)),
        leading_digits=leading,
        register=False,
    )


@pytest.mark.parametrize(
    ("national", "valid"),
    [
        ("2345678", True),  # the first region's
        ("3345678", False),  # no region's
        ("23456789", False),  # a length no description has
        ("5545678", True),  # the second region's, by its leading digits
        ("5645678", False),  # of the second region's type, without its leading digits
        ("5585678", False),  # the second region's by its leading digits, though valid in the third
        ("6345678", True),  # the third region's
        ("6945678", False),  # of a valid type, but outside the general description
        ("9345678", False),  # a type the regions do not have
    ],
)
def test_the_shortcut_keeps_rules_that_no_real_plan_needs_today(
    monkeypatch: pytest.MonkeyPatch, national: str, valid: bool
) -> None:
    plans = {
        "AA": plan("AA", r"\d+", r"2\d+"),
        "BB": plan("BB", r"\d+", r"5[^8]4\d+|56\d+", leading="55"),
        "CC": plan("CC", r"[56][^9]\d+", r"558\d+|6\d+"),
    }
    monkeypatch.setattr(numbering, "REGIONS_OF", {1: tuple(plans)})
    monkeypatch.setattr(numbering, "metadata_of", lambda _code, region: plans[region])
    shortcut = numbering.shortcut.__wrapped__("1")
    assert shortcut is not None
    assert bool(shortcut.fullmatch(f"+1{national}")) == valid


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
