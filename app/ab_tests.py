"""The parts of the page A/B tests: one test with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import ab_arms, charts, charts_ab, data, data_ab, widgets
from app import format as fmt
from app.ab_figures import apart, interval, scale

Test = dict[str, Any]
Json = Mapping[str, Any]

PATH = "views/ab_tests.py"
NAME, MAKE, ARM = "test", "make", "arm"  # of the URL: which test is open, a new one, which variant against the control
TONES: Mapping[str, Literal["green", "orange", "gray"]] = {"running": "green", "planned": "orange", "stopped": "gray"}
KINDS = {
    "mismatch": "do not read", "hurt": "stop: guardrail", "win": "better", "loss": "worse",
    "futile": "no gain as wanted", "too_few": "too few units", "go_on": "undecided",
}  # fmt: skip
UNDECIDED = ("go_on", "too_few")  # of a comparison: more units may decide it
_REFUSED = "ab-refused"  # session state: why the last click did nothing


def chosen(key: str) -> str:
    """What the URL has under this key; '' nothing."""
    return str(st.query_params.get(key) or "")


def wanted(test: Test) -> float:
    """The gain that is wanted, with its sign."""
    return float(test["mde"] if test["better"] == "higher" else -test["mde"])


def shares(test: Test) -> str:
    """`control 50 %, new 50 %`."""
    return ", ".join(f"{one['name']} {100 * one['weight']:g} %" for one in test["variants"])


def one(found: Sequence[Test], name: str) -> None:
    """All of one test."""
    test = next((test for test in found if test["name"] == name), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 100), anchor=False, width="content")
        if test is not None:
            st.badge(test["state"], color=TONES[test["state"]])
        st.space("stretch")
        if test is not None and test["state"] == "running" and st.button("Stop", icon=":material/stop_circle:"):
            _stop(test)
        st.page_link(PATH, label="All tests", icon=":material/arrow_back:")
    if test is None:
        widgets.empty("An A/B test would be here.", f"None is named {fmt.plain(name, 100)} in this project.")
        return
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")
    widgets.guarded("The results did not come.", "The test goes on without this page.", lambda: _results(test))


@st.dialog("Stop this test")
def _stop(test: Test) -> None:
    st.markdown(f"**{fmt.plain(test['name'], 100)}** Later traces will not count, and it cannot begin again.")
    if st.button("Stop it now", type="primary", key="ab-stop-sure", on_click=_stopped, args=(test["name"],)):
        st.rerun()


def _stopped(name: str) -> None:
    try:
        data_ab.stop(name)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)


def _results(test: Test) -> None:
    with st.skeleton(height=300):
        told = data_ab.results(test)
    if test["description"]:
        st.caption(fmt.plain(test["description"], 600))
    if told["mismatch"] and told["mismatch"]["mismatched"]:
        st.warning(fmt.plain(told["sentence"], 1_500), icon=":material/warning:")
    else:
        st.markdown(fmt.plain(told["sentence"], 1_500))
    for warning in told["warnings"]:
        st.warning(fmt.plain(warning, 400), icon=":material/warning:")
    if not told["exposure"] or not told["exposure"]["units"]:
        how(test)
        return
    shown = _chosen(told["comparisons"])
    _tiles(test, told, shown)
    _figure(test, shown)
    ab_arms.arms(test, told)
    ab_arms.guardrails(shown)
    _novelty(test, shown)
    with st.expander("How to deal units, and which attribute to set"):
        how(test)
    _small_print(test)


def _chosen(comparisons: Sequence[Json]) -> Json:
    """The variant that is looked at; of several the URL names it."""
    names = [one["variant"] for one in comparisons]
    if len(names) == 1:
        return comparisons[0]
    # Names have letters, digits, dots, dashes and underscores alone, so that labels need no escaping.
    name = st.segmented_control(
        f"Against {comparisons[0]['control']}", names, default=names[0], required=True, key=ARM, bind="query-params"
    )
    return comparisons[names.index(str(name))]


def _tiles(test: Test, told: Json, shown: Json) -> None:
    unit, advice = test["unit_of"], shown["advice"]
    p = told["mismatch"]["p_always"]
    tiles = [
        widgets.Tile(
            "Difference", apart(shown["difference"], unit),
            f"{test['metric']}: {shown['variant']} less {shown['control']}", interval(shown, unit), [],
        ),
        widgets.Tile(
            "Finding", KINDS[advice["kind"]], "Of the variant against the control",
            f"wanted {apart(wanted(test), unit)}", [],
        ),
        widgets.Tile(
            "Units with a value", fmt.short(shown["n"]), f"{shown['n']:,} {test['unit']}s of both arms",
            f"of {told['exposure']['units']:,} exposed", [],
        ),
        widgets.Tile(
            "Assignment", "mismatch" if told["mismatch"]["mismatched"] else "as meant",
            f"p {p:.3g} at all looks, {told['mismatch']['p']:.3g} at this one alone; told below 0.01",
            f"p {fmt.digits(p, 2) if p >= 0.001 else 'below 0.001'}", [],
        ),
    ]  # fmt: skip
    if advice["kind"] in UNDECIDED and not told["over"]:
        tiles.insert(3, _needed(advice))
    widgets.tiles(*tiles)


def _needed(advice: Json) -> widgets.Tile:
    """How many units more find the gain that is wanted."""
    needed, days_left = advice["needed"], advice["days_left"]
    days = f"{fmt.plural(max(1, round(days_left)), 'day')} at this pace" if days_left else ""
    return widgets.Tile(
        "Units still needed", fmt.short(advice["remaining"]),
        "To find the gain wanted in 4 of 5 tests" + (f"; {needed:,} in all" if needed is not None else ""),
        days or ("of " + fmt.short(needed) if needed is not None else "the spread is not known yet"), [],
    )  # fmt: skip


def _figure(test: Test, shown: Json) -> None:
    unit = test["unit_of"]
    frame = days(shown, unit)
    subtitle = (
        f"{charts.label(test['metric'], 40)}; n = {fmt.plural(shown['n'], test['unit'])}, {test['state']} since "
        f"{frame['day'].iloc[0]} UTC; band: {100 * (1 - shown['alpha']):.4g} % at all looks together"
    )
    if frame["difference"].isna().all():
        widgets.empty("The difference over days would be here.", f"No {test['unit']} of both arms has a value yet.")
        return
    st.plotly_chart(
        charts_ab.difference(frame, (shown["variant"], shown["control"]), scale(unit), subtitle, widgets.theme()),
        theme=None, key="ab-difference", config={"displayModeBar": False},
        alt=f"Difference of {test['metric']} over days with its always-valid band",
    )  # fmt: skip
    with st.expander("Table by day"):
        table = frame.drop(columns="told")
        st.dataframe(table, hide_index=True, height=240, alt="The difference by day")
        widgets.csv(table, f"ab-{test['name']}-{shown['variant']}")


def days(shown: Json, unit: str | None) -> pd.DataFrame:
    """A row per day: day, control_units, units, difference, low, high (null: none yet), and the hover."""
    frame = pd.DataFrame(shown["series"])[["day", "control_units", "units", "difference", "low", "high"]]
    numbers = {name: frame[name].astype("float64") for name in ("difference", "low", "high")}
    hovers = [
        charts_ab.told(
            day["day"], apart(day["difference"], unit), interval(day, unit), day["units"] + day["control_units"]
        )
        for day in shown["series"]
    ]
    return frame.assign(**numbers, told=hovers)


def _novelty(test: Test, shown: Json) -> None:
    st.markdown("**Novelty**")
    st.caption(novelty(shown["novelty"], test["unit_of"]))


def novelty(found: Json | None, unit: str | None) -> str:
    """Whether the effect of later days is another one than that of the first."""
    if found is None:
        return "The first 7 days are set against later ones: none of these has begun."
    first = fmt.plural(found["first_days"], "day")
    effects = (
        f"The effect was {apart(found['early'], unit)} in the first {first} and {apart(found['late'], unit)} later"
    )
    if found["low"] is None:
        return fmt.plain(f"{effects}; too few units to say whether that is a change.", 400)
    change = f"{apart(found['difference'], unit)} ({interval(found, unit)})"
    if found["low"] <= 0 <= found["high"]:
        return fmt.plain(f"{effects}: no change is shown, {change}.", 400)
    return fmt.plain(f"{effects}: it changed by {change}. Let the test run on until it is steady.", 400)


def how(test: Test) -> None:
    """How an application deals units and tells of them."""
    name, example = test["name"], test["variants"][-1]
    st.caption(
        f"Ask for the variant of each {test['unit']}, and set what the answer calls traced\\_as as the attribute "
        "variant of a span of the trace."
    )
    st.code(f"GET /api/ab-tests/{name}/assign?unit=ID", language=None)
    st.code(f'span.set_attribute("variant", "{example["traced_as"]}")', language="python")


def alpha(test: Test) -> str:
    """How the chance of a wrong finding is shared."""
    whole = f"The chance of any wrong finding is {fmt.digits(100 * test['alpha'])} % at most"
    count = (len(test["variants"]) - 1) * (1 + len(test["guardrails"]))
    if count == 1:
        return f"{whole}."
    each = f"{100 * (1 - test['alpha'] / count):.4g} %"
    return f"{whole}, shared by {count} comparisons of metric and guardrails: each interval is one of {each}."


def _small_print(test: Test) -> None:
    st.caption(
        fmt.plain(
            f"Values of a {test['unit']} are averaged first. Intervals hold at all looks together, so looking every "
            f"day is allowed; they are narrowest near {test['expected_units']:,} units. {alpha(test)} Days are UTC, of "
            f"when the trace started; salt {test['salt']}, version {test['version']}.",
            800,
        )
    )
