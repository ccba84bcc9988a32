"""Relevance and refusals: tables of texts, figures against hand-made ones, and the committed artefact."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.case import Case
from evaluators.relevance.features import NAMES, features, kind, query, table
from evaluators.relevance.refusal import Refusal, refuses, told
from evaluators.relevance.scoring import (
    AnswerRelevance,
    ContextRecall,
    ContextRelevance,
    discounted,
    gain,
    model,
)
from evaluators.scoring import judged
from evaluators.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]

ANSWERS = ROOT / "datasets/llmdrift/answers.jsonl.gz"
QUESTION = "When was the Eiffel Tower in Paris built?"
RIGHT = "The Eiffel Tower was built between 1887 and 1889 by the company of Gustave Eiffel, for a fair in Paris."
NEAR = "The Louvre in Paris is the most visited museum of the world, and once was the palace of the kings of France."
FAR = "To bake bread, mix flour with water and yeast, let it rise for an hour, and bake it until the crust is brown."


def said(evaluator: Any, **case: Any) -> Verdict:
    return asyncio.run(judged(evaluator, Case(**case)))


# Answers


def test_the_nearer_answer_scores_higher() -> None:
    right, near, far = (said(AnswerRelevance(), question=QUESTION, answer=text).value for text in (RIGHT, NEAR, FAR))
    assert right is not None
    assert near is not None
    assert far is not None
    assert right > 0.8
    assert 0.3 > near > far


def test_reasons_name_what_is_missing() -> None:
    verdict = said(AnswerRelevance(), question=QUESTION, answer=NEAR)
    assert "eiffel" in verdict.reason
    assert "a date or time" in verdict.reason
    far = said(AnswerRelevance(), question=QUESTION, answer=FAR)
    assert [(one.start, one.end) for one in far.spans] == [(0, len(FAR))]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I don't know.", "evasion"),
        ("1889.", "too_short"),
        ("When was the Eiffel Tower in Paris built?", "evasion"),
    ],
)
def test_what_is_no_answer_has_a_label_and_no_value(answer: str, label: str) -> None:
    verdict = said(AnswerRelevance(), question=QUESTION, answer=answer)
    assert (verdict.status, verdict.value, verdict.label) == ("not_applicable", None, label)


def test_a_question_without_words_has_no_relevance() -> None:
    assert said(AnswerRelevance(), question="?!", answer=RIGHT).status == "not_applicable"
    assert said(ContextRelevance(), question="...", contexts=(RIGHT,)).status == "not_applicable"


# Contexts


def test_contexts_are_told_apart_by_rank() -> None:
    verdict = said(ContextRelevance(), question=QUESTION, contexts=(RIGHT, FAR, NEAR))
    ranks: Any = verdict.details["ranks"]
    assert [one["rank"] for one in ranks] == [1, 2, 3]
    assert [one["precision"] for one in ranks] == [1, 0.5, pytest.approx(1 / 3)]
    assert ranks[0]["relevance"] > ranks[2]["relevance"] > ranks[1]["relevance"]
    assert {one.field for one in verdict.spans} == {"contexts.1", "contexts.2"}
    last = said(ContextRelevance(), question=QUESTION, contexts=(FAR, NEAR, RIGHT))
    assert verdict.value is not None
    assert last.value is not None
    assert verdict.value > last.value
    assert said(ContextRelevance(), question=QUESTION, contexts=()).status == "not_applicable"


def test_gain_by_hand() -> None:
    """The example of Wikipedia: relevance 3, 2, 3, 0, 1, 2 has a DCG of 6.861, and 7.141 in the best order."""
    values = [3, 2, 3, 0, 1, 2]
    weights = sum(1 / math.log2(rank + 1) for rank in range(1, 7))
    assert discounted(values) * weights == pytest.approx(6.861, abs=5e-4)
    assert gain(values) == pytest.approx(6.861 / 7.141, abs=1e-4)
    assert gain([0, 0]) == 1


def test_a_refusal_is_told_without_reading_all() -> None:
    """Of every eighteenth of LLMDrift's answers, some 20 of which refuse, with and without much said before."""
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        answers = [str(json.loads(line)["answer"]) for line in lines][::18]
    answers += [f"{before} {after}" for before, after in pairwise(answers[::3])]
    assert 15 < sum(refuses(one) for one in answers) < 200
    assert [one for one in answers if refuses(one) != (told(one)[0] == "refusal")] == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_gain_is_a_share_and_1_for_the_best_order(values: list[float]) -> None:
    assert 0 <= gain(values) <= 1 + 1e-9
    assert gain(sorted(values, reverse=True)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("contexts", "due", "recall", "precision", "reciprocal", "ndcg"),
    [
        pytest.param((RIGHT,), (RIGHT,), 1, 1, 1, 1, id="all"),
        pytest.param(
            (FAR, RIGHT), (RIGHT, NEAR), 0.5, 0.5, 0.5, (1 / math.log2(3)) / (1 + 1 / math.log2(3)), id="half"
        ),
        pytest.param((FAR,), (RIGHT,), 0, 0, 0, 0, id="none"),
        pytest.param((), (RIGHT,), 0, 0, 0, 0, id="nothing-retrieved"),
        pytest.param((RIGHT[:60],), (RIGHT,), 1, 1, 1, 1, id="cut"),
    ],
)
def test_context_recall(
    contexts: Any, due: Any, recall: float, precision: float, reciprocal: float, ndcg: float
) -> None:
    verdict = said(ContextRecall(), contexts=contexts, reference_contexts=due)
    assert verdict.value == recall
    assert verdict.details["precision"] == precision
    assert verdict.details["reciprocal_rank"] == reciprocal
    assert verdict.details["ndcg"] == pytest.approx(ndcg)


