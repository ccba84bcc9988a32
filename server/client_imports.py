"""What the client asks of imports of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def upload(self, name: str, parts: Iterable[bytes]) -> str:
        """Send a file in parts of at most 16 MiB; its id.

        Raises:
            ApiError: `refused` when it is too large.
        """
        upload_id = str(self._send("POST", "/api/uploads", {}, body={"name": name}).json()["upload_id"])
        offset = 0
        for part in parts:
            told = self._send("POST", f"/api/uploads/{upload_id}/parts", {"offset": offset}, content=part)
            offset = int(told.json()["bytes"])
        return upload_id

    def preview_upload(self, upload_id: str, kind: str | None = None, mapping: Sequence[tuple[str, str]] = ()) -> Json:
        """What an uploaded file looks like; see `POST /api/uploads/{upload_id}/preview`.

        Raises:
            ApiError: `refused` when it cannot be read, or looks like nothing that is imported.
        """
        body = {"format": kind, "mapping": list(mapping)}
        found: Json = self._send("POST", f"/api/uploads/{upload_id}/preview", {}, body=body).json()
        return found

    def import_upload(self, upload_id: str, preview: Mapping[str, Any], author: str | None = None) -> str:
        """Have an uploaded file imported as its preview says; the id of the import."""
        body = {name: preview[name] for name in ("format", "mapping", "fingerprint")} | {"author": author}
        return str(self._send("POST", f"/api/uploads/{upload_id}/import", {}, body=body).json()["import_id"])

    def forget_upload(self, upload_id: str) -> None:
        """Remove a file that is not wanted."""
        self._send("DELETE", f"/api/uploads/{upload_id}", {})

    def end_import(self, import_id: str) -> Json:
        """Say that all of the file was read; the import as it stands."""
        found: Json = self._send("POST", f"/api/imports/{import_id}/end", {}).json()
        return found
