"""What a comparison of variants says, as the page, the reports and the API have it: the same of runs and of traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analytics import clustered, clustered_quantiles, course, slices
from analytics.columns import Floats
from analytics.compared import Compared, Options
from analytics.comparison import compare
from analytics.intervals import Estimate
from analytics.multiple import Method
from analytics.samples import Samples, Side, common, samples, side
from analytics.whatif_routing import pareto
from server.compare import combined, figures, sentences
from server.compare.measures import ORDER, Measure, NotComparableError
from server.compare.stated import NOTHING, Stated
from server.evals.figures import counted, verb

LEVEL = 0.95
MOST_VARIANTS = 10
POINTS = 60  # values of a side up to which all are told
BINS = 30
PAIRS = 1_500  # points of a scatter
STEPS = 12  # of what is known over time
MOST_SLICES = 20
OTHER = "other slices"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What the user chose."""

    baseline: str  # a variant
    quality: str | None = None  # key of the measure that counts most; null: the first of quality
    adjust: Method = "bh"
    stated: Stated = NOTHING


@dataclass(frozen=True, slots=True)
class Read:
    """What a source hands over: one row per variant, item and repeat, with what is known of the variants."""

    rows: pd.DataFrame  # variant, item, cluster, a column per measure; `label` (slice) and `time` where there are any
    measures: Sequence[Measure]
    variants: Sequence[Json]  # `name` and what else is told of each, in their order
    paired: bool
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (measure, variant) -> why it is not compared
    notes: Sequence[str] = ()
    slices: Sequence[str] = ()  # what can be sliced by
    slice: str | None = None
    called: Sequence[str] = ()  # of items that are numbers what they are called
    others: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (measure, variant) -> rows of other things


class Sides:
    """Measures of variants by item, each made once."""

    def __init__(self, found: Samples) -> None:
        self.found, self.names = found, found.names
        self._made: dict[tuple[int, str], Side] = {}

    def of(self, at: int, key: str) -> Side:
        """A variant, by its place, in a measure."""
        if (at, key) not in self._made:
            self._made[at, key] = side(self.found, at, key)
        return self._made[at, key]


def composed(read: Read, question: Question, own: Json) -> Json:
    """The whole answer; `own`: what the source alone tells. See `GET /api/compare/runs` for the fields."""
    names = [str(one["name"]) for one in read.variants]
    found = _samples(read, names)
    measures, lone = _measured(found, read.measures, question.baseline)
    statistics = _statistics(found, measures)
    measures = question.stated.applied(measures, statistics)
    quality = chosen(measures, question.quality)
    measures = sorted(measures, key=lambda one: (one != quality, ORDER[one.kind]))
    options = Options(
        paired=read.paired, baseline=question.baseline, adjust=question.adjust,
        equivalence=question.stated.equivalence,
    )  # fmt: skip
    compared = _kept(compare(found, [one.metric() for one in measures], options), read)
    by_key = {one.key: one for one in measures}
    sides = Sides(found)
    variants = _in_order(names, question.baseline)
    told = [_pair(one, by_key[one.metric]) for one in compared]
    return {
        **own, "level": LEVEL, "adjust": question.adjust, "baseline": question.baseline, "paired": read.paired,
        "equivalence": question.stated.equivalence, "stated": _stated(measures, statistics),
        "quality": None if quality is None else quality.key,
        "variants": sorted(read.variants, key=lambda one: variants.index(one["name"])),
        "measures": [one.told(statistics[one.key]) for one in measures],
        "refused": [{"measure": key, "variant": name, "why": why} for (key, name), why in read.refused.items()],
        "headlines": headlines(compared, measures, variants),
        "pairs": told, "own": _own(sides, measures, statistics, read.others),
        "front": _front(sides, measures, quality, statistics), "spreads": _spreads(sides, measures, statistics),
        "scatters": _scatters(sides, quality, question.baseline, read) if read.paired else [],
        "course": _course(found, quality, question.baseline, read), **_sliced(found, measures, quality, options, read),
        "notes": [*read.notes, *lone, *_asides(compared, by_key)],
    }  # fmt: skip


