"""What texts are about: topics found by the words that they share, and told as lists of words that anybody can apply.

To find them each text is the set of its words, each weighed by how rare it is among the texts (`ln(n / df)`), as a
vector of length 1; a text counts as often as it comes. A truncated singular value decomposition keeps the directions in
which words go together (latent semantic analysis, Deerwester et al. 1990), and k-means of fixed seeds parts the
vectors, of length 1 again. No model is asked, and nothing is random: the same texts, in whatever order, have the same
topics.

To apply them a text needs none of that. Of centres of length 1 the nearest by cosine is the one for which the weights
of the text's words add up to most, so a topic is a list of words with weights. The lists are cut at `WORDS`, and the
topic of a text is what the cut lists say: a router can do the same. How often they agree with the nearest centre is
told.

Lexical: synonyms that never stand beside the same words are different words, and so are those of two languages. Text
without spaces between its words, as Chinese, is hardly parted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING
from unicodedata import category, normalize
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Floats

if TYPE_CHECKING:
    from scipy import sparse

NOT_TOLD, OTHER = -1, 0  # no text; none of the topics' words in it
WORDS = 60  # of a topic
READ = 200  # words of a text
MOST_TEXTS = 3_000  # that topics are found in
_VOCABULARY, _DIRECTIONS = 4_000, 20  # with 50 topics of sample data were those of single templates
_POWERS = 4  # of the subspace iteration
_STARTS, _STEPS = 5, 20  # of k-means
_LONGEST = 40  # letters of a word; what is longer is a hash, or no text

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic 1, 2, ... is `words[0]`, `words[1]`, ...: word -> weight above 0, the most telling first. Largest first."""

    words: tuple[Mapping[str, float], ...]
    texts: int  # that they were found in
    agreement: (
        float | None
    )  # share of these with a word that counts, of which the lists say what the nearest centre says

    def of(self, texts: Sequence[str | None]) -> Codes:
        """The topic of each text: 1 upwards, of equal sums the first; OTHER: no word of a list; NOT_TOLD: no text."""
        weights: dict[str, Floats] = {}
        for place, words in enumerate(self.words):
            for word, weight in words.items():
                weights.setdefault(word, np.zeros(len(self.words)))[place] = weight
        known = {text: _heaviest(words_of(text), weights) for text in {*texts} if text is not None}
        return np.array([NOT_TOLD if text is None else known[text] for text in texts], dtype=np.int64)


def _heaviest(words: set[str], weights: Mapping[str, Floats]) -> int:
    found = [weights[word] for word in sorted(words & weights.keys())]  # sums of floats depend on their order
    return int(np.argmax(np.sum(found, axis=0))) + 1 if found else OTHER


@cache
def _word() -> re.Pattern[str]:
    r"""Marks (vowels of Hindi and Thai, accents written apart) are parts of words, which `\w` does not know."""
    marks = "".join(chr(code) for code in range(0x300, 0x10000) if category(chr(code)).startswith("M"))
    return re.compile(rf"[^\W\d_][\w{marks}]+")


def words_of(text: str) -> set[str]:
    """The first `READ` words of a text, in small letters, NFC: of two to 40 signs, a letter first, marks among them."""
    found = islice(_word().finditer(normalize("NFC", text.casefold())), READ)
    return {word[0] for word in found if len(word[0]) <= _LONGEST}


def find(texts: Sequence[str | None], count: int) -> Topics:
    """At most `count` topics; none where fewer than two can be told apart.

    Of more than 3,000 texts as many are drawn by a hash. A word counts that is in two of them or more, and not in all.
    """
    drawn = _drawn(Counter(text for text in texts if text))
    known = {text: words_of(text) for text in {*drawn}}
    sets = [known[text] for text in drawn]
    vocabulary, rarity = _vocabulary(sets)
    present = _present(sets, vocabulary)
    present = present[np.flatnonzero(present.sum(axis=1))]  # of the others nothing is known
    none = Topics((), len(sets), None)
    if min(count, *present.shape) < 2:
        return none
    basis = _basis(_unit_rows(present.multiply(rarity).tocsr()))
    vectors = _unit(present.multiply(rarity).tocsr() @ basis)
    centres = _centres(vectors, count)
    if len(centres) < 2:
        return none
    nearest = np.argmax(vectors @ centres.T, axis=1)
    against = rarity[:, None] * (basis @ centres.T)
    lists = _lists(present, nearest, against - against.mean(axis=1, keepdims=True))
    return _told(lists, present, nearest, vocabulary, len(sets))


def _drawn(counts: Counter[str]) -> list[str]:
    """All texts, as often as they come, or some; in an order of their own."""
    every = (
        (crc32(f"{place} {text}".encode(errors="replace")), text)
        for text, count in counts.items()
        for place in range(count)
    )
    return [text for _, text in nsmallest(MOST_TEXTS, every)]


