"""What the client asks of plans."""

from __future__ import annotations

import json
from collections.abc import Sequence

from server.client_base import ClientBase, Json, Param


class PlanClient(ClientBase):
    """How many items a comparison needs, as a part of `server.client.Client`."""

    def plan(self, **params: Param) -> Json:
        """From numbers; see `GET /api/plan` for parameters and fields."""
        found: Json = self._json("/api/plan", params)
        return found

    def plan_from_runs(self, runs: Sequence[str], **params: Param) -> Json:
        """From one run or two; see `GET /api/plan/pilot`."""
        found: Json = self._json("/api/plan/pilot", {"runs": ",".join(runs), **params})
        return found

    def plan_from_traffic(self, by: str, values: Sequence[str], **params: Param) -> Json:
        """From calls of one value of a dimension or two; see `GET /api/plan/pilot`."""
        told = {"by": by, "values": json.dumps(list(values)), **params}
        found: Json = self._json("/api/plan/pilot", told)
        return found
