"""Stored spans as cases: what was asked, what was answered, from which contexts, by which steps.

A trace is asked and answered in its root, else in its first and last model call; a span in itself; a session in its
first and its last trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import orjson

from collectors.conventions.shapes import Message
from collectors.messages import messages

Row = dict[str, Any]
Span = Mapping[str, Any]  # a row of `case_spans`

# Members under which applications keep a question or an answer that is no conversation.
_ASKED = ("question", "query", "input", "prompt", "message", "text", "content", "user_input", "task")
_ANSWERED = ("answer", "output", "response", "result", "text", "content", "message", "final_output")
_NO_CALL = {"duplicate", "aggregate"}


def case_rows(spans: Iterable[Span], targets: Mapping[str, str | None]) -> Iterator[Row]:
    """A row of a case for each target whose spans are there: trace id -> span id, or null for the whole trace.

    `spans` in the order of `case_spans`. A row has the fields that `evaluators.rows.read_case` reads, with the trace's
    id as `id`, behind a slash the span's.
    """
    for trace_id, group in groupby(spans, key=lambda span: str(span["trace_id"])):
        held, span_id = list(group), targets.get(trace_id)
        one = next((span for span in held if span["span_id"] == span_id), None)
        if span_id is None:
            yield _of_trace(trace_id, held)
        elif one is not None:
            yield _of_span(trace_id, held, one)


def session_row(session_id: str, turns: Sequence[Row]) -> Row | None:
    """A row of a case of a session, from those of its traces in order; null: there are none.

    `question` is what the first trace was asked, `answer` what the last answered, `messages` what was asked and
    answered in all of them; `turns` has the traces whole.
    """
    if not turns:
        return None
    asked = [turn["question"] for turn in turns if "question" in turn]
    answered = [turn["answer"] for turn in turns if "answer" in turn]
    return _given(
        {
            "id": session_id,
            "question": next(iter(asked), None),
            "answer": answered[-1] if answered else None,
            "contexts": _joined(turns, "contexts"),
            "system": next((turn["system"] for turn in turns if "system" in turn), None),
            "messages": [message for turn in turns for message in _exchange(turn)] or None,
            "tools": _joined(turns, "tools"),
            "tool_calls": [call for turn in turns for call in turn.get("tool_calls", ())] or None,
            "steps": [step for turn in turns for step in turn.get("steps", ())] or None,
            "turns": list(turns),
            "usage": _given(
                {
                    name: _sum([{name: turn.get("usage", {}).get(name)} for turn in turns], name)
                    for name in ("latency_ms", "cost_usd", "input_tokens", "output_tokens")
                }
            ),
        }
    )


def _joined(turns: Sequence[Row], name: str) -> list[str] | None:
    """The texts that the turns have, in order, each once; null: none has any."""
    held = [turn[name] for turn in turns if name in turn]
    return list(dict.fromkeys(text for texts in held for text in texts)) if held else None


def _exchange(turn: Row) -> list[Row]:
    said = (("user", turn.get("question")), ("assistant", turn.get("answer")))
    return [{"role": role, "content": text} for role, text in said if text]


def _of_trace(trace_id: str, spans: Sequence[Span]) -> Row:
    ids = {span["span_id"] for span in spans}
    root = next((span for span in spans if span["parent_span_id"] not in ids), spans[0])
    calls = [span for span in spans if span["kind"] == "llm" and span["usage_role"] not in _NO_CALL] or [root]
    last = max(calls, key=_ends)
    end = max(map(_ends, spans))
    return _given(
        {
            "id": trace_id,
            "question": question(root) or next(filter(None, map(question, calls)), None),
            "answer": answer(root) or next(filter(None, map(answer, sorted(calls, key=_ends, reverse=True))), None),
            "contexts": _contexts(spans),
            "system": system(calls[0]),
            "messages": _conversation(last),
            "tools": _tools(spans),
            "tool_calls": _tool_calls(spans),
            "steps": [_step(span) for span in spans],
            "usage": _given(
                {
                    "latency_ms": (end - spans[0]["start_us"]) / 1e3,
                    "cost_usd": _sum(calls, "cost_usd"),
                    "input_tokens": _sum(calls, "input_tokens"),
                    "output_tokens": _sum(calls, "output_tokens"),
                }
            ),
        }
    )


def _of_span(trace_id: str, spans: Sequence[Span], one: Span) -> Row:
    before = [span for span in spans if _ends(span) <= one["start_us"]]
    asked = _conversation(one)
    return _given(
        {
            "id": f"{trace_id}/{one['span_id']}",
            "question": question(one),
            "answer": answer(one),
            "contexts": _contexts([*before, one]),
            "system": system(one),
            "messages": asked,
            "tools": _tools([one]),
            "tool_calls": [call for message in _said(one) for call in _calls_of(message)] or None,
            "usage": _given(
                {
                    "latency_ms": None if one["duration_ns"] is None else one["duration_ns"] / 1e6,
                    "ttft_ms": None if one["ttft_ns"] is None else one["ttft_ns"] / 1e6,
                    "cost_usd": one["cost_usd"],
                    "input_tokens": one["input_tokens"],
                    "output_tokens": one["output_tokens"],
                }
            ),
        }
    )


def question(span: Span) -> str | None:
    """What the user said last, or the question that an application's input holds; null: nothing was recorded."""
    asked = [message for message in _heard(span) if message["role"] in {"user", "human"}]
    return _plain(_text(asked[-1]), _ASKED) if asked else None


