"""“Views” on the Traces page: line, filters, order and columns under a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import alert_actions, data, data_trace_views, state, widgets
from app import format as fmt

_SAID = "trace-view-said"  # session state: what became of the last change
_BOUND = ("since", "until", "sort", "q")
Row = Mapping[str, Any]


def button(params: Row, columns: Sequence[str]) -> None:
    """Opens a view, or keeps what the page shows now as one."""
    with st.popover("Views", icon=":material/bookmark:", key="trace-views", on_change="rerun") as popover:
        if popover.open:
            widgets.guarded("The views did not come.", "The list stands by itself.", lambda: _views(params, columns))


def link(view: Row) -> dict[str, str]:
    """What the URL has of a view; the time range stays as it is."""
    window = {"since": "2000-01-01T00:00Z", "until": "2000-01-02T00:00Z"}
    scope = state.traces_scope({**view["filter"], **window})
    told = {name: value for name, value in scope.items() if name not in {"range", "from", "to"}}
    orders = {sort: shown for shown, sort in state.SORTS.items()}
    order = "" if view["order"] == "newest" else orders[view["order"]]
    told |= {"q": view["q"], "sort": order, "columns": ",".join(view["columns"])}
    return {name: value for name, value in told.items() if value}


def shown(params: Row, columns: Sequence[str]) -> dict[str, Any]:
    """What the page shows, as a view has it."""
    held = {name: value for name, value in state.kept(params).items() if name not in _BOUND}
    return {"q": params.get("q") or "", "filter": held, "order": params["sort"], "columns": list(columns)}


def _views(params: Row, columns: Sequence[str]) -> None:
    found = data_trace_views.views()
    for view in found:
        _row(view)
    if not found:
        st.caption(
            "A view keeps the line, the filters, the order and the columns under a name, for all of the project."
        )
    _save({view["name"]: view["version"] for view in found}, shown(params, columns))
    if said := st.session_state.pop(_SAID, None):
        st.caption(fmt.plain(said, 300))


def _row(view: Row) -> None:
    scope = {name: str(st.query_params[name]) for name in ("range", "from", "to") if st.query_params.get(name)}
    with st.container(horizontal=True, vertical_alignment="center", width=440):
        st.page_link(
            "views/traces.py", label=fmt.plain(view["name"], 60), icon=":material/bookmark:",
            query_params=scope | link(view), help=fmt.plain(view["q"] or "no line", 200),
        )  # fmt: skip
        st.caption(fmt.plain(f"by {view['author']}" if view["author"] else "", 60), width="content")
        st.space("stretch")
        st.button(
            "Delete", key=f"trace-view-delete-{view['name']}", icon=":material/delete:", type="tertiary",
            on_click=_tried,
            args=(data_trace_views.delete, f"{view['name']} is deleted.", view["name"], view["version"]),
        )  # fmt: skip


def _save(known: Mapping[str, int], view: Mapping[str, Any]) -> None:
    name = st.text_input("Keep what is shown as", key="trace-view-name", placeholder="Failed checkouts", max_chars=100)
    author = alert_actions.author_field()
    name = name.strip()
    if "/" in name:
        st.caption("A name has no slash. Write another sign in its place.")
    words = f"Replace {fmt.plain(name, 60)}" if name in known else "Save"
    told = {**view, "upon": known.get(name, 0), "author": author or None}
    st.button(
        words, key="trace-view-save", type="primary", disabled=not name or "/" in name, on_click=_tried,
        args=(data_trace_views.put, f"{name} is saved.", name, told),
    )  # fmt: skip


def _tried(change: Callable[..., object], done: str, *told: object) -> None:
    """Make a change, and keep what became of it for the next run; `done` says that it was made."""
    try:
        change(*told)
    except data.ApiError as error:
        done = str(error)
    st.session_state[_SAID] = done
