"""When are two texts the same but for their case? When they are the same folded.

Only letters that have one capital and one small form are folded, each by itself: what Postgres can be
asked to do in any locale, with `lower` for ASCII and `translate` for the others.
"""

from __future__ import annotations


def folded(text: str) -> str:
    """A text in small letters."""
    if text.isascii():
        return text.lower()
    return "".join(map(_small, text))


def _small(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 and small.upper() == letter else letter


def capitals(text: str) -> tuple[str, str]:
    """The capitals outside ASCII that fold to letters of a folded text, and what each becomes."""
    pairs = {
        letter.upper(): letter
        for letter in dict.fromkeys(text)
        if not letter.isascii() and letter.upper() != letter and _small(letter.upper()) == letter
    }
    return "".join(pairs), "".join(pairs.values())
