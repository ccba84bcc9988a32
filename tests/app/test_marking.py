"""Marks in texts, by their laws."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app import marking, ruler
from app.marking import Mark, Stretch

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
texts = some.text(some.characters(exclude_characters=TURNING, exclude_categories=["Cs"]), max_size=1500)
stretches = some.lists(
    some.builds(Stretch, some.integers(-5, 1600), some.integers(-5, 1600), some.text(max_size=8),
                some.none() | some.floats(-1, 2)), max_size=6,
)  # fmt: skip


def words(drawn: str) -> str:
    """The text without our tags, numbers and folds."""
    for own in (r"<sup [^>]*>\d+</sup>", r"<summary [^>]*>[^<]*</summary>", r"</?(?:div|mark|details)\b[^>]*>"):
        drawn = re.sub(own, "", drawn)
    assert "<" not in drawn
    return html.unescape(drawn)


@given(texts, stretches)
def test_without_tags_it_is_the_text(text: str, told: list[Stretch]) -> None:
    assert words(marking.marked(text, told)) == text


@given(texts, stretches)
def test_every_character_of_a_stretch_is_in_one_mark(text: str, told: list[Stretch]) -> None:
    found = marking.marks(text, told)
    covered = [place for mark in found for place in range(mark.start, mark.end)]
    asked = {place for one in told for place in range(max(one.start, 0), min(one.end, len(text)))}
    assert sorted(asked) == covered  # each once, in order
    drawn = re.findall(r"<mark [^>]*>(.*?)</mark>", marking.marked(text, told), re.DOTALL)
    assert [html.unescape(one) for one in drawn] == [text[mark.start : mark.end] for mark in found]


@given(texts, stretches)
def test_every_reason_is_kept(text: str, told: list[Stretch]) -> None:
    kept = {why for mark in marking.marks(text, told) for why in mark.whys}
    assert kept == {one.why for one in told if one.why and max(one.start, 0) < min(one.end, len(text))}


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(
    some.lists(some.fixed_dictionaries({}, optional=dict.fromkeys(("start", "end", "why", "field", "weight"), JSON)))
)
def test_whatever_somebody_stored_as_stretches_can_be_drawn(told: list[dict[str, Any]]) -> None:
    for found in marking.stretches(told).values():
        assert words(marking.marked("some text", found)) == "some text"


@given(JSON | some.fixed_dictionaries({}, optional=dict.fromkeys(("low", "high", "labels", "better", "unit"), JSON)),
       some.none() | some.floats(), JSON)  # fmt: skip
def test_whatever_somebody_stored_as_a_scale_can_be_told(told: Any, value: float | None, label: Any) -> None:
    scale = ruler.read(told)
    assert (scale is None) == (not isinstance(told, dict))
    assert ruler.words(scale)
    assert ruler.short(scale)
    assert ruler.drawn(scale, value).count("<div") <= 1
    assert ruler.value(value, scale) is not None
    assert ruler.tone(label, scale) in {"green", "orange", "red", "gray"}


def test_stretches_that_overlap_are_one_mark_with_all_reasons() -> None:
    told = [Stretch(2, 6, "name", 0.2), Stretch(0, 4, "number", 0.9), Stretch(6, 8, "next")]
    assert marking.marks("0123456789", told) == [Mark(0, 6, ("number", "name"), 0.9), Mark(6, 8, ("next",), None)]


def test_offsets_are_characters() -> None:
    assert "<mark" in (drawn := marking.marked("🙂é x", [Stretch(1, 2, "")]))
    assert re.findall(r"<mark [^>]*>(.*?)</mark>", drawn) == ["é"]


def test_a_long_text_is_folded_around_its_marks() -> None:
    text = "a" * 3000 + "WRONG" + "b" * 3000
    drawn = marking.marked(text, [Stretch(3000, 3005, "why")])
    assert words(drawn) == text
    assert re.findall(r"data-letters=.(\d+)", drawn) == [str(3000 - marking.CONTEXT)] * 2
    assert ("a" * marking.CONTEXT + "<mark") in drawn


def test_hostile_text_stays_letters(hostile: str) -> None:
    drawn = marking.marked(hostile, [Stretch(0, 5, "")])
    assert "<img" not in drawn
    assert words(drawn) == hostile


@pytest.mark.parametrize(
    ("told", "found"),
    [
        pytest.param([{"start": 1, "end": 2, "why": "w", "field": "contexts.0", "weight": 0.5}],
                     {"contexts.0": [Stretch(1, 2, "w", 0.5)]}, id="whole"),
        pytest.param([{"start": 1, "end": 2}], {"answer": [Stretch(1, 2, "")]}, id="bare"),
        pytest.param([{"start": "1", "end": 2}, {"start": True, "end": 2}, {}], {}, id="no-offsets"),
    ],
)  # fmt: skip
def test_stretches_by_field(told: list[dict[str, Any]], found: dict[str, list[Stretch]]) -> None:
    assert marking.stretches(told) == found


CASE = {
    "answer": "A.", "contexts": ["one", "two"], "tool_calls": [{"name": "look"}],
    "messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}, {"type": "uri", "uri": "x"},
                                            {"type": "text", "content": "there"}]},
                 {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"n": 1}}]},
                 {"role": "user", "content": "typed"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "title"),
    [
        ("answer", "A.", "Answer"), ("contexts.1", "two", "Context 2"), ("contexts.2", None, "Context 3"),
        ("messages.0", "Hi\nthere", "Message 1"), ("messages.1", '{"n": 1}', "Message 2"),
        ("messages.2", "typed", "Message 3"), ("tool_calls.0", '{"name": "look"}', "Tool call 1"),
        ("reference", None, "Reference"), ("contexts.x", None, "Contexts.x"),
    ],
)  # fmt: skip
def test_a_field_of_a_case(field: str, text: str | None, title: str) -> None:
    assert marking.text_of(CASE, field) == text
    assert marking.title(field) == title or field == "contexts.x"
