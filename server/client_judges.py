"""What the client asks of judges against people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json, Param


class JudgesClient(ClientBase):
    """Judges against people, as a part of `server.client.Client`."""

    def judges(self, wait_s: float | None = None) -> Json:
        """A line for each ruler, those with labels first; see `GET /api/judges`."""
        found: Json = self._json("/api/judges", {"wait_s": wait_s})
        return found

    def trust(self, wait_s: float | None = None) -> dict[str, Json]:
        """By name of scores what a badge beside them says; see `GET /api/trust`."""
        found: dict[str, Json] = self._json("/api/trust", {"wait_s": wait_s})
        return found

    def judge(self, score: str, **params: Param) -> Json:
        """The calibration card of a ruler; see `GET /api/judges/{score}`.

        Raises:
            ApiError: `refused` when there is no such judge, or nobody labelled what it scored; says which.
        """
        found: Json = self._json(_judge(score), params)
        return found

    def plan_labels(self, score: str, **told: Any) -> Json:
        """How many more labels, and of which items; see `POST /api/judges/{score}/planner`."""
        return self._judge_work(score, "planner", told)

    def recheck_judge(self, score: str, **told: Any) -> Json:
        """Have what people labelled scored again; see `POST /api/judges/{score}/recheck`."""
        return self._judge_work(score, "recheck", told)

    def write_judge(self, score: str, **told: Any) -> Json:
        """Write what labels teach back; see `POST /api/judges/{score}/version`. Without `dry_run=False` nothing is."""
        return self._judge_work(score, "version", told)

    def _judge_work(self, score: str, what: str, told: dict[str, Any]) -> Json:
        found: Json = self._send("POST", f"{_judge(score)}/{what}", {}, body=told, timeout_s=120).json()
        return found


def _judge(score: str) -> str:
    return f"/api/judges/{quote(score, safe='')}"
