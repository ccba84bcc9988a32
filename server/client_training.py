"""What the client asks of training data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from server.client_base import ClientBase, Json

LONG_S = 600.0
ROOT = "/api/training-data"


class TrainingClient(ClientBase):
    """What labels become, as a part of `server.client.Client`."""

    def training_formats(self) -> list[Json]:
        """The formats, with the JSON schema of a row; see `GET /api/training-data/formats`."""
        found: list[Json] = self._json(f"{ROOT}/formats")
        return found

    def training_dry_run(self, wanted: Mapping[str, Any]) -> Json:
        """The data card of files to be, with samples; see `POST /api/training-data`.

        Raises:
            ApiError: `refused` when the field makes no such file.
        """
        found: Json = self._send("POST", ROOT, {}, body={**wanted, "dry_run": True}, timeout_s=LONG_S).json()
        return found

    def training_data(self, wanted: Mapping[str, Any], out: IO[bytes]) -> Json:
        """Write the archive of training files; returns `rows` and `sentences`. Raises as `training_dry_run` does."""
        with self._stream(ROOT, {}, method="POST", body={**wanted, "dry_run": False}) as answer:
            for part in answer.iter_bytes():
                out.write(part)
            told: Json = json.loads(answer.headers["x-assay-export"])
        return told

    def golden_set(self, wanted: Mapping[str, Any]) -> Json:
        """Put labelled items into a dataset; see `POST /api/training-data/dataset`."""
        found: Json = self._send("POST", f"{ROOT}/dataset", {}, body=dict(wanted), timeout_s=LONG_S).json()
        return found

    def few_shot(self, wanted: Mapping[str, Any]) -> Json:
        """Examples for a judge's prompt; see `POST /api/training-data/examples`."""
        found: Json = self._send("POST", f"{ROOT}/examples", {}, body=dict(wanted), timeout_s=LONG_S).json()
        return found

    def golden_suite(self, wanted: Mapping[str, Any]) -> str:
        """A suite over a golden set, as YAML; see `POST /api/training-data/suite`."""
        found: Json = self._send("POST", f"{ROOT}/suite", {}, body=dict(wanted), timeout_s=LONG_S).json()
        return str(found["suite"])
