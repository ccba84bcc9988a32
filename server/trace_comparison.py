"""Two stored traces compared: read, aligned, and told as `GET /api/traces/compare` answers.

Of 30,000 spans each that is 2 s of Python, so it is work for a process beside the server, see `server.aside`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from server import trace_pairs
from server.aside import Ask
from server.trace_pairs import Pair
from store.queries.explore import span_bounds
from store.queries.pairs import MOST_LETTERS

MOST_SPANS = 100_000  # of each trace
MOST_TEXTS = 200  # pairs of steps whose texts are read: of others their hashes are compared alone
MOST_SCORES = 2_000  # of each trace

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps of the comparison are asked for."""

    only: Literal["all", "differing"]
    skip: int
    limit: int


@dataclass(frozen=True, slots=True)
class _Side:
    summary: Json
    spans: list[Json]
    cut: bool


def compared(ask: Ask, a: Json, b: Json, wanted: Wanted) -> Json:
    """See `GET /api/traces/compare`. `a`, `b`: rows of `trace_summary`."""
    sides = [_side(ask, summary) for summary in (a, b)]
    pairs, rough = trace_pairs.paired(sides[0].spans, sides[1].spans)
    unread = _read_texts(ask, sides, pairs)
    parted = trace_pairs.divergence(pairs)
    shown = [pair for pair in pairs if wanted.only == "all" or pair.differs]
    return {
        "a": a, "b": b, "counts": trace_pairs.counts(pairs), "total": len(shown),
        "steps": [pair.told() for pair in shown[wanted.skip : wanted.skip + wanted.limit]],
        "first": parted and asdict(parted), "at_first": parted and pairs[parted.number - 1].told(),
        "scores": _scores(ask, sides), "rough": rough, "cut": any(side.cut for side in sides), "unread": unread,
    }  # fmt: skip


def _side(ask: Ask, summary: Json) -> _Side:
    table = ask("pair_spans", **_place(summary), max_rows=MOST_SPANS + 1)
    return _Side(summary, table.slice(0, MOST_SPANS).to_pylist(), table.num_rows > MOST_SPANS)


def _place(summary: Mapping[str, Any]) -> Json:
    since, until = span_bounds(summary)
    return {"trace_id": UUID(summary["trace_id"]), "since": since, "until": until}


def _read_texts(ask: Ask, sides: list[_Side], pairs: list[Pair]) -> int:
    """Look at the texts of the first pairs whose hashes differ; of how many these were not read, or not whole."""
    asked, every = trace_pairs.doubtful(pairs, MOST_TEXTS)
    if not asked:
        return 0
    texts = []
    for side, spans in zip(sides, zip(*((pair.a, pair.b) for pair in asked), strict=True), strict=True):
        ids = [span["span_id"] for span in spans if span]
        rows = ask("pair_texts", **_place(side.summary), spans=ids, letters=MOST_LETTERS).to_pylist()
        texts.append({row["span_id"]: row for row in rows})
    known = [
        trace_pairs.same_words(pair, texts[0][pair.a["span_id"]], texts[1][pair.b["span_id"]], MOST_LETTERS)
        for pair in asked
        if pair.a and pair.b
    ]
    return every - sum(known)


def _scores(ask: Ask, sides: list[_Side]) -> list[Json]:
    """name, and of each trace how many scores of it have a value, and their mean; null: none has."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, side in zip("ab", sides, strict=True):
        place = _place(side.summary)
        since, until = map(_micros, (place["since"], place["until"]))
        rows = ask("turn_scores", traces=[place["trace_id"]], since_us=since, until_us=until, max_rows=MOST_SCORES)
        for row in rows.to_pylist():
            values = found.setdefault(row["name"], {"a": [], "b": []})
            values[name] += [row["value"]] if row["value"] is not None else []
    return [
        {"name": name}
        | {side: {"n": len(told), "mean": sum(told) / len(told) if told else None} for side, told in both.items()}
        for name, both in sorted(found.items())
    ]


def _micros(at: datetime) -> int:
    """Of a time in UTC, which the store tells without a zone."""
    return (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
