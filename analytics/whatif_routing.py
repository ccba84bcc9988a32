"""What moving calls from one model to another would have cost, and what it would have done to quality.

Calls are grouped by how hard they look before they are made (`Complexity`: thresholds that anybody can read), and by
what they are about where a column `topic` tells it (`analytics/topics.py`). Within a group the cost at the other model
is the same tokens at its price: a model that writes more than another is not foreseen, and the counts that both wrote
are told beside it. Quality is compared only where both models served calls of the group that were scored. Calls were
not assigned at random, so a group whose calls differ in more than its measure says can mislead; an experiment on one
dataset decides. Failed calls are counted, and neither priced nor scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics import differences, intervals, special
from analytics.columns import Bools, Floats, flags, numbers
from analytics.intervals import LEVEL, Estimate
from analytics.topics import NOT_TOLD

Verdict = Literal["better", "no worse", "worse", "not enough evidence"]
"""Of the quality's interval: above 0; above less the margin; below less the margin; none of these, or few scores."""

FEWEST_SCORES = 30  # on each side, for a comparison
POWER = 0.8

Reprice = Callable[[pd.DataFrame, str], ArrayLike]
"""Rows of calls and a model -> what each would have cost there, US dollars; NaN: unknown."""


@dataclass(frozen=True, slots=True)
class Complexity:
    """A measure of calls: for each column the values from which a call is one level up. Its level is its highest.

    `{"input_tokens": (2000, 20000), "tools": (1,)}` makes level 0 of calls with fewer than 2,000 tokens and no tools.
    """

    thresholds: Mapping[str, Sequence[float]]

    def __post_init__(self) -> None:
        for column, steps in self.thresholds.items():
            if list(steps) != sorted(set(steps)):
                raise ValueError(f"The thresholds of {column} must rise: {list(steps)}.")

    def levels(self, calls: pd.DataFrame) -> pd.Series[float]:
        """The level of each call, 0 upwards; null where one of the columns is null. Same index as `calls`."""
        level = np.zeros(len(calls))
        for column, steps in self.thresholds.items():
            values = numbers(calls, column)
            found = np.searchsorted(np.asarray(steps, dtype=float), values, side="right").astype(float)
            level = np.maximum(level, np.where(np.isnan(values), np.nan, found))
        return pd.Series(level, index=calls.index, name="level")


@dataclass(frozen=True, slots=True)
class Move:
    """The calls of one group that one model served, had another served them. Costs are of the calls priced on both."""

    level: int
    topic: int | None  # as `Topics.of` tells it; null: calls are not grouped by it
    source: str
    target: str
    calls: int  # of the source, that ended well; of the drawn ones where the frame tells them
    priced: int  # of these, with both costs
    cost_usd: float
    target_usd: float
    saved_usd: float  # below 0: it would have cost more
    saved: Estimate  # share of the cost; clusters are slices or traces if the frame tells them, else calls
    saved_per_trace: Estimate  # US dollars, the mean over all traces (or calls) of the frame, with 0 where none moves
    output_tokens: Estimate  # mean of the source, which are priced
    target_output_tokens: Estimate  # mean of the target in the group; null: it served none
    quality: Estimate  # target less source, mean score; `n`: the smaller number of scores
    source_scores: int
    target_scores: int
    detectable: (
        float | None
    )  # smallest true difference that so many scores show four times of five; null: no spread known
    verdict: Verdict


