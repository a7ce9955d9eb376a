"""How is a text written so that it costs less, and still says the same?

`smart` replaces typography: quotation marks, dashes, spaces and forms that only look special. `fold`
takes accents off letters that the GSM alphabet lacks, and leaves those it has (é, à, ñ, ü). Both may
leave characters that have no stand-in; `segments.blockers` names them. `smart` may lengthen a text,
so segments and limits are counted afterwards.

The replacements agree with what Twilio's Smart Encoding does, where that makes sense: spaces of
special widths become two, a tab seven. Marks that combine with a letter are put together with it
first (a tilde over an a is no "~"), and "2½" becomes "2 1/2", never "21/2".
"""

# ruff: noqa: RUF001 - characters that are drawn alike are what this file is about

from __future__ import annotations

import re
import unicodedata

from messaging.domain.segments import ALPHABET

_MARKS = "\u0300-\u0343\u0345-\u036f"  # without the one that composing makes two of
_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"

_LOOK_ALIKES = {
    '"': "«»“”„‟″ʺˮ❝❞〝〞",
    "'": "‘’‛′´ʹʻʼʽˈˊˋ`❛❜\u0313\u0314",
    "/": "÷⁄∕⧸\u0337\u0338",
    "\\": "⧹⧵\u20e5",
    "_": "\u0332‗",
    "|": "\u20d2\u20d3∣⎸⎹⏐⎜⎟",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212⎼⎽⁃•",
    "!": "ǃ",
    ",": "‚\u0326、\ufe11﹑､",
    "(": "❨❪⟮⦅",
    ")": "❩❫⟯⦆",
    "*": "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊❋⧆",
    "+": "˖",
    ".": "。｡",
    ":": "ː˸⦂꞉",
    ";": "⁏",
    "=": "\u0347꞊",
    "^": "ˆ\u0302\u1dcd",
    "{": "❴",
    "}": "❵",
    "~": "˜˷\u0303\u0330\u0334∼",
    "<": "‹",
    ">": "›",
    " ": "\u2001\u2028\u2029",
    "...": "…",
    "!!": "‼",
    "       ": "\t",
    # Shown as nothing: soft hyphens, joiners and byte order marks that were pasted along.
    "": "\u00ad\u200b\u200c\u2060\ufeff",
}
_SAME_LETTER = {
    "d": "đð", "D": "ĐÐ", "h": "ħ", "H": "Ħ", "i": "ı", "l": "ł", "L": "Ł", "s": "ſ", "t": "ŧ",
    "T": "Ŧ", "ß": "ẞ", "a": "ª", "o": "º",
}  # fmt: skip
"""Letters whose stroke is no accent to Unicode; and the ordinals of "1º" and "2ª"."""


_COMPUTED = (*range(0x2190), 0x3000, *range(0xA720, 0xA800), *range(0xFE10, 0xFF5F))
_SMALL_CAPITAL = re.compile("LATIN LETTER SMALL CAPITAL [A-Z]")


def _table() -> dict[str, str]:
    """Every replacement of `smart`: what can be computed, then the rows above."""
    table: dict[str, str] = {}
    for character in map(chr, _COMPUTED):
        kind, name = unicodedata.category(character), unicodedata.name(character, "")
        plain = unicodedata.normalize("NFKC", character)
        if character in ALPHABET:
            continue
        if kind == "Zs":
            table[character] = "  "
        elif kind == "Cc":
            table[character] = "" if character < "\x80" else "  "
        elif name.startswith("VULGAR FRACTION "):
            table[character] = plain.replace("\u2044", "/")
        elif _SMALL_CAPITAL.fullmatch(name):
            table[character] = name[-1]
        elif "\ufe10" <= character <= "\uff5e" and plain in ALPHABET:
            table[character] = plain  # full-width, small and vertical forms
    table |= {c: plain for plain, characters in _LOOK_ALIKES.items() for c in characters}
    table["\uff40"] = "'"  # a full-width backtick
    return table


SMART = _table()
"""What `smart` writes for each character."""

_LETTERS = {c: letter for letter, characters in _SAME_LETTER.items() for c in characters}
_FRACTIONS = frozenset(c for c, plain in SMART.items() if plain[:1].isdigit() and "/" in plain)
_COMBINING = frozenset(c for c in SMART if unicodedata.combining(c))


def _any_of(characters: frozenset[str]) -> str:
    return f"[{re.escape(''.join(sorted(characters)))}]"


_REPLACED = re.compile(_any_of(frozenset(SMART) - _COMBINING))
_LEFT_OVER = re.compile(_any_of(_COMBINING))
_AMOUNT = re.compile(rf"(?<=\d)(?={_any_of(_FRACTIONS)})")
_ACCENTED = re.compile(rf"[{_LATIN}][{_MARKS}]+")
_FOLDED = re.compile(
    rf"[{_LATIN}][{_MARKS}]+|(?![{re.escape(''.join(ALPHABET))}])[{_LATIN}]"  # the rest stays
)
_NOTHING_TO_DO = re.compile("[\n\r\x20-\x5f\x61-\x7e]*")


def as_sent(text: str, *, smart_encoding: bool, fold_accents: bool) -> str:
    """The text in the writing that was asked for, as it is kept, counted and sent."""
    if fold_accents:  # first, because a loose tilde is an accent before it is a character
        text = fold(text)
    if smart_encoding:
        text = smart(text)
        if fold_accents:  # and what was no ordinary letter until now
            text = fold(text)
    return text


def smart(text: str) -> str:
    """`text` with GSM characters for typographic ones; accented letters stay as they are."""
    if _NOTHING_TO_DO.fullmatch(text):
        return text
    text = _AMOUNT.sub(" ", text)
    text = _REPLACED.sub(lambda found: SMART[found[0]], text)
    text = _ACCENTED.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)
    return _LEFT_OVER.sub(lambda found: SMART[found[0]], text)


def fold(text: str) -> str:
    """`text` with accents off the Latin letters the GSM alphabet lacks; never longer than it was.

    A letter that stays outside the alphabet even so (œ, ŋ) is left as it is.
    """
    return text if text.isascii() else _FOLDED.sub(_without_accents, text)


def _without_accents(found: re.Match[str]) -> str:
    composed = unicodedata.normalize("NFC", found[0])
    letter = composed[0]
    while letter not in ALPHABET:
        apart = unicodedata.normalize("NFD", letter)
        if len(apart) > 1:
            letter = unicodedata.normalize("NFC", apart[:-1])
        elif letter in _LETTERS:
            letter = _LETTERS[letter]
        else:
            return composed
    return letter
