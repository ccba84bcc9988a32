"""Monitors of the sample data: LLMDrift's June answers against its March ones, which tell the change of the models.

The reference is the week of March, so that each monitor looks back over the week of June when it is set: what moved has
fired by then, with its time, and what did not is ok.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from server.client import Client
from server.demo import llmdrift

SERVICE = "llmdrift"
MONITORS: Mapping[str, Mapping[str, Any]] = {
    "answer-length": {
        "description": "Sample data: GPT-4 answers much shorter since June 2023.",
        "signal": "output_tokens",
    },
    "sensitive-answered": {
        "description": "Sample data: how many of the sensitive questions are answered at all, by all models.",
        "signal": "score",
        "score": "answered",
        "alert": {"kind": "drift", "least": 20},  # 28 of these questions come in a day
    },
    "question-length": {
        "description": "Sample data: the same questions were asked in March and in June.",
        "signal": "input_length",
    },
    "traffic": {
        "description": "Sample data: calls are placed evenly over both weeks.",
        "signal": "volume",
        "severity": "info",
    },
}
"""By name: all but the slice and the reference, which is the same of all."""


def load(client: Client, folder: Path) -> bool:
    """Set the monitors whose name is free, once the traces are there; whether they are. `folder`: of LLMDrift.

    Raises:
        ApiError: the server did not take them.
    """
    last = UUID(bytes=llmdrift.last_trace(folder))
    found = client.query("trace_summary", trace_id=str(last)).frame
    if found.empty:
        return False
    newest = found["start_time"][0].to_pydatetime()
    there = {one["name"] for one in client.monitors()}
    for name, terms in MONITORS.items():
        if name not in there:
            client.set_monitor(name, {**terms, **_against(newest)})
    return True


def _against(newest: datetime) -> dict[str, Any]:
    """Each day of June against the days of March, which end a week before the newest answer."""
    until = (newest - timedelta(microseconds=llmdrift.WEEK // 1_000)).replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(days=7)
    return {
        "where": {"service": SERVICE}, "window": "1d", "every": "1h",
        "against": {"since": since.isoformat(), "until": until.isoformat()},
    }  # fmt: skip
