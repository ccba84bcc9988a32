"""Samples of what monitors watch, item by item, so that two of them can be compared and a change explained.

The same items are drawn as long as they are there: calls by whole traces, by the hashes of their ids; what has to be
read text by text by the minute, some of each. An item has a value, or none: it failed, or nobody told it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics import similarity, topics
from analytics.columns import Bools, Floats
from analytics.drift import Column, Labels, column
from analytics.drifted import Kind
from server.aside import Ask
from server.monitors import texts
from server.monitors.rulers import END_USERS
from server.monitors.signals import SIGNALS

MOST = 20_000
TEXTS = 2_000  # that are read for one sample
OF_A_MINUTE = 8  # texts, so that they are of some hundred different minutes
RETRIEVALS = 5_000
TOPICS = 8
DIRECTIONS = 50  # of embeddings
_DECIMALS = 6  # of points, whose vectors have length 1
ATTRIBUTES = ("service", "environment", "model", "provider", "release", "prompt", "variant", "tool", "tags")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A signal to draw items of."""

    signal: str
    score: str | None = None  # its name, of signals of scores


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Items of one signal, a row each, in order of time."""

    kind: Kind
    values: NDArray[Any]  # numbers, NaN: none; or names, or texts (of topics and embeddings), null: none
    failed: Bools  # of the rows without a value, those that failed
    clusters: Sequence[object]  # sessions, else users, else traces; of a run the clusters of its items
    trace_ids: Sequence[str | None]
    times: NDArray[np.datetime64]  # UTC, microseconds; NaT: unknown
    labels: Mapping[str, Sequence[str | None]]  # by `ATTRIBUTES`; none of a run's
    total: int  # items of which these were drawn
    rulers: Sequence[str | None]  # evaluator and version, `a person`, `an end user`; null: not told, or unimportant

    def __len__(self) -> int:
        """How many there are."""
        return len(self.values)

    def of(self, chosen: Bools) -> Rows:
        """Some of the rows."""
        places = np.flatnonzero(chosen).tolist()
        return replace(
            self, values=self.values[chosen], failed=self.failed[chosen], times=self.times[chosen],
            clusters=[self.clusters[place] for place in places],
            trace_ids=[self.trace_ids[place] for place in places],
            rulers=[self.rulers[place] for place in places],
            labels={name: [told[place] for place in places] for name, told in self.labels.items()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """One sample."""

    rows: Mapping[Wanted, Rows]


class NotSampledError(Exception):
    """A signal that has no value an item; says why."""


class OtherRulerError(Exception):
    """Two samples of a score have no ruler in common, so that their values cannot be compared; says which they have."""


def sampled(  # noqa: PLR0917 - a slice, a window and a bound
    ask: Ask,
    wanted: Sequence[Wanted],
    where: Mapping[str, Any],
    since: datetime,
    until: datetime,
    most: int = MOST,
) -> Sampled:
    """Items of every signal that is wanted, of a slice and a window [since, until) (UTC without a zone).

    Some `most` of each, and 2,000 of those whose texts are read. Those of one source are the same items.

    Raises:
        NotSampledError: a signal is a sum over time.
    """
    filters = {name: value for name, value in where.items() if value is not None}
    asked = _Asked(ask, {**filters, "since": since, "until": until}, most)
    sources: dict[str, list[Wanted]] = {}
    for one in wanted:
        sources.setdefault(_source(one), []).append(one)
    found: dict[Wanted, Rows] = {}
    for source, own in sources.items():
        found |= _READERS[source](asked, own)
    return Sampled({one: found[one] for one in wanted})


def run_sample(ask: Ask, run: UUID, score: str) -> Sampled:
    """The rows of an experiment's run by what the evaluator called `score` said of them; no rows: it has none."""
    table = ask("monitor_run", run_id=run, score=score)
    rows = Rows(
        "numeric", _floats(table, "amount"), _failed(table), table["cluster"].to_pylist(),
        table["trace_id"].to_pylist(), np.full(table.num_rows, np.datetime64("NaT", "us")), {}, _total(table),
        table["ruler"].to_pylist(),
    )  # fmt: skip
    return Sampled({Wanted("score", score): rows})


def _source(one: Wanted) -> str:
    known = SIGNALS.get(one.signal)
    if known is None or not known.alone:
        raise NotSampledError(f"{one.signal} has no value of a single call, so that there is no sample of it.")
    return _SOURCES.get(known.name, "calls")