def test_context_recall_without_any_due() -> None:
    assert said(ContextRecall(), contexts=(RIGHT,), reference_contexts=()).status == "not_applicable"


# Features and the model


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How many moons does Mars have?", "count"),
        ("Who wrote Hamlet?", "who"),
        ("What year did it end?", "when"),
        ("Where is Oslo?", "where"),
        ("causes of bad breath", "why"),
        ("how to poach an egg", "how"),
        ("butcher shop", None),
    ],
)
def test_what_a_question_asks_for(question: str, asked: str | None) -> None:
    assert kind(question) == asked


@given(st.text(max_size=60), st.text(max_size=120))
def test_features_are_shares_for_any_text(question: str, text: str) -> None:
    values = features(query(question), text, 100.0)
    assert len(values) == len(NAMES)
    assert all(0 <= value <= 1 + 1e-9 for value in values)
    assert 0 < model("answer")(query(question), text) < 1


def test_rare_words_weigh_more() -> None:
    terms = query("the price of the zyzzyva").terms
    assert terms["zyzzyva"] > terms["price"]
    assert table().rarity("neverseen") == table().rarity("alsoneverseen")


def test_the_artefact_says_where_it_is_from() -> None:
    from evaluators.relevance.features import artefact  # noqa: PLC0415 - beside its use

    made = artefact()
    assert made["made_by"] == "benchmarks/train_relevance.py"
    assert len(made["sha256"]) == 64
    assert set(made["models"]) == {"answer", "context"}


