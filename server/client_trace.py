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

    def trace_graph(self, trace_id: str, *, expanded: bool = False) -> Json:
        """See `GET /api/traces/{trace_id}/graph`: `nodes`, `edges`, `layers`, `left_out`."""
        found: Json = self._json(f"/api/traces/{trace_id}/graph", {"expanded": expanded})
        return found

    def trace_conversation(self, trace_id: str, skipped: int = 0) -> Json:
        """See `GET /api/traces/{trace_id}/conversation`: `steps` and `next`."""
        found: Json = self._json(f"/api/traces/{trace_id}/conversation", {"skipped": skipped})
        return found

    def trace_documents(self, trace_id: str, skipped: int = 0) -> Json:
        """See `GET /api/traces/{trace_id}/documents`: `retrievals` and `next`."""
        found: Json = self._json(f"/api/traces/{trace_id}/documents", {"skipped": skipped})
        return found

    def span_otlp(self, trace_id: str, span_id: str) -> Json:
        """The span as it was received, an OTLP/JSON request."""
        found: Json = self._json(f"/api/spans/{trace_id}/{span_id}/otlp")
        return found

    def span_curl(self, trace_id: str, span_id: str) -> str | None:
        """A command that makes the model call again, without the key; null: the span is none."""
        found: str | None = self._json(f"/api/spans/{trace_id}/{span_id}/curl")["command"]
        return found
