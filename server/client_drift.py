"""What the client asks of drift between two groups of calls, and of what happened on the axis of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.client_base import ClientBase, Json, Param, text


class DriftClient(ClientBase):
    """Drift between two groups, and markers, as a part of `server.client.Client`."""

    def drift(self, asked: Mapping[str, Any]) -> Json:
        """Every signal of two groups, those that moved first; see `POST /api/drift`. Times may be datetimes."""
        found: Json = self._send("POST", "/api/drift", body=_plain(asked)).json()
        return found

    def markers(self, since: datetime, until: datetime, **filters: Param) -> list[Json]:
        """What happened in a window, by time; see `GET /api/markers`, of which these are the first 500."""
        found: list[Json] = self._json("/api/markers", {"since": since, "until": until, **filters})["markers"]
        return found


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return text(value) if isinstance(value, datetime) else value
