"""What the client asks of dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.client_base import ClientBase, Json

Charts = Sequence[Mapping[str, Any]]


class DashboardsClient(ClientBase):
    """Charts of questions in SQL, kept by project, as a part of `server.client.Client`."""

    def dashboards(self) -> list[Json]:
        """Those of the project by name; `charts` is how many each has."""
        found: list[Json] = self._json("/api/dashboards")
        return found

    def dashboard(self, dashboard_id: str) -> Json:
        """One with its charts in order. Raises ApiError, `refused`, when there is none."""
        found: Json = self._json(f"/api/dashboards/{dashboard_id}")
        return found

    def add_dashboard(self, name: str, charts: Charts = (), author: str | None = None) -> Json:
        """Make one.

        Raises:
            ApiError: `refused` when the name is taken, or a chart is no question.
        """
        body = {"name": name, "charts": [dict(chart) for chart in charts], "author": author}
        found: Json = self._send("POST", "/api/dashboards", {}, body=body).json()
        return found

    def change_dashboard(
        self, dashboard_id: str, version: int, name: str, charts: Charts, author: str | None = None
    ) -> Json:
        """Make one what is told, whole. `version`: that was seen.

        Raises:
            ApiError: `refused`, status 409, when it was changed meanwhile or the name is taken.
        """
        body = {"name": name, "charts": [dict(chart) for chart in charts], "version": version, "author": author}
        found: Json = self._send("PUT", f"/api/dashboards/{dashboard_id}", {}, body=body).json()
        return found

    def remove_dashboard(self, dashboard_id: str, version: int) -> None:
        """Take one away for good. Raises as `change_dashboard`."""
        self._send("DELETE", f"/api/dashboards/{dashboard_id}", {"version": version})
