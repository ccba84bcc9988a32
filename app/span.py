"""All of one span, by tabs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from app import conversation, data_trace, data_traces, labelling, playground_sources, state, tree, widgets
from app import format as fmt

_LONG_SYSTEM = 600  # letters; longer instructions are folded, the conversation is what one came for


def span(trace_id: str, span_id: str, since: datetime | None) -> None:
    """Name and tabs of the span."""
    found = data_traces.span(trace_id, span_id, since)
    duration = fmt.duration(found.get("duration_ns"))
    name = fmt.plain(fmt.clip(str(found["name"]), instead=tree.UNNAMED))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{name}** · {found['kind']} · {duration} · span {span_id}", width="content")
        st.space("stretch")
        labelling.button(labelling.Target(trace_id.replace("-", ""), f"the span {found['name']}", span_id), "span")
        if found["kind"] == "llm":
            st.page_link(
                playground_sources.PATH, label="Open in playground", icon=":material/forum:",
                query_params=playground_sources.link(trace=trace_id.replace("-", ""), span=span_id),
            )  # fmt: skip
    if found.get("usage_role") in {"duplicate", "aggregate"}:
        st.caption(_told_again(found))
    drawers = {
        "Messages": _messages, "Documents": _documents, "Error": _error, "Tokens": _usage,
        "Attributes": _attributes, "Events": _events, "Links": _links, "Raw": _raw,
    }  # fmt: skip
    shown = [name for name in drawers if _has(name, found)]
    for name, tab in zip(shown, st.tabs(shown, default=_first(shown, found), key=f"tabs-{trace_id}"), strict=True):
        with tab:
            drawers[name](found)


def _told_again(found: dict[str, Any]) -> str:
    why = tree.why_not(found["usage_role"], found.get("rule"))
    return f"Not counted, as {why}. Rule: {fmt.plain(str(found.get('rule') or 'own attributes'))}."


def _has(name: str, found: dict[str, Any]) -> bool:
    needs = {"Documents": "documents", "Events": "events", "Links": "links"}
    if name == "Error":
        return found["status"] == "error" or bool(found.get("error_type") or found.get("error_message"))
    if name == "Tokens":
        return found["kind"] in {"llm", "embedding"} or found.get("input_tokens") is not None
    return name not in needs or bool(found.get(needs[name]))


def _first(shown: list[str], found: dict[str, Any]) -> str:
    """The tab worth opening: the failure, else what was said, else what else the span has to tell."""
    empty = set() if any(found.get(side) for side in _SIDES) else {"Messages"}
    return next(name for name in ("Error", *shown) if name in shown and name not in empty)


_SIDES = ("system", "input", "output")


def _messages(found: dict[str, Any]) -> None:
    said = [(side.capitalize(), messages) for side, messages in _said(found).items()]
    if not any(messages for _, messages in said):
        widgets.empty("Messages would be here.", "The sender recorded no content for this span.")
        return
    for title, messages in said:
        key, letters = f"{found['span_id']}-{title}", len(str(messages))
        if title == "System" and letters > _LONG_SYSTEM:
            with st.expander(f"System, about {letters:,} letters"):
                conversation.messages(messages, key)
        elif messages:
            with st.container(gap="xsmall"):
                st.caption(title)
                conversation.messages(messages, key)


def _said(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Messages by side. Instructions that the input repeats stand under System alone; Raw has all as it was sent."""
    system, sent, output = (found.get(side) or [] for side in _SIDES)
    instructions = [message.get("parts") for message in system]
    once = [message for message in sent if message.get("role") != "system" or message.get("parts") not in instructions]
    return {"system": system, "input": once, "output": output}


def _documents(found: dict[str, Any]) -> None:
    for index, told in enumerate(found["documents"]):
        document(told, index, found["span_id"])


def document(told: Mapping[str, Any], place: int, key: str, best: float | None = None) -> None:
    """One retrieved document: rank, id, score (against the `best` of its retrieval, where that is known) and text."""
    with st.container(border=True, gap="xsmall"):
        rank, score = told.get("rank"), told.get("score")
        words = [f"**{place + 1 if rank is None else rank}**"]
        words += [f"id {fmt.plain(str(told['id']))}"] if told.get("id") else []
        words += [f"score {fmt.plain(str(score))}"] if score is not None else []
        number = fmt.finite(score)
        words += [f"{fmt.percent(number / best)} of the best"] if best and best > 0 and number is not None else []
        st.caption(" · ".join(words))
        conversation.text(str(told.get("text") or ""), f"{key}-document-{place}")
        if told.get("metadata"):
            conversation.value(told["metadata"], f"{key}-metadata-{place}")


def _error(found: dict[str, Any]) -> None:
    widgets.fields(
        {
            "Type": fmt.error_type(found.get("error_type")),
            "HTTP status": str(found.get("http_status") or "none"),
            "Status": str(found["status"]),
        },
        columns=3,
    )
    told = (str(found.get(name) or "") for name in ("error_message", "status_message"))
    key = f"{found['span_id']}-error"
    conversation.code(next((text for text in told if not fmt.blank(text)), "no message"), key)
    for place, event in enumerate(found.get("events") or []):
        trail = (event.get("attributes") or {}).get("exception.stacktrace")
        if trail:
            conversation.code(str(trail), f"{key}-{place}")


