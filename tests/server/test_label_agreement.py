"""What is made of a queue's labels: ratings, consensus, disputes, each labeller's course. Pure, without a server."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from labelled import BEGAN, PEOPLE, Row, field, pandalm, told

from server.labelling import agreement, agreement_words, consensus, disputes, labellers, marked
from server.labelling.agreement import Wanted
from server.labelling.kept import KeptAnswers
from server.labelling.ratings import Told, fitting, labels
from server.labelling.terms import Asked

BINARY = {"name": "ok", "kind": "binary"}
ORDINAL = {"name": "grade", "kind": "ordinal", "choices": ["low", "mid", "high"]}
NUMBER = {"name": "score", "kind": "numeric", "low": 0, "high": 10}
PREFERENCE = {"name": "better", "kind": "preference"}
RANKING = {"name": "order", "kind": "ranking"}
MARKS = {"name": "marks", "kind": "spans", "choices": ["wrong", "vague"]}
TEXT = {"name": "note", "kind": "text"}
SPLIT: list[Row] = [(1, "A", "yes"), (1, "B", "no")]
TOPICS = {"name": "topics", "kind": "categorical", "choices": ["x", "y", "z"], "several": True}


def shown(of: Told, **wanted: Any) -> dict[str, Any]:
    """The answer for the first field."""
    return agreement._field(of, field(of), Wanted("q", **wanted))[0]


def value(told_of: dict[str, Any], name: str) -> float | None:
    found: float | None = next(row["value"] for row in told_of["rows"] if row["coefficient"] == name)
    return found


@pytest.mark.parametrize(
    ("asked", "answer", "kept"),
    [
        pytest.param(BINARY, "yes", "yes", id="choice"),
        pytest.param(BINARY, "maybe", None, id="choice-that-is-gone"),
        pytest.param(TOPICS, '["y","x","x"]', '["x","y"]', id="choices-in-their-order-once"),
        pytest.param(TOPICS, '["w"]', None, id="one-of-several-is-gone"),
        pytest.param(NUMBER, "1.0", "1", id="equal-numbers-are-written-alike"),
        pytest.param(NUMBER, "11", None, id="beyond-the-bound"),
        pytest.param(NUMBER, "nan", None, id="no-number"),
        pytest.param(PREFERENCE, "tie", "tie", id="tie"),
        pytest.param(PREFERENCE | {"ties": False}, "tie", None, id="ties-are-asked-no-more"),
        pytest.param(RANKING, '[["b"],["c","a"]]', '[["b"],["a","c"]]', id="ranking"),
        pytest.param(RANKING, '[["b"],["b"]]', None, id="side-twice"),
        pytest.param(MARKS, '[{"side":"a","part":"answer","start":2,"end":2,"label":"wrong"}]', None, id="empty-mark"),
        pytest.param(MARKS, "[]", "[]", id="no-mark"),
        pytest.param(TEXT, "any", "any", id="text"),
        pytest.param(NUMBER, "[", None, id="not-of-the-kind"),
    ],
)
def test_an_answer_fits_the_field_as_it_is_asked(asked: dict[str, Any], answer: str, kept: str | None) -> None:
    assert fitting(Asked.model_validate(asked), answer) == kept


def counted_kappa(a: list[str], b: list[str]) -> float:
    seen = sum(one == other for one, other in zip(a, b, strict=True)) / len(a)
    chance = sum(n * Counter(b)[answer] for answer, n in Counter(a).items()) / len(a) ** 2
    return (seen - chance) / (1 - chance)


def test_the_people_of_pandalm_agree_as_published() -> None:
    """Published: Cohen's kappas of .85 to .88."""
    rows = pandalm()
    found = shown(told([PREFERENCE], rows))
    kappas = {tuple(row["labellers"]): row["value"] for row in found["pairs"] if row["coefficient"] == "cohen_kappa"}
    said = {name: [answer for _, author, answer in rows if author == name] for name in PEOPLE}
    assert kappas == pytest.approx({
        (one, other): counted_kappa(said[one], said[other]) for one, other in combinations(PEOPLE, 2)
    })  # fmt: skip
    assert all(0.85 <= kappa <= 0.88 for kappa in kappas.values())
    assert found["sentence"].startswith("Any two of 3 people agree on 92% of 553 items; alpha .87 (.84 to .89): good")


