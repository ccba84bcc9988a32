"""What `groundedness` says of hand-made cases, laws that hold for all, and its artefact."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.case import Case
from evaluators.groundedness import Groundedness
from evaluators.grounding import training
from evaluators.grounding.edits import changed, reworded
from evaluators.grounding.model import ARTEFACT, Trees, shipped
from evaluators.protocol import Evaluator
from evaluators.verdict import Verdict

JUDGE: Evaluator = Groundedness()
SLICE = Path(__file__).parent / "data" / "ragtruth_qa_slice.jsonl.gz"
CONTEXT = (
    "The Riverside Bridge was opened in 1987 by Mayor Ellen Brooks. It is 420 metres long and carries about 12,000 "
    "cars a day. The bridge is open to cyclists. The city plans to repair the bridge in 2025, since its cables are old."
)


def judged(answer: str, *contexts: str, question: str | None = None) -> Verdict:
    told = Groundedness()(Case(question=question, answer=answer, contexts=contexts or (CONTEXT,)))
    assert told.on(Groundedness.card.scale) is told
    return told


def value(answer: str, *contexts: str, question: str | None = None) -> float:
    told = judged(answer, *contexts, question=question).value
    assert told is not None
    return told


@pytest.mark.parametrize("question", [None, "When was the Riverside Bridge opened?"])
def test_what_is_copied_is_supported(question: str | None) -> None:
    told = judged("The Riverside Bridge was opened in 1987 by Mayor Ellen Brooks.", question=question)
    assert (told.label, told.spans) == ("supported", ())
    assert told.reason == "No unsupported wording was found."


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        pytest.param(
            "It was opened in 1987.", "It was opened in 1993.", "number not in the contexts: 1993", id="number"
        ),
        pytest.param("Mayor Ellen Brooks opened it.", "Mayor Peter Walsh opened it.", "name not", id="name"),
        pytest.param("The bridge is open to cyclists.", "The bridge is not open to cyclists.", "denies", id="negation"),
        pytest.param("Its cables are old.", "Its cables are new.", "opposite: new / old", id="opposite"),
        pytest.param(
            "The city plans to repair the bridge.",
            "The architect designed it as a wartime monument.",
            "words",
            id="novel",
        ),
    ],
)
def test_what_was_changed_is_less_supported_and_says_why(right: str, wrong: str, why: str) -> None:
    assert value(wrong) < value(right)
    spans = [span for span in judged(f"{right} {wrong}").spans if span.start > 0]
    assert not spans or why in spans[0].why
    alone = Groundedness(threshold=1.0)(Case(answer=wrong, contexts=(CONTEXT,)))
    assert why in alone.spans[0].why


def test_a_paraphrase_stands_between_a_copy_and_an_invention() -> None:
    copy = value("The city plans to repair the bridge in 2025, since its cables are old.")
    paraphrase = value("As the cables are old, the city intends to fix the bridge in 2025.")
    invention = value("Engineers from Norway will demolish the tunnel after a terrorist attack in 2031.")
    assert copy > paraphrase > invention


@pytest.mark.parametrize("wrong", ["The bridge is not open to cyclists.", "It is 520 metres long."])
@pytest.mark.parametrize("question", [None, "Tell me about the bridge"])
def test_one_sentence_that_contradicts_a_passage_is_unsupported(wrong: str, question: str | None) -> None:
    assert judged(wrong, question=question).label == "unsupported"


def test_numbers_are_the_same_in_every_notation() -> None:
    assert (
        judged("It carries about 12 thousand cars a day.").spans
        == judged("It carries about 12000 cars a day.").spans
        == ()
    )


def test_one_invented_sentence_is_shown_where_it_stands() -> None:
    answer = "The bridge is open to cyclists. It was painted purple by Danish volunteers. It is 420 metres long."
    told = judged(answer, question="Tell me about the bridge")
    assert [answer[span.start : span.end] for span in told.spans] == ["It was painted purple by Danish volunteers."]
    assert "Danish" in told.spans[0].why
    assert "Danish" in told.reason


@pytest.mark.parametrize(
    "answer",
    [
        "The provided context does not mention the colour of the bridge.",
        "I'm sorry. I cannot answer this question based on the passages.",
        "I don't know.",
    ],
)
def test_an_answer_that_only_declines_is_a_refusal(answer: str) -> None:
    assert judged(answer, question="What colour is it?").label == "refusal"
    assert judged(f"{answer} It is pink with yellow dots.", question="What colour is it?").label != "refusal"


@pytest.mark.parametrize("answer", ["Lyon", "In 2003.", "Mayor Walsh"])
def test_a_short_answer_that_names_another_is_unsupported(answer: str) -> None:
    assert judged(answer, question="Who or when?").label == "unsupported"
    assert judged("Ellen Brooks", question="Who?").label == judged("In 1987.", question="When?").label == "supported"


def test_nothing_retrieved_supports_nothing() -> None:
    told = Groundedness()(Case(answer="Yes. It is.", contexts=()))
    assert (told.value, told.label, len(told.spans)) == (0.0, "unsupported", 2)
    assert Groundedness()(Case(answer="Yes.", contexts=(" ",))).value == 0.0


@pytest.mark.parametrize("answer", ["", "  ", "…"])
def test_an_answer_without_words_is_not_judged(answer: str) -> None:
    assert Groundedness()(Case(answer=answer, contexts=(CONTEXT,))).status == "not_applicable"


@pytest.mark.parametrize(
    ("answer", "outside"),
    [
        ("这座桥于一九八七年开放。", "Latin script"),
        (
            "Die Brücke wurde im Jahr 1987 von der damaligen Bürgermeisterin eröffnet und trägt täglich viele Autos.",
            "English",
        ),
        ("The bridge was opened in 1987 by the mayor, and it carries a lot of cars on every day of the week.", None),
    ],
)
def test_other_languages_are_told(answer: str, outside: str | None) -> None:
    told = judged(answer).details.get("outside")
    assert (outside in str(told)) if outside else told is None


def test_the_threshold_can_be_set_and_is_checked() -> None:
    case = Case(answer="The bridge is open to cyclists.", contexts=(CONTEXT,))
    assert Groundedness(threshold=1.0)(case).label == "unsupported"
    assert Groundedness(threshold=0.0)(Case(answer="Bananas glow.", contexts=(CONTEXT,))).label == "supported"
    with pytest.raises(ValueError, match="between 0 and 1"):
        Groundedness(threshold=2)


TEXT = st.text(st.sampled_from("aAbB 12.,!?\n'’-%你é(") | st.characters(), max_size=120)


@given(TEXT, st.lists(TEXT, max_size=3), st.none() | TEXT)
def test_any_text_gets_a_verdict_whose_spans_lie_in_the_answer(
    answer: str, contexts: list[str], question: str | None
) -> None:
    told = Groundedness()(Case(question=question, answer=answer, contexts=tuple(contexts)))
    assert told.status == "not_applicable" or (told.value is not None and 0 <= told.value <= 1)
    assert all(0 <= span.start < span.end <= len(answer) for span in told.spans)


def examples() -> list[training.Example]:
    return training.read(SLICE.read_bytes())


def test_the_order_of_contexts_does_not_matter() -> None:
    for one in examples()[::4]:
        mixed = list(one.contexts)
        random.Random(1).shuffle(mixed)
        assert value(one.answer, *mixed, question=one.question) == pytest.approx(
            value(one.answer, *one.contexts, question=one.question), abs=1e-9
        )


@pytest.mark.parametrize("asked", [True, False])
def test_an_answer_that_is_a_context_itself_is_supported(asked: bool) -> None:
    for one in examples():
        question = one.question if asked else None
        told = judged(one.answer, *one.contexts, one.answer, question=question)
        assert told.label != "unsupported"
        assert told.value is not None
        assert told.value >= value(one.answer, *one.contexts, question=question) - 1e-9


@pytest.mark.parametrize("piece", ["a", ". ", "word ", "1,", "Name. ", "no not ", "你", "\n", "x. Y", "such as "])
def test_hostile_text_ends_soon(piece: str) -> None:
    long = piece * (50_000 // len(piece))
    began = time.process_time()
    Groundedness()(Case(question=long, answer=long, contexts=(long, CONTEXT)))
    assert time.process_time() - began < 12


def test_the_artefact_says_what_it_was_made_from() -> None:
    told = json.loads(ARTEFACT.read_bytes())
    assert ARTEFACT.stat().st_size < 1_000_000
    assert told["version"] == Groundedness.card.version
    assert told["data"] == {
        "name": "RAGTruth QA, train split",
        "licence": "MIT",
        "sha256": "07ee99bde0f6c54f7fb5e0e7f9cb852a521a84b281f3c6f8bc94a2b80dc93a1a",
    }
    for name in ("asked", "unasked"):
        assert told["metrics"][name]["answers"] == 3356
        assert 0.5 < told["metrics"][name]["auroc"] < 1
    assert told["features"] == list(shipped().features)


def test_the_scores_of_known_answers_stay() -> None:
    """Rows that the model was trained on: they hold the arithmetic, and say nothing of how good it is."""
    frozen = json.loads((SLICE.parent / "groundedness_scores.json").read_text(encoding="utf-8"))
    got = {
        f"{one.source}.{i}": value(one.answer, *one.contexts, question=one.question) for i, one in enumerate(examples())
    }
    assert got == pytest.approx(frozen, abs=2e-3)


def stumps(rows: training.Array, marks: training.Marks) -> training.Boosted:
    """Stands in for LightGBM, which tests need not have: one split of each column at its mean."""
    trees = []
    for column in range(rows.shape[1]):
        mean = float(rows[:, column].mean())
        high = rows[:, column] > mean
        sides = [float(marks[side].mean()) if side.any() else 0.5 for side in (~high, high)]
        values = [round((side - 0.2) / 10, 6) for side in sides]
        trees.append({"feature": [column], "threshold": [mean], "left": [-1], "right": [-2], "value": values})
    return {"depth": 2, "trees": trees}


def test_training_gives_the_same_artefact_each_time() -> None:
    raw = SLICE.read_bytes()
    data = {"sha256": hashlib.sha256(gzip.decompress(raw)).hexdigest()}
    one, other = (json.dumps(training.train(training.read(raw)[:20], stumps, data)) for _ in range(2))
    assert one == other
    told = json.loads(one)
    assert told["metrics"]["asked"]["answers"] == 20
    assert set(told["routes"]) == {"asked", "unasked"}
    assert told["explicit"]["weights"]["denied"] > 0


def test_lightgbm_and_the_frozen_trees_agree() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="needed to train only")
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(400, 5))
    marks = (rows[:, 0] + rows[:, 1] ** 2 > 1).astype(np.int64)
    frozen = Trees.read(training.lightgbm_boost(rows, marks))
    booster = lightgbm.train(training.BOOSTING, lightgbm.Dataset(rows, marks), training.ROUNDS)
    assert frozen(rows) == pytest.approx(booster.predict(rows, raw_score=True), abs=0.01)


def test_trees_take_the_branch_of_each_row() -> None:
    tree = {"feature": [0, 1], "threshold": [0.5, 2.0], "left": [1, -1], "right": [-3, -2], "value": [10.0, 20.0, 30.0]}
    trees = Trees.read({"depth": 2, "trees": [tree, tree]})
    rows = np.array([[0.5, 2.0], [0.0, 3.0], [1.0, 0.0]])
    assert trees(rows).tolist() == [20.0, 40.0, 60.0]


def test_edits_change_what_they_say() -> None:
    told = changed("Ellen sold 12 old cars in Berlin and was not tired.", ["Oslo"], random.Random(3))
    assert set(told) == {"number", "name", "opposite", "affirmed"}
    assert "Oslo" in told["name"]
    assert "12" not in told["number"]
    assert told["affirmed"] == "Ellen sold 12 old cars in Berlin and was tired."
    denied = changed("the car was red", ["Oslo"], random.Random(3))
    assert denied["denied"] == "the car was not red"
    assert reworded("they purchased a car", 2, random.Random(3)) != "they purchased a car"


REFUNDS = "Refunds take thirty days after the item came back. Call 555-1234."
HOURS = "Shops open at nine on weekdays, and at ten on Saturdays."


@pytest.mark.parametrize(
    ("answer", "label", "why"),
    [
        ("Refunds take 30 days after the item came back. Shops open at nine on weekdays.", "supported", None),
        ("Refunds take 40 days after the item came back. Shops open at nine on weekdays.", "unsupported", "number"),
        ("Refunds take sixty days after the item came back. Shops open at nine.", "unsupported", "number"),
        ("Refunds take thirty days. Shops do not open on weekdays.", "unsupported", "denies"),
    ],
)
def test_another_number_and_a_denial_are_seen_among_carried_sentences(answer: str, label: str, why: str | None) -> None:
    case = Case(question="How long do refunds take, and when do shops open?", answer=answer, contexts=(REFUNDS, HOURS))
    told = Groundedness()(case)
    assert told.label == label
    assert [why in span.why for span in told.spans if why] == [True] * (why is not None)


@pytest.mark.parametrize("question", [None, "What is it?"])
def test_a_short_answer_of_foreign_words_is_unsupported(question: str | None) -> None:
    told = Groundedness()(Case(question=question, answer="Bananas.", contexts=("The tower is 330 metres tall.",)))
    assert told.label == "unsupported"


def test_a_bare_yes_makes_no_claim_of_its_own() -> None:
    told = Groundedness()(Case(question="Is it tall?", answer="Yes.", contexts=("The tower is 330 metres tall.",)))
    assert told.status == "not_applicable"
