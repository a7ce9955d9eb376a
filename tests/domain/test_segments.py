"""Segments: kept vectors, and a character-by-character reading of the same rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import encoding, segments

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("segments_vectors.json").read_text(encoding="utf-8")
)


def written(row: dict[str, Any]) -> str:
    """A vector's text; those marked so have their typography replaced first."""
    text: str = row["text"]
    return encoding.smart(text) if row.get("smart") else text


@pytest.mark.parametrize("row", VECTORS, ids=[row["id"] for row in VECTORS])
def test_kept_vector(row: dict[str, Any]) -> None:
    text = written(row)
    assert segments.measure(text) == segments.Measure(
        row["encoding"], row["units"], row["segments"]
    )
    assert segments.count(text) == row["segments"]
    assert segments.units_per_segment(text) == row["per_segment"]


def test_where_a_provider_estimates_otherwise_is_known() -> None:
    """Twilio's calculator keeps joined emoji and piles of marks whole; a message on the air may not.

    It counts one more where a family of emoji straddles an end; and a pile longer than a segment
    leaves an empty one before it or overflows its own, which no carrier can send.
    """
    otherwise = {row["id"]: row["calculator"] for row in VECTORS if "calculator" in row}
    assert set(otherwise) == {"zwj_family_67", "zwj_divergence", "zalgo_100", "zalgo_mid"}
    segments_of = {row["id"]: row["segments"] for row in VECTORS}
    dearer = {name for name, units in otherwise.items() if len(units) > segments_of[name]}
    assert dearer == {"zwj_divergence", "zalgo_mid"}


def test_the_default_alphabet_has_127_characters_and_the_extension_ten() -> None:
    assert len(set(segments._BASIC)) == len(segments._BASIC) == 127
    assert len(set(segments._EXTENSION)) == 10


def packed(widths: list[int], alone: int, split: int) -> int:
    """Puts one character after another into segments, as a radio would."""
    if sum(widths) <= alone:
        return 1
    filled = [0]
    for width in widths:
        if filled[-1] + width > split:
            filled.append(0)
        filled[-1] += width
    return len(filled)


ALPHABET = st.sampled_from(
    [*"aZ0 @\n£éÇ", *"{}€\\\f", *"{}€", "ç", "á", "😀", "👍", "\x1b", "\ud83d"]
)
GSM_ALPHABET = st.sampled_from([*"aZ0 @\n£éÇ", *"{}€\\\f"])


@given(st.lists(ALPHABET, max_size=400) | st.lists(GSM_ALPHABET, max_size=700))
def test_agrees_with_a_character_by_character_reading(characters: list[str]) -> None:
    text = "".join(characters)
    got = segments.measure(text)
    if all(c in segments._BASIC + segments._EXTENSION for c in text):
        widths = [2 if c in segments._EXTENSION else 1 for c in text]
        expected = segments.Measure("GSM-7", sum(widths), packed(widths, 160, 153))
    else:
        widths = [2 if ord(c) > 0xFFFF else 1 for c in text]
        expected = segments.Measure("UCS-2", sum(widths), packed(widths, 70, 67))
    assert got == expected
    assert segments.count(text) == expected.segments


@given(st.text(max_size=300), st.text(max_size=30))
def test_more_text_never_costs_less(text: str, more: str) -> None:
    assert segments.count(text + more) >= segments.count(text)


@given(st.lists(ALPHABET, max_size=400) | st.lists(GSM_ALPHABET, max_size=700))
def test_segments_hold_every_unit_and_no_more_than_fits(characters: list[str]) -> None:
    text = "".join(characters)
    found, units = segments.measure(text), segments.units_per_segment(text)
    assert (sum(units), len(units)) == (found.units, found.segments)
    most = {"GSM-7": (160, 153), "UCS-2": (70, 67)}[found.encoding]
    assert max(units) <= most[len(units) > 1]
    assert all(held >= most[1] - 1 for held in units[:-1])


@given(st.text(max_size=80) | st.lists(GSM_ALPHABET, max_size=80).map("".join))
def test_a_text_is_gsm_exactly_if_each_of_its_characters_is(text: str) -> None:
    each = all(c in segments.ALPHABET for c in text)
    assert (segments.measure(text).encoding == "GSM-7") == each
    found = segments.blockers(text)
    assert (not found) == each
    assert {b.character for b in found} == set(text) - segments.ALPHABET
    assert sum(b.count for b in found) == sum(c not in segments.ALPHABET for c in text)


def test_what_forces_ucs2_is_named_in_order() -> None:
    assert segments.blockers("ão é não\t") == [
        segments.Blocker("ã", "LATIN SMALL LETTER A WITH TILDE", 2, 0),
        segments.Blocker("\t", "U+0009", 1, 8),
    ]
    assert [b.codepoint for b in segments.blockers("\U0001f600")] == ["U+1F600"]
    assert segments.blockers("à la carte: 5 €") == []
