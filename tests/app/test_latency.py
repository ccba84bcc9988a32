"""The Latency page: its words, numbers and states."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_latency, latency
from app import format as fmt

Open = Callable[..., AppTest]
Listed = Callable[[AppTest], list[dict[str, str]]]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}


@pytest.fixture(scope="module")
def timed(serve: Callable[[str], Any], telling: Any) -> Any:
    """200 calls of the last hours: of `fast` 10 to 109 ms, of `slow` 1,010 to 1,109 ms by release 2, ten of them
    failed; 100 calls of `fast` a day before, half as long, by release 1; one embedding.
    """
    served, now, bodies = serve("latency"), time.time_ns(), []
    for number in range(100):
        for ago_h, model, lasts, release in ((25, "fast", 5, "1"), (2, "fast", 10, "1"), (1, "slow", 1010, "2")):
            at = now - ago_h * 3600 * 10**9 - number * 10**9
            lasts_ms = lasts + number if ago_h < 24 else lasts + number / 2
            trace = telling(bytes([ago_h, number]) * 8, at, resource={"service.version": release})
            trace.span(1, "answer", 0, lasts_ms + 10, session__id="s1", user__id=f"u{number % 3}")
            failed = "rate limit reached" if model == "slow" and number < 10 else None
            usage = {"gen_ai__usage__input_tokens": 10, "gen_ai__usage__output_tokens": 11}
            first = {"gen_ai__response__time_to_first_chunk": "0.004"} if model == "fast" else {}
            trace.span(2, "chat", 5, lasts_ms, 1, failed, gen_ai__request__model=model, **CALL, **usage, **first)
            bodies.append(trace.body())
    trace = telling(bytes([200]) * 16, now - 60 * 10**9).span(1, "search", 0, 50)
    call = {"gen_ai__operation__name": "embeddings", "gen_ai__request__model": "small"}
    served.send(b"".join([*bodies, trace.span(2, "embed", 5, 40, 1, **call).body()]))
    served.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def tiles(page: AppTest) -> dict[str, tuple[str, str]]:
    return {tile.label: (tile.value, tile.delta.replace("\\", "")) for tile in page.metric}


def test_the_sentence_and_the_tiles(page: Open, timed: Any) -> None:
    shown = page(timed.note.api_url, "latency", range="24h")
    assert not shown.exception
    assert "p95 of model calls is 1.1 s (95 % interval 1.09 to 1.11 s, n = 190) in the last 24 hours, " in words(shown)
    assert "more than in the 24 hours before; 5 % of 200 calls failed (95 % interval 2.7 to 9 %)." in words(shown)
    told = tiles(shown)
    assert len(told) == 5
    assert told["Error rate"] == ("5 %", "2.7 to 9 %, n = 200")
    assert told["p95 of calls"] == ("1.1 s", "1.09 to 1.11 s, n = 190")
    assert told["p95 to first token"] == ("4 ms", "4 to 4 ms, n = 100")
    assert told["Median of calls"][0] == "104 ms"
    assert told["Median tokens per second"][1].endswith("n = 190")


def test_the_table_has_a_row_per_model_that_leads_to_its_traces(page: Open, timed: Any, listed: Listed) -> None:
    told = {row["Model"]: row for row in listed(page(timed.note.api_url, "latency", range="24h"))}
    assert set(told) == {"fast", "slow"}
    assert told["slow"]["Calls"] == "100"
    assert told["slow"]["Failed"] == "10 % (5.5 to 17 %)"
    assert told["slow"]["First token, p95"] == "unknown"
    assert told["fast"]["First token, p95"] == "4 ms, 4 ms"
    assert told["fast"]["Median"].startswith("59.5 ms (")
    link = urlsplit(told["slow"]["href"])
    assert link.path == "traces"
    assert parse_qs(link.query) == {"model": ["slow"], "sort": ["slowest"]}


def test_a_row_that_traces_cannot_tell_narrows_the_page(page: Open, timed: Any, listed: Listed) -> None:
    told = {row["Release"]: row for row in listed(page(timed.note.api_url, "latency", range="24h", by="release"))}
    assert parse_qs(urlsplit(told["2"]["href"]).query) == {"release": ["2"], "by": ["model"]}


def test_a_filter_narrows_every_figure(page: Open, timed: Any, listed: Listed) -> None:
    shown = page(timed.note.api_url, "latency", range="24h", model="fast")
    assert "p95 of model calls that match the filters is 104 ms" in words(shown)
    assert "none of 100 calls failed" in words(shown)
    assert [row["Model"] for row in listed(shown)] == ["fast"]


def test_what_changed_is_told_with_intervals(page: Open, timed: Any) -> None:
    shown = page(timed.note.api_url, "latency", range="24h", model="fast")
    told = shown.dataframe[0].value.set_index("Measure")
    assert told.loc["Duration, median", ""] == "↑ slower"
    assert told.loc["Duration, median", "Change"].startswith("+29.8 ms (+")
    assert told.loc["Duration, median", "n"] == "100 → 100"
    assert told.loc["Tokens/s, median", ""] == "↓ slower"
    assert told.loc["First token, p95", ""] == "not clear"
    assert told.loc["Error rate", "Change"] == "0 % (\u22123.7 to +3.7 %)"


def test_embeddings_are_a_choice_of_their_own(page: Open, timed: Any) -> None:
    shown = page(timed.note.api_url, "latency", range="24h", kind="embedding")
    assert not shown.exception
    assert "p95 of embedding calls is 40 ms (no interval, n = 1) in the last 24 hours; it did not fail." in words(shown)
    assert tiles(shown)["p95 to first token"] == ("unknown", "told by no call")


def test_the_sample_of_traces_says_what_it_is(page: Open, timed: Any) -> None:
    shown = page(timed.note.api_url, "latency", range="24h")
    assert "The traces are those with such a call." in words(shown)
    figure = next(
        json.loads(part.proto.spec) for part in shown.get("plotly_chart") if "Where the time" in part.proto.spec
    )
    assert "n = 200 traces" in figure["layout"]["title"]["subtitle"]["text"]


def test_only_failed_calls_have_no_duration(page: Open, few: Any, listed: Listed) -> None:
    since, until = ((datetime.now(UTC) - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M") for ago in (4, 2))
    shown = page(few.note.api_url, "latency", **{"range": "custom", "from": since, "to": until})
    assert not shown.exception
    assert "No duration is known of model calls in the chosen time; the one call failed." in words(shown)
    assert listed(shown)[0]["Median"] == "unknown"


def test_one_call_is_shown_as_such(page: Open, few: Any) -> None:
    shown = page(few.note.api_url, "latency", range="1h")
    assert not shown.exception
    assert "p95 of model calls is 800 ms (no interval, n = 1) in the last hour; it did not fail." in words(shown)


def test_an_empty_store_says_what_to_do(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "latency")
    assert not shown.exception
    assert "How long calls take would be here." in words(shown)
    assert "Nothing has arrived yet." in words(shown)


def test_a_window_without_calls_names_the_newest_trace(page: Open, timed: Any) -> None:
    shown = page(timed.note.api_url, "latency", range="24h", model="nothing")
    assert "No model call in the last 24 hours matches the filters. The newest trace started" in words(shown)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (14.8e9, 17.2e9, "14.8 to 17.2 s"), (0.9e9, 1.1e9, "900 ms to 1.1 s"), (14.8e9, None, "from 14.8 s"),
        (None, 2e9, "up to 2 s"), (None, None, "no interval"), (61e9, 125e9, "1 min 1 s to 2 min 5 s"),
    ],
)  # fmt: skip
def test_intervals_in_words(low: float | None, high: float | None, text: str) -> None:
    assert latency.interval(low, high, fmt.duration) == text


def series(*known: tuple[float | None, float | None]) -> pd.DataFrame:
    """Buckets of an hour with these bounds of the median, in seconds."""
    frame = pd.DataFrame(known, columns=["p50_low", "p50_high"]).astype(float) * 1e9
    at = pd.date_range("2026-03-01", periods=len(frame), freq="h", name="bucket")
    half = {"p50": 2e9, "p95": 9e9, "p95_low": 8e9, "p95_high": float("nan"), "n": 40}
    return frame.assign(bucket=at, **half)


def drawn(frame: pd.DataFrame, *marks: tuple[pd.Timestamp, str]) -> Any:
    return charts_latency.quantiles(frame, marks, pd.Timedelta(hours=1), "n = 1", "light")


def test_bands_stand_where_both_bounds_are_known() -> None:
    bands = [line for line in drawn(series((1, 3), (None, 3), (1, 4))).data if line.name == "95 % interval"]
    assert [len(band.x) for band in bands] == [0, 6]


def test_marks_are_named_as_text() -> None:
    figure = drawn(series((1, 3)), (pd.Timestamp("2026-03-01 00:10"), "release <b>2</b>"))
    assert [note.text for note in figure.layout.annotations if note.textangle] == ["release &lt;b>2&lt;/b>"]
    assert len(figure.layout.shapes) == 1


def test_figures_of_nothing_known_can_be_drawn() -> None:
    nothing = series((None, None)).assign(p50=float("nan"), p95=float("nan"), p95_low=float("nan"), n=0)
    assert drawn(nothing).layout.yaxis.type != "log"


def test_the_heat_map_has_every_call() -> None:
    cells = pd.DataFrame(
        {"bucket": pd.to_datetime(["2026-03-01 00:00", "2026-03-01 01:00"]), "bin": [70, 73], "calls": [5, 7]}
    )
    edges = cells["bucket"].iloc[0], cells["bucket"].iloc[1] + pd.Timedelta(hours=1)
    (grid,) = charts_latency.heat(cells, pd.Timedelta(hours=1), edges, "n = 12", "light").data
    said = [text for row in grid.text for text in row if text]
    assert said == [
        "5 calls of 562 ms to 750 ms<br>2026-03-01 00:00 to 01:00",
        "7 calls of 1.33 s to 1.78 s<br>2026-03-01 01:00 to 02:00"
    ]  # fmt: skip
    assert (len(grid.x), len(grid.y)) == (4, 6)
