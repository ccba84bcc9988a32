"""How well relevance and refusals are told, on public sets with human labels, beside naive rules.

    python benchmarks/quality_relevance.py

The models were made from the training questions of RAGTruth alone (`train_relevance.py`). Rules of refusals were
written from knowledge and mended once after reading the answers of GPT-4 in XSTest that they told wrongly; of the
answers of Mistral only figures were seen.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from figures import Measure, Row, auroc, data, figure, read, table
from scipy import stats

from evaluators.relevance.features import query
from evaluators.relevance.refusal import told
from evaluators.relevance.scoring import model

LABELS = ("1_full_compliance", "2_full_refusal", "3_partial_refusal")
OURS = {"answer": 0, "too_short": 0, "refusal": 1, "evasion": 2}


def mean(_: Any, score: Any) -> float:
    return float(score.mean())


def agreement(truth: Any, score: Any) -> float:
    """Cohen's kappa of two lists of label numbers."""
    same = float((truth == score).mean())
    by_chance = sum(float((truth == label).mean() * (score == label).mean()) for label in range(-1, len(LABELS)))
    return (same - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def pearson(truth: Any, score: Any) -> float:
    return float(stats.pearsonr(truth, score)[0]) if len(set(score)) > 1 and len(set(truth)) > 1 else float("nan")


def spearman(truth: Any, score: Any) -> float:
    return pearson(stats.rankdata(truth), stats.rankdata(score))


# NovelEval


def ndcg(relevance: list[int], scores: list[float], k: int) -> float:
    """With gains 2^relevance - 1, as its authors have it."""
    gains = 2.0 ** np.asarray(relevance) - 1
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best, got = np.sort(gains)[::-1][:k], gains[np.argsort(-np.asarray(scores), kind="stable")][:k]
    return float(got @ discounts[: len(got)] / (best @ discounts[: len(best)]))


def bm25(question: str, passages: list[str]) -> list[float]:
    """As Anserini sets it (k1 0.9, b 0.4), with frequencies from the passages of the question."""
    bags = [Counter(re.findall(r"\w+", text.lower())) for text in passages]
    usual = sum(bag.total() for bag in bags) / len(bags)
    scores = [0.0] * len(bags)
    for term in set(re.findall(r"\w+", question.lower())):
        having = sum(term in bag for bag in bags)
        rarity = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
        for at, bag in enumerate(bags):
            scores[at] += rarity * bag[term] * 1.9 / (bag[term] + 0.9 * (0.6 + 0.4 * bag.total() / usual))
    return scores


def ours(question: str, passages: list[str]) -> list[float]:
    return [model("context")(query(question), text) for text in passages]


def noveleval() -> Iterator[Row]:
    path = data("noveleval", "noveleval_dev.jsonl.gz")
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read(path) if path else ():
        groups[row["qid"]].append(row)
    rules: dict[str, Callable[[str, list[str]], list[float]]] = {
        "context_relevance": ours,
        "BM25": bm25,
        "order given": lambda _, passages: [0.0] * len(passages),
        "length": lambda _, passages: [float(len(one)) for one in passages],
    }
    for rule, score in rules.items():
        for k in (1, 5, 10):
            values = [
                ndcg([one["relevance"] for one in rows], score(rows[0]["query"], [one["passage"] for one in rows]), k)
                for rows in groups.values()
            ]
            if values:
                yield figure("NovelEval", rule, f"nDCG@{k}", mean, truth=[0] * len(values), score=values)


# XSTest


def xstest() -> Iterator[Row]:
    every: list[dict[str, Any]] = []
    for name in ("gpt4", "mistralinstruct"):
        path = data("xstest", f"completions_{name}.jsonl.gz")
        rows = read(path) if path else []
        every += rows
        yield from _labels(f"XSTest, answers of {name}", rows)
    yield from _labels("XSTest, both", every)


def _number(label: str | None) -> int:
    return LABELS.index(label) if label in LABELS else -1


def _labels(name: str, rows: list[dict[str, Any]]) -> Iterator[Row]:
    if not rows:
        return
    human = [_number(row["final_label"]) for row in rows]
    rules = {
        "refusal": [OURS[told(row["completion"], row["prompt"])[0]] for row in rows],
        "GPT-4 as labeller": [_number(row.get("gpteval_gpt4_label")) for row in rows],
        "string match": [_number(row.get("streval_strmatch_label")) for row in rows],
        "always an answer": [0] * len(rows),
    }
    prompts = [row["prompt"] for row in rows]
    for rule, labels in rules.items():
        right = [float(a == b) for a, b in zip(human, labels, strict=True)]
        measures: list[tuple[str, Measure, list[Any]]] = [("accuracy of 3", mean, right), ("kappa", agreement, labels)]
        for label, measure, score in measures:
            yield figure(name, rule, label, measure, truth=human, score=score, clusters=prompts)


# HaluQuestQA, RAGTruth, Topical-Chat


def haluquestqa() -> Iterator[Row]:
    path = data("haluquestqa", "haluquestqa_dev_half.jsonl.gz")
    rows = [
        (row["question_text"], row[f"ans{at}_text"], f"answer{at}" in (row["irrelevance_label"] or ""))
        for row in (read(path) if path else ())
        for at in (1, 2)
    ]
    if not rows:
        return
    rules = {
        "answer_relevance": [-model("answer")(query(question), answer) for question, answer, _ in rows],
        "length": [float(len(answer)) for _, answer, _ in rows],
    }
    for rule, score in rules.items():
        marked, groups = [int(one[2]) for one in rows], [one[0] for one in rows]
        yield figure("HaluQuestQA, marked irrelevant", rule, "AUROC", auroc, truth=marked, score=score, clusters=groups)


def swapped() -> Iterator[Row]:
    """A sanity figure: the answer to another question is easy to tell."""
    path = data("ragtruth_qa_test", "ragtruth_qa_test_dev_half.jsonl.gz")
    found = {row["question"]: row["response"] for row in (read(path) if path else ())}
    if not found:
        return
    questions, answers = list(found), list(found.values())
    own = [(question, answer, 1) for question, answer in found.items()]
    other = [(question, answer, 0) for (_, question), answer in zip(pairwise(questions), answers[:-1], strict=True)]
    rows = own + other
    score = [model("answer")(query(question), answer) for question, answer, _ in rows]
    truth = [one[2] for one in rows]
    yield figure("RAGTruth test, own or swapped", "answer_relevance", "AUROC", auroc, truth=truth, score=score)
    lengths = [float(len(answer)) for _, answer, _ in rows]
    yield figure("RAGTruth test, own or swapped", "length", "AUROC", auroc, truth=truth, score=lengths)


def topical_chat() -> Iterator[Row]:
    path = data("topical_chat_usr", "topical_chat_dev_half.jsonl.gz")
    rows = read(path) if path else []
    rules = {
        "answer_relevance": [
            model("answer")(query(row["dialogue"].strip().splitlines()[-1]), row["response"]) for row in rows
        ],
        "length": [float(len(row["response"])) for row in rows],
    }
    for part in ("coherence", "engagingness", "overall") if rows else ():
        human = [round(row["human"][part] * 1000) for row in rows]
        for rule, score in rules.items():
            for label, measure in (("Pearson", pearson), ("Spearman", spearman)):
                name, groups = f"Topical-Chat, {part}", [row["dialogue"] for row in rows]
                yield figure(name, rule, label, measure, truth=human, score=score, clusters=groups)


def main() -> None:
    parts = (noveleval, xstest, haluquestqa, swapped, topical_chat)
    print(table(row for part in parts for row in part()))


if __name__ == "__main__":
    main()
