"""What explains a change of a mean or a rate: which slices moved, and which came in other shares.

The change of the whole is the sum over slices of a mix part, (w' - w) (m + m') / 2 - its share of the whole's middle,
and a part within, (w + w') / 2 (m' - m), for a slice's share w and mean m before and after (Kitagawa 1955, JASA 50,
1168-1194). Every slice is tested for having moved otherwise than the rest, and its share for having changed, and
p-values are adjusted over all slices of all attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics import contrast
from analytics.columns import Bools, Floats
from analytics.contrast import Codes, Contrast, Moved
from analytics.multiple import adjusted
from analytics.slices import UNKNOWN

FEW = 10  # rows of a slice and of the rest on either side, below which nothing is tested
MOST = 50  # slices of an attribute, the largest; the others are one, `OTHERS`
OTHERS = "all others"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One sample's rows."""

    values: Floats  # no NaN
    clusters: Codes  # of each row; the same codes in both samples
    labels: Mapping[str, Sequence[object]]  # attribute -> of each row; null: `unknown`


@dataclass(frozen=True, slots=True)
class Part:
    """One slice's part of the change. Differences are current less reference."""

    attribute: str
    slice: str
    n_reference: int  # rows
    n_current: int
    share_reference: float
    share_current: float
    mean_reference: float | None  # null: no rows
    mean_current: float | None
    within: float  # of the whole's change: the slice's rows have other values
    mix: float  # of the whole's change: the slice has another share of the rows
    apart: float | None  # by how much more the slice changed than the rest did; null: too few rows
    ci_low: float | None
    ci_high: float | None
    p: float | None  # of the slice having changed as the rest did
    p_adjusted: float | None
    p_share: float | None  # of its share being what it was
    p_share_adjusted: float | None

    @property
    def part(self) -> float:
        """Of the whole's change, in its unit."""
        return self.within + self.mix


@dataclass(frozen=True, slots=True)
class Attribute:
    """What one attribute explains. Its parts add up to the whole's change."""

    name: str
    mix: float  # of the whole's change
    within: float
    parts: tuple[Part, ...]  # the largest part first
    told: int  # slices that changed otherwise than the rest, or came in another share, by adjusted p-values

    @property
    def uneven(self) -> float:
        """How far slices' parts are from what equal changes in equal shares would make them, summed; 0: evenly."""
        total = self.mix + self.within
        even = [(one.share_reference + one.share_current) / 2 * total for one in self.parts]
        return float(sum(abs(one.part - part) for one, part in zip(self.parts, even, strict=True)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """The change of the whole, and attributes by what they explain of it."""

    change: float
    attributes: tuple[Attribute, ...]  # first those with slices that are told; among them the most uneven first

    def slices(self) -> list[Part]:
        """Slices of all attributes that are told, by the size of their part."""
        found = [part for one in self.attributes for part in one.parts if told(part)]
        return sorted(found, key=lambda part: -abs(part.part))


def told(part: Part, alpha: float = 0.05) -> bool:
    """Whether a slice changed otherwise than the rest, or came in another share."""
    return any(p is not None and p < alpha for p in (part.p_adjusted, part.p_share_adjusted))


def explained(reference: Rows, current: Rows) -> Explanation:
    """Which attributes and slices explain the change of the mean (or rate) from one sample to the other.

    Raises:
        ValueError: a sample has no rows.
    """
    if not reference.values.size or not current.values.size:
        raise ValueError("Both samples need a row with a value at least.")
    change = float(current.values.mean() - reference.values.mean())
    found = {name: _parts(name, reference, current) for name in reference.labels if name in current.labels}
    flat = [part for parts in found.values() for part in parts]
    ps = adjusted([*(one.p for one in flat), *(one.p_share for one in flat)], "bh")
    sure = dict(zip(((one.attribute, one.slice) for one in flat), zip(ps, ps[len(flat) :], strict=False), strict=True))
    attributes = [_attribute(name, parts, sure) for name, parts in found.items()]
    return Explanation(change, tuple(sorted(attributes, key=lambda one: (one.told == 0, -one.uneven))))


def _attribute(
    name: str, parts: Sequence[Part], sure: Mapping[tuple[str, str], tuple[float | None, float | None]]
) -> Attribute:
    decided = []
    for one in parts:
        p, p_share = sure[one.attribute, one.slice]
        decided.append(replace(one, p_adjusted=p, p_share_adjusted=p_share))
    decided.sort(key=lambda one: -abs(one.part))
    mix, within = sum(one.mix for one in decided), sum(one.within for one in decided)
    return Attribute(name, mix, within, tuple(decided), sum(told(one) for one in decided))


def _parts(name: str, reference: Rows, current: Rows) -> list[Part]:
    sides = reference, current
    labels = [np.array([_name(one) for one in side.labels[name]], object) for side in sides]
    every, counts = np.unique(np.concatenate(labels).astype(str), return_counts=True)
    kept = set(every[np.argsort(-counts, kind="stable")][:MOST].tolist())
    labels = [np.array([one if one in kept else OTHERS for one in side], object) for side in labels]
    names = sorted({*labels[0].tolist(), *labels[1].tolist()})
    middle = float((reference.values.mean() + current.values.mean()) / 2)
    return [_part(name, one, sides, tuple(side == one for side in labels), middle) for one in names]


def _name(label: object) -> str:
    return UNKNOWN if label is None or label != label else str(label)  # noqa: PLR0124 - NaN


def _part(attribute: str, name: str, sides: tuple[Rows, Rows], here: tuple[Bools, ...], middle: float) -> Part:
    n, m = (int(at.sum()) for at in here)
    shares = [float(at.mean()) for at in here]
    means = [float(side.values[at].mean()) if at.any() else None for side, at in zip(sides, here, strict=True)]
    # A slice of one sample alone has no change within: what it adds is mix, at the mean that it has.
    first, second = means[0] if means[0] is not None else means[1], means[1] if means[1] is not None else means[0]
    within = (shares[0] + shares[1]) / 2 * ((second or 0.0) - (first or 0.0))
    mix = (shares[1] - shares[0]) * (((first or 0.0) + (second or 0.0)) / 2 - middle)
    apart = _apart(sides, here)
    share = contrast.contrast(
        *(contrast.mean(at.astype(float), side.clusters) for side, at in zip(sides, here, strict=True))
    )
    low, high = (None, None) if apart is None else apart.ends(0.025)
    return Part(
        attribute, name, n, m, shares[0], shares[1], means[0], means[1], within, mix,
        None if apart is None else apart.value, low, high, None if apart is None else apart.p(), None,
        share.p() if min(side.values.size for side in sides) >= FEW else None, None,
    )  # fmt: skip


def _apart(sides: tuple[Rows, Rows], here: tuple[Bools, ...]) -> Contrast | None:
    """The slice's change less that of the rest, by clusters. Null: too few rows."""
    if min(min(int(at.sum()), int((~at).sum())) for at in here) < FEW:
        return None
    gaps = []
    for side, at in zip(sides, here, strict=True):
        inside, outside = (contrast.mean(side.values[kept], side.clusters[kept]) for kept in (at, ~at))
        gaps.append(
            Moved(
                inside.value - outside.value, np.concatenate([inside.moves, -outside.moves]),
                np.concatenate([inside.clusters, outside.clusters]),
            )
        )  # fmt: skip
    return contrast.contrast(*gaps)
