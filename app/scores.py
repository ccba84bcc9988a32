"""Scores on the Trace page: what was said of the trace and its spans, by which ruler, and what that rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal
from zlib import crc32

import pandas as pd
import streamlit as st

from app import (
    conversation,
    data,
    data_evaluators,
    data_trace,
    data_traces,
    listing,
    marking,
    ruler,
    state,
    tree,
    trust,
    widgets,
)
from app import format as fmt

Row = dict[str, Any]

SOURCES = {
    "llm": "judge",
    "code": "code",
    "human": "person",
    "user": "end user",
    "api": "API",
    "telemetry": "telemetry",
}
"""What a score's source is called on the page."""
LISTED = 12  # rows in sight; the others are scrolled to
_TALL = 400  # pixels of a table with more
_TEXTS = 8  # texts under one score
_WHOLE_TRACE = "trace"
_TONES: dict[str, Literal["green", "orange", "red", "gray"]] = {"green": "green", "orange": "orange", "red": "red"}


def section(trace_id: str, version: str, *, alone: bool = False) -> None:
    """All scores of the trace; a row that is chosen shows what it rests on. None: nothing, or `alone` a word of it."""
    stored = data_traces.trace_scores(trace_id)
    targets = sorted(stored["span_id"].dropna().astype(str).unique())
    found = rows(stored, data_trace.places(trace_id, version, targets).sort_values("row"))
    if not found:
        if alone:
            widgets.empty("Scores would be here.", "Neither an evaluator nor a person has scored this trace.")
        return
    st.subheader("Scores", anchor=False)
    told = [row for row in found if row["status"] != "not_applicable"]
    st.caption(finding(found))
    if told:
        _chosen(trace_id, told)
    if idle := [row for row in found if row["status"] == "not_applicable"]:
        with st.expander(f"Not applicable ({len(idle):,})", key="scores-idle", on_change="rerun") as opened:
            if opened.open:
                _table(idle, _IDLE, "Evaluators that had nothing to say", choose=False)


def finding(found: Sequence[Row]) -> str:
    """`4 scores, 1 failed, 2 not applicable; newest first`, and what choosing one does."""
    counts = {status: sum(row["status"] == status for row in found) for status in ("error", "not_applicable")}
    said = [fmt.plural(len(found), "score")]
    said += [f"{counts['error']:,} failed"] if counts["error"] else []
    said += [f"{counts['not_applicable']:,} not applicable"] if counts["not_applicable"] else []
    return f"{', '.join(said)}; newest first. Choose one to see the text that it rests on."


def rows(found: pd.DataFrame, spans: pd.DataFrame) -> list[Row]:
    """Scores with what their metadata holds, by target in order of the trace, each target's newest first."""
    order = {str(span): place for place, span in enumerate(spans["span_id"], 1)}
    names = dict(zip(spans["span_id"].astype(str), spans["name"].astype(str), strict=True))
    told = [_row(row, names) for row in listing.records(found)]
    told.sort(key=lambda row: row["time"], reverse=True)
    return sorted(told, key=lambda row: order.get(row["span_id"] or "", len(order) + 1) if row["span_id"] else 0)


def _row(row: Row, names: Mapping[str, str]) -> Row:
    kept = dict(row["metadata"] or {})
    scale, listed = ruler.read(_json(kept.get("scale"))), _json(kept.get("spans"))
    told = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    status = "error" if row["error_type"] else "not_applicable" if kept.get("status") == "not_applicable" else "ok"
    name = names.get(row["span_id"] or "", row["span_id"])
    return row | {
        "status": status, "scale": scale, "highlights": told,
        "of": fmt.clip(str(name), 60, tree.UNNAMED) if row["span_id"] else _WHOLE_TRACE,
        "verdict": verdict(status, row["label"], row["error_type"]), "ruler": ruler.short(scale),
        "by": by(row), "from": _from(row), "details": kept.get("details"),
        "reason": fmt.clip(row["explanation"] or "", 300), "number": ruler.value(row["value"], scale),
    }  # fmt: skip


def _from(row: Row) -> str:
    """The source; of what people labelled how far they say the same: `judge, high trust`."""
    source = SOURCES.get(row["source"], row["source"])
    return ", ".join(one for one in (source, trust.word(*_ruler(row)) if _judged(row) else "") if one)


