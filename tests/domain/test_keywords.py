"""What somebody answers: keywords, phrases that mean one, and innocent talk, in four languages."""

# ruff: noqa: RUF001 - people type these

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.compliance import keyword_tables as tables
from messaging.domain.compliance.keywords import (
    Keyword,
    Reading,
    evidence,
    fold,
    one_slip,
    read,
    weigh,
)
from tests.domain.keyword_cases import EXACT, INFERRED, INNOCENT, OTHERS, WRONG_NUMBER


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("text", "language"), EXACT)
def test_a_keyword_is_read_however_it_is_written(text: str, language: str | None) -> None:
    assert read(text) == Reading(Keyword.STOP, language)


@pytest.mark.parametrize(
    ("text", "language"), [(t, lang) for lang, texts in INFERRED.items() for t in lines(texts)]
)
def test_what_means_stop_is_one_and_says_that_we_concluded_it(text: str, language: str) -> None:
    assert read(text) == Reading(Keyword.STOP, language, inferred=True)


@pytest.mark.parametrize(
    ("text", "language"), [(t, lang) for lang, texts in WRONG_NUMBER.items() for t in texts]
)
def test_the_wrong_person_is_not_written_to_again(text: str, language: str) -> None:
    assert read(text) == Reading(Keyword.STOP, language, inferred=True, wrong_number=True)


@pytest.mark.parametrize("text", lines(INNOCENT))
def test_everyday_talk_is_left_alone(text: str) -> None:
    assert read(text) == Reading(Keyword.OTHER)


@pytest.mark.parametrize(("text", "keyword", "language"), OTHERS)
def test_the_other_keywords_are_whole_messages(
    text: str, keyword: Keyword, language: str | None
) -> None:
    assert read(text) == Reading(keyword, language)


@pytest.mark.parametrize("word", ["end", "quit", "cancel"])
@pytest.mark.parametrize("around", ["please {}", "{} it", "the {}", "I {} now"])
def test_everyday_keywords_count_as_the_whole_message_only(word: str, around: str) -> None:
    assert read(word).keyword is Keyword.STOP
    assert read(around.format(word)).keyword is Keyword.OTHER


def test_a_mail_programs_signature_takes_nothing_away() -> None:
    assert read("Stop\n\nSent from my iPhone").keyword is Keyword.STOP
    assert read("See you then\n\nSent from my iPhone").keyword is Keyword.OTHER


def test_a_quoted_reply_is_not_the_persons_own_words() -> None:
    assert read("> Reply STOP to unsubscribe\nSee you then").keyword is Keyword.OTHER
    assert read("> See you then\nplease stop").keyword is Keyword.STOP


KEYWORDS = sorted(
    {
        word
        for table in (tables.STOP, tables.START, tables.HELP, tables.YES)
        for words in table.values()
        for word in words.split()
    }
)
NOISE = st.text(st.sampled_from(" .,!?…-_*'\"’«»()[]:;/\n\t\u200b\u200d\u2060\ufeff\u00ad🙏🔕"), max_size=6)  # fmt: skip


@given(word=st.sampled_from(KEYWORDS), before=NOISE, after=NOISE, data=st.data())
def test_noise_around_and_case_within_keep_the_class(
    word: str, before: str, after: str, data: st.DataObject
) -> None:
    shouted = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    spelled = "".join(c.upper() if up else c for c, up in zip(word, shouted, strict=True))
    at = data.draw(st.integers(0, len(word)))
    hidden = (
        spelled[:at] + data.draw(st.sampled_from(["", "\u200b", "\u200d", "\u2060"])) + spelled[at:]
    )
    full_width = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in spelled)
    expected = read(word)
    assert expected.keyword is not Keyword.OTHER
    for text in (spelled, hidden, full_width, " ".join(spelled)):
        assert read(before + text + after) == expected


@given(st.text(max_size=600))
def test_every_text_has_a_reading(text: str) -> None:
    found = read(text)
    assert isinstance(found.keyword, Keyword)
    assert not found.inferred or found.keyword is Keyword.STOP
    assert fold(fold(text)) == fold(text)


COMMON = (
    "stop do not me please no more messages text remove nao de mande mais ne plus envoyez "
    "quiero recibir don t the these all any want to receive your list arretez dejen never"
)
WORDS = st.sampled_from(COMMON.split())


@given(st.lists(WORDS, max_size=2_000).map(" ".join))
def test_no_text_takes_long_to_read(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("piece", ["a", "x ", "stop ", "don't ", "no ", "ne me ", "\"'“", "the these ",
                                   "remove me the ", "nao me mande ", "\u200b", "ﷺ", "ok ", "> "])  # fmt: skip
def test_the_longest_texts_are_read_quickly(piece: str) -> None:
    began = time.process_time()
    read(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        ("stop", "stop", True), ("stop", "stpo", True), ("stop", "stopp", True),
        ("stop", "top", True), ("stop", "stap", True), ("stop", "sto", True), ("stop", "", False),
        ("stop", "sotpp", False), ("stop", "spot", False), ("ab", "ba", True), ("", "", True),
        ("", "a", True), ("abc", "cba", False), ("stop", "stopped", False),
    ],
)  # fmt: skip
def test_one_slip_is_one_letter_or_two_neighbours(a: str, b: str, near: bool) -> None:
    assert one_slip(a, b) is one_slip(b, a) is near


@pytest.mark.parametrize(
    ("text", "opinion", "keyword", "told"),
    [
        ("hello", None, Keyword.OTHER, ""),
        ("STOP", None, Keyword.STOP, "keyword exact en"),
        ("STOP", "START", Keyword.STOP, "keyword exact en, twilio START"),
        ("START", "STOP", Keyword.STOP, "keyword exact en, twilio STOP"),
        ("hello", "STOP", Keyword.STOP, "twilio STOP"),
        ("hello", "HELP", Keyword.HELP, "twilio HELP"),
        ("yes", "START", Keyword.START, "keyword exact en, twilio START"),
        ("sim", None, Keyword.YES, "keyword exact pt"),
        ("cancelar", None, Keyword.STOP, "keyword exact"),
        ("don't text me", None, Keyword.STOP, "keyword inferred en"),
        ("wrong number", None, Keyword.STOP, "wrong number"),
    ],
)
def test_either_side_says_stop_and_the_ledger_says_who(
    text: str, opinion: str | None, keyword: Keyword, told: str
) -> None:
    assert weigh(read(text), opinion) is keyword
    assert evidence(read(text), "twilio", opinion) == told
