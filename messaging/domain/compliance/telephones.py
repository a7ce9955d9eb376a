"""Does a text ask to be called: does a phone number stand in it?

A number counts if it is written as one: with +, with its area code in brackets, in the groups of the
North American, Brazilian or a trunk-prefixed plan, or after a word such as "call" or "ligue". Codes,
amounts, dates, tax and order numbers do not; nor does a bare run of digits.
"""

from __future__ import annotations

import re

_GAP = r"[ .\u00a0-]"
_SHAPES = (
    rf"\+{_GAP}?[1-9](?:[ ().\u00a0-]{{0,2}}\d){{7,14}}(?!\d)",
    # (202) 555-0123, 202-555-0123, 1 202 555 0123
    rf"(?:1{_GAP})?(?:\([2-9]\d\d\){_GAP}?|[2-9]\d\d{_GAP})[2-9]\d\d{_GAP}?\d{{4}}(?![\w.-]*\d)",
    # (11) 95555-0123, (11) 5555-0123, 11 95555-0123
    rf"\(0?[1-9]\d\){_GAP}?9?{_GAP}?\d{{4}}{_GAP}?\d{{4}}(?!\d)",
    rf"0?[1-9]\d{_GAP}?9{_GAP}?\d{{4}}[ -]\d{{4}}(?![\w.-]*\d)",
    # 0800 555 0123, 07700 900123, 020 7946 0123, 01 23 45 67 89
    rf"0\d{{2,4}}{_GAP}\d{{3,4}}{_GAP}?\d{{3,4}}(?![\w.-]*\d)",
    rf"0\d(?:{_GAP}\d\d){{4}}(?!\d)",
)
_WORDS = (
    r"(?:call|dial|phone|tel|text|whatsapp|zap|fone|telefone|ligue|liga|ligar|disque|llame|llama|"
    r"telefono|appelez)(?: us| me| to| at| on| now| para| no| pelo| o| al| le)?[:.]? ?"
)
_CALLED = rf"\b{_WORDS}(?!\d{{4}}-\d\d-\d\d)\(?\d(?:[ ().-]{{0,2}}\d){{6,13}}(?![\w.,/-]*\d)"
_NUMBER = re.compile(rf"(?<![\w+.,/-])(?:{'|'.join(_SHAPES)})|{_CALLED}", re.IGNORECASE)
_ENOUGH_DIGITS = re.compile(r"\d(?:[ ().\u00a0-]{0,3}\d){6}")


def phone_numbers(text: str) -> bool:
    """Whether a phone number stands in `text`."""
    return _ENOUGH_DIGITS.search(text) is not None and _NUMBER.search(text) is not None
