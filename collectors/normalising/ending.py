"""How a call ended, and what its sender says that it cost."""

from __future__ import annotations

from collectors.conventions import finish
from collectors.conventions.values import Json, number
from collectors.conventions.view import View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.options import NormaliserOptions


def read_finish(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Why the answer ended."""
    calls_tools = facts.finish_reason == "tool_call"
    facts.finish_reason = None
    raw = view.read("finish_reason", finish.raw_reason) or facts.finish_reason_raw or _finish_in_events(span)
    if raw is None or facts.kind in {"tool", "retriever"}:
        facts.finish_reason_raw = None
        facts.finish_reason = "tool_call" if calls_tools else None  # nobody told the reason; the answer shows it
        return
    facts.finish_reason_raw = raw
    reason = finish.finish_reason(raw)
    facts.finish_reason = "tool_call" if reason == "stop" and calls_tools else reason


def _finish_in_events(span: RawSpan) -> str | None:
    for event in span.events:
        if event.name == "gen_ai.choice":
            return finish.raw_reason(event.attributes.get("finish_reason"))
    return None


_MOST_USD = 1e9  # what one call may be said to cost; more is no amount of dollars, and stays in the attributes


def read_cost(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    """What the sender says that the call cost, in US dollars; null: nothing, or no amount."""
    cost = view.read("cost", number)
    if cost is None:
        cost = next((c for key, _ in view.items("cost_json") if (c := _total_cost(view.json(key))) is not None), None)
    if cost is None:
        cost = view.read("cost_nonzero", number) or None
    facts.reported_cost_usd = cost if cost is not None and 0 <= cost <= _MOST_USD else None


def _total_cost(held: Json) -> float | None:
    if not isinstance(held, dict):
        return None
    for name in ("total", "total_cost", "totalCost"):
        total = number(held.get(name))
        if total is not None:
            return total
    amounts = [amount for value in held.values() if (amount := number(value)) is not None]
    return sum(amounts) if amounts else None
