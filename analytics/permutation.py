"""Few observations: all that chance could have made of them is counted, by clusters. No distribution is assumed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.columns import Floats
from analytics.paired import EXACT, flip_test

MOST = 20  # clusters of both sides, up to which all relabellings are counted: at most 184,756


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """A difference with all that it could have been."""

    value: float
    p: float  # two-sided
    least: float  # p-value of the clearest result that so few clusters could have given
    thresholds: Floats  # sorted: of each other relabelling, the true difference at which it would be as far out

    def ends(self, tail: float) -> tuple[float | None, float | None]:
        """Bounds with an error of at most `tail` each: the differences that the test does not rule out.

        They are ordered thresholds (Hartigan 1969, JASA 64, 1303-1317). Null: so few clusters rule out none.
        """
        of = self.thresholds.size + 1
        rank = int(np.floor(tail * of * (1 + 1e-12)))
        if rank < 1:
            return None, None
        return float(self.thresholds[rank - 1]), float(self.thresholds[-rank])

    def above(self, bound: float) -> float:
        """The p-value of the difference being above the bound."""
        found = 1 + np.searchsorted(self.thresholds, bound, side="right")
        return float(found / (self.thresholds.size + 1)) if self.value > bound else 1.0

    def below(self, bound: float) -> float:
        """The p-value of the difference being below the bound."""
        found = 1 + self.thresholds.size - np.searchsorted(self.thresholds, bound, side="left")
        return float(found / (self.thresholds.size + 1)) if self.value < bound else 1.0


def flips(sums: Floats, sizes: Floats) -> Exact | None:
    """The mean difference of pairs, from each cluster's sum and number of them, by flips of signs (Fisher 1935).

    With one pair a cluster it is scipy's `permutation_test(permutation_type="samples")`. Null: over 15 clusters.
    """
    if sums.size > EXACT:
        return None
    total, count = np.zeros(1), np.zeros(1)
    for value, size in zip(sums.tolist(), sizes.tolist(), strict=True):
        total, count = np.concatenate((total, total + value)), np.concatenate((count, count + size))
    thresholds = np.sort(total[1:] / count[1:])  # without the flip of none, which is what was seen
    return Exact(float(sums.sum() / sizes.sum()), flip_test(sums), 2.0 ** (1 - sums.size), thresholds)


def relabelled(sums_a: Floats, sizes_a: Floats, sums_b: Floats, sizes_b: Floats) -> Exact | None:
    """The difference of two means of clusters that the sides do not share, by all ways to label them.

    The two-sided p-value is twice the smaller one, as in scipy's `permutation_test`. Null: over 20 clusters, or none.
    """
    n = sums_a.size + sums_b.size
    if n > MOST or not sums_a.size or not sums_b.size:
        return None
    sums, sizes = np.concatenate((sums_a, sums_b)), np.concatenate((sizes_a, sizes_b))
    ours = np.concatenate((np.zeros(sums_a.size), sizes_b))  # of the units that carry the difference
    picked, total, count, carried = (np.zeros(1) for _ in range(4))
    for value, size, own in zip(sums.tolist(), sizes.tolist(), ours.tolist(), strict=True):
        picked, total = np.concatenate((picked, picked + 1)), np.concatenate((total, total + value))
        count, carried = np.concatenate((count, count + size)), np.concatenate((carried, carried + own))
    kept = picked == sums_b.size
    total, count, carried = total[kept], count[kept], carried[kept]
    rest = sizes.sum() - count
    made = total / count - (sums.sum() - total) / rest
    moved = carried / count - (ours.sum() - carried) / rest
    value = float(sums_b.sum() / sizes_b.sum() - sums_a.sum() / sizes_a.sum())
    slack = 1e-12 * float(np.abs(sums).sum() / sizes.sum())  # equal means may differ in their last bits
    tails = float((made >= value - slack).mean()), float((made <= value + slack).mean())
    other = moved < 1 - 1e-12
    thresholds = np.sort((value - made[other]) / (1 - moved[other]))
    return Exact(value, min(1.0, 2 * min(tails)), min(1.0, 2.0 / made.size), thresholds)
