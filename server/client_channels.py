"""What the client asks of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json


class ChannelsClient(ClientBase):
    """Whom alerts are told to, as a part of `server.client.Client`."""

    def channels(self) -> list[Json]:
        """The project's channels, by name, without their addresses; see `GET /api/channels`."""
        found: list[Json] = self._json("/api/channels")
        return found

    def set_channel(self, name: str, terms: Mapping[str, Any], author: str) -> Json:
        """Set a channel; see `PUT /api/channels/{name}`. Answers as an entry of `channels`.

        Raises:
            ApiError: `refused` when the address cannot be one of its kind; says why, without it.
        """
        found: Json = self._send("PUT", _channel(name), {}, body={**terms, "author": author}, timeout_s=60).json()
        return found

    def delete_channel(self, name: str, author: str) -> None:
        """Take a channel and its address away, and what waits for it."""
        self._send("DELETE", _channel(name), {"confirm": name, "author": author})

    def test_channel(self, name: str, author: str) -> Json:
        """Send a test message and wait: `outcome` sent, refused, failed or timeout, `detail`, `took_ms`."""
        found: Json = self._send("POST", f"{_channel(name)}/test", {}, body={"author": author}, timeout_s=60).json()
        return found


def _channel(name: str) -> str:
    return f"/api/channels/{quote(name, safe='')}"
