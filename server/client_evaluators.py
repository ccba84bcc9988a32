"""What the client asks of evaluators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json


class EvaluatorsClient(ClientBase):
    """Evaluators, as a part of `server.client.Client`."""

    def evaluators(self) -> list[Json]:
        """The card of every evaluator that the server knows; see `GET /api/evaluators` for the fields."""
        found: list[Json] = self._json("/api/evaluators")
        return found

    def try_evaluator(self, name: str, row: Mapping[str, Any], options: Mapping[str, Any]) -> Json:
        """What an evaluator says of a row; see `POST /api/evaluators/{name}/try`.

        Raises:
            ApiError: `refused` when there is no such evaluator or option, or the row is none.
        """
        path, body = f"/api/evaluators/{quote(name, safe='')}/try", {"row": row, "options": options}
        found: Json = self._send("POST", path, body=body).json()
        return found
