"""Splits without leaks: rows of one session or trace, and rows that ask nearly the same, lie in one split.

A split is a hash of the seed and of what is asked, so that rows that come later move few of those that were there: a
test set stays one. Shares are therefore met on average, and not to the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics import duplicates
from analytics.similarity import counts
from server.dataset_checks import MOST_NEAR
from server.dataset_items import folded
from server.training.wanted import SPLITS

_DRAW = 2**52  # the first 13 hex digits of a hash


@dataclass(frozen=True, slots=True)
class Split:
    """The split of each row."""

    of: list[str]
    clusters: list[int]  # rows of one number may not be parted
    bounded: bool  # true: so many are alike, or there are so many, that not every pair was compared


def split(
    asks: Sequence[str], groups: Sequence[Sequence[str]], shares: Mapping[str, float], seed: int, near: float
) -> Split:
    """Splits of rows by what they ask and the names of the groups that they are in; see the module.

    Args:
        asks: text of each row.
        groups: sessions and traces of each row.
        shares: of train, validation and test; they add up to 1.
        seed: another one draws other splits.
        near: likeness from which on two texts are nearly the same.
    """
    if not asks:
        return Split([], [], bounded=False)
    plain = [folded(text) for text in asks]
    first, second, bounded = _alike(plain, near)
    pairs = [
        *zip(first, second, strict=True),
        *_together([(text, *of) for text, of in zip(plain, groups, strict=True)]),
    ]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    clusters = duplicates.groups(ends[:, 0], ends[:, 1], len(plain)).tolist()
    keys: dict[int, str] = {}
    for cluster, text in zip(clusters, plain, strict=True):
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        keys[cluster] = min(keys.get(cluster, key), key)
    drawn = {cluster: _drawn(key, shares, seed) for cluster, key in keys.items()}
    return Split([drawn[cluster] for cluster in clusters], clusters, bounded)


def _alike(plain: Sequence[str], near: float) -> tuple[list[int], list[int], bool]:
    """Pairs of different texts that are nearly the same, by the place of the first row of each."""
    places = {text: place for place, text in reversed(list(enumerate(plain)))}
    chosen = list(places)[:MOST_NEAR]
    found = duplicates.near([counts(text) for text in chosen], near)
    of = np.array([places[text] for text in chosen], np.int64)
    return of[found.first].tolist(), of[found.second].tolist(), found.cut or len(places) > MOST_NEAR


def _together(names: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Each row with the first one of its names."""
    first: dict[tuple[bool, str], int] = {}
    return [
        (first.setdefault((at == 0, name), place), place)  # a text is no group, though it may read like one
        for place, every in enumerate(names)
        for at, name in enumerate(every)
    ]


def _drawn(key: str, shares: Mapping[str, float], seed: int) -> str:
    at = int(hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()[:13], 16) / _DRAW
    named = [name for name in SPLITS if shares.get(name)]
    upto = 0.0
    for name in named[:-1]:
        upto += shares[name]
        if at < upto:
            return name
    return named[-1]