def _measured(found: Samples, measures: Sequence[Measure], baseline: str) -> tuple[list[Measure], list[str]]:
    """The measures that the baseline and another variant have values of; in words what one alone has."""
    kept: list[Measure] = []
    lone: dict[str, list[str]] = {}
    for one in measures:
        known = ~np.isnan(found.metrics[one.key])
        names = [found.names[at] for at in np.unique(found.variants[known])]
        if baseline in names and len(names) > 1:
            kept.append(one)
        elif names:
            lone.setdefault(", ".join(names), []).append(one.title)
    return kept, [
        f"Of {', '.join(dict.fromkeys(titles))} only {names} {verb(len(names.split(', ')), 'has', 'have')} values."
        for names, titles in lone.items()
    ]


def chosen(measures: Sequence[Measure], asked: str | None) -> Measure | None:
    """The measure that counts most: the one asked for, else the first of quality, else the first; null: there is none.

    Raises:
        NotComparableError: the one that is asked for is not there.
    """
    if asked:
        for one in measures:
            if one.key == asked:
                return one
        raise NotComparableError(f"{asked!r} is not measured of these variants. Measured: {_listed(measures)}.")
    return next((one for one in measures if one.kind == "quality"), next(iter(measures), None))


def _stated(measures: Sequence[Measure], statistics: Mapping[str, str]) -> list[str]:
    """In sentences what was stated of measures: sides that nobody would have guessed so, and margins."""
    said = [
        f"{way.capitalize()} is better of {', '.join(names)}, as stated."
        for way in ("higher", "lower")
        if (names := [one.title for one in measures if one.better == way and one.guessed != way])
    ]
    margins = ", ".join(
        f"{figures.size(one.margin, one.unit, share=statistics[one.key] == 'share')} of {one.title}"
        + (f" {statistics[one.key]}" if one.q is not None else "")
        for one in measures
        if one.margin is not None
    )
    return said + ([f"Differences that do not matter, as stated: {margins}."] if margins else [])


def _listed(measures: Sequence[Measure]) -> str:
    return ", ".join(one.key for one in measures) or "nothing"


def _in_order(names: Sequence[str], baseline: str) -> list[str]:
    return [baseline, *(name for name in names if name != baseline)]


def _samples(read: Read, names: Sequence[str]) -> Samples:
    keys = [one.key for one in read.measures]
    rows = read.rows.copy(deep=False)
    for key, name in read.refused:
        rows[key] = rows[key].where(rows["variant"] != name)
    found = samples(rows, variant="variant", metrics=keys, item="item", cluster="cluster", order=list(names))
    lacking = [name for name in names if name not in found.names]
    if not lacking:
        return found
    return replace(found, names=(*found.names, *lacking))  # a variant without a row is told as one without a value


def _kept(compared: Sequence[Compared], read: Read) -> list[Compared]:
    """Without what is refused, which is told apart. Rows of other things, as of scores for calls, are not missing."""
    return [
        one if one.slice is not None else replace(
            one, missing_a=one.missing_a - read.others.get((one.metric, one.a), 0),
            missing_b=one.missing_b - read.others.get((one.metric, one.b), 0),
        )
        for one in compared
        if (one.metric, one.a) not in read.refused and (one.metric, one.b) not in read.refused
    ]  # fmt: skip


def _pair(one: Compared, measure: Measure) -> Json:
    """A comparison with its sentence."""
    said = sentences.verdict(replace(one, metric=measure.title), LEVEL)
    return asdict(one) | {"sentence": said, "tone": tone(one), "title": measure.words, "kind": measure.kind}


def headlines(compared: Sequence[Compared], measures: Sequence[Measure], variants: Sequence[str]) -> list[Json]:
    """Of each variant against the baseline one sentence: which is better, by how much, how sure, at what cost."""
    said = []
    for name in variants[1:]:
        mine = {one.metric: one for one in compared if one.b == name}
        if not measures or measures[0].key not in mine:
            continue
        first, *rest = [_part(mine[one.key], one) for one in measures if one.key in mine]
        beside = [one for one in rest if one.kind in {"failed", "cost"} or one.one.metric == "latency_ms.p95"]
        unknown = [what for kind, what in (("cost", "cost"), ("latency", "p95"))
                   if first.kind != kind and not any(one.kind == kind for one in beside)]  # fmt: skip
        said.append({
            "variant": name, "tone": tone(first.one), "verdict": first.one.verdict,
            "sentence": combined.sentence(first, beside, LEVEL, unknown),
        })  # fmt: skip
    return said


