"""Writes `groundedness.json` from RAGTruth's QA answers (train split, MIT), the same file each time.

    pip install 'lightgbm==4.7.0'
    python -m evaluators.grounding.training ../shared/data/ragtruth_qa_train/ragtruth_qa_train.jsonl.gz

LightGBM is needed here only; nothing of the product imports it. Takes some minutes of one core.

Everything is learnt and chosen on these rows. What judges a row never saw its question: words' risks, trees, regression
and thresholds come from five folds of questions. The one exception is `SHAPES`, see there.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from evaluators.grounding.edits import changed, reworded
from evaluators.grounding.evidence import content, evidence
from evaluators.grounding.features import Findings, Weights, findings, shape
from evaluators.grounding.model import (
    ARTEFACT,
    COPIED,
    HIGHEST,
    LOWEST,
    Route,
    Trees,
    log_wording,
    new_wording,
    sigmoid,
    total_odds,
)
from evaluators.text import sentences, words

VERSION = "1"
SEED = 1
FOLDS = 5
BASE_RATE = 0.25
"""Share of unsupported answers that probabilities and thresholds are for. Of the training answers 43 % are, from models
that err more than today's; so rows are weighed to a quarter."""

UNFIT = {"usual": 0.0, "slope": 1.0, "length": 0.0, "offset": 0.0, "threshold": 0.5, "sentence": 0.5}
SHAPES = {
    "asked": Route(pool="any", linear_share=0.0, explicit=0.5, novelty=0.0, **UNFIT),
    "unasked": Route(pool="worst", linear_share=0.5, explicit=1.5, novelty=1.25, **UNFIT),
}
"""How sentences become an answer; how much explicit mismatches (number, name, denial, opposite) and new wording
count.

With a question the training folds like 0 to 0.5 of the former alike (AUROC .822 to .820); 0.5 is kept for short
answers, of which training has few, with BEGIN's development rows in view. Texts without a question may be summaries or
edited copies, of which training has none: both weights were chosen on development rows of SummEdits, WiCE and QAGS.
So figures on those four sets flatter. Calibration and thresholds come from the training folds without either."""

EXPLICIT_FEATURES = ("lost_numbers", "lost_names", "denied", "opposed")
BOOSTING = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "max_depth": 8, "min_data_in_leaf": 60,
    "feature_fraction": 0.4, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0, "extra_trees": True,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": SEED, "verbose": -1,
}  # fmt: skip
ROUNDS = 500

Array = NDArray[np.float64]
Marks = NDArray[np.int64]
Boosted = Mapping[str, Any]  # as in the artefact
Boost = Callable[[Array, Marks], Boosted]


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled answer."""

    source: str
    question: str
    contexts: tuple[str, ...]
    answer: str
    spans: tuple[tuple[int, int], ...]  # that people marked as not supported

    @property
    def fold(self) -> int:
        return zlib.crc32(self.source.encode()) % FOLDS


def read(raw: bytes) -> list[Example]:
    """From gzipped JSON lines of RAGTruth's QA task."""
    told = [json.loads(line) for line in gzip.decompress(raw).splitlines()]
    return [
        Example(
            row["source_id"], row["question"], passages(row["context"]), row["response"],
            tuple((span["start"], span["end"]) for span in row["labels"]),
        )
        for row in told
    ]  # fmt: skip


def passages(context: str) -> tuple[str, ...]:
    """The three passages that RAGTruth joins."""
    return tuple(part.strip() for part in re.split(r"passage \d+:", context) if part.strip())


def train(examples: Sequence[Example], boost: Boost, data: Mapping[str, str]) -> dict[str, Any]:
    """The artefact: what is learnt of words, sentences and answers, and how well it did on the folds left out."""
    idf, rare = inverse_frequencies(examples)
    foreign = list(foreign_words(examples, Weights(idf, rare, {})))
    risks = [risk([one for one in foreign if one.fold != fold]) for fold in range(FOLDS)]
    crossed = [Weights(idf, rare, one) for one in risks]
    asked, unasked = sheet(examples, crossed, asked=True), sheet(examples, crossed, asked=False)
    explicit = explicit_head(examples, crossed)
    boosted, linear = boost(asked.rows, asked.marks), regression(asked.rows, asked.marks)
    routes, metrics = judged(examples, {"asked": asked, "unasked": unasked}, boost)
    return {
        "version": VERSION, "seed": SEED, "base_rate": BASE_RATE, "data": dict(data), "metrics": metrics,
        "features": list(asked.names), "rare": round(rare, 4), "idf": hundredths(idf),
        "risk": hundredths(risk(foreign)), "boosted": boosted,
        "linear": told_linear(linear, asked.names, asked.names),
        "explicit": told_linear((explicit[0], 0.0), EXPLICIT_FEATURES, EXPLICIT_FEATURES), "routes": routes,
    }  # fmt: skip


