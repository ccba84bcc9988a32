"""The frozen model: a sentence's features to how likely it is unsupported, and sentences to the whole answer.

All of it stands in `groundedness.json`, which `training.py` writes. Nothing but numpy evaluates it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.grounding.features import CLOSE, Findings, Weights

ARTEFACT = Path(__file__).with_name("groundedness.json")
COPIED = 0.01  # of a sentence that stands in the contexts word by word
SHORT = 4  # words
CONTRADICTED = 0.8  # at least, of a sentence with another number, or a denial, of what a passage says
RENUMBERED, DENIED = 0.7, 0.85  # shares that one passage carries, from which on it is taken to say the same
NEARLY = 0.75  # share of a sentence that one passage carries
ANOTHER = 0.6  # at least, of an answer of one sentence that names another, or contradicts what a passage nearly says
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees, all nodes in one list. A leaf leads to itself, so that every row may take the same steps."""

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Array
    left: NDArray[np.int64]  # where the feature is at most the threshold
    right: NDArray[np.int64]
    value: Array  # log odds that a leaf adds
    depth: int

    def __call__(self, rows: Array) -> Array:
        """Sums of the leaves of each row."""
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            low = rows[row, self.feature[node]] <= self.threshold[node]
            node = np.where(low, self.left[node], self.right[node])
        told: Array = self.value[node].sum(axis=1)
        return told

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Trees:
        """From the artefact: one list a tree, and child numbers within it; negative ones are leaves, -1 the first."""
        columns: dict[str, list[float]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
        roots = []
        for tree in told["trees"]:
            base, inner = len(columns["feature"]), len(tree["feature"])
            roots.append(base)
            leaves = len(tree["value"])
            columns["feature"] += [*tree["feature"], *[0] * leaves]
            columns["threshold"] += [*tree["threshold"], *[0.0] * leaves]
            own = [base + inner + i for i in range(leaves)]
            columns["left"] += [*(base + (i if i >= 0 else inner - 1 - i) for i in tree["left"]), *own]
            columns["right"] += [*(base + (i if i >= 0 else inner - 1 - i) for i in tree["right"]), *own]
            columns["value"] += [*[0.0] * inner, *tree["value"]]
        feature, left, right = (np.array(columns[name], np.int64) for name in ("feature", "left", "right"))
        threshold, value = (np.array(columns[name], float) for name in ("threshold", "value"))
        return cls(np.array(roots, np.int64), feature, threshold, left, right, value, int(told["depth"]))


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic regression without its link: log odds of rows, whose values are kept within bounds first."""

    columns: NDArray[np.int64]
    weight: Array  # per unit of the feature
    constant: float

    def __call__(self, rows: Array) -> Array:
        odds: Array = np.clip(rows[:, self.columns], LOWEST, HIGHEST) @ self.weight + self.constant
        return odds


LOWEST, HIGHEST = -5.0, 20.0


@dataclass(frozen=True, slots=True)
class Route:
    """How sentences become one answer: with a question, or without."""

    pool: str  # `any`: that any sentence is unsupported (noisy or); `worst`: the worst sentence
    linear_share: float  # of the regression beside the trees in a sentence's probability
    explicit: float  # weight of a sentence's explicit mismatches
    novelty: float  # weight of the logarithm of the share of triples of words that no context has,
    usual: float  # less this one
    slope: float  # log odds of the answer from those of its sentences together,
    length: float  # from the logarithm of the number of sentences,
    offset: float  # and always
    threshold: float  # of the answer's probability to be unsupported
    sentence: float  # of a sentence's


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities to be unsupported, at the base rate that the artefact names."""

    answer: float
    sentences: Array


@dataclass(frozen=True, slots=True)
class Model:
    """What the artefact holds."""

    version: str
    weights: Weights
    features: tuple[str, ...]
    trees: Trees
    linear: Linear
    explicit: Linear
    routes: Mapping[str, Route]

    def route(self, *, asked: bool) -> Route:
        """How answers to a question are judged, or texts without one."""
        return self.routes["asked" if asked else "unasked"]

    def rows(self, told: Sequence[Findings]) -> Array:
        """The features as a matrix, one sentence a row."""
        return np.array([[one.values[name] for name in self.features] for one in told], float)

    def judge(self, told: Sequence[Findings], *, asked: bool) -> Judgement:
        """Of an answer with at least one sentence."""
        route, rows = self.route(asked=asked), self.rows(told)
        single = sigmoid(self.trees(rows))
        if route.linear_share:
            single = (1 - route.linear_share) * single + route.linear_share * sigmoid(self.linear(rows))
        single = with_explicit(single, self.explicit(rows), [one.copied for one in told], route)
        single = np.maximum(single, [_least(one, alone=len(told) == 1) for one in told])
        total = total_odds(single, new_wording(told), route)
        odds = route.slope * total + route.length * np.log(len(told)) + route.offset
        answer = float(sigmoid(np.array(odds)))
        if len(told) == 1 and _all_foreign(told[0]):
            answer = max(answer, CONTRADICTED)
        return Judgement(answer, single)


def _all_foreign(one: Findings) -> bool:
    """Whether a short answer has no word of content that a context has. Training has no such short answers."""
    return len(one.words) <= SHORT and bool(one.heavy) and len(one.foreign) == len(one.heavy)


def _least(one: Findings, *, alone: bool) -> float:
    """What a sentence's probability is at least, by what it says against the passage that carries it.

    A rule, not learnt: people seldom marked such sentences in training, where most of the answer was carried.
    """
    carried = one.values["carried_1"]
    if (one.lost_numbers and carried >= RENUMBERED) or (one.denied and carried >= DENIED):
        return CONTRADICTED
    return ANOTHER if alone and (_names_another(one) or _contradicts(one)) else 0.0


def _names_another(one: Findings) -> bool:
    """Whether a short answer is a name or a number that no context has. Training has no such short answers."""
    said = [word for word in one.hard if word.text[0].isupper() or word.text[0].isdigit()]
    return len(one.words) <= SHORT and (bool(said) or bool(one.lost_numbers)) and not one.values["hedges"]


def _contradicts(one: Findings) -> bool:
    """Whether it says nearly what a passage says, but denied, the other way round, or with another number."""
    carried = one.values["carried_1"]
    other = one.denied or bool(one.opposites)
    return (other and carried >= NEARLY) or (bool(one.lost_numbers) and carried >= CLOSE)


def sigmoid(odds: Array) -> Array:
    """Probabilities of log odds."""
    told: Array = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return told


def new_wording(told: Sequence[Findings]) -> float:
    """Share of the triples of words that no context has."""
    size = [len(one.words) for one in told]
    return sum(one.values["new_trigrams"] * n for one, n in zip(told, size, strict=True)) / sum(size)


def with_explicit(single: Array, explicit: Array, copied: Sequence[bool], route: Route) -> Array:
    """Probabilities of sentences with their explicit mismatches; what is copied stays supported."""
    bounded = np.clip(single, 1e-6, 1 - 1e-6)
    raised = sigmoid(np.log(bounded / (1 - bounded)) + route.explicit * explicit)
    return np.where(copied, np.minimum(raised, COPIED), raised)


def total_odds(single: Array, wording: float, route: Route) -> float:
    """Log odds of the answer before they are calibrated."""
    none = float(np.log1p(-np.clip(single, 0, 1 - 1e-6)).sum())
    some = -np.expm1(none) if route.pool == "any" else single.max()
    bounded = min(max(float(some), 1e-4), 1 - 1e-4)
    return float(np.log(bounded / (1 - bounded)) + route.novelty * (log_wording(wording) - route.usual))


def log_wording(share: float) -> float:
    """Tells copied texts apart, in which a little new wording says much."""
    return float(np.log(share + 0.02))


def model(told: Mapping[str, Any]) -> Model:
    """From the artefact's JSON."""
    names = tuple(told["features"])
    words = {name: {stem: value / 100 for stem, value in told[name].items()} for name in ("idf", "risk")}
    return Model(
        told["version"],
        Weights(words["idf"], told["rare"], words["risk"]),
        names,
        Trees.read(told["boosted"]),
        _linear(told["linear"], names),
        _linear(told["explicit"], names),
        {name: Route(**route) for name, route in told["routes"].items()},
    )


def _linear(told: Mapping[str, Any], names: Sequence[str]) -> Linear:
    columns = [names.index(name) for name in told["weights"]]
    return Linear(np.array(columns, np.int64), np.array(list(told["weights"].values()), float), told["constant"])


@cache
def shipped() -> Model:
    """The model that comes with the package; read once."""
    return model(json.loads(ARTEFACT.read_bytes()))
