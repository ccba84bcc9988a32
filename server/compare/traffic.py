"""Live traffic as variants: calls told apart by a dimension, whose samples are of different requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics.columns import Floats
from server.aside import Ask
from server.compare import rulers
from server.compare.answer import Json, Question, Read, composed
from server.compare.measures import Measure, call_measures, scale_better
from server.evals.figures import counted
from store.queries.compare import Slice

By = Literal["prompt", "model", "release", "variant"]
CALLS = 20_000  # of all variants together
SCORES = 5  # names, those with most scores


@dataclass(frozen=True, slots=True)
class Window:
    """Which calls."""

    by: By
    values: Sequence[str]
    since: datetime
    until: datetime
    filters: Json
    slice: Slice | None = None


def answer(ask: Ask, window: Window, question: Question) -> Json:
    """The comparison of live traffic; see `GET /api/compare/traffic`. Raises NotComparableError."""
    most = CALLS // len(window.values)
    shared = {
        "dimension": window.by, "values": list(window.values), "since": window.since, "until": window.until,
        "most": most, "slice": window.slice, **window.filters,
    }  # fmt: skip
    calls = ask("compare_calls", **shared)
    parts, measures, notes = [_calls(calls)], [], _sampled(calls, most)
    refused: dict[tuple[str, str], str] = {}
    for name in ask("compare_names", since=window.since, max_rows=SCORES).to_pylist()[:SCORES]:
        score = str(name["name"])
        table = ask("compare_scores", **shared, score=score)
        if not table.num_rows:
            continue
        scale = _scale(name["scale"])
        measures.append(
            Measure(f"score.{score}", score, "quality", scale_better(score, scale), scale.get("unit") or None, of=score)
        )
        told = rulers.alike(
            table.select(["value", "ruler", "amount"]).to_pandas(), score, window.values, question.baseline
        )
        if told.ruler is not None:
            table = table.filter(pc.field("ruler") == told.ruler)
        parts.append(_scores(table, f"score.{score}"))
        notes += [*told.notes, *_failed(table, score)]
        refused |= {(f"score.{score}", name): why for name, why in told.refused.items()}
    rows = pd.concat(parts, ignore_index=True)
    rows["item"] = np.arange(len(rows))
    for one in (measures := [*measures, *call_measures()]):
        if one.key not in rows:
            rows[one.key] = np.nan
    read = Read(
        rows,
        measures,
        _variants(calls, window.values),
        paired=False,
        refused=refused,
        notes=notes,
        slices=[name for name in get_args(Slice) if name != window.by],
        slice=window.slice,
        others=_others(parts, measures, window.values),
    )
    return composed(read, question, {"source": "traffic", "by": window.by})


def _others(
    parts: Sequence[pd.DataFrame], measures: Sequence[Measure], names: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Of each measure and variant the rows of parts that the measure is not of: they lack no value."""
    counts = [part["variant"].value_counts() for part in parts]
    return {
        (one.key, name): sum(
            int(count.get(name, 0)) for part, count in zip(parts, counts, strict=True) if one.key not in part
        )
        for one in measures
        for name in names
    }


def _calls(table: pa.Table) -> pd.DataFrame:
    plain = table.to_pandas()
    numbers = {name: _numbers(table, name) for name in ("duration_ns", "ttft_ns", "input_tokens", "output_tokens")}
    return pd.DataFrame({
        "variant": plain["value"], "cluster": plain["cluster"], "time": plain["start_time"],
        "label": plain["label"],
        "failed": plain["failed"].astype(float), "cost_usd": _numbers(table, "cost_usd"),
        "latency_ms.p50": numbers["duration_ns"] / 1e6, "latency_ms.p95": numbers["duration_ns"] / 1e6,
        "ttft_ms.p50": numbers["ttft_ns"] / 1e6, "input_tokens": numbers["input_tokens"],
        "output_tokens": numbers["output_tokens"],
    })  # fmt: skip


def _numbers(table: pa.Table, name: str) -> Floats:
    found: Floats = table[name].cast(pa.float64()).to_numpy()
    return found


def _scores(table: pa.Table, key: str) -> pd.DataFrame:
    plain = table.select(["value", "cluster", "start_time", "label"]).to_pandas()
    return pd.DataFrame({
        "variant": plain["value"], "cluster": plain["cluster"], "time": plain["start_time"],
        "label": plain["label"],
        key: _numbers(table, "amount"),
    })  # fmt: skip


def _scale(told: str | None) -> Json:
    try:
        found = orjson.loads(told or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _variants(table: pa.Table, values: Sequence[str]) -> list[Json]:
    """What is known of each: calls in all, those drawn, those without a price."""
    plain = table.select(["value", "calls", "unpriced"]).to_pandas()
    told = []
    for value in values:
        mine = plain[plain["value"] == value]
        whole = {name: int(mine[name].iloc[0]) if len(mine) else 0 for name in ("calls", "unpriced")}
        told.append({"name": value, "rows": len(mine), **whole})
    return told


def _sampled(table: pa.Table, most: int) -> list[str]:
    drawn = table.select(["value", "calls"]).to_pandas().groupby("value", sort=False)["calls"].agg(["size", "first"])
    cut = drawn[drawn["size"] < drawn["first"]]
    if cut.empty:
        return []
    said = ", ".join(f"{row['size']:,} of {counted(row['first'], 'call')} of {name}" for name, row in cut.iterrows())
    return [f"A sample of whole traces, about {most:,} calls a variant: {said}."]


def _failed(table: pa.Table, score: str) -> list[str]:
    lost = table["amount"].null_count
    if not lost:
        return []
    return [f"{score}: {counted(lost, 'score')} failed or had no value, of {table.num_rows:,} drawn; in no figure."]
