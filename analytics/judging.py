"""Faults of judges that compare: leaning to a place, to length, to their own family. Counts in, estimates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics import special
from analytics.differences import rate_difference
from analytics.intervals import LEVEL, Estimate, mean, rate

_STEPS = 50  # of Newton's method, which takes less than ten where there is a maximum
_LEAST = 1e-6  # information below which the data are taken for separable: chances run to 0 and 1, without a maximum


def even_odds(hits: int, n: int) -> float:
    """The two-sided p-value of so many hits where both sides are as likely: the exact binomial test. 1 for n = 0."""
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}: hits must be between 0 and n.")
    return 1.0 if n == 0 else min(1.0, 2 * float(special.bdtr(min(hits, n - hits), n, 0.5)))


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Whether a judge leans to the answer that it is shown first.

    Pairs whose two orders gave different sides tell it: the same place won twice. The two orders of one pair are not
    independent, so that the test is over pairs and never over orders.
    """

    consistent: Estimate  # share of pairs that gave the same side, or a tie, in both orders
    first: Estimate  # share of first places among wins; a pair is one observation, as its orders are not independent
    first_of_inconsistent: Estimate  # of pairs in which one place won twice, the share in which it was the first
    p_value: float  # of an even share of those


def position_bias(straight: Sequence[str | None], swapped: Sequence[str | None], level: float = LEVEL) -> PositionBias:
    """From the places that won, `first`, `second` or `tie`, in the two orders of each pair.

    Pairs with a null, of which an order has no verdict, are left out.

    Raises:
        ValueError: there are not as many of the one as of the other.
    """
    pairs = [
        (one, other) for one, other in zip(straight, swapped, strict=True) if one is not None and other is not None
    ]
    same = sum({one, other} in ({"first", "second"}, {"tie"}) for one, other in pairs)
    twice = [one for one, other in pairs if one == other != "tie"]
    firsts = twice.count("first")
    shares = [_share_of_first(pair) for pair in pairs if set(pair) != {"tie"}]
    return PositionBias(
        rate(same, len(pairs), level), mean(shares, level), rate(firsts, len(twice), level),
        even_odds(firsts, len(twice)),
    )  # fmt: skip


def _share_of_first(pair: tuple[str, str]) -> float:
    won = [place for place in pair if place != "tie"]
    return won.count("first") / len(won)


@dataclass(frozen=True, slots=True)
class VerbosityBias:
    """Whether a judge leans to the longer answer. Longer may be better: `slope` is beside quality, where known."""

    longer: Estimate  # share of the longer answer's wins, over pairs that have a winner and differ in length
    p_value: float  # of an even share
    slope: Estimate  # logistic regression: log odds of A's win for each doubling of its length against B's


def verbosity_bias(
    lengths_a: ArrayLike,
    lengths_b: ArrayLike,
    wins_a: ArrayLike,
    quality: ArrayLike | None = None,
    level: float = LEVEL,
) -> VerbosityBias:
    """From lengths (of any unit, above 0), and 1 where A won, 0 where B did; a tie, 0.5, or NaN is left out.

    `quality` tells by how much A is really better, such as 1 and -1 by people's labels: it goes into the regression.
    """
    a, b, won = (np.asarray(told, dtype=float) for told in (lengths_a, lengths_b, wins_a))
    good = np.zeros_like(won) if quality is None else np.asarray(quality, dtype=float)
    kept = (won == 0) | (won == 1)
    doublings, won, good = np.log2(a[kept] / b[kept]), won[kept], good[kept]
    apart = doublings != 0
    hits = int(((doublings > 0) == (won == 1))[apart].sum())
    n = int(apart.sum())
    columns = [np.ones_like(won), doublings, *([] if quality is None else [good])]
    return VerbosityBias(
        rate(hits, n, level), even_odds(hits, n), _coefficient(np.column_stack(columns), won, 1, level)
    )


def _coefficient(x: NDArray[np.float64], y: NDArray[np.float64], place: int, level: float) -> Estimate:
    """One coefficient of a logistic regression, with Wald's interval; null where the likelihood has no maximum."""
    nothing = Estimate(None, None, None, int(y.size))
    weights = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        chance = special.expit(x @ weights)
        information = (x.T * (chance * (1 - chance))) @ x
        if y.size <= x.shape[1] or np.linalg.eigvalsh(information)[0] < _LEAST:
            return nothing
        step = np.linalg.solve(information, x.T @ (y - chance))
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    half = float(special.ndtri((1 + level) / 2) * np.sqrt(np.linalg.inv(information)[place, place]))
    value = float(weights[place])
    return Estimate(value, value - half, value + half, int(y.size))


def self_preference(comparisons: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """How often models of a judge's own family win before it, beside how often they do before other judges.

    `comparisons` has a row a comparison: `judge` (its family), `a` and `b` (families of the two models), and `winner`
    (a, b or tie). Those of two models of one family, and ties, are left out.

    Returns one row a family of judges, sorted: `judge`, `own_wins`, `own_n` (comparisons of its family with another),
    `own_rate` with `own_low` and `own_high`, `others_wins`, `others_n`, `others_rate` (the same family before other
    judges), and `difference` with `low` and `high` (Newcombe). What has no data is NaN. The difference is the bias only
    if other judges see like pairs.
    """
    told = comparisons[(comparisons["a"] != comparisons["b"]) & comparisons["winner"].isin(["a", "b"])]
    won = pd.Series(np.where(told["winner"] == "a", told["a"], told["b"]), index=told.index, dtype=object)
    rows = [_preference(family, told, won, level) for family in sorted(set(comparisons["judge"]))]
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "judge", "own_wins", "own_n", "own_rate", "own_low", "own_high", "others_wins", "others_n", "others_rate",
    "difference", "low", "high",
]  # fmt: skip


def _preference(family: str, told: pd.DataFrame, won: pd.Series, level: float) -> dict[str, object]:
    takes_part = (told["a"] == family) | (told["b"] == family)
    own, others = (takes_part & where for where in (told["judge"] == family, told["judge"] != family))
    wins, other_wins = (int((won[where] == family).sum()) for where in (own, others))
    n, other_n = int(own.sum()), int(others.sum())
    share, other_share = rate(wins, n, level), rate(other_wins, other_n, level)
    apart = rate_difference(other_wins, other_n, wins, n, level)
    return {
        "judge": family, "own_wins": wins, "own_n": n, "own_rate": share.value, "own_low": share.low,
        "own_high": share.high, "others_wins": other_wins, "others_n": other_n, "others_rate": other_share.value,
        "difference": apart.value, "low": apart.low, "high": apart.high,
    }  # fmt: skip