def _vocabulary(sets: Sequence[set[str]]) -> tuple[list[str], Floats]:
    """The words that most texts have, in order of the alphabet, and how rare each is."""
    frequency = Counter(word for words in sets for word in words)
    told = [(word, count) for word, count in frequency.items() if 2 <= count < len(sets)]
    kept = sorted(sorted(told, key=lambda pair: (-pair[1], pair[0]))[:_VOCABULARY])
    return [word for word, _ in kept], np.log(len(sets) / np.array([count for _, count in kept], dtype=np.float64))


def _present(sets: Sequence[set[str]], vocabulary: Sequence[str]) -> sparse.csr_array:
    """Which texts have which words, shape (texts, words), 0 and 1."""
    places = {word: place for place, word in enumerate(vocabulary)}
    found = [sorted(places[word] for word in words if word in places) for words in sets]
    ends = np.cumsum([0, *map(len, found)])
    columns = np.array([place for row in found for place in row], dtype=np.int64)
    from scipy import sparse  # noqa: PLC0415 - as `analytics/special.py`

    return sparse.csr_array((np.ones(len(columns)), columns, ends), shape=(len(sets), len(vocabulary)))


def _unit_rows(rows: sparse.csr_array) -> sparse.csr_array:
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))
    return rows.multiply(1 / np.where(lengths == 0, 1, lengths)[:, None]).tocsr()


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), dtype=np.float64)


def _basis(rows: sparse.csr_array) -> Floats:
    """The right singular vectors of the largest singular values, shape (words, directions)."""
    if min(rows.shape) <= _DIRECTIONS:
        _, sizes, right = np.linalg.svd(rows.toarray(), full_matrices=False)
        return np.asarray(right[sizes > 1e-9 * sizes[0]].T, dtype=np.float64)
    # Subspace iteration (Halko et al. 2011, algorithm 4.4): a quarter of ARPACK's time.
    basis = np.random.default_rng(0).standard_normal((rows.shape[1], min(_DIRECTIONS + 10, *rows.shape)))
    for _ in range(_POWERS):
        basis, _ = np.linalg.qr(rows.T @ (rows @ basis))
    within = rows @ basis
    _, turn = np.linalg.eigh(within.T @ within)  # of the smallest first
    return np.asarray(basis @ turn[:, ::-1][:, :_DIRECTIONS], dtype=np.float64)


def _centres(vectors: Floats, count: int) -> Floats:
    """Of length 1, shape (topics, directions): of k-means from several fixed seeds the closest."""
    from scipy.cluster.vq import ClusterError, kmeans2  # noqa: PLC0415 - as `analytics/special.py`

    count = min(count, len(np.unique(vectors.round(6), axis=0)))
    best, least = np.empty((0, vectors.shape[1])), np.inf
    for seed in range(_STARTS if count > 1 else 0):
        try:
            centres, nearest = kmeans2(vectors, count, iter=_STEPS, minit="++", missing="raise", rng=seed)
        except ClusterError:  # one was left without a text
            continue
        far = float(np.square(vectors - centres[nearest]).sum())
        if far < least:
            best, least = _unit(centres), far
    return best


def _lists(present: sparse.csr_array, nearest: Codes, weights: Floats) -> list[list[tuple[int, float]]]:
    """Of each topic the places of the words that add most to its texts, and their weights.

    In order of what they add times how much more often they stand there than elsewhere.
    """
    found, everywhere = [], np.asarray(present.sum(axis=0))
    for topic in range(weights.shape[1]):
        within = np.asarray(present[np.flatnonzero(nearest == topic)].sum(axis=0))
        adds = within * weights[:, topic]
        most = [place for place in np.argsort(-adds, kind="stable")[:WORDS].tolist() if adds[place] > 0]
        most.sort(key=lambda place: -adds[place] * within[place] / everywhere[place])
        found.append([(place, float(f"{weights[place, topic]:.4g}")) for place in most])
    return found


def _told(
    lists: list[list[tuple[int, float]]], present: sparse.csr_array, nearest: Codes, vocabulary: list[str], texts: int
) -> Topics:  # fmt: skip
    """As words, the topic of most texts first, and how often the lists agree with the nearest centre."""
    rule = np.zeros((len(vocabulary), len(lists)))
    for topic, words in enumerate(lists):
        for place, weight in words:
            rule[place, topic] = weight
    sums = np.asarray(present @ rule)
    said = np.where(sums.any(axis=1), np.argmax(sums, axis=1), -1)
    sizes = np.bincount(said[said >= 0], minlength=len(lists))
    named = [{vocabulary[place]: weight for place, weight in words} for words in lists]
    order = sorted(range(len(named)), key=lambda topic: (-sizes[topic], list(named[topic])))
    return Topics(tuple(named[topic] for topic in order), texts, float((said == nearest).mean()))