def answer(span: Span) -> str | None:
    """What was said last, in words; null: nothing was, or tools alone were called."""
    said = [text for message in _said(span) if (text := _text(message))]
    return _plain(said[-1], _ANSWERED) if said else None


def system(span: Span) -> str | None:
    """The system prompt; null: none was recorded."""
    parts = _json(span["system"]) or []
    told = [str(part.get("content")) for part in parts if isinstance(part, dict) and part.get("content")]
    told += [_text(message) for message in _heard(span) if message["role"] in {"system", "developer"}]
    return "\n".join(filter(None, told)) or None


def _heard(span: Span) -> list[Message]:
    return messages(span["input"], span["input_key"], "input")


def _said(span: Span) -> list[Message]:
    return messages(span["output"], span["output_key"], "output")


def _conversation(span: Span) -> list[Message] | None:
    return [*_heard(span), *_said(span)] or None


def _text(message: Message) -> str:
    return "\n".join(str(part.get("content") or "") for part in message["parts"] if part.get("type") == "text").strip()


def _plain(text: str, members: Sequence[str]) -> str | None:
    """The text, or the one of these members that it holds as JSON."""
    held = _json(text)
    known = held if isinstance(held, dict) else {}
    told = (known[name].strip() for name in members if isinstance(known.get(name), str))
    return next(told, text) or None


def _contexts(spans: Iterable[Span]) -> list[str] | None:
    """The texts that were retrieved, in order, each once; null: nothing was retrieved here."""
    found: dict[str, None] = {}
    retrieved = False
    for span in spans:
        documents = _json(span["documents"])
        if isinstance(documents, list):
            retrieved = True
            texts = (one.get("text") for one in documents if isinstance(one, dict))
            found.update(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
    return list(found) if retrieved else None


def _tools(spans: Iterable[Span]) -> list[str] | None:
    names: dict[str, None] = {}
    for span in spans:
        for tool in _json(span["tools"]) or []:
            held = tool.get("function", tool) if isinstance(tool, dict) else None
            if isinstance(held, dict) and isinstance(held.get("name"), str):
                names[held["name"]] = None
    return list(names) or None


def _tool_calls(spans: Sequence[Span]) -> list[Row] | None:
    """The tools that ran; without spans of them, those that models asked for."""
    ran = [
        _given(
            {
                "name": span["tool_name"] or span["name"],
                "arguments": _json(span["input"]) if _json(span["input"]) is not None else span["input"],
                "id": span["tool_call_id"],
                "result": span["output"],
                "failed": span["status"] == "error" or span["error_type"] is not None,
            }
        )
        for span in spans
        if span["kind"] == "tool"
    ]
    if ran:
        return ran
    calls = [span for span in spans if span["kind"] == "llm" and span["usage_role"] not in _NO_CALL]
    return [call for span in calls for message in _said(span) for call in _calls_of(message)] or None


def _calls_of(message: Message) -> list[Row]:
    return [
        _given({"name": part.get("name"), "arguments": part.get("arguments"), "id": part.get("id")})
        for part in message["parts"]
        if part.get("type") == "tool_call" and part.get("name")
    ]


def _step(span: Span) -> Row:
    failed = span["status"] == "error" or span["error_type"] is not None
    return _given(
        {
            "kind": span["kind"],
            "name": span["tool_name"] or span["name"],
            "span_id": span["span_id"],
            "parent_span_id": span["parent_span_id"],
            "input": span["input"],
            "output": span["output"],
            "error": (span["error_message"] or span["error_type"] or "error") if failed else None,
            "duration_ms": None if span["duration_ns"] is None else span["duration_ns"] / 1e6,
        }
    )


def _ends(span: Span) -> int:
    return int(span["start_us"]) + int(span["duration_ns"] or 0) // 1000


def _sum(spans: Iterable[Span], name: str) -> Any:
    """Of those that told it; null: none did."""
    told = [span[name] for span in spans if span[name] is not None]
    return sum(told) if told else None


def _json(text: Any) -> Any:
    if not isinstance(text, str) or text[:1] not in {"{", "["}:
        return None
    with suppress(ValueError):
        return orjson.loads(text)
    return None


def _given(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}
