"""What the client asks of two traces at once."""

from __future__ import annotations

from server.client_base import ClientBase, Json, Param


class PairsClient(ClientBase):
    """Traces compared step by step, as a part of `server.client.Client`."""

    def compare_traces(self, a: str, b: str, *, only: str = "all", skip: int = 0, limit: int = 500) -> Json:
        """See `GET /api/traces/compare`. Raises ApiError with status 404 where one of them is not there."""
        params: dict[str, Param] = {"a": a, "b": b, "only": only, "skip": skip, "limit": limit}
        found: Json = self._json("/api/traces/compare", params)
        return found

    def compare_steps(self, a: str, a_span: str, b: str, b_span: str) -> Json:
        """Word by word; see `GET /api/traces/compare/step`."""
        found: Json = self._json("/api/traces/compare/step", {"a": a, "a_span": a_span, "b": b, "b_span": b_span})
        return found
