"""From looks to alerts: which looks of a round count, and when looks that count are an alert.

Of a round of all monitors p-values are adjusted by Benjamini and Hochberg, round by round, and not by an online
procedure such as LORD++ or SAFFRON (Ramdas et al. 2017 and 2018): those spend an error budget over all time, so that a
monitor which found nothing for a year needs ever smaller p-values, and they ask for p-values that are independent of
one another in time, where windows overlap and all are compared with one reference. What a person on call wants to know
is how many false alarms a month there are: `false_alarms` tells that of the policy as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.columns import Bools
from analytics.multiple import adjusted

State = Literal["ok", "insufficient data", "firing"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one monitor saw at one time."""

    p: float | None  # of no change; null: too little data to test
    effect: float | None  # null: unknown
    floor: float = 0.0  # the least effect that counts, in the effect's unit


def counted(looks: Sequence[Look], alpha: float) -> list[bool | None]:
    """Which looks of one round count: p adjusted over the round is below alpha, and the effect at least the floor.

    Null: too little data, which is neither an alert nor its all-clear, and no test among the others.
    """
    ps = adjusted([one.p for one in looks], "bh")
    return [
        None if p is None or one.effect is None else p < alpha and abs(one.effect) >= one.floor
        for one, p in zip(looks, ps, strict=True)
    ]


def state(recent: Sequence[bool | None], hits: int, of: int, *, firing: bool = False) -> State:
    """What a monitor's last looks come to, the newest last.

    `firing`: at least `hits` of the last `of` count, or it was firing and one of them still does. `insufficient data`:
    the newest look, or so many of the last `of` that the rest cannot be `hits`, had too little. Else `ok`.

    Args:
        recent: of `counted`, one a round; those before the last `of` do not matter.
        hits: that make an alert.
        of: looks that are remembered.
        firing: whether it was firing before the newest look.
    """
    last = recent[-of:]
    many = sum(one is True for one in last)
    if many >= hits or (firing and many > 0):
        return "firing"
    told = sum(one is not None for one in last)
    return "insufficient data" if not last or last[-1] is None or told < hits else "ok"


def begins(counts: Bools, hits: int, of: int) -> Bools:
    """At which looks an alert begins, of many streams at once: [look, stream], as `state` has it.

    One that flickers is one alert: it is over when none of the last `of` looks counts.
    """
    padded = np.concatenate([np.zeros((of, counts.shape[1])), np.cumsum(counts, axis=0, dtype=np.float64)])
    found, firing = np.zeros(counts.shape, bool), np.zeros(counts.shape[1], bool)
    for at in range(len(counts)):
        many = padded[at + of] - padded[at]
        found[at] = ~firing & (many >= hits)
        firing = (firing | found[at]) & (many > 0)
    return found
