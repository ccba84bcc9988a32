"""What a pilot tells a plan: stored runs, or live traffic, by one measure of one variant or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from math import sqrt
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics import pilot_doubt
from analytics.columns import Floats
from analytics.pilot import Pilot, alone, pilot
from analytics.samples import Samples, Side, samples, side
from server.aside import Ask
from server.compare import rulers, runs, traffic
from server.compare.answer import Json
from server.compare.measures import Measure, NotComparableError, call_measures, scale_better
from server.compare.plan_answer import Doubt, Wish, Words, composed, rounded
from server.compare.plan_shell import Asked
from server.compare.reading import ComparisonError
from server.compare.runs import Variant
from server.compare.traffic import Window

DELTA_OF_SHARES = 0.05
DELTA_OF_MEANS = 0.1  # of the mean
CORRELATION = 0.5  # assumed of pairs, where one variant alone was seen
MOST = 2  # variants of a pilot
DRAWS = 600
HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the pilot is read."""

    measure: str | None = None  # its key; null: the first of quality that varies
    unpaired: bool = False  # of runs: the next variants answer other items
    repeats: int | None = None  # answers an item; null: as in the pilot
    correlation: float = CORRELATION
    sequential: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a source hands over."""

    found: Samples  # one variant or two, with every measure as a column
    measures: Sequence[Measure]  # that have values
    paired: bool
    noun: str
    cost_usd: float | None  # of an answer; null: unknown
    per_day: float | None  # items that come in a day
    notes: Sequence[str] = ()
    refused: dict[str, str] = field(default_factory=dict)  # measure -> why it is not compared


def of_runs(ask: Ask, variants: Sequence[Variant], terms: Terms, wish: Wish) -> Json:
    """A plan from one run or two; see `GET /api/plan/pilot`. Raises NotComparableError and ComparisonError."""
    read = runs.read_runs(ask, variants, variants[0].name)
    rows = read.rows
    for name in ("latency_ms", "ttft_ms"):
        rows[name] = rows[f"{name}.p50"]
    measures = _with_values(_means(read.measures), rows)
    names = [one.name for one in variants]
    found = samples(
        rows, variant="variant", metrics=[one.key for one in measures], item="item", cluster="cluster", order=names,
    )  # fmt: skip
    told = Told(
        found, measures, not terms.unpaired, "item", _mean(rows["cost_usd"]), None, read.notes,
        {key: why for (key, _), why in read.refused.items()},
    )  # fmt: skip
    return _answer(told, terms, wish, {"source": "runs", "of": [one.told() for one in variants]})


def of_traffic(ask: Ask, window: Window, terms: Terms, wish: Wish) -> Json:
    """A plan from the calls of one value of a dimension, or of two. Raises as `of_runs`."""
    names = list(window.values)
    most = traffic.CALLS // len(names)
    shared = {"dimension": window.by, "values": names, "since": window.since, "until": window.until,
              "most": most, **window.filters}  # fmt: skip
    calls = ask("compare_calls", **shared)
    rows = _calls(calls)
    told_of = ask("compare_names", since=window.since, max_rows=traffic.SCORES).to_pylist()[: traffic.SCORES]
    scored = [_of_score(one) for one in told_of]
    measures = _with_values(_means(call_measures()), rows)
    cost, rate = _mean(rows["cost_usd"]), _rate(rows, _whole(calls, "calls"), window)
    noun, notes = "call", list[str]()
    if (score := _wanted(scored, terms.measure)) is not None:
        table = ask("compare_scores", **shared, score=score.of)
        if table.num_rows:
            kept, notes = _of_one_ruler(table, str(score.of), names)
            rows, whole = _scores(kept, score.key), round(_whole(table, "scores") * kept.num_rows / table.num_rows)
            noun, rate = "score", _rate(rows, whole, window)
            measures = [*scored, *measures]
    chosen = _chosen_key(rows, measures, terms.measure)
    rows["item"] = np.arange(len(rows))
    found = samples(
        rows, variant="variant", metrics=[one.key for one in measures if one.key in rows], item="item",
        cluster="cluster", order=names,
    )  # fmt: skip
    told = Told(found, measures, paired=False, noun=noun, cost_usd=cost, per_day=rate, notes=notes)
    variants = [{"name": name} for name in names]
    return _answer(told, replace(terms, measure=chosen), wish, {"source": "traffic", "by": window.by, "of": variants})


def _means(measures: Iterable[Measure]) -> list[Measure]:
    """Plans are of means and shares: of a quantile's measure the mean, once."""
    whole = [one if one.q is None else replace(one, key=one.key.partition(".p")[0], q=None) for one in measures]
    return list({one.key: one for one in whole}.values())


