"""How many SMS segments does a text cost?

The alphabet is that of 3GPP TS 23.038: 160 septets fit one SMS, 153 each when the text is split.
A text with any other character travels as UCS-2: 70 UTF-16 units, 67 each when split. Two-unit
characters (the extension table, surrogate pairs) are never cut in half by a segment's end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"

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


def _measured(encoding: Encoding, text: str, double: re.Pattern[str] | None) -> Measure:
    starts = [m.start() for m in double.finditer(text)] if double is not None else []
    units = len(text) + len(starts)
    if units <= _ALONE[encoding]:
        return Measure(encoding, units, 1)
    first_halves = frozenset(start + earlier for earlier, start in enumerate(starts))
    return Measure(encoding, units, _segments(units, first_halves, _SPLIT[encoding]))


def _segments(units: int, first_halves: frozenset[int], size: int) -> int:
    """Segments of `size` units, where none may end on the first half of a character."""
    if not first_halves:
        return -(-units // size)
    segments = end = 0
    while end < units:
        end += size
        end -= end - 1 in first_halves
        segments += 1
    return segments
