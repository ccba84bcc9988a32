"""What the client asks of many calls at once: latency, integrity, hardware, parity, what-if."""

from __future__ import annotations

from typing import Literal

from server.client_base import Answer, ClientBase, Json, Param


class AnalysesClient(ClientBase):
    """What the server works out from many calls, as a part of `server.client.Client`."""

    def latency(self, what: Literal["periods", "paths"], **params: Param) -> Answer:
        """`periods`: a measure now and in as much time before. `paths`: where the time of a sample of traces goes.

        The API's description of `/api/latency/...` tells the parameters and columns.
        """
        return self._frame(f"/api/latency/{what}", params)

    def integrity(self, **params: Param) -> list[Json]:
        """Reported against computed cost of each model, with its likely cause; see `GET /api/integrity/causes`."""
        found: list[Json] = self._json("/api/integrity/causes", params | {"format": "json"})
        return found

    def hardware(self, **params: Param) -> Answer:
        """Calls priced by the hour, by model and price entry; see `GET /api/hardware` for parameters and columns."""
        return self._frame("/api/hardware", params)

    def parity(self, by: str, measure: str, **params: Param) -> Json:
        """One measure of each group of traffic against all others; see `GET /api/parity` for the fields."""
        found: Json = self._json("/api/parity", {"by": by, "measure": measure, **params})
        return found

    def whatif(self, what: Literal["caching", "routing", "carbon"], **params: Param) -> Json:
        """What a cache, another model, or the hardware would have come to; see `GET /api/whatif/...` for the fields."""
        found: Json = self._json(f"/api/whatif/{what}", params)
        return found
