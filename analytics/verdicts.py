"""What a comparison comes to, once all that was compared with it is taken into account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analytics.compared import Compared, Verdict
from analytics.multiple import Method, adjusted


def decide(found: Sequence[Compared], level: float, method: Method, *, equivalence: bool) -> list[Compared]:
    """Adjusted p-values and verdicts, in the order of what was found.

    `better` and `worse` (of b; `higher` and `lower` where nobody says which is better): the adjusted p-value is below
    1 - level. `equivalent`: both one-sided p-values of the difference being within the margin are, as adjusted
    (Schuirmann 1987; the interval of level 2 level - 1 lies within). `non-inferior`: the adjusted p-value of b being
    worse by less than the margin is below (1 - level) / 2, so that it says the same as the interval (ICH E9). `not
    enough data`: there is no p-value, or no outcome of so few items could have had one that low. Else `no difference
    found`, which is no proof that there is none: see `mde`.
    """
    asked = adjusted([one.p for one in found], method)
    plain = adjusted([one.p_difference for one in found], method)
    return [
        replace(one, p_adjusted=p, p_difference_adjusted=q, verdict=_verdict(one, p, q, 1 - level, equivalence))
        for one, p, q in zip(found, asked, plain, strict=True)
    ]


def _verdict(one: Compared, p: float | None, p_difference: float | None, alpha: float, equivalence: bool) -> Verdict:
    if one.difference is None or p is None or p_difference is None:
        return "not enough data"
    differs = p_difference < alpha and one.difference != 0
    within = one.margin is not None and p < (alpha if equivalence else alpha / 2)
    if within and equivalence:
        return "equivalent"
    if differs and _improves(one) is not False:
        return _direction(one)
    if within:
        return "non-inferior"
    if differs:
        return _direction(one)
    return "not enough data" if one.least >= alpha else "no difference found"


def _improves(one: Compared) -> bool | None:
    """Whether b is better as far as the difference goes. Null: nobody says which is."""
    if one.better is None or one.difference is None:
        return None
    return (one.difference > 0) == (one.better == "higher")


def _direction(one: Compared) -> Verdict:
    improves = _improves(one)
    if improves is None:
        return "higher" if (one.difference or 0.0) > 0 else "lower"
    return "better" if improves else "worse"
