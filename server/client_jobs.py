"""What the client asks of orders to score, and what their workers ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.client_base import ClientBase, Json


class JobsClient(ClientBase):
    """Orders to score, as a part of `server.client.Client`."""

    def add_job(self, order: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Have stored traces scored; see `POST /api/jobs`. `dry_run`: only how many that would be.

        Raises:
            ApiError: `refused` when there is no such evaluator, option, filter.
        """
        body = {**order, "dry_run": dry_run}
        found: Json = self._send("POST", "/api/jobs", {}, body=body, timeout_s=600).json()
        return found

    def jobs(self) -> list[Json]:
        """The newest 100 jobs of the project; see `GET /api/jobs/{id}` for the fields."""
        found: list[Json] = self._json("/api/jobs")
        return found

    def job(self, job_id: str) -> Json:
        """One job. Raises ApiError, `refused`, when there is none of this id."""
        found: Json = self._json(f"/api/jobs/{job_id}")
        return found

    def cancel_job(self, job_id: str) -> Json:
        """End a job; what was scored stays."""
        found: Json = self._send("POST", f"/api/jobs/{job_id}/cancel", {}).json()
        return found

    def retry_job(self, job_id: str, budget_usd: float | None = None, *, unbounded: bool = False) -> Json:
        """Go on with what is not done of an ended job. `budget_usd`: in all; null: as it was, or `unbounded` none."""
        body = {"budget_usd": budget_usd, "unbounded": unbounded}
        found: Json = self._send("POST", f"/api/jobs/{job_id}/retry", {}, body=body).json()
        return found

    def take_work(self, wait_s: float) -> Json | None:
        """For workers: the next targets to score; see `POST /api/worker/take`. Null: nothing came within `wait_s`."""
        answer = self._send("POST", "/api/worker/take", {}, body={"wait_s": wait_s}, timeout_s=wait_s + 60)
        found: Json | None = answer.json()
        return found

    def keep_work(self, job_id: str, lease: str) -> bool:
        """For workers: keep what was taken; false: stop."""
        answer = self._send("POST", f"/api/worker/{job_id}/renew", {}, body={"lease": lease})
        return bool(answer.json()["kept"])

    def finish_work(self, job_id: str, told: Mapping[str, Any]) -> bool:
        """For workers: the verdicts on what was taken; see `POST /api/worker/{id}/finish`."""
        answer = self._send("POST", f"/api/worker/{job_id}/finish", {}, body=told, timeout_s=120)
        return bool(answer.json()["closed"])
