"""A whole trace as one conversation: each step's new messages, tool calls with their results, repeated history folded.

Model calls send the history again and again. Of a call's input the messages that an earlier call had sent or got are
folded: counted, not repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from server.conversations import is_cut, key, read
from store.queries.outline import MOST_LETTERS

Row = dict[str, Any]
_TEXTS = ("input", "output", "system")
MOST_LETTERS_TOLD = 4_000_000  # in one answer; then it ends, and says where to go on


def turns(rows: Sequence[Row], *, later: bool) -> tuple[list[Row], int]:
    """Steps that say something new, and how many of `rows` (of the query `trace_talk`) were used.

    `later`: they are not the first of the trace, so the first call's history is folded but for its last message. A tool
    run whose call is shown stands there as its result, and is no step of its own.
    """
    talk = _Talk(later=later)
    used = fitting(rows, _TEXTS)
    for row in rows[:used]:
        talk.add(row)
    return talk.found, used


def fitting(rows: Sequence[Row], texts: Sequence[str]) -> int:
    """How many of the rows go into one answer: all, or those before it has too many letters, at least one."""
    size = 0
    for number, row in enumerate(rows):
        size += sum(len(row[name] or "") for name in texts)
        if number and size > MOST_LETTERS_TOLD:
            return number
    return len(rows)


class _Talk:
    def __init__(self, *, later: bool) -> None:
        self.found: list[Row] = []
        self.seen: Counter[bytes] = Counter()  # how often one call sent or got the same words, at most
        self.calls: dict[str, Row] = {}  # tool calls that are shown, by id
        self.asked_in: dict[str, Row] = {}  # the step of such a call
        self.later = later

    def add(self, row: Row) -> None:
        if row["kind"] == "tool":
            self._tool(row)
        else:
            self._call(row)

    def _call(self, row: Row) -> None:
        heard = [*_system(row["system"]), *read(row, "input", MOST_LETTERS)]
        said = read(row, "output", MOST_LETTERS)
        known = bool(self.seen)
        new = self._new(heard, said)
        if self.later and not known and len(new) > 1:
            new = new[-1:]
        shown = [message for message in new if not self._answers(message)]
        step = _step(row, [*shown, *said]) | {"folded": len(heard) - len(new)}
        self.found.append(step)
        for message in (*shown, *said):
            self._offer(message, step)

    def _new(self, heard: list[Row], said: list[Row]) -> list[Row]:
        """What was not heard before: of words that are told again, as a second `yes`, those beyond the known ones."""
        times: Counter[bytes] = Counter()
        new = []
        for message in heard:
            sign = key(message)
            times[sign] += 1
            if times[sign] > self.seen[sign]:
                new.append(message)
        times.update(map(key, said))
        self.seen |= times
        return new

    def _offer(self, message: Row, step: Row) -> None:
        for part in message["parts"]:
            if part.get("type") == "tool_call" and part.get("id"):
                self.calls[str(part["id"])] = part
                self.asked_in[str(part["id"])] = step

    def _answers(self, message: Row) -> bool:
        """Puts results to their calls; true: the message was nothing else."""
        parts = message["parts"]
        left = [part for part in parts if not self._result(part)]
        message["parts"] = left
        return bool(parts) and not left

    def _result(self, part: Row) -> bool:
        call = self.calls.get(str(part.get("id"))) if part.get("type") == "tool_call_response" else None
        if call is None:
            return False
        call.setdefault("result", part.get("response"))
        return True

    def _tool(self, row: Row) -> None:
        call = self.calls.get(str(row["tool_call_id"])) or self._unanswered(row)
        if call is None:
            self.found.append(_step(row, []) | {"folded": 0, "arguments": row["input"], "result": row["output"]})
            return
        call["ran"] = row["span_id"]
        call["duration_ns"] = row["duration_ns"]
        if row["output"] is not None:
            call["result"] = row["output"]
            self.asked_in[str(call["id"])]["cut"] |= is_cut(row["output"], MOST_LETTERS)
        if _failure(row):
            call["failed"] = _failure(row)

    def _unanswered(self, row: Row) -> Row | None:
        """Without an id: the first call of this tool that no run stands for yet."""
        if row["tool_call_id"]:
            return None
        name = row["tool_name"] or row["name"]
        return next((one for one in self.calls.values() if one.get("name") == name and "ran" not in one), None)


def _step(row: Row, said: list[Row]) -> Row:
    told = ("span_id", "kind", "name", "tool_name", "agent_name", "model", "start_us", "duration_ns")
    cut = any(is_cut(row[side], MOST_LETTERS) for side in _TEXTS)
    return {name: row[name] for name in told} | {"failed": _failure(row), "messages": said, "cut": cut}


def _failure(row: Row) -> str | None:
    """What failed, in the sender's words; null: nothing did."""
    if row["status"] != "error" and row["error_type"] is None:
        return None
    return ": ".join(filter(None, (row["error_type"], row["error_message"]))) or "failed"


def _system(text: str | None) -> list[Row]:
    try:
        told = orjson.loads(text) if text else []
    except ValueError:
        told = None  # cut
    if not isinstance(told, list) or not all(isinstance(part, dict) for part in told):
        told = [{"type": "text", "content": text}]
    return [{"role": "system", "parts": told}] if told else []
