"""What the figures draw, mark by mark."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from app import charts, charts_compare, charts_home

STEP = pd.Timedelta(minutes=30)


def timed(calls: list[int], p50: list[float | None], p95: list[float | None]) -> pd.DataFrame:
    """One bucket of half an hour after the other, quantiles in seconds."""
    buckets = pd.date_range("2026-05-01", periods=len(calls), freq=STEP)
    quantiles = {
        name: pd.Series([None if value is None else value * 1e9 for value in values], dtype="double[pyarrow]")
        for name, values in (("p50_ns", p50), ("p95_ns", p95))
    }
    return pd.DataFrame({"bucket": buckets, "calls": calls, **quantiles})


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def polygons(figure: Any) -> list[list[float]]:
    """Heights of each filled polygon."""
    parts: list[list[float]] = [[]]
    for y in traces(figure)["median to p95"].y:
        if y is None or y != y:  # noqa: PLR0124 - NaN
            parts.append([])
        else:
            parts[-1].append(float(y))
    return [part for part in parts if part]


def test_the_band_is_filled_run_by_run() -> None:
    series = timed([9, 9, 0, 9, 0, 9, 9, 9], [1, 2, None, 3, None, 1, 1, 1], [4, 5, None, 6, None, 2, 3, 4])
    figure = charts_home.latency(series, STEP, "", "light")
    assert polygons(figure) == [[4, 5, 2, 1], [2, 3, 4, 1, 1, 1]]
    assert traces(figure)["median to p95"].fill == "toself"
    assert traces(figure)["p95"].mode == "lines+markers"


def test_few_calls_are_points_without_line_or_area() -> None:
    series = timed([1, 0, 2, 1, 500], [1, None, 2, 3, 1], [1, None, 5, 6, 9])
    figure = traces(charts_home.latency(series, STEP, "", "light"))
    assert {figure[name].mode for name in ("median", "p95")} == {"markers"}
    assert not any(trace.fill for trace in figure.values())


def test_a_bucket_of_one_call_shows_both_its_marks() -> None:
    figure = traces(charts_home.latency(timed([1], [1], [1]), STEP, "", "light"))
    assert figure["p95"].marker.size > figure["median"].marker.size
    assert figure["p95"].marker.symbol == "circle-open"


@pytest.mark.parametrize(("p95", "distance"), [(1.0, 14), (1.05, 14), (4.0, 90)])
def test_labels_of_lines_that_meet_stand_apart(p95: float, distance: float) -> None:
    labels = charts_home.latency(timed([9], [1], [p95]), STEP, "", "light").layout.annotations
    upper, lower = (label.y / p95 * 120 + label.yshift for label in labels)
    assert upper - lower == pytest.approx(distance)


def test_labels_of_lines_that_end_at_the_bottom_stay_above_the_axis() -> None:
    figure = charts_home.latency(timed([9, 9], [1, 0.001], [9, 0.002]), STEP, "", "light")
    assert min(label.y / 9 * 120 + label.yshift for label in figure.layout.annotations) >= 7


def test_figures_side_by_side_have_one_axis_of_whole_buckets() -> None:
    series = timed([9, 0, 9], [1, None, 2], [2, None, 3])
    counts = series.assign(model_calls_ok=[9, 0, 9], model_calls_failed=0)
    figures = charts_home.calls(counts, STEP, "", "dark"), charts_home.latency(series, STEP, "", "dark")
    first, last = series["bucket"].iloc[0], series["bucket"].iloc[-1]
    assert {tuple(figure.layout.xaxis.range) for figure in figures} == {(first, last + STEP)}


def test_marks_stand_over_their_bucket() -> None:
    bar = charts_home.calls(
        timed([9], [1], [2]).assign(model_calls_ok=9, model_calls_failed=0), STEP, "", "light"
    ).data[0]
    assert (bar.xperiod, bar.xperiodalignment) == (1_800_000, "middle")
    assert bar.xperiod0 == bar.x[0]


def test_buckets_are_filled_as_the_zone_cuts_them() -> None:
    told = pd.DataFrame({"bucket": pd.to_datetime(["2026-05-02T22:00Z"]), "traces": [4]})
    edges = pd.Timestamp("2026-05-01T12:00Z"), pd.Timestamp("2026-05-03T12:00Z")
    full = charts.filled(told, *edges, pd.Timedelta(days=1), pd.Timedelta(hours=2))
    assert list(full["bucket"].dt.strftime("%d %H:%M")) == ["30 22:00", "01 22:00", "02 22:00"]
    assert list(full["traces"]) == [0, 0, 4]


def test_hovers_tell_the_time_of_the_bucket() -> None:
    figure = traces(charts_home.latency(timed([9, 9], [1, 2], [2, 3]), STEP, "", "light"))
    assert [list(told) for told in figure["p95"].customdata] == [
        ["2 s", "2026-05-01 00:00 to 00:30"],
        ["3 s", "2026-05-01 00:30 to 01:00"],
    ]


def test_releases_that_look_like_dates_are_names_in_the_figure_of_levels() -> None:
    rows = pd.DataFrame({"variant": ["2025-01-01", "1.8"], "value": [0.5, 0.7], "low": None, "high": None})
    figure = charts_compare.levels(rows, "t", "s", "light", share=True)
    assert list(figure.data[0].y) == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["1.8", "2025-01-01"]


@pytest.mark.parametrize(
    ("names", "below"),
    [
        pytest.param(["a", "b"], False, id="short"),
        pytest.param(["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"], True, id="long"),
    ],
)
def test_a_legend_that_would_cover_its_heading_stands_below(names: list[str], *, below: bool) -> None:
    counts = {name: [1, 2] for name in names}
    figure = charts_compare.spread([0, 1, 2], counts, "Output of a call (tokens)", "s", "light")
    assert (figure.layout.legend.y < 0) == below
