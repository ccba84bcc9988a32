"""Rates, means and their differences: as the judge says them, by labels alone, and corrected by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analytics import differences
from analytics import prediction_powered as ppi
from analytics.intervals import Estimate
from analytics.misclassified import Counts, rogan_gladen
from analytics.prediction_powered import Powered, Rows
from server.calibration.asking import Asked, Pairs

METHODS = ("judge_only", "human_only", "ppi", "ppi_stratified", "rogan_gladen")
_FEW = "fewer than two rows (or clusters) have a label"


@dataclass(frozen=True, slots=True)
class Estimated:
    """One estimate of what people would say of all rows."""

    method: str
    of: Estimate  # n is of labels
    tuned: float | None  # the judge's weight
    why: str | None  # why there is no value, or no interval


def estimates(pairs: Pairs, asked: Asked) -> list[Estimated]:
    """In the order of `METHODS`; the stratified one where strata are named, Rogan and Gladen's of yes and no."""
    found = [_of(name, made(pairs), asked, pairs) for name, made in _made(asked, pairs).items()]
    corrected = _rogan_gladen(pairs, asked)
    return found if corrected is None else [*found, corrected]


def apart(a: Pairs, b: Pairs, asked: Asked) -> list[Estimated]:
    """What the second variant has more than the first; rows of one item, or cluster, move both."""
    found = []
    for name, made in _made(asked, a).items():
        sides = [None if name != "judge_only" and not one.rows.labelled.any() else made(one) for one in (a, b)]
        if sides[0] is None or sides[1] is None:
            found.append(Estimated(name, Estimate(None, None, None, 0), None, "a variant has no label"))
            continue
        of = sides[1].plus(sides[0].times(-1.0)).estimate(asked.level, normal=asked.normal)
        found.append(Estimated(name, of, None, None if of.low is not None else _FEW))
    corrected = [_rogan_gladen(one, asked) for one in (a, b)]
    if corrected[0] is not None and corrected[1] is not None:
        why = corrected[0].why or corrected[1].why
        of = differences.of_estimates(corrected[0].of, corrected[1].of)
        found.append(Estimated("rogan_gladen", of, None, why))
    return found


def naive(pairs: Pairs) -> Rows:
    """Rows as a page without correction counts them: the judge's yes where people say yes or no, else its score."""
    yes = pairs.judge_yes if pairs.human_yes is not None else None
    return pairs.rows if yes is None else Rows(pairs.rows.human, yes, pairs.rows.clusters)


def _made(asked: Asked, pairs: Pairs) -> Mapping[str, Callable[[Pairs], Powered]]:
    made: dict[str, Callable[[Pairs], Powered]] = {
        "judge_only": lambda one: ppi.judged(naive(one)),
        "human_only": lambda one: ppi.labelled(one.rows),
        "ppi": lambda one: ppi.powered(one.rows, asked.tuned),
    }
    if pairs.strata is not None:
        made["ppi_stratified"] = lambda one: _stratified(one, asked)
    return made


def _stratified(pairs: Pairs, asked: Asked) -> Powered:
    assert pairs.strata is not None  # noqa: S101 - asked for only where strata are
    codes = np.unique(pairs.strata, return_inverse=True)[1].astype(np.intp)
    return ppi.stratified(pairs.rows, ppi.pooled(pairs.rows, codes), asked.tuned)


def _of(name: str, found: Powered, asked: Asked, pairs: Pairs) -> Estimated:
    share = pairs.human_yes is not None and (name != "judge_only" or pairs.judge_yes is not None)
    of = found.estimate(asked.level, share=share, normal=asked.normal)
    return Estimated(name, of, found.tuned if name == "ppi" else None, None if of.low is not None else _FEW)


def _rogan_gladen(pairs: Pairs, asked: Asked) -> Estimated | None:
    """Null: judge or people do not say yes or no."""
    judge, human = pairs.judge_yes, pairs.human_yes
    if judge is None or human is None:
        return None
    there = pairs.rows.labelled
    yes, no = human[there] == 1, human[there] == 0
    said = judge[there] == 1
    found = rogan_gladen(
        Counts(int((judge[~there] == 1).sum()), int((~there).sum()), int((said & yes).sum()), int(yes.sum()),
               int((~said & no).sum()), int(no.sum())),
        asked.level,
    )  # fmt: skip
    if isinstance(found, str):
        return Estimated("rogan_gladen", Estimate(None, None, None, int(there.sum())), None, found)
    if pairs.grouped:
        why = "rows depend on one another, which this interval does not know"
        return Estimated("rogan_gladen", Estimate(found.value, None, None, found.n), None, why)
    return Estimated("rogan_gladen", found, None, None)
