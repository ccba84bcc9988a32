"""The agent graph of a trace: who called what, with counts, times and errors; a click lists the spans behind a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data_trace, listing, state, widgets
from app import format as fmt
from app.component import component
from app.listing import Cell, Column

Row = Mapping[str, Any]
_component = component("graph")
_SHOWN = 50  # spans behind a node
NODES = (
    Column("Step", "minmax(160px, 2fr)"), Column("Kind", "90px"), Column("Spans", "80px", "right"),
    Column("Errors", "70px", "right"), Column("Time, sum", "100px", "right"), Column("Tokens", "90px", "right"),
    Column("Cost", "90px", "right"), Column("Calls", "minmax(160px, 2fr)"),
)  # fmt: skip
SPANS = (
    Column("Span", "minmax(180px, 2fr)", link=True), Column("Start", "100px", "right"),
    Column("Duration", "100px", "right"), Column("Status", "80px"), Column("Error", "minmax(120px, 2fr)"),
)  # fmt: skip


@st.fragment
def graph(trace_id: str, version: str) -> None:
    """The graph, below it the spans of the node that is chosen, and the nodes as a table."""
    expanded = st.toggle("Each span by itself", key="graph-expanded", help="Off: spans of one name are one node")
    found = data_trace.graph(trace_id, version, expanded=expanded)
    if not found["nodes"]:
        widgets.empty("A graph would be here.", "The trace has no agent, model call, tool or retriever.")
        return
    _said(found)
    key = f"graph-{trace_id}-{expanded}"
    chosen = st.session_state.get(key, {}).get("node")
    told = {"nodes": [_node(one) for one in found["nodes"]], "edges": [_edge(one) for one in found["edges"]]}
    _component(
        key=key, data=told | {"chosen": chosen, "label": "Agent graph of the trace"}, on_node_change=lambda: None
    )
    if isinstance(chosen, int) and 0 <= chosen < len(found["nodes"]):
        _spans(trace_id, version, found["nodes"][chosen])
    with st.expander("The graph as a table"):
        listing.listing(f"{key}-nodes", "Nodes of the graph", NODES, rows(found))


def _said(found: Row) -> None:
    calls = sum(one["count"] for one in found["edges"])
    st.caption(
        f"{fmt.plural(len(found['nodes']), 'step')} and {fmt.plural(calls, 'call')} between them. "
        "Lines go from the caller; red: a call failed. Choose a step to list its spans."
    )
    if found["again"]:
        told = "tells" if found["again"] == 1 else "tell"
        st.caption(f"{fmt.plural(found['again'], 'span')} {told} again what another tells, and are not drawn.")
    if found["left_out"]:
        st.badge(f"Cut: {found['left_out']:,} spans are beyond the first 60 steps", icon=":material/content_cut:",
                 color="orange")  # fmt: skip


def _node(one: Row) -> dict[str, Any]:
    """What the component draws; names are cut there."""
    failed = f", {one['errors']:,} failed" if one["errors"] else ""
    name = fmt.clip(one["name"], 200, "unnamed")
    mean = f"{'mean ' if one['count'] > 1 else ''}{fmt.duration(one['duration_ns'] / one['count'])}"
    said = f"{fmt.plural(one['count'], 'span')}, {mean}{failed}"
    kept = {key: one[key] for key in ("number", "kind", "layer", "place", "errors")}
    return kept | {"name": name, "said": said}


def _edge(one: Row) -> dict[str, Any]:
    failed = f", {one['errors']:,} failed" if one["errors"] else ""
    said = f"{fmt.plural(one['count'], 'call')}, {fmt.duration(one['duration_ns'])}{failed}"
    calls = f"{one['count']:,}, {fmt.duration(one['duration_ns'])}{failed}"
    return {"above": one["above"], "below": one["below"], "count": one["count"], "errors": one["errors"],
            "said": said, "calls": calls}  # fmt: skip


def rows(found: Row) -> list[listing.Row]:
    """Nodes as lines of a table, with what each calls."""
    nodes: Sequence[Row] = found["nodes"]
    calls: dict[int, list[str]] = {}
    for edge in found["edges"]:
        calls.setdefault(edge["above"], []).append(f"{nodes[edge['below']]['name']} {edge['count']:,} times")
    return [listing.Row("", _cells(one, ", ".join(calls.get(one["number"], [])))) for one in nodes]


def _cells(one: Row, calls: str) -> list[Cell]:
    return [
        Cell(fmt.clip(one["name"], 120, "unnamed")), Cell(one["kind"]), Cell(f"{one['count']:,}"),
        Cell(f"{one['errors']:,}", tone="red" if one["errors"] else ""), Cell(fmt.duration(one["duration_ns"])),
        Cell("" if one["tokens"] is None else fmt.count(one["tokens"])),
        Cell("" if one["cost_usd"] is None else fmt.money(one["cost_usd"])), Cell(fmt.clip(calls, 200)),
    ]  # fmt: skip


def _spans(trace_id: str, version: str, node: Row) -> None:
    spans = node["spans"][:_SHOWN]
    st.markdown(f"**{fmt.plain(node['name'], 120)}** · {node['kind']} · {fmt.plural(node['count'], 'span')}")
    if node["count"] > len(spans):
        widgets.cut(len(spans), node["count"], "spans")
    found = listing.records(data_trace.places(trace_id, version, spans))
    lines = [listing.Row(state.trace_path(trace_id, None, one["span_id"]), _span(one)) for one in found]
    listing.listing("graph-spans", "Spans of the step", SPANS, lines)


def _span(one: Row) -> list[Cell]:
    failed = one["status"] == "error" or one["error_type"] is not None
    return [
        Cell(fmt.clip(one["name"], 120, "unnamed")), Cell(f"+{fmt.duration(one['start_ns'])}"),
        Cell(fmt.duration(one["duration_ns"])), Cell("error" if failed else "ok", tone="red" if failed else "green"),
        Cell(fmt.clip(str(one["error_message"] or one["error_type"] or ""), 200)),
    ]  # fmt: skip
