from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.sandbox import create, forms, segments
from messaging.sandbox import twilio_wire as wire
from messaging.sandbox.create import Create
from messaging.sandbox.twilio_problems import Problem

GOOD = {"To": "+12025550123", "From": "+12025550100", "Body": "hello"}
SERVICE = "MG" + "a" * 32


def read(fields: Mapping[str, str | list[str]], *numbers: str) -> Create | Problem:
    return wire.read_create(urlencode(fields, doseq=True).encode(), frozenset(numbers))


REFUSED: list[tuple[dict[str, str | list[str] | None], int]] = [
    ({"To": None}, 21604),
    ({"To": ""}, 21604),
    ({"To": "12025550123"}, 21211),
    ({"To": "+0202555012"}, 21211),
    ({"To": "+15005550001"}, 21211),
    ({"To": "+15005550002"}, 21612),
    ({"To": "+15005550003"}, 21408),
    ({"To": "+15005550004"}, 21610),
    ({"To": "+15005550009"}, 21614),
    ({"From": None}, 21603),
    ({"From": ""}, 21212),
    ({"From": "+1202555010012345678"}, 21212),
    ({"From": "+15005550001"}, 21212),
    ({"From": "+15005550007"}, 21606),
    ({"From": "+15005550008"}, 21611),
    ({"From": None, "MessagingServiceSid": "MG123"}, 21705),
    ({"Body": None}, 21602),
    ({"Body": ""}, 21602),
    ({"Body": "x" * 1601}, 21617),
    ({"MediaUrl": ["https://example.com/a.png"] * 11}, 21623),
    ({"StatusCallback": "ftp://example.com/x"}, 21609),
    ({"StatusCallback": "https://under_score.example.com/x"}, 21609),
    ({"StatusCallback": "https://example.com/with space"}, 21609),
    ({"StatusCallback": "https://example.com/" + "x" * 4000}, 21609),
    ({"ValidityPeriod": "0"}, 21624),
    ({"ValidityPeriod": "36001"}, 21624),
    ({"ValidityPeriod": "soon"}, 21624),
    ({"ValidityPeriod": "9" * 5000}, 21624),
]


@pytest.mark.parametrize(("change", "code"), REFUSED)
def test_each_bad_parameter_has_its_code(
    change: dict[str, str | list[str] | None], code: int
) -> None:
    fields = {n: v for n, v in {**GOOD, **change}.items() if v is not None}
    found = read(fields)
    assert isinstance(found, Problem)
    assert found.code == code
    assert 400 <= found.status < 500


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"From": "12345"},
        {"From": "Posthorn"},
        {"Body": "x" * 1600},
        {"Body": "", "MediaUrl": "https://example.com/a.png"},
        {"Body": "", "ContentSid": "HX" + "b" * 32},
        {"StatusCallback": "http://127.0.0.1:8000/r?m=1#rc=2"},
        {"StatusCallback": "https://[::1]:8000/r"},
        {"ValidityPeriod": "1"},
        {"ValidityPeriod": "36000"},
        {"Attempt": "1", "SmartEncoded": "true"},
    ],
)
def test_good_parameters_pass(change: dict[str, str]) -> None:
    assert isinstance(read({**GOOD, **change}), Create)


def test_a_service_may_stand_for_the_sender() -> None:
    found = read({"To": GOOD["To"], "Body": "hello", "MessagingServiceSid": SERVICE})
    assert isinstance(found, Create)
    assert (found.sender, found.service) == (None, SERVICE)


def test_only_owned_numbers_may_send_when_they_are_listed() -> None:
    assert isinstance(read(GOOD, GOOD["From"]), Create)
    found = read(GOOD, "+12025550177")
    assert isinstance(found, Problem)
    assert found.code == 21606
    # Twilio's own valid test number belongs to everyone.
    assert isinstance(read({**GOOD, "From": "+15005550006"}, "+12025550177"), Create)


def test_media_is_counted() -> None:
    found = read({**GOOD, "MediaUrl": ["https://example.com/a.png", "https://example.com/b.png"]})
    assert isinstance(found, Create)
    assert found.media == 2


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ("", (None, None)),
        ("https://example.com/r", (None, None)),
        ("https://example.com/r?m=0192&e=3", ("0192", "3")),
        ("https://example.com/r?e=3&x=1&m=a%2Bb#rc=2", ("a+b", "3")),
        ("https://example.com/r?mm=1&ee=2", (None, None)),
        ("https://example.com/r?e=1#rc=2&m=3", (None, "1")),
    ],
)
def test_the_callback_carries_message_id_and_epoch(
    callback: str, expected: tuple[str | None, str | None]
) -> None:
    assert create.correlation(callback) == expected


@settings(derandomize=True, max_examples=300)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=30), max_size=6))
def test_forms_are_read_as_the_standard_library_reads_them(fields: dict[str, str]) -> None:
    try:
        text = urlencode(fields)
    except UnicodeEncodeError:  # a lone surrogate cannot be sent
        return
    assert forms.fields_of(text) == dict(parse_qsl(text, keep_blank_values=True))


@pytest.mark.parametrize("text", ["a=%", "a=%zz", "a=1%2", "a=%e4", "&&=1&a", "a=b=c", "%41=x"])
def test_damaged_forms_are_read_as_the_standard_library_reads_them(text: str) -> None:
    expected = {n: v for n, v in parse_qsl(text, keep_blank_values=True) if n}
    assert forms.fields_of(text) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 5, 2),
        ("ы" * 70, 1),
        ("ы" * 71, 2),
        ("ы" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # A pair of code units is not split: 33 fit in a segment of 67.
        ("😀" * 67, 3),
    ],
)
def test_segments(body: str, expected: int) -> None:
    assert segments.count(body) == expected
