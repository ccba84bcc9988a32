"""What is shown of an item: what was asked, what was found, which tools ran, what was answered.

A trace, a model call, a session, rows of runs, an item of a dataset: all become one `Content`. It is bounded, since it
is kept with its item and sent to whoever labels it: what is longer is cut, and `cut` says which part was. Marks of
spans count code points from the start of a text, so that what is cut away moves none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from collectors.conventions.shapes import to_messages
from server.aside import Ask
from server.cases import case_rows, session_row
from server.labelling.content import Content, Context, Side, Step
from server.labelling.terms import SIDES

LONGEST = 20_000  # letters of a question, an answer, a document, a part of a message
LONGEST_VALUE = 5_000  # letters of what a tool was given, and of what it returned
LONGEST_HISTORY = 60_000  # letters of all messages; the oldest are left out
MOST_CONTEXTS, MOST_STEPS, MOST_TURNS = 30, 60, 50
MOST_SPANS = 20_000  # of one answer of the store
_TRACES_OF = 50  # whose spans are asked for at once
_ASKED_BY = ("user", "human")
_OF_CALLS = ("tool_call", "tool_call_response")
_HEAVY = ("data", "content", "base64", "bytes", "file_data")  # of parts that are no text
_EVER_US = 7_258_118_400_000_000  # the year 2200, since 1970

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What an item is about: a trace, one span of it, or a session."""

    trace_id: UUID | None = None
    span_id: int | None = None  # null: the whole trace
    session_id: str | None = None  # set: the session


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a target, and what tells it apart."""

    content: Content
    attributes: Mapping[str, str]
    trace_id: UUID | None  # of a session its newest
    span_id: int | None = None
    session_id: str | None = None


def contents(ask: Ask, targets: Sequence[Target]) -> dict[Target, Content]:
    """What is shown of each target that is stored; one that is not, or has no span any more, has no entry."""
    return {target: one.content for target, one in shown(ask, targets).items()}


def shown(ask: Ask, targets: Sequence[Target]) -> dict[Target, Shown]:
    """As `contents`, with model, service, release and the like of each target."""
    found = _of_traces(ask, [one for one in targets if one.session_id is None and one.trace_id is not None])
    for target in targets:
        if target.session_id is not None and (one := _of_session(ask, target.session_id)) is not None:
            found[target] = one
    return found


# Traces and calls.


def _of_traces(ask: Ask, targets: Sequence[Target]) -> dict[Target, Shown]:
    wanted: dict[str, list[Target]] = {}
    for target in targets:
        wanted.setdefault(_hex(target.trace_id), []).append(target)
    found: dict[Target, Shown] = {}
    for told in _parts(ask, list(wanted)):
        for trace_id, spans in _spans(ask, told):
            for target in wanted[trace_id]:
                if (one := _of_target(target, spans, told[trace_id])) is not None:
                    found[target] = one
    return found


def _parts(ask: Ask, ids: Sequence[str]) -> Iterator[dict[str, Row]]:
    """The traces that are there, in order of time: what stands side by side in the store is unpacked together."""
    rows: list[Row] = []
    for start in range(0, len(ids), 500):
        rows += ask("queue_traces", traces=[UUID(one) for one in ids[start : start + 500]]).to_pylist()
    rows.sort(key=lambda row: row["start_us"])
    for start in range(0, len(rows), _TRACES_OF):
        yield {row["trace_id"].replace("-", ""): row for row in rows[start : start + _TRACES_OF]}


def _spans(ask: Ask, told: Mapping[str, Row]) -> Iterator[tuple[str, list[Row]]]:
    """Each trace with its spans. Of one with too many spans the first are taken."""
    bounds = {
        "traces": [UUID(one) for one in told], "since_us": min(one["start_us"] for one in told.values()),
        "until_us": max(one["start_us"] + (one["duration_ns"] or 0) // 1000 + 1 for one in told.values()),
    }  # fmt: skip
    rows = ask("case_spans", **bounds, max_rows=MOST_SPANS + 1).to_pylist()
    if len(rows) > MOST_SPANS and len(told) > 1:
        for trace_id, one in told.items():
            yield from _spans(ask, {trace_id: one})
        return
    for trace_id, group in groupby(rows[:MOST_SPANS], key=lambda row: str(row["trace_id"])):
        yield trace_id, list(group)


def _of_target(target: Target, spans: Sequence[Row], told: Row) -> Shown | None:
    trace_id = _hex(target.trace_id)
    span_id = None if target.span_id is None else f"{target.span_id:016x}"
    row = next(case_rows(spans, {trace_id: span_id}), None)
    if row is None:
        return None
    near = spans if span_id is None else _before(spans, span_id)
    kept = _Kept()
    side = _side(kept, row, trace_id=trace_id, span_id=span_id)
    content = _content(kept, row, [side], _documents(kept, near))
    return Shown(content, _attributes(told, spans, span_id), target.trace_id, target.span_id)


def _before(spans: Sequence[Row], span_id: str) -> list[Row]:
    """The span, and what was over before it began."""
    one = next(span for span in spans if span["span_id"] == span_id)
    over = [span for span in spans if span["start_us"] + (span["duration_ns"] or 0) // 1000 <= one["start_us"]]
    return [*over, *([] if one in over else [one])]


def _attributes(told: Row, spans: Sequence[Row], span_id: str | None) -> dict[str, str]:
    """By which labels can be told apart. The model is the call's, of a trace the only one that it has."""
    models = {str(span["model"]) for span in spans if span["span_id"] == span_id and span["model"]}
    models = models or set(told["models"])
    named = {name: told[name] for name in ("service", "environment", "release")}
    for name, values in (("model", models), ("prompt", told["prompts"]), ("variant", told["variants"])):
        named[name] = next(iter(values)) if len(values) == 1 else None
    return {name: value for name, value in named.items() if value}