def _judged(row: Row) -> bool:
    return row["source"] not in {"human", "user"}


def _ruler(row: Row) -> tuple[str, str, str | None]:
    return row["name"], row["evaluator"] or "", row["evaluator_version"]


def _json(text: object) -> Any:
    """What is stored as JSON; senders may store anything."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def verdict(status: str, label: str | None, error_type: str | None) -> str:
    """The label; of an evaluator that failed, by what."""
    return f"failed: {fmt.clip(error_type or 'error', 60)}" if status == "error" else fmt.clip(label or "", 60)


def by(row: Mapping[str, Any]) -> str:
    """Who or what judged, with the version: `checker 2`; of an evaluator named as the score `version 2`."""
    if row["source"] in {"human", "user"} and row["author"]:  # of a label the evaluator is its name
        return fmt.clip(row["author"], 80)
    named, version = row["evaluator"] or row["author"] or "", row["evaluator_version"] or ""
    return fmt.clip(f"version {version}" if version and named == row["name"] else f"{named} {version}", 80)


_COLUMNS = {
    "name": st.column_config.TextColumn("Score", width=136),
    "of": st.column_config.TextColumn("Of", width=100, help="The whole trace, or the span of this name"),
    "number": st.column_config.TextColumn("Value", width=70, alignment="right"),
    "ruler": st.column_config.TextColumn("Ruler", width=78, help="The scale; the arrow points to its better end"),
    "verdict": st.column_config.TextColumn("Verdict", width=100),
    "reason": st.column_config.TextColumn("Reason", width=182),
    "by": st.column_config.TextColumn("By, version", width=110),
    "from": st.column_config.TextColumn("Source, trust", width=124, help=trust.HELP),
    "time": st.column_config.DatetimeColumn("Time", format="MM-DD HH:mm:ss", width=106),
}
_IDLE = {name: _COLUMNS[name] for name in ("name", "of", "reason", "by", "time")}


def _table(shown: Sequence[Row], columns: Mapping[str, Any], alt: str, *, choose: bool) -> int | None:
    """Draw it; the number of the row that is chosen."""
    frame = pd.DataFrame([{name: row[name] for name in columns} for row in shown])
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.tz_convert(widgets.zone())
    height: Any = "content" if len(frame) <= LISTED else _TALL
    event: Any = st.dataframe(
        frame, hide_index=True, column_config=columns, column_order=list(columns), height=height, alt=alt,
        placeholder="", key=f"{alt}-{_mark(frame)}", on_select="rerun" if choose else "ignore",
        selection_mode="single-row",
    )  # fmt: skip
    picked = event.get("selection", {}).get("rows", []) if choose else []
    return picked[0] if picked and picked[0] < len(frame) else None


def _mark(frame: pd.DataFrame) -> str:
    """Tells one table from another: a choice is a number of a row, which another table has too."""
    return f"{crc32(frame.to_csv().encode()):08x}"


@st.fragment
def _chosen(trace_id: str, told: Sequence[Row]) -> None:
    """The table, and below it the score that is chosen. Choosing reruns this part alone."""
    with st.container(key="scores"):
        at = _table(told, _COLUMNS, "Scores of the trace", choose=True)
    if at is not None:
        with st.container(border=True, gap="small", key="score"):
            _score(trace_id, told[at])


def _score(trace_id: str, row: Row) -> None:
    """One score whole: the ruler, the reason, the texts, and what its evaluator cannot do."""
    card = _card(row)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(row['name'], 80)}** {fmt.plain(row['number'])}", width="content")
        badge(row["status"], row["label"], row["error_type"], row["scale"])
        if drawn := ruler.drawn(row["scale"], row["value"]):
            st.html(drawn, width="content")
        st.caption(_ruler_words(row), width="content")
        if _judged(row):
            trust.badge(*_ruler(row))
        if row["span_id"]:
            _span_link(trace_id, row)
        if card:
            link = {"evaluator": card["name"]}
            st.page_link("views/evaluators.py", label="Its card", icon=":material/rule:", query_params=link)
    if not fmt.blank(row["explanation"] or ""):
        st.text(row["explanation"])
    widgets.guarded(
        "The text that it rests on did not come.", "The score above is complete.", lambda: _grounds(trace_id, row)
    )
    if card and card["limits"]:
        st.caption(f"Limits: {fmt.plain(' '.join(card['limits']), 1200)}")
    if row["details"]:
        with st.expander("Details of the evaluator"):
            conversation.text(row["details"], f"score-{row['name']}")


def badge(status: str, label: str | None, error_type: str | None, scale: ruler.Scale | None) -> None:
    """The verdict in a word."""
    words = "not applicable" if status == "not_applicable" else verdict(status, label, error_type)
    tone = "red" if status == "error" else ruler.tone(label, scale) if status == "ok" else "gray"
    if words:
        st.badge(fmt.plain(words, 60), color=_TONES.get(tone, "gray"))


def _card(row: Row) -> dict[str, Any] | None:
    """Of the evaluator that gave the score; null: none of ours did, or the cards did not come."""
    if not row["scale"] or row["source"] == "human":  # a person, or an evaluator elsewhere, may be called the same
        return None
    try:
        return next((one for one in data_evaluators.evaluators() if one["name"] == row["evaluator"]), None)
    except data.ApiError:
        return None


def _ruler_words(row: Row) -> str:
    known = f"Scale: {ruler.words(row['scale'])}" if row["scale"] else "Its scale is unknown: the sender told none"
    said = [known, f"by {row['by'] or fmt.UNKNOWN}", f"source: {row['from']}", fmt.moment(row["time"], widgets.zone())]
    return " · ".join(fmt.plain(one, 200) for one in said)


def _span_link(trace_id: str, row: Row) -> None:
    back = state.back_link(st.query_params.get("back"))
    st.page_link(
        "views/trace.py", label=f"Span {fmt.plain(row['of'], 40)}", icon=":material/arrow_upward:",
        query_params=state.trace_link(trace_id, back, row["span_id"]),
    )  # fmt: skip


def _grounds(trace_id: str, row: Row) -> None:
    """The texts that the score's highlights are in, beside why each is marked."""
    told = marking.stretches(row["highlights"])
    if not told:
        if row["status"] == "ok" and row["scale"] and row["source"] != "human":  # a worker stored it
            st.caption("The evaluator marked no stretch of the text.")
        return
    texts(data_traces.case(trace_id, row["span_id"]), told)


