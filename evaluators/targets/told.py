"""What a target tells, as an answer: texts, contexts, tool calls, numbers, each of the shape that was agreed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evaluators.case import Case, Usage
from evaluators.errors import UnreadableCaseError
from evaluators.rows import read_case
from evaluators.targets.answer import Answer, TargetError, answer_row, each_text, whole

_DEEPEST = 100  # levels of what is kept of an answer: whoever walks it later stands deep already


def as_json(value: Any) -> str:
    """A value as JSON, for an error."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "JSON that is nested too deep"


def parsed(text: str | bytes, whose: str) -> Any:
    """What a text of JSON holds. Raises TargetError: it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: nested deeper than can be read
        shows = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        raise TargetError("bad_answer", f"{whose} is no JSON:", shows=shows or "nothing", billed=True) from error


def text_of(value: Any, whose: str) -> str:
    """A text; of a number or a truth its JSON. Raises TargetError: it is another thing."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise TargetError("bad_answer", f"{whose} is no text but:", shows=as_json(value), billed=True)


def checked(answer: Answer, whose: str) -> Answer:
    """The answer. Raises TargetError: it says nothing at all."""
    if (answer.text or "").strip() or answer.tool_calls or answer.held_back:
        try:
            json.dumps(answer_row(answer), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return each_text(answer, whole)
        return answer
    cut = " Its limit of tokens cut it before it said anything." if answer.cut else ""
    raise TargetError("empty", f"{whose} is empty.{cut}", billed=True)


def parts_of(told: Mapping[str, Any]) -> Case:
    """The contexts, messages and tool calls of what was told. Raises TargetError: one has another shape."""
    held = {name: told[name] for name in ("contexts", "messages", "tool_calls") if told.get(name) is not None}
    if _deeper(held, _DEEPEST):
        raise TargetError("bad_answer", f"{' and '.join(held)}: nested deeper than {_DEEPEST} levels.", billed=True)
    try:
        return read_case(held)
    except UnreadableCaseError as error:
        rule = str(error).partition(", not ")[0]
        raise TargetError("bad_answer", f"{rule}, not:", shows=as_json(held), billed=True) from error


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(one, levels - 1) for one in inner)


def usage_of(told: Mapping[str, Any]) -> Usage:
    """Numbers of what was told; null: it is not told, or is no number that it can be."""
    tokens = [_count(told.get(name, told.get(other))) for name, other in _TOKENS]
    return Usage(_amount(told.get("latency_ms")), _amount(told.get("ttft_ms")), _amount(told.get("cost_usd")), *tokens)


_TOKENS = (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))  # ours, and OpenAI's


def _amount(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) and value >= 0 else None


def _count(value: Any) -> int | None:
    number = _amount(value)
    return int(number) if number is not None and number.is_integer() else None


def line_answer(told: Any, latency_ms: float) -> Answer:
    """The answer of a program's line {answer, contexts, messages, tool_calls, usage, held_back, cut, session}.

    Raises:
        TargetError: the line is {error}, or of another shape.
    """
    if not isinstance(told, dict):
        raise TargetError("bad_answer", "Its line is no JSON object but:", shows=as_json(told), billed=True)
    if told.get("error"):
        kind = told.get("error_type")
        raise TargetError(str(kind)[:100] if kind else "target", whole(str(told["error"])), billed=True)
    if told.get("answer") is None and not told.get("tool_calls"):
        raise TargetError("empty", "Its line has no `answer`:", shows=as_json(told), billed=True)
    held, usage, session = parts_of(told), told.get("usage"), told.get("session")
    numbers = usage_of(usage if isinstance(usage, dict) else {})
    if numbers.latency_ms is None:
        numbers = replace(numbers, latency_ms=latency_ms)
    said = Answer(
        "ok", text_of(told.get("answer", ""), "Its `answer`"), contexts=held.contexts, tool_calls=held.tool_calls,
        messages=held.messages, usage=numbers, held_back=told.get("held_back") is True, cut=told.get("cut") is True,
        session=None if session is None else str(session),
    )  # fmt: skip
    return checked(said, "Its `answer`")
