"""Items from stored traces: by filter, by selection, or by a score that they got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

import orjson

from evaluators.errors import UnreadableCaseError
from server.aside import Ask
from server.cases import case_rows
from server.dataset_files import NAMED, read, write
from server.dataset_items import Item, asked, item_of, table_of

MOST = 2_000  # traces at once
_SPANS_OF = 100  # traces whose spans are asked for at once
_PAGE = 1_000
_SAMPLES = 5
_ASKED_BY = ("user", "human")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Which traces become items, and how."""

    keys: str  # Arrow file of what the dataset has
    out: str  # Arrow file of what is to be set
    filter: Mapping[str, Any] | None = None  # parameters of query `traces`
    targets: tuple[tuple[str, str | None], ...] = ()  # trace and span, hex digits; in place of a filter
    unit: Literal["trace", "call"] = "trace"
    most: int = 200  # traces, the newest first
    answer_as: Literal["answer", "reference", "nothing"] = "answer"
    duplicates: Literal["keep", "skip"] = "skip"  # what asks the same as an item does
    split: str | None = None
    tags: tuple[str, ...] = field(default=())


def collected(ask: Ask, order: Order) -> Row:
    """Make items; returns `matching` traces, `items` that are to be set, `there` (their trace is an item already).

    `same` ask what an item asks, `left_out` of them are not taken, of `nothing_asked` nothing to ask was recorded;
    `samples` are the first.
    """
    keys = read(order.keys)
    sources = set(zip(keys["trace_id"].to_pylist(), keys["span_id"].to_pylist(), strict=True))
    asks, ids = set(keys["same"].to_pylist()), set(keys["item"].to_pylist())
    traces, matching = _traces(ask, order)
    counts: Counter[str] = Counter()
    items: list[Item] = []
    for row in _rows(ask, order, traces):
        counts["read"] += 1
        item = _item(row, order)
        if item is None:
            counts["nothing_asked"] += 1
        elif (item.trace_id, item.span_id) in sources or item.id in ids:
            counts["there"] += 1
        else:
            same = item.same in asks
            counts["same"] += same
            if same and order.duplicates == "skip":
                counts["left_out"] += 1
                continue
            sources.add((item.trace_id, item.span_id))
            asks.add(item.same)
            ids.add(item.id)
            items.append(item)
    write(table_of(items), order.out)
    told = {name: counts[name] for name in ("read", "there", "same", "left_out", "nothing_asked")}
    return {
        "matching": matching, "traces": len(traces), "items": len(items), **told,
        "samples": [_sample(item) for item in items[:_SAMPLES]], "ids": [item.id for item in items[:NAMED]],
    }  # fmt: skip


def _traces(ask: Ask, order: Order) -> tuple[list[Row], int]:
    if order.filter is None:
        ids = list(dict.fromkeys(UUID(trace) for trace, _ in order.targets))[: order.most]
        found = ask("case_traces", traces=ids).to_pylist() if ids else []
        return found, len(found)
    rows: list[Row] = []
    total = 0
    while len(rows) < order.most:
        size = min(_PAGE, order.most - len(rows))
        last = rows[-1] if rows else None
        after = {} if last is None else {
            "after_sort": last["sort_key"], "after_start_us": last["start_us"], "after_trace": last["trace_id"]
        }  # fmt: skip
        page = ask("traces", **order.filter, **after, sort="newest", words=False, page_size=size)
        told = page.select(["trace_id", "start_us", "duration_ns", "sort_key", "total"]).to_pylist()
        total = told[0]["total"] if told and not rows else total
        rows += told
        if len(told) < size:
            break
    return rows, total


def _rows(ask: Ask, order: Order, traces: Sequence[Row]) -> Iterator[Row]:
    spans_of: dict[str, list[str | None]] = {}
    for trace, span in order.targets:
        spans_of.setdefault(UUID(trace).hex, []).append(span)
    for start in range(0, len(traces), _SPANS_OF):
        part = traces[start : start + _SPANS_OF]
        bounds = {
            "traces": [UUID(str(one["trace_id"])) for one in part], "since_us": min(one["start_us"] for one in part),
            "until_us": max(one["start_us"] + (one["duration_ns"] or 0) // 1000 + 1 for one in part),
        }  # fmt: skip
        calls: dict[str, list[str | None]] = {}
        if order.unit == "call" and not order.targets:
            for call in ask("case_calls", **bounds).to_pylist():
                calls.setdefault(str(call["trace_id"]), []).append(call["span_id"])
        wanted = calls if order.unit == "call" and not order.targets else spans_of
        yield from _of_spans(ask("case_spans", **bounds).to_pylist(), wanted, order)


def _of_spans(spans: Iterable[Row], wanted: Mapping[str, list[str | None]], order: Order) -> Iterator[Row]:
    for trace_id, group in groupby(spans, key=lambda span: str(span["trace_id"])):
        held = list(group)
        whole = [] if order.unit == "call" and not order.targets else [None]
        for span_id in wanted.get(trace_id, whole):
            for row in case_rows(held, {trace_id: span_id}):
                chosen = held if span_id is None else [span for span in held if span["span_id"] == span_id]
                yield row | {"definitions": definitions(chosen), "source": {"trace_id": trace_id, "span_id": span_id}}


def definitions(spans: Iterable[Row]) -> list[Any]:
    """The tools that were offered, as they were defined, each name once."""
    found: dict[str, Any] = {}
    for span in spans:
        told: Any = None
        with suppress(ValueError, TypeError):
            told = orjson.loads(span["tools"] or "null")
        for tool in told if isinstance(told, list) else ():
            held = tool.get("function", tool) if isinstance(tool, dict) else None
            if isinstance(held, dict) and isinstance(held.get("name"), str):
                found.setdefault(held["name"], tool)
    return list(found.values())


def _item(row: Mapping[str, Any], order: Order) -> Item | None:
    """The item of a case; null: nothing was asked. Steps and usage stay with the trace, which it names."""
    kept = {name: row[name] for name in ("id", "question", "system", "contexts", "source") if row.get(name) is not None}
    before = _before(row.get("messages") or [])
    if before:
        kept["messages"] = before
    if not asked(kept).strip():
        return None
    if order.answer_as != "nothing":
        if row.get("answer") is not None:
            kept[order.answer_as] = row["answer"]
        if row.get("tool_calls"):
            kept["reference_tool_calls" if order.answer_as == "reference" else "tool_calls"] = row["tool_calls"]
    if tools := row.get("definitions") or row.get("tools"):
        kept["tools"] = tools
    try:
        return item_of(kept | {"tags": list(order.tags), "split": order.split})
    except UnreadableCaseError:
        return None


def _before(messages: Sequence[Row]) -> list[Row] | None:
    """The conversation up to the user's last word; null: it is that word alone, which the question tells."""
    heard = [place for place, one in enumerate(messages, 1) if one.get("role") in _ASKED_BY]
    told = list(messages[: heard[-1]]) if heard else []
    return told if sum(one.get("role") not in {"system", "developer"} for one in told) > 1 else None


def _sample(item: Item) -> Row:
    row = orjson.loads(item.row)
    return {
        "id": item.id, "asked": asked(row)[:300], "answer": str(row.get("answer") or row.get("reference") or "")[:300],
        "fields": [name for name in row if name != "metadata"],
        "trace_id": None if item.trace_id is None else UUID(item.trace_id).hex,
    }  # fmt: skip
