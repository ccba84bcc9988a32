"""What the client asks of datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import quote

from server.client_base import ClientBase, Json

LONG_S = 600.0
PAGE = 1_000


class DatasetsClient(ClientBase):
    """Datasets, as a part of `server.client.Client`."""

    def datasets(self) -> list[Json]:
        """The datasets by name; see `GET /api/datasets` for the fields."""
        found: list[Json] = self._json("/api/datasets")
        return found

    def dataset(self, name: str, version: int | None = None) -> Json:
        """One dataset with its versions. Raises ApiError, `refused`, when there is none of this name."""
        found: Json = self._json(_path(name), {"version": version})
        return found

    def create_dataset(self, name: str, description: str = "", author: str | None = None) -> Json:
        """Make a dataset without items; one that is there is left as it is."""
        body = {"name": name, "description": description, "author": author}
        found: Json = self._send("POST", "/api/datasets", {}, body=body).json()
        return found

    def describe_dataset(self, name: str, description: str) -> None:
        """Say anew what a dataset is."""
        self._send("PUT", _path(name), {}, body={"description": description})

    def delete_dataset(self, name: str) -> None:
        """Forget a dataset with all its versions; the caller has asked whether that is meant."""
        self._send("DELETE", _path(name), {"confirm": name}, timeout_s=LONG_S)

    def dataset_items(self, name: str, **params: Any) -> Json:
        """A page of items; see `GET /api/datasets/{name}/items` for parameters and fields."""
        found: Json = self._json(f"{_path(name)}/items", params)
        return found

    def dataset_item(self, name: str, item: str, version: int | None = None) -> Json:
        """One item with its history."""
        found: Json = self._json(f"{_path(name)}/item", {"id": item, "version": version})
        return found

    def dataset_diff(self, name: str, older: int, newer: int | None = None, **params: Any) -> Json:
        """What differs between two versions; see `GET /api/datasets/{name}/diff`."""
        found: Json = self._json(f"{_path(name)}/diff", {"older": older, "newer": newer, **params})
        return found

    def change_dataset(self, name: str, change: Mapping[str, Any]) -> Json | None:
        """Change items; the new version, null: nothing changed. See `POST /api/datasets/{name}/changes`.

        Raises:
            ApiError: `refused` with status 409 when items were changed since the version that it was made on.
        """
        found: Json | None = self._send(
            "POST", f"{_path(name)}/changes", {}, body=dict(change), timeout_s=LONG_S
        ).json()
        return found

    def split_dataset(self, name: str, rule: Mapping[str, Any]) -> Json | None:
        """Give items splits; the new version, null: nothing changed. See `POST /api/datasets/{name}/split`."""
        found: Json | None = self._send("POST", f"{_path(name)}/split", {}, body=dict(rule), timeout_s=LONG_S).json()
        return found

    def check_dataset(self, name: str, wanted: Mapping[str, Any]) -> Json:
        """What checks find, and mend where that is wanted; see `POST /api/datasets/{name}/check`."""
        found: Json = self._send("POST", f"{_path(name)}/check", {}, body=dict(wanted), timeout_s=LONG_S).json()
        return found

    def import_dataset(self, name: str, file: str, content: bytes | Iterable[bytes], **params: Any) -> Json:
        """Make items of a file; see `POST /api/datasets/{name}/import`. `file`: its name; `fields`: field -> column.

        Raises:
            ApiError: `refused` with status 409 when it has duplicates and `duplicates` does not say what to do.
        """
        told = {**params, "file": file, "fields": json.dumps(params.get("fields") or {})}
        found: Json = self._send("POST", f"{_path(name)}/import", told, content=content, timeout_s=LONG_S).json()
        return found

    def dataset_from_traces(self, name: str, wanted: Mapping[str, Any]) -> Json:
        """Make items of stored traces; see `POST /api/datasets/{name}/traces`."""
        found: Json = self._send("POST", f"{_path(name)}/traces", {}, body=dict(wanted), timeout_s=LONG_S).json()
        return found

    def export_dataset(
        self, name: str, out: IO[bytes], format_: Literal["jsonl", "csv", "parquet", "openai"] = "jsonl", **params: Any
    ) -> Json:
        """Write a version into a file; returns what `GET /api/datasets/{name}/export` tells of it."""
        with self._stream(f"{_path(name)}/export", {"format": format_, **params}) as answer:
            for part in answer.iter_bytes():
                out.write(part)
            told: Json = json.loads(answer.headers["x-assay-export"])
        return told

    def dataset_rows(self, name: str, version: int, split: str | None = None) -> Iterator[Json]:
        """All items of a version in order, or those of a split, page by page."""
        after = -1
        while True:
            page = self.dataset_items(name, version=version, split=split, after_place=after, page_size=PAGE)
            yield from page["items"]
            if len(page["items"]) < PAGE:
                return
            after = page["last"]


def parts_of(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """A file in parts, so that it is never held whole."""
    with path.open("rb") as file:
        while part := file.read(size):
            yield part


def _path(name: str) -> str:
    return f"/api/datasets/{quote(name, safe='')}"
