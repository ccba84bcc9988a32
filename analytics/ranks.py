"""Scores whose order alone means something, such as grades: which variant's are higher, and how often."""

from __future__ import annotations

import numpy as np

from analytics import contrast
from analytics.columns import Floats
from analytics.contrast import Codes, Contrast, Moved


def superiority(a: Floats, b: Floats, clusters_a: Codes, clusters_b: Codes) -> Contrast:
    """The chance that a score of `b` is above one of `a`, ties counting half, less one half.

    Its test is Brunner and Munzel's (2000, Biometrical Journal 42, 17-25), with Student's distribution, and that of
    Brunner, Domhof and Langer's kind where scores come in clusters: errors are of sums over clusters.
    """
    above, under = _placed(b, a), _placed(a, b)
    return contrast.contrast(
        Moved(0.5, (under - under.mean()) / a.size, clusters_a),
        Moved(float(above.mean()), (above - above.mean()) / b.size, clusters_b),
    )


def _placed(values: Floats, among: Floats) -> Floats:
    """The share of `among` below each value, ties counting half."""
    ordered = np.sort(among)
    low, high = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    placed: Floats = (low + high) / (2 * among.size)
    return placed


def rank_biserial(differences: Floats) -> float:
    """Signed ranks of the differences, summed, as a share of the sum of ranks; of no difference 0."""
    signed = signed_ranks(differences)
    total = float(np.abs(signed).sum())
    return float(signed.sum()) / total if total else 0.0


def wilcoxon(differences: Floats) -> tuple[float, str]:
    """The two-sided p-value of Wilcoxon's signed ranks (1945), by scipy: exact for few. Of no difference it is 1."""
    from scipy import stats  # noqa: PLC0415 - 0.4 s, and only where ranks are asked for

    if not differences.any():
        return 1.0, "Wilcoxon signed-rank test"
    return float(stats.wilcoxon(differences).pvalue), "Wilcoxon signed-rank test"


def signed_ranks(differences: Floats) -> Floats:
    """Ranks of the sizes, with the signs of the differences; no difference is 0, and is not ranked."""
    from scipy import stats  # noqa: PLC0415 - as above

    found = np.zeros(differences.size)
    some = differences != 0
    found[some] = stats.rankdata(np.abs(differences[some])) * np.sign(differences[some])
    return found
