"""Hardware by the hour on the Cost page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_hardware, hardware

Open = Callable[..., AppTest]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "llama", "gen_ai__provider__name": "vllm",
        "gen_ai__usage__input_tokens": 10, "gen_ai__usage__output_tokens": 500}  # fmt: skip


def words(page: AppTest) -> str:
    return "\n".join(str(part.value) for part in (*page.markdown, *page.caption, *page.subheader)).replace("\\", "")


@pytest.fixture(scope="module")
def hosted(serve: Callable[[str], Any], telling: Any) -> Any:
    served, now = serve("hosted"), time.time_ns()
    with served.client() as client:
        client.set_prices(
            "prices: [{model: llama, gpu: {usd_per_hour: 3.6, count: 2, hardware: 'H100 *x*', quantisation: fp8}}]"
        )
    for number in (1, 2):
        trace = telling(bytes([number]) * 16, now - number * 10**10).span(1, "answer", 0, 900)
        served.send(trace.span(2, "chat", 0, 500, parent=1, **CALL).body())
    served.settle()
    return served


def test_hardware_by_the_hour_is_compared(page: Open, hosted: Any) -> None:
    shown = page(hosted.note.api_url, "cost", range="1h")
    assert not shown.exception
    said = words(shown)
    assert "Hardware by the hour" in said
    assert "2 calls were priced by the hour. **llama on 2 x H100 *x*, fp8**: $0.002 (95 %:" in said
    assert r"\*x\*" in next(part.value for part in shown.markdown if "by the hour" in part.value)
    (told,) = [part.value for part in shown.dataframe if "at_once" in part.value]
    assert told["calls"].tolist() == [2]


def test_nothing_is_said_where_no_price_is_by_the_hour(page: Open, empty_url: str) -> None:
    assert "Hardware" not in words(page(empty_url, "cost"))


ROW = {"model": "a", "hardware": "H100", "quantisation": None, "gpus": 1.0, "calls": 5, "per_1k_output": 0.2,
       "per_1k_output_low": 0.1, "per_1k_output_high": 0.3, "utilisation": 0.9, "assumed_utilisation": 0.6}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param(
            {}, "5 calls were priced by the hour. **a on H100**: $0.2 (95 %: $0.1 to 0.3) for 1,000", id="one"
        ),
        pytest.param({"utilisation": 0.05}, "busy 5 % of the time, and its price assumes 60 %", id="idle"),
        pytest.param({"per_1k_output": None}, "none told its output tokens", id="untold"),
    ],
)
def test_the_finding(more: dict[str, Any], says: str) -> None:
    assert says in hardware.finding([ROW | more]).replace("\\", "")


def test_a_line_reaches_from_median_to_p95() -> None:
    rows = pd.DataFrame([
        {"name": "a", "p50": 1e9, "p95": 3e9, "value": 0.2, "low": 0.1, "high": 0.4, "told": "a"},
        {"name": "b", "p50": 2e9, "p95": 5e9, "value": 0.3, "low": None, "high": None, "told": "b"},
    ])  # fmt: skip
    figure = charts_hardware.hardware(rows, "Cost per call", "light")
    assert [list(trace.x) for trace in figure.data] == [[1, 3], [2, 5]]
    assert [note.text for note in figure.layout.annotations] == ["a", "b"]
    assert figure.data[0].error_y.array[0] == pytest.approx(0.2)
    assert figure.data[1].error_y.array is None
