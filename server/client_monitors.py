"""What the client asks of monitors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json, text

WAIT_S = 120.0


class MonitorsClient(ClientBase):
    """Monitors, as a part of `server.client.Client`."""

    def monitors(self) -> list[Json]:
        """The project's monitors, by name; see `GET /api/monitors/{name}` for the fields."""
        found: list[Json] = self._json("/api/monitors")
        return found

    def monitor(self, name: str) -> Json:
        """One monitor. Raises ApiError, `refused`, when there is none of this name."""
        found: Json = self._json(_monitor(name))
        return found

    def set_monitor(
        self, name: str, terms: Mapping[str, Any], author: str | None = None, upon: int | None = None
    ) -> Json:
        """Set a monitor; see `PUT /api/monitors/{name}`. Answers as `monitor`.

        Raises:
            ApiError: `refused` when a signal, a filter or a policy does not do, or it was set meanwhile; says which.
        """
        body = {**terms, "author": author, "upon": upon}
        found: Json = self._send("PUT", _monitor(name), {}, body=body).json()
        return found

    def delete_monitor(self, name: str, author: str | None = None) -> None:
        """Take a monitor away; its alerts stay."""
        self._send("DELETE", _monitor(name), {"author": author, "confirm": name})

    def look_now(self, name: str) -> Json:
        """Have a monitor look now. Answers as `monitor`."""
        found: Json = self._send("POST", f"{_monitor(name)}/look", {}, body={}, timeout_s=WAIT_S).json()
        return found

    def monitor_series(self, name: str, since: datetime | None = None, until: datetime | None = None) -> Json:
        """What its page draws; see `GET /api/monitors/{name}/series`."""
        window = {"since": since and text(since), "until": until and text(until)}
        found: Json = self._json(f"{_monitor(name)}/series", window)
        return found

    def preview_monitor(self, terms: Mapping[str, Any], name: str | None = None) -> Json:
        """How a monitor would have looked; see `POST /api/monitors/preview`. `name`: of the one that it replaces."""
        of = {} if name is None else {"name": name}
        found: Json = self._send("POST", "/api/monitors/preview", of, body=dict(terms), timeout_s=WAIT_S).json()
        return found


def _monitor(name: str) -> str:
    return f"/api/monitors/{quote(name, safe='')}"
