"""Dashboards: the list, one with its charts, and changing it. Charts are pinned on the page SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import alert_actions, charts_sql, data, data_sql, listing, sql, sql_pin, sql_result, state, widgets
from app import format as fmt
from app.charts_sql import Settings
from app.data import ApiError, Place
from app.listing import Cell, Column
from app.sql_pin import CHOSEN

PATH = sql_pin.DASHBOARDS
EDIT = "dashboard_edit"  # in the URL
_SAID = "dashboard-said"  # session state: why a change was not made
Board = dict[str, Any]
Charts = Sequence[Mapping[str, Any]]

COLUMNS = (
    Column("Dashboard", "minmax(200px, 2fr)", link=True),
    Column("Charts", "80px", "right"),
    Column("Changed", "minmax(140px, 1fr)"),
    Column("By", "minmax(120px, 1fr)"),
)


def overview() -> None:
    """The project's dashboards, and a way to a new one."""
    with st.skeleton(height=200):
        found = data_sql.dashboards()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{fmt.plural(len(found), 'dashboard')} of charts from SQL." if found else "There is no dashboard.")
        st.space("stretch")
        st.page_link(sql.PATH, label="Ask in SQL", icon=":material/database:", query_params={})
        if st.button("New dashboard", icon=":material/add:"):
            _new()
    if not found:
        widgets.empty(
            "Dashboards would be listed here.",
            "Ask a question in SQL and pin its chart, or bring dashboards from a file: assay dashboards import FILE.",
        )
        return
    listing.listing("dashboards", "Dashboards", COLUMNS, [_line(one) for one in found])


def _line(one: Board) -> listing.Row:
    changed = widgets.when(one["changed_at"])
    cells = (Cell(fmt.clip(one["name"])), Cell(fmt.count(one["charts"])), Cell(changed),
             Cell(fmt.clip(one["changed_by"] or "unknown"), quiet=not one["changed_by"]))  # fmt: skip
    return listing.Row(f"dashboards?{CHOSEN}={one['dashboard_id']}", cells)


@st.dialog("New dashboard")
def _new() -> None:
    name = st.text_input("Name", max_chars=100, key="dashboard-new", placeholder="Costs")
    author = st.text_input("Your name", str(st.session_state.get(alert_actions.AUTHOR) or ""), max_chars=100)
    if st.button("Make it", type="primary", disabled=not (name.strip() and author.strip())):
        try:
            made = data_sql.add(name.strip(), (), author.strip())
        except ApiError as error:
            st.error(fmt.plain(str(error), 400), icon=":material/error:")
            return
        st.query_params[CHOSEN] = str(made["dashboard_id"])
        st.rerun()


def page(dashboard_id: str, window: state.Window) -> None:
    """One dashboard: its name, its charts, each with an answer of its own."""
    board = data_sql.dashboard(dashboard_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(PATH, label="All dashboards", icon=":material/arrow_back:", query_params={})
        st.markdown(f"**{fmt.plain(board['name'], 100)}**", width="content")
        by = f" by {board['changed_by']}" if board["changed_by"] else ""
        said = f"{fmt.plural(len(board['charts']), 'chart')}, changed {widgets.when(board['changed_at'])}{by}"
        st.caption(fmt.plain(said, 200), width="content")
        st.space("stretch")
        st.button("Refresh", icon=":material/refresh:", help="Ask again, where data arrived")
        edits = st.toggle("Edit", key=EDIT, bind="query-params")
    author = _editing(board) if edits else ""
    if not board["charts"]:
        widgets.empty(
            "Charts would stand here.", "Ask a question in SQL, and pin its answer to this dashboard.",
            lambda: st.page_link(
                sql.PATH, label="Ask in SQL", icon=":material/database:",
                query_params={sql_pin.BOARD: dashboard_id} | _range(),
            ),
        )  # fmt: skip
        return
    _grid(board, window, author, edits=edits)
    st.caption(
        f"Of {window.words}. The address of this page is the link to share. Charts read all projects: whoever opens "
        "it needs the right admin."
    )


def _range() -> dict[str, str]:
    return {key: st.query_params[key] for key in ("range", "from", "to") if key in st.query_params}


def _grid(board: Board, window: state.Window, author: str, *, edits: bool) -> None:
    mark = data.watermark()
    for row in rows_of(board["charts"]):
        slots = st.columns(len(row)) if len(row) > 1 or board["charts"][row[0]]["wide"] else st.columns(2)
        for slot, place in zip(slots, row, strict=False):
            with slot, st.container(border=True):
                chart = board["charts"][place]
                _head(board, chart)
                if edits:
                    _tools(board, place, author)
                _chart(data.place(), chart, window, mark, f"dashboard-{place}")


def rows_of(charts: Charts) -> list[list[int]]:
    """Places of charts by row: a wide one alone, others in pairs."""
    rows: list[list[int]] = []
    for place, chart in enumerate(charts):
        last = rows[-1] if rows else []
        if chart["wide"] or len(last) != 1 or charts[last[0]]["wide"]:
            rows.append([place])
        else:
            last.append(place)
    return rows


def _head(board: Board, chart: Mapping[str, Any]) -> None:
    back = {sql_pin.BOARD: str(board["dashboard_id"]), sql_pin.NAMED: str(chart["name"])}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(chart['name'], 100)}**", width="content")
        st.space("stretch")
        st.page_link(
            sql.PATH, label="SQL", icon=":material/open_in_full:", query_params=sql.scope(chart) | back | _range(),
            help="The question and its rows",
        )  # fmt: skip


