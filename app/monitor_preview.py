"""What a monitor would do, before it is set: false alarms a month, how late it is, where it would have fired."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from app import charts, charts_monitors, data, data_monitors, monitor_figure, monitor_terms, widgets
from app import format as fmt
from app import monitor_signals as signals
from app import monitor_words as words

Json = Mapping[str, Any]
USUAL_S = 4.0


def section(terms: Mapping[str, Any] | None, name: str | None) -> str:
    """Draw it; what the API has against the terms, '' nothing. `name`: of the monitor that is edited."""
    st.markdown("**Preview**")
    if terms is None:
        _nothing()
        return ""
    asked = monitor_terms.previewed(terms)
    try:
        told = widgets.patiently(
            st.container(), "Drawing its reference anew", partial(data_monitors.preview, asked, name), USUAL_S
        )
    except data.ApiError as error:
        if error.kind == "refused":
            widgets.empty(
                "What it would have done would be here.",
                "It cannot be looked at as it stands: the form says why at the field.",
            )
            return str(error)
        widgets.failed("The preview did not come.", error, "The monitor can be set without it.")
        return ""
    _draw(terms, told)
    return ""


def _nothing() -> None:
    widgets.empty(
        "What it would have done would be here.",
        "Before it is set you see how often it would fire a month while nothing changes, how soon it finds the least "
        "change that matters, and where on the recorded past it would have fired.",
    )


def _draw(terms: Json, told: Json) -> None:
    unit = unit_of(terms)
    if told["sentence"]:
        st.markdown(fmt.plain(told["sentence"], 1_000))
    for warning in told["warnings"]:
        if warning == (told["calibration"] or {}).get("why"):
            continue  # it is told below
        st.caption(f":material/info: {fmt.plain(warning, 400)}")
    _tiles(told, unit)
    _figure(terms, told, unit)
    st.caption(fmt.plain(f"{_known(terms, told, unit)} {words.SEASONS.get(told.get('season') or '', '')}", 900))


def _known(terms: Json, told: Json, unit: str | None) -> str:
    """How late it is and how all that is known; the sentence above has the false alarms."""
    if (told["calibration"] or {}).get("false_alarms"):
        return words.rest(told["calibration"], unit)
    return words.calibrated(told["calibration"], unit, terms["alert"]["kind"])


def unit_of(terms: Json) -> str | None:
    """The unit of what is watched; null: the check has its own."""
    found = signals.SIGNALS.get(str(terms["signal"]))
    return found.unit if found else None


def _tiles(told: Json, unit: str | None) -> None:
    calibration = told["calibration"] or {}
    alarms, late = calibration.get("false_alarms"), calibration.get("delay")
    shown = []
    if alarms:
        shown.append(
            widgets.Tile(
                "False alarms a month", fmt.digits(alarms["value"]), "While nothing changes",
                f"{fmt.digits(alarms['low'])} to {fmt.digits(alarms['high'])}", [],
            )
        )  # fmt: skip
    if late:
        shown.append(
            widgets.Tile(
                "Found after", words.delay(calibration), "Half of lasting changes of this size are found by then",
                f"a change of {signals.effect(late['effect'], unit)}", [],
            )
        )  # fmt: skip
    if told["looks"]:
        fired, past = len(told["would_have_fired"]), f"of {fmt.plural(len(told['looks']), 'look')} at the past"
        shown.append(widgets.Tile("Would have fired", f"{fired:,}", "Times it would have begun to fire", past, []))
    if shown:
        widgets.tiles(*shown)


def _figure(terms: Json, told: Json, unit: str | None) -> None:
    if not told["points"]:
        return
    zone = widgets.zone()
    drawn = monitor_figure.previewed(told, unit, terms["alert"], zone)
    title = signals.title(terms["signal"], terms["score"], terms["quantile"], terms["alert"]["kind"])
    if drawn.points.empty:
        return
    span = f"{drawn.points['at'].iloc[0]:%m-%d %H:%M} to {drawn.points['at'].iloc[-1]:%m-%d %H:%M}"
    window = words.each(terms["window"])
    subtitle = f"n = {fmt.short(drawn.points['n'].sum())}, {span}; looks: the {window} before each; ▼ would have fired"
    figure = charts_monitors.watched(charts.label(title, 40), drawn, subtitle, widgets.theme())
    st.plotly_chart(
        figure.update_layout(legend=charts.BELOW),
        theme=None, key="monitor-preview", config={"displayModeBar": False},
        alt=f"{title} on the recorded past, with what was expected and where the monitor would have fired",
    )  # fmt: skip
