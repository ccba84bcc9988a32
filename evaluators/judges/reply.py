"""An answer's text -> the object that was asked for, or why it is none. Checked, not trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from evaluators.judges.model import AskError, Kind, Reply

Shape = TypeVar("Shape", bound=BaseModel)

_MOST_OBJECTS = 200  # that are looked at in one answer
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)  # reasoning models behind plain servers say it aloud

# What pydantic calls a value that has the right type and is not among those allowed.
_OFF_SCALE = {
    "literal_error", "enum", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number",
}  # fmt: skip


@lru_cache(maxsize=256)
def schema_of(shape: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of a shape; 1 ms to work out, so worked out once."""
    return shape.model_json_schema()


def read(reply: Reply, shape: type[Shape]) -> Shape:
    """The last object in the answer that has the shape: fenced, or after prose, as models write them.

    Raises:
        AskError: refused, empty, truncated, unparsable or off_scale, with a sentence that tells the model what to mend.
    """
    if reply.finish == "refused":
        raise AskError("refused", f"The judge refused: {_short(reply.text) or 'it gave no words'}.")
    text = _THOUGHTS.sub("", reply.text).strip()
    if not text:
        kind: Kind = "truncated" if reply.finish == "length" else "empty"
        raise AskError(kind, "The judge's answer is empty.")
    fault: ValidationError | None = None
    for found in reversed(list(_objects(text))):
        try:
            return shape.model_validate(found)
        except ValidationError as error:
            fault = fault or error
    raise _nothing_in(text, reply) if fault is None else _unfit(fault)


def _nothing_in(text: str, reply: Reply) -> AskError:
    if reply.finish == "length":
        return AskError("truncated", f"The judge's answer was cut at its limit of tokens: ...{text[-80:]}")
    if "{" in text and not text.endswith(("}", "```")):
        return AskError("truncated", f"The judge's JSON ends too early: ...{text[-80:]}")
    return AskError("unparsable", f"The judge's answer holds no JSON object: {_short(text)}")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, none within another."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    start = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found
        start = text.find("{", end)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and infinities are no JSON


def _unfit(error: ValidationError) -> AskError:
    faults = error.errors(include_url=False)
    kind: Kind = "off_scale" if all(fault["type"] in _OFF_SCALE for fault in faults) else "unparsable"
    told = [f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in faults[:5]]
    given = [f"{fault['input']!r}"[:60] for fault in faults[:1] if kind == "off_scale"]
    return AskError(
        kind, f"The judge's JSON does not fit. {'; '.join(told)}{''.join(f', not {one}' for one in given)}."
    )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."
