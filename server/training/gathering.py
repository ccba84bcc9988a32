"""Items and their answers out of the store: the first step, in one snapshot. What is left out is counted by reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from server.aside import Ask
from server.dataset_traces import definitions
from server.labelling import agreement, consensus, showing
from server.labelling.content import Content
from server.labelling.ratings import Labels, Told, labels, text_of
from server.labelling.ratings import read as read_queue
from server.labelling.terms import Asked
from server.training.fields import asked_of, field_of
from server.training.labelled import Labelled, write
from server.training.wanted import Keep, OfFeedback, OfQueue, Selected, TrainingDataError
from server.when import naive

MOST = 50_000  # items
_PAGE = 1_000
_TRACES_OF = 50  # whose spans are asked for at once
SETTLED = ("decision", "gold")
WORDS = ("text", "correction", "spans")  # which judges are not measured by
KNOWN = "its right answer was known beforehand (gold)"
UNKNOWN = "its right answer was not known beforehand"
TIED = "people differ and no answer has most labels"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted, and where it goes."""

    wanted: Selected
    out: str  # file of `labelled.write`
    each: bool = False  # of corrections that differ each person's is taken
    tools: bool = True  # definitions of tools are sought where tools were called


def gathered(ask: Ask, order: Order) -> Row:
    """Write the items; returns the head of the card: `source`, `items`, `left_out` by reason, `labels_until`, ...

    Raises:
        LookupError: there is no such queue.
        TrainingDataError: it has no such field, or too many items.
    """
    source = order.wanted.source
    if isinstance(source, OfQueue):
        found = _of_queue(ask, source, order)
    else:
        found = _of_feedback(ask, source, order.wanted.keep)
    items = found.items
    if len(items) > MOST:
        raise TrainingDataError(
            f"{len(items):,} items match, and {MOST:,} are the most at once. Keep fewer: by attributes, since, until."
        )
    items = _grouped(ask, items)
    count = write(_with_tools(ask, items) if order.tools else items, Path(order.out))
    return found.head | {"items": count, "left_out": dict(found.left)}


@dataclass(slots=True)
class _Found:
    items: list[Labelled]
    left: Counter[str]
    head: Row


# Of queues.


def _of_queue(ask: Ask, source: OfQueue, order: Order) -> _Found:
    told = read_queue(ask, source.queue)
    field = field_of(told.terms, source.field)
    keep = order.wanted.keep
    every, misfits = labels(told, field, keep.labellers)
    found = _in_time(every, keep)
    left: Counter[str] = Counter({"its labels do not fit the field as it is asked now": misfits} if misfits else {})
    answers = list(_answers(told, field, found, keep, left, each=order.each))
    wanted = defaultdict(list)
    for one in answers:
        wanted[one.number].append(one)
    items = [
        _item(row, one, field, told)
        for row in contents(ask, source.queue, set(wanted))
        if _attributes_fit(row["attributes"], keep, left, len(wanted[row["number"]]))
        for one in wanted[row["number"]]
    ]
    return _Found(items, +left, _head(ask, source, told, field, found, keep))


def _in_time(found: Labels, keep: Keep) -> Labels:
    kept = np.ones(found.size, bool)
    for bound, late in ((keep.since, False), (keep.until, True)):
        if bound is not None:
            at = np.datetime64(naive(bound), "us")
            kept &= found.saved_at < at if late else found.saved_at >= at
    return found.of(kept)


@dataclass(frozen=True, slots=True)
class _Answer:
    number: int
    value: Any
    by: str
    probability: float | None
    n: int
    agreeing: int


def _answers(
    told: Told, field: Asked, found: Labels, keep: Keep, left: Counter[str], *, each: bool
) -> Iterator[_Answer]:
    where = {name: (_consensus(told, name, keep), values) for name, values in keep.where.items()}
    for one in consensus.agreed(told, field, found):
        reason = _refused(one, keep, told.golds) or next(
            (f"its {name} is another than asked for" for name, (by, values) in where.items()
             if text_of(by.get(one.number)) not in values), None,
        )  # fmt: skip
        if reason is None and one.answer is None:
            if each and field.kind == "correction":
                yield from _each(found, one)
                continue
            reason = TIED
        if reason is not None:
            left[reason] += 1
            continue
        yield _Answer(one.number, one.answer, one.by, one.probability, one.n, one.agreeing)


def _consensus(told: Told, name: str, keep: Keep) -> dict[int, Any]:
    field = field_of(told.terms, name)
    found, _ = labels(told, field, keep.labellers)
    return {one.number: one.answer for one in consensus.agreed(told, field, _in_time(found, keep))}


