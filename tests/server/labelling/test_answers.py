"""What each kind of field takes, and what an answer is worth."""

from __future__ import annotations

from typing import Any

import pytest

from server.labelling.answers import AnswerError, checked, numbers
from server.labelling.label_scores import ranked
from server.labelling.terms import Asked

MARK = {"side": "a", "part": "answer", "start": 0, "end": 3, "label": "wrong"}
FIELDS = {
    "binary": Asked(name="f", kind="binary"),
    "categorical": Asked(name="f", kind="categorical", choices=("x", "y")),
    "several": Asked(name="f", kind="categorical", choices=("x", "y", "z"), several=True),
    "ordinal": Asked(name="f", kind="ordinal", choices=("bad", "fair", "good")),
    "numeric": Asked(name="f", kind="numeric", low=0, high=10),
    "open": Asked(name="f", kind="numeric", low=0),
    "text": Asked(name="f", kind="text"),
    "spans": Asked(name="f", kind="spans", choices=("wrong",)),
    "preference": Asked(name="f", kind="preference"),
    "strict": Asked(name="f", kind="preference", ties=False),
    "ranking": Asked(name="f", kind="ranking"),
    "strict ranking": Asked(name="f", kind="ranking", ties=False),
}


@pytest.mark.parametrize(
    ("field", "told", "kept", "number"),
    [
        pytest.param("binary", "yes", "yes", 1.0, id="yes"),
        pytest.param("binary", "no", "no", 0.0, id="no"),
        pytest.param("categorical", "y", "y", None, id="a-category-has-no-number"),
        pytest.param("several", ["z", "x", "z"], ["x", "z"], None, id="several-in-order-once"),
        pytest.param("several", [], [], None, id="none-of-several"),
        pytest.param("ordinal", "good", "good", 3.0, id="ordinal"),
        pytest.param("numeric", 10, 10, 10.0, id="at-the-bound"),
        pytest.param("text", " as it is\n", " as it is\n", None, id="text-verbatim"),
        pytest.param("spans", [], [], None, id="nothing-marked-is-an-answer"),
        pytest.param("spans", [MARK], [MARK], None, id="marks"),
        pytest.param("preference", "a", "a", 1.0, id="the-first"),
        pytest.param("preference", "tie", "tie", 0.5, id="tie"),
        pytest.param("ranking", ["b", "a"], [["b"], ["a"]], None, id="ranking-by-keys"),
        pytest.param("ranking", [["b", "a"]], [["a", "b"]], None, id="all-alike"),
    ],
)
def test_what_fits_is_kept(field: str, told: Any, kept: Any, number: float | None) -> None:
    asked = FIELDS[field]
    found = checked([asked], {"f": told}, ("a", "b") if field in {"preference", "ranking"} else ("a",))
    assert found == {"f": kept}
    assert numbers([asked], found) == ({} if number is None else {"f": number})
    assert checked([asked], found, ("a", "b") if field in {"preference", "ranking"} else ("a",)) == found


@pytest.mark.parametrize(
    ("field", "told", "rule"),
    [
        pytest.param("binary", "maybe", "choose one of yes, no", id="another-choice"),
        pytest.param("binary", True, "choose one of yes, no", id="truth-is-no-choice"),
        pytest.param("binary", None, "it is required; answer it, or skip the item", id="nothing"),
        pytest.param("categorical", ["x"], "choose one of x, y", id="a-list-for-one"),
        pytest.param("several", "x", "several can be chosen; give a list", id="one-for-a-list"),
        pytest.param("numeric", 11, "give a number from 0 to 10", id="too-high"),
        pytest.param("open", -1, "give a number of 0 or more", id="too-low"),
        pytest.param("numeric", float("nan"), "give a number", id="nan"),
        pytest.param("numeric", True, "give a number", id="truth-is-no-number"),
        pytest.param("text", "x" * 100_001, "it has 100,001 characters, and 100,000 is the most", id="too-long"),
        pytest.param("spans", [MARK | {"end": 0}], "a mark goes from start to end", id="backwards"),
        pytest.param("spans", [MARK | {"part": "title"}], "a mark is in part answer", id="another-part"),
        pytest.param("spans", [MARK | {"side": "b"}], "the item's sides are a", id="another-side"),
        pytest.param("spans", [{"start": 0}], "a mark has side, part, start, end, label", id="half-a-mark"),
        pytest.param("strict", "tie", "name one of a, b", id="no-ties"),
        pytest.param("ranking", [["a"]], "put each of a, b into one group", id="one-left-out"),
        pytest.param("ranking", [["a"], ["a", "b"]], "put each of a, b into one group", id="one-twice"),
        pytest.param("strict ranking", [["a", "b"]], "sides cannot be alike here", id="no-ties-in-a-ranking"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_rule(field: str, told: Any, rule: str) -> None:
    sides = ("a",) if field == "spans" else ("a", "b")
    with pytest.raises(AnswerError) as caught:
        checked([FIELDS[field]], {"f": told}, sides)
    assert rule in str(caught.value)
    assert caught.value.field == "f"


def test_a_field_that_there_is_not_is_named() -> None:
    with pytest.raises(AnswerError, match="no such field; it has f"):
        checked([FIELDS["binary"]], {"g": "yes"})


def test_a_draft_needs_nothing() -> None:
    assert checked([FIELDS["binary"]], {}, whole=False) == {}


@pytest.mark.parametrize(
    ("groups", "worth"),
    [
        pytest.param([["b"], ["a"]], {"b": 1.0, "a": 0.0}, id="two"),
        pytest.param([["a", "b"]], {"a": 0.5, "b": 0.5}, id="alike"),
        pytest.param([["c"], ["a", "b"]], {"c": 1.0, "a": 0.25, "b": 0.25}, id="a-tie-behind"),
        pytest.param([["a"]], {"a": 1.0}, id="alone"),
    ],
)
def test_a_ranking_is_worth_one_to_nought(groups: list[list[str]], worth: dict[str, float]) -> None:
    assert ranked(groups) == worth
