"""Compare: which variants, from where, and what stands around the answer. All that is chosen lives in the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import (
    compare_figures,
    compare_people,
    compare_rows,
    compare_stated,
    compare_tables,
    compare_tabs,
    compare_words,
    data,
    data_compare,
    watch,
    widgets,
)
from app import format as fmt
from app.compare_controls import PATH, SOURCE, TRAFFIC, choice

ADJUST = "adjust"  # key of a control, and its name in the URL
QUALITY, SLICE = "quality", "slice"  # names in the URL alone: their options come with the answer
SOURCES = ("runs", TRAFFIC)
CORRECTIONS = {"Benjamini-Hochberg": "bh", "Holm": "holm"}
Found = Mapping[str, Any]
Ask = Callable[[Mapping[str, data.Param]], Found]


def source() -> str:
    """Where variants come from."""
    told = st.segmented_control(
        "Variants from", SOURCES, default="runs", required=True, key=SOURCE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return str(told)


def asked(kind: data_compare.Source) -> dict[str, data.Param]:
    """Measure, correction, slice, directions and margins, as parameters of the API."""
    adjust = CORRECTIONS.get(str(st.session_state.get(ADJUST) or st.query_params.get(ADJUST)), "bh")
    told = {name: st.query_params.get(compare_stated.name_in_url(kind, name)) or None for name in (QUALITY, SLICE)}
    return {**told, **compare_stated.params(kind), "adjust": adjust}


def answer(ask: Ask, kind: data_compare.Source, report: Mapping[str, data.Param], waiting: DeltaGenerator) -> None:
    """Ask, and draw the answer; `report`: the parameters that name the variants."""
    params = asked(kind)
    try:
        found = _patient(ask, params)
    finally:
        waiting.empty()
    if found is None:
        return
    _options(found)
    if not found["measures"]:
        _nothing_measured(found)
        return
    compare_people.section(kind, report)
    compare_words.verdicts(found)
    compare_stated.words(found)
    compare_tabs.plans(found)
    compare_words.tiles(found)
    compare_words.trusted(found)
    compare_words.limits(found)
    compare_figures.section(found)
    watch.compared(found)
    compare_tables.section(found)
    if kind == "runs":
        compare_rows.section(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        _reports(kind, {**report, **params})


def _patient(ask: Ask, params: Mapping[str, data.Param]) -> Found | None:
    """The answer; null: what was asked for cannot be compared, and the page says so."""
    try:
        return widgets.patiently(st.container(), "Comparing", partial(ask, params), usual_s=2.0)
    except data.ApiError as error:
        if error.kind != "refused":
            raise
        widgets.empty("A comparison would be here.", fmt.plain(str(error), 600), _anew)
    return None


def _anew() -> None:
    sources = ("runs", "traffic")
    chosen = {compare_stated.name_in_url(kind, name) for kind in sources for name in (QUALITY, SLICE)}
    stated = {compare_stated.name_in_url(kind, name) for kind in sources for name in compare_stated.NAMES}
    with st.container(horizontal=True):
        if stated & set(st.query_params):
            _link("Without directions and margins", ":material/tune:", stated)
        if chosen & set(st.query_params):
            _link("By the first measure", ":material/undo:", chosen)
        st.page_link(PATH, label="Choose anew", icon=":material/restart_alt:")


def _link(label: str, icon: str, without: set[str]) -> None:
    """To this page, but for some parameters."""
    kept = [(key, value) for key in st.query_params for value in st.query_params.get_all(key) if key not in without]
    st.page_link(PATH, label=label, icon=icon, query_params=kept)


def _options(found: Found) -> None:
    """Measure, correction, slices: drawn once the answer tells what there is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = {one["key"]: compare_words.measure(one) for one in found["measures"]}
        choice(compare_stated.name_in_url(found["source"], QUALITY), "Counts most", options)
        st.selectbox(
            "Correction", list(CORRECTIONS), key=ADJUST, bind="query-params", width=200,
            help="Benjamini-Hochberg: few false ones among findings, to explore. Holm: no false finding, to decide.",
        )  # fmt: skip
        if found["slices"]:
            choice(
                compare_stated.name_in_url(found["source"], SLICE),
                "Slices",
                {name: fmt.clip(name, 40) for name in found["slices"]},
                none="none",
                width=160,
            )
        compare_stated.control(found)
        st.caption(f"{100 * found['level']:g} % intervals", width="content")


def _nothing_measured(found: Found) -> None:
    why = " ".join(one["sentence"] for one in found.get("shared", ()))
    if found["source"] == "traffic":
        widgets.empty(
            "Variants would be compared here.",
            "None of the calls of these variants told anything that can be measured.",
        )
        return
    widgets.empty("Runs would be compared here.", fmt.plain(f"No value was measured in any of them. {why}", 600))


def _reports(kind: data_compare.Source, params: Mapping[str, data.Param]) -> None:
    """The comparison as a file that stands alone, made when somebody wants it."""
    st.caption("Report", width="content")
    for form, suffix, mime in (("html", "html", "text/html"), ("markdown", "md", "text/markdown")):
        st.download_button(
            form.upper() if form == "html" else "Markdown",
            data.later(lambda form=form: data_compare.report(kind, form, params)),  # type: ignore[misc]  # default binds the loop variable
            f"comparison.{suffix}", mime, key=f"report-{form}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