def test_missing_labels_are_no_trouble() -> None:
    """Krippendorff 2011, example C: alpha .743 nominal and .815 ordinal, with items of one label and of none."""
    four = {"A": "123321412...", "B": "1233224125.3", "C": ".3332342251.", "D": "12332441251."}
    rows: list[Row] = [(at, who, mark) for who, marks in four.items() for at, mark in enumerate(marks) if mark != "."]
    found = shown(told([{"name": "c", "kind": "ordinal", "choices": list("12345")}], rows))
    assert value(found, "krippendorff_alpha_nominal") == pytest.approx(0.743, abs=5e-4)
    assert value(found, "krippendorff_alpha_ordinal") == pytest.approx(0.815, abs=5e-4)
    assert found["main"] == "krippendorff_alpha_ordinal"
    assert found["rows"][0]["n_single"] == 1


def test_a_category_that_nobody_chose_counts_for_ac1() -> None:
    rows: list[Row] = [(at, who, "x" if at % 3 or who == "A" else "y") for at in range(12) for who in "AB"]
    three = shown(told([TOPICS | {"several": False}], rows))
    two = shown(told([TOPICS | {"several": False, "choices": ["x", "y"]}], rows))
    assert three["rows"][0]["categories"] == 3
    assert value(three, "gwet_ac1") != value(two, "gwet_ac1")
    assert value(three, "krippendorff_alpha_ordinal") is None


def test_choices_that_are_numbers_by_decree_have_distances() -> None:
    rows: list[Row] = [(at, who, ["low", "mid", "high"][(at + (who == "B" and at % 4 == 0)) % 3])
                       for at in range(12) for who in "AB"]  # fmt: skip
    assert value(shown(told([ORDINAL], rows)), "krippendorff_alpha_interval") is None
    numbers = [{"value": one, "number": at} for one, at in (("low", 0), ("mid", 1), ("high", 5))]
    assert value(shown(told([ORDINAL | {"choices": numbers}], rows)), "krippendorff_alpha_interval") is not None


def test_labels_that_do_not_fit_or_are_of_gold_items_are_left_out_and_told() -> None:
    rows: list[Row] = [
        (1, "A", "yes"),
        (1, "B", "yes"),
        (2, "A", "maybe"),
        (2, "B", "no"),
        (3, "A", "yes"),
        (3, "B", "no"),
    ]
    found, left = agreement._field(told([BINARY], rows, golds={3: {"ok": "yes"}}), Asked(**BINARY), Wanted("q"))
    assert found["rows"][0]["n_items"] == 1
    assert [(one["n"], one["why"].split()[-1]) for one in left] == [(1, "now"), (2, "agreement")]
    assert {row["author"]: row["gold"]["right"] for row in found["labellers"]} == {"A": 1, "B": 0}


def test_a_ranking_counts_as_preferences_of_its_pairs() -> None:
    rows: list[Row] = [(at, who, [["a"], ["b"], ["c"]] if at % 2 or who == "A" else [["a"], ["b", "c"]])
                       for at in range(20) for who in "AB"]  # fmt: skip
    found = shown(told([RANKING], rows))
    assert value(found, "percent_agreement") == pytest.approx(1 - 10 / 60)
    assert (found["rows"][0]["n_items"], found["items"]) == (60, 20)
    unlike = [row for row in found["confusion"] if row["a"] != row["b"]]
    assert [(row["a"], row["b"], row["n"], row["numbers"]) for row in unlike] == [
        ("first", "tie", 10, list(range(0, 20, 2)))
    ]


def mark(start: int, end: int, label: str = "wrong") -> dict[str, Any]:
    return {"side": "a", "part": "answer", "start": start, "end": end, "label": label}


