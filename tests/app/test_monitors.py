"""Monitors: what the pages say of them, what is typed into the form, links from charts, every state of the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from app import charts, charts_monitors, monitor_figure, monitor_suggestions, monitor_terms, monitors, watch
from app import monitor_signals as signals
from app import monitor_words as words
from server.monitors import signals as catalogue
from server.monitors.terms import NAME, Against, Terms

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LOOK: dict[str, Any] = {
    "at": NOON.isoformat(), "value": 0.04, "expected": 0.02, "low": 0.01, "high": 0.03, "n": 1200.0, "effect": 0.02,
    "p": 0.0001, "p_adjusted": 0.001, "counts": True, "state": "firing", "note": None,
}  # fmt: skip
CALIBRATED: dict[str, Any] = {
    "false_alarms": {"value": 0.12, "low": 0.08, "high": 0.16, "quiet_months": 0.9},
    "delay": {
        "effect": 0.015, "median_days": 1.5, "median_low": 1.0, "median_high": 2.0, "late_days": 3.0, "found": 1.0,
    },
    "alpha": 0.01, "monitors": 4, "draws": 400, "at": NOON.isoformat(), "why": None,
}  # fmt: skip
MONITOR: dict[str, Any] = {
    "name": "errors", "version": 1, "enabled": True, "description": "", "signal": "error_rate", "label": "Error rate",
    "unit": "share", "worse": "up", "score": None, "quantile": None, "where": {"service": "shop"},
    "against": {"last": "28d"}, "every": "1h", "window": "1d",
    "alert": {"kind": "drift", "min_effect": None, "side": "up", "alpha": 0.01, "persist": "2/3"},
    "severity": "warning", "owner": None, "notify": [], "escalate_after": None, "state": "ok",
    "state_since": NOON.isoformat(), "why": None, "looked_until": NOON.isoformat(), "next_look": NOON.isoformat(),
    "season": "hour", "min_effect": 0.015, "calibration": CALIBRATED, "last": LOOK, "recent": [LOOK, LOOK],
    "alert_open": None, "sentence": "", "set_at": NOON.isoformat(), "author": None,
}  # fmt: skip


def test_the_form_offers_the_signals_of_the_catalogue() -> None:
    kept = ("unit", "stream", "worse", "named", "quantile", "alone", "label")
    told = {name: {key: getattr(one, key) for key in kept} for name, one in signals.SIGNALS.items()}
    assert told == {name: {key: getattr(one, key) for key in kept} for name, one in catalogue.SIGNALS.items()}


def test_the_form_sets_what_terms_have() -> None:
    assert set(monitor_terms.TERMS) == set(Terms.model_fields)
    assert set(monitor_terms.OWN) == set(Against.model_fields)


@pytest.mark.parametrize(
    ("value", "unit", "amount", "apart", "effect"),
    [
        pytest.param(0.0412, "share", "4.12 %", "+4.12 pp", "4.12 pp", id="share"),
        pytest.param(1234.0, "ms", "1.23 s", "+1.23 s", "1.23 s", id="ms"),
        pytest.param(0.0123, "usd", "$0.0123", "+$0.0123", "$0.0123", id="usd"),
        pytest.param(312.0, "tokens", "312 tokens", "+312 tokens", "312 tokens", id="tokens"),
        pytest.param(1.0, "tokens", "1 token", "+1 token", "1 token", id="one-token"),
        pytest.param(0.31, "score", "0.31", "+0.31", "0.31", id="score"),
        pytest.param(0.05, "category", "0.05 JS", "+0.05 JS", "0.05 (Jensen-Shannon distance)", id="category"),
        pytest.param(None, "share", "unknown", "unknown", "unknown", id="unknown-is-not-0"),
    ],
)
def test_values_have_their_units(value: float | None, unit: str, amount: str, apart: str, effect: str) -> None:
    assert signals.amount(value, unit) == amount
    assert signals.apart(value, unit) == apart
    assert signals.effect(value, unit) == effect


def test_bounds_name_a_unit_once() -> None:
    assert signals.bounds(0.01, 0.03, "share") == "1 to 3 %"
    assert signals.bounds(900.0, 1400.0, "ms") == "900 ms to 1.4 s"
    assert signals.bounds(None, 0.03, "share") == "no interval"


@pytest.mark.parametrize(
    ("alert", "says"),
    [
        pytest.param(
            {}, "Fires when 2 of 3 looks show a rise of 1.5 pp or more over the last day, with a p below 0.01, "
            "adjusted over all monitors of the project.", id="drift",
        ),
        pytest.param({"min_effect": 0.03, "side": None, "persist": "1/1"}, "a look shows a change of 3 pp", id="least"),
        pytest.param({"kind": "threshold", "above": 0.05}, "over the last day is above 5 %.", id="threshold"),
        pytest.param({"kind": "no_data"}, "Fires when nothing came for 1 day.", id="no-data"),
        pytest.param({"kind": "error_burst", "failed": 5, "share": 0.2}, "5 calls and 20 % of all failed", id="burst"),
        pytest.param(
            {"kind": "slo_burn", "objective": 0.99, "period": "30d"}, "error budget of 99 % over 30 days", id="burn"
        ),
        pytest.param({"kind": "budget", "spent": 0.8, "forecast": True}, "80 % of a budget is spent or", id="budget"),
    ],
)  # fmt: skip
def test_the_policy_is_told_in_words(alert: dict[str, Any], says: str) -> None:
    of = MONITOR["alert"] if alert.get("kind", "drift") == "drift" else {}
    assert says in words.fires(MONITOR | {"alert": of | alert})


def test_false_alarms_and_delay_are_told_with_their_intervals() -> None:
    said = words.calibrated(CALIBRATED, "share")
    assert "it raises 0.12 false alarms a month (95 % interval 0.08 to 0.16); 90 % of months have none." in said
    assert (
        "of 1.5 pp is found after 1 d 12 h (95 % interval 1 d to 2 d) in half of cases, in nine of ten within 3 d."
        in said
    )
    assert "By 400 draws of its own reference, adjusted over 4 drift monitors, alpha 0.01." in said
    assert words.calibrated(None, "share").endswith("are not worked out yet.")
    too_short = {**CALIBRATED, "why": "the reference has 2 days and 5 are needed."}
    assert words.calibrated(too_short, "share").endswith("cannot be told: the reference has 2 days and 5 are needed.")
    never = {**CALIBRATED, "delay": CALIBRATED["delay"] | {"median_days": None, "found": 0.2}}
    assert "is found within a month in 20 % of cases." in words.calibrated(never, "share")


def test_the_sentence_counts_states_and_false_alarms() -> None:
    blind = MONITOR | {"state": "insufficient data", "calibration": None}
    off = MONITOR | {"enabled": False, "state": "firing"}
    assert words.finding([MONITOR, blind, off]) == (
        "3 monitors: none is firing, 1 with too little data to say anything, 1 ok, 1 off. While nothing changes they "
        "raise 0.12 false alarms a month in all."
    )
    assert words.finding([MONITOR | {"state": "firing"}]).startswith("1 monitor: 1 firing.")


def test_monitors_are_listed_by_state_and_found_by_words() -> None:
    named = [
        MONITOR | {"name": name, "state": state, "enabled": state != "off"}
        for name, state in (("a", "ok"), ("b", "firing"), ("c", "insufficient data"), ("d", "off"), ("e", "new"))
    ]
    assert [one["name"] for one in monitors.matching(named, "all", "")] == ["b", "c", "e", "a", "d"]
    assert [one["name"] for one in monitors.matching(named, "off", "")] == ["d"]
    assert len(monitors.matching(named, "all", "SHOP")) == 5
    assert monitors.matching(named, "all", "refund") == []


def test_insufficient_data_is_never_green() -> None:
    assert words.TONES["insufficient data"] == "gray"
    assert {state for state, tone in words.TONES.items() if tone == "green"} == {"ok"}
    assert set(words.TONES) == set(words.STATES)


def test_a_course_marks_looks_that_count_and_keeps_gaps() -> None:
    gap = LOOK | {"value": None, "counts": None, "low": None, "high": None}
    course = monitors.course(MONITOR | {"recent": [gap, LOOK]})
    assert course is not None
    assert (course.points, course.marked) == ([None, 0.04], [1])
    assert course.said == "2 looks, newest 4 %, expected 2 %"
    assert monitors.course(MONITOR | {"recent": [gap]}) is None


# Between the form, links and the API.


@pytest.mark.parametrize(
    "link",
    ["1", "", "[1]", "{", '{"signal": 5, "where": [], "quantile": "x"}', '{"signal": "rm"}', "x" * 9_000],
)
def test_a_link_may_say_anything(link: str) -> None:
    assert monitor_terms.of_link(link) == {}


def test_a_link_takes_signal_and_slice_along() -> None:
    label, told = watch.calls("p95", "duration", {"service": "shop", "kind": "llm", "tag": None}, quantile=0.95)
    assert label == "p95"
    found = monitor_terms.of_link(monitor_terms.linked(told))
    assert found == {"signal": "duration", "quantile": 0.95, "where": {"service": "shop"}}
    Terms(**found)
    assert watch.calls("", "duration", {"kind": "embedding"})[1]["where"] == {"kind": "embedding"}


@pytest.mark.parametrize(
    ("told", "taken", "expected"),
    [
        ({"signal": "error_rate", "where": {"service": "shop"}}, (), "error-rate-shop"),
        ({"signal": "duration", "quantile": 0.95}, ("duration-p95",), "duration-p95-2"),
        ({"signal": "duration", "quantile": 0.5}, (), "duration"),
        ({"signal": "score", "score": "is it good?"}, (), "score-is-it-good"),
        ({"alert": {"kind": "no_data"}}, ("no-data", "no-data-2"), "no-data-3"),
        ({"signal": "error_rate", "alert": {"kind": "threshold"}}, (), "error-rate-limit"),
    ],
)
def test_a_name_is_suggested(told: dict[str, Any], taken: tuple[str, ...], expected: str) -> None:
    assert monitor_terms.suggested(told, taken) == expected
    assert monitor_terms.NAME.fullmatch(expected)
    assert re.fullmatch(NAME, expected)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            "body.alert.drift.min_effect: Input should be greater than 0, got -1.0. The fields are documented at "
            "/docs.",
            {"min_effect": "Input should be greater than 0, got -1.0."}, id="of-a-field",
        ),
        pytest.param(
            "body.every: String should match, got 'x'; body.window: String should match, got 'y'. The fields are "
            "documented at /docs.",
            {"every": "String should match, got 'x'", "window": "String should match, got 'y'."}, id="of-two",
        ),
        pytest.param(
            "body: Value error, every is a whole number of quarters of an hour, of at most 92 days, got {'a': 1}. The "
            "fields are documented at /docs.",
            {"every": "every is a whole number of quarters of an hour, of at most 92 days"}, id="of-all",
        ),
        pytest.param(
            "body: Value error, where: Query calls_totals has no parameter 'modle'., got {}. The fields are documented "
            "at /docs.",
            {"where": "Query calls_totals has no parameter 'modle'."}, id="of-the-slice",
        ),
        pytest.param("body.against.last: bad", {"against": "bad"}, id="of-the-reference"),
        pytest.param("A monitor needs something.", {"": "A monitor needs something."}, id="of-none"),
    ],
)  # fmt: skip
def test_what_the_api_refuses_is_told_at_its_field(message: str, expected: dict[str, str]) -> None:
    assert monitor_terms.refusals(message) == expected


def test_what_no_look_depends_on_asks_for_no_other_preview() -> None:
    told = monitor_terms.terms(MONITOR)
    assert monitor_terms.previewed(told) == monitor_terms.previewed(told | {"owner": "me", "description": "x"})


# Suggestions.


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (
            {"signal": "error_rate", "alert": {"side": "up"}, "against": {"last": "7d"}},
            "Error rate, all calls; a rise of the last day against the 7 days before",
        ),
        ({"alert": {"kind": "no_data"}, "window": "3h"}, "No calls arrive for 3 hours"),
    ],
)
def test_a_suggestion_says_what_it_would_watch(terms: dict[str, Any], expected: str) -> None:
    assert monitor_suggestions.what(terms) == expected


# Figures.


def test_the_figure_shades_reference_and_change_and_marks_what_counts() -> None:
    hours = [(NOON + timedelta(hours=at)).isoformat() for at in range(4)]
    told = {
        "points": [
            {"at": at, "value": value, "n": 10} for at, value in zip(hours, (0.02, None, 0.02, 0.05), strict=True)
        ],
        "looks": [LOOK | {"at": hours[3]}, LOOK | {"at": hours[2], "counts": False}],
        "reference": {"since": hours[0], "until": hours[1], "text": "x"},
        "change": {"at": hours[2], "low": hours[1], "high": hours[3], "before": 0.02, "after": 0.05},
        "markers": [{"at": hours[2], "what": "release", "name": "1.8", "after": "1.8", "text": "So."}],
    }
    drawn = monitor_figure.drawn(told, "share", {"kind": "drift"}, UTC)
    assert drawn.looks["at"].is_monotonic_increasing
    figure = charts_monitors.watched("Error rate", drawn, "n = 40", "light")
    assert len([shape for shape in figure.layout.shapes if shape.type == "rect"]) == 2
    (counted,) = (trace for trace in figure.data if trace.name == "looks that count")
    assert list(counted.y) == [4.0]
    assert "release 1.8" in {note.text for note in figure.layout.annotations}
    assert figure.layout.yaxis.ticksuffix == " %"


def _drawn(values: list[float], low: float, marks: Any = ()) -> charts_monitors.Drawn:
    at = [NOON + timedelta(hours=hour) for hour in range(len(values))]
    looks = [LOOK | {"at": one.isoformat(), "value": value, "low": low} for one, value in zip(at, values, strict=True)]
    return charts_monitors.Drawn(
        monitor_figure.points([], "tokens", UTC), monitor_figure.looks(looks, "tokens", UTC), marks=marks
    )


def test_changes_of_one_moment_share_a_word() -> None:
    at = pd.Timestamp(NOON).tz_localize(None) + pd.Timedelta(hours=1)
    drawn = _drawn([1.0] * 90, 0.5, [(at, "answer 2"), (at, "answer 3"), (at, "release 2")])
    figure = charts_monitors.watched("x", drawn, "", "dark")
    assert [note.text for note in figure.layout.annotations if note.textangle == -90] == ["answer 2 +2"]


def test_a_narrow_figure_has_its_legend_below() -> None:
    figure = charts_monitors.watched("x", _drawn([1.0] * 9, 0.5), "", "dark").update_layout(legend=charts.BELOW)
    assert (figure.layout.legend.yref, figure.layout.legend.xanchor) == ("paper", "left")


@pytest.mark.parametrize(("values", "below"), [([120.0, 80.0], False), ([120.0, -1.0], True)], ids=["counts", "signed"])
def test_an_axis_goes_below_nothing_only_where_values_do(values: list[float], below: bool) -> None:
    figure = charts_monitors.watched("x", _drawn(values, -40.0), "", "dark")
    assert (figure.layout.yaxis.range[0] < 0) == below


def test_hostile_names_stay_text_in_figures(hostile: str) -> None:
    points = monitor_figure.points([{"at": NOON.isoformat(), "value": 1.0, "n": 1}], "score", UTC)
    looks = monitor_figure.looks([], "score", UTC)
    drawn = charts_monitors.Drawn(points, looks, marks=[(points["at"].iloc[0], hostile)])
    assert "<img" not in str(charts_monitors.watched("x", drawn, "", "dark").to_json())
