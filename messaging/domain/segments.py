"""How many SMS segments does a text cost?

The alphabet is that of 3GPP TS 23.038: 160 septets fit one SMS, 153 each when the text is split.
A text with any other character travels as UCS-2: 70 UTF-16 units, 67 each when split. Two-unit
characters (the extension table, surrogate pairs) are never cut in half by a segment's end.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Literal

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"

ALPHABET = frozenset(_BASIC + _EXTENSION)
"""Every character that can be written without resorting to UCS-2."""

# Three steps because most texts end at the first, whose set is a small bitmap.
_ASCII_ONLY = re.compile(f"[{re.escape(''.join(c for c in _BASIC if c.isascii()))}]*")
_BASIC_ONLY = re.compile(f"[{re.escape(_BASIC)}]*")
_GSM = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
_TWO_SEPTETS = re.compile(f"[{re.escape(_EXTENSION)}]")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")

Encoding = Literal["GSM-7", "UCS-2"]

_ALONE: dict[Encoding, int] = {"GSM-7": 160, "UCS-2": 70}
_SPLIT: dict[Encoding, int] = {"GSM-7": 153, "UCS-2": 67}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a text costs on the air."""

    encoding: Encoding
    units: int
    """Septets (GSM-7) or UTF-16 units (UCS-2)."""
    segments: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """A character outside the GSM alphabet: one of them makes the whole text UCS-2."""

    character: str
    name: str
    """As Unicode calls it; controls have no name there and are called by their number."""
    count: int
    position: int
    """Of its first occurrence, in characters from 0."""

    @property
    def codepoint(self) -> str:
        """As in U+00E7."""
        return _number(self.character)


def count(text: str) -> int:
    """The number of SMS segments `text` is sent as; an empty text is still one."""
    size = len(text)
    if size <= 160 and _ASCII_ONLY.fullmatch(text):
        return 1
    return measure(text).segments


def measure(text: str) -> Measure:
    """Encoding, units and segments of `text`."""
    if _ASCII_ONLY.fullmatch(text) or _BASIC_ONLY.fullmatch(text):
        return _measured("GSM-7", text, None)
    if _GSM.fullmatch(text):
        return _measured("GSM-7", text, _TWO_SEPTETS)
    return _measured("UCS-2", text, _TWO_UNITS)


def units_per_segment(text: str) -> list[int]:
    """What each segment of `text` holds, in order, in the units of its encoding.

    No unit of a character stands in two segments. A family of emoji may: the single emoji of a
    joined sequence are characters of their own here, as they are to a handset's decoder.
    """
    found = measure(text)
    if found.segments == 1:
        return [found.units]
    double = _TWO_SEPTETS if found.encoding == "GSM-7" else _TWO_UNITS
    starts = (m.start() for m in double.finditer(text))
    first_halves = frozenset(start + earlier for earlier, start in enumerate(starts))
    ends = _ends(found.units, first_halves, _SPLIT[found.encoding])
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def blockers(text: str) -> list[Blocker]:
    """The characters that force `text` into UCS-2, in order of appearance; none for GSM-7."""
    if _GSM.fullmatch(text):
        return []
    found = Counter(c for c in text if c not in ALPHABET)
    return [
        Blocker(c, unicodedata.name(c, _number(c)), times, text.index(c))
        for c, times in found.items()
    ]


def _number(character: str) -> str:
    return f"U+{ord(character):04X}"


def _measured(encoding: Encoding, text: str, double: re.Pattern[str] | None) -> Measure:
    starts = [m.start() for m in double.finditer(text)] if double is not None else []
    units = len(text) + len(starts)
    if units <= _ALONE[encoding]:
        return Measure(encoding, units, 1)
    first_halves = frozenset(start + earlier for earlier, start in enumerate(starts))
    return Measure(encoding, units, _segments(units, first_halves, _SPLIT[encoding]))


def _segments(units: int, first_halves: frozenset[int], size: int) -> int:
    """Segments of `size` units, where none may end on the first half of a character."""
    return len(_ends(units, first_halves, size)) if first_halves else -(-units // size)


def _ends(units: int, first_halves: frozenset[int], size: int) -> list[int]:
    """Where each segment ends, in units from the start of the text."""
    ends: list[int] = []
    end = 0
    while end < units:
        end = min(end + size, units)
        end -= end - 1 in first_halves
        ends.append(end)
    return ends
