"""Comparisons within slices, such as topics or languages, and whether they and the total say opposite things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import contrast
from analytics.compared import Compared, Metric, Options
from analytics.comparison import measured, pairs_of
from analytics.contrast import Moved
from analytics.samples import Codes, Samples, side
from analytics.verdicts import decide

UNKNOWN = "unknown"  # the slice of rows that name none


@dataclass(frozen=True, slots=True)
class Simpson:
    """A metric of two variants in which the total and its slices point to opposite sides (Simpson 1951).

    The slices come in other shares to the variants, which makes (or hides) the total's difference.
    """

    metric: str
    a: str
    b: str
    total: float  # b less a over all items
    alike: float  # what it would be if both variants had the slices in the shares of all items
    low: float | None  # of `alike`
    high: float | None
    slices: int
    against: int  # of those, with a difference on the other side of 0 than the total's
    clear: bool = True  # whether an interval leaves 0 out: of the total, or of `alike`


def sliced(
    found: Samples, labels: Sequence[object], metrics: Sequence[Metric], options: Options | None = None
) -> tuple[list[Compared], list[Simpson]]:
    """The total and every slice, decided together, so that p-values are adjusted over all; and the paradoxes.

    Slices follow the total, sorted by name; a slice that only one variant has is compared too, and has not enough data.

    Args:
        found: long rows.
        labels: the slice of each row; null: `unknown`.
        metrics: to compare.
        options: as of `compare`.
    """
    options = options or Options()
    names = np.array([UNKNOWN if one is None or one != one else str(one) for one in labels], object)  # noqa: PLR0124 - NaN
    codes, every = pd.factorize(names, sort=True)
    all_of_it = measured(found, metrics, options)
    for at, name in enumerate(every):
        all_of_it += measured(found.of(codes == at), metrics, options, str(name))
    decided = decide(all_of_it, options.level, options.adjust, equivalence=options.equivalence)
    return decided, simpson(found, codes.astype(np.intp), metrics, decided, options)


def simpson(
    found: Samples, codes: Codes, metrics: Sequence[Metric], compared: Sequence[Compared], options: Options
) -> list[Simpson]:
    """Where the total's difference and that of slices weighted alike have opposite signs.

    One of both is clear, or every slice is on the other side than the total.

    Weights are the slices' shares of the items of both variants (direct standardisation), over slices that both have;
    the interval is Student's by clusters. Of means and shares alone: quantiles and ratios do not add up by slices.
    """
    whole = [one for one in compared if one.adds_up]
    totals = {(one.metric, one.a, one.b): one for one in whole if one.slice is None}
    result = []
    for metric in metrics:
        if metric.q is not None or metric.per is not None:
            continue
        for a, b in pairs_of(found.names, options.baseline):
            total = totals[metric.name, found.names[a], found.names[b]]
            alike = None if total.paired else standardised(found, codes, metric.column, a, b)
            if alike is None or total.difference is None or alike.value * total.difference >= 0:
                continue
            low, high = alike.ends((1 - options.level) / 2)
            gaps = [
                one.difference
                for one in whole
                if one.slice is not None and (one.metric, one.a, one.b) == (total.metric, total.a, total.b)
                if one.difference is not None
            ]
            against = sum(gap * total.difference < 0 for gap in gaps)
            clear = _clear(low, high) or _clear(total.ci_low, total.ci_high)
            if clear or (against == len(gaps) and against > 1):
                told = (total.difference, alike.value, low, high, len(gaps), against, clear)
                result.append(Simpson(total.metric, total.a, total.b, *told))
    return result


def standardised(found: Samples, codes: Codes, metric: str, a: int, b: int) -> contrast.Contrast | None:
    """The difference of two variants that had each slice in the same share. Null: they have no slice in common."""
    sides = [[side(found.of(codes == at), variant, metric) for variant in (a, b)] for at in range(int(codes.max()) + 1)]
    shared = [pair for pair in sides if pair[0].ids.size and pair[1].ids.size]
    if not shared:
        return None
    sizes = np.array([pair[0].ids.size + pair[1].ids.size for pair in shared], float)
    weights = (sizes / sizes.sum()).tolist()
    whole = []
    for at in (0, 1):
        parts = [contrast.mean(pair[at].means, pair[at].clusters) for pair in shared]
        whole.append(
            Moved(
                sum(weight * part.value for weight, part in zip(weights, parts, strict=True)),
                np.concatenate([weight * part.moves for weight, part in zip(weights, parts, strict=True)]),
                np.concatenate([part.clusters for part in parts]),
            )
        )
    return contrast.contrast(*whole)


def _clear(low: float | None, high: float | None) -> bool:
    return (low is not None and low > 0) or (high is not None and high < 0)
