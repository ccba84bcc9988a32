"""What may be done with a monitor: have it look now, edit it, turn it off, delete it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import data, data_monitors, monitor_terms, monitors
from app import format as fmt
from app.monitor_words import Monitor

_REFUSED = "monitor-action-refused"  # session state: why the last click did nothing
_GONE = "monitor-deleted"  # session state: the name of the monitor that the last click deleted


def row(one: Monitor) -> None:
    """The buttons."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Look now", key="monitor-look", icon=":material/visibility:", on_click=_tried,
            args=(lambda: data_monitors.look(one["name"]),), disabled=not one["enabled"],
        )  # fmt: skip
        st.page_link(monitors.PATH, label="Edit", icon=":material/edit:", query_params={monitors.EDIT: one["name"]})
        st.button(
            "Turn off" if one["enabled"] else "Turn on", key="monitor-turn", icon=":material/power_settings_new:",
            on_click=_tried, args=(lambda: _turn(one),),
        )  # fmt: skip
        if st.button("Delete", key="monitor-delete", icon=":material/delete:"):
            _delete(one)


def refused() -> None:
    """Why the last click did nothing, if it did."""
    if said := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")


def _tried(do: Callable[[], object]) -> None:
    try:
        do()
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)


def _turn(one: Monitor) -> None:
    data_monitors.set_monitor(one["name"], monitor_terms.terms(one) | {"enabled": not one["enabled"]})


@st.dialog("Delete this monitor")
def _delete(one: Monitor) -> None:
    alert = f" Alert {one['alert_open']['number']} is open." if one["alert_open"] else ""
    st.markdown(f"**{fmt.plain(one['name'], 100)}** looks no more.{alert} Its versions, looks and alerts stay.")
    st.button("Delete it", type="primary", key="monitor-delete-sure", on_click=_deleted, args=(one["name"],))


def _deleted(name: str) -> None:
    _tried(lambda: data_monitors.delete_monitor(name))
    if _REFUSED not in st.session_state:
        st.session_state[_GONE] = name


def gone(name: str) -> bool:
    """Whether the last click deleted it; says so then."""
    if st.session_state.pop(_GONE, None) != name:
        return False
    st.success(f"Monitor {fmt.plain(name, 100)} is deleted.", icon=":material/check:")
    st.page_link(monitors.PATH, label="All monitors", icon=":material/arrow_back:", query_params={})
    return True