# Sessions.


def _of_session(ask: Ask, session_id: str) -> Shown | None:
    rows = ask("session_traces", session_id=session_id, since_us=0, until_us=_EVER_US).to_pylist()
    if not rows:
        return None
    ids = [UUID(row["trace_id"]).hex for row in rows[-MOST_TURNS:]]
    cases, told, documents = {}, {}, _Kept()
    contexts: list[Context] = []
    for part in _parts(ask, ids):
        told.update(part)
        for trace_id, spans in _spans(ask, part):
            cases[trace_id] = next(case_rows(spans, {trace_id: None}))
            contexts += _documents(documents, spans)
    row = session_row(session_id, [cases[one] for one in ids if one in cases])
    if row is None:
        return None
    kept = _Kept(documents.cut)
    if len(rows) > MOST_TURNS:
        kept.say("history")
    content = _content(kept, row, [_side(kept, row, trace_id=ids[-1])], contexts)
    return Shown(content, _attributes(told[ids[-1]], [], None), UUID(ids[-1]), None, session_id)


# Rows of runs, and items of datasets.


def of_case(
    case: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], *, reference: bool = True,
) -> Content:  # fmt: skip
    """What is shown of a case that is no trace, with one answer or several that are compared.

    Args:
        case: fields of a case, as datasets and runs have them: question, messages, contexts, reference, system.
        answers: each with `answer`, `name`, `trace_id`, and `messages`, `tool_calls` and `contexts` where it has any.
        reference: whether the right answer may be seen.
    """
    kept = _Kept()
    sides = [
        _side(kept, one, key=SIDES[place], trace_id=one.get("trace_id"), name=one.get("name"))
        for place, one in enumerate(answers)
    ]
    texts = next((one["contexts"] for one in answers if one.get("contexts")), case.get("contexts") or ())
    contexts = _contexts(kept, ({"text": text, "rank": rank} for rank, text in enumerate(texts, 1)))
    said = case if reference else {name: value for name, value in case.items() if name != "reference"}
    return _content(kept, said, sides, contexts)


# The parts.