def _part(one: Compared, measure: Measure) -> combined.Part:
    return combined.Part(one, measure.kind, measure.title)


def tone(one: Compared) -> str:
    """good, bad, open (too little is known), or even."""
    return {"better": "good", "worse": "bad", "not enough data": "open"}.get(one.verdict, "even")


def _statistics(found: Samples, measures: Sequence[Measure]) -> dict[str, str]:
    """What is compared of each measure: share, mean, p95."""
    return {one.key: f"p{100 * one.q:g}" if one.q is not None else _mean_or_share(found, one) for one in measures}


def _mean_or_share(found: Samples, measure: Measure) -> str:
    values = found.metrics[measure.key]
    known = values[~np.isnan(values)]
    return "share" if bool(((known == 0) | (known == 1)).all()) else "mean"


def _own(
    found: Sides, measures: Sequence[Measure], statistics: Mapping[str, str], others: Mapping[tuple[str, str], int]
) -> list[Json]:
    """What each variant came to on its own, over all of its items with a value."""
    return [
        {"measure": one.key, "variant": name, **_estimate(mine, one, statistics[one.key]), "items": int(mine.ids.size),
         "missing": mine.missing - others.get((one.key, name), 0)}
        for one in measures
        for at, name in enumerate(found.names)
        for mine in [found.of(at, one.key)]
    ]  # fmt: skip


def _estimate(mine: Side, measure: Measure, statistic: str) -> Json:
    if not mine.ids.size:
        return asdict(Estimate(None, None, None, 0))
    if measure.q is not None:
        return asdict(clustered_quantiles.quantile_of(mine.rows(), measure.q).estimate(LEVEL))
    bounds = (0.0, 1.0) if statistic == "share" else None
    clusters = None if mine.alone else mine.clusters
    return asdict(clustered.estimate(clustered.mean_of(mine.means, clusters, bounds), LEVEL))


def _front(
    found: Sides, measures: Sequence[Measure], quality: Measure | None, statistics: Mapping[str, str]
) -> list[Json]:
    """Cost against quality of every variant; `front`: none costs no more and is no worse. Empty: no cost is told."""
    cost = next((one for one in measures if one.kind == "cost"), None)
    if cost is None or quality is None or quality.kind == "cost":
        return []
    costs, values = (
        [_estimate(found.of(at, of.key), of, statistics[of.key]) for at in range(len(found.names))]
        for of in (cost, quality)
    )
    sign = -1.0 if quality.better == "lower" else 1.0
    x, y = ([float("nan") if one["value"] is None else one["value"] for one in told] for told in (costs, values))
    on = pareto(x, [sign * value for value in y])
    return [
        {"variant": name, "cost": one, "quality": other, "front": bool(at)}
        for name, one, other, at in zip(found.names, costs, values, on, strict=True)
    ]


def _spreads(found: Sides, measures: Sequence[Measure], statistics: Mapping[str, str]) -> list[Json]:
    """How the values of each measure lie by variant: all of them where they are few, else counts in equal bins.

    The outermost two hundredths are told in the outermost bins. Shares and second quantiles of a measure are left out.
    """
    told, seen = [], set()
    for one in measures:
        base = one.key.partition(".p")[0] if one.q is not None else one.key
        if statistics[one.key] == "share" or base in seen:
            continue
        seen.add(base)
        values = {name: found.of(at, one.key).means for at, name in enumerate(found.names)}
        told.append({"measure": one.key, "title": one.words, **_spread(values)})
    return told


def _spread(values: Mapping[str, Floats]) -> Json:
    if all(one.size <= POINTS for one in values.values()):
        return {"points": {name: one.tolist() for name, one in values.items()}, "edges": None, "counts": None}
    low, high = np.quantile(np.concatenate(list(values.values())), [0.01, 0.99]).tolist()
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = {name: np.histogram(np.clip(one, edges[0], edges[-1]), edges)[0].tolist() for name, one in values.items()}
    return {"points": None, "edges": edges.tolist(), "counts": counts}


