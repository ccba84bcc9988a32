"""How values of two samples lie: shares of categories, or of bins that both samples share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Floats
from analytics.drifted import Kind
from analytics.explained import OTHERS

BINS = 24
MOST = 20  # categories; the others are one
_CUT = 0.005  # of values at either end, which stand in the outermost bin

Json = dict[str, Any]
Values = Sequence[Any] | NDArray[np.generic]


def shapes(kind: Kind, reference: Values, current: Values) -> Json | None:
    """Both samples as shares of their rows; null: one has none.

    `kind` (rate, categorical: rows of `label` and `share`; numeric: of `low`, `high` and `share`, bins in order that
    touch one another, and whose outermost ones hold what lies beyond), `n_reference`, `n_current` (rows with a value).

    Args:
        kind: of the values; an embedding's are numbers by which its rows are told apart.
        reference: known values alone.
        current: likewise.
    """
    if not len(reference) or not len(current):
        return None
    if kind == "categorical":
        sides = _of_names(reference, current)
    elif kind == "rate":
        sides = _of_rate(np.asarray(reference, float)), _of_rate(np.asarray(current, float))
    else:
        sides = _of_numbers(np.asarray(reference, float), np.asarray(current, float))
    return {
        "kind": "numeric" if kind == "embedding" else kind, "reference": sides[0], "current": sides[1],
        "n_reference": len(reference), "n_current": len(current),
    }  # fmt: skip


def _of_rate(values: Floats) -> list[Json]:
    share = float(values.mean())
    return [{"label": "yes", "share": share}, {"label": "no", "share": 1 - share}]


def _of_names(reference: Values, current: Values) -> tuple[list[Json], list[Json]]:
    """The categories that most rows of both have, by their mean share."""
    sides = [np.unique(np.asarray(side, str), return_counts=True) for side in (reference, current)]
    shares = [dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True)) for names, counts in sides]
    names = sorted({*shares[0], *shares[1]}, key=lambda name: (-sum(side.get(name, 0.0) for side in shares), name))
    kept, rest = names[:MOST], names[MOST:]
    told = [[{"label": name, "share": side.get(name, 0.0)} for name in kept] for side in shares]
    if rest:
        for rows, side in zip(told, shares, strict=True):
            rows.append({"label": OTHERS, "share": sum(side.get(name, 0.0) for name in rest)})
    return told[0], told[1]


def _of_numbers(reference: Floats, current: Floats) -> tuple[list[Json], list[Json]]:
    edges = _edges(np.concatenate([reference, current]))
    sides = []
    for values in (reference, current):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        shares = counts / values.size
        sides.append(
            [
                {"low": float(low), "high": float(high), "share": float(share)}
                for low, high, share in zip(edges, edges[1:], shares, strict=False)
            ]
        )
    return sides[0], sides[1]


def _edges(values: Floats) -> Floats:
    """Of few different values one bin each about it; else bins of one width."""
    own = np.unique(values)
    if 1 < own.size <= BINS // 2:
        middles = (own[1:] + own[:-1]) / 2
        return np.concatenate([[2 * own[0] - middles[0]], middles, [2 * own[-1] - middles[-1]]])
    low, high = (float(one) for one in np.quantile(values, [_CUT, 1 - _CUT]))
    if high <= low:
        low, high = float(own[0]), float(own[-1])
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