def _with_values(measures: Iterable[Measure], rows: pd.DataFrame) -> list[Measure]:
    return [one for one in measures if one.key in rows and not rows[one.key].isna().all()]


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _of_score(told: Json) -> Measure:
    try:
        scale = orjson.loads(told["scale"] or "{}")
    except orjson.JSONDecodeError:
        scale = {}
    scale = scale if isinstance(scale, dict) else {}
    name = str(told["name"])
    return Measure(f"score.{name}", name, "quality", scale_better(name, scale), scale.get("unit") or None, of=name)


def _wanted(scored: Sequence[Measure], key: str | None) -> Measure | None:
    """The score that is asked for; without a wish the one with most values. Null: none, or a measure of calls."""
    if key is None:
        return next(iter(scored), None)
    return next((one for one in scored if one.key == key), None)


def _of_one_ruler(table: pa.Table, score: str, names: Sequence[str]) -> tuple[pa.Table, list[str]]:
    """The scores of one ruler, that of most of them, and what was left out.

    Raises:
        NotComparableError: no ruler scored both variants.
    """
    told = table.select(["value", "ruler", "amount"]).to_pandas()
    if len(names) > 1:
        found = rulers.alike(told, score, names, names[0])
        if found.refused:
            raise NotComparableError(next(iter(found.refused.values())))
        ruler, notes = found.ruler, list(found.notes)
    else:
        many = told[told["amount"].notna()]["ruler"].value_counts()
        ruler = str(many.index[0]) if len(many) > 1 else None
        notes = (
            [] if ruler is None else [f"{score}: {many.iloc[0]:,} of {many.sum():,} scores count, those of {ruler}."]
        )
    return (table if ruler is None else table.filter(pc.field("ruler") == ruler)), notes


def _chosen_key(rows: pd.DataFrame, measures: Sequence[Measure], key: str | None) -> str | None:
    """Without a wish the score that was read; null: none was, and what varies is chosen."""
    return key or next((one.key for one in measures if one.key in rows and one.kind == "quality"), None)


def _calls(table: pa.Table) -> pd.DataFrame:
    plain = table.select(["value", "cluster", "start_time", "failed"]).to_pandas()
    told = {name: table[name].cast(pa.float64()).to_numpy()
            for name in ("cost_usd", "duration_ns", "ttft_ns", "input_tokens", "output_tokens")}  # fmt: skip
    return pd.DataFrame({
        "variant": plain["value"], "cluster": plain["cluster"], "time": plain["start_time"],
        "failed": plain["failed"].astype(float), "cost_usd": told["cost_usd"], "latency_ms": told["duration_ns"] / 1e6,
        "ttft_ms": told["ttft_ns"] / 1e6, "input_tokens": told["input_tokens"], "output_tokens": told["output_tokens"],
    })  # fmt: skip


def _scores(table: pa.Table, key: str) -> pd.DataFrame:
    plain = table.select(["value", "cluster", "start_time"]).to_pandas()
    return pd.DataFrame({
        "variant": plain["value"], "cluster": plain["cluster"], "time": plain["start_time"],
        key: table["amount"].cast(pa.float64()).to_numpy(),
    })  # fmt: skip


