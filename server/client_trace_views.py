"""What the client asks of lists of traces that are kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json


class TraceViewsClient(ClientBase):
    """Saved views, as a part of `server.client.Client`."""

    def trace_views(self) -> list[Json]:
        """The project's views, by name; see `GET /api/trace-views` for the fields."""
        found: list[Json] = self._json("/api/trace-views")
        return found

    def set_trace_view(self, name: str, view: Mapping[str, Any]) -> Json:
        """Set a view; see `PUT /api/trace-views/{name}`. Raises ApiError, status 409: it was changed meanwhile."""
        found: Json = self._send("PUT", _view(name), {}, body=dict(view)).json()
        return found

    def delete_trace_view(self, name: str, upon: int) -> None:
        """Take a view of this version away. Raises ApiError, status 409: it has another one."""
        self._send("DELETE", _view(name), {"upon": upon})


def _view(name: str) -> str:
    return f"/api/trace-views/{quote(name, safe='')}"
