"""What does somebody who answers us want: to stop, to start again, help?

Two tiers say STOP. Exact: the whole message is a keyword, whatever its case, accents, punctuation,
spacing or emoji. Inferred: a phrase, a keyword among courtesies, or a keyword with one slip; that counts
as much (47 CFR 64.1200(a)(10): any reasonable manner) and is marked, so that a person can look again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from messaging.domain.compliance import keyword_tables as tables
from messaging.domain.compliance import opt_out_phrases as phrases

MAX_LENGTH = 4096
"""Characters of a text that are read: more than any SMS holds."""


class Keyword(StrEnum):
    """What a message asks for."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"
    YES = "YES"
    """Consent to what was asked, if anything was; on its own it is an answer to some question."""
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Reading:
    """What we read in a text."""

    keyword: Keyword
    language: str | None = None
    """ISO 639-1: `en`, `fr`, `pt` or `es`; None where it is unknown, or several share the word."""
    inferred: bool = False
    """Whether it is our conclusion and not a keyword as announced."""
    wrong_number: bool = False
    """Whether the text says that it reached the wrong person; such a reading is a STOP."""


OTHER = Reading(Keyword.OTHER)
_STOP_SIGN = "\U0001f6d1"
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_SENTENCE_END = re.compile(r"[.!?;\n\r]+")
_SHORTEST_FUZZY, _LONGEST_FUZZY = 3, 12


def fold(text: str) -> str:
    """A text as small ASCII letters, digits and single spaces.

    Compatibility forms (full-width letters) are decomposed; accents, zero-width and direction marks go
    without a trace; everything else becomes a space. What lies beyond `MAX_LENGTH` is not read.
    """
    # Cut again: one sign may stand for eighteen letters.
    decomposed = unicodedata.normalize("NFKD", text[:MAX_LENGTH])[:MAX_LENGTH]
    kept = (c for c in decomposed if c.isascii() or unicodedata.category(c) not in _TRACELESS)
    return _NOT_PLAIN.sub(" ", "".join(kept).casefold()).strip()


_TRACELESS = frozenset({"Mn", "Me", "Cf"})


def read(text: str) -> Reading:
    """What `text` asks for. Total: any text has a reading, in time linear in its length."""
    text = text[:MAX_LENGTH]
    folded = fold(text)
    exact = _EXACT.get(folded.replace(" ", ""))
    if exact is not None:
        return exact
    return _inferred(text.replace(_STOP_SIGN, " stop "))


def weigh(ours: Reading, provider: str | None) -> Keyword:
    """What counts, beside what the provider read: STOP, START, HELP or nothing.

    STOP if either side says so; else the provider's opinion, since it acts on that.
    """
    if ours.keyword is Keyword.STOP or provider == Keyword.STOP:
        return Keyword.STOP
    return Keyword(provider) if provider is not None else ours.keyword


def evidence(ours: Reading, name: str, provider: str | None) -> str:
    """What was read, as the ledger keeps it: "keyword exact en, twilio STOP"; never the text.

    `name` is the provider's, `provider` what it read, if anything.
    """
    found = []
    if ours.wrong_number:
        found.append("wrong number")
    elif ours.keyword is not Keyword.OTHER:
        tier = "inferred" if ours.inferred else "exact"
        found.append(" ".join(filter(None, ("keyword", tier, ours.language))))
    if provider is not None:
        found.append(f"{name} {provider}")
    return ", ".join(found)


def _inferred(text: str) -> Reading:
    own = tables.QUOTED.sub(" ", text)
    folded = tables.SIGNATURE.sub("", fold(own)).strip()
    plain = phrases.INNOCENT.sub(" ~ ", folded)
    # An empty language stands for a word that several share, so None alone means "not found".
    for found in (_whole(folded), _sentence(own), _slip(folded), _shouted(own)):
        if found is not None:
            return Reading(Keyword.STOP, found or None, inferred=True)
    said = _search(phrases.PHRASES, plain)
    if said is not None:
        return Reading(Keyword.STOP, said, inferred=True)
    wrong = _search(phrases.WRONG_NUMBER, plain)
    if wrong is not None:
        return Reading(Keyword.STOP, wrong, inferred=True, wrong_number=True)
    return OTHER


def _whole(folded: str) -> str | None:
    """The language of a text that is a firm keyword or a stock phrase, courtesies aside."""
    return _WHOLE.get(folded, _WHOLE.get(_without_courtesy(folded)))


def _sentence(text: str) -> str | None:
    """The language of a firm keyword that is a sentence, or has the last word after a comma."""
    parts = [*_SENTENCE_END.split(text), text.rpartition(",")[2]]
    bare = (_without_courtesy(fold(part)) for part in parts)
    return next((_FIRM[word] for word in bare if word in _FIRM), None)


def _without_courtesy(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in tables.COURTESY)


def _slip(folded: str) -> str | None:
    """Whether a lone word is a keyword but for one slip, and no word of its own."""
    if not _SHORTEST_FUZZY <= len(folded) <= _LONGEST_FUZZY or " " in folded:
        return None
    if folded in tables.INNOCENT_WORDS:
        return None
    return "en" if any(one_slip(folded, word) for word in tables.FUZZY) else None


def one_slip(a: str, b: str) -> bool:
    """Whether two words differ by one letter changed, added or left out, or two neighbours swapped."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    one, other = a[start:], b[start:]
    return (
        one[1:] == other[1:]
        or one[1:] == other
        or one == other[1:]
        or (one[:2] == other[:2][::-1] and one[2:] == other[2:])
    )


def _shouted(text: str) -> str | None:
    """Whether STOP stands in capitals among small letters, and is no stop on the way."""
    if not any(c.islower() for c in text):
        return None
    words = ["", *re.findall(r"\w+", text), ""]
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        if word != "STOP" or fold(before) in tables.NEVER_BEFORE_SHOUTED:
            continue
        if fold(after) not in tables.NEVER_AFTER_SHOUTED:
            return "en"
    return None


def _search(patterns: Mapping[str, re.Pattern[str]], folded: str) -> str | None:
    return next((lang for lang, pattern in patterns.items() if pattern.search(folded)), None)


def _languages(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Word -> its language, or an empty string if several have it."""
    found: dict[str, str] = {}
    for language, words in table.items():
        for word in words:
            found[word] = "" if word in found else language
    return found


def _words(table: Mapping[str, str]) -> dict[str, list[str]]:
    return {language: words.split() for language, words in table.items()}


_EXACT = {
    word: Reading(keyword, language or None)
    for keyword, table in (
        (Keyword.YES, tables.YES),
        (Keyword.HELP, tables.HELP),
        (Keyword.START, tables.START),
        (Keyword.STOP, tables.STOP),
    )
    for word, language in _languages(_words(table)).items()
}
_FIRM = _languages(_words(tables.FIRM))
_WHOLE = _FIRM | _languages({lang: text.split("|") for lang, text in tables.WHOLE.items()})