def hundredths(values: Mapping[str, float]) -> dict[str, int]:
    return {word: round(100 * value) for word, value in sorted(values.items())}


def told_linear(fitted: tuple[Array, float], names: Sequence[str], kept: Iterable[str]) -> dict[str, Any]:
    weights = dict(zip(names, fitted[0], strict=True))
    return {"weights": {name: float(f"{weights[name]:.5g}") for name in kept}, "constant": float(f"{fitted[1]:.5g}")}


def inverse_frequencies(examples: Sequence[Example]) -> tuple[dict[str, float], float]:
    """Of stems over all passages, those of at least three; and what rarer ones weigh."""
    every = {context for one in examples for context in one.contexts}
    seen = Counter(stem for context in every for stem in {word.stem for word in words(context)})
    return {stem: math.log(len(every) / n) for stem, n in seen.items() if n >= 3}, math.log(len(every))


@dataclass(frozen=True, slots=True)
class Foreign:
    """A word of an answer that its contexts do not have."""

    fold: int
    stem: str
    shape: str
    marked: bool


def foreign_words(examples: Sequence[Example], weights: Weights) -> Iterable[Foreign]:
    for one in examples:
        for told in findings(one.answer, evidence(one.contexts), weights, one.question):
            for word in told.foreign:
                yield Foreign(one.fold, word.stem, shape(word), marked(word.start, word.end, one))


def marked(start: int, end: int, one: Example) -> bool:
    return any(first < end and last > start for first, last in one.spans)


def risk(foreign: Sequence[Foreign], rare: int = 4, own: float = 8.0, shapes: float = 20.0) -> dict[str, float]:
    """Log odds of foreign words to be marked, less the mean's; drawn to their shape's, and that to the mean."""
    base = sum(one.marked for one in foreign) / max(1, len(foreign))
    by_shape, by_stem = defaultdict(list), defaultdict(list)
    for one in foreign:
        by_shape[one.shape].append(one.marked)
    prior = {name: (sum(told) + shapes * base) / (len(told) + shapes) for name, told in by_shape.items()}
    for one in foreign:
        by_stem[one.stem].append((one.marked, prior[one.shape]))
    found = {name: odds(share) - odds(base) for name, share in prior.items()}
    for stem, told in by_stem.items():
        if len(told) >= rare:
            centre = sum(mean for _, mean in told) / len(told)
            found[stem] = odds((sum(mark for mark, _ in told) + own * centre) / (len(told) + own)) - odds(base)
    return found


def odds(share: float) -> float:
    return math.log(share / (1 - share))


@dataclass(frozen=True, slots=True)
class Sheet:
    """All sentences of all answers."""

    names: tuple[str, ...]
    rows: Array
    marks: Marks  # 1: it has a marked span
    answer: Marks  # which answer it is of
    fold: Marks
    copied: NDArray[np.bool_]
    wording: Array  # of each answer


def sheet(examples: Sequence[Example], crossed: Sequence[Weights], *, asked: bool) -> Sheet:
    told: list[tuple[int, Findings]] = []
    wording = []
    for i, one in enumerate(examples):
        question = one.question if asked else None
        found = findings(one.answer, evidence(one.contexts), crossed[one.fold], question)
        told += [(i, it) for it in found]
        wording.append(new_wording(found) if found else 0.0)
    names = tuple(told[0][1].values)
    return Sheet(
        names,
        np.array([[it.values[name] for name in names] for _, it in told], float),
        np.array([marked(it.start, it.end, examples[i]) for i, it in told], np.int64),
        np.array([i for i, _ in told], np.int64),
        np.array([examples[i].fold for i, _ in told], np.int64),
        np.array([it.copied for _, it in told], bool),
        np.array(wording),
    )


