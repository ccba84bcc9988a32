"""How well `groundedness` finds what is unsupported, set by set, beside naive rules.

    python benchmarks/quality_groundedness.py        # reads ../shared/data; a minute or two

The model was made from RAGTruth's QA train split alone. AUROC is of unsupported against supported; 95 % intervals draw
whole sources. F1 and balanced accuracy use the label, whose threshold was chosen on training rows.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from figures import (
    Row,
    at,
    auroc,
    average_precision,
    balanced_accuracy_at,
    best_f1,
    data,
    f1_at,
    figure,
    read,
    table,
)

from evaluators.case import Case
from evaluators.groundedness import Groundedness
from evaluators.text import words
from evaluators.verdict import Verdict

SAID = 0.5


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer, and whether people found it unsupported."""

    case: Case
    unsupported: int
    source: object
    spans: tuple[tuple[int, int], ...] = field(default=())


def ragtruth() -> Iterator[Labelled]:
    if path := data("ragtruth_qa_test", "ragtruth_qa_test_dev_half.jsonl.gz"):
        for row in read(path):
            parts = tuple(part.strip() for part in re.split(r"passage \d+:", row["context"]) if part.strip())
            case = Case(question=row["question"], answer=row["response"], contexts=parts)
            spans = tuple((span["start"], span["end"]) for span in row["labels"])
            yield Labelled(case, int(row["hallucinated"]), row["source_id"], spans)


def summedits() -> Iterator[Labelled]:
    if path := data("summedits", "summedits_dev_domains.jsonl.gz"):
        for row in read(path):
            yield Labelled(Case(answer=row["summary"], contexts=(row["doc"],)), 1 - row["label"], row["doc"])


def wice() -> Iterator[Labelled]:
    if path := data("wice", "wice_claim_dev.jsonl.gz"):
        for row in read(path):
            case = Case(answer=row["claim"], contexts=("\n".join(row["evidence"]),))
            yield Labelled(case, int(row["label"] != "supported"), row["evidence"][0])


def qags() -> Iterator[Labelled]:
    if path := data("qags", "qags_cnndm.jsonl.gz"):
        for row in read(path):
            case = Case(answer=row["summary"], contexts=(row["source"],))
            yield Labelled(case, int(row["human_consistency"] < 1), row["doc_id"])  # any doubt of any of the judges


def begin() -> Iterator[Labelled]:
    if path := data("begin_wow", "begin_dev_wow.jsonl.gz"):
        for row in read(path):
            case = Case(question=row["message"], answer=row["response"], contexts=(row["knowledge"],))
            yield Labelled(case, int(row["begin_label"] != "Fully attributable"), row["knowledge"])


SETS: dict[str, Callable[[], Iterator[Labelled]]] = {
    "RAGTruth QA (test, half)": ragtruth,
    "SummEdits": summedits,
    "WiCE (claims)": wice,
    "QAGS-CNNDM": qags,
    "BEGIN-WoW": begin,
}


def overlap(case: Case) -> float:
    """Share of the answer's words that no context has."""
    given = {word.norm for context in case.contexts or () for word in words(context)}
    said = [word.norm for word in words(case.answer or "")]
    return sum(word not in given for word in said) / max(1, len(said))


def rouge_2(case: Case) -> float:
    """One less the precision of pairs of words (ROUGE-2)."""
    given: set[tuple[str, str]] = set()
    for context in case.contexts or ():
        found = [word.norm for word in words(context)]
        given.update(itertools.pairwise(found))
    said = [word.norm for word in words(case.answer or "")]
    pairs = list(itertools.pairwise(said))
    return sum(pair not in given for pair in pairs) / max(1, len(pairs))


NAIVE: dict[str, Callable[[Case], float]] = {
    "length of the answer": lambda case: float(len(case.answer or "")),
    "words not in the contexts": overlap,
    "1 - ROUGE-2 precision": rouge_2,
}


def rows(name: str, found: Sequence[Labelled], verdicts: Sequence[Verdict]) -> Iterator[Row]:
    truth = [one.unsupported for one in found]
    sources = [one.source for one in found]
    score = [1 - (verdict.value or 0.0) for verdict in verdicts]
    called = [float(verdict.label == "unsupported") for verdict in verdicts]
    told = (
        ("AUROC", auroc, score),
        ("average precision", average_precision, score),
        ("F1", f1_at(SAID), called),
        ("balanced accuracy", balanced_accuracy_at(SAID), called),
    )
    for label, measure, values in told:
        yield figure(name, "groundedness", label, measure, truth=truth, score=values, clusters=sources)
    yield figure(name, "always unsupported", "F1", f1_at(SAID), truth=truth, score=[1.0] * len(truth), draws=0)
    for rule, naive in NAIVE.items():
        values = [naive(one.case) for one in found]
        yield figure(name, rule, "AUROC", auroc, truth=truth, score=values, draws=0)
        yield Row(name, rule, "F1, best threshold", best_f1(truth, values)[0], len(truth), sum(truth))


def by_length(name: str, found: Sequence[Labelled], verdicts: Sequence[Verdict]) -> Iterator[Row]:
    """Within quarters of the answers' lengths, where length cannot help."""
    lengths = np.array([len(one.case.answer or "") for one in found])
    bounds = np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1])
    for i, (low, high) in enumerate(itertools.pairwise(bounds)):
        kept = [k for k, length in enumerate(lengths) if low <= length < high or (i == 3 and length == high)]
        truth = [found[k].unsupported for k in kept]
        score = [1 - (verdicts[k].value or 0.0) for k in kept]
        yield figure(
            f"{name}, {low:.0f}-{high:.0f} characters", "groundedness", "AUROC", auroc, truth=truth, score=score
        )


def highlights(name: str, found: Sequence[Labelled], verdicts: Sequence[Verdict]) -> Iterator[Row]:
    """Sentences and characters that are shown, against the marked spans."""
    truth, score, called = [], [], []
    right = shown = marked = 0
    for one, verdict in zip(found, verdicts, strict=True):
        spans = {(span.start, span.end) for span in verdict.spans}
        for start, end, support in cast("list[tuple[int, int, float]]", verdict.details.get("sentences", [])):
            truth.append(int(any(a < end and b > start for a, b in one.spans)))
            score.append(1 - support)
            called.append(float((start, end) in spans))
        mine, theirs = _characters((span.start, span.end) for span in verdict.spans), _characters(one.spans)
        right, shown, marked = right + len(mine & theirs), shown + len(mine), marked + len(theirs)
    n, positives = len(truth), sum(truth)
    yield Row(name, "sentences", "AUROC", auroc(truth, score), n, positives)
    yield Row(name, "sentences shown", "F1", at(truth, called, SAID).f1, n, positives)
    yield Row(name, "every sentence shown", "F1", at(truth, [1.0] * n, SAID).f1, n, positives)
    yield Row(name, "characters shown", "F1", 2 * right / max(1, shown + marked), shown, marked)


def _characters(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {i for start, end in spans for i in range(start, end)}


def main() -> None:
    judge = Groundedness()
    told: list[Row] = []
    for name, load in SETS.items():
        found = list(load())
        if not found:
            continue
        verdicts = [judge(one.case) for one in found]
        told += rows(name, found, verdicts)
        if any(one.spans for one in found):
            told += [*by_length(name, found, verdicts), *highlights(name, found, verdicts)]
    print(table(told))


if __name__ == "__main__":
    main()
