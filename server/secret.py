"""How the settings want spans and logs read, and the secret of this store with which user ids are hashed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from collectors.normalising.options import NormaliserOptions
from server.settings import Settings

FILE_NAME = "user-id.key"
KEY_BYTES = 32


def normaliser_options(settings: Settings) -> NormaliserOptions:
    """What the settings say of normalising; makes the secret of hashed user ids when there is none yet."""
    key = hash_key(settings.data_dir) if settings.hash_user_ids else b""
    return NormaliserOptions(settings.variant_keys, settings.hash_user_ids, key)


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
