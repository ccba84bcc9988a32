"""What the client asks of sessions."""

from __future__ import annotations

from server.client_base import ClientBase, Json, Param


class SessionsClient(ClientBase):
    """Sessions as conversations, as a part of `server.client.Client`."""

    def session_turns(self, session: str, skip: int = 0, trace_id: str | None = None, page_size: int = 20) -> Json:
        """One page of a session's turns; see `GET /api/sessions/turns`."""
        params: dict[str, Param] = {"session": session, "skip": skip, "trace": trace_id, "page_size": page_size}
        found: Json = self._json("/api/sessions/turns", params)
        return found
