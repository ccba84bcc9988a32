"""`assay agreement --consensus`: a label for each item in a file, and how right each labeller is by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from analytics import consensus as models
from analytics.consensus import Consensus, Majority
from analytics.ratings import Ratings
from server.agreement.asking import Asked, Told
from server.agreement.shell import NAMES
from server.compare.reading import ComparisonError
from server.evals.figures import counted, number
from server.jsontext import dumps

Row = dict[str, Any]
MOST_CATEGORIES = 30  # of which each labeller has a table of as many times as many chances


def written(told: Told, asked: Asked, path: Path) -> list[Row]:
    """Writes one line an item, sorted by it; gives one row a labeller, as coefficients are told.

    Raises:
        ComparisonError: the file cannot be written, or labels are too many.
    """
    found = told.ratings
    if len(found.categories) > MOST_CATEGORIES:
        raise ComparisonError(
            f"--consensus finds one of up to {MOST_CATEGORIES} labels, and there are {len(found.categories):,}. Of "
            "numbers, take the mean or median of an item's labels."
        )
    votes = models.majority(found)
    model = models.consensus(found, seed=asked.options.seed)
    try:
        path.write_bytes(b"".join(dumps(row) + b"\n" for row in _items(found, votes, model)))
    except OSError as error:
        raise ComparisonError(f"--consensus {path} cannot be written: {error.strerror}.") from error
    return [_labeller(found, model, at, asked) for at in range(found.names.size)]


def _items(found: Ratings, votes: Majority, model: Consensus) -> Iterator[Row]:
    names, entropies = found.categories, model.entropies().tolist()
    best, chances = model.chances.argmax(axis=1).tolist(), model.chances.round(6).tolist()
    for at, item in enumerate(found.ids.tolist()):
        label = int(votes.labels[at])
        n = int(votes.n[at])
        yield {
            "item": item, "label": names[best[at]], "probability": chances[at][best[at]],
            "probabilities": dict(zip(names, chances[at], strict=True)), "entropy": round(entropies[at], 6),
            "majority": None if label < 0 else names[label], "majority_share": float(votes.votes[at]) / n,
            "tied": [names[place] for place in np.flatnonzero(votes.tied[at])] if label < 0 else [], "n_labels": n,
        }  # fmt: skip


def _labeller(found: Ratings, model: Consensus, at: int, asked: Asked) -> Row:
    level = asked.options.level
    value, low, high, _ = models.share_right(model.expected[at], level)
    n = int((found.labellers == at).sum())
    name, head = str(found.names[at]), NAMES["dawid_skene_accuracy"]
    why = None if bool((found.counts() > 1).any()) else "no item has labels of two labellers: each is believed"
    said = (
        f"{head}, {name}: {number(value)} ({level:.0%} CI {number(low)} to {number(high)}), over {counted(n, 'item')}."
    )
    return {
        "coefficient": "dawid_skene_accuracy", "value": value, "ci_low": low, "ci_high": high, "n_items": n,
        "n_labellers": 1, "labellers": [name], "slice": None, "method": "jeffreys", "level": level,
        "confusion": _confusion(found, model, at, level), "converged": model.converged, "steps": model.steps,
        "starts": model.starts, "agreeing_starts": model.agreeing, "why": why, "sentence": said,
    }  # fmt: skip


def _confusion(found: Ratings, model: Consensus, at: int, level: float) -> list[Row]:
    """For each true label what the labeller says, and how sure the share is that is right."""
    names = found.categories
    rows = []
    for true, name in enumerate(names):
        of_it = np.zeros((2, 2))
        of_it[0, 0] = model.expected[at, true, true]
        of_it[0, 1] = model.expected[at, true].sum() - of_it[0, 0]
        _, low, high, n = models.share_right(of_it, level)
        said = dict(zip(names, model.confusion[at, true].round(6).tolist(), strict=True))
        rows.append({"true": name, "said": said, "expected_items": round(n, 3), "right_low": low, "right_high": high})
    return rows
