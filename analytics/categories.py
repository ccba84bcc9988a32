"""Categories, such as models, tools or finish reasons: whether they come in other shares than they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics import special
from analytics.columns import Floats
from analytics.relabelling import Codes, Relabelled, Two, relabelled

EXPECTED = 5.0
"""Expected count of each category and side, from which chi-squared's own distribution holds (Cochran 1954)."""
MOST = 1_000
"""Categories that are counted in every draw: 200,000 would take a minute and 3 GB. The rarest beyond them are one."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Two samples of categories. Rows without a category are left out before."""

    statistic: float  # Pearson's chi-squared; 0.0: there is one category
    p: float
    test: str
    distance: float  # Jensen-Shannon, 0 (same shares) to 1 (nothing in common)
    new: tuple[str, ...]  # of the current sample alone, the most frequent first
    vanished: tuple[str, ...]  # of the reference alone, likewise
    moved: tuple[tuple[str, float], ...]  # category and its share, current less reference; the largest moves first
    drawn: Relabelled | None = None  # by categories; null: p is of chi-squared's distribution


def coded_together(reference: Sequence[str], current: Sequence[str]) -> tuple[Codes, Codes, list[str]]:
    """Places of both samples' categories in one sorted list of names, and that list."""
    names = sorted({*reference, *current})
    place = {name: at for at, name in enumerate(names)}
    first, second = (np.array([place[name] for name in side], np.intp) for side in (reference, current))
    return first, second, names


def shift(found: Two, names: Sequence[str], seed: int = 0, settled: float | None = None) -> Shift:
    """Pearson's chi-squared (1900) and the Jensen-Shannon distance of two samples.

    With clusters, or where an expected count is below `EXPECTED`, p is of relabelled samples, else of chi-squared's
    distribution. Both samples have a row at least. `settled`: see `relabelling.relabelled`.
    """
    reference, current = found.counts()
    if len(names) > MOST:
        return _of_most(found, names, seed, settled)
    statistic = float(chi_squared(reference, current))
    expected = (reference + current) * min(reference.sum(), current.sum()) / (reference.sum() + current.sum())
    drawn = None
    if len(names) < 2:
        p, test = 1.0, "chi-squared test"
    elif found.clusters is None and float(expected.min()) >= EXPECTED:
        p, test = float(special.chdtrc(len(names) - 1, statistic)), "chi-squared test"
    else:
        drawn = relabelled(found, statistic, chi_squared, seed, settled)
        p = drawn.p
        test = "chi-squared permutation test" + ("" if found.clusters is None else " by clusters")
    gaps = current / current.sum() - reference / reference.sum()
    return Shift(
        statistic, p, test, float(jensen_shannon(reference, current)),
        _only(names, current, reference), _only(names, reference, current),
        _moved(names, gaps), drawn,
    )  # fmt: skip


def _of_most(found: Two, names: Sequence[str], seed: int, settled: float | None) -> Shift:
    """With the rarest categories as one in the test, and each its own in the rest."""
    reference, current = found.counts()
    tested = shift(fewer(found), [*map(str, range(MOST))], seed, settled)
    gaps = current / current.sum() - reference / reference.sum()
    return replace(
        tested, test=f"{tested.test}, rarest as one", distance=float(jensen_shannon(reference, current)),
        new=_only(names, current, reference), vanished=_only(names, reference, current), moved=_moved(names, gaps),
    )  # fmt: skip


def fewer(found: Two) -> Two:
    """The same, of more than `MOST` bins with the rarest as one."""
    if found.bins <= MOST:
        return found
    reference, current = found.counts()
    place = np.empty(found.bins, np.intp)
    place[np.argsort(-(reference + current), kind="stable")] = np.minimum(np.arange(found.bins), MOST - 1)
    return Two(place[found.reference], place[found.current], MOST, found.clusters)


def _moved(names: Sequence[str], gaps: Floats) -> tuple[tuple[str, float], ...]:
    return tuple((names[at], float(gaps[at])) for at in np.argsort(-np.abs(gaps), kind="stable") if gaps[at] != 0)


def chi_squared(reference: Floats, current: Floats) -> Floats:
    """Of counts by bin along the last axis: Pearson's statistic of two samples of the same bins, empty bins left out.

    With scaled counts (Press et al., Numerical Recipes, 14.3) it is that of the table of both samples, which
    `scipy.stats.chi2_contingency` has without correction.
    """
    n, m = (side.sum(axis=-1, keepdims=True) for side in (reference, current))
    both = reference + current
    gaps = np.square(np.sqrt(m / n) * reference - np.sqrt(n / m) * current)
    return np.asarray(np.divide(gaps, both, out=np.zeros(both.shape), where=both > 0).sum(axis=-1))


def jensen_shannon(reference: Floats, current: Floats) -> Floats:
    """Of counts by bin along the last axis: the distance in base 2, the root of the divergence (Lin 1991), 0 to 1."""
    p, q = (side / side.sum(axis=-1, keepdims=True) for side in (reference, current))
    middle = (p + q) / 2
    divergence = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2))
    return np.asarray(np.sqrt(np.clip(divergence, 0, 1)))


def _only(names: Sequence[str], here: Floats, there: Floats) -> tuple[str, ...]:
    order = np.argsort(-here, kind="stable")
    return tuple(names[at] for at in order if here[at] > 0 and there[at] == 0)
