"""A whole trace as one conversation: each step's new messages, tool calls with their results, repeated history folded.

Model calls send the history again and again. Of a call's input the messages that an earlier call had sent or got are
folded: counted, not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from collectors.messages import messages

Row = dict[str, Any]
MOST_BYTES = 4_000_000  # of one answer; then it ends, and says where to go on


def turns(rows: Iterable[Row], *, later: bool) -> tuple[list[Row], int]:
    """Steps that say something new, and how many of `rows` (of the query `trace_talk`) were used.

    `later`: they are not the first of the trace, so the first call's history is folded but for its last message. A tool
    run whose call is shown stands there as its result, and is no step of its own.
    """
    talk = _Talk(later=later)
    used, size = 0, 0
    for row in rows:
        size += sum(len(row[side] or "") for side in ("input", "output", "system"))
        if used and size > MOST_BYTES:
            break
        used += 1
        talk.add(row)
    return talk.found, used


class _Talk:
    def __init__(self, *, later: bool) -> None:
        self.found: list[Row] = []
        self.seen: set[bytes] = set()
        self.calls: dict[str, Row] = {}  # tool calls that are shown, by id
        self.later = later

    def add(self, row: Row) -> None:
        if row["kind"] == "tool":
            self._tool(row)
        else:
            self._call(row)

    def _call(self, row: Row) -> None:
        heard = [*_system(row["system"]), *messages(row["input"], row["input_key"], "input")]
        said = messages(row["output"], row["output_key"], "output")
        new = [message for message in heard if _sign(message) not in self.seen]
        if self.later and not self.seen and len(new) > 1:
            new = new[-1:]
        self.seen.update(map(_sign, (*heard, *said)))
        shown = [message for message in new if not self._answers(message)]
        self.found.append(_step(row, [*shown, *said]) | {"folded": len(heard) - len(new)})
        for message in (*shown, *said):
            self._offer(message, row)

    def _offer(self, message: Row, row: Row) -> None:
        for part in message["parts"]:
            if part.get("type") == "tool_call" and part.get("id"):
                self.calls[str(part["id"])] = part
                part["asked_by"] = row["span_id"]

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
    return {name: row[name] for name in told} | {"failed": _failure(row), "messages": said}


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


def _sign(message: Row) -> bytes:
    """Equal for messages that say the same; what a sender notes beside the words does not count."""
    parts = [
        [part.get(name) for name in ("type", "content", "id", "name", "arguments", "response")]
        for part in message["parts"]
    ]  # fmt: skip
    return orjson.dumps([message["role"], parts], default=str)
