"""What caches would have saved, of a sample of calls: exact repeats, prefixes at the provider, near repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from analytics import intervals, similarity
from analytics import whatif_caching as caching
from analytics.columns import Bools, Floats, flags, nanoseconds, numbers
from analytics.intervals import Estimate
from collectors.pricing.own import OwnPrice
from server.aside import Ask
from server.whatif import sampling, texts
from server.whatif.rates import cache_rates
from server.whatif.sampling import Asker, Filters, Sample, Whole

THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
SAME_ANSWER = 0.8  # likeness from which two answers count as the same
MOST_COMPARED = 2_400  # calls whose questions are compared: of all that stand in the sample the newest slices
MOST_PAIRS = 30  # shown
_LETTERS = 400  # of a text of a pair
_KEPT_FROM = min(THRESHOLDS)


@dataclass(frozen=True, slots=True)
class Options:
    """What the caches are like."""

    ttl: timedelta  # how long an answer or prefix is kept
    similarity: float = 0.9  # from which a near repeat is one
    same_answer: float = SAME_ANSWER
    minimum_tokens: int = 1024  # of a prefix


def answer(ask: Ask, filters: Filters, since: datetime, until: datetime, options: Options) -> dict[str, Any]:
    """The report on a window of the store."""
    asker = Asker(ask, filters)
    return report(sampling.read(asker, since, until, options.ttl), asker.own_prices(), options)


def report(sample: Sample, own: Sequence[OwnPrice], options: Options) -> dict[str, Any]:
    """All three, as plain values; every estimate is `{value, low, high, n}`, `n` slices. See `/api/whatif/caching`."""
    calls = _prepared(sample.calls)
    stored = texts.stored_of(_rows(calls))
    prompts = [one.prompt for one in stored]
    models = calls["model"].astype(object).where(calls["model"].notna(), None)
    hashes = [texts.prompt_hash(one, model) for one, model in zip(stored, models, strict=True)]
    calls["prompt_hash"] = _within(calls, hashes)
    return {
        "sample": _sample(sample, calls, options),
        "whole": _whole(sample.whole),
        "exact": _exact(calls, sample.whole, options),
        "prefix": _prefix(calls, prompts, sample.whole, own, options),
        "near": _near(calls, stored, sample.whole, options),
    }


def _prepared(calls: pd.DataFrame) -> pd.DataFrame:
    frame = calls.reset_index(drop=True)
    models, providers = (frame[name].astype(object).fillna("").astype(str) for name in ("model", "provider"))
    return frame.assign(scope=frame["stretch"].astype(str) + "\x1e" + providers + "\x1e" + models)


def _rows(calls: pd.DataFrame) -> list[dict[Any, Any]]:
    names = ["input", "input_key", "output", "output_key", "system_instructions", "tool_definitions_id"]
    plain = calls[names + ["parameters"] * ("parameters" in calls)].astype(object)
    return [dict(zip(plain, row, strict=True)) for row in plain.where(plain.notna(), None).itertuples(index=False)]


def _within(calls: pd.DataFrame, hashes: Sequence[bytes | None]) -> pd.Series:
    """A stretch is replayed by itself: what another one told cannot be a hit in it."""
    stretches = calls["stretch"].tolist()
    told = [None if one is None else (part, one) for part, one in zip(stretches, hashes, strict=True)]
    return pd.Series(told, index=calls.index, dtype=object)


def _sample(sample: Sample, calls: pd.DataFrame, options: Options) -> dict[str, Any]:
    measured = flags(calls, "measured")
    return {
        "calls": sample.whole.calls, "measured": int(measured.sum()), "read": len(calls), "census": sample.census,
        "slices": sample.slices, "of_slices": sample.of_slices, "cut_slices": sample.cut,
        "lookback_s": sample.lookback_ns / 1e9, "ttl_s": options.ttl.total_seconds(),
        "failed": int((flags(calls, "failed") & measured).sum()),
        "untold": int((calls["prompt_hash"].isna().to_numpy(dtype=bool) & measured).sum()),
    }  # fmt: skip


def _whole(whole: Whole) -> dict[str, Any]:
    return {
        "calls": whole.calls, "failed": whole.failed, "priced": whole.priced, "usd": whole.usd,
        "input_usd": whole.input_usd, "input_tokens": whole.input_tokens, "output_tokens": whole.output_tokens,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Scale:
    """Sums of measured calls told for the whole window."""

    calls: pd.DataFrame  # measured ones
    whole: Whole

    def share(self, part: Floats, whole: Floats | None = None) -> dict[str, Any]:
        over = np.ones(len(self.calls)) if whole is None else whole
        return _told(_bounded(caching.scaled(part, over, self._slices, 1.0), len(self.calls)))

    def sums(self, hits: Floats) -> dict[str, Any]:
        """What the calls of these weights (0 to 1) took: money, tokens and time of the whole window."""
        return {
            "unpriced": int(hits[np.isnan(numbers(self.calls, "cost_usd"))].sum()),
            "usd": self._of(hits, "cost_usd", self.whole.usd),
            "input_tokens": self._of(hits, "input_tokens", self.whole.input_tokens),
            "output_tokens": self._of(hits, "output_tokens", self.whole.output_tokens),
            "duration_s": self._duration(hits),
        }

    def of_input(self, usd: Floats, cost: Floats) -> dict[str, Any]:
        return _told(self._scaled(usd, cost, self.whole.input_usd))

    def per_call(self, part: Floats, least: float = -np.inf) -> dict[str, Any]:
        """A sum over calls, by their number; what is unknown adds nothing."""
        return _told(_between(self._scaled(part, np.ones(len(self.calls)), self.whole.calls), least, np.inf))

    def _of(self, hits: Floats, column: str, total: float | None) -> dict[str, Any]:
        amounts = numbers(self.calls, column)
        if hits.any() and np.isnan(amounts[hits > 0]).all():  # unknown is not nothing
            total = None
        return _told(_between(self._scaled(hits * amounts, amounts, total), 0.0, total or 0.0))

    def _duration(self, hits: Floats) -> dict[str, Any]:
        return self.per_call(np.nan_to_num(hits * numbers(self.calls, "duration_ns") / 1e9), least=0.0)

    def _scaled(self, part: Floats, over: Floats, total: float | None) -> Estimate:
        if total is None:
            return Estimate(None, None, None, 0)
        return caching.scaled(part, over, self._slices, float(total))

    @property
    def _slices(self) -> np.ndarray:
        return self.calls["slice"].to_numpy(dtype=np.int64)


def _bounded(found: Estimate, calls: int) -> Estimate:
    """A share lies between 0 and 1. Where none of the calls has a part, Wilson's bound of so many calls."""
    if found.value == 0:
        return Estimate(0.0, 0.0, intervals.rate(0, calls).high, found.n)
    return _between(found, 0.0, 1.0)