@pytest.mark.parametrize(
    ("one", "other", "f1"),
    [
        pytest.param([mark(0, 10)], [mark(5, 15)], 0.5, id="half"),
        pytest.param([mark(0, 4), mark(4, 10)], [mark(0, 10)], 1.0, id="cut-is-no-difference"),
        pytest.param([mark(0, 10)], [mark(0, 10, "vague")], 0.0, id="another-label"),
        pytest.param([], [], 1.0, id="nothing-to-mark"),
        pytest.param([], [mark(0, 1)], 0.0, id="one-marks-nothing"),
        pytest.param([mark(0, 3), mark(2, 8)], [mark(6, 20)], 2 * 2 / 22, id="overlapping-marks-count-once"),
    ],
)
def test_marks_agree_by_characters(one: list[Any], other: list[Any], f1: float) -> None:
    found = shown(told([MARKS], [(1, "A", one), (1, "B", other), (2, "A", one), (2, "B", other)]))
    assert value(found, "percent_agreement") == pytest.approx(f1)
    assert found["sentence"].startswith(f"A and B agree on the characters that they mark to {f1:.0%} (")
    assert found["confusion"] == []
    assert [row["with_consensus"]["value"] for row in found["labellers"]] == pytest.approx([f1, f1])


def test_of_three_people_the_characters_that_two_mark_are_the_consensus() -> None:
    sets = ([mark(0, 10)], [mark(5, 15)], [mark(8, 20), mark(0, 2, "vague")])
    of = told([MARKS], [(1, who, marks) for who, marks in zip("ABC", sets, strict=True)])
    (one,) = consensus.agreed(of, field(of))
    assert one.answer == [mark(5, 15)]
    by_letters = [
        sum(any(m["start"] <= at < m["end"] and m["label"] == "wrong" for m in marks) for marks in sets)
        for at in range(20)
    ]
    assert [at for at, n in enumerate(by_letters) if n > 1.5] == list(range(5, 15))


def test_texts_have_no_agreement() -> None:
    found = shown(told([TEXT], [(1, "A", "one"), (1, "B", "other")]))
    assert found["rows"] == []
    assert "labels are texts" in found["sentence"]


@pytest.mark.parametrize(
    ("asked", "rows", "more", "expected"),
    [
        pytest.param(BINARY, [(1, "A", "yes")], {}, ("yes", "single", 1, 1), id="single"),
        pytest.param(BINARY, [*SPLIT, (1, "C", "yes")], {}, ("yes", "majority", 3, 2), id="majority"),
        pytest.param(BINARY, SPLIT, {}, (None, "tied", 2, 1), id="tied"),
        pytest.param(BINARY, SPLIT, {"golds": {1: {"ok": "no"}}}, ("no", "gold", 2, 1), id="gold"),
        pytest.param(
            BINARY, SPLIT, {"golds": {1: {"ok": "no"}}, "decisions": {1: "yes"}},
            ("yes", "decision", 2, 1), id="decision-before-gold",
        ),
        pytest.param(NUMBER, [(1, "A", 1), (1, "B", 4), (1, "C", 6)], {}, (4.0, "median", 3, 1), id="median"),
        pytest.param(NUMBER, [(1, "A", 1), (1, "B", 1.0), (1, "C", 6)], {}, (1.0, "majority", 3, 2), id="equal"),
        pytest.param(
            RANKING, [(1, "A", [["a"], ["b"], ["c"]]), (1, "B", [["b"], ["a"], ["c"]])], {},
            ([["a", "b"], ["c"]], "mean_rank", 2, 1), id="mean-rank",
        ),
        pytest.param(TEXT, [(1, "A", "one"), (1, "B", "other")], {}, (None, "tied", 2, 1), id="text"),
        pytest.param(TOPICS, [(1, "A", ["y", "x"]), (1, "B", ["x", "y"])], {}, (["x", "y"], "majority", 2, 2), id="s"),
    ],
)  # fmt: skip
def test_consensus(asked: dict[str, Any], rows: list[Row], more: dict[str, Any], expected: tuple[Any, ...]) -> None:
    of = told([asked], rows, **more)
    (one,) = consensus.agreed(of, field(of))
    assert (one.answer, one.by, one.n, one.agreeing) == expected


