"""Which keys are surely not stored yet: a split-block Bloom filter over every key of a table, in memory.

A retry is dropped by looking its key up in the table. Spans of the last day come in any order, so that zone maps do not
narrow the look-up; this filter spares it for nearly every group. "No" is certain, because the filter holds every stored
key: it is filled from the table before the first write, and every commit adds to it. "Maybe" is asked of the table.

Source: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), with one bit in each of a
block's eight words. At 32 bits a key a fresh key is told "maybe" about 1 time in 50,000 (measured at 10 million keys).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

WORDS = 8
KEYS_PER_BLOCK = 16  # 512 bits a block: 32 bits a key
SMALLEST = 1 << 20  # keys; 4 MiB
STEP = 1 << 14  # keys added at once: their blocks stay in the cache, which makes filling 2.5 times as fast
LARGEST = 1 << 25  # keys in one segment; 128 MiB
_SALT = np.array(
    [
        0x47B6137B44974D91,
        0x8824AD5BA2B7289D,
        0x705495C72DF1424B,
        0x9EFC49475C6BFB31,
        0xB2C63F3D8DAB7F15,
        0xD6E8FEB86659FD93,
        0x9E3779B97F4A7C15,
        0xA0761D6478BD642F,
    ],
    dtype=np.uint64,
)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S58 = (np.uint64(n) for n in (30, 27, 31, 32, 58))
_ONE = np.uint64(1)


def hash_keys(parts: Sequence[NDArray[Any]]) -> Hashes:
    """One 64-bit hash a row over the columns of its key (splitmix64, chained)."""
    mixed = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        mixed ^= part.astype(np.uint64, copy=False) + _SALT[6]
        mixed ^= mixed >> _S30
        mixed *= _MIX1
        mixed ^= mixed >> _S27
        mixed *= _MIX2
        mixed ^= mixed >> _S31
    return mixed


class _Segment:
    def __init__(self, capacity: int) -> None:
        blocks = 1 << max(1, (capacity // KEYS_PER_BLOCK - 1).bit_length())
        self.capacity = blocks * KEYS_PER_BLOCK
        self.count = 0
        self._blocks = np.uint64(blocks - 1)
        self._words = np.zeros(blocks * WORDS, dtype=np.uint64)

    def add(self, hashes: Hashes) -> None:
        block = (hashes >> _S32) & self._blocks
        self.count += len(hashes)
        for word in range(WORDS):
            at = block * np.uint64(WORDS) + np.uint64(word)
            np.bitwise_or.at(self._words, at, _ONE << ((hashes * _SALT[word]) >> _S58))

    def maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        block = ((hashes >> _S32) & self._blocks) * np.uint64(WORDS)
        found = np.ones(len(hashes), dtype=np.bool_)
        for word in range(WORDS):
            bits = self._words[block + np.uint64(word)] >> ((hashes * _SALT[word]) >> _S58)
            found &= (bits & _ONE).astype(np.bool_)
        return found

    @property
    def nbytes(self) -> int:
        return self._words.nbytes


class KeyFilter:
    """Grows by segments; 4 bytes a key. Not thread-safe: it belongs to the writer."""

    def __init__(self, expected: int = 0) -> None:
        """`expected` keys fit into the first segment."""
        self._segments = [_Segment(_capacity(expected))]

    def add(self, hashes: Hashes) -> None:
        """Remember keys; adding one twice is harmless."""
        while len(hashes):
            last = self._segments[-1]
            if last.count >= last.capacity:
                last = _Segment(_capacity(len(self)))
                self._segments.append(last)
            part = hashes[: min(STEP, last.capacity - last.count)]
            last.add(part)
            hashes = hashes[len(part) :]

    def maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Per key: false if it was surely never added."""
        found = self._segments[0].maybe(hashes)
        for segment in self._segments[1:]:
            found |= segment.maybe(hashes)
        return found

    def __len__(self) -> int:
        """Keys added, repeats included."""
        return sum(segment.count for segment in self._segments)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(segment.nbytes for segment in self._segments)


def _capacity(keys: int) -> int:
    return min(max(keys * 5 // 4, SMALLEST), LARGEST)
