"""What the client asks of prices and budgets."""

from __future__ import annotations

from datetime import datetime

from server.client_base import WHOLE_STORE_S, ClientBase, Json, text


class SpendingClient(ClientBase):
    """The project's own prices and budgets, as a part of `server.client.Client`."""

    def prices(self, version: int | None = None) -> Json:
        """The project's own prices: `version` (0: none), `document` (YAML), `entries`, `set_at`, `author`, ...

        Raises:
            ApiError: `refused` with status 404 when there is no such version.
        """
        found: Json = self._json("/api/prices", {"version": version})
        return found

    def set_prices(self, document: str, author: str | None = None) -> Json:
        """Set the project's own prices, a whole YAML document; stored calls keep their cost until `reprice`.

        Returns `version`, `entries` and `would_change`, which is what `reprice` would answer.

        Raises:
            ApiError: `refused` when the document breaks a rule; names the line, the key and the value.
        """
        body = {"document": document, "author": author}
        found: Json = self._send("PUT", "/api/prices", {}, body=body, timeout_s=WHOLE_STORE_S).json()
        return found

    def reprice(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        reason: str | None = None,
        author: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Price stored calls of traces that started in [since, until) anew; see `POST /api/reprice` for the answer."""
        body = {
            "since": since and text(since), "until": until and text(until), "reason": reason, "author": author,
            "dry_run": dry_run,
        }  # fmt: skip
        found: Json = self._send("POST", "/api/reprice", {}, body=body, timeout_s=WHOLE_STORE_S).json()
        return found

    def budgets(self, zone: str = "UTC", version: int | None = None) -> Json:
        """The project's budgets and how the calendar month of the zone goes; see `GET /api/budgets` for the fields.

        Raises:
            ApiError: `refused` for an unknown zone, and with status 404 when there is no such version.
        """
        found: Json = self._json("/api/budgets", {"zone": zone, "version": version})
        return found

    def set_budgets(self, document: str, author: str | None = None) -> Json:
        """Set the project's budgets, a whole YAML document. Returns `version` and `entries`.

        Raises:
            ApiError: `refused` when the document breaks a rule; names the line, the key and the value.
        """
        body = {"document": document, "author": author}
        found: Json = self._send("PUT", "/api/budgets", {}, body=body).json()
        return found