def test_the_model_breaks_a_tie_for_who_is_right_elsewhere() -> None:
    """A, B and C agree on 40 items where D says anything; then A and D alone differ."""
    rng = np.random.default_rng(1)
    rows: list[Row] = [(at, who, "yes" if at % 2 else "no") for at in range(40) for who in "ABC"]
    rows += [(at, "D", ("yes", "no")[rng.integers(2)]) for at in range(40)]
    rows += [(99, "A", "yes"), (99, "D", "no")]
    of = told([BINARY], rows)
    last = consensus.agreed(of, field(of))[-1]
    assert (last.number, last.answer, last.by) == (99, "yes", "dawid_skene")
    assert last.probability is not None
    assert last.probability > consensus.SURE


def test_disputes_are_of_items_whose_labels_differ() -> None:
    rows: list[Row] = [
        (1, "A", "yes"),
        (1, "B", "no"),
        (2, "A", "no"),
        (2, "B", "no"),
        (3, "A", "yes"),
        (4, "A", "yes"),
        (4, "B", "no"),
    ]
    of = told([BINARY], rows, golds={4: {"ok": "yes"}}, decisions={1: "no"})
    assert [(one["number"], one["consensus"], one["decided"]) for one in disputes.of_field(of, field(of))] == [
        (1, "no", True)
    ]


def test_who_is_held_against_the_others_is_not_among_them() -> None:
    """By hand: of three votes two others; ties of the others count in part."""
    votes = {1: "yyn", 2: "yny", 3: "xyz", 4: "xx", 5: "y", 6: "xxyy"}
    rows: list[Row] = [(at, "ABCD"[who], one) for at, said in votes.items() for who, one in enumerate(said)]
    of = told([TOPICS | {"several": False, "choices": list("nxyz")}], rows)
    found, _ = labels(of, field(of))
    near = dict(
        zip(
            zip(found.numbers.tolist(), found.authors, strict=True),
            labellers.closeness(found, found.ratings(), {}, {}),
            strict=True,
        )
    )

    def by_hand(number: int, who: str) -> float:
        others = [one for at, one in enumerate(votes[number]) if "ABCD"[at] != who]
        if not others:
            return float("nan")
        most = max(others.count(one) for one in others)
        top = {one for one in others if others.count(one) == most}
        mine = votes[number]["ABCD".index(who)]
        return 1 / len(top) if mine in top else 0.0

    assert near == pytest.approx({key: by_hand(*key) for key in near}, nan_ok=True)


