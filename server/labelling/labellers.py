"""Each labeller by the others and by gold: how often they agree, and whether that changed over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import intervals
from analytics.changes import change
from analytics.columns import Floats
from analytics.intervals import Estimate
from analytics.ratings import Codes, Ratings
from server.evals.figures import counted
from server.labelling import marked
from server.labelling.ratings import Answers, Labels

Row = dict[str, Any]
LEAST = 40  # labels that drift is told of; a fall from 90 to 50 % half way is found in 1 of 3, in 4 of 5 of 100 labels
ALPHA = 0.01  # chance that a labeller who does not change is told to: the false-alarm rate for each labeller
COURSE = 10  # means that are told of a course
POINTS = 120  # of a labeller's course that a change is sought in: more labels are taken together


def labellers(found: Labels, rated: Ratings | None, gold: Answers, decided: Answers) -> list[Row]:
    """One row a labeller, by name; see `GET /api/queues/{name}/agreement`.

    Args:
        found: labels of a field, those of gold items too.
        rated: the same as ratings; null: answers are no categories; of marks the overlap counts, of texts nothing.
        gold: right answers.
        decided: answers that were decided.
    """
    beside = _beside(found, rated, gold, decided)
    right = np.array([np.nan if (text := gold.get(number)) is None else float(said == text)
                      for number, said in zip(found.numbers.tolist(), found.answers, strict=True)])  # fmt: skip
    both = np.where(np.isnan(right), beside, right)
    rows = []
    for name in sorted(set(found.authors.tolist())):
        own = found.authors == name
        others = intervals.bounded_mean(beside[own & ~np.isnan(beside)]) if (own & ~np.isnan(beside)).any() else None
        moved = drift(both[own], found.saved_at[own])
        row: Row = {
            "author": name, "n": int(own.sum()), "gold": _gold(right[own]), "with_consensus": _shown(others),
            "drift": moved,
        }  # fmt: skip
        rows.append(row | {"sentence": sentence(row)})
    return rows


def _beside(found: Labels, rated: Ratings | None, gold: Answers, decided: Answers) -> Floats:
    if rated is not None:
        return closeness(found, rated, gold, decided)
    if found.field.kind == "spans":
        return marked.closeness(found)
    return np.full(found.size, np.nan)


def _gold(right: Floats) -> Row | None:
    known = right[~np.isnan(right)]
    if not known.size:
        return None
    hits = int(known.sum())
    return {"right": hits} | (_shown(intervals.rate(hits, known.size)) or {})


def _shown(one: Estimate | None) -> Row | None:
    return None if one is None else {"n": one.n, "value": one.value, "low": one.low, "high": one.high}


def closeness(found: Labels, rated: Ratings, gold: Answers, decided: Answers) -> Floats:
    """Of each label how near it is to what the others make of the item, from 0 to 1. NaN: there is none, or it is gold.

    What the others make of it: what was decided, else their most frequent label; a label among several that are as
    frequent counts in part. Of numbers it is one less the distance to the others' mean, over the range of all.
    """
    if not found.size:
        return np.zeros(0)
    many = rated.counts()[rated.items].astype(float)
    near = _near(rated, many) if rated.steps and found.field.kind == "numeric" else _voted(rated)
    known = np.array([decided.get(number, "") for number in found.numbers.tolist()], object)
    settled = known != ""
    near[settled] = (found.answers == known)[settled]
    near[(many < 2) & ~settled] = np.nan
    near[np.isin(found.numbers, np.fromiter(gold, np.intp, len(gold)))] = np.nan
    return near


def _near(rated: Ratings, many: Floats) -> Floats:
    assert rated.positions is not None  # noqa: S101 - of numbers there are some
    at = rated.positions[rated.labels]
    reach = float(np.ptp(at)) or 1.0
    others = (np.bincount(rated.items, at)[rated.items] - at) / np.maximum(many - 1, 1)
    return np.asarray(1 - np.abs(at - others) / reach)


def _voted(rated: Ratings) -> Floats:
    """By counts of (item, label) that occur: labels may be of many categories."""
    q = len(rated.categories)
    keys, place, votes = np.unique(rated.items * q + rated.labels, return_inverse=True, return_counts=True)
    place = place.ravel()
    item = keys // q
    starts = np.flatnonzero(np.concatenate([[True], item[1:] != item[:-1]]))
    of = np.cumsum(np.concatenate([[True], item[1:] != item[:-1]])) - 1
    top = np.maximum.reduceat(votes, starts)
    at_top = np.add.reduceat((votes == top[of]).astype(np.intp), starts)
    second = np.maximum.reduceat(np.where(votes < top[of], votes, 0), starts)
    at_second = np.add.reduceat((votes == second[of]).astype(np.intp), starts)
    mine, here = votes[place], of[place]
    highest, tied = top[here], at_top[here]
    alone = (mine == highest) & (tied == 1)  # without it another may lead
    left = mine - 1
    lead = np.where(alone, np.maximum(left, second[here]), highest)
    among = np.where(
        alone,
        np.where(left > second[here], 1, at_second[here] + (left == second[here])),
        np.where(mine == highest, tied - 1, tied),
    )
    return np.where((left == lead) & (left > 0), 1 / np.maximum(among, 1), 0.0)


def drift(near: Floats, saved_at: NDArray[np.datetime64]) -> Row:
    """Whether a labeller's agreement changed over time: the split of their labels that explains it best.

    Answers `verdict` (drift, no drift, insufficient data), `n` labels that can be held against something; with a
    verdict also `course` (means of ten equal parts), `p`, `at` with its interval `low` to `high` (times of labels),
    shares `before` and `after`.
    """
    there = ~np.isnan(near)
    order = np.argsort(saved_at[there], kind="stable")
    values, times = near[there][order], saved_at[there][order]
    told: Row = {"verdict": "insufficient data", "n": int(values.size), "least": LEAST, "false_alarm_rate": ALPHA}
    if values.size < LEAST:
        return told
    told["course"] = _taken_together(values, COURSE)[0].round(4).tolist()
    means, sizes, firsts = _taken_together(values, POINTS)
    found = change(means, sizes)
    if found is None:
        return told | {"verdict": "no drift", "p": 1.0}
    at, low, high = (times[firsts[place]].item() for place in (found.at, found.low, found.high))
    split = int(firsts[found.at])
    return told | {
        "verdict": "drift" if found.p <= ALPHA else "no drift", "p": found.p, "at": at, "low": low, "high": high,
        "before": float(values[:split].mean()), "after": float(values[split:].mean()), "n_before": split,
        "n_after": int(values.size) - split,
    }  # fmt: skip


def _taken_together(values: Floats, most: int) -> tuple[Floats, Floats, Codes]:
    """Means of neighbours, how many each is of, and the first of each."""
    groups = min(values.size, most)
    firsts = (np.arange(groups) * values.size) // groups
    sizes = np.diff(np.append(firsts, values.size)).astype(float)
    return np.add.reduceat(values, firsts) / sizes, sizes, firsts.astype(np.intp)


def sentence(row: Mapping[str, Any]) -> str:
    """How far a labeller agrees, and whether that changed."""
    parts = [f"{row['author']}: {counted(row['n'], 'label')}"]
    if (others := row["with_consensus"]) is not None:
        parts.append(f"with the others on {others['value']:.0%} of {counted(others['n'], 'item')}{_ends(others)}")
    if (gold := row["gold"]) is not None:
        parts.append(f"right on {gold['right']:,} of {counted(gold['n'], 'gold item')}{_ends(gold)}")
    return f"{', '.join(parts)}; {drift_words(row['drift'])}."


def drift_words(moved: Mapping[str, Any]) -> str:
    """What is known of a change."""
    if moved["verdict"] == "insufficient data":
        return (
            f"insufficient data to tell drift: {moved['n']:,} of {moved['least']} labels can be held against something"
        )
    if moved["verdict"] == "no drift":
        return f"no drift in {moved['n']:,} labels (p {_p(moved['p'])})"
    way = "less" if moved["after"] < moved["before"] else "more"
    return (
        f"agrees {way} since {moved['at']:%Y-%m-%d}: {moved['before']:.0%} before, {moved['after']:.0%} after "
        f"(p {_p(moved['p'])})"
    )


def _p(p: float) -> str:
    return "below 0.002" if p < 0.002 else f"{p:.2g}"  # of 500 draws no less can be told


def _ends(one: Mapping[str, Any]) -> str:
    return "" if one["low"] is None else f" ({one['low']:.0%} to {one['high']:.0%})"


def drifted(rows: Sequence[Row]) -> list[Row]:
    """Those who changed."""
    return [row for row in rows if row["drift"]["verdict"] == "drift"]