@dataclass(frozen=True, slots=True)
class _Asked:
    ask: Ask
    slice: Mapping[str, Any]  # filters and window
    most: int

    def __call__(self, name: str, **params: object) -> pa.Table:
        return self.ask(name, **self.slice, **params)


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _names(values: Sequence[str | None]) -> NDArray[Any]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _failed(table: pa.Table) -> Bools:
    return _flags(table, "failed")


def _flags(table: pa.Table, name: str) -> Bools:
    """A column of true and false; null is false."""
    return np.asarray(table[name].cast(pa.int8()).fill_null(0).to_numpy() > 0, dtype=np.bool_)


def _of_end_users(table: pa.Table) -> Bools:
    return np.array([ruler == END_USERS for ruler in table["ruler"].to_pylist()], dtype=np.bool_)


def _total(table: pa.Table) -> int:
    return int(pc.max(table["total"]).as_py() or 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """What all signals of one table share: whose each row is, when it was, and what tells it apart."""

    clusters: Sequence[object]
    trace_ids: Sequence[str | None]
    times: NDArray[np.datetime64]
    labels: Mapping[str, Sequence[str | None]]


def _common(table: pa.Table) -> _Common:
    return _Common(
        table["cluster"].to_pylist(), table["trace_id"].to_pylist(),
        table["start_time"].cast(pa.timestamp("us")).to_numpy(), {name: table[name].to_pylist() for name in ATTRIBUTES},
    )  # fmt: skip


def _rows(
    signal: str, table: pa.Table, values: NDArray[Any], rulers: Sequence[str | None] | None = None,
    common: _Common | None = None,
) -> Rows:  # fmt: skip
    """Rows of a table with cluster, trace_id, start_time, failed, total and attributes; `common`: of the same table."""
    shared = common or _common(table)
    absent = np.array([one is None for one in values.tolist()]) if values.dtype == object else np.isnan(values)
    return Rows(
        SIGNALS[signal].kind, values, _failed(table) & absent.astype(np.bool_), shared.clusters, shared.trace_ids,
        shared.times, shared.labels, _total(table),
        [None] * table.num_rows if rulers is None else rulers,
    )  # fmt: skip


_COLUMNS = {
    "unknown_usage_rate": "unknown_usage", "retry_rate": "retry", "cache_hit_share": "cache_hit_share", "cost": "cost",
    "duration": "duration", "ttft": "ttft", "input_tokens": "input_tokens", "output_tokens": "output_tokens",
}  # fmt: skip


def _calls(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    table = asked("monitor_sample", most=asked.most)
    common = _common(table)
    return {one: _rows(one.signal, table, _of_call(one.signal, table), None, common) for one in wanted}


def _of_call(signal: str, table: pa.Table) -> NDArray[Any]:
    if signal == "error_rate":
        return _failed(table).astype(np.float64)
    return _names(table["model"].to_pylist()) if signal == "model_mix" else _floats(table, _COLUMNS[signal])


def _finishes(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    table = asked("monitor_finishes", most=asked.most)
    return {one: _rows(one.signal, table, _names(table["finish_reason"].to_pylist())) for one in wanted}


def _tools(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    table = asked("monitor_tools", most=asked.most)
    return {one: _rows(one.signal, table, _names(table["tool"].to_pylist())) for one in wanted}


def _retrievals(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    table = _by_minutes(asked, "monitor_retrievals", min(asked.most, RETRIEVALS))
    columns = {"retrieval_score": "amount", "retrieved_documents": "documents"}
    said = _of_normaliser(table)
    return {one: _rows(one.signal, table, _floats(table, columns[one.signal]), said) for one in wanted}


def _by_minutes(asked: _Asked, name: str, most: int, **params: object) -> pa.Table:
    """Few of each minute; of a burst, whose minutes have not half of what is wanted so, all that it takes."""
    table = asked(name, most=most, per_cell=OF_A_MINUTE, **params)
    if 2 * table.num_rows >= min(most, _total(table)):
        return table
    return asked(name, most=most, per_cell=None, **params)


_OF_INPUTS = {"language", "topics", "input_embedding"}
_OF_OUTPUTS = {"refusal_rate", "output_embedding"}
_LENGTHS = {"input_length", "output_length"}


def _texts(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    signals = {one.signal for one in wanted}
    table = _by_minutes(
        asked, "monitor_texts", min(asked.most, TEXTS), input=bool(signals & _OF_INPUTS),
        output=bool(signals & _OF_OUTPUTS), lengths=bool(signals & _LENGTHS),
    )  # fmt: skip
    questions = texts.questions(table) if signals & _OF_INPUTS else []
    return {one: _of_texts(one.signal, table, questions) for one in wanted}


def _of_texts(signal: str, table: pa.Table, questions: Sequence[str | None]) -> Rows:
    if signal == "refusal_rate":
        return _rows(signal, table, texts.refused(table), [texts.refusal()] * table.num_rows)
    if signal == "language":
        told = [None if one is None else texts.language(one) for one in questions]
        return _rows(signal, table, _names(told))
    if signal in {"topics", "input_embedding"}:
        return _rows(signal, table, _names([one or None for one in questions]))
    if signal == "output_embedding":
        return _rows(signal, table, _names(texts.answers(table)))
    return _rows(signal, table, _floats(table, signal), _of_normaliser(table))


def _of_normaliser(table: pa.Table) -> list[str | None]:
    return [None if one is None else f"normaliser {one}" for one in table["normaliser_version"].to_pylist()]


def _scores(asked: _Asked, wanted: Sequence[Wanted]) -> dict[Wanted, Rows]:
    names = sorted({str(one.score) for one in wanted})
    table = asked("monitor_scored", scores=names, most=asked.most)
    return {one: _of_scores(one.signal, table.filter(pc.equal(table["name"], str(one.score)))) for one in wanted}


def _of_scores(signal: str, table: pa.Table) -> Rows:
    if signal == "judge_agreement":
        return _pairs(table)
    if signal == "score_failures":
        table = table.filter(pa.array(~_flags(table, "of_person") & ~_of_end_users(table)))
        return _rows(signal, table, _failed(table).astype(np.float64))
    return _rows(signal, table, _floats(table, "amount"), table["ruler"].to_pylist())


def _pairs(table: pa.Table) -> Rows:
    """Targets that a person scored too: of the newest score of people and of all others that are no end users."""
    table = table.filter(pa.array(~_failed(table) & ~_of_end_users(table)))
    people: dict[Any, dict[str, Any]] = {}
    others: dict[Any, tuple[int, dict[str, Any]]] = {}
    columns = ["trace_id", "span_id", "session_id", "of_person", "given", "ruler", "amount", "label", "scale"]
    for place, row in enumerate(table.select(columns).to_pylist()):
        target = row["trace_id"], row["span_id"], row["session_id"]
        if row["of_person"]:
            people[target] = row
        elif target not in others or (row["given"], row["ruler"]) > tuple(
            others[target][1][one] for one in ("given", "ruler")
        ):
            others[target] = place, row
    pairs = [(place, row, agree(row, people[target])) for target, (place, row) in others.items() if target in people]
    told = sorted((place, row["ruler"], same) for place, row, same in pairs if same is not None)
    own = table.take(pa.array([place for place, _, _ in told], pa.int64()))
    return _rows("judge_agreement", own, np.array([float(same) for _, _, same in told]), [one for _, one, _ in told])


def agree(judge: Mapping[str, Any], person: Mapping[str, Any]) -> bool | None:
    """Whether two scores of one target say the same, as the query `monitor_agreement` has it; null: nobody knows."""
    if judge["label"] is not None and person["label"] is not None:
        return bool(judge["label"].strip().lower() == person["label"].strip().lower())
    values = judge["amount"], person["amount"]
    if None in values:
        return None
    low, high = _scale(judge["scale"])
    if all(low <= value <= high for value in values):
        middle = (low + high) / 2
        return bool((values[0] >= middle) == (values[1] >= middle))
    return bool(values[0] == values[1])


def _scale(text: str | None) -> tuple[float, float]:
    told = json.loads(text) if text else {}
    low, high = told.get("low"), told.get("high")
    return 0.0 if low is None else float(low), 1.0 if high is None else float(high)


_SOURCES = {
    "finish_reasons": "finishes", "tool_mix": "tools", "refusal_rate": "texts", "input_length": "texts",
    "output_length": "texts", "language": "texts", "topics": "texts", "input_embedding": "texts",
    "output_embedding": "texts", "score": "scores", "score_failures": "scores", "judge_agreement": "scores",
    "retrieval_score": "retrievals", "retrieved_documents": "retrievals",
}  # fmt: skip
_READERS: Mapping[str, Callable[[_Asked, Sequence[Wanted]], dict[Wanted, Rows]]] = {
    "calls": _calls, "finishes": _finishes, "tools": _tools, "retrievals": _retrievals, "texts": _texts,
    "scores": _scores,
}  # fmt: skip


# Two samples.


def paired(reference: Sampled, current: Sampled, signal: Wanted) -> tuple[Rows, Rows]:
    """The rows of both samples that may be compared: of scores those of the ruler with most values in both.

    People's scores are compared only where no evaluator has any, end users' where there are no others.

    Raises:
        OtherRulerError: no ruler has values in both.
    """
    a, b = reference.rows[signal], current.rows[signal]
    counts = [_values_by_ruler(one) for one in (a, b)]
    told = [one for one in {*counts[0], *counts[1]} if one is not None]
    if not told or signal.signal == "score_failures":
        return a, b
    reviewed = [one for one in told if one != END_USERS] or told
    judges = [one for one in reviewed if one != "a person"] or reviewed
    best = max(sorted(judges), key=lambda one: min(_of(counts[0], one), _of(counts[1], one)))
    if counts[0] and counts[1] and not min(_of(counts[0], best), _of(counts[1], best)):
        before, after = (", ".join(sorted(map(str, own))) for own in counts)
        what = signal.score or signal.signal
        raise OtherRulerError(
            f"{what} is of {before} in the reference and of {after} now; values of two are not compared"
        )
    chosen = [np.array([ruler in {best, None} for ruler in one.rulers], dtype=np.bool_) for one in (a, b)]
    return a.of(chosen[0]), b.of(chosen[1])


def _values_by_ruler(rows: Rows) -> Counter[str | None]:
    there = _known(rows.values)
    return Counter(ruler for ruler, known in zip(rows.rulers, there.tolist(), strict=True) if known)


def _known(values: NDArray[Any]) -> Bools:
    if values.dtype == object:
        return np.array([one is not None for one in values.tolist()], dtype=np.bool_)
    return np.asarray(~np.isnan(values), dtype=np.bool_)


def _of(counts: Counter[str | None], ruler: str) -> int:
    """Values of a ruler; those whose ruler nobody told, as of a file, may be of any."""
    return counts[ruler] + counts[None]


def units_of(reference: Sampled, current: Sampled, signal: Wanted) -> Column:
    """Both samples as `analytics.drift` takes them: the rows of `paired`, whose clusters are `clusters_of`.

    Topics are found in both together, and so are the directions of embeddings. Raises OtherRulerError.
    """
    return column_of(*paired(reference, current, signal), signal.signal)


def clusters_of(reference: Sampled, current: Sampled, signal: Wanted) -> tuple[Labels, Labels]:
    """Of the rows of `units_of`. Raises OtherRulerError."""
    a, b = paired(reference, current, signal)
    return list(a.clusters), list(b.clusters)


def column_of(a: Rows, b: Rows, signal: str) -> Column:
    """`units_of` of rows of `paired`."""
    values = {"topics": topics_of, "input_embedding": directions, "output_embedding": directions}.get(signal)
    sides = (a.values, b.values) if values is None else values(a.values.tolist(), b.values.tolist())
    return column(SIGNALS[signal].kind, *sides, (a.failed, b.failed))


def topics_of(a: Sequence[str | None], b: Sequence[str | None]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The topic of each text, by its first words, found in both together; null: no text, or there are no topics."""
    found = topics.find([*a, *b], TOPICS)
    if not found.words:
        return _names([None] * len(a)), _names([None] * len(b))
    names = {topics.NOT_TOLD: None, topics.OTHER: "other"}
    names |= {place: ", ".join(list(words)[:3]) for place, words in enumerate(found.words, 1)}
    return _names([names[code] for code in found.of(a).tolist()]), _names(
        [names[code] for code in found.of(b).tolist()]
    )


def directions(a: Sequence[str | None], b: Sequence[str | None], count: int = DIRECTIONS) -> tuple[Floats, Floats]:
    """Texts as points, shape (texts, directions), those that vary most first; NaN: no text.

    Words and pairs of words are folded into vectors of length 1 (`analytics.similarity`), of which those of both
    together are brought to the directions in which they vary most, whichever side they are of.
    """
    every = [*a, *b]
    there = np.array([one is not None for one in every], dtype=np.bool_)
    found = np.full((len(every), count), np.nan)
    if there.any():
        folded = similarity.folded([similarity.counts(one) for one in every if one is not None]).astype(np.float64)
        found[there] = _turned(folded - folded.mean(axis=0), count)
    return found[: len(a)], found[len(a) :]


def _turned(rows: Floats, count: int) -> Floats:
    """Rows in their principal axes, by the smaller of the two matrices of products; 0 where there are fewer axes.

    Rounded: else equal rows differ by what the sums were rounded to, which depends on where they stand, and a test by
    ranks would find one sample in that.
    """
    wide = rows.shape[0] < rows.shape[1]
    sizes, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)  # of the smallest first
    first = vectors[:, ::-1][:, :count]
    turned = first * np.sqrt(np.maximum(sizes[::-1][:count], 0)) if wide else rows @ first
    return np.pad(np.round(turned, _DECIMALS), ((0, 0), (0, count - turned.shape[1])))
