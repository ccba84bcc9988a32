"""What moving calls between models would have cost and done to quality, of a sample of traces; and the policy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from analytics import topics as topical
from analytics import whatif_routing as routing
from analytics.columns import flags, numbers
from analytics.intervals import Estimate
from analytics.whatif_routing import Complexity, Move, Policy
from collectors.pricing.bulk import NEEDED, price_columns
from collectors.pricing.own import OwnPrice
from server.aside import Ask
from server.whatif import sampling, topics
from server.whatif.sampling import Asker, Filters

TRACES = 1_600  # drawn: more take the answer past three seconds
SCORED = 3_200  # traces with a score, at most
MOST_MODELS = 6  # of most calls; more pairs than a person can look at
MEASURE = {"input_tokens": (1000.0, 8000.0), "turn": (3.0, 10.0), "tools": (1.0,)}
COLUMNS = ("input_tokens", "turn", "tools")
MEANT = {
    "input_tokens": "tokens of input",
    "turn": "model calls that its trace made before it",
    "tools": "tools that were offered",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared, and by which ruler."""

    score: str | None = None  # name; null: the one with most scores
    better: Literal["higher", "lower"] = "higher"
    margin: float = 0.05  # loss of mean score that is still no worse
    measure: dict[str, tuple[float, ...]] = field(default_factory=lambda: dict(MEASURE))
    topics: int = 0  # at most so many part each level; 0: none


def thresholds(text: str, column: str) -> tuple[float, ...]:
    """`1000,8000` as numbers; a dash: the measure leaves the column out.

    Raises:
        ValueError: one is no number, or they do not rise.
    """
    parts = [] if text.strip() == "-" else text.split(",")
    try:
        found = tuple(float(part) for part in parts)
    except ValueError:
        raise ValueError(_wrong(text, column)) from None
    if list(found) != sorted(set(found)) or not all(np.isfinite(found)):
        raise ValueError(_wrong(text, column))
    return found


def _wrong(text: str, column: str) -> str:
    return f"The thresholds of {column} must be rising numbers, as 1000,8000, or a dash for none; got {text!r}."


def answer(ask: Ask, filters: Filters, since: datetime, until: datetime, options: Options) -> dict[str, Any]:
    """The report on a window of the store; see `/api/whatif/routing` for the fields."""
    asker = Asker(ask, filters)
    names = asker.plain("whatif_scores", max_rows=200).to_pylist()
    score = options.score or (names[0]["name"] if names else None)
    whole, drawing = sampling.totals(asker, since, until), {"traces": TRACES, "scored": SCORED}
    if options.topics:
        drawing |= topics.drawing(asker, since, until, whole)
    found = asker("whatif_calls", since, until, score=score, **drawing)
    calls = found.to_pandas(types_mapper=pd.ArrowDtype)
    if "step_us" not in drawing:  # traces were drawn one by one
        calls = calls.drop(columns="slice")
    if options.topics:
        calls = topics.marked(calls, topics.read(asker, since, until, calls))
    sums = {"calls": whole.calls, "usd": whole.usd, "priced": whole.priced}
    return compose(calls, asker.own_prices(), options, sums, (score, names), (since, until))


def compose(  # noqa: PLR0917 - one answer
    calls: pd.DataFrame, own: Sequence[OwnPrice], options: Options, whole: dict[str, Any],
    score: tuple[str | None, list[dict[str, Any]]], window: tuple[datetime, datetime],
) -> dict[str, Any]:  # fmt: skip
    """The report on rows of `whatif_calls`; `score`: its name, and all names that there are.

    The rows are `topics.marked` where topics are wanted.
    """
    told, found = _told(calls, own, options)
    facts = {"name": score[0], "better": options.better, "margin": options.margin, "names": score[1]}
    return {"whole": whole, "score": facts} | told | {"policy_yaml": policy_yaml(told, facts, *window, found=found)}


