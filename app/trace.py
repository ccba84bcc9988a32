"""The parts of the Trace page."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import conversation, data, state, tree, waterfall, widgets
from app import format as fmt

_COLOURS: dict[str, Literal["green", "orange", "red"]] = {"ok": "green", "recovered": "orange", "error": "red"}
_LONG_SYSTEM = 600  # letters; longer instructions are folded, the conversation is what one came for
_LOGS = 500  # log records on the page
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def bounds(summary: pd.Series | None) -> tuple[datetime, datetime]:
    """Where to look for the trace's spans; everywhere while it is not resolved."""
    if summary is None:
        return _EVER
    start = summary["start_time"].to_pydatetime()
    return start, start + timedelta(microseconds=int(summary["duration_ns"]) // 1000 + 2)


def header(summary: pd.Series, spans: pd.DataFrame) -> None:
    """What the trace was and what it took."""
    zone, start = widgets.zone(), summary["start_time"].to_pydatetime()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(str(summary["status"]), color=_COLOURS.get(str(summary["status"]), "gray"))
        st.caption(f"started {fmt.moment(start, zone)} {zone}", help=fmt.utc(start), width="content")
        st.caption(f"trace {str(summary['trace_id']).replace('-', '')}", width="content")
    if words := _failure(summary):
        st.markdown(f":red[{fmt.plain(words, 400)}]")
    widgets.fields(_facts(summary), columns=6)
    _links(summary)
    _reconciled(summary, spans)


def _failure(summary: pd.Series) -> str:
    """Type and message of the deepest failed span; the type once."""
    kind, message = (
        "" if fmt.absent(summary[name]) else str(summary[name]) for name in ("error_type", "error_message")
    )
    return message if message.startswith(kind) else f"{kind}: {message}" if message else kind


def _facts(summary: pd.Series) -> dict[str, str]:
    failed = f", {summary['model_calls_failed']:,} failed" if summary["model_calls_failed"] else ""
    tools_failed = f", {summary['tool_executions_failed']:,} failed" if summary["tool_executions_failed"] else ""
    calls = int(summary["model_calls_ok"] + summary["model_calls_failed"])
    return {
        "Duration": fmt.duration(summary["duration_ns"]),
        "Model calls": f"{calls:,}{failed}",
        "Tool executions": f"{summary['tool_executions']:,}{tools_failed}",
        "Tokens in → out": _tokens(summary) if calls or summary["embedding_calls"] else "no model call",
        "Cost": _cost(summary, calls),
        "Service": "unset" if fmt.absent(summary["service"]) else str(summary["service"]),
    }


def _tokens(summary: pd.Series) -> str:
    unknown = int(summary["unknown_usage_calls"])
    if fmt.absent(summary["input_tokens"]) and fmt.absent(summary["output_tokens"]):
        return f"unknown ({fmt.plural(unknown, 'call')})" if unknown else fmt.UNKNOWN
    words = f"{fmt.count(summary['input_tokens'])} → {fmt.count(summary['output_tokens'])}"
    return f"{words}, unknown for {fmt.plural(unknown, 'call')}" if unknown else words


def _cost(summary: pd.Series, calls: int) -> str:
    if not fmt.absent(summary["cost_usd"]) or not calls:
        return fmt.money(summary["cost_usd"]) if calls else "no model call"
    reported = summary["reported_cost_usd"]
    return fmt.UNKNOWN if fmt.absent(reported) else f"{fmt.UNKNOWN}, reported {fmt.money(reported)}"


def _links(summary: pd.Series) -> None:
    """Session and user lead to the list of their traces."""
    known = {name: summary[f"{name}_id"] for name in ("session", "user") if not fmt.absent(summary[f"{name}_id"])}
    if not known:
        return
    with st.container(horizontal=True):
        for name, value in known.items():
            st.page_link(
                "views/traces.py", label=f"{name.capitalize()} {fmt.plain(str(value), 60)}",
                query_params={"range": "all", name: str(value)}, icon=":material/filter_list:",
            )  # fmt: skip


def _reconciled(summary: pd.Series, spans: pd.DataFrame) -> None:
    """What the totals leave out, and what is uncertain about them."""
    again = spans[spans["usage_role"].isin(["duplicate", "aggregate"])]
    notes = []
    if len(again):
        kinds = again["usage_role"].value_counts()
        named = " and ".join(
            fmt.plural(kinds[role], noun, many)
            for role, noun, many in (
                ("duplicate", "span tells a call again", "spans tell a call again"),
                ("aggregate", "span sums up others", "spans sum up others"),
            )
            if role in kinds
        )
        extra = int(again["input_tokens"].fillna(0).sum() + again["output_tokens"].fillna(0).sum())
        notes.append(f"Totals count each call once: {named}; counting them too would add {extra:,} tokens.")
    if summary["usage_estimated"]:
        notes.append("No single call told its usage; tokens come from a span that sums up others.")
    if summary["root_missing"]:
        notes.append("The parent of the first span never arrived: the trace may be longer than it looks.")
    notes += tree.doubts(spans)
    for note in notes:
        st.caption(note)


@st.fragment
def explorer(trace_id: str, answer: data.Answer, since: datetime | None) -> None:
    """Tree and waterfall, and below it the span that is selected. Selecting reruns this part alone."""
    spans = answer.frame
    if answer.truncated:
        widgets.cut(len(spans), None, "spans, in order of start")
    rows = tree.rows(spans)
    wanted = str(st.query_params.get("span", ""))
    ids = {row["id"] for row in rows}
    opened = str(st.session_state.setdefault(f"opened-{trace_id}", wanted if wanted in ids else _first(spans, rows)))
    chosen = waterfall.waterfall(trace_id, rows, tree.axis(spans).ticks(), opened) or opened
    if chosen not in ids:
        chosen = _first(spans, rows)
    if chosen != wanted:
        st.query_params["span"] = chosen
    widgets.guarded("The span did not come.", "The tree above is complete.", lambda: span(trace_id, chosen, since))


def _first(spans: pd.DataFrame, rows: list[dict[str, Any]]) -> str:
    """The span worth reading first: the first model call that counts and told its usage, else the root."""
    calls = spans[(spans["kind"] == "llm") & (spans["usage_role"] == "leaf") & spans["output_tokens"].notna()]
    return str(rows[0]["id"] if calls.empty else calls["span_id"].iloc[0])


def span(trace_id: str, span_id: str, since: datetime | None) -> None:
    """All of one span, by tabs."""
    found = data.span(trace_id, span_id, since)
    duration = fmt.duration(found.get("duration_ns"))
    st.markdown(f"**{fmt.plain(str(found['name']))}** · {found['kind']} · {duration} · span {span_id}")
    if found.get("usage_role") in {"duplicate", "aggregate"}:
        st.caption(_told_again(found))
    drawers = {
        "Messages": _messages, "Documents": _documents, "Error": _error, "Tokens": _usage,
        "Attributes": _attributes, "Events": _events, "Raw": _raw,
    }  # fmt: skip
    shown = [name for name in drawers if _has(name, found)]
    for name, tab in zip(shown, st.tabs(shown, key=f"tabs-{trace_id}"), strict=True):
        with tab:
            drawers[name](found)


def _told_again(found: dict[str, Any]) -> str:
    what = "tells a call that another span tells too" if found["usage_role"] == "duplicate" else "sums up other spans"
    return f"This span {what}: {tree.COUNTED_ELSEWHERE}. Rule: {fmt.plain(str(found.get('rule') or 'own attributes'))}."


def _has(name: str, found: dict[str, Any]) -> bool:
    needs = {"Documents": "documents", "Events": "events"}
    if name == "Error":
        return found["status"] == "error" or bool(found.get("error_type") or found.get("error_message"))
    if name == "Tokens":
        return found["kind"] in {"llm", "embedding"} or found.get("input_tokens") is not None
    return name not in needs or bool(found.get(needs[name]))


def _messages(found: dict[str, Any]) -> None:
    said = [(title, found.get(title.lower()) or []) for title in ("System", "Input", "Output")]
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


def _documents(found: dict[str, Any]) -> None:
    for index, document in enumerate(found["documents"]):
        with st.container(border=True, gap="xsmall"):
            rank = document.get("rank")
            score = document.get("score")
            words = [f"**{index + 1 if rank is None else rank}**"]
            words += [f"id {fmt.plain(str(document['id']))}"] if document.get("id") else []
            words += [f"score {fmt.plain(str(score))}"] if score is not None else []
            st.caption(" · ".join(words))
            conversation.text(str(document.get("text") or ""), f"{found['span_id']}-document-{index}")
            if document.get("metadata"):
                conversation.value(document["metadata"], f"{found['span_id']}-metadata-{index}")


def _error(found: dict[str, Any]) -> None:
    widgets.fields(
        {
            "Type": str(found.get("error_type") or "no type"),
            "HTTP status": str(found.get("http_status") or "none"),
            "Status": str(found["status"]),
        },
        columns=3,
    )
    st.code(
        str(found.get("error_message") or found.get("status_message") or "no message"), language=None, wrap_lines=True
    )
    for event in found.get("events") or []:
        trail = (event.get("attributes") or {}).get("exception.stacktrace")
        if trail:
            st.code(str(trail), language=None, wrap_lines=True)


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
            "Cost that the sender reports": fmt.money(found.get("reported_cost_usd")),
            "Counts as": str(found.get("usage_role") or "no model call"),
        }
    )


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
    for event in found["events"]:
        st.caption(f"{fmt.plain(str(event.get('time')))} · **{fmt.plain(str(event.get('name')))}**")
        if event.get("attributes"):
            conversation.value(event["attributes"], f"{found['span_id']}-event")


