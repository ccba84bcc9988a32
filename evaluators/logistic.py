"""A logistic regression that was trained elsewhere: weights by name, and the value from which it flags."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ARTEFACTS = Path(__file__).parent / "artefacts"


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of features; what is not among them does not count."""

    weights: Mapping[str, float]
    bias: float
    threshold: float  # a probability

    def __call__(self, features: Mapping[str, float]) -> float:
        """The probability."""
        logit = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(min(logit, 500.0), -500.0)))

    def scaled(self, features: Mapping[str, float]) -> float:
        """The probability on a scale where the threshold is a half: odds over the threshold's odds."""
        value = self(features)
        odds = value / max(1 - value, 1e-12) * (1 - self.threshold) / self.threshold
        return odds / (1 + odds)


@cache
def models(artefact: str) -> Mapping[str, Model]:
    """The models of one file of `evaluators/artefacts`."""
    told = json.loads((ARTEFACTS / f"{artefact}.json").read_text("utf-8"))
    return {
        name: Model(one["weights"], one["bias"], one["threshold"])
        for name, one in told.items()
        if isinstance(one, dict) and "weights" in one
    }
