"""What a process keeps of the memory that it needs no more."""

from __future__ import annotations

import ctypes
import gc
import sys

import pyarrow as pa


def give_back() -> None:
    """Return to the system what was freed: allocators keep it for a next time, which after a large answer is long.

    Takes some 10 ms for each 100 MB. The C library's heap can be trimmed with glibc alone.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
