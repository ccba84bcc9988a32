"""Two samples of what a monitor watches: by how much they differ, and which slices and attributes explain it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from analytics import contrast, embedded
from analytics.columns import Bools, Floats
from analytics.contrast import Codes
from analytics.explained import Explanation, Part, Rows, explained
from analytics.items import coded
from analytics.slices import UNKNOWN
from server.monitors.signals import Of, Signal, Unit

LEAST = 10  # rows with a value on either side, below which nothing is asked
CLEAR = 0.05
MATTERS = 0.2  # of the change: a slice that explains less is not named in the verdict
LITTLE = 0.05  # of the change: one that explains less is not told at all
FIRST = ("release", "prompt", "variant", "model", "service", "tool", "provider", "environment", "tags")
"""Of attributes whose slices have the same rows, which is named."""

ROWS: Mapping[Of, str] = {
    "calls": "calls", "scores": "scores", "tools": "tool calls", "retrievals": "retrievals", "ledger": "items",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One sample, a row an item: a call, score, tool call or retrieval."""

    values: NDArray[np.generic]  # numbers (NaN: none), names (null: none), or [row, direction]
    failed: Bools  # of rows without a value, those that failed
    clusters: Codes  # of each row; the same code on both sides is one cluster
    trace_ids: Sequence[str | None]
    times: Sequence[datetime | None]  # UTC without a zone
    labels: Mapping[str, Sequence[object]]  # attribute -> of each row; null: unknown
    total: int  # of how many it was drawn
    alike: bool = False  # only rows of the hours that the other side has

    def kept(self, there: Bools) -> Side:
        """Only those rows; `total` stays what they were drawn of."""
        places = np.flatnonzero(there).tolist()
        return Side(
            self.values[there], self.failed[there], self.clusters[there], [self.trace_ids[at] for at in places],
            [self.times[at] for at in places],
            {name: [column[at] for at in places] for name, column in self.labels.items()}, self.total, self.alike,
        )  # fmt: skip

    def known(self) -> Bools:
        """Rows with a value."""
        if self.values.dtype == object:
            return np.array([one is not None for one in self.values.tolist()], bool)
        there = ~np.isnan(self.values.astype(np.float64))
        return np.asarray(there.all(axis=1) if self.values.ndim == 2 else there, bool)