def texts(case: Mapping[str, Any], told: Mapping[str, Sequence[marking.Stretch]]) -> None:
    """Each field that has marks: its text with them, and beside it the reasons, by number."""
    first = 1
    for field in sorted(told, key=_rank)[:_TEXTS]:
        text = marking.text_of(case, field)
        found = marking.marks(text or "", told[field])
        left, right = st.columns((2, 1))
        with left, st.container(gap="xsmall"):
            st.caption(fmt.plain(marking.title(field)))
            if text is None:
                st.caption("This text is no longer there, or was not recorded.")
            else:
                st.html(marking.marked(text, told[field], first))
        with right, st.container(gap="xsmall"):
            st.caption(f"Why, {fmt.plural(len(found), 'stretch', 'stretches')}")
            st.html(reasons(found, first))
        first += len(found)
    if len(told) > _TEXTS:
        widgets.cut(_TEXTS, len(told), "texts")


def _rank(field: str) -> tuple[int, str, int]:
    """The answer first, then the question, then the others by name and number."""
    name, _, number = field.partition(".")
    place = {"answer": 0, "question": 1}.get(name, 2)
    return place, name, int(number) if number.isdigit() else 0


def reasons(found: Sequence[marking.Mark], first: int) -> str:
    """HTML of a list: the numbers of the marks with one reason, and the reason."""
    said: dict[str, list[int]] = {}
    for number, mark in enumerate(found, first):
        said.setdefault(fmt.clip("; ".join(mark.whys), 600, "no reason is told"), []).append(number)
    items = "".join(
        f'<li style="margin:0 0 2px"><b>{numbered(numbers)}</b> {escape(why)}</li>' for why, numbers in said.items()
    )
    return f'<ul style="margin:0;padding:0;list-style:none;font-size:0.9rem;line-height:1.5">{items}</ul>'


def numbered(numbers: Sequence[int]) -> str:
    """Ascending numbers in few letters: `1 to 3, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
