"""How many SMS segments does the carrier count for a body?

Counted on the carrier's own side, so that a mistake in the product's count shows up as a difference.
GSM 03.38: 160 septets alone and 153 in a chain; UCS-2: 70 code units alone and 67 in a chain.
"""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
GSM = _BASIC | _EXTENDED


def count(body: str) -> int:
    """Segments of the body; 0 for an empty one. No character is split between two segments."""
    characters = set(body)
    if characters <= _BASIC:
        return _plain(len(body), 160, 153)
    if characters <= GSM:
        return _chain([2 if c in _EXTENDED else 1 for c in body], 160, 153)
    if not characters or max(characters) <= "\uffff":
        return _plain(len(body), 70, 67)
    return _chain([2 if c > "\uffff" else 1 for c in body], 70, 67)


def pieces(body: str) -> list[str]:
    """The text of each segment, in order; [""] for an empty body."""
    size = {c: 2 if c in _EXTENDED else 1 for c in body}
    single, chained = 160, 153
    if not set(body) <= GSM:
        size = {c: 2 if c > "\uffff" else 1 for c in body}
        single, chained = 70, 67
    if sum(size[c] for c in body) <= single:
        return [body]
    found, used = [""], 0
    for c in body:
        if used + size[c] > chained:
            found.append("")
            used = 0
        found[-1] += c
        used += size[c]
    return found


def _plain(length: int, single: int, chained: int) -> int:
    if length <= single:
        return min(length, 1)
    return -(-length // chained)


def _chain(sizes: list[int], single: int, chained: int) -> int:
    if sum(sizes) <= single:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > chained:
            segments, used = segments + 1, 0
        used += size
    return segments