Sides = tuple[Side, Side]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What both samples have as one number a row, whose mean moved."""

    of: str  # what the mean is, as a sentence has it
    unit: Unit
    sides: Sides  # the rows that are asked
    values: tuple[Floats, Floats]  # of these
    rows: str  # what a row is, in the plural
    category: str | None = None  # whose share it is; null: it is no share of a category
    of_many: int = 1  # such numbers, of which it is the one that moved most: its p-value is for all of them

    @property
    def means(self) -> tuple[float, float]:
        """Of the reference and the current sample."""
        return float(self.values[0].mean()), float(self.values[1].mean())


@dataclass(frozen=True, slots=True, eq=False)
class Why:
    """What the samples say of a change."""

    numbers: Numbers
    low: float | None  # 95 % interval of the change of the mean, by clusters
    high: float | None
    p: float | None  # of no change
    explanation: Explanation
    opposite: bool = False  # the looks were off to the other side

    @property
    def change(self) -> float:
        """Current less reference."""
        return self.explanation.change

    @property
    def clear(self) -> bool:
        """Whether there is something to explain."""
        return self.p is not None and self.p < CLEAR and self.change != 0 and not self.opposite

    def parts(self) -> list[Part]:
        """Slices that are told, first those that explain most beyond the share of rows that they had before.

        A slice of most rows explains most of any change; one of few rows that explains as much says more. One that
        explains less than its share is only the rest of another, and left out; what works against the change is last.
        """
        if not self.change:
            return []
        beyond = {one: self.share(one) - one.share_reference for one in self.explanation.slices()}
        kept = [
            one for one, more in beyond.items() if abs(self.share(one)) >= LITTLE and (more > 0 or self.share(one) < 0)
        ]
        return sorted(kept, key=lambda one: (-round(beyond[one], 6), _place(one.attribute)))

    def best(self, but: str | None = None) -> Part | None:
        """The slice to name: the first that is there now and explains `MATTERS`.

        Of attributes other than `but`, and not the same rows as a slice of that one.
        """
        parts = self.parts()
        apart = {rows_of(one) for one in parts if one.attribute == but}
        there = (one for one in parts if one.n_current and self.share(one) >= MATTERS and rows_of(one) not in apart)
        return next(there, None)

    def share(self, part: Part) -> float:
        """Of the change what a slice explains; below 0: it works against it."""
        return round(part.part / self.change, 9) if self.change else 0.0


def numbers(signal: Signal, quantile: float | None, sides: Sides, name: str | None = None) -> Numbers | None:
    """What is explained of a signal: its mean, the share beyond a quantile, of a category, or a likeness.

    Null: a side has fewer than `LEAST` rows with a value. `name`: of what is watched; null: the signal's label.
    """
    kept = tuple(side.kept(side.known()) for side in sides)
    if min(len(side.values) for side in kept) < LEAST:
        return None
    both = (kept[0], kept[1])
    if signal.kind == "categorical":
        return _of_category(signal, both)
    if signal.kind == "embedding":
        return _of_embedding(signal, both)
    values = (np.asarray(both[0].values, np.float64), np.asarray(both[1].values, np.float64))
    if signal.quantile:
        edge = float(np.quantile(values[0], quantile or 0.5))
        slow = (np.asarray(values[0] > edge, np.float64), np.asarray(values[1] > edge, np.float64))
        return Numbers(_beyond(signal, quantile or 0.5, edge), "share", both, slow, ROWS[signal.of])
    return Numbers(name or signal.label, signal.unit, both, values, ROWS[signal.of])


def _beyond(signal: Signal, quantile: float, edge: float) -> str:
    amount = f"{edge / 1000:.3g} s" if edge >= 1_000 else f"{edge:.3g} ms"
    return f"Share of calls above the reference's p{100 * quantile:g} of {signal.label.lower()} ({amount})"


def _of_category(signal: Signal, sides: Sides) -> Numbers:
    """The category whose share moved most."""
    names = [np.asarray(side.values.tolist(), str) for side in sides]
    every = np.unique(np.concatenate(names))
    gaps = [float((names[1] == one).mean() - (names[0] == one).mean()) for one in every]
    moved = str(every[max(range(len(gaps)), key=lambda at: (round(abs(gaps[at]), 9), gaps[at]))])
    values = (np.asarray(names[0] == moved, np.float64), np.asarray(names[1] == moved, np.float64))
    return Numbers(
        f"Share of {moved} in {signal.label.lower()}", "share", sides, values, ROWS[signal.of], moved, len(gaps)
    )


def _of_embedding(signal: Signal, sides: Sides) -> Numbers:
    """How like the current rows each is, of rows that the direction was not learned from."""
    first, second = codes_of(sides)
    found = embedded.placed(
        np.asarray(sides[0].values, np.float64), np.asarray(sides[1].values, np.float64), (first, second)
    )
    held = (sides[0].kept(found.held[0]), sides[1].kept(found.held[1]))
    values = (found.scores[0][found.held[0]], found.scores[1][found.held[1]])
    return Numbers(f"Likeness to the current calls in {signal.label.lower()}", "score", held, values, ROWS[signal.of])


def codes_of(sides: Sides) -> tuple[Codes, Codes]:
    """Clusters as numbers, the same ones on both sides."""
    codes = coded(np.concatenate([side.clusters for side in sides]))[1]
    return codes[: len(sides[0].clusters)], codes[len(sides[0].clusters) :]


def why(found: Numbers, apart: Collection[str] = (), *, up: bool | None = None) -> Why | None:
    """What explains the change of a mean. Null: a side has too few rows.

    Args:
        found: the numbers.
        apart: attributes that are not asked, as the monitor watches one value of them.
        up: to which side looks were off; null: they do not say.
    """
    if min(side.size for side in found.values) < LEAST:
        return None
    codes = codes_of(found.sides)
    asked = [name for name in found.sides[0].labels if name not in apart and _tells(found.sides, name)]
    rows = [
        Rows(values, own, {name: side.labels[name] for name in asked})
        for values, own, side in zip(found.values, codes, found.sides, strict=True)
    ]
    whole = contrast.contrast(*(contrast.mean(one.values, one.clusters) for one in rows))
    low, high = whole.ends(0.025)
    p = whole.p()
    opposite = up is not None and whole.value != 0 and (whole.value > 0) != up
    sure = None if p is None else min(p * found.of_many, 1.0)
    return Why(found, low, high, sure, explained(rows[0], rows[1]), opposite)


def _tells(sides: Sides, name: str) -> bool:
    """Whether an attribute has more than one value; one that all rows share explains nothing."""
    return name in sides[1].labels and len({*sides[0].labels[name], *sides[1].labels[name]}) > 1


def rows_of(part: Part) -> tuple[object, ...]:
    """What slices of different attributes share that are the same rows."""
    return part.n_reference, part.n_current, part.mean_reference, part.mean_current


def in_slice(side: Side, part: Part) -> list[int]:
    """The rows of a slice; those without a label are `unknown`."""
    return [
        at for at, one in enumerate(side.labels[part.attribute]) if str(UNKNOWN if one is None else one) == part.slice
    ]


def _place(attribute: str) -> int:
    return FIRST.index(attribute) if attribute in FIRST else len(FIRST)


def slice_name(part: Part) -> str:
    """`model gpt-4o`."""
    return f"{part.attribute} {part.slice}"


def by_mix(part: Part) -> bool:
    """Whether the slice came in another share, more than it changed itself."""
    return abs(part.mix) > abs(part.within)
