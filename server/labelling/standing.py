"""How a queue's items stand for one labeller, and which of them they are handed next. Pure, over `store.standings`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.labelling.terms import Terms
from store.standings import SKIPS, Columns

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
SELDOM = 0.001  # shares of gold below it are none
STATES = ("waiting", "started", "done", "skipped", "gold")


def enough(terms: Terms) -> int:
    """Skips by so many people take an item without a label out of the turn: three, or all who may label."""
    return min(SKIPS, len(terms.labellers) or SKIPS)


@dataclass(frozen=True, slots=True)
class Standing:
    """A queue's items, those that are removed left out: columns as `store.standings.standing` has them."""

    number: Numbers
    gold: Mask
    priority: NDArray[np.float64]
    needed: Numbers
    labels: Numbers
    skips: Numbers
    held: Numbers
    mine: Mask
    passed: Mask
    leased: Mask
    drafted: Mask
    enough: int  # skips by so many people take an item without a label out of the turn

    @classmethod
    def of(cls, columns: Columns, terms: Terms) -> Standing:
        """From what the store says."""
        return cls(**columns, enough=enough(terms))

    @property
    def done(self) -> Mask:
        """Items with all the labels that they need."""
        found: Mask = ~self.gold & (self.labels >= self.needed)
        return found

    @property
    def out(self) -> Mask:
        """Items that several people skipped and nobody labelled: they are out of the turn until they are put back."""
        found: Mask = ~self.gold & (self.labels == 0) & (self.skips >= self.enough)
        return found

    @property
    def mine_to_do(self) -> Mask:
        """Items that this person may still label, whoever has them at the moment."""
        return ~self.gold & ~self.mine & ~self.passed & ~self.done & ~self.out

    @property
    def free(self) -> Mask:
        """Items that this person may be handed now."""
        found: Mask = self.mine_to_do & ~self.leased & (self.labels + self.held < self.needed)
        return found

    def states(self) -> NDArray[np.str_]:
        """Of each item: gold, skipped (out of the turn), done, started (it has a label), or waiting."""
        found = np.full(len(self.number), "waiting", dtype="<U8")
        for name, which in (("started", self.labels > 0), ("done", self.done), ("skipped", self.out)):
            found[which] = name
        found[self.gold] = "gold"
        return found


def chosen(standing: Standing, terms: Terms, labeller: str, queue: str, most: int) -> Iterator[int]:
    """Numbers of items that a labeller is handed next, in order, the first `most` with gold items where these are due.

    Own drafts first, then higher priority, then items with more labels (what is begun is finished), then the oldest, or
    by a hash of item and labeller. Of equal labellers the same.
    """
    regular = iter(_ordered(standing, standing.free, terms, labeller))
    gold = iter(
        _ordered(standing, standing.gold & ~standing.mine & ~standing.passed & ~standing.leased, terms, labeller)
    )
    before = standing.mine | standing.leased
    handed, known = int(before.sum()), int((before & standing.gold).sum())
    alone = not (~standing.gold).any()  # a queue of nothing but gold is one to learn with
    for _ in range(most):
        due = alone or known < gold_places(handed + 1, terms.gold_share, f"{queue}/{labeller}")
        one = next(gold, None) if due else None
        known += one is not None
        one = next(regular, None) if one is None else one
        if one is None:
            return
        handed += 1
        yield int(one)
    yield from (int(one) for one in regular)


def _ordered(standing: Standing, which: Mask, terms: Terms, labeller: str) -> Numbers:
    numbers = standing.number[which]
    last: NDArray[Any] = numbers if terms.order == "priority" else scattered(numbers, labeller)
    keys = (last, -standing.labels[which], -standing.priority[which], ~standing.drafted[which])
    return numbers[np.lexsort(keys)]


def scattered(numbers: Numbers, labeller: str) -> NDArray[np.uint64]:
    """A hash of each number and the labeller, by which everybody has an order of their own (splitmix64)."""
    seed = np.uint64(int.from_bytes(blake2b(labeller.encode(), digest_size=8).digest(), "big"))
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + seed
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def gold_places(handed: int, share: float, seed: str) -> int:
    """How many of the first `handed` items of somebody are gold ones.

    One in each stretch of 1 / share items, at a place that a hash chooses, so that nobody can count where it will be;
    none where that is more than a thousand.
    """
    if share < SELDOM:
        return 0
    stretch = max(1, round(1 / share))
    whole, rest = divmod(handed, stretch)
    place = int.from_bytes(blake2b(f"{seed}/{whole}".encode(), digest_size=8).digest(), "big") % stretch
    return whole + (rest > place)


def gold_ahead(standing: Standing, terms: Terms, labeller: str, queue: str) -> int:
    """How many gold items somebody will still label, if they label all that is left for them: see `chosen`."""
    had = standing.gold & standing.mine
    left = int((standing.gold & ~standing.mine & ~standing.passed).sum())
    if not (~standing.gold).any():
        return left
    regular = int((~standing.gold & standing.mine).sum()) + int(standing.mine_to_do.sum())
    known, total = int(had.sum()), -1
    most = known + left
    while total != known:  # each gold item makes the way longer, on which others may stand
        total = known
        known = min(max(gold_places(regular + total + 1, terms.gold_share, f"{queue}/{labeller}"), total), most)
    return known - int(had.sum())


def sides_in_order(keys: list[str], number: int, labeller: str) -> list[str]:
    """Sides in the order in which a labeller is shown them: by a hash, so that no side always stands first."""
    return sorted(keys, key=lambda key: blake2b(f"{number}/{labeller}/{key}".encode(), digest_size=8).digest())
