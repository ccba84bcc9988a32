"""What the client asks of rankings."""

from __future__ import annotations

from collections.abc import Sequence

from server.client_base import ClientBase, Json, Param


class RankClient(ClientBase):
    """Which of several variants is best, by pairs, as a part of `server.client.Client`."""

    def rank_runs(self, runs: Sequence[str], **params: Param) -> Json:
        """Runs item by item; see `GET /api/rank/runs` for parameters and fields."""
        found: Json = self._json("/api/rank/runs", {"runs": ",".join(runs), **params})
        return found

    def rank(self, rows: bytes, **params: Param) -> Json:
        """Rows of judgements, as CSV, JSON lines, a JSON list or Parquet; see `POST /api/rank`."""
        found: Json = self._send("POST", "/api/rank", params, content=rows).json()
        return found
