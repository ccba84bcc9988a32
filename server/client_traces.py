"""What the client asks of traces and their scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime

from server.client_base import Answer, ClientBase, Json, Param


class TracesClient(ClientBase):
    """Traces, their spans, totals and scores, as a part of `server.client.Client`."""

    def traces(self, **params: Param) -> Answer:
        """The query `traces`, with the columns `input_preview` and `output_preview`: one line each, '' for none."""
        return self._frame("/api/traces", params)

    def span(self, trace_id: str, span_id: str, since: datetime | None = None) -> Json:
        """All of one span; the fields stand at `GET /api/spans/{trace_id}/{span_id}`.

        `input`, `output` and `system` are canonical messages. `since`: start of the trace, which makes it faster.

        Raises:
            ApiError: `refused` with status 404 when there is no such span.
        """
        found: Json = self._json(f"/api/spans/{trace_id}/{span_id}", {"since": since})
        return found

    def case(self, trace_id: str, span_id: str | None = None) -> Json:
        """A trace, or one of its spans, as evaluators see it; see `GET /api/cases/{trace_id}`."""
        found: Json = self._json(f"/api/cases/{trace_id}", {"span_id": span_id})
        return found

    def totals(
        self, since: datetime | None = None, until: datetime | None = None, trace_id: str | None = None
    ) -> list[Json]:
        """One object per trace that starts in [since, until), oldest first, settled. See `GET /api/totals`."""
        return list(self.totals_lines(since, until, trace_id))

    def totals_lines(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        trace_id: str | None = None,
        unsettled: Callable[[str], None] = lambda _: None,
    ) -> Iterator[Json]:
        """`totals`, one by one. `unsettled` is told why, when a full disk keeps the newest spans out of them."""
        params: dict[str, Param] = {"since": since, "until": until, "trace_id": trace_id, "format": "jsonl"}
        with self._stream("/api/totals", params) as answer:
            if why := answer.headers.get("x-assay-unsettled"):
                unsettled(why)
            yield from (json.loads(line) for line in answer.iter_lines() if line)

    def add_scores(self, scores: list[Json]) -> Json:
        """Store scores; see `POST /api/scores` for the fields. Returns `accepted` and `commit_seq`."""
        found: Json = self._send("POST", "/api/scores", body={"scores": scores}).json()
        return found
