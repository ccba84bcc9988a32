"""The secret of this store with which user ids are hashed, when the settings ask for it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE_NAME = "user-id.key"
KEY_BYTES = 32


def hash_key(data_dir: Path) -> bytes:
    """The key, made on first use. Only the owner may read the file; losing it makes old and new hashes differ."""
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_bytes(KEY_BYTES)
        file.write(key)
    return key