def moves(
    calls: pd.DataFrame, complexity: Complexity, reprice: Reprice, *, margin: float = 0.05, model: str = "price_model",
    level: float = LEVEL,
) -> list[Move]:  # fmt: skip
    """Every move of a group's calls from each model that served it to each other model, the largest saving first.

    Of unknown savings, which come last, those with most scores first.

    `calls`: `failed`, `cost_usd`, `output_tokens`, `score` (null: not scored; higher is better), the columns of
    `complexity`, and `model` (null: left out). Optional: `topic`, by which levels are parted; `trace_id`; `slice`, of
    which all traces were drawn together, and which is the cluster then; and `drawn`: whether costs may be read off the
    call, as it is of a sample of all; others are there for their scores alone. Calls of an unknown level are left out;
    count them by `complexity.levels(calls).isna()`.
    `margin`: the loss of mean score that is still no worse (non-inferiority).
    Quality: scores that are all 0 or 1 are rates and compared by Newcombe's interval, others are means compared by
    Welch's. With fewer than 30 scores on a side the verdict is `not enough evidence`, whatever the interval.
    `detectable`: `(z(1 - a/2) + z(0.8)) * sqrt(var_s / n_s + var_t / n_t)`, from the scores' own variances (Miller
    2024, arXiv 2411.00640, section 5). Traces with several scored calls make the interval of quality too narrow.

    Raises:
        ValueError: `margin` is negative.
    """
    if margin < 0:
        raise ValueError(f"A margin of {margin} is none: it must be 0 or above.")
    levels = complexity.levels(calls)
    usable = ~flags(calls, "failed") & levels.notna().to_numpy(dtype=bool) & calls[model].notna().to_numpy(dtype=bool)
    kept = calls[usable]
    models = sorted(kept[model].astype(str).unique())
    units = _traces(calls[_drawn(calls)])
    found = []
    for at, group in kept.groupby([levels[usable], _topics(kept)], sort=True):
        step, topic = cast("tuple[float, int]", at)
        served = {str(name): rows for name, rows in group.groupby(model, sort=True)}
        for source, rows in served.items():
            for target in models:
                if target != source:
                    other = served.get(target, group.iloc[:0])
                    own = rows[_drawn(rows)]
                    cost = _cost(own, np.asarray(reprice(own, target), dtype=np.float64), units, level)
                    place = (int(step), int(topic) if "topic" in calls else None)
                    found.append(_move((*place, source, target), (rows, other), cost, margin, level))
    return sorted(found, key=_place)


def _place(move: Move) -> tuple[bool, float, int, int]:
    """The largest saving first; where none is known, the move whose quality rests on most scores."""
    return not move.priced, -move.saved_usd, -min(move.source_scores, move.target_scores), -move.calls


