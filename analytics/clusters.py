"""Clusters of two variants: joined where pairs tie them together, and what their sizes say of the evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.contrast import DOMINANT, effective
from analytics.items import coded
from analytics.samples import Side


def joined(a: Side, b: Side) -> tuple[Side, Side]:
    """Sides over the same items whose clusters are the same too: those that share an item become one.

    Sessions or runs that are of one variant each (a0.. and b0..) would leave pairs no cluster in common, and their
    errors uncorrelated. Joined clusters are the connected components of clusters by items; codes mean the same on both
    sides, but nothing beside them.
    """
    from scipy.sparse import coo_array, csgraph  # noqa: PLC0415 - only where clusters differ

    size = 1 + int(max(a.clusters.max(initial=0), b.clusters.max(initial=0)))
    # A code of both sides is the same cluster.
    ties = coo_array((np.ones(a.ids.size, bool), (a.clusters, b.clusters)), shape=(size, size))
    labels = csgraph.connected_components(ties, directed=False)[1].astype(np.intp)
    return replace(a, clusters=labels[a.clusters]), replace(b, clusters=labels[b.clusters])


def joining(before: tuple[Side, Side], after: Side) -> str:
    """What was joined, in words."""
    first, second = (side.groups for side in before)
    return (
        f"Items that are compared with themselves are of other clusters in each variant ({first:,} and {second:,}): "
        f"clusters that share an item were joined, which leaves {after.groups:,}."
    )


def largest(side: Side) -> float | None:
    """The share of items in the largest cluster. Null: each item is its own cluster, or there is none."""
    return None if side.alone or not side.ids.size else float(coded_sizes(side).max() / side.ids.size)


def coded_sizes(side: Side) -> np.ndarray:
    """How many items each cluster has."""
    return np.bincount(coded(side.clusters)[1])


def unequal(side: Side) -> bool:
    """Whether clusters differ so much in size that their degrees of freedom are fewer than half of those of equals."""
    return not side.alone and effective(coded_sizes(side)) - 1 < (side.groups - 1) / 2


def imbalance(side: Side, name: str) -> str | None:
    """What unequal clusters come to, in words. Null: they are not, or one has so many items that they tell nothing."""
    share = largest(side)
    if share is None or share > DOMINANT or not unequal(side):
        return None
    return (
        f"Clusters of {name} are of unequal sizes (the largest holds {share:.0%} of the items), so that "
        f"{side.groups:,} count as {effective(coded_sizes(side)):.1f}, and degrees of freedom are fewer."
    )
