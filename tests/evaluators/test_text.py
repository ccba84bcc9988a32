"""Sentences, words and numbers with the characters where they stand."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.text import amount, normal, numbers, sentences, stem, words


def told(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="plain"),
        pytest.param("Dr. Smith of Acme Inc. paid $1.50.", ["Dr. Smith of Acme Inc. paid $1.50."], id="abbreviations"),
        pytest.param("He left at 5 p.m. The door shut.", ["He left at 5 p.m.", "The door shut."], id="ends-after-one"),
        pytest.param("The U.S. Army came.", ["The U.S. Army came."], id="country"),
        pytest.param("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."], id="initials"),
        pytest.param("1. Mix it.\n2. Eat it.", ["1. Mix it.", "2. Eat it."], id="numbered-list"),
        pytest.param("# Head\nText\n\n* a\n* b", ["# Head", "Text", "* a", "* b"], id="markdown"),
        pytest.param("It ended.Then it began.", ["It ended.", "Then it began."], id="no-space"),
        pytest.param("See example.com or Node.js v1.2.", ["See example.com or Node.js v1.2."], id="addresses"),
        pytest.param("这是一。那是二！", ["这是一。", "那是二！"], id="chinese"),
        pytest.param("all lower . as tokens .", ["all lower .", "as tokens ."], id="tokenised"),
        pytest.param("She said “Go.” He went.", ["She said “Go.”", "He went."], id="quotes"),
        pytest.param("   \n\n ", [], id="nothing"),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert told(text) == expected


TEXTS = st.text(st.sampled_from("aB9. \n!?,'’%-。你\"(*") | st.characters(), max_size=80)


@given(TEXTS)
def test_every_character_but_white_space_is_in_one_sentence(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))


@given(TEXTS)
def test_words_stand_where_they_say(text: str) -> None:
    found = words(text)
    assert all(text[word.start : word.end] == word.text for word in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(0 <= number.first <= number.last < len(found) for number in numbers(found, text))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1,000", "1000"), ("1000.0", "1000"), ("1,00,000", "100000"), ("12,5", "12.5"), ("1.2.3", "1.2.3"),
        ("two", "2"), ("One", "one"), ("third", "3rd"), ("3rd", "3rd"), ("1990s", "1990s"), ("Bank’s", "bank"),
        ("STRASSE", "strasse"), ("ﬁne", "fine"),
    ],
)  # fmt: skip
def test_equal_words_have_one_form(written: str, expected: str) -> None:
    assert normal(written) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 or 1 thousand", [(1000, "plain"), (1000, "plain")]),
        ("1.5 million people", [(1.5e6, "plain")]),
        ("twenty-five and two hundred", [(25, "plain"), (200, "plain")]),
        ("40% or 12 percent", [(40, "percent"), (12, "percent")]),
        ("in 1999, the 21st of May", [(1999, "year"), (21, "ordinal")]),
        ("the third, one second later", [(3, "ordinal"), (1, "plain")]),
        ("$3bn", [(3e9, "plain")]),
    ],
)
def test_numbers(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(number.value, number.kind) for number in numbers(words(text), text)] == expected


def test_what_is_no_number_has_no_amount() -> None:
    assert amount("1.2.3") is None
    assert amount("9" * 400) is None


def test_stems_are_of_english_words_only() -> None:
    assert stem("running") == stem("runs") == "run"
    assert (stem("1990s"), stem("größere"), stem("a" * 50)) == ("1990s", "größere", "a" * 50)


@pytest.mark.parametrize("piece", [".", " ", "a", "\n ", "a. ", "1,", "9", ".x", "é'", "你", "!\n"])
def test_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    sentences(text)
    numbers(words(text), text)
    assert time.process_time() - began < 3
