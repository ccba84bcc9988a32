"""What agents did: their names, tools that they ran or were offered, documents that they found."""

from __future__ import annotations

import re

from collectors import messages as shown
from collectors.conventions import indexed
from collectors.conventions.values import Json, dumps, plain
from collectors.conventions.view import View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.metadata import METADATA, member, metadata_texts
from collectors.normalising.options import NormaliserOptions
from collectors.normalising.parameters import params

_TOOL_NAME = re.compile(
    r"^(?:MCP send )?(?:execute_tool|running tool:?|tools/call|ai\.toolCall|tool:?)\s+|\.(?:tool|run)$"
)


def read_agents(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Names of agent, workflow and tool."""
    if facts.kind not in {"agent", "tool"} and not view.any(_AGENTS):
        return
    facts.agent_name = view.text("agent_name")
    if facts.agent_name is None and view.any(METADATA):
        facts.agent_name = member(metadata_texts(view), "lc_agent_name")
    entity = plain(span.attributes.get("traceloop.entity.name"))
    if facts.agent_name is None and facts.kind == "agent":
        facts.agent_name = entity
    facts.workflow_name = view.text("workflow_name")
    if facts.kind == "tool":
        facts.tool_name = view.text("tool_name") or entity or _TOOL_NAME.sub("", span.name) or None
    elif "tool_name" in view.found:
        facts.tool_name = view.text("tool_name")
    facts.tool_call_id = view.text("tool_call_id")


_AGENTS = frozenset({"agent_name", "workflow_name", "tool_name", "tool_call_id", "metadata", "metadata_json"})


def read_tools(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    """Tools that the model was offered."""
    if facts.kind not in {"llm", "agent", "workflow"}:
        return
    found: Json = None
    for key, _value in view.items("tool_definitions"):
        found = found or _definitions(view.json(key))
    if not found and "tools_indexed" in view.found:
        found = indexed.tools(view)
    for held in params(view) if not found else ():
        found = found or _definitions(held.get("tools")) or _definitions(_offered(held))
    if found:
        facts.tool_definitions = dumps(found)


def _offered(held: dict[str, Json]) -> Json:
    """pydantic-ai's `model_request_parameters`."""
    offered = [tool for name in ("function_tools", "output_tools") for tool in held.get(name) or ()]
    return offered or None


def _definitions(held: Json) -> Json:
    if not isinstance(held, list) or not held:
        return None
    opened = [view_tool if not isinstance(view_tool, str) else _parsed(view_tool) for view_tool in held]
    return opened if any(isinstance(tool, dict) for tool in opened) else None


def _parsed(text: str) -> Json:
    read, cut = shown.read(text)
    return text if cut else read


def read_documents(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Documents that were found."""
    if facts.kind not in {"retriever", "reranker"} and not view.any(_DOCUMENTS):
        return
    found = indexed.documents(indexed.lists(view, "documents_indexed")) if "documents_indexed" in view.found else []
    for key, _value in view.items("documents_json"):
        held = view.json(key)
        found = found or indexed.documents(held if isinstance(held, list) else [])
    if facts.kind in {"retriever", "reranker"} and not (found and found[0]["id"] is not None):
        answered = indexed.documents(_in_output(facts))
        found = answered if len(answered) >= len(found) else found
        found = found or indexed.documents(_in_events(span))
    if found:
        facts.documents = dumps(found)


_DOCUMENTS = frozenset({"documents_indexed", "documents_json"})


def _in_output(facts: SpanFacts) -> list[Json]:
    held, cut = shown.read(facts.output or "")
    if isinstance(held, dict):
        names = ("documents", "results", "nodes", "matches", "output", "source_nodes")
        held = next((held[name] for name in names if isinstance(held.get(name), list)), None)
    return held if isinstance(held, list) and not cut and not any(isinstance(item, str) for item in held) else []


def _in_events(span: RawSpan) -> list[Json]:
    prefix = "db.query.result."
    results = [event for event in span.events if event.name == "db.query.result"]
    return [{k.removeprefix(prefix): v for k, v in event.attributes.items()} for event in results]