def _told(
    calls: pd.DataFrame, own: Sequence[OwnPrice], options: Options
) -> tuple[dict[str, Any], topical.Topics | None]:
    complexity = Complexity({name: steps for name, steps in options.measure.items() if steps})
    models = _models(calls)
    # Other models leave no move, but their traces count: a mean per trace is one over all that were drawn.
    calls = _scored(calls.assign(model=calls["model"].where(calls["model"].isin(list(models)))), options.better)
    found = topical.find(calls["asked"].tolist(), options.topics) if options.topics else None
    if found and found.words:
        calls = calls.assign(topic=found.of(calls["asked"].tolist()))
    reprice = _Repricing(own, {name: row["provider"] for name, row in models.items()})
    levels = complexity.levels(calls)
    drawn, failed = flags(calls, "drawn"), flags(calls, "failed")
    sample = _sample(calls, levels)
    times = sample["of_traces"] / sample["traces"] if sample["traces"] else 0.0
    moves = routing.moves(calls, complexity, reprice, margin=options.margin, model="model")
    report = {
        "sample": sample,
        "measure": {name: list(steps) for name, steps in complexity.thresholds.items()},
        "models": list(models.values()),
        "levels": _levels(calls[drawn & ~failed], levels[drawn & ~failed], complexity, times),
        "topics": None if found is None else topics.told(found, options.topics, calls, times),
        "moves": [_move(move, sample["of_traces"], times) for move in moves],
        "policies": [
            _policy(one) for one in routing.policies(calls, complexity, reprice, model="model")
        ],
        "policy": [_move(move, sample["of_traces"], times) for move in routing.best_moves(moves)],
    }  # fmt: skip
    return report, found if found and found.words else None


