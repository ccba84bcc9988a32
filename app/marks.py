"""What changed of an application, as marks on axes of time: releases, prompts, models, evaluators, alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, data_drift, jobs, state, widgets
from app import format as fmt

Marker = Mapping[str, Any]

MOST = 8  # with more than so many, alerts are not drawn
WHAT: Mapping[str, str] = {
    "release": "release", "prompt": "prompt version", "label": "prompt label", "model": "model version",
    "evaluator": "evaluator", "normaliser": "normaliser", "alert": "alert",
}  # fmt: skip
"""Kind of a marker -> its name in sentences."""


def of(window: state.Window, kinds: Callable[[str], bool] = lambda _: True) -> list[Marker]:
    """Those within a window, in order; none where they do not come: the figures stand without them."""
    try:
        found = data_drift.markers(window.since, window.until)
    except data.ApiError:
        return []
    return [one for one in found if kinds(str(one["what"]))]


def drawn(found: Iterable[Marker]) -> list[charts.Mark]:
    """As figures take them, in the viewer's zone; alerts only where they leave room for what may have caused them."""
    every = list(found)
    return [(local(one["at"]), word(one)) for one in every if len(every) <= MOST or one["what"] != "alert"]


def local(at: str | datetime) -> pd.Timestamp:
    """A time of the API in the viewer's zone, for axes that cannot convert."""
    moment = at if isinstance(at, datetime) else jobs.at(at)
    return pd.Timestamp(moment).tz_convert(widgets.zone()).tz_localize(None)


def word(one: Marker) -> str:
    """On a vertical: `release 1.8`, `answer@3`, `gpt-4o → gpt-4o-2026-11`, `alert 12`."""
    what, name, after = str(one["what"]), str(one["name"] or ""), str(one["after"] or "")
    if what == "release":
        return f"release {after or name}"
    if what == "prompt":
        return f"{name}@{after}"
    if what == "label":
        return f"{name} {after}".strip()
    if what == "alert":
        return f"alert {name}"
    if what in {"normaliser", "evaluator"}:
        return f"{what} {after or name}"
    return after or name or WHAT.get(what, what)


def words(found: Sequence[Marker]) -> str:
    """Under a figure, what its verticals are: `Dotted: 2 releases, 1 model version.`; '': none."""
    if not found:
        return ""
    counts: dict[str, int] = {}
    for one in found:
        counts[str(one["what"])] = counts.get(str(one["what"]), 0) + 1
    said = ", ".join(fmt.plural(n, WHAT.get(what, what)) for what, n in counts.items())
    left = len(found) > MOST and "alert" in counts
    return f"Dotted: {said}{'; alerts are not drawn, for want of room' if left else ''}."


def table(found: Sequence[Marker], key: str) -> None:
    """Each with its time and its sentence, in an expander."""
    with st.expander(f"What changed: {fmt.plural(len(found), 'marker')}", key=key, on_change="rerun") as twin:
        if twin.open:
            rows = [
                {"At": local(one["at"]), "What": WHAT.get(str(one["what"]), str(one["what"])), "Text": one["text"]}
                for one in found
            ]
            st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="What changed, by time")
