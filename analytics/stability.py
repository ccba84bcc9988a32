"""The population stability index, with edges that the reference froze and a threshold by the number of rows.

The usual thresholds of 0.1 and 0.2 are artefacts of the sample's size: of two samples of 50 that do not differ, in ten
bins, 98 % are above 0.1, and of two of 1,000 none. Without a difference the index is about
`(1/n + 1/m) chi2(bins - 1)` (Yurdakul 2018, Statistical Properties of Population Stability Index, Western Michigan
University), and its threshold is that distribution's quantile; of few rows or with clusters, of relabelled samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics import special
from analytics.columns import Floats
from analytics.relabelling import DRAWS, Codes, Two, p_value

BINS = 10
LAW = 200  # rows of each side, from which the index has its distribution


@dataclass(frozen=True, slots=True)
class Index:
    """How far shares of bins moved."""

    value: float  # 0: not at all
    threshold: float  # exceeded with a chance of alpha where nothing moved
    p: float
    bins: int


def edges(reference: Floats, bins: int = BINS) -> Floats:
    """Inner edges of bins with as many values of the reference each: to be kept, so that they are the same tomorrow.

    Equal values are never parted, so that of few distinct values there are fewer bins. NaN is left out.
    """
    kept = reference[~np.isnan(reference)]
    if not kept.size:
        return np.empty(0)
    ranks = -(-kept.size * np.arange(1, bins) // bins) - 1  # in whole numbers: 0.3 of 1,000 is not 301
    inner = np.unique(np.sort(kept)[ranks])
    return np.asarray(inner[inner < kept.max()])


def placed(values: Floats, frozen: Floats) -> Codes:
    """The bin of each value: a value at an edge is below it."""
    return np.searchsorted(frozen, values, side="left").astype(np.intp)


def index(found: Two, alpha: float = 0.05, seed: int = 0, drawn: tuple[Floats, Floats] | None = None) -> Index:
    """The index of two samples by bins, with its threshold at this alpha.

    Half a row is added to every bin, of both samples, so that an empty one does not make it infinite.

    Args:
        found: both samples.
        alpha: of the threshold.
        seed: of the draws.
        drawn: counts as `Two.drawn` gives them, for whoever has drawn them; null: they are drawn here.
    """
    value = float(of_counts(*found.counts()))
    n, m = found.reference.size, found.current.size
    if found.bins < 2:
        return Index(0.0, 0.0, 1.0, found.bins)
    if found.clusters is None and min(n, m) >= LAW:
        scale = 1 / n + 1 / m
        threshold = float(special.chdtri(found.bins - 1, alpha)) * scale
        return Index(value, threshold, float(special.chdtrc(found.bins - 1, value / scale)), found.bins)
    made = of_counts(*(drawn or found.drawn(DRAWS, seed)))
    return Index(value, float(np.quantile(made, 1 - alpha)), p_value(value, made, found.least()), found.bins)


def of_counts(reference: Floats, current: Floats) -> Floats:
    """The index of counts by bin along the last axis: sum of (q - p) ln(q / p)."""
    first, second = (side + 0.5 for side in (reference, current))
    p, q = (side / side.sum(axis=-1, keepdims=True) for side in (first, second))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))
