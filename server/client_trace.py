"""What the client asks of one trace: its outline, windows of its rows, what is found in it."""

from __future__ import annotations

from collections.abc import Sequence

from server.client_base import Answer, ClientBase, Json


class TraceClient(ClientBase):
    """One trace, however large, as a part of `server.client.Client`."""

    def trace_outline(self, trace_id: str) -> Json:
        """See `GET /api/traces/{trace_id}/outline`. Raises ApiError with status 404 when no span of it is stored."""
        found: Json = self._json(f"/api/traces/{trace_id}/outline")
        return found

    def trace_findings(self, trace_id: str) -> Json:
        """See `GET /api/traces/{trace_id}/findings`: critical path, repeats, rounds."""
        found: Json = self._json(f"/api/traces/{trace_id}/findings")
        return found

    def trace_rows(self, trace_id: str, first: int, count: int, version: str = "", *, path: bool = False) -> Answer:
        """Lines of the tree; see `GET /api/traces/{trace_id}/rows`. Raises ApiError with status 409 when it changed."""
        params = {"first": first, "count": count, "version": version or None, "path": path}
        return self._frame(f"/api/traces/{trace_id}/rows", params)

    def trace_places(self, trace_id: str, spans: Sequence[str], version: str = "") -> Answer:
        """The rows of these spans; at most 200."""
        return self._frame(f"/api/traces/{trace_id}/places", {"spans": ",".join(spans), "version": version or None})

    def trace_found(self, trace_id: str, text: str, version: str = "") -> Json:
        """`rows` that hold the text, and whether they were `cut`."""
        found: Json = self._json(f"/api/traces/{trace_id}/found", {"text": text, "version": version or None})
        return found