def pareto(cost: ArrayLike, quality: ArrayLike) -> Bools:
    """Which of the points no other beats: none costs no more and is no worse, with one of both better.

    Shapes (n,), the result too. Equal points are both kept. A point with a NaN is never on the front, nor beats one.

    Raises:
        ValueError: not as many costs as qualities.
    """
    x, y = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"{x.size} costs and {y.size} qualities: there must be one of each a point.")
    front = np.zeros(x.shape, dtype=np.bool_)
    best, at = -np.inf, np.nan
    for place in np.lexsort((-y, x)):
        if np.isnan(x[place]) or np.isnan(y[place]):
            continue
        if y[place] > best or (y[place] == best and x[place] == at):
            front[place], best, at = True, y[place], x[place]
    return front


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to serve all calls: a model for each level, or the models that served them."""

    models: Mapping[int, str]  # level -> model; empty: as it was
    usd_per_call: float
    quality: Estimate  # mean score, levels weighted by their calls; null: a model has too few scores on a level
    front: bool  # no other policy costs no more and scores no less


def best_moves(found: Sequence[Move]) -> list[Move]:
    """Of each group and source the move that saves most among those that are no worse, or better; the largest first.

    None of calls without a text: whoever routes a call has its text.
    """
    fitting = [
        move for move in found
        if move.verdict in {"better", "no worse"} and move.saved_usd > 0 and move.topic != NOT_TOLD
    ]  # fmt: skip
    best: dict[tuple[int, int | None, str], Move] = {}
    for move in sorted(fitting, key=lambda move: -move.saved_usd):
        best.setdefault((move.level, move.topic, move.source), move)
    return list(best.values())


def policies(
    calls: pd.DataFrame, complexity: Complexity, reprice: Reprice, *, model: str = "price_model", most: int = 600,
    level: float = LEVEL,
) -> list[Policy]:  # fmt: skip
    """What calls as they were, and every choice of a model per level, cost and score; as they were comes first.

    Topics are left aside: with them there were too many choices, of too few scores each.

    The columns of `moves`. Cost is the mean over the drawn calls of a level that are priced at the model, weighted by
    the calls of the level. Quality is the mean score of the model's own calls of the level, weighted alike; its
    interval squares and adds those of the means (of rates, if all scores are 0 or 1: Wilson), which takes scores for
    independent (Zou and Donner 2008, Stat. Med. 27). Models with fewer than 30 scores on a
    level have none there, and a policy with such a part is told with a null quality and is on no front. Beyond `most`
    choices only those of one model for all levels are told.
    """
    cells = _cells(calls, complexity, reprice, model)
    if not cells.weights:
        return []
    steps, models = sorted(cells.weights), cells.models
    choices = (
        product(models, repeat=len(steps)) if len(models) ** len(steps) <= most else ((m,) * len(steps) for m in models)
    )
    found = [_as_it_was(cells, level), *(_policy(cells, dict(zip(steps, one, strict=True)), level) for one in choices)]
    known = [one for one in found if not np.isnan(one.usd_per_call)]
    front = pareto([one.usd_per_call for one in known], [_nan(one.quality.value) for one in known])
    return [replace(one, front=bool(on)) for one, on in zip(known, front, strict=True)]


@dataclass(frozen=True, slots=True)
class _Cells:
    """By level and model: what a call costs there, and what scores there are."""

    models: list[str]
    weights: dict[int, float]  # share of the calls of each level
    usd: dict[tuple[int, str], float]
    scores: dict[tuple[int, str], Floats]
    shares: dict[tuple[int, str], float]  # of the calls of a level that the model served
    actual_usd: dict[int, float]  # mean cost of a call as it was


def _cells(calls: pd.DataFrame, complexity: Complexity, reprice: Reprice, model: str) -> _Cells:
    levels = complexity.levels(calls)
    usable = ~flags(calls, "failed") & levels.notna().to_numpy(dtype=bool) & calls[model].notna().to_numpy(dtype=bool)
    kept = calls[usable]
    models = sorted(kept[model].astype(str).unique())
    cells = _Cells(models, {}, {}, {}, {}, {})
    drawn_of_all = int(_drawn(kept).sum())
    for step, group in kept.groupby(levels[usable], sort=True):
        own, at = group[_drawn(group)], int(step)
        if not len(own):
            continue
        cells.weights[at] = len(own) / drawn_of_all
        cells.actual_usd[at] = _mean(numbers(own, "cost_usd"))
        for name in models:
            served = group[model].astype(str) == name
            cells.usd[at, name] = _mean(np.asarray(reprice(own, name), dtype=np.float64))
            cells.scores[at, name] = intervals.known(numbers(group[served], "score"))
            cells.shares[at, name] = float((own[model].astype(str) == name).mean())
    return cells


def _policy(cells: _Cells, chosen: dict[int, str], level: float) -> Policy:
    usd = sum(cells.weights[step] * cells.usd[step, name] for step, name in chosen.items())
    parts = [(cells.weights[step], cells.scores[step, name]) for step, name in chosen.items()]
    return Policy(chosen, float(usd), _mixed(parts, level), front=False)


def _as_it_was(cells: _Cells, level: float) -> Policy:
    usd = sum(weight * cells.actual_usd[step] for step, weight in cells.weights.items())
    parts = [
        (weight * cells.shares[step, name], cells.scores[step, name])
        for step, weight in cells.weights.items()
        for name in cells.models
        if cells.shares[step, name] > 0
    ]
    return Policy({}, float(usd), _mixed(parts, level), front=False)


def _mixed(parts: Sequence[tuple[float, Floats]], level: float) -> Estimate:
    n = min((scores.size for _, scores in parts), default=0)
    if n < FEWEST_SCORES:
        return Estimate(None, None, None, int(n))
    rates = all(np.isin(scores, (0.0, 1.0)).all() for _, scores in parts)
    told = [
        (weight, intervals.rate(int(scores.sum()), scores.size, level) if rates else intervals.mean(scores, level))
        for weight, scores in parts
    ]
    value = sum(weight * _nan(one.value) for weight, one in told)
    below = np.sqrt(sum((weight * (_nan(one.value) - _nan(one.low))) ** 2 for weight, one in told))
    above = np.sqrt(sum((weight * (_nan(one.high) - _nan(one.value))) ** 2 for weight, one in told))
    return Estimate(value, float(value - below), float(value + above), int(n))


def _mean(values: Floats) -> float:
    """Without what is unknown; NaN where all is."""
    known = intervals.known(values)
    return float(known.mean()) if known.size else np.nan


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def _drawn(calls: pd.DataFrame) -> Bools:
    return flags(calls, "drawn") if "drawn" in calls else np.ones(len(calls), dtype=np.bool_)


def _topics(calls: pd.DataFrame) -> pd.Series[Any]:
    return calls["topic"] if "topic" in calls else pd.Series(0, index=calls.index)


def _units(calls: pd.DataFrame) -> pd.Series[Any]:
    """What is sampled: slices, else traces, else calls."""
    names = [name for name in ("slice", "trace_id") if name in calls]
    return calls[names[0]] if names else pd.Series(np.arange(len(calls)), index=calls.index)


def _traces(calls: pd.DataFrame) -> pd.Series[Any]:
    """How many traces (or calls) each unit has."""
    units = _units(calls)
    return calls.get("trace_id", units).groupby(units.to_numpy()).nunique()


@dataclass(frozen=True, slots=True)
class _Cost:
    priced: int
    calls: int
    usd: float
    target_usd: float
    saved: Estimate
    per_trace: Estimate


def _cost(rows: pd.DataFrame, there: Floats, units: pd.Series[Any], level: float) -> _Cost:
    """`units`: all that were drawn, with their traces."""
    here = numbers(rows, "cost_usd")
    both = ~(np.isnan(here) | np.isnan(there))
    unit = _units(rows).to_numpy()[both]
    sums = pd.DataFrame({"saved": (here - there)[both], "cost": here[both]}).groupby(unit).sum()
    saved = intervals.ratio(sums["saved"], sums["cost"], level)
    mean = intervals.ratio(sums["saved"].reindex(units.index, fill_value=0.0), units, level)
    return _Cost(int(both.sum()), len(rows), float(here[both].sum()), float(there[both].sum()), saved, mean)


def _move(
    names: tuple[int, int | None, str, str], sides: tuple[pd.DataFrame, pd.DataFrame], cost: _Cost, margin: float,
    level: float,
) -> Move:  # fmt: skip
    source, target = (intervals.known(numbers(rows, "score")) for rows in sides)
    quality = _quality(source, target, level)
    tokens = [intervals.mean(numbers(rows, "output_tokens"), level) for rows in sides]
    return Move(
        level=names[0], topic=names[1], source=names[2], target=names[3], calls=cost.calls, priced=cost.priced,
        cost_usd=cost.usd, target_usd=cost.target_usd, saved_usd=cost.usd - cost.target_usd, saved=cost.saved,
        saved_per_trace=cost.per_trace,
        output_tokens=tokens[0], target_output_tokens=tokens[1], quality=quality,
        source_scores=int(source.size), target_scores=int(target.size),
        detectable=_detectable(source, target, level), verdict=_verdict(quality, margin),
    )  # fmt: skip


def _quality(source: Floats, target: Floats, level: float) -> Estimate:
    both = np.concatenate([source, target])
    if both.size and np.isin(both, (0.0, 1.0)).all():
        hits = int(source.sum()), int(target.sum())
        return differences.rate_difference(hits[0], source.size, hits[1], target.size, level)
    return differences.mean_difference(source, target, level)


def _detectable(source: Floats, target: Floats, level: float) -> float | None:
    if min(source.size, target.size) < 2:
        return None
    error = float(np.sqrt(source.var(ddof=1) / source.size + target.var(ddof=1) / target.size))
    return float(special.ndtri((1 + level) / 2) + special.ndtri(POWER)) * error if error else None


def _verdict(quality: Estimate, margin: float) -> Verdict:
    if quality.n < FEWEST_SCORES or quality.low is None or quality.high is None:
        return "not enough evidence"
    if quality.low > 0:
        return "better"
    if quality.low >= -margin:
        return "no worse"
    return "worse" if quality.high < -margin else "not enough evidence"
