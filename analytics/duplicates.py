"""Texts that are nearly the same: every pair whose likeness reaches a bound, found without comparing all with all.

The likeness is that of `analytics.similarity`. Two texts that reach the bound share a word or pair of words among the
rarest of both: of each text, words in order of how rare they are among all texts, those before the rest of its vector
is shorter than the bound (prefix filtering: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search").
Only texts that share one of these are compared, exactly. Nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analytics.columns import Floats
from analytics.similarity import Counts

Places = NDArray[np.int64]

MOST_COMPARED = 1_000_000  # pairs
_AT_ONCE = 200_000  # pairs
_SLACK = 1e-9  # what rounding may take from a likeness


@dataclass(frozen=True, slots=True)
class Near:
    """Pairs by their places, the most alike first; `first` < `second`."""

    first: Places
    second: Places
    likeness: Floats
    cut: bool  # true: too many texts share their rarest words; of some of these only neighbours were compared


def near(texts: Sequence[Counts], least: float, most_compared: int = MOST_COMPARED) -> Near:
    """The pairs that are alike by `least` or more, in (0, 1]. Texts that are equal are a pair too."""
    none = Near(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), cut=False)
    if len(texts) < 2:
        return none
    vectors = _vectors(texts)
    first, second, cut = _sharing(*_prefixes(vectors, least), most_compared)
    alike = _likeness(vectors, first, second)
    kept = np.flatnonzero(alike >= least - _SLACK)
    order = kept[np.lexsort((second[kept], first[kept], -alike[kept].round(12)))]
    return Near(first[order], second[order], np.minimum(alike[order], 1.0), cut)


def _vectors(texts: Sequence[Counts]) -> sparse.csr_matrix:
    """Unit vectors, their columns in order of how rare a word is."""
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(word, len(known)) for one in texts for word in one], dtype=np.int64)
    amounts = np.array([float(n) for one in texts for n in one.values()])
    sizes = np.array([len(one) for one in texts])
    frequency = np.bincount(codes, minlength=len(known))
    rank = np.empty(len(known), dtype=np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(known))
    rows = np.repeat(np.arange(len(texts)), sizes)
    lengths = np.sqrt(np.bincount(rows, amounts**2, len(texts)))
    found = sparse.csr_matrix((amounts / lengths[rows], (rows, rank[codes])), shape=(len(texts), len(known)))
    found.sort_indices()
    return found


def _prefixes(vectors: sparse.csr_matrix, least: float) -> tuple[Places, Places]:
    """Row and column of the words that count of each text."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    upto = np.cumsum(vectors.data**2)
    before = np.concatenate(([0.0], upto))[vectors.indptr[:-1]][rows]
    gone = upto - vectors.data**2 - before  # of the squared length, before this word
    counts = np.sqrt(np.maximum(1 - gone, 0)) >= least - _SLACK
    return rows[counts], vectors.indices[counts].astype(np.int64)


def _sharing(rows: Places, columns: Places, most: int) -> tuple[Places, Places, bool]:
    """Pairs of rows that share a column, each once; those of the rarest columns first, where they are too many."""
    order = np.lexsort((rows, columns))
    rows, columns = rows[order], columns[order]
    starts = np.flatnonzero(np.concatenate(([True], columns[1:] != columns[:-1])))
    sizes = np.diff(np.concatenate((starts, [len(columns)])))
    pairs = sizes * (sizes - 1) // 2
    by_size = np.argsort(sizes, kind="stable")
    whole = np.cumsum(pairs[by_size]) <= most
    taken, left = by_size[whole], by_size[~whole]
    taken = taken[sizes[taken] > 1]
    total = int(rows.max(initial=0)) + 1
    codes = [_pairs_of(rows, starts[groups_of], size, total) for size, groups_of in _by_size(sizes, taken)]
    codes.append(_neighbours(rows, starts[left], sizes[left], total))
    found = np.unique(np.concatenate(codes))
    return found // total, found % total, bool(len(left))


def _by_size(sizes: Places, taken: Places) -> list[tuple[int, Places]]:
    """Groups of one size together, so that each size is one step."""
    ordered = taken[np.argsort(sizes[taken], kind="stable")]
    edges = np.flatnonzero(np.diff(sizes[ordered])) + 1
    return [(int(sizes[part[0]]), part) for part in np.split(ordered, edges) if len(part)]


def _pairs_of(rows: Places, starts: Places, size: int, total: int) -> Places:
    """Of groups of one size all pairs, each as one number."""
    left, right = np.triu_indices(size, 1)
    members = rows[starts[:, None] + np.arange(size)]
    return np.asarray((members[:, left] * total + members[:, right]).ravel(), dtype=np.int64)


def _neighbours(rows: Places, starts: Places, sizes: Places, total: int) -> Places:
    """Of groups that are too large each text with the next alone: texts that are all alike still come together."""
    parts = [rows[start : start + size] for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)]
    found = np.concatenate([np.zeros(0, np.int64), *(part[:-1] * total + part[1:] for part in parts)])
    return np.asarray(found, dtype=np.int64)


def _likeness(vectors: sparse.csr_matrix, first: Places, second: Places) -> Floats:
    found = np.zeros(len(first))
    for start in range(0, len(first), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[part] = np.asarray(vectors[first[part]].multiply(vectors[second[part]]).sum(axis=1)).ravel()
    return found


def groups(first: Places, second: Places, count: int) -> Places:
    """For each of `count` texts the number of its group: those that pairs lead from one to another are together."""
    edges = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    _, labels = sparse.csgraph.connected_components(edges, directed=False)
    return np.asarray(labels, dtype=np.int64)