def _whole(table: pa.Table, column: str) -> int:
    """How many there are of all values, drawn or not."""
    plain = table.select(["value", column]).to_pandas()
    return int(plain.groupby("value", sort=False)[column].first().sum()) if len(plain) else 0


def _rate(rows: pd.DataFrame, whole: int, window: Window) -> float | None:
    """How many come in a day, from the first that was seen to the last, an hour at least. Null: there are none."""
    if not whole:
        return None
    first, last = (pd.Timestamp(one) for one in (rows["time"].min(), rows["time"].max()))
    spanned = min(_plain(window.until), last) - max(_plain(window.since), first)
    return whole / (max(spanned, HOUR) / pd.Timedelta(days=1))


def _plain(at: datetime) -> pd.Timestamp:
    """As the store has times: UTC, without saying so."""
    stamp = pd.Timestamp(at)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)


def _answer(told: Told, terms: Terms, wish: Wish, own: Json) -> Json:
    if not len(told.found.variants):
        raise NotComparableError("There is nothing of this pilot: widen the time range, or take another one.")
    measure = _chosen(told, terms.measure)
    sides = [side(told.found, at, measure.key) for at in range(len(told.found.names))]
    paired = told.paired and _pairs(sides)
    seen = _seen(told.found, measure.key, sides, terms, paired=paired)
    share = all(bool(np.isin(one.known, (0.0, 1.0)).all()) for one in sides)
    repeats = terms.repeats or max(round(sum(seen.repeats) / 2), 1)
    words = Words(share, measure.unit, told.noun)
    asked = _asked(seen, sides[0], share=share, repeats=repeats, terms=terms)
    factors = pilot_doubt.factors(sides, paired=seen.paired, repeats=repeats, draws=DRAWS)
    wish = replace(
        wish, delta=wish.delta if wish.delta is not None else _usual(sides[0], seen, share=share),
        cost_usd=told.cost_usd if wish.cost_usd is None else wish.cost_usd,
        per_day=told.per_day if wish.per_day is None else wish.per_day,
    )  # fmt: skip
    plan = composed(asked, wish, words, Doubt(seen.items, factors), repeats)
    return {
        **own, **plan, "measure": measure.key, "title": measure.title, "answer_usd": wish.cost_usd,
        "per_day": wish.per_day, "pilot": _pilot(seen, sides, share=share),
        "measures": [asdict(one) | {"words": one.words} for one in told.measures if one.key not in told.refused],
        "correlation": terms.correlation if seen.paired and len(sides) == 1 else None,
        "notes": [*told.notes, *_notes(told, seen, sides, terms)],
    }  # fmt: skip


def _pairs(sides: Sequence[Side]) -> bool:
    """Whether items can be paired: one variant is taken to be answered again, two share some."""
    return len(sides) == 1 or bool(np.isin(sides[0].ids, sides[1].ids).sum() >= 2)


def _chosen(told: Told, key: str | None) -> Measure:
    """The measure that is asked for; without a wish the first of quality that varies, else the first that does.

    Raises:
        NotComparableError: it is not there, is of another ruler, or nothing varies.
    """
    known = [one for one in told.measures if one.key not in told.refused]
    if key is not None:
        if key in told.refused:
            raise NotComparableError(told.refused[key])
        for one in told.measures:
            if one.key == key:
                return one
        raise NotComparableError(
            f"{key!r} is not measured of this pilot. Measured: {', '.join(one.key for one in known) or 'nothing'}."
        )
    varies = [one for one in known if one.key in told.found.metrics and _varies(told.found.metrics[one.key])]
    if not varies:
        raise NotComparableError(
            "Nothing that was measured of this pilot varies, so it tells no number of items: take one of more items."
        )
    return next((one for one in varies if one.kind == "quality"), varies[0])