@st.fragment(parallel=True)
def _chart(place: Place, chart: Mapping[str, Any], window: state.Window, mark: str, key: str) -> None:
    """The answer of one chart; one that fails says why in its place, and the others stand."""
    try:
        answer = data_sql.kept(place, str(chart["sql"]), window.since, window.until, mark)
    except ApiError as error:
        st.error(fmt.plain(str(error), 400), icon=":material/error:")
        st.caption("The other charts stand. Open its SQL to mend it.")
        return
    fitted = charts_sql.fitted(answer.frame, Settings.of(chart))
    rows = f"{len(answer.frame):,} rows"
    if answer.truncated:
        widgets.cut(len(answer.frame), None, "rows")
    if fitted.why:
        st.caption(fmt.plain(fitted.why, 300))
    sql_result.draw(answer.frame, fitted, rows, key, small=True)


def _editing(board: Board) -> str:
    """Who edits, the name, and taking the dashboard away. Returns the author; '': nobody said it yet."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = alert_actions.author_field()
        with st.popover("Rename", disabled=not author):
            name = st.text_input("Name", board["name"], max_chars=100, key=f"dashboard-name-{board['version']}")
            st.button("Rename", type="primary", key="dashboard-rename", on_click=_changed,
                      args=(board, author), kwargs={"name": name.strip()})  # fmt: skip
        with st.popover("Remove dashboard", disabled=not author):
            st.caption("It is gone for good, with its questions. `assay dashboards export` keeps a copy.")
            st.button("Remove", type="primary", key="dashboard-remove", on_click=_removed, args=(board,))
    hint = "Charts are moved and removed beside their names." if author else "Say who you are: changes keep that name."
    st.caption(hint)
    if said := st.session_state.pop(_SAID, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")
    return author


def _tools(board: Board, place: int, author: str) -> None:
    charts, wide = board["charts"], board["charts"][place]["wide"]
    deeds = {
        ("arrow_back", "Earlier", place == 0): moved(charts, place, place - 1),
        ("arrow_forward", "Later", place == len(charts) - 1): moved(charts, place, place + 1),
        ("width_normal" if wide else "width_full", "Half as wide" if wide else "As wide as the page", False): [
            *charts[:place], charts[place] | {"wide": not wide}, *charts[place + 1 :],
        ],
        ("delete", "Remove", False): [*charts[:place], *charts[place + 1 :]],
    }  # fmt: skip
    with st.container(horizontal=True):
        for (icon, label, off), then in deeds.items():
            st.button(
                label, key=f"dashboard-{place}-{icon}", icon=f":material/{icon}:", disabled=off or not author,
                on_click=_changed, args=(board, author), kwargs={"charts": then}, type="tertiary",
            )  # fmt: skip


def moved(charts: Charts, place: int, to: int) -> list[Mapping[str, Any]]:
    """The charts with the one of a place at another; one that would leave the list stays."""
    rest = [*charts[:place], *charts[place + 1 :]]
    at = min(max(to, 0), len(rest))
    return [*rest[:at], charts[place], *rest[at:]]


def _changed(board: Board, author: str, **now: Any) -> None:
    try:
        data_sql.change(board, author, **now)
    except ApiError as error:
        st.session_state[_SAID] = str(error)


def _removed(board: Board) -> None:
    try:
        data_sql.remove(board)
    except ApiError as error:
        st.session_state[_SAID] = str(error)
        return
    st.query_params.pop(CHOSEN, None)