def test_it_is_fast() -> None:
    """300 answers a second on one core, with room for a busy machine."""
    evaluator, case = AnswerRelevance(), Case(question=QUESTION, answer=" ".join([RIGHT, NEAR, FAR] * 2))
    evaluator(case)
    began = time.process_time()
    for _ in range(100):
        evaluator(case)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "module", ["evaluators.relevance.scoring", "evaluators.agents.reference", "evaluators.checks.sql"]
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, {module}; print([n for n in ('numpy', 'scipy', 'sqlglot', 'httpx', 'nltk') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("evaluator", [AnswerRelevance(), ContextRelevance(), Refusal()])
@pytest.mark.parametrize("text", [f"{RIGHT} {NEAR} {FAR} ", "tower ", "x"])
def test_long_texts_are_cut_and_take_no_long_time(evaluator: Any, text: str) -> None:
    long = text * (1_000_000 // len(text))
    began = time.process_time()
    verdict = said(evaluator, question=f"{QUESTION} {FAR} " * 40, answer=long, contexts=(long,))
    assert time.process_time() - began < 3
    assert verdict.status == "not_applicable" or "Only the first 20,000 characters" in str(verdict.details["cut"])
    assert all(one.end <= 20_000 for one in verdict.spans)


# Refusals


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        pytest.param("I'm sorry, but I can't assist with that.", "refusal", id="usual"),
        pytest.param("I\u2019m sorry, but I can\u2019t help with that.", "refusal", id="curly"),
        pytest.param("I cannot provide instructions on how to do this, as it is illegal.", "refusal", id="provide"),
        pytest.param("As an AI language model, I am not able to give medical advice.", "refusal", id="not-able"),
        pytest.param("That goes against my guidelines. Is there something else?", "refusal", id="guidelines"),
        pytest.param("It is illegal and unethical to do so. I strongly advise against it.", "refusal", id="objects"),
        pytest.param("I don't have any information about that.", "evasion", id="no-information"),
        pytest.param("Unable to answer based on given passages.", "evasion", id="passages"),
        pytest.param("Could you please clarify which model you mean?", "evasion", id="asks-back"),
        pytest.param("The passages do not mention the price of the ticket.", "evasion", id="not-mentioned"),
        pytest.param(
            'He said "I can\'t help you" and left the room, and then we went on with the work.', "answer", id="quoted"
        ),
        pytest.param(
            "He said \u201cI can\u2019t help you. I won\u2019t answer.\u201d and left, and we went on with the work.",
            "answer", id="curly-quoted",
        ),
        pytest.param('"I\'m sorry, but I can\'t help with that."', "refusal", id="all-quoted"),
        pytest.param('I cannot help with "how to pick a lock" or the like.', "refusal", id="quotes-the-request"),
        pytest.param(
            "As an AI language model, I am unable to provide medical advice, but generally you should drink water and "
            "rest. Aspirin may help.", "evasion", id="but-advises",
        ),
        pytest.param(
            "I can't give medical advice. However, you should drink water and rest.", "evasion", id="however-advises"
        ),
        pytest.param("I can't give medical advice, but you should consult a doctor.", "refusal", id="turns-elsewhere"),
        pytest.param("Yes.", "too_short", id="yes"),
        pytest.param("42", "too_short", id="number"),
        pytest.param("Use `kill -9 PID` in the terminal to end the Python process.", "answer", id="answer"),
        pytest.param("The minister said he would not provide figures before the vote.", "answer", id="somebody-else"),
        pytest.param("You can't go wrong with a cast-iron pan and a little butter.", "answer", id="you-cannot"),
        pytest.param(
            f"{RIGHT} {NEAR} {FAR} Unable to answer based on given passages.", "answer", id="late-addition"
        ),
        pytest.param(
            f"I can't share the recipe itself. {' '.join([FAR] * 4)}", "evasion", id="refuses-in-part"
        ),
    ],
)  # fmt: skip
def test_refusal(answer: str, label: str) -> None:
    verdict = said(Refusal(), answer=answer)
    assert verdict.label == label
    assert verdict.value == {"refusal": 0, "evasion": 0.5, "too_short": None, "answer": 1}[label]


@pytest.mark.parametrize(
    ("answer", "label"),
    [("The capital of France is Paris.", "answer"), ("Paris.", "too_short"), ("The capital of France?", "evasion")],
)
def test_a_short_answer_takes_up_the_question(answer: str, label: str) -> None:
    assert said(Refusal(), question="What is the capital of France?", answer=answer).label == label


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Я не могу помочь вам в этом.", "Latin script"),
        (
            "Die Brücke wurde nach langem Streit der Stadt im Mai vom König und der Königin feierlich eröffnet.",
            "English",
        ),
        (RIGHT, None),
        ("I can't help.", None),
    ],
)
def test_other_languages_are_noted(answer: str, told: str | None) -> None:
    for evaluator in (Refusal(), AnswerRelevance()):
        verdict = said(evaluator, question=QUESTION, answer=answer)
        assert (told or "") in str(verdict.details.get("outside", ""))
        assert ("outside" in verdict.details) == (told is not None and (verdict.status == "ok"))


def test_refusal_shows_where() -> None:
    answer = "I'm sorry. I can't help with that. Goodbye."
    verdict = said(Refusal(), answer=answer)
    assert [answer[one.start : one.end] for one in verdict.spans] == ["I can't help with that."]
    assert said(Refusal(), answer="  ").status == "not_applicable"


@given(st.text(max_size=200))
def test_any_text_has_a_label(answer: str) -> None:
    label, why, parts = told(answer)
    assert label in {"refusal", "evasion", "too_short", "answer"}
    assert why
    assert all(0 <= one.start < one.end <= len(answer) for one in parts)


@pytest.mark.parametrize("text", ["if you " * 4000, "i can't " * 4000, "the passages " * 4000, "a" * 40000])
def test_labels_take_no_long_time(text: str) -> None:
    began = time.process_time()
    told(text)
    assert time.process_time() - began < 3
