"""Ranking: which of several variants is best, by pairs: of runs item by item, or of judgements in a file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import compare_controls, compare_runs, compare_tabs, data, data_rank, data_runs, rank_answer, runs, widgets
from app import format as fmt

SOURCE, REFERENCE, MEASURE = "judged", "reference", "rank-measure"  # in the URL
RUNS, FILE = "runs", "a file"
COLUMNS = (
    ("a", "First variant", "a"),
    ("b", "Second variant", "b"),
    ("winner", "Winner", "winner"),
    ("item", "Item", ""),
)
TYPES = ["csv", "tsv", "jsonl", "ndjson", "json", "parquet", "gz"]
_OFFERED = 200
_MEAN = "the mean of all"
Found = Mapping[str, Any]


def page(waiting: DeltaGenerator) -> None:
    """What is ranked, then the ranking; or what there is to choose."""
    compare_tabs.tabs(compare_tabs.RANKING)
    source = st.segmented_control(
        "Judgements from", (RUNS, FILE), default=RUNS, required=True, key=SOURCE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    (_of_file if source == FILE else _of_runs)(waiting)


def _of_runs(waiting: DeltaGenerator) -> None:
    known = {one["run_id"]: one for one in data_runs.runs(most=_OFFERED) if one["state"] == "done"}
    ids, key = compare_runs.chosen(), "rank-runs"
    st.session_state[key] = ids
    st.multiselect(
        "Runs", list(dict.fromkeys([*ids, *known])), key=key, max_selections=compare_runs.MOST, on_change=_moved,
        args=(key,), format_func=lambda one: compare_runs.words(known.get(one), one),
        placeholder="choose runs of the same items, up to ten",
    )  # fmt: skip
    if not ids:
        waiting.empty()
        _no_run(known)
        return
    tie = st.session_state.get("tie") or fmt.finite(_number(st.query_params.get("tie"))) or 0.0
    params: dict[str, data.Param] = {
        "measure": st.query_params.get(MEASURE), "reference": st.query_params.get(REFERENCE), "tie": tie,
    }  # fmt: skip
    found = _asked(partial(data_rank.runs, tuple(ids), params), waiting)
    if found is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        compare_controls.choice(
            MEASURE, "Better in", {one["key"]: fmt.clip(one["words"], 60) for one in found["measures"]}
        )
        st.number_input(
            "A tie up to", 0.0, 1e9, 0.0, format="%g", key="tie", bind="query-params", width=120,
            help="Values of an item that differ by so much at most are a tie.",
        )  # fmt: skip
        _reference(found)
    rank_answer.section(found, {one["name"]: one["run_id"] for one in found["of"]})


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _moved(key: str) -> None:
    compare_controls.take(st.session_state[key], REFERENCE)


def _no_run(known: Mapping[str, Any]) -> None:
    if not known:
        widgets.empty(
            "Runs would be ranked here.",
            "No run has ended yet. Run a suite with several models or prompts, or rank judgements of a file.",
            lambda: st.code(runs.COMMAND, language="bash"),
        )
        return
    newest = list(known)[: min(len(known), 3)]
    widgets.empty(
        "Runs would be ranked here.",
        "Choose runs of the same items above: of each item, the better value wins against each other.",
        lambda: st.page_link(
            compare_tabs.RANKING, label=f"Rank the newest {len(newest)}", icon=":material/leaderboard:",
            query_params=compare_controls.link(newest),
        ),
    )  # fmt: skip


def _of_file(waiting: DeltaGenerator) -> None:
    file = st.file_uploader(
        "Judgements: CSV, JSON lines or Parquet, a row each", TYPES, key="rank-file",
    )  # fmt: skip
    columns = {
        name: slot.text_input(
            f"Column: {label.lower()}", usual, key=f"column-{name}", bind="query-params",
            placeholder="each row on its own" if name == "item" else None,
        )
        for slot, (name, label, usual) in zip(st.columns(len(COLUMNS)), COLUMNS, strict=True)
    }  # fmt: skip
    if file is None:
        waiting.empty()
        widgets.empty(
            "Judgements would be ranked here.",
            "A row names two variants and who won: a, b, tie, or the name itself. The file is sent to this server, "
            "ranked, and not kept.",
            lambda: st.code("item,a,b,winner\nq1,gpt-4o,haiku,a\nq2,haiku,gpt-4o,tie", language="csv"),
        )
        return
    told = {name: text.strip() or None for name, text in columns.items()}
    params: dict[str, data.Param] = {**told, REFERENCE: st.query_params.get(REFERENCE)}
    found = _asked(partial(data_rank.rows, file.getvalue(), params), waiting)
    if found is None:
        return
    _reference(found)
    rank_answer.section(found, {}, _command(file.name, told))


def _command(name: str, columns: Mapping[str, str | None]) -> str:
    """The command line that says the same, of the file where it lies."""
    words = ["assay", "rank", name]
    for column, told in columns.items():
        if told and told != column:
            words += [f"--{column}", told]
        elif told and column == "item":
            words += ["--item", told]
    return shlex.join(words)


def _reference(found: Found) -> None:
    """What strengths are measured from, once the answer tells who is ranked."""
    if found["problem"] is None:
        options = {one["variant"]: fmt.clip(one["variant"], 60) for one in found["rows"]}
        compare_controls.choice(REFERENCE, "Measured from", options, none=_MEAN, width=200)


def _asked(ask: Callable[[], Found], waiting: DeltaGenerator) -> Found | None:
    """The answer; null: there is none, and the page says why."""
    try:
        return widgets.patiently(st.container(), "Ranking", ask, usual_s=3.0)
    except data.ApiError as error:
        if error.kind != "refused":
            raise
        widgets.empty("A ranking would be here.", fmt.plain(str(error), 800), _anew)
    finally:
        waiting.empty()
    return None


def _anew() -> None:
    kept = {name: value for name, value in st.query_params.items() if name not in {MEASURE, REFERENCE} and value}
    with st.container(horizontal=True):
        if {MEASURE, REFERENCE} & set(st.query_params):
            st.page_link(
                compare_tabs.RANKING, label="By the first measure, from the mean", icon=":material/undo:",
                query_params=kept,
            )  # fmt: skip
        st.page_link(compare_tabs.RANKING, label="Choose anew", icon=":material/restart_alt:")
