"""What the client asks of imports of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.client_base import ClientBase, Json


class ImportsClient(ClientBase):
    """Imports, as a part of `server.client.Client`."""

    def imports(self) -> list[Json]:
        """The newest imports of the project; see `GET /api/imports`."""
        found: list[Json] = self._json("/api/imports")
        return found

    def one_import(self, import_id: str) -> Json:
        """One import and how far it went. Raises ApiError: `refused` when there is none."""
        found: Json = self._json(f"/api/imports/{import_id}")
        return found

    def begin_import(self, about: Mapping[str, Any]) -> Json:
        """Begin an import, or find the one of the same work that has not ended; see `POST /api/imports`."""
        found: Json = self._send("POST", "/api/imports", {}, body=dict(about)).json()
        return found

    def import_step(self, import_id: str, step: int, data: bytes, read_bytes: int) -> bool:
        """Store one piece; false: it is stored already.

        Raises:
            ApiError: `failed` or `unreachable`: send it again.
        """
        path = f"/api/imports/{import_id}/steps/{step}"
        return bool(self._send("POST", path, {"read_bytes": read_bytes}, content=data).json()["stored"])

    def end_import(self, import_id: str) -> Json:
        """Say that all of the file was read; the import as it stands."""
        found: Json = self._send("POST", f"/api/imports/{import_id}/end", {}).json()
        return found
