"""How alike texts are by their words, and which earlier text each is most like. Lexical: synonyms are different words.

The measure is the cosine of the counts of words and of pairs of neighbouring words, in small letters; 1: the same words
in the same order (or nearly), 0: none in common. It depends on the two texts alone, so that a number can be checked by
hand. To find the most alike of thousands, counts are folded into `WIDTH` signed sums first (Weinberger et al. 2009,
feature hashing), whose cosine is right to some hundredths; what is told of the pair found is exact.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

WIDTH = 1024
MOST_WORDS = 2_000  # of a text; what comes after does not count
_WORD = re.compile(r"\w+")
_ROWS = 256  # compared at once
_SIGN = 1 << 31
_ERROR = 0.15  # of a folded likeness, more than which it is hardly ever

Counts = Counter[str]


def counts(text: str) -> Counts:
    """Words and pairs of a text, with how often each comes. Of a text without a word the text itself counts."""
    words = [found[0] for found, _ in zip(_WORD.finditer(text.casefold()), range(MOST_WORDS), strict=False)]
    if not words:
        return Counter([text.strip()])
    return Counter(words) + Counter(f"{a} {b}" for a, b in pairwise(words))


def cosine(a: Counts, b: Counts) -> float:
    """Exact; 0 to 1."""
    if a == b:
        return 1.0
    small, large = (a, b) if len(a) < len(b) else (b, a)
    both = sum(count * large[word] for word, count in small.items() if word in large)
    return both / math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values())) if both else 0.0


def folded(texts: Sequence[Counts]) -> NDArray[np.float32]:
    """Each text as a vector of length 1, shape (n, WIDTH)."""
    known: dict[str, int] = {}  # texts repeat their words
    codes = [
        known[word] if word in known else known.setdefault(word, crc32(word.encode(errors="replace")))
        for one in texts
        for word in one
    ]
    amounts = np.array([float(n) for one in texts for n in one.values()], dtype=np.float64)
    hashed = np.array(codes, dtype=np.int64)
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
    signed = np.where(hashed & _SIGN, -amounts, amounts)
    sums = np.bincount(rows * WIDTH + hashed % WIDTH, signed, len(texts) * WIDTH).reshape(len(texts), WIDTH)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def nearest(  # noqa: PLR0917 - columns of one table
    texts: Sequence[Counts],
    since: NDArray[np.int64],
    until: NDArray[np.int64],
    at: NDArray[np.int64],
    asked: NDArray[np.bool_],
    least: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each text that is `asked`, the most alike one that was there `at` that time, and how alike it is.

    A text is there from `since` to `until`, both included, for those after it; of equals the later counts. -1 and NaN:
    none was there, or that may be alike by `least`, or it was not asked. Arrays of one length, texts in order of `at`,
    none there before its own `at`.
    """
    found, similar = np.full(len(texts), -1, dtype=np.int64), np.full(len(texts), np.nan)
    vectors = folded(texts)
    places = np.flatnonzero(asked)
    for start in range(0, len(places), _ROWS):
        rows = places[start : start + _ROWS]
        first = int(np.argmax(until >= at[rows[0]])) if (until >= at[rows[0]]).any() else len(texts)
        columns = slice(first, int(rows[-1]))
        there = (since[columns] <= at[rows, None]) & (at[rows, None] <= until[columns])
        there &= np.arange(first, max(first, int(rows[-1]))) < rows[:, None]
        likes = np.where(there, vectors[rows] @ vectors[columns].T, -2.0)
        for row, line in zip(rows.tolist(), likes, strict=True):
            if line.size and line.max() > (least - _ERROR if least else -2):
                best = first + line.size - 1 - int(np.argmax(line[::-1]))
                found[row], similar[row] = best, cosine(texts[row], texts[best])
    return found, similar
