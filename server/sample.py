"""The sample data into this server's own store, once: a second load must meet the first one's times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server import demo
from server.core import Core

PROJECT = "default"  # what a sender without a project header writes to
SETTLE_S = 30.0


def load(core: Core, otlp_http_url: str) -> demo.DemoReport:
    """Send the sample data to the endpoint of this server. Where it is stored already, everything shows as duplicate.

    Raises:
        DemoDataMissingError: there is no sample data beside the code.
        DemoRefusedError: the endpoint refused a request.
        StoreBusyError: what came before is not resolved yet.
    """
    return demo.load(otlp_http_url, newest=stored_newest(core))


def stored_newest(core: Core) -> datetime | None:
    """The `newest` of the load that is stored; null: there was none."""
    core.settle(SETTLE_S)
    answer = core.run("trace_summary", PROJECT, {"trace_id": str(demo.last_trace())})
    found = answer.table.select(["start_time", "duration_ns"]).to_pylist()
    return whole_second(found[0]["start_time"], found[0]["duration_ns"]) if found else None


def whole_second(start: datetime, duration_ns: int) -> datetime:
    """The end of the span, UTC. Loads end on whole seconds; the store holds starts cut to microseconds."""
    end = start.replace(tzinfo=UTC) + timedelta(microseconds=duration_ns / 1000)
    return (end + timedelta(milliseconds=500)).replace(microsecond=0)
