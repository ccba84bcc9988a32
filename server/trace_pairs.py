"""Two traces compared step by step: which steps stand for one another, and what differs in each. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.alignment import Row, Step, aligned
from collectors.messages import Side
from server.conversations import SIDES, is_cut, key, read

Json = dict[str, Any]
Span = Mapping[str, Any]

ENTERING = ("only_a", "only_b", "moved", "kind", "name", "model", "prompt", "system", "input")
"""What differs of a step before it does anything."""
LEAVING = ("output", "status", "error")
"""What differs of a step once all below it is done."""
TOLD = (
    "span_id", "name", "kind", "model", "tool_name", "agent_name", "prompt", "status", "error_type", "error_message",
    "start_us", "duration_ns", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip
"""Of a span, in each row."""


@dataclass(slots=True)
class Pair:
    """One row: a step of either trace, or one of both that stand for one another."""

    number: int  # from 1, in the order of the tree
    depth: int
    a: Span | None
    b: Span | None
    last: int  # number of the last row below it
    differs: list[str] = field(default_factory=list)  # of ENTERING and LEAVING

    def told(self) -> Json:
        """As the API tells it."""
        sides = {side: span and {name: span[name] for name in TOLD} for side, span in (("a", self.a), ("b", self.b))}
        return {"number": self.number, "depth": self.depth, "differs": self.differs, **sides}


def paired(a: Sequence[Span], b: Sequence[Span]) -> tuple[list[Pair], bool]:
    """The rows of both traces, spans in order of start, and whether a part was aligned roughly.

    Texts are compared by their hashes, which differ for texts that say the same with other ids: see `same_words`.
    """
    found = aligned([_step(span) for span in a], [_step(span) for span in b])
    return [_pair(row, number, a, b) for number, row in enumerate(found.rows, 1)], found.rough


def _step(span: Span) -> Step:
    detail = span["tool_name"] or span["model"] or span["agent_name"] or ""
    return Step(span["span_id"], span["parent_span_id"], span["kind"], span["name"], detail)


def _pair(row: Row, number: int, a: Sequence[Span], b: Sequence[Span]) -> Pair:
    one, other = None if row.a is None else a[row.a], None if row.b is None else b[row.b]
    pair = Pair(number, row.depth, one, other, row.last + 1)
    if one is None or other is None:
        pair.differs.append("only_b" if one is None else "only_a")
        return pair
    pair.differs += ["moved"] if row.moved else []
    pair.differs += [name for name in ("kind", "name", "model", "prompt") if one[name] != other[name]]
    pair.differs += [name for name in ("system", "input", "output") if one[f"{name}_hash"] != other[f"{name}_hash"]]
    failed = [span["status"] == "error" for span in (one, other)]
    if any(failed) and not all(failed):
        pair.differs.append("status")
    elif all(failed) and _failure(one) != _failure(other):
        pair.differs.append("error")
    return pair


def _failure(span: Span) -> tuple[object, object]:
    return span["error_type"], span["error_message"]


def doubtful(pairs: Iterable[Pair], most: int) -> tuple[list[Pair], int]:
    """The first rows of which hashes of texts differ, and how many there are: their texts may say the same."""
    found = [pair for pair in pairs if pair.a and pair.b and not set(SIDES).isdisjoint(pair.differs)]
    return found[:most], len(found)


def same_words(pair: Pair, a: Span, b: Span, letters: int) -> bool:
    """Take out what differs in nothing but ids of calls; whether that could be told.

    It cannot of a text of which no more was read. `a`, `b`: rows of `pair_texts`, with so many `letters` of each text.
    """
    whole = True
    for side in SIDES:
        if side not in pair.differs:
            continue
        if any(is_cut(row[side], letters) for row in (a, b)):
            whole = False
        elif _words(a, side, letters) == _words(b, side, letters):
            pair.differs.remove(side)
    return whole


def _words(row: Span, side: Side, letters: int) -> list[bytes]:
    return [key(message) for message in read(row, side, letters)]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where two traces part: a row, and what of it differs first."""

    number: int
    differs: list[str]


def divergence(pairs: Sequence[Pair]) -> Divergence | None:
    """The first difference, in the order in which steps begin and end; null: there is none.

    What a step answers differs when anything below it did, so that counts once all below it is done.
    """
    above: list[Pair] = []
    for pair in pairs:
        while above and above[-1].last < pair.number:
            if left := _of(above.pop(), LEAVING):
                return left
        if entered := _of(pair, ENTERING):
            return entered
        above.append(pair)
    return next((left for pair in reversed(above) if (left := _of(pair, LEAVING))), None)


def _of(pair: Pair, names: Sequence[str]) -> Divergence | None:
    found = [name for name in names if name in pair.differs]
    return Divergence(pair.number, found) if found else None


def counts(pairs: Sequence[Pair]) -> Json:
    """How many rows are `alike`, differ (`changed`), or are of one trace alone (`only_a`, `only_b`)."""
    only = {name: sum(name in pair.differs for pair in pairs) for name in ("only_a", "only_b")}
    alike = sum(not pair.differs for pair in pairs)
    return {"steps": len(pairs), "alike": alike, "changed": len(pairs) - alike - sum(only.values()), **only}


def told_texts(span: Span) -> Json:
    """A row of `span_detail`, made readable, as `prompt_diff.diff` takes the two sides of a step's input."""
    given = [*span["system"], *span["input"]]
    return {
        "messages": [_message(one) for one in given], "model": span["request_model"] or span["response_model"],
        "parameters": _parameters(span["attributes"]), "tools": span["tool_definitions"],
    }  # fmt: skip


def answers(span: Span) -> Json:
    """As `told_texts`, of the output."""
    return {"messages": [_message(one) for one in span["output"]]}


LETTERS = 50_000  # of a message that are compared


def is_long(span: Span) -> bool:
    """Whether a message of a row of `span_detail`, made readable, has more letters than are compared."""
    every = (*span["system"], *span["input"], *span["output"])
    return any(len(_content(one)) > LETTERS for one in every)


def _message(one: Mapping[str, Any]) -> Json:
    return {"role": str(one["role"]), "content": _content(one)[:LETTERS]}


def _content(one: Mapping[str, Any]) -> str:
    return "\n".join(map(_part, one["parts"]))


def _part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("content") or "")
    if kind == "tool_call":
        return f"calls {part.get('name')}\n{_laid_out(part.get('arguments'))}"
    if kind == "tool_call_response":
        return _laid_out(part.get("response"))
    if kind == "reasoning":
        return f"(reasoning) {part.get('content') or ''}"
    return _laid_out({name: value for name, value in part.items() if name != "type"})


def _laid_out(value: Any) -> str:
    """JSON over several lines, its members in order of their names, so that a diff of words follows them."""
    return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)


_REQUEST = "gen_ai.request."


def _parameters(attributes: Mapping[str, Any]) -> Json:
    """What was asked of the model besides its input."""
    known = {name.removeprefix(_REQUEST): value for name, value in attributes.items() if name.startswith(_REQUEST)}
    return {name: value for name, value in known.items() if name != "model"}
