"""What the pages over model calls share: outline, controls, window, words of a change, links, and no call at all."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import charts, data, listing, state, widgets
from app import format as fmt

BY = "by"  # key of the dimension, and its name in the URL
_EQUAL = 0.0005  # a change that three digits of a percentage would not show


def outline(page: str) -> DeltaGenerator:
    """The page in outline when it opens; later the old one stays until the new one is there."""
    place = st.empty()
    if widgets.opens(page):
        with place.container():
            st.skeleton(24)
            for slot in st.columns(5):
                slot.skeleton(174)
            for height in (charts.TALL, listing.ROW_PX * 8):
                st.skeleton(height)
    return place


def dimension(options: Sequence[str]) -> str:
    """What calls are told apart by."""
    st.caption("By", width="content")
    return str(st.selectbox("By", options, key=BY, bind="query-params", label_visibility="collapsed", width=160))


def window(waiting: DeltaGenerator) -> state.Window:
    """The window that was chosen. Without an answer of the server the page says so, in place of `waiting`, and ends."""
    try:
        newest = data.home_newest()
    except data.ApiError as error:
        waiting.empty()
        widgets.failed("The server does not answer.", error, "Nothing here works without it.")
        widgets.end()
    return widgets.window(newest["oldest"], newest["newest"])


def known(words: str) -> None:
    """What the numbers rest on: `words`, the zone, to when there is data, whether it is the sample."""
    newest = data.home_newest()
    with st.container(horizontal=True, vertical_alignment="center"):
        if newest["sample"]:
            widgets.sample()
        data_to = "no trace is there" if newest["newest"] is None else f"data to {widgets.known_to(newest)}"
        st.caption(f"{words} Times in {widgets.zone()}, {data_to}", width="content")


def change(window: state.Window, now: float, before: float | None, doubt: str = "") -> str:
    """`, 18 % more than in the 7 days before`; nothing where nothing is known of that time. `doubt` ends a change."""
    if window.words not in state.RANGE_WORDS.values() or fmt.absent(before) or not before:
        return ""
    rise = float(now) / float(before) - 1
    then = f"the {window.words.removeprefix('the last ')} before"
    if abs(rise) < _EQUAL:
        return f", as in {then}"
    return f", {fmt.percent(abs(rise))} {'more' if rise > 0 else 'less'} than in {then}{doubt}"


def in_url() -> dict[str, str | None]:
    """The filters of the page, as they stand in its URL."""
    return {name: st.query_params.get(name) for name in state.CALL_FILTERS}


def href(page: str, by: str, value: str | None, *, sort: str = "", kept: Sequence[str] = ()) -> str:
    """Where a row leads: to its traces, or, where Traces has no such filter, to the page narrowed to it.

    `sort`: order of the traces. `kept`: further parameters of the URL for the narrowed page. A null leads nowhere.
    """
    if value is None:
        return ""
    here = in_url() | {name: st.query_params.get(name) for name in ("range", "from", "to")} | {by: value}
    if by in state.FILTERS:
        return state.traces_path(here) + (f"&sort={sort}" if sort else "")
    chosen = here | {BY: "model"} | {name: st.query_params.get(name) for name in kept}
    return f"{page}?" + urlencode({name: text for name, text in chosen.items() if text})


def heading(by: str, frame: pd.DataFrame, name: str) -> None:
    """Above a table by a dimension: what it is by, whether it was cut, its CSV."""
    total = int(frame["total"].iloc[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**By {by}**", width="content")
        if total > len(frame):
            widgets.cut(len(frame), total, f"{by}s")
        st.space("stretch")
        widgets.csv(frame.drop(columns="total"), f"{name}-by-{by}")


def leads(window: state.Window, by: str, order: str = "") -> str:
    """What a click on a row of such a table does."""
    return (
        f"A row opens its traces in {window.words}{order}" if by in state.FILTERS else "A row narrows this page to it"
    )


def nothing(window: state.Window, what: str, noun: str, path: str, *, narrowed: bool) -> None:
    """No call: because the store is empty, the window is, or the filters are too narrow. `path`: of the page."""
    newest = data.home_newest()
    if not newest["traces"]:
        widgets.empty(
            what, "Nothing has arrived yet.", lambda: st.page_link("views/home.py", label="See how to send traces")
        )
        return
    at = fmt.moment(newest["newest"], widgets.zone())
    widgets.empty(
        what,
        f"No {noun} call in {window.words}{' matches the filters' if narrowed else ''}. The newest trace started {at}.",
        lambda: st.page_link(
            path, label="Show all time, no filters", icon=":material/filter_list_off:", query_params={"range": "all"},
        ),
    )  # fmt: skip
