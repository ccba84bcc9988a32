"""What the client asks of filling queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.client_base import ClientBase, Json
from server.client_queues import queue_path

FILL_S = 300.0


class QueueFillClient(ClientBase):
    """Queues filled from what is stored, as a part of `server.client.Client`."""

    def fill_queue(
        self, name: str, source: Mapping[str, Any], author: str | None = None, *, dry_run: bool = False
    ) -> Json:
        """Put items into a queue, or tell what would be; see `POST /api/queues/{name}/fill`."""
        told = {"from": dict(source), "author": author, "dry_run": dry_run}
        found: Json = self._send("POST", f"{queue_path(name)}/fill", {}, body=told, timeout_s=FILL_S).json()
        return found

    def queue_feeds(self, name: str) -> list[Json]:
        """The feeds of a queue, what each put in and left out; see `GET /api/queues/{name}/feeds`."""
        found: list[Json] = self._json(f"{queue_path(name)}/feeds")
        return found
