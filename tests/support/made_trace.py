"""One trace that has everything the page Trace can tell: agents, models, tools, documents, faults, odd clocks."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE = bytes([0xA9]) * 16
WANTED = "the ferry to Tilos"  # stands in one message alone


class Made:
    """Builds the request; times in milliseconds after the start."""

    def __init__(self, start_ns: int, trace_id: bytes = TRACE) -> None:
        self.start_ns, self.trace_id = start_ns, trace_id
        self.request = ExportTraceServiceRequest()
        self.scopes: dict[str, Any] = {}

    def add(
        self, number: int, parent: int | None, name: str, at: float, lasts: float, service: str = "planner",
        error: str | None = None, **facts: object,
    ) -> Any:  # fmt: skip
        begun = self.start_ns + int(at * 1e6)
        span = self._scope(service).spans.add(
            trace_id=self.trace_id, span_id=number.to_bytes(8, "big"), name=name, kind=3,
            start_time_unix_nano=begun, end_time_unix_nano=begun + int(lasts * 1e6),
        )  # fmt: skip
        if parent is not None:
            span.parent_span_id = parent.to_bytes(8, "big")
        if error is not None:
            span.status.code, span.status.message = 2, error
        for key, value in facts.items():
            kept = span.attributes.add(key=key.replace("__", ".")).value
            if isinstance(value, int):
                kept.int_value = value
            else:
                kept.string_value = value if isinstance(value, str) else json.dumps(value)
        return span

    def _scope(self, service: str) -> Any:
        if service not in self.scopes:
            told = self.request.resource_spans.add()
            told.resource.attributes.add(key="service.name").value.string_value = service
            self.scopes[service] = told.scope_spans.add()
        return self.scopes[service]


def text(role: str, words: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def call(number: int, query: str) -> dict[str, Any]:
    part = {"type": "tool_call", "id": f"c{number}", "name": "search", "arguments": {"q": query}}
    return {"role": "assistant", "parts": [part]}


def result(number: int, words: str) -> dict[str, Any]:
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": f"c{number}", "response": words}]}


def body(start_ns: int, trace_id: bytes = TRACE) -> bytes:
    """A planner asks a searcher whose clock is 5 s behind; it searches the same thrice, and a booking fails."""
    made = Made(start_ns, trace_id)
    agent: dict[str, object] = {"gen_ai__operation__name": "invoke_agent"}
    made.add(1, None, "plan a journey", 0, 9000, gen_ai__agent__name="planner", **agent)
    history = [text("user", "How do I get to Rhodes and Tilos?")]
    for turn in range(3):
        at, said = 100 + turn * 1500, call(turn, "ferries")
        made.add(10 + turn, 1, "chat gpt-4o", at, 700, **_chat(history, said))
        made.add(20 + turn, 1, "execute_tool search", at + 750, 600, gen_ai__tool__name="search",
                 gen_ai__operation__name="execute_tool", gen_ai__tool__call__id=f"c{turn}",
                 gen_ai__tool__call__arguments={"q": "ferries"}, gen_ai__tool__call__result="3 ferries")  # fmt: skip
        history = [*history, said, result(turn, "3 ferries")]
    made.add(30, 1, "invoke_agent searcher", -300, 2000, "searcher", gen_ai__agent__name="searcher", **agent)
    made.add(31, 30, "find pages", -200, 900, "searcher", **_documents())
    made.add(40, 1, "execute_tool book", 7000, 500, error="no seats left", error__type="Full",
             gen_ai__operation__name="execute_tool", gen_ai__tool__name="book")  # fmt: skip
    made.add(41, 1, "chat gpt-4o", 7600, 900, **_chat(history, text("assistant", f"Take {WANTED}.")))
    linked = made.add(50, 0x99, "late cleaning", 8800, 50)
    linked.links.add(trace_id=trace_id, span_id=(1).to_bytes(8, "big"))
    return made.request.SerializeToString()


def _chat(heard: list[dict[str, Any]], said: dict[str, Any]) -> dict[str, object]:
    return {
        "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 100 * len(heard), "gen_ai__usage__output_tokens": 20,
        "gen_ai__system_instructions": [{"type": "text", "content": "Plan journeys."}],
        "gen_ai__input__messages": heard, "gen_ai__output__messages": [said],
    }  # fmt: skip


def _documents() -> dict[str, object]:
    found: dict[str, object] = {"openinference__span__kind": "RETRIEVER", "input__value": "islands near Rhodes"}
    for place, (words, score) in enumerate((("Tilos lies west of Rhodes.", "0.9"), ("Symi is small.", "0.45"))):
        found[f"retrieval__documents__{place}__document__content"] = words
        found[f"retrieval__documents__{place}__document__score"] = score
        found[f"retrieval__documents__{place}__document__id"] = f"page-{place}"
    return found