def _usage(found: dict[str, Any]) -> None:
    """Parts are parts of the line above them, so they do not add up to more."""
    lines = (
        ("Input, cache included", "input_tokens"), ("of it read from cache", "cache_read_tokens"),
        ("of it written to cache", "cache_write_tokens"), ("Output, reasoning included", "output_tokens"),
        ("of it reasoning", "reasoning_tokens"),
    )  # fmt: skip
    table = [{"Tokens": label, "Count": fmt.count(found.get(field))} for label, field in lines]
    st.dataframe(table, hide_index=True, width=360, alt="Tokens of the span")
    widgets.fields(
        {
            "Model asked for": str(found.get("request_model") or fmt.UNKNOWN),
            "Model that answered": str(found.get("response_model") or fmt.UNKNOWN),
            "Provider": str(found.get("provider") or fmt.UNKNOWN),
            "Finish reason": str(found.get("finish_reason") or fmt.UNKNOWN),
            "Time to first token": fmt.duration(found.get("ttft_ns")) if found.get("ttft_ns") else "unknown",
            "Cost": fmt.money(found.get("cost_usd")),
            "Price": _price(found),
            "Cost that the sender reports": fmt.money(found.get("reported_cost_usd")),
            "Counts as": str(found.get("usage_role") or "no model call"),
        }
    )


def _price(found: dict[str, Any]) -> str:
    """Which price the cost was computed by, and what was assumed; or why there is no cost."""
    if not found.get("price_status"):
        return "no model call"
    note = found.get("price_note")
    if found.get("cost_usd") is None:
        return str(note or found["price_status"])
    source = "own" if found["price_source"] == "own" else f"{found['price_source']} {found['price_version']}"
    return f"{found['price_model']} ({source})" + (f"; {note}" if note else "")


def _attributes(found: dict[str, Any]) -> None:
    wanted = st.text_input(
        "Search", key=f"attributes-{found['span_id']}", placeholder="Search keys and values",
        label_visibility="collapsed", icon=":material/search:",
    )  # fmt: skip
    rows = _pairs(found)
    hits = [row for row in rows if wanted.lower() in f"{row['Key']} {row['Value']}".lower()]
    if not hits:
        widgets.empty(
            "Attributes would be here.", f"None of {len(rows):,} has this text." if rows else "The span has none."
        )
        return
    st.dataframe(
        hits, hide_index=True, alt="Attributes of the span", column_config=_ATTRIBUTE_COLUMNS, height="content"
    )
    st.caption(f"{len(hits):,} of {len(rows):,} attributes. Input and output stand under Messages.")


_ATTRIBUTE_COLUMNS = {
    "Of": st.column_config.TextColumn(width=80),
    "Key": st.column_config.TextColumn(width=300),
    "Value": st.column_config.TextColumn(width="large"),
}


def _pairs(found: dict[str, Any]) -> list[dict[str, str]]:
    sources = (("span", "attributes"), ("resource", "resource"), ("scope", "scope_attributes"))
    return [
        {"Of": of, "Key": str(key), "Value": "" if value is None else str(value)}
        for of, field in sources
        for key, value in sorted((found.get(field) or {}).items())
    ]


def _events(found: dict[str, Any]) -> None:
    for place, event in enumerate(found["events"]):
        st.caption(f"{fmt.plain(str(event.get('time')))} · **{fmt.plain(str(event.get('name')))}**")
        if event.get("attributes"):
            conversation.value(event["attributes"], f"{found['span_id']}-event-{place}")


def _links(found: dict[str, Any]) -> None:
    """Spans that this one names, of this trace or of others."""
    for place, link in enumerate(found["links"]):
        trace_id = str(link["trace_id"]).replace("-", "")
        st.page_link(
            "views/trace.py", label=f"span {link['span_id']} of trace {trace_id}", icon=":material/link:",
            query_params=state.trace_link(trace_id, None, str(link["span_id"])),
        )  # fmt: skip
        if link.get("attributes"):
            conversation.value(link["attributes"], f"{found['span_id']}-link-{place}")


def _raw(found: dict[str, Any]) -> None:
    """The span as stored, as received, and the command that makes its call again; each has a button that copies it."""
    forms = ("JSON", "OTLP") + (("curl",) if found["kind"] == "llm" else ())
    chosen = st.segmented_control(
        "Form", forms, default="JSON", required=True, key=f"raw-{found['span_id']}", label_visibility="collapsed"
    )
    {"JSON": _as_json, "OTLP": _as_otlp, "curl": _as_curl}[str(chosen)](found)


def _as_otlp(found: dict[str, Any]) -> None:
    st.caption("The request that brought the span, as OTLP/JSON. Attributes stand as the text they are kept as.")
    told = data_trace.otlp(found["trace_id"], found["span_id"])
    _code(json.dumps(told, indent=2, ensure_ascii=False), f"span-{found['span_id']}.otlp.json")


def _as_curl(found: dict[str, Any]) -> None:
    command = data_trace.curl(found["trace_id"], found["span_id"])
    if command is None:
        widgets.empty("A command would be here.", "The span names no model, or its sender recorded no messages.")
        return
    st.caption(
        "Makes the call again, without images, files and reasoning. The key is a variable of the shell; nothing of it "
        "is stored here."
    )
    _code(command, f"span-{found['span_id']}.sh", "bash")


def _code(text: str, name: str, language: str = "json") -> None:
    st.download_button(
        "Download", text, name, icon=":material/download:", on_click="ignore", key=f"download-{name}"
    )  # fmt: skip
    st.code(text[: conversation.LONGEST], language=language, wrap_lines=True)
    if len(text) > conversation.LONGEST:
        widgets.cut(conversation.LONGEST, len(text), "letters; the download has all")


def _as_json(found: dict[str, Any]) -> None:
    text = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    _code(text, f"span-{found['span_id']}.json")