def _content(kept: _Kept, row: Mapping[str, Any], sides: Sequence[Side], contexts: Sequence[Context]) -> Content:
    question = kept.text(row.get("question"), "question")
    history = kept.history(_asked(row, question))
    if len(contexts) > MOST_CONTEXTS:
        kept.say("contexts")
    return Content(
        question=question, history=tuple(history), contexts=tuple(contexts[:MOST_CONTEXTS]),
        reference=kept.text(row.get("reference"), "reference"), sides=tuple(sides), cut=tuple(kept.cut),
    )  # fmt: skip


def _asked(row: Mapping[str, Any], question: str | None) -> list[Row]:
    """The conversation up to the last word of the user; without one, what is known to have been asked."""
    messages = canonical(row.get("messages"))
    last = _last_asked(messages)
    found = messages[:last] or ([_said("user", question)] if question else [])
    if row.get("system") and not any(one.get("role") == "system" for one in found):
        found = [_said("system", str(row["system"])), *found]
    return found


def _last_asked(messages: Sequence[Row]) -> int:
    """How many messages there are up to the user's last word."""
    return max((place for place, one in enumerate(messages, 1) if one.get("role") in _ASKED_BY), default=0)


def canonical(messages: Any) -> list[Row]:
    """Messages of any library, or plain ones of `role` and `content`, in canonical form."""
    held = list(messages) if isinstance(messages, Sequence) and not isinstance(messages, str) else []
    if all(isinstance(one, dict) and isinstance(one.get("parts"), list) for one in held):
        return held
    return [dict(one) for one in to_messages(held, "input")]


def _said(role: str, text: str) -> Row:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _side(  # noqa: PLR0917 - what it is of
    kept: _Kept, row: Mapping[str, Any], key: str = "a", trace_id: Any = None, span_id: str | None = None,
    name: str | None = None,
) -> Side:  # fmt: skip
    messages = canonical(row.get("messages"))
    after = messages[_last_asked(messages) :]
    steps = _steps(kept, row, messages, f"sides.{key}.steps")
    kinds = {str(part.get("type")) for one in after for part in one["parts"] if isinstance(part, dict)}
    more = kinds - {"text"} - (set(_OF_CALLS) if steps else set())
    return Side(
        key=key, answer=kept.text(row.get("answer"), f"sides.{key}.answer"),
        messages=tuple(kept.messages(after, f"sides.{key}.messages")) if more else (), steps=tuple(steps), name=name,
        trace_id=None if trace_id is None else _hex(trace_id), span_id=span_id,
    )  # fmt: skip


def _steps(kept: _Kept, row: Mapping[str, Any], messages: Sequence[Row], part: str) -> list[Step]:
    """Tool calls in order, each with what it returned: told by its own span, or by a later message with its id."""
    calls = [one for one in row.get("tool_calls") or () if isinstance(one, Mapping)]
    if len(calls) > MOST_STEPS:
        kept.say(part)
    results = _results(messages)
    faults = [one.get("error") for one in row.get("steps") or () if one.get("kind") == "tool"]
    faults = faults if len(faults) == len(calls) else [None] * len(calls)
    return [
        Step(
            name=str(call.get("name") or "tool"), arguments=kept.value(_opened(call.get("arguments")), part),
            result=kept.value(_opened(call.get("result", results.get(str(call.get("id"))))), part),
            error=kept.text(fault or ("The call failed." if call.get("failed") else None), part, LONGEST_VALUE),
        )
        for call, fault in list(zip(calls, faults, strict=True))[:MOST_STEPS]
    ]  # fmt: skip


def _results(messages: Iterable[Row]) -> dict[str, Any]:
    """What tools returned, by the id of the call."""
    parts = (part for one in messages for part in one.get("parts") or () if isinstance(part, dict))
    return {
        str(part["id"]): part.get("response", part.get("result"))
        for part in parts
        if part.get("type") == "tool_call_response" and part.get("id") is not None
    }