def _scatters(found: Sides, quality: Measure | None, baseline: str, read: Read) -> list[Json]:
    """Items of the baseline against each other variant in the chosen measure: how many are better, worse, alike."""
    if quality is None:
        return []
    first, told = found.of(found.names.index(baseline), quality.key), []
    for at, name in enumerate(found.names):
        if name == baseline or (quality.key, name) in read.refused:
            continue
        other = found.of(at, quality.key)
        both = common(first.ids, other.ids)
        x, y = (one.means[np.isin(one.ids, both, assume_unique=True)] for one in (first, other))
        sign = -1 if quality.better == "lower" else 1
        every = np.linspace(0, both.size - 1, min(both.size, PAIRS)).astype(np.intp) if both.size else both
        told.append({
            "variant": name, "items": int(both.size), "better": int((sign * (y - x) > 0).sum()),
            "worse": int((sign * (y - x) < 0).sum()), "x": x[every].tolist(), "y": y[every].tolist(),
            "names": [read.called[int(one)] for one in found.found.item_names[both[every]]],
            "cells": _cells(x, y),
        })  # fmt: skip
    return told


def _cells(x: Floats, y: Floats) -> list[Json]:
    """How many items have which two values, where both have at most two: then a scatter would show four dots."""
    kinds = np.unique(np.concatenate([x, y]))
    if kinds.size > 2:
        return []
    return [{"x": float(a), "y": float(b), "n": int(((x == a) & (y == b)).sum())} for a in kinds for b in kinds]


def _course(found: Samples, quality: Measure | None, baseline: str, read: Read) -> list[Json]:
    """The difference in the chosen measure up to each of twelve moments: what was known then. Of traffic alone.

    Rows of runs tell no time. Bounds hold at all moments and of all variants together.
    """
    if quality is None or "time" not in read.rows:
        return []
    times = read.rows["time"].to_numpy("datetime64[us]").astype(np.int64)
    return [
        {"variant": one.variant, "until": one.until, "difference": one.found.value, "low": one.found.low,
         "high": one.found.high, "n_a": one.n_a, "n_b": one.n_b}
        for one in course.course(found, quality.metric(), times, baseline, looks=STEPS, alpha=1 - LEVEL)
    ]  # fmt: skip


def _sliced(found: Samples, measures: Sequence[Measure], quality: Measure | None, options: Options, read: Read) -> Json:
    """The chosen measure and cost within slices, decided together; and where they and the total disagree."""
    told: Json = {"slice": read.slice, "slices": list(read.slices), "sliced": [], "paradoxes": []}
    if read.slice is None or quality is None or "label" not in read.rows:
        return told
    wanted = [one for one in measures if one == quality or one.kind == "cost"]
    labels = _few(read.rows["label"])
    decided, paradoxes = slices.sliced(found, labels, [one.metric() for one in wanted], options)
    by_key = {one.key: one for one in wanted}
    kept = [one for one in _kept(decided, read) if one.slice is not None]
    said = [sentences.paradox(replace(one, metric=by_key[one.metric].words)) for one in paradoxes]
    return told | {"sliced": [_pair(one, by_key[one.metric]) for one in kept], "paradoxes": said}


def _few(labels: pd.Series) -> list[str | None]:
    """The labels; all but the most frequent ones are one slice."""
    most = labels.value_counts().index[:MOST_SLICES]
    return [None if one is None or one != one else str(one) if one in most else OTHER for one in labels]  # noqa: PLR0124 - NaN


def _asides(compared: Sequence[Compared], by_key: Mapping[str, Measure]) -> list[str]:
    """What was left out, and what was noted of the tests, measure by measure."""
    named = [replace(one, metric=by_key[one.metric].title) for one in compared]
    said = [text for one in named if (text := sentences.left_out(one))]
    notes: dict[str, list[str]] = {}
    for one in named:
        for note in one.notes:
            notes.setdefault(note, []).append(one.metric)
    said += [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in notes.items()]
    unique = list(dict.fromkeys(said))
    return unique if len(unique) <= 30 else [*unique[:30], f"And {counted(len(unique) - 30, 'note')} more like these."]
