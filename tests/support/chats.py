"""Two sessions told over OTLP: what is known of them is written down here, for tests to compare with.

`chat-1`, of ann: a turn two days ago, one ten minutes ago, one five minutes ago that failed. Each call repeats what was
said before, behind a system prompt. `chat-2`, of bo: one turn, half an hour ago, whose root tells its words itself.
"""

from __future__ import annotations

import json
import time
from typing import Any

MINUTE_NS = 60 * 10**9
AGO_MIN = {1: 2 * 24 * 60, 2: 10, 3: 5, 4: 30}  # of the turns of chat-1, and the one of chat-2
SYSTEM = "You help in a shop."
SAID = {
    1: ("Where is my order?", "On its way."),
    2: ("When does it come?", "On Friday."),
    3: ("Can I send it back?", ""),
}


def trace_id(turn: int) -> str:
    return f"{0xC4A7:04x}" + f"{turn:028x}"


def messages(turn: int) -> str:
    """What the call of this turn was sent: the prompt, all turns before, and the question."""
    told = [("system", SYSTEM)]
    for before in range(1, turn):
        told += [("user", SAID[before][0]), ("assistant", SAID[before][1])]
    return _written([*told, ("user", SAID[turn][0])])


def _written(told: list[tuple[str, str]]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in told])


def fill(served: Any, telling: Any) -> Any:
    """Send both sessions and what was said of them."""
    now = time.time_ns()
    bodies = [_turn(telling, turn, now - AGO_MIN[turn] * MINUTE_NS) for turn in SAID]
    other = telling(bytes.fromhex(trace_id(4)), now - AGO_MIN[4] * MINUTE_NS)
    whose = {"session__id": "chat-2", "user__id": "bo"}
    other.span(1, "ask", 0, 400, input__value="What is open?", output__value="Until six.", **whose)
    served.send(b"".join([*bodies, other.body()]))
    served.settle()
    with served.client() as client:
        client.add_scores(_scores())
        client.settle()
    return served


def _turn(telling: Any, turn: int, start_ns: int) -> bytes:
    trace = telling(bytes.fromhex(trace_id(turn)), start_ns)
    failed = None if SAID[turn][1] else "rate limit reached"
    trace.span(1, "turn", 0, 1000 * turn, error=failed, session__id="chat-1", user__id="ann")
    call: dict[str, str | int] = {
        "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o",
        "gen_ai__input__messages": messages(turn),
    }  # fmt: skip
    if not failed:
        call |= {
            "gen_ai__usage__input_tokens": 100 * turn, "gen_ai__usage__output_tokens": 10,
            "gen_ai__output__messages": _written([("assistant", SAID[turn][1])]),
            "gen_ai__response__id": f"chat-r{turn}",
        }  # fmt: skip
    return bytes(trace.span(2, "chat gpt-4o", 5, 900, parent=1, error=failed, **call).body())


def _scores() -> list[dict[str, Any]]:
    """Ann liked the first turn and not the third; a check found the second's call right; the session was solved."""
    thumbs = {"name": "user_feedback", "source": "user", "author": "ann"}
    return [
        thumbs | {"trace_id": trace_id(1), "value": 1.0},
        thumbs | {"trace_id": trace_id(3), "value": 0.0},
        {"name": "right", "source": "code", "evaluator": "check", "response_id": "chat-r2", "value": 1.0},
        {"name": "solved", "source": "human", "author": "kim", "session_id": "chat-1", "value": 0.5},
    ]
