"""A text that is to be sent as it stands is, whatever braces it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import personal
from messaging.domain.verbatim import STAND_INS, verbatim

TEXTS = [
    "", "Hi", "Hi {{first_name}}", "{{", "}}", "{{}}", "}}{{", "{{{first_name}}}", "{{{{", "{ {{ } }}",
    "{{first_name|there}}", "a}}}b{{{c", "{{two_opening}}", "{{ nobody.knows }}", "{",
]  # fmt: skip


def sent(text: str) -> object:
    """What somebody gets, of whom everything is known that a text could ask for."""
    read = personal.read(verbatim(text), STAND_INS)
    assert read is not None
    return read.fill({"first_name": "Ana", "ref": "7"})


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_sent_as_it_stands(text: str) -> None:
    assert sent(text) == text
    if "{{" not in text and "}}" not in text:
        assert verbatim(text) == text


@given(st.text(alphabet="{} |.ab_", max_size=40))
def test_whatever_its_braces(text: str) -> None:
    assert sent(text) == text
