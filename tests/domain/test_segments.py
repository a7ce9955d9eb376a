"""Segments: kept vectors, and a character-by-character reading of the same rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import segments

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("segments_vectors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("row", VECTORS, ids=[row["id"] for row in VECTORS])
def test_kept_vector(row: dict[str, Any]) -> None:
    assert segments.measure(row["text"]) == segments.Measure(
        row["encoding"], row["units"], row["segments"]
    )
    assert segments.count(row["text"]) == row["segments"]


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
