"""Figures of the page Agreement: coefficients, pairs of people, course over time, slices, what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import charts_agreement, widgets
from app import format as fmt
from app.agreement_words import NAMES, of

Row = Mapping[str, Any]
MOST_BARS = 20


def section(found: Row, pair: tuple[str, str] | None) -> None:
    """Two a row, in the order of what is asked first; those without data are not drawn."""
    every = (
        None if found["kind"] == "spans" else _coefficients(found),
        None if pair else _pairs(found), _confusion(found, pair), _over_time(found), _slices(found),
    )  # fmt: skip
    drawn = [one for one in every if one is not None]
    for at in range(0, len(drawn), 2):
        for slot, (figure, key, alt) in zip(st.columns(2, gap="large"), drawn[at : at + 2], strict=False):
            with slot:
                st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=alt)


Drawn = tuple[go.Figure, str, str]
"""A figure, its key, and what it shows to those who do not see it."""


def _coefficients(found: Row) -> Drawn:
    rows = [row for row in found["rows"] if row["value"] is not None]
    first = rows[0]
    n = fmt.plural(first["n_items"], "item"), fmt.plural(first["n_labellers"], "person", "people")
    words = f"{', '.join(n)}; 95 % intervals by item"
    figure = charts_agreement.coefficients(
        _frame(rows, lambda row: NAMES[row["coefficient"]]), "Coefficients", words, widgets.theme()
    )
    return figure, "agree-coefficients", "Coefficients with their intervals; the table below says the same"


def _frame(rows: Sequence[Row], name: Any) -> pd.DataFrame:
    told = [(name(row), row["value"], row["ci_low"], row["ci_high"]) for row in rows]
    return pd.DataFrame(told, columns=["name", "value", "low", "high"]).astype(
        {"value": "float64", "low": "float64", "high": "float64"}
    )


def _pairs(found: Row) -> Drawn | None:
    rows = [row for row in found["pairs"] if row["coefficient"] == found["pair"]]
    people = sorted({name for row in rows for name in row["labellers"]})
    if len(people) < 3:
        return None
    of_pair = {(row["labellers"][0], row["labellers"][1]): (row["value"], row["n_items"]) for row in rows}
    left = len(found["people_left"])
    words = f"{NAMES[found['pair']]}, n items; blank: they share none"
    words += f"; {fmt.plural(left, 'person', 'people')} with fewer labels left out" if left else ""
    figure = charts_agreement.pairs(of_pair, people, "Who agrees with whom", words, widgets.theme())
    return figure, "agree-pairs", "How far every two people agree; the table of pairs says the same"


def _confusion(found: Row, pair: tuple[str, str] | None) -> Drawn | None:
    if not found["confusion"]:
        return None
    counts = {(row["a"], row["b"]): row["n"] for row in found["confusion"]}
    used = {name for cell in counts for name in cell}
    names = [name for name in found["categories"] if name in used]
    n = sum(counts.values())
    axes = tuple(sorted(pair)) if pair else ("", "")
    words = f"{fmt.plural(n, 'pair')} of labels of one item" + (
        "" if pair else "; row before column in the field's order"
    )
    figure = charts_agreement.confusion(
        counts, names, (axes[0], axes[1]), ("What is taken for what", words), widgets.theme()
    )
    return figure, "agree-confusion", "How often two labels of an item are these; the table below opens the items"


def _over_time(found: Row) -> Drawn | None:
    main = found["main"]
    told = [(one["since"], one["until"], of(one["rows"], main)) for one in found["over_time"]]
    rows = [(since, until, row) for since, until, row in told if row is not None and row["value"] is not None]
    if len(rows) < 2:
        return None
    parts = pd.DataFrame(
        [
            (_local(since), _local(until), row["value"], row["ci_low"], row["ci_high"], row["n_items"])
            for since, until, row in rows
        ],
        columns=["since", "until", "value", "low", "high", "n"],
    )
    marks = [(_local(one["at"]), f"guidelines {one['version']}") for one in found["guidelines"]]
    spans = {(until - since).days for since, until in zip(parts["since"], parts["until"], strict=True)}
    by = "by weeks" if spans == {7} else "about as many items a point"
    words = f"{by}, by an item's newest label; 95 % intervals"
    figure = charts_agreement.over_time(parts, marks, f"{NAMES[main]} over time", words, widgets.theme())
    return figure, "agree-time", "The coefficient over time, with changes of the guidelines"


def _local(text: str) -> pd.Timestamp:
    return pd.Timestamp(text).tz_convert(widgets.zone()).tz_localize(None)


def _slices(found: Row) -> Drawn | None:
    rows = [row for row in found["by"] if row["coefficient"] == found["main"] and row["value"] is not None][:MOST_BARS]
    if not rows:
        return None
    frame = _frame(rows, lambda row: f"{row['slice']}, n {row['n_items']:,}")
    left = f"; {fmt.plural(found['slices_left'], 'smaller one')} left out" if found["slices_left"] else ""
    words = f"slices of most items first{left}; 95 % intervals"
    figure = charts_agreement.coefficients(frame, f"{NAMES[found['main']]} by slice", words, widgets.theme())
    return figure, "agree-slices", "The coefficient of each slice, with its interval"
