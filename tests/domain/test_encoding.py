"""What a text is rewritten to: what a provider's smart encoding does, except where it does harm."""

# ruff: noqa: RUF001 - characters that are drawn alike are what this file is about

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import segments
from messaging.domain.encoding import SMART, as_sent, fold, smart

PROVIDER = {
    chr(int(number, 16)): plain
    for plain, numbers in json.loads(
        Path(__file__).with_name("smart_encoding.json").read_text(encoding="utf-8")
    ).items()
    for number in numbers.split()
}
"""What Twilio's Smart Encoding writes for each of 271 characters."""

EXCEPTIONS = {
    "\ufe10": (",", "a vertical comma is a comma, not an apostrophe"),
    "\ufe11": (",", "as above"),
}


def test_every_character_is_written_as_the_provider_does() -> None:
    assert len(PROVIDER) == 271
    ours = {character: smart(character) for character in PROVIDER}
    different = {c: plain for c, plain in ours.items() if plain != PROVIDER[c]}
    assert different == {c: plain for c, (plain, _) in EXCEPTIONS.items()}


def test_what_we_replace_beyond_that_has_a_reason() -> None:
    beyond = SMART.keys() - PROVIDER.keys()
    families = {
        "controls": {c for c in beyond if unicodedata.category(c) == "Cc"},
        "spaces": {c for c in beyond if unicodedata.category(c) == "Zs"},
        "fractions": {c for c in beyond if "VULGAR FRACTION" in unicodedata.name(c, "")},
        "full-width, vertical and small forms": {c for c in beyond if "\ufe10" <= c <= "\uff5e"},
        "small capitals": {c for c in beyond if "SMALL CAPITAL" in unicodedata.name(c, "")},
        "hyphens and minus": set("\u2011\u2012\u2212"),
        "primes": set("\u2032\u2033"),
        "soft hyphen": {"\u00ad"},
    }
    assert set().union(*families.values()) == beyond
    assert all(families.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("“ok” ‘ok’ «ok»", '"ok" \'ok\' "ok"'),
        ("a–b—c…", "a-b-c..."),
        ("1\u00a0000", "1  000"),
        ("col1\tcol2", "col1       col2"),
        ("½ kg, 2½ kg, ２⅓", "1/2 kg, 2 1/2 kg, 2 1/3"),
        ("ＳＡＬＥ ｎｏｗ！", "SALE now!"),
        ("invisi\u200bble\u00ad", "invisible"),
        ("`code`", "'code'"),
        # Letters keep their accents, whichever way they are stored.
        ("Promoção", "Promoção"),
        ("Promoc\u0327a\u0303o", "Promoção"),
        ("man\u0303ana cafe\u0301", "mañana café"),
        # A mark that no letter takes is the character it looks like.
        ("q\u0303", "q~"),
        ("😀 “x”", '😀 "x"'),
    ],
)
def test_smart(text: str, expected: str) -> None:
    assert smart(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Promoção válida até amanhã", "Promocao valida até amanha"),
        ("é à ñ ü É Ç ö å ß", "é à ñ ü É Ç ö å ß"),
        ("ç ã õ í ó ú â ê ô Á Ã", "c a o i o u a e o A A"),
        ("amanha\u0303, ate\u0301, c\u0327", "amanha, até, c"),
        ("1º lugar, 2ª via", "1o lugar, 2a via"),
        ("Łódź İstanbul ışık Đà Nẵng", "Lodz Istanbul isik Dà Nang"),
        ("ǖ ế", "ü e"),
        ("g\u0303uarani q\u0301\u0302", "guarani q"),
        ("œuvre naïve", "œuvre naive"),
        ("αβγ ё 你好 😀 “x”", "αβγ ё 你好 😀 “x”"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


def test_a_loose_tilde_is_an_accent_first() -> None:
    text = "ava\u0303 g\u0303 “x”"
    assert as_sent(text, smart_encoding=True, fold_accents=True) == 'ava g "x"'
    assert as_sent("ｃ\u0327", smart_encoding=True, fold_accents=True) == "c"
    assert as_sent(text, smart_encoding=False, fold_accents=False) == text


def test_a_longer_text_is_counted_after_it_grew() -> None:
    text = "a" * 159 + "…"
    assert segments.count(smart(text)) == 2
    assert len(smart(text)) == 162


LATIN = st.text(st.characters(max_codepoint=0x24F) | st.sampled_from("\u0301\u0303\u0327\u0338ẽ"))
PASTED = st.lists(st.sampled_from([*SMART, *"aeNq2 =<", *"ãéç", "😀", "\u0301"])).map("".join)
ANY = st.text() | LATIN | PASTED


@given(ANY)
def test_smart_twice_is_smart_once(text: str) -> None:
    once = smart(text)
    assert smart(once) == once
    assert not SMART.keys() & set(once)


@given(ANY)
def test_smart_leaves_what_is_cheap_already(text: str) -> None:
    cheap = "".join(c for c in text if c in segments.ALPHABET)
    assert smart(cheap) == cheap


@given(ANY)
def test_fold_twice_is_fold_once_and_never_lengthens(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert len(once) <= len(text)
    assert segments.count(once) <= segments.count(text)


@given(ANY)
def test_fold_touches_nothing_but_latin_letters_outside_gsm(text: str) -> None:
    kept = "".join(
        c for c in text if not unicodedata.combining(c) and not (c.isalpha() and ord(c) < 0x2000)
    )
    assert fold(kept) == kept
    cheap = "".join(c for c in text if c in segments.ALPHABET)
    assert fold(cheap) == cheap


@given(ANY)
def test_both_together_are_stable(text: str) -> None:
    once = as_sent(text, smart_encoding=True, fold_accents=True)
    assert as_sent(once, smart_encoding=True, fold_accents=True) == once
