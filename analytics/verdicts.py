"""What a comparison comes to, once all that was compared with it is taken into account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analytics.compared import ORDINAL, Compared, Verdict
from analytics.multiple import Method, adjusted


def decide(found: Sequence[Compared], level: float, method: Method, *, equivalence: bool) -> list[Compared]:
    """Adjusted p-values and verdicts, in the order of what was found.

    `better` and `worse` (of b; `higher` and `lower` where nobody says which is better): the adjusted p-value is below
    1 - level; which, the test's side says (`Compared.side`). `equivalent` and `non-inferior`: that of being within the
    margin is; of non-inferiority p is doubled. `not enough data`: there is no p-value, or no outcome of so few items
    could have had one that low. Else `no difference found`, which is no proof that there is none: see `mde`.

    All p-values of differences and of margins are one family. No difference and one beyond the margin are not both
    true, so that a metric counts once in it, with a margin or without, and what has none is not the less sure because
    others have; of ordered scores, where the first is of ranks and the second of means, it counts twice. `p`,
    `p_adjusted` and `test` are those that the verdict is by.
    """
    n = len(found)
    groups = [*range(n), *(n + at if one.statistic == ORDINAL else at for at, one in enumerate(found))]
    every = adjusted([*(one.p_difference for one in found), *(one.p_margin for one in found)], method, groups)
    alpha = 1 - level
    decided = []
    for one, p, q in zip(found, every[:n], every[n:], strict=True):
        verdict = _verdict(one, p, q, alpha, equivalence)
        whole = replace(one, p_difference_adjusted=p, p_margin_adjusted=q, verdict=verdict)
        decided.append(_told(whole, equivalence=equivalence))
    return decided


def _told(one: Compared, *, equivalence: bool) -> Compared:
    """With the p-value and the test that the verdict is by."""
    if one.verdict not in {"equivalent", "non-inferior"}:
        return replace(one, p=one.p_difference, p_adjusted=one.p_difference_adjusted)
    both = equivalence or one.better is None
    by = "Student's t of means" if one.statistic == ORDINAL else one.test
    name = f"{'two one-sided tests' if both else 'non-inferiority'} within {one.margin:g}: {by}"
    return replace(one, test=name, p=one.p_margin, p_adjusted=one.p_margin_adjusted)


def _verdict(one: Compared, p: float | None, p_margin: float | None, alpha: float, equivalence: bool) -> Verdict:
    if one.difference is None or p is None:
        return "not enough data"
    differs = p < alpha and one.side != 0
    within = p_margin is not None and p_margin < alpha
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
    """Whether b is better as far as the test's side goes. Null: nobody says which is."""
    return None if one.better is None else (one.side > 0) == (one.better == "higher")


def _direction(one: Compared) -> Verdict:
    improves = _improves(one)
    if improves is None:
        return "higher" if one.side > 0 else "lower"
    return "better" if improves else "worse"