def regression(rows: Array, marks: Marks, weight: Array | None = None, penalty: float = 20.0) -> tuple[Array, float]:
    """Logistic regression: weights per unit of each column within bounds, and the constant."""
    rows = np.clip(rows, LOWEST, HIGHEST)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
    share = np.ones(len(rows)) if weight is None else weight
    sign = 2.0 * marks - 1

    def loss(at: Array) -> tuple[float, Array]:
        margin = sign * (scaled @ at)
        slope = -share * sign * sigmoid(-margin)
        value = (share * np.logaddexp(0, -margin)).sum() + penalty / 2 * (at[:-1] ** 2).sum()
        return float(value), scaled.T @ slope + penalty * np.append(at[:-1], 0.0)

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    per_unit = found[:-1] / spread
    return per_unit, float(found[-1] - per_unit @ mean)


def explicit_head(examples: Sequence[Example], crossed: Sequence[Weights]) -> tuple[Array, float]:
    """What explicit mismatches say, from supported sentences that are reworded, or changed in one fact."""
    draw = Random(SEED)  # noqa: S311 - draws sentences, not secrets
    people = [name for one in examples for name in capitals(one.contexts[0])]
    rows, marks = [], []
    for one in examples:
        for start, end in whole_sentences(one, draw):
            said = reworded(one.answer[start:end], draw.randrange(5), draw)
            for text, mark in [(said, 0), *((other, 1) for other in changed(said, people, draw).values())]:
                told = findings(text, evidence(one.contexts), crossed[one.fold])
                if len(told) == 1:
                    rows.append([told[0].values[name] for name in EXPLICIT_FEATURES])
                    marks.append(mark)
    found_marks = np.array(marks)
    weight = np.where(found_marks == 1, 0.5 / found_marks.mean(), 0.5 / (1 - found_marks.mean()))
    return regression(np.array(rows, float), found_marks, weight)


def capitals(text: str) -> list[str]:
    """Words with a capital after one without."""
    pairs = pairwise(words(text))
    return [
        word.text for before, word in pairs if word.text[0].isupper() and before.text[0].islower() and content(word)
    ]


def whole_sentences(one: Example, draw: Random, most: int = 2) -> list[tuple[int, int]]:
    """Some sentences of the answer that nobody marked."""
    kept = [(a, b) for a, b in sentences(one.answer) if not marked(a, b, one) and len(words(one.answer, a, b)) >= 6]
    draw.shuffle(kept)
    return kept[:most]


def judged(
    examples: Sequence[Example], sheets: Mapping[str, Sheet], boost: Boost
) -> tuple[dict[str, Any], dict[str, Any]]:
    """How sentences become answers, and the figures, on folds that were left out."""
    asked = sheets["asked"]
    fitted = []
    for fold in range(FOLDS):
        kept = asked.fold != fold
        trees = Trees.read(boost(asked.rows[kept], asked.marks[kept]))
        fitted.append((trees, regression(asked.rows[kept], asked.marks[kept])))
    truth = np.array([bool(one.spans) for one in examples], np.int64)
    routes, metrics = {}, {}
    for name, told in sheets.items():
        single = np.empty(len(told.rows))
        for fold, (trees, linear) in enumerate(fitted):
            out, share = told.fold == fold, SHAPES[name].linear_share
            line = np.clip(told.rows[out], LOWEST, HIGHEST) @ linear[0] + linear[1]
            single[out] = (1 - share) * sigmoid(trees(told.rows[out])) + share * sigmoid(line)
        single = np.where(told.copied, np.minimum(single, COPIED), single)
        routes[name], metrics[name] = route(name, told, single, truth)
    return routes, metrics