def _models(calls: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Those of most calls, with the provider of most of them."""
    found: dict[str, dict[str, Any]] = {}
    for name, count in calls["model"].value_counts().head(MOST_MODELS).items():
        providers = calls.loc[calls["model"] == name, "provider"].dropna()
        provider = None if providers.empty else str(providers.value_counts().index[0])
        found[str(name)] = {"model": str(name), "provider": provider, "calls": int(count)}
    return found


def _scored(calls: pd.DataFrame, better: str) -> pd.DataFrame:
    """Scores of which more is better. Of two values, as of yes and no, the other one; else the negative."""
    if better == "higher":
        return calls
    score = numbers(calls, "score")
    known = score[~np.isnan(score)]
    return calls.assign(score=1 - score if np.isin(known, (0.0, 1.0)).all() else -score)


def _sample(calls: pd.DataFrame, levels: pd.Series[float]) -> dict[str, Any]:
    drawn, failed = flags(calls, "drawn"), flags(calls, "failed")
    traces = int(calls.loc[drawn, "trace_id"].nunique())
    of = int(calls["drawn_of"].max()) if len(calls) else 0
    return {
        "traces": traces, "of_traces": max(of, traces), "census": traces >= of, "calls": int(drawn.sum()),
        "slices": int(calls.loc[drawn, "slice"].nunique()) if "slice" in calls else None,
        "failed": int((drawn & failed).sum()),
        "scored_calls": int((calls["score"].notna().to_numpy(bool) & ~failed).sum()),
        "unknown_level": int((levels.isna().to_numpy(bool) & drawn & ~failed).sum()),
        "unpriced": int((calls["cost_usd"].isna().to_numpy(bool) & drawn & ~failed).sum()),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Repricing:
    """What calls would have cost at another model: the same counts at its price of their day."""

    own: Sequence[OwnPrice]
    providers: dict[str, str | None]

    def __call__(self, calls: pd.DataFrame, model: str) -> np.ndarray:
        if not len(calls):
            return np.empty(0)
        provider = self.providers.get(model)
        same = (calls["provider"] == provider).fillna(value=False)
        moved = calls.assign(
            provider=provider, request_model=model, response_model=None,
            service_tier=calls["service_tier"].where(same), start_time=pd.to_datetime(calls["start_time"]),
        )  # fmt: skip
        table = pa.Table.from_pandas(moved[list(NEEDED)], SCHEMA, preserve_index=False)
        return np.asarray(price_columns(table, self.own)["cost_usd"].to_numpy(), dtype=np.float64)


_KINDS = {"start_time": pa.timestamp("us")}
SCHEMA = pa.schema(
    [
        (name, pa.int64() if name.endswith(("_tokens", "_ns")) else _KINDS.get(name, pa.string()))
        for name in NEEDED
    ]
)  # fmt: skip


def _levels(
    calls: pd.DataFrame, levels: pd.Series[float], complexity: Complexity, times: float
) -> list[dict[str, Any]]:
    """A row per level: what makes a call one, how many of the window are, and what they cost."""
    rows = []
    for step in range(max((len(steps) for steps in complexity.thresholds.values()), default=0) + 1):
        own = calls[(levels == step).to_numpy(dtype=bool)]
        rows.append(
            {
                "level": step, "words": level_words(complexity, step), "calls": round(len(own) * times),
                "sampled": len(own), "share": len(own) / len(calls) if len(calls) else None,
                "usd": float(np.nansum(numbers(own, "cost_usd"))) * times if own["cost_usd"].notna().any() else None,
                "by_model": {str(name): int(count) for name, count in own["model"].value_counts().items()},
            }
        )  # fmt: skip
    return rows


def level_words(complexity: Complexity, step: int) -> str:
    """`input_tokens ≥ 1,000 or turn ≥ 3, none of the next level's`."""
    told = {name: steps for name, steps in complexity.thresholds.items() if len(steps) >= max(step, 1)}
    if not step:
        return ", ".join(f"{name} < {steps[0]:,g}" for name, steps in complexity.thresholds.items() if steps)
    return " or ".join(f"{name} ≥ {steps[step - 1]:,g}" for name, steps in told.items())


def _move(move: Move, traces: int, times: float) -> dict[str, Any]:
    """Costs of the whole window: sums of the sample times what it stands for; the interval is of the mean per trace."""
    per_trace, value = move.saved_per_trace, move.saved_usd * times if move.priced else None
    low, high = (None if end is None else end * traces for end in (per_trace.low, per_trace.high))
    saved = Estimate(value, low, high, per_trace.n)
    return {
        "level": move.level, "topic": topics.name(move.topic), "source": move.source, "target": move.target,
        "calls": round(move.calls * times), "sampled": move.calls, "priced": move.priced,
        "usd": move.cost_usd * times if move.priced else None,
        "target_usd": move.target_usd * times if move.priced else None,
        "saved_usd": _estimate(saved),
        "saved_share": _estimate(move.saved), "quality": _estimate(move.quality), "verdict": move.verdict,
        "source_scores": move.source_scores, "target_scores": move.target_scores, "detectable": move.detectable,
        "output_tokens": _estimate(move.output_tokens), "target_output_tokens": _estimate(move.target_output_tokens),
    }  # fmt: skip


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _policy(one: Policy) -> dict[str, Any]:
    return {
        "models": {str(step): name for step, name in one.models.items()}, "usd_per_call": one.usd_per_call,
        "quality": _estimate(one.quality), "front": one.front,
    }  # fmt: skip


def policy_yaml(
    told: dict[str, Any], score: dict[str, Any], since: datetime, until: datetime,
    found: topical.Topics | None = None,
) -> str:  # fmt: skip
    """The policy that saves most while each move is no worse, with its evidence, as YAML.

    Topics are told with all words and weights, and the sum that makes them: so a router can tell them as they were told
    here, without a library.
    """
    rules = [_rule(move) for move in told["policy"]]
    document = {
        "version": 1,
        "computed": {
            "since": f"{since.isoformat()}Z", "until": f"{until.isoformat()}Z", "traces": told["sample"]["traces"],
            "of_traces": told["sample"]["of_traces"], "score": score["name"], "better": score["better"],
            "margin": score["margin"],
        },
        "measure": {
            "level": "the highest that one of the values reaches; 0: none",
            "values": {name: {"means": MEANT[name], "from": steps} for name, steps in told["measure"].items()},
        },
    }  # fmt: skip
    head = (
        "# Which calls another model may take over. Computed from recorded calls, which were not assigned at random:\n"
        "# try a rule on a part of the traffic, or in an experiment, before it is relied upon.\n"
    )
    none = "" if rules else "# No rule: no move is known to save money and to be no worse.\n"
    lists = "" if found is None else _yaml({"topics": topics.rule(found)}, flow=None)
    return head + none + _yaml(document) + lists + _yaml({"rules": rules, "otherwise": "keep the model"})


def _yaml(part: dict[str, Any], *, flow: bool | None = False) -> str:
    """`flow` null: the innermost values stand in one line."""
    told: str = yaml.safe_dump(part, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=120)
    return told


def _rule(move: dict[str, Any]) -> dict[str, Any]:
    quality, saved = move["quality"], move["saved_usd"]
    topic = {} if move["topic"] is None else {"topic": move["topic"]}
    return {
        "level": move["level"], **topic, "from": move["source"], "to": move["target"],
        "evidence": {
            "verdict": move["verdict"], "score_difference": _short(quality["value"]),
            "interval_95": [_short(quality["low"]), _short(quality["high"])],
            "scores": {"from": move["source_scores"], "to": move["target_scores"]},
            "saved_usd": _short(saved["value"]), "saved_usd_95": [_short(saved["low"]), _short(saved["high"])],
            "calls": move["calls"],
        },
    }  # fmt: skip


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
