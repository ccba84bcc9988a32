"""What the client asks to find traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from server.client_base import ARROW, Answer, ClientBase, Json, Param, answer_of

if TYPE_CHECKING:  # as in client_base
    import httpx


@dataclass(frozen=True, slots=True)
class Found:
    """One answer of a search."""

    answer: Answer
    looked_to: datetime  # UTC; all traces that started after it were looked at
    traces: int  # that this answer looked at; the next: spans of them
    spans: int
    cursor: str | None  # where to look on; null: nothing is left


@dataclass(frozen=True, slots=True)
class Counted:
    """Facets or a histogram."""

    answer: Answer
    looked_to: datetime | None  # all newer traces were counted; null: all of the window were


class FindingClient(ClientBase):
    """Search, facets, histogram and completion, as a part of `server.client.Client`."""

    def search_traces(self, cursor: str | None = None, **params: Param) -> Found:
        """Look on from `cursor` for a moment; see `GET /api/traces/search`. `params`: filters of traces, and `q`.

        Raises:
            ApiError: `refused`, with `place`, when the line follows no rule.
        """
        response = self._send("GET", "/api/traces/search", {**params, "from": cursor}, accept=ARROW)
        told = response.headers
        return Found(
            answer_of(response),
            datetime.fromisoformat(told["x-assay-looked-to"]),
            int(told["x-assay-looked-traces"]),
            int(told["x-assay-looked-spans"]),
            told.get("x-assay-cursor"),
        )

    def asked_of_traces(self, q: str) -> Json:
        """What a line means: `search` (it takes one), `fault`; see `GET /api/traces/asked`."""
        found: Json = self._json("/api/traces/asked", {"q": q})
        return found

    def complete_line(self, q: str, at: int, since: datetime, until: datetime) -> Json:
        """What may be typed on at character `at`: `start`, `end`, `offers`; see `GET /api/traces/complete`."""
        found: Json = self._json("/api/traces/complete", {"q": q, "at": at, "since": since, "until": until})
        return found

    @contextmanager
    def download_traces(self, form: str, **params: Param) -> Iterator[Iterator[bytes]]:
        """The file of `GET /api/traces/download`, piece by piece; `form`: csv, jsonl, parquet or otlp."""
        with self._stream("/api/traces/download", {**params, "format": form}) as answer:
            yield answer.iter_bytes()

    def trace_facets(self, **params: Param) -> Counted:
        """How many traces have which values; see the query `trace_facets`."""
        return _counted(self._send("GET", "/api/traces/facets", params, accept=ARROW))

    def trace_histogram(self, **params: Param) -> Counted:
        """Traces, failed ones and durations over time; see the query `trace_histogram`."""
        return _counted(self._send("GET", "/api/traces/histogram", params, accept=ARROW))


def _counted(response: httpx.Response) -> Counted:
    to = response.headers.get("x-assay-looked-to")
    return Counted(answer_of(response), datetime.fromisoformat(to) if to else None)