def course(before: float, after: float, n: int, seed: int = 3) -> list[Row]:
    """Two people who agree always, and one who says the same in these shares."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for at in range(n):
        truth = ("yes", "no")[rng.integers(2)]
        other = "no" if truth == "yes" else "yes"
        right = rng.random() < (before if at < n // 2 else after)
        rows += [(at, "A", truth, "ok", at), (at, "B", truth, "ok", at), (at, "C", truth if right else other, "ok", at)]
    return rows


def test_drift_of_a_labeller_is_told_with_its_time() -> None:
    found = {row["author"]: row for row in shown(told([BINARY], course(0.95, 0.55, 200)))["labellers"]}
    moved = found["C"]["drift"]
    assert moved["verdict"] == "drift"
    assert moved["low"] <= moved["at"] <= moved["high"]
    assert abs((moved["at"] - labelled_at(100)).total_seconds()) < 20 * 3600
    assert moved["before"] > 0.85
    assert moved["after"] < 0.7
    assert moved["false_alarm_rate"] == labellers.ALPHA
    assert "agrees less since" in found["C"]["sentence"]


def labelled_at(hours: int) -> datetime:
    return BEGAN + timedelta(hours=hours)


def test_few_labels_tell_no_drift() -> None:
    found = shown(told([BINARY], course(0.95, 0.0, 20)))["labellers"]
    assert {row["drift"]["verdict"] for row in found} == {"insufficient data"}
    assert "20 of 40 labels" in found[0]["sentence"]


def test_who_does_not_change_is_seldom_told_to() -> None:
    """Stated: 1 in 100. Of 150 at least 6 would be seen in 1 in 200 tests of this kind, were it so."""
    alarms = 0
    rng = np.random.default_rng(5)
    times = np.datetime64("2026-01-01T00:00:00", "us") + np.arange(80).astype("timedelta64[m]")
    for _ in range(150):
        alarms += labellers.drift((rng.random(80) < 0.85).astype(float), times)["verdict"] == "drift"
    assert alarms < 6


def test_over_time_by_weeks_or_by_equal_numbers() -> None:
    weekly: list[Row] = [
        (at, who, "yes" if at % 3 else "no", "ok", at * 24 * 7 / 12) for at in range(60) for who in "AB"
    ]
    parts = shown(told([BINARY], weekly))["over_time"]
    assert [(one["since"].weekday(), (one["until"] - one["since"]).days) for one in parts] == [(0, 7)] * 5
    quick: list[Row] = [(at, who, "yes" if at % 3 else "no", "ok", at / 100) for at in range(60) for who in "AB"]
    parts = shown(told([BINARY], quick))["over_time"]
    assert [one["rows"][0]["n_items"] for one in parts] == [10] * 6
    assert shown(told([BINARY], quick[:30]))["over_time"] == []


def test_changes_of_guidelines_are_told_with_their_time() -> None:
    of = told([BINARY], [(1, "A", "yes")], versions=[(0, "first"), (5, "first"), (9, "other")])
    assert [(one["version"], one["at"].hour) for one in agreement.guidelines(of)] == [(3, 9)]


def test_slices_are_told_on_the_scale_of_all() -> None:
    rows: list[Row] = [
        (at, who, "yes" if at % 3 else "no", "ok", at, {"model": "m1" if at % 2 else "m2"})
        for at in range(40)
        for who in "AB"
    ]
    found = shown(told([BINARY], [*rows, (90, "A", "yes"), (90, "B", "no")]), by="model")
    percents = {
        row["slice"]: (row["value"], row["n_items"]) for row in found["by"] if row["coefficient"] == "percent_agreement"
    }
    assert percents == {"m1": (1.0, 20), "m2": (1.0, 20), "unknown": (0.0, 1)}


def test_of_two_people_the_table_says_who_said_what() -> None:
    rows: list[Row] = [
        (1, "A", "yes"),
        (1, "B", "no"),
        (2, "A", "no"),
        (2, "B", "yes"),
        (3, "B", "no"),
        (3, "C", "yes"),
    ]
    both = shown(told([BINARY], rows), labellers=("A", "B"))["confusion"]
    assert [(row["a"], row["b"], row["numbers"]) for row in both] == [("yes", "no", [1]), ("no", "yes", [2])]
    everyone = shown(told([BINARY], rows))["confusion"]
    assert [(row["a"], row["b"], row["numbers"]) for row in everyone] == [("yes", "no", [1, 2, 3])]


@pytest.mark.parametrize(
    ("value_", "low", "high", "says"),
    [
        pytest.param(0.9, 0.82, 0.95, "good enough to judge by", id="good"),
        pytest.param(0.85, 0.7, 0.95, "good enough to judge by, though it may be as low as .70", id="good-unsure"),
        pytest.param(0.7, 0.68, 0.73, "good enough for tentative conclusions", id="tentative"),
        pytest.param(
            0.7, 0.5, 0.84, "good enough for tentative conclusions, though it may be as low as .50", id="wide"
        ),
        pytest.param(0.5, 0.2, 0.7, "not good enough to judge by so far, though it may be as high as .70", id="unsure"),
        pytest.param(0.3, 0.1, 0.5, "not good enough to judge by", id="low"),
        pytest.param(-0.05, None, None, "not good enough to judge by", id="no-interval"),
    ],
)
def test_the_verdict_names_what_the_interval_leaves_open(
    value_: float, low: float | None, high: float | None, says: str
) -> None:
    assert agreement_words.verdict(value_, low, high) == says


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param([], "No label yet.", id="none"),
        pytest.param([(1, "A", "yes")], "No item has labels of two people; 1 item has one.", id="one"),
        pytest.param(
            [(at, who, "yes") for at in range(30) for who in "AB"],
            "A and B agree on 100% of 30 items; alpha is not defined, as all labels are 'yes': by chance they would "
            "agree as well, so that nothing is told.",
            id="all-alike",
        ),
    ],
)
def test_the_sentence_of_states(rows: list[Row], says: str) -> None:
    assert shown(told([BINARY], rows))["sentence"] == says


def test_the_sentence_names_who_differs_on_what() -> None:
    rng = np.random.default_rng(2)
    rows: list[Row] = []
    for at in range(200):
        truth = "xyz"[rng.integers(3)]
        off = "y" if truth == "x" else truth
        rows += [
            (at, who, off if who == "dan" and rng.random() < 0.9 else truth) for who in ("ann", "bob", "cid", "dan")
        ]
    said = shown(told([TOPICS | {"several": False}], rows))["sentence"]
    assert "dan differ most" in said or "and dan" in said
    assert "100% of what differs" in said or "differ on" in said


def test_of_many_different_numbers_being_equal_is_not_asked() -> None:
    rng = np.random.default_rng(6)
    rows: list[Row] = [
        (at, who, round(float(np.clip(at / 10 + rng.normal(), 0, 10)), 2)) for at in range(90) for who in "AB"
    ]
    found = shown(told([NUMBER], rows))
    assert [row["coefficient"] for row in found["rows"]] == ["percent_agreement", "krippendorff_alpha_interval"]
    assert {row["coefficient"] for row in found["pairs"]} == {"percent_agreement", "krippendorff_alpha_interval"}
    whole = agreement.agreement(
        agreement._part(labels(told([NUMBER], rows), Asked(**NUMBER))[0], Asked(**NUMBER), "none").rated
    )
    assert value(found, "krippendorff_alpha_interval") == next(
        one.value for one in whole if one.coefficient == "krippendorff_alpha_interval"
    )


def test_the_sentence_names_the_slice_that_agrees_least() -> None:
    rows: list[Row] = [
        (at, who, "yes" if at % 2 or (who == "B" and at % 12 == 0) else "no", "ok", at, {"model": f"m{at % 3}"})
        for at in range(120) for who in "AB"
    ]  # fmt: skip
    assert "m0 agrees least (alpha " in shown(told([BINARY], rows), by="model")["sentence"]


def test_marked_characters_are_counted_as_a_set_does() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        sets = [[mark(int(s), int(s + rng.integers(1, 9))) for s in np.sort(rng.integers(0, 30, 3))] for _ in range(2)]
        one, other = ({at for m in marks for at in range(m["start"], m["end"])} for marks in sets)
        found = marked.overlap_f1(*(marked.places(agreement_text(marks)) for marks in sets))
        assert found == pytest.approx(2 * len(one & other) / (len(one) + len(other)))


def agreement_text(marks: list[dict[str, Any]]) -> str:
    return fitting(Asked.model_validate(MARKS), json.dumps(marks)) or ""


def test_an_answer_is_worked_out_once_for_a_state_of_the_labels() -> None:
    now, done = [0.0], []
    kept = KeptAnswers(most_bytes=10, clock=lambda: now[0])

    def ask(key: str, **state: int) -> int:
        before = len(done)
        kept.get(key, {"labels": 5, "decisions": 0, **state}, lambda: done.append(key) or b"1234")  # type: ignore[func-returns-value]  # it is null
        return len(done) - before

    assert [ask("a"), ask("a"), ask("a", labels=6), ask("a", labels=6, decisions=1)] == [1, 0, 1, 1]
    assert [ask("a", labels=90_000), ask("a", labels=90_001), ask("a", labels=90_001, decisions=1)] == [1, 0, 1]
    now[0] = 61
    assert ask("a", labels=90_002, decisions=1) == 1
    assert [ask("b"), ask("c"), ask("c"), ask("a", labels=90_002, decisions=1)] == [1, 1, 0, 1]
