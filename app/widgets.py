"""Parts that every page shares: title row, time range, filters, tiles, states. What is chosen lives in the URL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from app import charts, data, state
from app import format as fmt

MARKED = "marked"  # session state: the row of the list that j and k stand on

_STYLE = """<style>
.stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; }
.stMetric { padding: 0; }
section.stSidebar[data-collapsed="false"] { width: 200px !important; }
</style>"""


def house_style() -> None:
    """Narrower margins and sidebar than Streamlit's. Only documented `st*` class names are touched."""
    st.html(_STYLE)


def zone() -> tzinfo:
    """The viewer's time zone; UTC when the browser does not tell."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def theme() -> charts.Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def title_row(name: str, oldest: datetime | None, beside: Callable[[], object] | None = None) -> state.Window:
    """Name left, what else the page has to switch and the time range right; gives the window that was chosen."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(name, anchor=False, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if beside:
                beside()
            return time_range(oldest)


def time_range(oldest: datetime | None) -> state.Window:
    """The one time control, URL keys `range`, and `from` and `to` when it is `custom`."""
    bounds: tuple[datetime | None, datetime | None] = (None, None)
    slot = st.container(horizontal=True, width="content")
    key = st.segmented_control(
        "Time range",
        state.RANGE_KEYS,
        default=state.DEFAULT_RANGE,
        required=True,
        key="range",
        bind="query-params",
        label_visibility="collapsed",
        on_change=first_page,
    )
    if key == "custom":
        with slot:
            bounds = (_bound("From (UTC)", "from"), _bound("To (UTC)", "to"))
    return state.window(str(key), datetime.now(UTC), oldest, bounds)


def _bound(label: str, key: str) -> datetime | None:
    value = st.datetime_input(
        label, value=None, key=key, bind="query-params", format="YYYY-MM-DD", on_change=first_page, width=190
    )
    return None if value is None else value.replace(tzinfo=UTC)


def first_page() -> None:
    """A changed filter makes the place in the list meaningless."""
    st.query_params.pop("page", None)
    st.session_state.pop(MARKED, None)


def filters(window: state.Window) -> dict[str, object]:
    """The filters of Traces in one popover; returns parameters of query `traces`."""
    offers = data.offers(window.since, window.until)
    with st.popover(_filter_label(), icon=":material/filter_list:"):
        left, right = st.columns(2, width=520)
        with left:
            for name in ("service", "environment", "model", "variant", "tag"):
                _pick(name, offers.get(name, []))
        with right:
            _pick("status", ["ok", "recovered", "error"])
            _pick("errors", ["with", "without"], "Failed spans")
            _type("session", "Session")
            _type("user", "User")
            st.number_input(
                "Takes at least (s)", min_value=0.0, value=None, key="min_s", bind="query-params", on_change=first_page
            )
        st.button("Clear all", on_click=clear_filters, width="stretch")
    return state.filter_params({name: st.session_state.get(name) for name in state.FILTERS})


def _filter_label() -> str:
    used = [name for name in state.FILTERS if name != "text" and st.query_params.get(name)]
    return f"Filters ({len(used)})" if used else "Filters"


def _pick(name: str, options: Sequence[str], label: str | None = None) -> None:
    st.selectbox(
        label or name.capitalize(),
        options,
        index=None,
        key=name,
        bind="query-params",
        accept_new_options=True,  # a link may name a value that this window does not offer
        placeholder="any",
        on_change=first_page,
    )


def _type(name: str, label: str) -> None:
    st.text_input(label, key=name, bind="query-params", placeholder="exact id", on_change=first_page)


def clear_filters() -> None:
    for name in state.FILTERS:
        st.session_state[name] = "" if name in {"session", "user", "text"} else None
    first_page()


def show_all() -> None:
    """All time, no filters. Through the widgets' values: a link cannot set parameters that they are bound to."""
    st.session_state["range"] = "all"
    clear_filters()


@dataclass(frozen=True, slots=True)
class Tile:
    """One number: three digits in sight, exact on hover, a note that stays in sight, the course of it below."""

    label: str
    value: str
    exact: str
    note: str
    series: Iterable[float]  # one value per bucket; null where nothing is known


def tile(shown: Tile) -> None:
    course = [math.nan if fmt.absent(value) else float(value) for value in shown.series]  # NaN breaks the line
    st.metric(
        shown.label,
        shown.value,
        delta=shown.note,
        delta_color="off",
        delta_arrow="off",
        help=shown.exact,
        border=True,
        height="stretch",
        chart_data=None if all(map(math.isnan, course)) else course,
    )


def failed(what: str, error: Exception, still_works: str) -> None:
    """A question that the server did not answer: what failed, why, what still works, try again."""
    st.error(f"**{what}** {fmt.plain(str(error), 600)}", icon=":material/error:")
    st.caption(still_works)
    st.button("Try again", key=f"retry {what}", icon=":material/refresh:", on_click=data.forget)


def sample() -> None:
    """What is shown is the sample data."""
    st.badge("Sample data: times shifted so that the newest is now", icon=":material/science:", color="blue")


def empty(what: str, why: str, action: Callable[[], object] | None = None) -> None:
    """No rows: what would be here, why it is not, the one thing to do. Looks unlike a failure on purpose."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(why)
        if action:
            action()


def cut(shown: int, total: int | None, noun: str) -> None:
    """A list that was cut says so."""
    of = f" of {total:,}" if total is not None else ""
    st.badge(f"Cut: first {shown:,}{of} {noun}", icon=":material/content_cut:", color="orange")


def fields(pairs: Mapping[str, str], columns: int = 4) -> None:
    """Names and values in a dense grid; values are untrusted text."""
    slots = st.columns(columns)
    for index, (name, value) in enumerate(pairs.items()):
        with slots[index % columns], st.container(gap=None):
            st.caption(name)
            st.text(value)


def guarded(what: str, still_works: str, draw: Callable[[], None]) -> bool:
    """Draw a part of a page; when the server does not answer, say so in its place. True: it was drawn."""
    try:
        draw()
    except data.ApiError as error:
        failed(what, error, still_works)
        return False
    return True


def csv(frame: pd.DataFrame, name: str) -> None:
    """Download of exactly the rows in sight, exact values."""
    st.download_button(
        "CSV", frame.to_csv(index=False), f"{name}.csv", "text/csv", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def known_to(newest: pd.Series) -> str:
    """Time of the newest data, so that a stale page says so."""
    return fmt.recent(newest["newest"].to_pydatetime(), zone(), datetime.now(UTC))
