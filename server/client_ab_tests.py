"""What the client asks of live A/B tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json


class AbTestsClient(ClientBase):
    """Live A/B tests, as a part of `server.client.Client`."""

    def ab_tests(self, findings: int = 0) -> list[Json]:
        """The project's live A/B tests, by name, with what came of so many; see `GET /api/ab-tests` for the fields."""
        found: list[Json] = self._json("/api/ab-tests", {"findings": findings})
        return found

    def ab_test(self, name: str) -> Json:
        """One test with its `versions`. Raises ApiError, `refused`, when there is none of this name."""
        found: Json = self._json(_path(name))
        return found

    def set_ab_test(self, name: str, terms: Mapping[str, Any], author: str | None = None) -> Json:
        """Set a test; see `PUT /api/ab-tests/{name}`. `warnings` name scores that were never seen.

        Raises:
            ApiError: `refused` when it cannot be set so, or has begun; says why.
        """
        found: Json = self._send("PUT", _path(name), {}, body={**terms, "author": author}).json()
        return found

    def stop_ab_test(self, name: str, author: str | None = None) -> Json:
        """Stop a test now; one that is stopped stays as it is."""
        found: Json = self._send("POST", f"{_path(name)}/stop", {}, body={"author": author}).json()
        return found

    def forget_ab_test(self, name: str, author: str | None = None) -> None:
        """Take a test away; its versions stay."""
        self._send("DELETE", _path(name), {"author": author, "confirm": name})

    def assign_unit(self, name: str, unit: str) -> Json:
        """The variant of a unit: `variant`, `traced_as`, `bucket`, `state`; see `GET /api/ab-tests/{name}/assign`."""
        found: Json = self._json(f"{_path(name)}/assign", {"unit": unit})
        return found

    def ab_results(self, name: str) -> Json:
        """What came of a test until now; see `GET /api/ab-tests/{name}/results` for the fields."""
        found: Json = self._json(f"{_path(name)}/results")
        return found


def _path(name: str) -> str:
    return f"/api/ab-tests/{quote(name, safe='')}"
