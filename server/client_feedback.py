"""What the client asks of end users' feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.client_base import ClientBase, Json


class FeedbackClient(ClientBase):
    """What end users said, as a part of `server.client.Client`."""

    def add_feedback(self, said: Mapping[str, Any]) -> None:
        """Store what one user said of one answer; see `POST /api/feedback`.

        Raises:
            ApiError: `refused` when it is no feedback; says why.
        """
        self._send("POST", "/api/feedback", {}, body=dict(said))

    def feedback_keys(self) -> list[Json]:
        """The project's keys, the newest first, without themselves; see `GET /api/feedback-keys`."""
        found: list[Json] = self._json("/api/feedback-keys")
        return found

    def add_feedback_key(self, name: str, origins: Sequence[str], per_minute: int, author: str) -> Json:
        """Make a key; `key` of the answer is shown this once.

        Raises:
            ApiError: `refused` when the name is in use, or an origin is none.
        """
        body = {"name": name, "origins": list(origins), "per_minute": per_minute, "author": author}
        found: Json = self._send("POST", "/api/feedback-keys", {}, body=body).json()
        return found

    def revoke_feedback_key(self, key_id: str, author: str) -> None:
        """Let a key open nothing any more."""
        self._send("DELETE", f"/api/feedback-keys/{key_id}", {"author": author})
