"""Draws items among candidates, and says of each why it was taken and with which chance.

A sample at random is fair: rates among its labels are those of all that match. A stratified one is with weights. An
informative one is not, whatever is done: `analytics.informative` says why. So each item keeps how it was drawn
(`sampling`), and `weight`, one over the chance to be taken, where that chance is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from analytics import informative, similarity
from analytics.columns import Floats
from analytics.informative import Judge, Places, Signals
from server.labelling.candidates import Candidate, Found
from server.labelling.wishes import Sample

MOST_COMPARED = 600  # candidates whose texts are read, so that what is taken is not all alike
_NEAR, _FAR = 0.5, 0.5  # signals from which on `why` names them

Texts = Callable[[Sequence[Candidate]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A candidate that becomes an item."""

    candidate: Candidate
    sampling: str  # random stratified:model informative weighted all; named: by somebody, or an alert
    weight: float | None  # one over the chance to be taken; null: unknown
    why: str


def take(found: Found, sample: Sample, texts: Texts) -> list[Taken]:
    """The items of a draw.

    Args:
        found: candidates in an order by hash.
        sample: how.
        texts: what candidates say, of those that are compared by it.
    """
    must = [Taken(one, "named", None, one.why) for one in found.candidates if one.must]
    rest = Found([one for one in found.candidates if not one.must], found.matching - len(must), found.what)
    return [*must, *(_taken(rest, sample, texts) if rest.candidates else [])]


def _taken(found: Found, sample: Sample, texts: Texts) -> list[Taken]:
    if sample.method == "stratified":
        return _stratified(found, sample)
    if sample.method == "informative":
        return _informative(found, sample, texts)
    if sample.method == "weighted":
        return _weighted(found, sample)
    return _random(found, sample)


def _random(found: Found, sample: Sample) -> list[Taken]:
    taken = found.candidates[: sample.most]
    weight = max(found.matching, len(taken)) / len(taken)
    whole = len(taken) >= found.matching
    how = "all" if sample.method == "all" and whole else "random"
    said = "" if whole else f" Drawn at random: {len(taken):,} of {found.matching:,}."
    return [Taken(one, how, weight, one.why + said) for one in taken]


def _stratified(found: Found, sample: Sample) -> list[Taken]:
    by_stratum: defaultdict[str | None, list[Candidate]] = defaultdict(list)
    for one in found.candidates:
        by_stratum[one.stratum].append(one)
    sizes = shares([len(held) for held in by_stratum.values()], sample.most)
    taken = []
    for (stratum, held), size in zip(by_stratum.items(), sizes, strict=True):
        called = f"{sample.by} {'unknown' if stratum is None else stratum}"
        said = f" Drawn at random among those of {called}: {size:,} of {held[0].total:,}."
        taken += [
            Taken(one, f"stratified:{sample.by}", max(one.total, size) / size, one.why + said) for one in held[:size]
        ]
    return taken


