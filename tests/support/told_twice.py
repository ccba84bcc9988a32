"""Two traces of one agent, told over OTLP. The second asks its tool something else, and says something else then.

Steps of both: run > chat (asks for the tool), search, chat (answers). Ids of calls differ, which is no difference. The
second has one more step, `check`, and its last answer is of another model. A third is as the first with other ids.
"""

from __future__ import annotations

import json
import time
from typing import Any

NAMES = {"a": "a1" * 16, "b": "b2" * 16, "again": "a3" * 16}


def fill(served: Any, telling: Any) -> None:
    now = time.time_ns() - 3 * 60 * 10**9
    bodies = [
        _trace(telling, NAMES["a"], now, "call-1", "boots", "Boots are in.", "gpt-4o"),
        _trace(telling, NAMES["again"], now + 10**9, "call-7", "boots", "Boots are in.", "gpt-4o"),
        _trace(telling, NAMES["b"], now + 2 * 10**9, "call-2", "shoes", "Shoes are out.", "gpt-4o-mini", check=True),
    ]
    served.send(b"".join(bodies))
    served.settle()


def _message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def _trace(
    telling: Any, name: str, start_ns: int, call_id: str, sought: str, answer: str, model: str, *, check: bool = False
) -> bytes:
    trace = telling(bytes.fromhex(name), start_ns)
    trace.span(1, "run", 0, 3000, input__value="What is in?", output__value=answer)
    asked = _message("user", {"type": "text", "content": "What is in?"})
    calls = _message("assistant", {"type": "tool_call", "id": call_id, "name": "search", "arguments": {"what": sought}})
    found = _message("tool", {"type": "tool_call_response", "id": call_id, "response": f"{sought}: 3"})
    said = _message("assistant", {"type": "text", "content": answer})
    _call(trace, 2, 10, "gpt-4o", [asked], calls, 100)
    tool = {
        "gen_ai__operation__name": "execute_tool",
        "gen_ai__tool__name": "search",
        "gen_ai__tool__call__id": call_id,
    }
    arguments = json.dumps({"what": sought})
    trace.span(3, "search", 600, 300, parent=1, **tool, gen_ai__tool__call__arguments=arguments)
    if check:
        trace.span(5, "check", 950, 20, parent=1)
    _call(trace, 4, 1000, model, [asked, calls, found], said, 200)
    return bytes(trace.body())


def _call(
    trace: Any, number: int, at_ms: int, model: str, given: list[dict[str, Any]], answered: dict[str, Any], tokens: int
) -> None:
    trace.span(
        number, "chat", at_ms, 500, parent=1, gen_ai__operation__name="chat", gen_ai__request__model=model,
        gen_ai__input__messages=json.dumps(given), gen_ai__output__messages=json.dumps([answered]),
        gen_ai__usage__input_tokens=tokens, gen_ai__usage__output_tokens=10,
    )  # fmt: skip