def _refused(one: consensus.Agreed, keep: Keep, golds: Mapping[int, Any]) -> str | None:
    known = {"leave_out": True, "only": False}.get(keep.gold)  # null: it does not matter
    if known is (one.number in golds):
        return KNOWN if known else UNKNOWN
    if one.n < keep.least_labels:
        return f"it has fewer than {keep.least_labels} labels"
    if one.by in SETTLED or one.answer is None:
        return None
    if one.agreeing < keep.least_agreement * one.n:
        return f"less than {keep.least_agreement:g} of its labels agree"
    if keep.least_probability and (one.probability or 0.0) < keep.least_probability:
        return f"its answer's probability is below {keep.least_probability:g} or unknown"
    return None


def _each(found: Labels, one: consensus.Agreed) -> Iterator[_Answer]:
    """Every different text that people wrote."""
    said = Counter(found.answers[found.numbers == one.number].tolist())
    for text in sorted(said):
        yield _Answer(one.number, text, "each", None, one.n, said[text])


def _attributes_fit(attributes: Any, keep: Keep, left: Counter[str], count: int) -> bool:
    told = dict(attributes or {})
    wrong = next((name for name, values in keep.attributes.items() if told.get(name) not in values), None)
    if wrong is None or not count:
        return True
    left[f"its {wrong} is another than asked for"] += count
    return False


def contents(ask: Ask, queue: str, numbers: set[int]) -> Iterator[Row]:
    """What is shown of these items, by number."""
    after = 0
    while True:
        page = ask("queue_contents", queue=queue, after=after, page_size=_PAGE).to_pylist()
        yield from (row for row in page if row["number"] in numbers)
        if len(page) < _PAGE:
            return
        after = page[-1]["number"]


def _item(row: Row, one: _Answer, field: Asked, told: Told) -> Labelled:
    content = Content.model_validate_json(row["content"]).model_dump(mode="json")
    text = text_of(one.value) or ""
    text = f"{one.value:.15g}" if field.kind == "numeric" else text
    trace_id = None if row["trace_id"] is None else UUID(row["trace_id"]).hex
    groups = [f"session {row['session_id']}"] if row["session_id"] else []
    traces = [trace_id, *(side.get("trace_id") for side in content["sides"])]
    return Labelled(
        str(row["number"]), content, one.value, text, one.by, one.probability, one.n, one.agreeing,
        row["number"] in told.golds, row["key"], trace_id, row["span_id"],
        (*groups, *(f"trace {one}" for one in dict.fromkeys(traces) if one)), dict(row["attributes"] or {}),
    )  # fmt: skip


def _head(  # noqa: PLR0917 - what it is of
    ask: Ask, source: OfQueue, told: Told, field: Asked, found: Labels, keep: Keep
) -> Row:
    newest = told.versions[-1]
    asked = next(
        one["version"] for one in told.versions if all(
            later["says"][2] == newest["says"][2] for later in told.versions if later["version"] >= one["version"]
        )
    )  # fmt: skip
    wanted = agreement.Wanted(source.queue, field.name, None, pairs=False, labellers=tuple(sorted(keep.labellers)))
    shown = agreement.answer(ask, wanted)["fields"][0]
    rows = [
        {name: row[name] for name in ("coefficient", "value", "ci_low", "ci_high", "n_items", "n_labellers")}
        for row in shown["rows"]
        if row["coefficient"] in {"percent_agreement", shown["main"]}
    ]
    return {
        "source": {
            "kind": "queue", "queue": source.queue, "queue_version": newest["version"], "fields_version": asked,
            "field": field.name, "field_kind": field.kind, "question": field.title or field.name,
            "judges": list(field.judges) or [field.name] * (field.kind not in WORDS),
        },
        "asked": field.model_dump(mode="json"), "agreement": rows,
        "labels": found.size, "people": sorted(set(found.authors.tolist())),
        "labels_until": _newest(found),
    }  # fmt: skip


def _newest(found: Labels) -> str | None:
    return f"{np.datetime_as_string(found.saved_at.max(), 'ms')}Z" if found.size else None


# Of end users.


