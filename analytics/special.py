"""Distribution functions of `scipy.special`, which is loaded at the first use of one.

It takes 0.5 s and 30 MB: a server that was asked for no interval yet, and a command without one, are spared them.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from scipy import special  # noqa: PLC0415 - see above

    return getattr(special, name)
