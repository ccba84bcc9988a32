"""What a cache would have saved, of the calls that were made: exact repeats, shared prefixes, near repeats.

Each is a replay of the calls in order of their start, with what a cache would have held at that time: an answer is
there once its call ended, and for as long as the cache keeps it. Failed calls are neither stored nor served, and are
counted. Amounts are US dollars; a hit of unknown cost, tokens or duration saves an unknown amount, and is counted.

Of all the calls of a time savings are counted, not estimated, and intervals are of the shares: how much another such
stretch of traffic would differ. Repeats come in clumps, so what is sampled are prompts, or sessions, not calls. Of many
calls the sample is one of slices of time, each with the calls just before it, which are looked back at and not
measured: calls drawn one by one would have lost those that they repeat. `scaled` tells its sums for the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import intervals
from analytics.columns import Bools, Floats, flags, nanoseconds, numbers
from analytics.intervals import LEVEL, Estimate

FEWEST_TIMED = 30  # calls with a time to first token, for what a token of input adds to it


@dataclass(frozen=True, slots=True)
class Saving:
    """What some calls took that would not have been made. Sums leave out what is unknown, which is counted."""

    calls: int
    usd: float
    unpriced: int  # calls of unknown cost
    input_tokens: int
    output_tokens: int
    uncounted: int  # calls that lack one of the two counts
    duration_ns: int  # less what looking up takes
    untimed: int  # calls of unknown duration


@dataclass(frozen=True, slots=True)
class Repeats:
    """Exact repeats that a cache of answers would have served."""

    calls: int  # that ended well and whose prompt is known: those that could be hits
    failed: int
    unknown: int  # ended well, prompt unknown
    share: Estimate  # of `calls`; clusters are distinct prompts
    saving: Saving


@dataclass(frozen=True, slots=True)
class PrefixSaving:
    """Input cost as it was and as it would be if the provider cached every prefix, over calls with known rates."""

    calls: int
    failed: int
    unknown: int  # ended well, but blocks, counts or rates are unknown
    input_tokens: int
    read_tokens: int  # would come from the cache
    written_tokens: int  # would go into it
    share: Estimate  # read_tokens over input_tokens; clusters are sessions, else calls
    actual_usd: float  # input as it was: plain, read and written
    cached_usd: float  # input as it would be
    write_premium_usd: float  # part of cached_usd: what writing costs above plain input
    net_usd: float  # actual less cached; below 0: caching would cost more than it saves


def exact_repeats(
    calls: pd.DataFrame, window_ns: int, *, sliding: bool = False, lookup_ns: int = 0, level: float = LEVEL
) -> Repeats:
    """Calls that an exact cache would have answered.

    `calls`: `prompt_hash` (of all that the answer depends on: model, messages, parameters, tools; null: unknown),
    `start_time`, `duration_ns`, `failed`, `cost_usd`, `input_tokens`, `output_tokens`; any order.
    An answer is kept for `window_ns` from the end of its call, or with `sliding` from its last use. A call that starts
    while the first of its kind is still running is no hit. A call of unknown duration leaves no answer behind.
    `lookup_ns`: what a hit takes. No calls give a null share and sums of 0.
    """
    failed, told = flags(calls, "failed"), calls["prompt_hash"].notna().to_numpy(dtype=bool)
    kept = calls[~failed & told]
    codes, hits = pd.factorize(kept["prompt_hash"])[0], exact_hits(calls, window_ns, sliding=sliding)[~failed & told]
    return Repeats(
        calls=len(kept), failed=int(failed.sum()), unknown=int((~failed & ~told).sum()),
        share=_share(hits.astype(float), np.ones(len(kept)), codes, level), saving=_saving(kept[hits], lookup_ns),
    )  # fmt: skip


def exact_hits(calls: pd.DataFrame, window_ns: int, *, sliding: bool = False) -> Bools:
    """Which of the calls an exact cache would have answered; see `exact_repeats`, whose columns it takes."""
    usable = ~flags(calls, "failed") & calls["prompt_hash"].notna().to_numpy(dtype=bool)
    kept = calls[usable]
    codes = pd.factorize(kept["prompt_hash"])[0]
    hits = np.zeros(len(calls), dtype=np.bool_)
    hits[usable] = _served(
        codes, nanoseconds(kept, "start_time"), numbers(kept, "duration_ns"), window_ns, sliding=sliding
    )
    return hits


def prefix_caching(
    calls: pd.DataFrame, rates: pd.DataFrame, *, block_tokens: int | None = None, ttl_ns: int,
    minimum_tokens: int = 1024, level: float = LEVEL,
) -> PrefixSaving:  # fmt: skip
    """What caching of prompt prefixes at the provider would have done to the cost of input.

    `calls`: `scope` (what shares a cache: provider, model and account), `start_time`, `duration_ns`, `ttft_ns`,
    `failed`, `input_tokens` (all), `cache_read_tokens`, `cache_write_tokens` (null: none), and `blocks`: for each call
    the hashes of its prompt's prefixes of 1, 2, ... times `block_tokens` tokens (a hash stands for all up to there;
    null: unknown); any order. Without `block_tokens` the column of that name tells it for each call, fractions too:
    for blocks that are cut by letters. Optional: `session_id`; calls of none are taken to be independent, and where
    they are not the interval of the share is too narrow. `rates`: same index; `input`, `cache_read`, `cache_write`, US
    dollars each.
    The longest prefix that is kept is read, and the rest of the whole blocks written, if each has `minimum_tokens`
    together with what is before it; what is left is plain input. A prefix is there from the first token of the call
    that wrote it (its end, if there is no TTFT; its start, if neither is known), and for `ttl_ns` from its last use.
    Every prompt is written, also one that never comes again: a policy that chooses may save more.
    """
    failed, known = flags(calls, "failed"), _priceable(calls, rates)
    kept, paid = calls[~failed & known], rates[~failed & known]
    done = prefix_tokens(kept, block_tokens=block_tokens, ttl_ns=ttl_ns, minimum_tokens=minimum_tokens)
    total, read, written = (numbers(done, name) for name in ("input", "read", "written"))
    usd = prefix_usd(kept, paid, done)
    actual, cached = float(usd["actual"].sum()), float(usd["cached"].sum())
    return PrefixSaving(
        calls=len(kept), failed=int(failed.sum()), unknown=int((~failed & ~known).sum()),
        input_tokens=int(total.sum()), read_tokens=round(read.sum()), written_tokens=round(written.sum()),
        share=_share(read, total, _sessions(kept), level), actual_usd=actual, cached_usd=cached,
        write_premium_usd=float(usd["premium"].sum()), net_usd=actual - cached,
    )  # fmt: skip


def prefix_tokens(
    calls: pd.DataFrame, *, block_tokens: int | None = None, ttl_ns: int, minimum_tokens: int = 1024
) -> pd.DataFrame:
    """Of each call that ended well, tokens of input, those that would be read and written: `input`, `read`, `written`.

    See `prefix_caching` for the columns, and for when a prefix is there. Same index. No call failed, and `blocks` and
    `input_tokens` are known.
    """
    size = np.full(len(calls), float(block_tokens)) if block_tokens else numbers(calls, "block_tokens")
    total, read, written = _prefixes(calls, size, ttl_ns, minimum_tokens)
    return pd.DataFrame({"input": total, "read": read, "written": written}, index=calls.index)


def prefix_usd(calls: pd.DataFrame, rates: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """The cost of input of each call, US dollars, as it was (`actual`) and by `done`, of `prefix_tokens` (`cached`).

    `saved` is their difference, exactly 0 where nothing would change. The premium is what writing would cost above
    plain input, a part of `cached`. Null where a rate is.
    """
    rate = {name: numbers(rates, name) for name in ("input", "cache_read", "cache_write")}
    was_read, was_written = (np.nan_to_num(numbers(calls, f"cache_{name}_tokens")) for name in ("read", "write"))
    total, read, written = (numbers(done, name) for name in ("input", "read", "written"))
    return pd.DataFrame(
        {
            "actual": _input_usd(total, was_read, was_written, rate),
            "cached": _input_usd(total, read, written, rate),
            "saved": (read - was_read) * (rate["input"] - rate["cache_read"])
            - (written - was_written) * (rate["cache_write"] - rate["input"]),
            "premium": written * (rate["cache_write"] - rate["input"]),
        },
        index=calls.index,
    )


def scaled(part: Floats, whole: Floats, clusters: np.ndarray, total: float, level: float = LEVEL) -> Estimate:
    """The sum of `part` over all calls, from a sample: its ratio to the sum of `whole`, times that sum over all calls.

    `clusters`: the slice of each call. NaN in either counts on neither side. With total 1 it is the ratio itself.
    Student's interval over the slices (ratio estimator, Cochran 1977, section 6.3); `n` slices; null without a whole.
    Where no call has a part the slices do not differ, and cannot bound how many would: no interval.
    """
    known = ~(np.isnan(part) | np.isnan(whole))
    sums = pd.DataFrame({"part": part[known], "whole": whole[known]}).groupby(clusters[known]).sum()
    found = intervals.ratio(sums["part"], sums["whole"], level)
    if not sums["part"].any():
        found = Estimate(found.value, None, None, found.n)
    value, low, high = (None if number is None else number * total for number in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.n)


def wait_per_token(calls: pd.DataFrame, level: float = LEVEL) -> Estimate:
    """Nanoseconds that a token of input which no cache held added to the time to the first token.

    `calls`: `scope`, `ttft_ns`, `input_tokens`, `cache_read_tokens` (null: none). The slope of a straight line through
    the calls that told both, each less the mean of its scope, since models differ in much else; ordinary least squares
    with Student's interval. Null with fewer than 30 such calls, or where all asked for as much.
    """
    fresh = numbers(calls, "input_tokens") - np.nan_to_num(numbers(calls, "cache_read_tokens"))
    told = pd.DataFrame({"x": fresh, "y": numbers(calls, "ttft_ns"), "scope": calls["scope"].to_numpy()}).dropna()
    freedom = len(told) - told["scope"].nunique() - 1
    if len(told) < FEWEST_TIMED or freedom < 1:
        return Estimate(None, None, None, len(told))
    x, y = (told[name] - told.groupby("scope")[name].transform("mean") for name in ("x", "y"))
    spread = float((x * x).sum())
    if not spread:
        return Estimate(None, None, None, len(told))
    slope = float((x * y).sum()) / spread
    error = float(np.sqrt(((y - slope * x) ** 2).sum() / freedom / spread))
    reach = intervals.student(freedom, level) * error
    return Estimate(slope, slope - reach, slope + reach, len(told))


def near_repeats(pairs: pd.DataFrame, thresholds: Sequence[float], level: float = LEVEL) -> pd.DataFrame:
    """What a cache that answers near repeats would have saved, and how often it would have been wrong.

    `pairs`: one row per call that ended well, with the earlier call that is most like it: `similarity` (0 to 1; null:
    there is no earlier call), `same_answer` (whether that call's answer would have done; null: not judged), `cost_usd`,
    `duration_ns`, `input_tokens`, `output_tokens` of the call. Similarity and judgement are the caller's.
    One row per threshold, in the given order: `threshold`, `hits` (similarity at or above it), `share`, `share_low`,
    `share_high` (of all rows, Wilson), `usd`, `unpriced`, `input_tokens`, `output_tokens`, `uncounted`, `duration_ns`,
    `untimed` (as in `Saving`), `judged` (hits with a judgement), `false_share`, `false_low`, `false_high` (of `judged`,
    Wilson: the risk that a hit is false, if those judged were drawn at random among the hits; null: none judged).
    """
    similarity, answer = numbers(pairs, "similarity"), numbers(pairs, "same_answer")
    rows = []
    for threshold in thresholds:
        hits = similarity >= threshold
        judged = answer[hits & ~np.isnan(answer)]
        share = intervals.rate(int(hits.sum()), len(pairs), level)
        false = intervals.rate(int((judged == 0).sum()), int(judged.size), level)
        saved = _saving(pairs[hits], 0)
        rows.append(
            {
                "threshold": threshold, "hits": saved.calls,
                "share": share.value, "share_low": share.low, "share_high": share.high,
                "usd": saved.usd, "unpriced": saved.unpriced, "input_tokens": saved.input_tokens,
                "output_tokens": saved.output_tokens, "uncounted": saved.uncounted,
                "duration_ns": saved.duration_ns, "untimed": saved.untimed, "judged": false.n,
                "false_share": false.value, "false_low": false.low, "false_high": false.high,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _served(codes: np.ndarray, start: np.ndarray, duration: Floats, window_ns: int, *, sliding: bool) -> Bools:
    hits = np.zeros(len(codes), dtype=np.bool_)
    entries: dict[int, tuple[float, float]] = {}  # there from, there until
    for place in np.argsort(start, kind="stable").tolist():
        key, at = int(codes[place]), int(start[place])
        since, until = entries.get(key, (0, -1))
        if since <= at <= until:
            hits[place] = True
            if sliding:
                entries[key] = since, at + window_ns
        elif at > until and not np.isnan(duration[place]):
            ended = at + int(duration[place])
            entries[key] = ended, ended + window_ns
    return hits


def _sessions(calls: pd.DataFrame) -> np.ndarray:
    """A number for each session, and one for each call without."""
    if "session_id" not in calls:
        return np.arange(len(calls))
    codes = pd.factorize(calls["session_id"])[0]
    return np.where(codes < 0, len(calls) + np.arange(len(calls)), codes)


def _priceable(calls: pd.DataFrame, rates: pd.DataFrame) -> Bools:
    known = calls["blocks"].notna() & calls["input_tokens"].notna()
    priced = rates[["input", "cache_read", "cache_write"]].notna().all(axis=1)
    return np.asarray(known.to_numpy(dtype=bool) & priced.to_numpy(dtype=bool), dtype=np.bool_)


def _prefixes(calls: pd.DataFrame, size: Floats, ttl_ns: int, minimum: int) -> tuple[Floats, Floats, Floats]:
    """Input tokens of each call, those that would be read, and those that would be written."""
    total, start = numbers(calls, "input_tokens"), nanoseconds(calls, "start_time")
    wait = np.where(calls["ttft_ns"].notna(), numbers(calls, "ttft_ns"), numbers(calls, "duration_ns"))
    ready = start + np.nan_to_num(wait).astype(np.int64)
    read, written = np.zeros(len(calls)), np.zeros(len(calls))
    blocks, scopes = calls["blocks"].tolist(), calls["scope"].tolist()
    entries: dict[object, tuple[int, int]] = {}  # there from, there until
    for place in np.argsort(start, kind="stable").tolist():
        at, keys = int(start[place]), [(scopes[place], block) for block in blocks[place]]
        found = 0
        while found < len(keys) and _there(entries.get(keys[found]), at):
            found += 1
        whole, kept = (min(count * size[place], total[place]) for count in (len(keys), found))
        if whole < minimum:
            continue
        read[place] = kept if kept >= minimum else 0
        written[place] = whole - read[place]
        for number, key in enumerate(keys):
            entry = entries.get(key)
            since = entry[0] if entry and (number < found or at < entry[0]) else int(ready[place])
            entries[key] = since, max(since, at) + ttl_ns
    return total, read, written


def _there(entry: tuple[int, int] | None, at: int) -> bool:
    return entry is not None and entry[0] <= at <= entry[1]


def _input_usd(total: Floats, read: Floats, written: Floats, rate: dict[str, Floats]) -> Floats:
    plain = total - read - written
    return plain * rate["input"] + read * rate["cache_read"] + written * rate["cache_write"]


def _share(part: Floats, whole: Floats, clusters: np.ndarray, level: float) -> Estimate:
    sums = pd.DataFrame({"part": part, "whole": whole}).groupby(clusters).sum()
    found = intervals.ratio(sums["part"], sums["whole"], level)
    low = None if found.low is None else max(0.0, found.low)
    return Estimate(found.value, low, None if found.high is None else min(1.0, found.high), found.n)


def _saving(hits: pd.DataFrame, lookup_ns: int) -> Saving:
    usd, duration = numbers(hits, "cost_usd"), numbers(hits, "duration_ns")
    tokens = [numbers(hits, name) for name in ("input_tokens", "output_tokens")]
    return Saving(
        calls=len(hits), usd=float(np.nansum(usd)), unpriced=int(np.isnan(usd).sum()),
        input_tokens=int(np.nansum(tokens[0])), output_tokens=int(np.nansum(tokens[1])),
        uncounted=int((np.isnan(tokens[0]) | np.isnan(tokens[1])).sum()),
        duration_ns=int(np.nansum(duration - lookup_ns)), untimed=int(np.isnan(duration).sum()),
    )  # fmt: skip
