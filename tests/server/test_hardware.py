"""Hardware by the hour over the API: a price of the project's own, calls that it prices, what it assumes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

CALL = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "llama", "gen_ai__provider__name": "vllm",
        "gen_ai__usage__input_tokens": 10, "gen_ai__usage__output_tokens": 500}  # fmt: skip
PRICES = """prices:
- model: llama
  note: rack 4
  gpu: {usd_per_hour: 3600, count: 2, utilisation: 0.5, hardware: H100, quantisation: fp8}
- {model: other, usd_per_million: {input: 1, output: 1}}
"""


@pytest.fixture
def window() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}


def test_calls_by_the_hour_are_told_with_their_entry(
    start: Callable[..., Any], otlp: Callable[..., bytes], window: dict[str, datetime]
) -> None:
    serving = start()
    with serving.client() as client:
        assert client.hardware(**window).frame.empty
        client.set_prices(PRICES)
        now = time.time_ns()
        for number in range(1, 5):
            serving.post(otlp(number, start_ns=now - number * 10**10, **CALL)).raise_for_status()
        client.settle()
        client.set_prices(PRICES.replace("fp8", "int8"))  # the same price, another note
        (row,) = client.hardware(**window).frame.to_dict("records")
    assert (row["model"], row["entry"], row["hardware"], row["quantisation"]) == ("llama", "llama", "H100", "int8")
    assert (row["note"], row["gpus"], row["usd_per_hour"], row["assumed_utilisation"]) == ("rack 4", 2, 3600, 0.5)
    assert (row["calls"], row["output_tokens"], row["n"]) == (4, 2000, 4)
    second = 3600 * 2 / (3600 * 0.5)  # dollars for a second of one call, each of 1 ms
    assert row["per_call"] == pytest.approx(0.001 * second)
    assert row["per_1k_output"] == pytest.approx(2 * 0.001 * second)
    assert row["p50"] == 10**6
    assert row["busy_ns"] == 4 * 10**6
    assert row["utilisation"] == pytest.approx(row["busy_ns"] / row["wall_ns"])
    assert row["wall_ns"] == pytest.approx(30e9, abs=0.01e9)  # from the start of the first to the end of the last
