"""The addresses and keys of channels, in a file beside the store that only its owner may read.

They are never in the database, so neither a query, an export nor a copy of it holds them.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "channels.key"


class VaultError(Exception):
    """The file is there and cannot be read; says why and what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What is told to nobody: no `repr`, so that it gets into no log either."""

    url: str
    key: str | None  # webhooks are signed with it; null: they are not signed


class Vault:
    """The file of one data folder. Each secret has a place of its own, which the channel's row names.

    So a channel that is set anew gets a new place first, its row second, and the old place goes last: whatever ends the
    process in between leaves a channel with either address and never one without.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._lock = threading.Lock()

    def put(self, secret: Secret) -> str:
        """Keep a secret; its place. It is on disk when this returns. Raises VaultError."""
        place = secrets.token_hex(8)
        with self._lock:
            self._write({**self._read(), place: asdict(secret)})
        return place

    def get(self, place: str) -> Secret | None:
        """What stands at a place; null: nothing, as when the database alone was copied here. Raises VaultError."""
        with self._lock:
            found = self._read().get(place)
        return None if found is None else Secret(found["url"], found["key"])

    def keep(self, places: Collection[str]) -> None:
        """Forget everything else. Raises VaultError."""
        with self._lock:
            known = self._read()
            kept = {place: told for place, told in known.items() if place in places}
            if len(kept) != len(known):
                self._write(kept)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            held = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no JSON"
            told = f"The addresses of channels in {self._path.name} of the data folder cannot be read: {why}."
            raise VaultError(f"{told} Put a copy of the file back, or delete it and set every channel again.") from None
        return dict(held)

    def _write(self, held: dict[str, dict[str, Any]]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