def _between(found: Estimate, least: float, most: float) -> Estimate:
    """Bounds no further than what can be."""
    low, high = (None if end is None else min(max(end, least), most) for end in (found.low, found.high))
    return Estimate(found.value, low, high, found.n)


def _told(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _exact(calls: pd.DataFrame, whole: Whole, options: Options) -> dict[str, Any]:
    hits = caching.exact_hits(calls, _ns(options.ttl))
    measured = flags(calls, "measured")
    scale, served = _Scale(calls[measured], whole), hits[measured].astype(np.float64)
    return {"hits": int(served.sum()), "share": scale.share(served), **scale.sums(served)}


def _prefix(
    calls: pd.DataFrame, prompts: Sequence[str | None], whole: Whole, own: Sequence[OwnPrice], options: Options
) -> dict[str, Any]:
    """Against the cost of input as it was: what was cached already is saved already."""
    frame = _with_blocks(calls, prompts)
    rates = cache_rates(frame, own, options.ttl)
    known = (
        (~flags(frame, "failed")) & frame["blocks"].notna().to_numpy() & frame["input_tokens"].notna().to_numpy(bool)
    )
    priced = rates.notna().all(axis=1).to_numpy()
    usable = known & priced
    kept = frame[usable]
    done = caching.prefix_tokens(kept, ttl_ns=_ns(options.ttl), minimum_tokens=options.minimum_tokens)
    usd = caching.prefix_usd(kept, rates[usable], done)
    measured = flags(frame, "measured")
    scale = _Scale(frame[measured], whole)
    read, written, saved, premium, was = (
        _spread(column, usable)[measured]
        for column in (done["read"], done["written"], usd["saved"], usd["premium"],
                       kept["cache_read_tokens"].fillna(0).astype("float64"))
    )  # fmt: skip
    tokens = numbers(frame[measured], "input_tokens")
    wait = caching.wait_per_token(kept)
    cost = _input_cost(frame[measured])
    return {
        "calls": int((usable & measured).sum()),
        "uncached_models": int((known & ~priced & measured).sum()),
        "unknown": int((~known & ~flags(frame, "failed") & measured).sum()),
        "share": scale.share(read, tokens), "was_share": scale.share(was, tokens),
        "usd": scale.of_input(saved, cost), "write_usd": scale.of_input(premium, cost),
        "read_tokens": scale.per_call(read), "written_tokens": scale.per_call(written),
        "more_read_tokens": scale.per_call(read - was),
        "wait_ns_per_token": _told(wait),
        "duration_s": _waited(scale, read - was, wait),
    }  # fmt: skip


def _with_blocks(calls: pd.DataFrame, prompts: Sequence[str | None]) -> pd.DataFrame:
    """With the prefixes of each prompt, and how many tokens one of them has by the call's own letters per token."""
    sizes = np.array(texts.lengths(prompts), dtype=np.float64)
    tokens = numbers(calls, "input_tokens") * np.divide(
        texts.BLOCK, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0
    )
    blocks = [None if prompt is None else texts.blocks(prompt) for prompt in prompts]
    return calls.assign(blocks=pd.Series(blocks, index=calls.index, dtype=object), block_tokens=tokens)


def _spread(column: pd.Series, usable: Bools) -> Floats:
    """Over all calls; those that cannot be told save nothing that is known."""
    spread = np.zeros(len(usable))
    spread[usable] = column.to_numpy(dtype=np.float64)
    return spread


def _input_cost(calls: pd.DataFrame) -> Floats:
    """What input cost each call; null: unknown."""
    parts = [numbers(calls, f"{name}_usd") for name in ("input", "cache_read", "cache_write")]
    return parts[0] + parts[1] + parts[2]


def _waited(scale: _Scale, tokens: Floats, wait: Estimate) -> dict[str, Any]:
    """Seconds: tokens that would not have been read anew, times what one adds to the wait, whose interval it is."""
    more = scale.per_call(tokens)["value"]
    value, low, high = (
        None if end is None or more is None else end * more / 1e9 for end in (wait.value, wait.low, wait.high)
    )
    return _told(Estimate(value, low, high, wait.n))


def _near(calls: pd.DataFrame, stored: Sequence[texts.Stored], whole: Whole, options: Options) -> dict[str, Any]:
    """Each measured call against the questions of the same model, system and tools that were answered before it."""
    places = _compared(calls)
    failed, measured = flags(calls, "failed"), flags(calls, "measured")
    heard = {place: texts.asked(stored[place]) for place in places.tolist() if not failed[place]}
    heard_of = [place for place, one in heard.items() if one is not None]
    counts = {place: similarity.counts(heard[place].question) for place in heard_of}  # type: ignore[union-attr]  # not null
    like, earlier = _likeness(calls, heard, counts, heard_of, options)
    asked = np.array([place for place in heard_of if measured[place]], dtype=np.int64)
    answers = _Answers(heard)
    same = [
        answers.alike(place, earlier[place]) if like.get(place, 0) >= _KEPT_FROM else None for place in asked.tolist()
    ]
    pairs = calls.iloc[asked].assign(
        similarity=[like.get(place, np.nan) for place in asked.tolist()],
        same_answer=pd.array([None if one is None else one >= options.same_answer for one in same], dtype="boolean"),
    )
    thresholds = sorted({*THRESHOLDS, options.similarity})
    rows = caching.near_repeats(pairs, thresholds)
    everyone = calls.iloc[places[measured[places]]]
    scale, known = _Scale(everyone, whole), pairs["similarity"].reindex(everyone.index).to_numpy(dtype=np.float64)
    told = [
        {
            "threshold": row["threshold"], "hits": int(row["hits"]), "judged": int(row["judged"]),
            "share": scale.share((known >= row["threshold"]).astype(np.float64)),
            **scale.sums((known >= row["threshold"]).astype(np.float64)),
            "false": _false(row),
        }
        for row in rows.to_dict("records")
    ]  # fmt: skip
    return {
        "similarity": options.similarity, "same_answer": options.same_answer, "measured": len(everyone),
        "compared": len(asked), "rows": told,
        "pairs": _pairs(calls, heard, asked, (like, earlier, dict(zip(asked.tolist(), same, strict=True))), options),
    }  # fmt: skip


def _false(row: Mapping[Any, Any]) -> dict[str, Any]:
    value, low, high = (_none(row[f"false_{end}"]) for end in ("share", "low", "high"))
    return _told(Estimate(value, low, high, int(row["judged"])))


def _compared(calls: pd.DataFrame) -> np.ndarray:
    """Places of the calls whose questions are compared: whole stretches while they fit, else the newest calls."""
    if len(calls) <= MOST_COMPARED:
        return np.arange(len(calls))
    stretches = calls["stretch"].to_numpy(dtype=np.int64)
    kept: list[int] = []
    for number in pd.unique(stretches)[::-1].tolist():
        own = np.flatnonzero(stretches == number)
        if len(kept) + len(own) > MOST_COMPARED and kept:
            break
        kept += own[-MOST_COMPARED:].tolist()
    return np.sort(np.array(kept, dtype=np.int64))


def _likeness(
    calls: pd.DataFrame, heard: Mapping[int, texts.Asked | None], counts: Mapping[int, similarity.Counts],
    places: Sequence[int], options: Options,
) -> tuple[dict[int, float], dict[int, int]]:  # fmt: skip
    """Of each measured call how alike the most alike earlier question is, and which it is."""
    start, duration, measured = (
        nanoseconds(calls, "start_time"),
        numbers(calls, "duration_ns"),
        flags(calls, "measured"),
    )
    scopes = calls["scope"].tolist()
    groups: dict[tuple[str, bytes], list[int]] = {}
    for place in places:
        one = heard[place]
        if one is not None:
            groups.setdefault((scopes[place], one.scope), []).append(place)
    like: dict[int, float] = {}
    earlier: dict[int, int] = {}
    for members in groups.values():
        own = np.array(members)
        at = start[own]
        ends = np.where(np.isnan(duration[own]), 2**62, at + np.nan_to_num(duration[own]))
        since = ends.astype(np.int64)
        asked = measured[own]
        found, similar = similarity.nearest(
            [counts[place] for place in members], since, since + min(_ns(options.ttl), 2**61), at, asked, _KEPT_FROM
        )
        for row in np.flatnonzero(found >= 0).tolist():
            like[members[row]], earlier[members[row]] = float(similar[row]), members[int(found[row])]
    return like, earlier


class _Answers:
    """How alike the answers of two calls are; each is counted once."""

    def __init__(self, heard: Mapping[int, texts.Asked | None]) -> None:
        self._heard = heard
        self._counts: dict[int, similarity.Counts] = {}

    def alike(self, a: int, b: int) -> float | None:
        """Null: one of them is unknown."""
        if self.text(a) is None or self.text(b) is None:
            return None
        return similarity.cosine(self._of(a), self._of(b))

    def text(self, place: int) -> str | None:
        one = self._heard[place]
        return None if one is None else one.answer

    def _of(self, place: int) -> similarity.Counts:
        if place not in self._counts:
            self._counts[place] = similarity.counts(self.text(place) or "")
        return self._counts[place]


def _pairs(
    calls: pd.DataFrame, heard: Mapping[int, texts.Asked | None], asked: np.ndarray,
    told: tuple[Mapping[int, float], Mapping[int, int], Mapping[int, float | None]], options: Options,
) -> list[dict[str, Any]]:  # fmt: skip
    """Hits at the chosen similarity to look at, the least alike answers first; not those where nothing differs."""
    like, earlier, same = told
    hits = [
        place
        for place in asked.tolist()
        if like.get(place, 0) >= options.similarity and not (like[place] == same[place] == 1)
    ]

    def worth(place: int) -> tuple[bool, float]:
        alike = same[place]
        return alike is None, 2.0 if alike is None else alike

    return [
        {
            "similarity": like[place], "answers_alike": same[place],
            "same_answer": None if same[place] is None else same[place] >= options.same_answer,  # type: ignore[operator]  # not null
            **_side("", calls, heard, place), **_side("earlier_", calls, heard, earlier[place]),
        }
        for place in sorted(hits, key=worth)[:MOST_PAIRS]
    ]  # fmt: skip


def _side(prefix: str, calls: pd.DataFrame, heard: Mapping[int, texts.Asked | None], place: int) -> dict[str, Any]:
    one, row = heard[place], calls.iloc[place]
    return {
        f"{prefix}trace_id": str(row["trace_id"]), f"{prefix}span_id": _span_id(row["span_id"]),
        f"{prefix}question": "" if one is None else one.question[:_LETTERS],
        f"{prefix}answer": None if one is None or one.answer is None else one.answer[:_LETTERS],
    }  # fmt: skip


def _span_id(value: Any) -> str:
    """16 hex digits; out of a file as it stands there."""
    return value if isinstance(value, str) else f"{int(value):016x}"


def _none(value: object) -> float | None:
    return None if value is None or value != value else float(str(value))  # noqa: PLR0124 - NaN


def _ns(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1_000