def _documents(kept: _Kept, spans: Iterable[Row]) -> list[Context]:
    """What was retrieved, in order, each text once, with its rank and score as the retriever told them."""
    held = (_opened(span["documents"]) for span in spans)
    every = (one for documents in held if isinstance(documents, list) for one in documents if isinstance(one, dict))
    return _contexts(kept, every)


def _contexts(kept: _Kept, documents: Iterable[Mapping[str, Any]]) -> list[Context]:
    found: dict[str, Context] = {}
    for one in documents:
        text = one.get("text")
        if not isinstance(text, str) or not text or text in found or len(found) > MOST_CONTEXTS:
            continue
        found[text] = Context(
            text=kept.text(text, f"contexts.{len(found)}") or "", id=None if one.get("id") is None else str(one["id"]),
            rank=_number(one.get("rank"), int), score=_number(one.get("score"), float),
        )  # fmt: skip
    return list(found.values())


def _number(value: Any, kind: Callable[[Any], Any]) -> Any:
    """A number that JSON can tell; null: it is none."""
    with suppress(TypeError, ValueError, OverflowError):
        told = kind(value)
        return told if told - told == 0 else None  # neither infinite nor NaN
    return None


def _opened(value: Any) -> Any:
    """JSON text as what it says; any other value as it is."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with suppress(ValueError):
            return orjson.loads(value)
    return value


def _hex(trace_id: Any) -> str:
    return UUID(str(trace_id)).hex


# What is kept of it.


@dataclass(slots=True)
class _Kept:
    """Cuts what is too long, and remembers which parts were."""

    cut: list[str] = field(default_factory=list)

    def say(self, part: str) -> None:
        if part not in self.cut:
            self.cut.append(part)

    def text(self, text: Any, part: str, most: int = LONGEST) -> str | None:
        if text is None:
            return None
        told = str(text).encode("utf-8", "replace").decode()  # half of a surrogate pair can be neither stored nor sent
        if len(told) > most:
            self.say(part)
        return told[:most]

    def value(self, value: Any, part: str) -> Any:
        """A value of JSON; one that is too long as the start of its text."""
        if value is None or isinstance(value, bool | int | float):
            return _number(value, float) if isinstance(value, float) else value
        if isinstance(value, str):
            return self.text(value, part, LONGEST_VALUE)
        told = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return value if len(told) <= LONGEST_VALUE else self.text(told, part, LONGEST_VALUE)

    def history(self, messages: Sequence[Row]) -> list[Row]:
        """The messages, without the oldest where all together are too long; what a system said stays."""
        found = self.messages(messages, "history")
        sizes = [_size(one) for one in found]
        of_system = [size for one, size in zip(found, sizes, strict=True) if one.get("role") == "system"]
        left = LONGEST_HISTORY - sum(of_system)
        taken: list[Row] = []
        for place in range(len(found) - 1, -1, -1):
            if found[place].get("role") != "system":
                left -= sizes[place]
                if left < 0 and taken:
                    self.say("history")
                    continue
            taken.append(found[place])
        return taken[::-1]

    def messages(self, messages: Iterable[Row], part: str) -> list[Row]:
        """Messages whose texts are cut, and whose pictures and files are named and not kept."""
        return [
            {**{name: one[name] for name in ("role", "name") if one.get(name)}, "parts": self._parts(one, part)}
            for one in messages
        ]

    def _parts(self, message: Row, part: str) -> list[Row]:
        return [self._part(one, part) for one in message["parts"] if isinstance(one, dict)]

    def _part(self, one: Row, part: str) -> Row:
        kind = one.get("type")
        if kind in {"text", "reasoning"}:
            return {"type": kind, "content": self.text(one.get("content"), part) or ""}
        if kind in _OF_CALLS:
            return {name: self.value(value, part) for name, value in one.items() if name != "cut"}
        light = {name: self.value(value, part) for name, value in one.items() if name not in _HEAVY}
        if len(light) < len(one):
            self.say(part)
        return light


def _size(message: Row) -> int:
    return len(orjson.dumps(message, default=str, option=orjson.OPT_NON_STR_KEYS))