def shares(there: Sequence[int], most: int) -> list[int]:
    """How many of each stratum are taken: equally many, and what small ones lack is given to others."""
    taken = [0] * len(there)
    left = min(most, sum(there))
    while left > 0:
        open_ = [place for place, size in enumerate(there) if taken[place] < size]
        each = max(left // len(open_), 1)
        for place in open_[:left] if each == 1 else open_:
            more = min(each, there[place] - taken[place], left)
            taken[place] += more
            left -= more
    return taken


def _informative(found: Found, sample: Sample, texts: Texts) -> list[Taken]:
    signals = signals_of(found.candidates, sample)
    worth = signals.worth if signals is not None else np.zeros(len(found.candidates))
    places = informative.best(worth, sample.most)
    if "diverse" in sample.signals:
        pool = informative.best(worth, max(sample.most, min(informative.POOL * sample.most, MOST_COMPARED)))
        if len(pool) > sample.most:
            places = pool[_unlike([found.candidates[at] for at in pool], worth[pool], sample.most, texts)]
    return [
        Taken(found.candidates[at], "informative", None, _why(found.candidates[at], signals, int(at)))
        for at in places.tolist()
    ]


def _unlike(pool: Sequence[Candidate], worth: Floats, most: int, texts: Texts) -> Places:
    vectors = similarity.folded([similarity.counts(text) for text in texts(pool)])
    return informative.diverse(vectors, worth, most)


def _weighted(found: Found, sample: Sample) -> list[Taken]:
    signals = signals_of(found.candidates, sample)
    worth = signals.worth if signals is not None else np.zeros(len(found.candidates))
    chance = informative.inclusion(worth, sample.most)
    places = informative.drawn(chance, _start(sample.seed))[: sample.most]
    seen = max(found.matching, len(found.candidates)) / len(found.candidates)  # of what matches, what is looked at
    return [
        Taken(found.candidates[at], "weighted", seen / float(chance[at]), _why(found.candidates[at], signals, int(at)))
        for at in places.tolist()
    ]


def _start(seed: int) -> float:
    """A number within 0 and 1 that a seed decides."""
    return int.from_bytes(blake2b(f"start {seed}".encode(), digest_size=6).digest(), "big") / 2**48


def hashed(seed: int, key: str) -> int:
    """The place of a key in a draw of what has no draw of the store's."""
    return int.from_bytes(blake2b(f"{seed}/{key}".encode("utf-8", "replace"), digest_size=8).digest(), "big")


def signals_of(candidates: Sequence[Candidate], sample: Sample) -> Signals | None:
    """What judges tell of candidates; null: none said anything, or none is to be heard."""
    judges = judges_of(candidates, sample)
    if not judges or not sample.judged:
        return None
    wanted = set(sample.signals)
    return informative.signals(judges, uncertain="uncertain" in wanted, differing="disagreement" in wanted)


def judges_of(candidates: Sequence[Candidate], sample: Sample) -> list[Judge]:
    """The judges of candidates, each with what it said of all of them; what failed says nothing."""
    names = list(dict.fromkeys(said.judge for one in candidates for said in one.said if said.error is None))
    by_place = [{said.judge: said for said in one.said if said.error is None} for one in candidates]
    found = []
    for name in names:
        told = [held.get(name) for held in by_place]
        values = np.array([np.nan if one is None or one.value is None else one.value for one in told], dtype=np.float64)
        sure = [np.nan if one is None or one.confidence is None else one.confidence for one in told]
        line = sample.threshold if sample.threshold is not None else next((one.threshold for one in told if one), None)
        labels = [None if one is None else one.label for one in told]
        found.append(Judge(name, values, labels, np.array(sure, dtype=np.float64), line))
    return found


def _why(candidate: Candidate, signals: Signals | None, at: int) -> str:
    """Which signals speak for it, in words."""
    if signals is None or not candidate.said:
        return f"{candidate.why} Taken because it is unlike the others."
    told = []
    if signals.apart[at] >= _FAR:
        told.append(f"Judges differ: {'; '.join(one.words() for one in candidate.said)}.")
    said = _most_uncertain(candidate, signals, at)
    if said and signals.uncertain[at] >= _NEAR:
        told.append(said)
    return " ".join(told) or f"{candidate.why} Judges are surer of it than of others that were taken."


def _most_uncertain(candidate: Candidate, signals: Signals, at: int) -> str:
    known = [one for one in candidate.said if one.error is None]
    if signals.judge[at] < 0 or not known:
        return ""
    sure = [one for one in known if one.confidence is not None]
    if sure:
        one = min(sure, key=lambda each: each.confidence or 0.0)
        return f"{one.words()}, and is {one.confidence:.0%} sure of it."
    near = [one for one in known if one.value is not None and one.threshold is not None]
    if not near:
        return ""
    one = min(near, key=lambda each: abs((each.value or 0.0) - (each.threshold or 0.0)))
    return f"{one.words()}, near {one.threshold:.4g}, from which on it says yes."


def attributes(taken: Taken, told: Mapping[str, str], source: str) -> dict[str, str]:
    """What an item keeps of how it was drawn, beside what tells it apart."""
    drawn = {"sampling": taken.sampling, "drawn_from": source[:300]}
    if taken.weight is not None:
        drawn["weight"] = f"{taken.weight:.6g}"
    return {**told, **taken.candidate.attributes, **drawn}
