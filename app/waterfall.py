"""The waterfall component: the spans of a trace as a tree beside their times, drawn and fetched by windows.

Two components work together in the browser: `waterfall` draws, and `rows`, in a fragment of its own, fetches what comes
into view, so that scrolling reruns nothing else of the page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import data, data_trace, tree
from app.component import component

CHUNK = 128  # rows that are fetched at once
_MOST_CHUNKS = 12  # of one request
_component = component("waterfall", ("folds",))
_rows = component("rows")


def key(trace_id: str) -> str:
    """Key of the component's state, which Streamlit forgets when one leaves the page."""
    return f"waterfall-{trace_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """A span and its row."""

    span_id: str
    row: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """One state of one trace, as the component needs to know it before the rows."""

    trace_id: str
    version: str
    total: int  # rows
    axes: tree.Axes
    path: bool  # whether rows come with the critical path at once
    failures: Sequence[int] = field(default=())  # rows


def drawing(trace_id: str, outline: Mapping[str, Any]) -> Drawing:
    """Of `GET /api/traces/{trace_id}/outline`."""
    failures = tuple(int(one["row"]) for one in outline["failures"])
    known = bool(outline["path_known"])
    return Drawing(trace_id, outline["version"], outline["rows"], tree.axes(outline), known, failures)


def waterfall(drawn: Drawing, at: Place, *, asked: int, chosen: Callable[[str], None], height: int = 340) -> None:
    """Draw a trace; `chosen` hears the id of a span that is selected in it, before the next run.

    `at` is selected at first, and anew whenever `asked` changes; the rows around it come along. Rows travel as bytes
    behind a line of JSON about them: a mapping would be written as JSON three times a run.
    """
    name = key(drawn.trace_id)
    here = at.row // CHUNK
    head = _head(drawn) | {"selected": at.row, "asked": asked, "height": height}
    _component(
        key=name, data=_bytes(drawn, head, [here - 1, here, here + 1], path=drawn.path),
        on_selected_change=lambda: chosen(str(st.session_state[name]["selected"])),
    )  # fmt: skip


def _head(drawn: Drawing) -> dict[str, Any]:
    return {
        "trace": drawn.trace_id, "version": drawn.version, "total": drawn.total, "chunk": CHUNK, "path": drawn.path,
        "ticks": drawn.axes.told.ticks(), "moved": drawn.axes.shifted and drawn.axes.shifted.ticks(),
        "failures": list(drawn.failures),
    }  # fmt: skip


def _bytes(drawn: Drawing, head: Mapping[str, Any], chunks: Sequence[int], *, path: bool) -> bytes:
    """A line of JSON, then the rows of the chunks."""
    known = [one for one in chunks[:_MOST_CHUNKS] if 0 <= one <= (drawn.total - 1) // CHUNK]
    found = [line for one in known for line in _chunk(drawn, one, path=path)]
    return b"\n".join(json.dumps(part, separators=(",", ":")).encode() for part in ({**head, "chunks": known}, found))


def _chunk(drawn: Drawing, number: int, *, path: bool) -> list[dict[str, Any]]:
    rows = data_trace.rows(drawn.trace_id, drawn.version, number * CHUNK, CHUNK, path=path)
    return tree.lines(rows, drawn.axes)


def reset(trace_id: str) -> None:
    """A run of the whole page answers no question of before: the browser asks again for what it still lacks."""
    st.session_state.pop(f"rows-{trace_id}-wanted", None)


@st.fragment
def rows(drawn: Drawing, marks: Mapping[int, str]) -> None:
    """Fetches, out of sight, what the waterfall wants to draw or find; `marks`: words by row, told once."""
    name = f"rows-{drawn.trace_id}"
    wanted = _wanted(st.session_state.get(f"{name}-wanted"))
    head: dict[str, Any] = {"trace": drawn.trace_id, "version": drawn.version, "answers": wanted.get("number", 0)}
    try:
        head |= _found(drawn, wanted)
        told = _bytes(
            drawn, head | {"marks": {} if wanted else marks}, wanted.get("chunks", []), path=bool(wanted.get("path"))
        )
    except data.ApiError as error:  # the trace has changed, or the server is silent: the page says which when it reruns
        told = json.dumps({**head, "chunks": [], "failed": str(error), "marks": {}}).encode() + b"\n[]"
    _rows(
        key=name, data=told,
        on_wanted_change=lambda: st.session_state.update({f"{name}-wanted": st.session_state[name]["wanted"]}),
    )  # fmt: skip


def _wanted(told: object) -> dict[str, Any]:
    """What the browser asks for; nothing where it is no question of ours."""
    if not isinstance(told, dict) or not isinstance(told.get("chunks"), list):
        return {}
    return {**told, "chunks": [one for one in told["chunks"] if isinstance(one, int)]}


def _found(drawn: Drawing, wanted: Mapping[str, Any]) -> dict[str, Any]:
    text = str(wanted.get("text") or "")[:1000]
    return {"text": text, "found": data_trace.found(drawn.trace_id, drawn.version, text)} if text else {}
