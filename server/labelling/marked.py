"""Marks of text: how far two people mark the same characters, and the characters that most of an item's people mark."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from analytics.columns import Floats
from server.labelling.ratings import Labels

Place = tuple[str, str, str]
"""Side, part and label: marks of another one are of other characters."""
Ends = list[tuple[int, int]]


def places(answer: str) -> dict[Place, Ends]:
    """Marked characters by place, as intervals that neither touch nor overlap, in order."""
    found: defaultdict[Place, Ends] = defaultdict(list)
    for one in json.loads(answer):  # in order of their start, see `ratings.fitting`
        ends = found[one["side"], one["part"], one["label"]]
        if ends and one["start"] <= ends[-1][1]:
            ends[-1] = (ends[-1][0], max(ends[-1][1], one["end"]))
        else:
            ends.append((one["start"], one["end"]))
    return dict(found)


def overlap_f1(one: Mapping[Place, Ends], other: Mapping[Place, Ends]) -> float:
    """Twice the characters that both mark, with the same label, over what each marks; 1 where neither marks any."""
    both = sum(_shared(ends, other[place]) for place, ends in one.items() if place in other)
    marked = sum(stop - start for marks in (one, other) for ends in marks.values() for start, stop in ends)
    return 2 * both / marked if marked else 1.0


def _shared(one: Ends, other: Ends) -> int:
    first, second, total = 0, 0, 0
    while first < len(one) and second < len(other):
        low, high = max(one[first][0], other[second][0]), min(one[first][1], other[second][1])
        total += max(high - low, 0)
        if one[first][1] < other[second][1]:
            first += 1
        else:
            second += 1
    return total


def by_item(found: Labels) -> tuple[list[int], Floats]:
    """Items with marks of two people or more, and the mean overlap of their pairs of people."""
    near = closeness(found)
    told = ~np.isnan(near)
    if not told.any():
        return [], np.zeros(0)
    numbers, places = np.unique(found.numbers[told], return_inverse=True)
    # Each pair is in the means of both of its people, so that the mean of these is that of the pairs.
    return numbers.tolist(), np.asarray(np.bincount(places, near[told]) / np.bincount(places))


def closeness(found: Labels) -> Floats:
    """Of each label the mean overlap with those of the item's other people; NaN: there is none."""
    marks = [places(answer) for answer in found.answers]
    near = np.full(found.size, np.nan)
    firsts = np.unique(found.numbers, return_index=True)[1].tolist()
    for start, stop in pairwise([*firsts, found.size]):
        if (many := stop - start) > 1:
            sums = np.zeros(many)
            for one, other in combinations(range(many), 2):
                sums[[one, other]] += overlap_f1(marks[start + one], marks[start + other])
            near[start:stop] = sums / (many - 1)
    return near


def most(answers: Sequence[str]) -> list[dict[str, Any]]:
    """Characters that more than half of the answers mark with a label, as marks."""
    every = [places(answer) for answer in answers]
    found = []
    for place in sorted({place for marks in every for place in marks}):
        edges = sorted(edge for marks in every for edge in _edges(marks.get(place, [])))
        found += [
            dict(zip(("side", "part", "label"), place, strict=True)) | {"start": start, "end": stop}
            for start, stop in _above(edges, len(every) / 2)
        ]
    return sorted(found, key=lambda one: (one["side"], one["part"], one["start"], one["end"], one["label"]))


def _edges(ends: Ends) -> Iterable[tuple[int, int]]:
    for start, stop in ends:
        yield start, 1
        yield stop, -1


def _above(edges: Sequence[tuple[int, int]], half: float) -> Ends:
    found: Ends = []
    depth, since = 0, -1
    for at, step in edges:
        before, depth = depth, depth + step
        if before <= half < depth:
            since = at
        elif depth <= half < before and at > since:
            if found and found[-1][1] == since:
                since = found.pop()[0]
            found.append((since, at))
    return found