def _raw(found: dict[str, Any]) -> None:
    text = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    st.download_button(
        "JSON", text, f"span-{found['span_id']}.json", "application/json", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip
    st.code(text[: conversation.LONGEST], language="json", wrap_lines=True)
    if len(text) > conversation.LONGEST:
        widgets.cut(conversation.LONGEST, len(text), "letters; the download has all")


def logs(trace_id: str) -> None:
    """Log records of the trace; nothing when there are none."""
    found = data.trace_logs(trace_id)
    if not len(found):
        return
    with st.expander(f"Log records ({len(found):,})"):
        if len(found) > _LOGS:
            widgets.cut(_LOGS, len(found), "log records")
        shown = found.head(_LOGS)
        times, attributes = shown["time"].dt.tz_convert(widgets.zone()), [str(v) for v in shown["attributes"]]
        shown = shown.assign(time=times, attributes=attributes)
        st.dataframe(shown, hide_index=True, placeholder="", alt="Log records of the trace")


def scores(trace_id: str) -> None:
    """Scores of the trace and its spans; a failed evaluator shows its error, not a number."""
    found = data.trace_scores(trace_id)
    if not len(found):
        return
    st.subheader("Scores", anchor=False)
    columns = ("name", "value", "label", "explanation", "source", "evaluator", "error_type", "span_id")
    st.dataframe(found, hide_index=True, placeholder="", column_order=columns, alt="Scores of the trace")


def title_row(name: str) -> None:
    """Name left, the way back right; the name is untrusted text."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(fmt.plain(name), anchor=False, width="content")
        back = state.back_link(st.query_params.get("back"))
        st.page_link("views/traces.py", label="Back to the list", icon=":material/arrow_back:", query_params=back)
