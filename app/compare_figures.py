"""The figures of a comparison, each with what it is of in its subtitle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import charts, charts_compare, compare_controls, compare_words, widgets

Found = Mapping[str, Any]
_ROWS = 40  # of the forest; the table has all
_SPREADS = 4


def section(found: Found) -> None:
    """Differences first; then the chosen measure, cost against quality, how values lie, what time showed."""
    _forest(found)
    slots = [*_chosen(found), *_front(found), *_course(found), *_spreads(found)]
    for start in range(0, len(slots), 2):
        for place, (figure, key, alt) in zip(st.columns(2, gap="large"), slots[start : start + 2], strict=False):
            with place:
                _draw(figure, key, alt)


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=alt)


Slot = tuple[go.Figure, str, str]


def _forest(found: Found) -> None:
    rows = forest_rows(found)
    if rows.empty or rows["difference"].isna().all():
        return
    base = charts.label(found["baseline"], 40)
    untold = [one["title"] for one in found["measures"] if one["better"] is None]
    subtitle = f"against {base}, {100 * found['level']:g} % intervals, {_paired(found)}; each row on its own scale"
    if untold:
        subtitle += f"; right is higher of {charts.label(', '.join(untold), 60)}"
    if rows["margin"].notna().any():
        subtitle += "; dots: the margin"
    figure = charts_compare.forest(rows.head(_ROWS), subtitle, widgets.theme())
    _draw(figure, "forest", "Differences with their intervals; the table below says the same")
    if len(rows) > _ROWS:
        widgets.cut(_ROWS, len(rows), "differences")


def _paired(found: Found) -> str:
    return "item by item" if found["paired"] else "of different requests"


def forest_rows(found: Found) -> pd.DataFrame:
    """What `charts_compare.forest` draws: measures in their order, variants within."""
    told, several = compare_words.by_key(found), len(found["variants"]) > 2
    return pd.DataFrame(
        [
            {
                "text": compare_words.measure(told[one["metric"]]) + (f", {one['b']}" if several else ""),
                "difference": one["difference"], "low": one["ci_low"], "high": one["ci_high"], "tone": one["tone"],
                "margin": one["margin"], "sign": -1 if one["better"] == "lower" else 1,
                "told": _told(told[one["metric"]], one), "sentence": one["sentence"],
            }
            for one in found["pairs"]
        ]
    )  # fmt: skip


def _told(measure: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    if one["difference"] is None:
        return "not enough data"
    n = f"n = {one['n_a']:,}" if one["paired"] else f"n = {one['n_a']:,}, {one['n_b']:,}"
    return f"{compare_words.apart(measure, one['difference'])}, {one['verdict']}, {n}"


def many(counts: Sequence[int]) -> str:
    """How many items of each variant: `40, 38`; of several as many `40 each`, else `190 to 205`."""
    low, high = min(counts, default=0), max(counts, default=0)
    if low == high and len(counts) > 1:
        return f"{low:,} each"
    return ", ".join(f"{one:,}" for one in counts) if len(counts) < 5 else f"{low:,} to {high:,}"


def _chosen(found: Found) -> list[Slot]:
    """Each variant on its own in the measure that counts most; of pairs also item against item."""
    one = compare_words.by_key(found)[found["quality"]]
    mine = pd.DataFrame([row for row in found["own"] if row["measure"] == found["quality"]])
    n = many(mine["items"].tolist())
    title = compare_words.measure(one)
    levels = charts_compare.levels(
        mine,
        compare_words.capital(title),
        f"95 % intervals, n = {n}",
        widgets.theme(),
        share=one["statistic"] == "share",
    )
    slots: list[Slot] = [(levels, "levels", f"{title} of each variant")]
    told_of = {told["variant"]: told for told in found["scatters"]}
    wanted = str(st.query_params.get(compare_controls.AGAINST))
    for told in [told_of[wanted]] if wanted in told_of else found["scatters"][:1]:
        if not told["items"]:
            continue
        words = f"{told['better']:,} items better, {told['worse']:,} worse, of {told['items']:,}"
        figure = charts_compare.against(
            told, (found["baseline"], told["variant"]), f"{compare_words.capital(title)}, item by item", words,
            widgets.theme(),
        )  # fmt: skip
        slots.append((figure, "scatter", f"{title}, item by item: {words}"))
    return slots


def _front(found: Found) -> list[Slot]:
    known = [one for one in found["front"] if one["cost"]["value"] is not None and one["quality"]["value"] is not None]
    if len(known) < 2:
        return []
    rows = pd.DataFrame(
        [
            {"variant": one["variant"], "front": one["front"]}
            | {f"{what}{end}": one[what][name] for what in ("cost", "quality")
               for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))}
            for one in known
        ]
    )  # fmt: skip
    told = compare_words.by_key(found)
    cost, quality = told["cost_usd"], told[found["quality"]]
    titles = compare_words.capital(cost["title"]), compare_words.capital(compare_words.measure(quality))
    front = rows["variant"][rows["front"]]
    best = ", ".join(charts.label(one, 24) for one in front) if len(front) < 4 else f"{len(front):,} of {len(rows):,}"
    figure = charts_compare.front(rows, titles, f"95 % intervals; nothing beats {best}", widgets.theme())
    return [(figure, "front", f"Cost against quality; nothing beats {best}")]


def _course(found: Found) -> list[Slot]:
    if not found["course"]:
        return []
    rows = pd.DataFrame(found["course"])
    rows["until"] = (
        pd.to_datetime(rows["until"], unit="us", utc=True).dt.tz_convert(widgets.zone()).dt.tz_localize(None)
    )
    measure = compare_words.measure(compare_words.by_key(found)[found["quality"]])
    title, level = f"{compare_words.capital(measure)}: difference so far", f"{100 * found['level']:g} %"
    several = " of all variants together" if len(found["variants"]) > 2 else ""
    words = f"{level} bounds{several} that hold at every look from this start on: look on any day"
    if rows["low"].isna().all():
        words = "too few sessions, users or traces yet for bounds that hold at every look"
    alt = f"The difference as time went on; {words}"
    return [(charts_compare.course(rows, title, words, widgets.theme()), "course", alt)]


def _spreads(found: Found) -> list[Slot]:
    """How values lie, of a few measures."""
    slots: list[Slot] = []
    for one in found["spreads"][:_SPREADS]:
        title, key = compare_words.capital(one["title"]), f"spread-{one['measure']}"
        if one["points"] is not None:
            n = many([len(values) for values in one["points"].values()])
            figure = charts_compare.points(one["points"], title, f"every item, n = {n}", widgets.theme())
        else:
            n = many([sum(counts) for counts in one["counts"].values()])
            words = f"share of items, n = {n}; the outermost hundredths are in the outermost steps"
            figure = charts_compare.spread(one["edges"], one["counts"], title, words, widgets.theme())
        slots.append((figure, key, f"How values of {one['title']} lie"))
    return slots
