"""Live traffic as variants: what tells them apart, which, and which of them is the baseline; the first chosen is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, compare, compare_controls, data, data_compare, state, widgets
from app import format as fmt

BY, VALUES = "by", "values"  # keys of the controls, and their names in the URL
DIMENSIONS = ("prompt", "model", "release", "variant")
MOST = 10


def page(waiting: DeltaGenerator) -> None:
    """The choice, then the comparison; or what there is to choose."""
    with st.container(horizontal=True, vertical_alignment="center"):
        by = calls.dimension(DIMENSIONS)
        filters = widgets.call_filters(widgets.window(*state.EVER), compare_controls.PATH)
    window = calls.window(waiting)
    offered = seen(by, window)
    values = _choice(by, offered)
    if len(values) < 2:
        waiting.empty()
        _lacking(by, values, offered, window)
        return
    params: dict[str, data.Param] = {"since": window.since, "until": window.until, **filters}
    calls.known(f"Model calls of {window.words}.")
    compare.answer(
        lambda own: data_compare.traffic(by, tuple(values), {**params, **own}), "traffic",
        {"by": by, "values": _json(values), **params}, waiting,
    )  # fmt: skip


def _json(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def seen(by: str, window: state.Window) -> Mapping[str, int]:
    """Values of the dimension that calls of the window have -> how many calls, those of most first."""
    frame = data.offers("calls_filters", window.since, window.until)
    mine = frame[frame["field"] == by].sort_values("calls", ascending=False)
    return dict(zip(mine["value"].astype(str), mine["calls"].astype(int), strict=True))


def _choice(by: str, offered: Mapping[str, int]) -> list[str]:
    """The variants, the baseline first."""
    key, base = "compare-values", "compare-first"
    values = list(dict.fromkeys(st.query_params.get_all(VALUES)))[:MOST]
    st.session_state[key] = values
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            f"{by.capitalize()}s", list(dict.fromkeys([*values, *offered])), key=key, max_selections=MOST,
            format_func=lambda one: f"{fmt.clip(one, 60)} ({offered.get(one, 0):,} calls)", on_change=_moved,
            args=(key,), placeholder=f"choose two to ten {by}s", width="stretch",
        )  # fmt: skip
        if len(values) > 1:
            st.session_state[base] = values[0]
            st.selectbox(
                "Baseline", values, key=base, on_change=_first, args=(base, tuple(values)), width=280,
                format_func=lambda one: fmt.clip(one, 60),
            )  # fmt: skip
    return values


def _moved(key: str) -> None:
    st.query_params[VALUES] = st.session_state[key]


def _first(key: str, values: Sequence[str]) -> None:
    first = st.session_state[key]
    st.query_params[VALUES] = [first, *(one for one in values if one != first)]


def _lacking(by: str, values: Sequence[str], offered: Mapping[str, int], window: state.Window) -> None:
    if len(offered) < 2:
        lacks = f"No call tells its {by}" if not offered else f"One {by} alone made the calls"
        widgets.empty(
            f"{by.capitalize()}s would be compared here.",
            f"{lacks} in {window.words}. Widen the time range, tell variants apart by something else, or compare runs.",
        )
        return
    two = list(offered)[:2]
    here = {name: value for name, value in st.query_params.items() if name != VALUES and value}
    widgets.empty(
        "One variant is chosen." if values else f"{by.capitalize()}s would be compared here.",
        f"Choose {'another' if values else 'two to ten'} above. Requests differ between variants: what is found may be "
        "theirs.",
        lambda: st.page_link(
            compare_controls.PATH, label=f"Compare {fmt.plain(two[0], 40)} with {fmt.plain(two[1], 40)}",
            icon=":material/compare_arrows:", query_params=[*here.items(), *((VALUES, one) for one in two)],
        ),
    )  # fmt: skip