def _of_feedback(ask: Ask, source: OfFeedback, keep: Keep) -> _Found:
    left: Counter[str] = Counter()
    rows = [row for row in _corrections(ask, source) if _told(row, left)]
    targets = [_target(row) for row in rows]
    shown = showing.shown(ask, list(dict.fromkeys(targets)))
    items = []
    for place, (row, target) in enumerate(zip(rows, targets, strict=True), 1):
        one = shown.get(target)
        if one is None:
            left["its trace is not stored"] += 1
        elif _attributes_fit(one.attributes, keep, left, 1):
            items.append(_corrected(str(place), row, one))
    people = {row["user_id"] for row in rows if row["user_id"]}
    newest = max((row["time"] for row in rows), default=None)
    head: Row = {
        "source": {"kind": "feedback", "score": source.score, "since": source.since, "until": source.until},
        "asked": asked_of(source, None).model_dump(mode="json"),
        "agreement": [], "labels": len(rows), "people": [], "users": len(people),
        "labels_until": None if newest is None else f"{newest.isoformat(timespec='milliseconds')}Z",
    }  # fmt: skip
    return _Found(items, left, head)


def _corrections(ask: Ask, source: OfFeedback) -> Iterator[Row]:
    """Oldest first."""
    rows: list[Row] = []
    while True:
        page = ask(
            "feedback", since=naive(source.since), until=naive(source.until), score=source.score, page_size=_PAGE,
            skip=len(rows),
        ).to_pylist()  # fmt: skip
        rows += page
        if len(page) < _PAGE or len(rows) > MOST:
            return reversed(rows)


def _told(row: Row, left: Counter[str]) -> bool:
    if row["kind"] not in {None, "correction"}:
        left["it is no correction"] += 1
    elif not (row["said"] or "").strip():
        left["the correction has no words"] += 1
    elif row["trace_id"] is None:
        left["it names no trace, or one that is not stored"] += 1
    else:
        return True
    return False


def _target(row: Row) -> showing.Target:
    return showing.Target(UUID(str(row["trace_id"])), int(row["span_id"], 16) if row["span_id"] else None)


def _corrected(name: str, row: Row, one: showing.Shown) -> Labelled:
    trace_id = UUID(str(row["trace_id"])).hex
    groups = [f"trace {trace_id}", *([f"session {row['session_id']}"] if row["session_id"] else [])]
    return Labelled(
        name, one.content.model_dump(mode="json"), row["said"], row["said"], "user", None, 1, 1,
        trace_id=trace_id, span_id=row["span_id"], groups=tuple(groups), attributes=dict(one.attributes),
    )  # fmt: skip


# Of both: sessions, and definitions of tools.


def _traces(items: Iterable[Labelled]) -> list[str]:
    named = (group.removeprefix("trace ") for one in items for group in one.groups if group.startswith("trace "))
    return list(dict.fromkeys(named))


def _grouped(ask: Ask, items: Sequence[Labelled]) -> list[Labelled]:
    """With the sessions of all traces that an item is of."""
    ids = _traces(items)
    sessions: dict[str, str] = {}
    for start in range(0, len(ids), _PAGE):
        rows = ask("queue_traces", traces=[UUID(one) for one in ids[start : start + _PAGE]]).to_pylist()
        sessions |= {UUID(row["trace_id"]).hex: row["session_id"] for row in rows if row["session_id"]}
    return [
        replace(one, groups=tuple(dict.fromkeys([
            *one.groups, *(f"session {sessions[trace]}" for trace in _traces([one]) if trace in sessions)
        ])))
        for one in items
    ]  # fmt: skip


def _with_tools(ask: Ask, items: Sequence[Labelled]) -> Iterator[Labelled]:
    """With the definitions of tools of items that call some."""
    calling = {one.trace_id for one in items if one.trace_id is not None and _calls(one.content)}
    found: dict[str, list[Any]] = {}
    ids = sorted(filter(None, calling))
    for start in range(0, len(ids), _TRACES_OF):
        found |= _defined(ask, ids[start : start + _TRACES_OF])
    for one in items:
        yield replace(one, tools=found[one.trace_id]) if one.trace_id in found else one


def _calls(content: Row) -> bool:
    parts = (
        part
        for one in (*content["history"], *(each for side in content["sides"] for each in side["messages"]))
        for part in one.get("parts") or ()
        if isinstance(part, dict)
    )
    return any(side["steps"] for side in content["sides"]) or any(part.get("type") == "tool_call" for part in parts)


def _defined(ask: Ask, ids: Sequence[str]) -> dict[str, list[Any]]:
    told = ask("queue_traces", traces=[UUID(one) for one in ids]).to_pylist()
    if not told:
        return {}
    spans = ask(
        "case_spans", traces=[UUID(row["trace_id"]) for row in told], since_us=min(row["start_us"] for row in told),
        until_us=max(row["start_us"] + (row["duration_ns"] or 0) // 1000 + 1 for row in told),
    ).to_pylist()  # fmt: skip
    of: dict[str, list[Row]] = defaultdict(list)
    for span in spans:
        of[str(span["trace_id"])].append(span)
    return {trace: held for trace, rows in of.items() if (held := definitions(rows))}
