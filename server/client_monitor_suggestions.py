"""What the client asks of monitors that would suit a project."""

from __future__ import annotations

from server.client_base import ClientBase, Json


class MonitorSuggestionsClient(ClientBase):
    """Suggested monitors, as a part of `server.client.Client`."""

    def suggested_monitors(self) -> list[Json]:
        """Monitors that would suit the project, the most useful first: `name`, `terms`, `why`; at most 8."""
        found: list[Json] = self._json("/api/monitors/suggestions")
        return found