def _varies(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(known.size > 1 and known.max() > known.min())


def _seen(found: Samples, key: str, sides: Sequence[Side], terms: Terms, *, paired: bool) -> Pilot:
    try:
        if len(sides) == 1:
            return alone(found, key, 0, paired=paired, correlation=terms.correlation)
        return pilot(found, key, 0, 1, paired=paired)
    except ValueError as error:
        raise ComparisonError(str(error)) from error


def _asked(seen: Pilot, first: Side, *, share: bool, repeats: int, terms: Terms) -> Asked:
    """The pilot in the words of `assay plan`.

    Raises:
        ComparisonError: nothing varies, or repeats are asked for of a pilot without any.
    """
    noise = (seen.spread.repeats_a + seen.spread.repeats_b) / 2
    if not noise and repeats > 1:
        raise ComparisonError(
            "The pilot has one answer an item, which does not tell what repeats bring: plan with one, or repeat the "
            "pilot."
        )  # fmt: skip
    told = Asked(paired=None if seen.paired else False, sequential=terms.sequential, **_clusters(seen))
    if noise and seen.paired:
        return replace(told, omega2=rounded(seen.spread.items), sigma2=rounded(noise), repeats=(repeats,))
    variance = seen.spread.of(repeats, repeats)
    if variance <= 0:
        raise ComparisonError(
            "In the pilot this measure does not vary, which tells no number of items: take another, or more of it."
        )
    rate = rounded(float(first.means.mean()))
    if share and not seen.paired and not noise and 0 < rate < 1:
        return replace(told, rate=rate)
    return replace(told, sd=rounded(sqrt(variance if seen.paired else variance / 2)))


def _clusters(seen: Pilot) -> dict[str, Any]:
    """Size and correlation that make the pilot's inflation; a correlation above 1, of unequal sizes, is one of 1."""
    if seen.inflation <= 1.005 or not seen.correlation:
        return {}
    icc = min(seen.correlation, 1.0)
    return {"cluster_size": rounded(1 + (seen.inflation - 1) / icc), "icc": rounded(icc)}


def _usual(first: Side, seen: Pilot, *, share: bool) -> float:
    """What is asked for where nobody names a difference: 5 points, or a tenth of the mean."""
    if share:
        return DELTA_OF_SHARES
    centre = abs(float(first.means.mean()))
    return float(f"{DELTA_OF_MEANS * centre or sqrt(seen.spread.of(1, 1)) / 5:.1g}")


def _pilot(seen: Pilot, sides: Sequence[Side], *, share: bool) -> Json:
    return {
        "items": seen.items, "clusters": min(one.groups for one in sides), "share": share,
        "means": [float(one.means.mean()) for one in sides],
        "difference": seen.difference if len(sides) == 2 else None, "repeats": list(seen.repeats),
        "between": seen.spread.items, "within": (seen.spread.repeats_a + seen.spread.repeats_b) / 2,
        "cluster_size": seen.size, "icc": seen.correlation, "inflation": seen.inflation,
    }  # fmt: skip


def _notes(told: Told, seen: Pilot, sides: Sequence[Side], terms: Terms) -> list[str]:
    said = [told.refused[key] for key in list(told.refused)[:3]]
    if len(sides) == 1 and seen.paired:
        said.append(
            f"One variant tells how its values spread, and not how two differ item by item: a correlation of "
            f"{terms.correlation:g} between both is assumed. A second run of the same items would tell it."
        )
    if len(sides) == 1 and not seen.paired:
        said.append("The other variant is taken to spread as this one does.")
    if told.paired and not seen.paired and len(sides) == 2:
        said.append("The two share no items, so that the plan is of other items for each variant.")
    missing = sum(one.missing + one.failed for one in sides)
    if missing:
        said.append(f"{missing:,} of {missing + sum(one.known.size for one in sides):,} rows have no value; left out.")
    return said
