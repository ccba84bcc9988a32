"""What the client asks of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.client_base import ClientBase, Json

LONG_S = 600.0


class ExperimentsClient(ClientBase):
    """Experiments, as a part of `server.client.Client`."""

    def order_experiment(self, told: Mapping[str, Any]) -> Json:
        """Have the arms of a suite run by a worker; see `POST /api/experiments` for the order and the answer.

        Raises:
            ApiError: `refused` when it cannot be varied so, or may not be run here; says why.
        """
        found: Json = self._send("POST", "/api/experiments", {}, body=dict(told), timeout_s=LONG_S).json()
        return found

    def experiments(self, **params: Any) -> list[Json]:
        """Experiments, the newest first; see `GET /api/experiments` for parameters and fields."""
        found: list[Json] = self._json("/api/experiments", params)
        return found

    def experiment(self, experiment_id: str) -> Json:
        """One experiment with its arms. Raises ApiError, `refused`, when there is none of this id."""
        found: Json = self._json(f"/api/experiments/{experiment_id}")
        return found

    def rerun_experiment(self, experiment_id: str, author: str | None = None) -> Json:
        """Run all of its arms again as a new experiment. Answers, and raises, as `order_experiment`."""
        path = f"/api/experiments/{experiment_id}/again"
        found: Json = self._send("POST", path, {}, body={"author": author}, timeout_s=LONG_S).json()
        return found

    def push_run(self, lines: bytes) -> Json:
        """Keep a run of another harness; see `POST /api/experiments/pushed` for the lines and the answer.

        Raises:
            ApiError: `refused`, naming the lines that are none.
        """
        found: Json = self._send("POST", "/api/experiments/pushed", {}, content=lines, timeout_s=LONG_S).json()
        return found

    def cancel_experiment(self, experiment_id: str) -> Json:
        """End those of its runs that are not over; what was answered is kept."""
        found: Json = self._send("POST", f"/api/experiments/{experiment_id}/cancel", {}).json()
        return found

    def forget_experiment(self, experiment_id: str) -> None:
        """Forget an experiment with its runs and their rows."""
        self._send("DELETE", f"/api/experiments/{experiment_id}", {}, timeout_s=LONG_S)
