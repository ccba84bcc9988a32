"""Two traces aligned step by step: which span of one stands for which of the other.

Parents that stand for one another have their children aligned, in order of start, by the global alignment of Needleman
and Wunsch (J. Mol. Biol. 48, 1970) without a cost of gaps: steps of the same kind, name and detail (tool or model)
count 4, of the same kind and either name or detail 3, all others never stand for one another. What is alike on both
sides and was left over, as steps that run at the same time change places, is paired after it, and marked as moved.

Lists of children whose product is above `MOST_CELLS` are aligned by anchors: the n-th step of a kind, name and detail
stands for the n-th of the other side where that keeps the order (the longest increasing subsequence, by patience
sorting), and nothing else stands for anything. Such an alignment is `rough`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 9_000_000  # 36 MB while one list of children is aligned
_SAME, _ALIKE = 4, 3

Pair = tuple[int | None, int | None]
"""Numbers of a step in the one trace and in the other; null: it has none there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One span, as far as alignment looks at it. Steps of a trace come in order of start."""

    span_id: str
    parent_id: str | None
    kind: str
    name: str
    detail: str  # tool or model; '' none


@dataclass(frozen=True, slots=True)
class Row:
    """One step of either trace or of both, in the order of the tree."""

    a: int | None  # number of the span in its trace; null: it has no such step
    b: int | None
    depth: int
    last: int  # number of the last row below this one; its own where nothing is below
    moved: bool  # it stands at another place among its siblings


@dataclass(frozen=True, slots=True)
class Alignment:
    """Rows of both traces, each span once."""

    rows: list[Row]
    rough: bool  # a list of children was too long to be aligned exactly


def aligned(a: Sequence[Step], b: Sequence[Step]) -> Alignment:
    """Align two traces. Two single roots stand for one another whatever they are; a loop of parents is cut."""
    trees = _children(a), _children(b)
    rough = False
    rows: list[list[int | None]] = []  # a, b, depth, last, moved
    open_at: list[int] = []  # rows above, outermost first
    waiting: list[tuple[Pair, int, bool]] = []
    roots, cut = _roots(a, b, trees)
    rough |= cut
    waiting.extend((pair, 0, moved) for pair, moved in reversed(roots))
    while waiting:
        (one, other), depth, moved = waiting.pop()
        while len(open_at) > depth:
            rows[open_at.pop()][3] = len(rows) - 1
        open_at.append(len(rows))
        rows.append([one, other, depth, len(rows), int(moved)])
        below, cut = _below(one, other, a, b, trees)
        rough |= cut
        waiting.extend((pair, depth + 1, was_moved) for pair, was_moved in reversed(below))
    for at in open_at:
        rows[at][3] = len(rows) - 1
    return Alignment([Row(one, other, int(d or 0), int(end or 0), bool(m)) for one, other, d, end, m in rows], rough)


Tree = dict[int | None, list[int]]
Pairs = list[tuple[Pair, bool]]


def _children(steps: Sequence[Step]) -> Tree:
    """Numbers of the steps below each step; below null the roots."""
    numbers = {step.span_id: number for number, step in enumerate(steps)}
    parents = [None if step.parent_id is None else numbers.get(step.parent_id) for step in steps]
    tree: Tree = defaultdict(list)
    for number, parent in enumerate(_without_loops(parents)):
        tree[parent].append(number)
    return tree


def _without_loops(parents: list[int | None]) -> list[int | None]:
    """The first step of each loop becomes a root."""
    done = [0] * len(parents)  # 1: on the way up that is being walked, 2: known to lead to a root
    kept = list(parents)
    for start in range(len(parents)):
        way, at = [], start
        while not done[at]:
            done[at] = 1
            way.append(at)
            above = kept[at]
            if above is None:
                break
            if done[above] == 1:
                kept[min(way[way.index(above) :])] = None
                break
            at = above
        for one in way:
            done[one] = 2
    return kept


def _roots(a: Sequence[Step], b: Sequence[Step], trees: tuple[Tree, Tree]) -> tuple[Pairs, bool]:
    ours, theirs = trees[0].get(None, []), trees[1].get(None, [])
    if len(ours) == len(theirs) == 1:
        return [((ours[0], theirs[0]), False)], False
    return _paired([a[one] for one in ours], [b[one] for one in theirs], ours, theirs)


def _below(
    one: int | None, other: int | None, a: Sequence[Step], b: Sequence[Step], trees: tuple[Tree, Tree]
) -> tuple[Pairs, bool]:
    """The children of a row, aligned where both sides have it."""
    ours = [] if one is None else trees[0].get(one, [])
    theirs = [] if other is None else trees[1].get(other, [])
    if not ours or not theirs:
        return [((number, None), False) for number in ours] + [((None, number), False) for number in theirs], False
    return _paired([a[number] for number in ours], [b[number] for number in theirs], ours, theirs)


def _paired(ours: list[Step], theirs: list[Step], a: list[int], b: list[int]) -> tuple[Pairs, bool]:
    """Siblings aligned, in order; whether that is rough. What is equal at both ends is taken off first."""
    keys = [_key(step) for step in ours], [_key(step) for step in theirs]
    short = min(len(ours), len(theirs))
    head = next((at for at in range(short) if keys[0][at] != keys[1][at]), short)
    most = short - head
    tail = next((at for at in range(most) if keys[0][-1 - at] != keys[1][-1 - at]), most)
    middle = slice(head, len(ours) - tail), slice(head, len(theirs) - tail)
    inner = ours[middle[0]], theirs[middle[1]]
    rough = len(inner[0]) * len(inner[1]) > MOST_CELLS
    found = _anchored(*inner) if rough else _matched(*inner)
    pairs = [(at, at) for at in range(head)]
    pairs += [(head + one, head + other) for one, other in found]
    pairs += [(len(ours) - tail + at, len(theirs) - tail + at) for at in range(tail)]
    moved = _moved(keys, pairs)
    return list(_merged(pairs, moved, a, b)), rough


def _key(step: Step) -> tuple[str, str, str]:
    return step.kind, step.name, step.detail


def _matched(ours: list[Step], theirs: list[Step]) -> list[tuple[int, int]]:
    """Needleman and Wunsch, a row at a time: without a cost of gaps the best so far of a row is a running maximum."""
    if not ours or not theirs:
        return []
    gain = _gain(ours, theirs)
    best = np.zeros((len(ours) + 1, len(theirs) + 1), dtype=np.int32)
    for at in range(len(ours)):
        through = np.where(gain[at] > 0, best[at, :-1] + gain[at], 0)
        best[at + 1, 1:] = np.maximum.accumulate(np.maximum(best[at, 1:], through))
    return _traced(best)


def _traced(best: NDArray[np.int32]) -> list[tuple[int, int]]:
    """The pairs of the best alignment, in order."""
    pairs, one, other = [], best.shape[0] - 1, best.shape[1] - 1
    while one and other:
        if best[one, other] == best[one - 1, other]:
            one -= 1
        elif best[one, other] == best[one, other - 1]:
            other -= 1
        else:
            one, other = one - 1, other - 1
            pairs.append((one, other))
    return pairs[::-1]


def _gain(ours: list[Step], theirs: list[Step]) -> NDArray[np.int8]:
    """What each pair of steps counts; 0: they never stand for one another."""
    whole, named, detailed = (
        _equal([form(step) for step in ours], [form(step) for step in theirs])
        for form in (_key, lambda step: (step.kind, step.name), lambda step: (step.kind, step.detail or step.span_id))
    )
    return np.where(whole, _SAME, np.where(named | detailed, _ALIKE, 0)).astype(np.int8)


def _equal(ours: Sequence[object], theirs: Sequence[object]) -> NDArray[np.bool_]:
    codes: dict[object, int] = {}
    one, other = (np.array([codes.setdefault(key, len(codes)) for key in side]) for side in (ours, theirs))
    return np.asarray(one[:, None] == other[None, :])


def _anchored(ours: list[Step], theirs: list[Step]) -> list[tuple[int, int]]:
    """The n-th step of a key and the n-th of the other side, where that keeps the order."""
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, step in enumerate(theirs):
        places[_key(step)].append(number)
    taken: dict[tuple[str, str, str], int] = defaultdict(int)
    anchors = []
    for number, step in enumerate(ours):
        key = _key(step)
        if taken[key] < len(places[key]):
            anchors.append((number, places[key][taken[key]]))
            taken[key] += 1
    return _increasing(anchors)


def _increasing(anchors: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose second numbers rise too; the first numbers do."""
    ends: list[int] = []  # smallest second number that ends a run of each length
    holders: list[int] = []  # which pair that is
    before: list[int] = []
    for at, (_, second) in enumerate(anchors):
        length = bisect_left(ends, second)
        before.append(holders[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        holders[length : length + 1] = [at]
    run, at = [], holders[-1] if holders else -1
    while at >= 0:
        run.append(anchors[at])
        at = before[at]
    return run[::-1]


def _moved(
    keys: tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]], pairs: list[tuple[int, int]]
) -> dict[int, int]:
    """Steps that are left on both sides and alike, in order."""
    left = [
        [number for number in range(len(side)) if number not in known]
        for side, known in zip(keys, ({one for one, _ in pairs}, {other for _, other in pairs}), strict=True)
    ]
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number in reversed(left[1]):
        places[keys[1][number]].append(number)
    return {number: places[keys[0][number]].pop() for number in left[0] if places[keys[0][number]]}


def _merged(
    pairs: list[tuple[int, int]], moved: dict[int, int], a: list[int], b: list[int]
) -> Iterator[tuple[Pair, bool]]:
    """All siblings in one order: between two pairs those of the first trace, then those of the second."""
    elsewhere, one, other = set(moved.values()), 0, 0
    for ours, theirs in [*pairs, (len(a), len(b))]:
        for number in range(one, ours):
            yield (a[number], b[moved[number]] if number in moved else None), number in moved
        for number in range(other, theirs):
            if number not in elsewhere:
                yield (None, b[number]), False
        if ours < len(a):
            yield (a[ours], b[theirs]), False
        one, other = ours + 1, theirs + 1