def route(name: str, told: Sheet, single: Array, truth: Marks) -> tuple[dict[str, Any], dict[str, float]]:
    """The route of that name, fitted, and its figures. Answers without words are left out."""
    members = [np.flatnonzero(told.answer == i) for i in range(len(truth))]
    has = np.array([len(one) > 0 for one in members])
    plain = replace(SHAPES[name], novelty=0.0)
    total = np.array([total_odds(single[one], 0.0, plain) for one in members if len(one)])
    truth = truth[has]
    weight = np.where(truth == 1, BASE_RATE / truth.mean(), (1 - BASE_RATE) / (1 - truth.mean()))
    columns = np.column_stack([total, np.log([len(one) for one in members if len(one)])])
    slopes, offset = regression(columns, truth, weight, penalty=0.0)
    share = sigmoid(columns @ slopes + offset)
    f1, threshold = best_f1(truth, share, weight)
    sentence_f1, sentence = best_f1(told.marks, single, weight_sentences(told, weight, has))
    usual = float(np.mean([log_wording(one) for one in told.wording[has]]))
    chosen = replace(
        SHAPES[name], usual=rounded(usual), slope=rounded(slopes[0]), length=rounded(slopes[1]), offset=rounded(offset),
        threshold=rounded(threshold), sentence=rounded(sentence),
    )  # fmt: skip
    figures = {
        "answers": len(truth), "unsupported": int(truth.sum()), "auroc": rounded(auroc(truth, share)),
        "f1_at_base_rate": rounded(f1), "sentences": len(single), "sentence_auroc": rounded(auroc(told.marks, single)),
        "sentence_f1_at_base_rate": rounded(sentence_f1),
    }  # fmt: skip
    return asdict(chosen), figures


def weight_sentences(told: Sheet, weight: Array, has: NDArray[np.bool_]) -> Array:
    """The weight of each sentence's answer."""
    whole = np.zeros(len(has))
    whole[has] = weight
    return whole[told.answer]


def rounded(value: float) -> float:
    return float(f"{value:.5g}")


def best_f1(truth: Marks, score: Array, weight: Array) -> tuple[float, float]:
    """The highest weighted F1 of any threshold, and that threshold, midway to the next lower score."""
    order = np.argsort(-score, kind="stable")
    hits, seen = np.cumsum((weight * truth)[order]), np.cumsum(weight[order])
    f1 = 2 * hits / (seen + (weight * truth).sum())
    best = int(np.argmax(f1))
    lower = score[order[best + 1]] if best + 1 < len(score) else 0.0
    return float(f1[best]), float((score[order[best]] + lower) / 2)


def auroc(truth: Marks, score: Array) -> float:
    positive = int(truth.sum())
    ranks = rankdata(score)[truth == 1].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def lightgbm_boost(rows: Array, marks: Marks) -> Boosted:
    """Boosted trees of LightGBM as the artefact holds them."""
    import lightgbm  # noqa: PLC0415 - needed to train only, and no dependency

    booster = lightgbm.train(BOOSTING, lightgbm.Dataset(rows, marks), ROUNDS)
    trees = [flat(one["tree_structure"]) for one in booster.dump_model()["tree_info"]]
    return {"depth": BOOSTING["max_depth"], "trees": trees}


def flat(root: Mapping[str, Any]) -> dict[str, list[float]]:
    """A tree as lists: of inner nodes, and of leaves' values; children below zero are leaves, -1 the first."""
    tree: dict[str, list[float]] = {"feature": [], "threshold": [], "left": [], "right": [], "value": []}

    def add(node: Mapping[str, Any]) -> int:
        if "leaf_value" in node:
            tree["value"].append(float(f"{node['leaf_value']:.4g}"))
            return -len(tree["value"])
        at = len(tree["feature"])
        tree["feature"].append(node["split_feature"])
        tree["threshold"].append(float(f"{node['threshold']:.6g}"))
        tree["left"].append(0)
        tree["right"].append(0)
        tree["left"][at], tree["right"][at] = add(node["left_child"]), add(node["right_child"])
        return at

    add(root)
    return tree


def main() -> None:
    """Trains and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="ragtruth_qa_train.jsonl.gz")
    parser.add_argument("--out", type=Path, default=ARTEFACT)
    told = parser.parse_args()
    raw = told.rows.read_bytes()
    data = {
        "name": "RAGTruth QA, train split",
        "licence": "MIT",
        "sha256": hashlib.sha256(gzip.decompress(raw)).hexdigest(),
    }
    artefact = train(read(raw), lightgbm_boost, data)
    told.out.write_text(json.dumps(artefact, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps(artefact["metrics"], indent=2))  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
