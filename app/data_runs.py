"""Doors to suites and runs. What moves is never cached; rows of runs that ended are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]
Params = tuple[tuple[str, Any], ...]
_KEPT = 128


def suites() -> Row:
    """`folder` and `suites`, each with its newest run; see `GET /api/suites`."""
    return data.client().suites()


def suite(name: str, version: int | None = None) -> Row:
    """One suite with `document` and `versions`."""
    return data.client().suite(name, version)


def templates() -> list[Row]:
    """Suites to begin with: `name`, `document`."""
    return data.client().suite_templates()


def check(document: str, name: str | None) -> Row:
    """What `assay eval check` says of a text: `problem` (null: none), `line`, `sentence`, ..."""
    return data.client().check_suite(document, name)


def set_suite(name: str, document: str) -> Row:
    """Set a suite; raises ApiError, `refused`, naming line, key and value of what cannot be."""
    return data.client().set_suite(name, document)


def forget_suite(name: str) -> None:
    """Take a stored suite away; its versions and runs stay."""
    data.client().forget_suite(name)


def order(name: str, wish: Mapping[str, Any]) -> Row:
    """Have a suite run by a worker; answers as `run` without its texts."""
    return data.client().run_suite(name, wish)


def cancel(run_id: str) -> Row:
    """End a run that was ordered here; what was answered is kept."""
    return data.client().cancel_run(run_id)


def forget(run_id: str) -> None:
    """Forget a run and its rows."""
    data.client().forget_run(run_id)


def runs(**params: Any) -> list[Row]:
    """Runs, the newest first; see `GET /api/runs` for parameters and fields."""
    return data.client().runs(**params)


def run(run_id: str) -> Row:
    """One run with manifest, summary and document."""
    return data.client().run(run_id)


def rows(told: Mapping[str, Any], **params: Any) -> Row:
    """Rows of a run that ended: `rows`, `matching`, `next`; see `GET /api/runs/{id}/rows` for the filters."""
    return _rows(data.place(), told["run_id"], str(told["ended_at"]), tuple(sorted(params.items())))


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _rows(place: data.Place, run_id: str, ended_at: str, params: Params) -> Row:  # noqa: ARG001 - `ended_at` keys the cache
    return data.client_of(place).run_rows(run_id, **dict(params))


def results(told: Mapping[str, Any]) -> str:
    """results.jsonl of a run that ended."""
    return "".join(f"{line}\n" for line in data.client().run_lines(told["run_id"]))


def report(told: Mapping[str, Any]) -> str:
    """report.html of a run that ended."""
    return data.client().run_report(told["run_id"])


def stored_traces(trace_ids: list[str]) -> set[str]:
    """Those of these traces that the store has, 32 hex digits each."""
    if not trace_ids:
        return set()
    found = data.ask("case_traces", traces=",".join(sorted(set(trace_ids)))).frame
    return {str(one).replace("-", "") for one in found["trace_id"]}
