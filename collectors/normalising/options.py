"""What a team may choose of how spans are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NormaliserOptions:
    """What a team may choose. Defaults read everything and hide nothing."""

    variant_keys: tuple[str, ...] = ("variant", "experiment", "ab_variant", "feature_flag.result.variant")
    hash_user_ids: bool = False
    user_id_key: bytes = b""  # secret of the keyed hash, at most 64 bytes


DEFAULT_OPTIONS = NormaliserOptions()
