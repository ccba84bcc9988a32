"""What the client asks of alerts and deliveries."""

from __future__ import annotations

from typing import Any

from server.client_base import ClientBase, Json


class AlertsClient(ClientBase):
    """Alerts and what channels were told of them, as a part of `server.client.Client`."""

    def alerts(
        self, state: str = "open", *, monitor: str | None = None, owner: str | None = None, limit: int = 100,
        before: int | None = None,
    ) -> Json:  # fmt: skip
        """Alerts, the newest first, and groups of one cause; see `GET /api/alerts`."""
        params = {"state": state, "monitor": monitor, "owner": owner, "limit": limit, "before": before}
        found: Json = self._json("/api/alerts", params)
        return found

    def alert(self, number: int) -> Json:
        """One alert with its document, events and deliveries; see `GET /api/alerts/{number}`.

        Raises:
            ApiError: `refused` when there is none of this number.
        """
        found: Json = self._json(f"/api/alerts/{number:d}")
        return found

    def acknowledge_alert(self, number: int, author: str, text: str | None = None) -> Json:
        """Somebody sees to it. This and the following answer as `alert`, and raise `refused` where that cannot be."""
        return self._act(number, "acknowledge", author, text)

    def snooze_alert(self, number: int, author: str, lasts: str, text: str | None = None) -> Json:
        """Nothing is told of it for so long: 30m, 4h, 2d."""
        return self._act(number, "snooze", author, text, **{"for": lasts})

    def unsnooze_alert(self, number: int, author: str, text: str | None = None) -> Json:
        """It is told of again."""
        return self._act(number, "unsnooze", author, text)

    def own_alert(self, number: int, author: str, owner: str | None, text: str | None = None) -> Json:
        """It is theirs from now on; null: nobody's."""
        return self._act(number, "own", author, text, owner=owner)

    def resolve_alert(self, number: int, author: str, text: str | None = None) -> Json:
        """Close it."""
        return self._act(number, "resolve", author, text)

    def reopen_alert(self, number: int, author: str, text: str | None = None) -> Json:
        """Have a resolved one fire again."""
        return self._act(number, "reopen", author, text)

    def note_alert(self, number: int, author: str, text: str) -> Json:
        """Set its post-mortem note, in Markdown; empty: none."""
        return self._act(number, "note", author, text)

    def _act(self, number: int, deed: str, author: str, text: str | None, **more: Any) -> Json:
        body = {"author": author, "text": text, **more}
        found: Json = self._send("POST", f"/api/alerts/{number:d}/{deed}", {}, body=body).json()
        return found

    def deliveries(self, state: str | None = None, channel: str | None = None, limit: int = 200) -> list[Json]:
        """The delivery log, the newest first; see `GET /api/deliveries`."""
        found: list[Json] = self._json("/api/deliveries", {"state": state, "channel": channel, "limit": limit})
        return found

    def retry_delivery(self, delivery_id: str) -> Json:
        """Have one that failed, or waits, tried now. Raises ApiError, `refused`, for any other."""
        found: Json = self._send("POST", f"/api/deliveries/{delivery_id}/retry", {}).json()
        return found
