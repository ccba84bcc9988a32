"""Distribution functions of `scipy.special`, loaded at the first use of one.

As `analytics/special.py`, which the store may not know.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from scipy import special  # noqa: PLC0415 - 0.5 s and 30 MB

    return getattr(special, name)
