"""What the client asks of comparisons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from server.client_base import ClientBase, Json, Param

Report = Literal["html", "markdown"]


class CompareClient(ClientBase):
    """Comparisons of variants, as a part of `server.client.Client`."""

    def compare_runs(self, runs: Sequence[str], **params: Param) -> Json:
        """Two to ten runs, item by item; see `GET /api/compare/runs` for parameters and fields."""
        found: Json = self._json("/api/compare/runs", {"runs": ",".join(runs), **params})
        return found

    def compare_rows(self, runs: Sequence[str], **params: Param) -> Json:
        """Items of two runs, those that got worse first; see `GET /api/compare/rows`."""
        found: Json = self._json("/api/compare/rows", {"runs": ",".join(runs), **params})
        return found

    def compare_traffic(self, by: str, values: Sequence[str], **params: Param) -> Json:
        """Two to ten values of a dimension of live traffic; see `GET /api/compare/traffic`."""
        found: Json = self._json("/api/compare/traffic", {"by": by, "values": json.dumps(list(values)), **params})
        return found

    def compare_people(self, source: Literal["runs", "traffic"], **params: Param) -> Json:
        """Variants as people would say; see `GET /api/compare/runs/people`."""
        found: Json = self._json(f"/api/compare/{source}/people", params)
        return found

    def compare_report(self, source: Literal["runs", "traffic"], form: Report, **params: Param) -> str:
        """The report of a comparison, a text that stands alone; parameters as the API takes them."""
        accept = "text/html" if form == "html" else "text/markdown"
        return str(self._send("GET", f"/api/compare/{source}", params | {"as": form}, accept=accept).text)
