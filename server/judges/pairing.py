"""Scores of a judge beside what people say of the same targets, as rows that cards and corrections are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.columns import Bools, Floats
from analytics.prediction_powered import Rows
from server.calibration.asking import UNKNOWN, Pairs
from server.evals.figures import counted, number, verb
from server.judges.asking import CALIBRATED, Wanted
from server.judges.people import Said

HALF = 0.5
AS_TOLD = Wanted()


def labels_for(score: str, known: Sequence[str], fields: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of labels that say what people think of this score: those of fields that name it, then its own.

    `fields`: of queues by name, with the scores that each is for (none: that of its own name).
    """
    own = [score] if score in known and not fields.get(score) else []
    found = [*(name for name in sorted(fields) if score in fields[name] and name in known), *own]
    base = score.removesuffix(CALIBRATED)
    return found or ([] if base == score else labels_for(base, known, fields))


def met(people: Said, targets: NDArray[np.uint64], traces: NDArray[np.uint64], whole: Bools) -> NDArray[np.intp]:
    """Of each score the place of what people say of its target; -1: nothing.

    A label of a trace is also taken for the only score of its spans by this ruler, and a score of a trace meets the
    only label of its spans.
    """
    found = _places(people.targets, targets)
    taken = np.zeros(people.targets.size, np.bool_)
    taken[found[found >= 0]] = True
    _only(found, taken, (people.traces, people.whole), (traces, ~whole), of_people=True)
    _only(found, taken, (people.traces, ~people.whole), (traces, whole), of_people=False)
    return found


def _places(known: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Of each wanted one its place among those that are known, which are sorted; -1: it is not there."""
    if not known.size:
        return np.full(wanted.size, -1, np.intp)
    at = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    return np.where(known[at] == wanted, at, -1).astype(np.intp)


def columns(rows: pd.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Bools]:
    """target, trace and whole of rows, as `met` takes them."""
    return rows["target"].to_numpy(np.uint64), rows["trace"].to_numpy(np.uint64), rows["whole"].to_numpy(bool)


def _only(
    found: NDArray[np.intp], taken: Bools, theirs: tuple[NDArray[np.uint64], Bools],
    ours: tuple[NDArray[np.uint64], Bools], *, of_people: bool,
) -> None:  # fmt: skip
    """Joins what is left on both sides by trace, where the side with spans has one of it alone."""
    spans = ours if of_people else theirs
    names, counts = np.unique(spans[0][spans[1]], return_counts=True)
    single = names[counts == 1]
    free = np.flatnonzero(~taken & theirs[1] & np.isin(theirs[0], single))
    if not free.size:
        return
    first = free[np.unique(theirs[0][free], return_index=True)[1]]
    places = _places(theirs[0][first], ours[0])
    wanted = (found < 0) & ours[1] & (places >= 0) & np.isin(ours[0], single)
    found[wanted] = first[places[wanted]]
    taken[found[wanted]] = True


@dataclass(frozen=True, slots=True)
class Lines:
    """From where on judge and people say yes, and in which words that is told."""

    judge_from: float | None = None  # null: the judge says no yes or no
    people_from: float | None = None
    positive: str | None = None  # the word that is a yes, of labels in words
    turned: bool = False  # people's numbers are turned round, as the other end is better for them
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Rows of a judge with people's labels, and what was left out."""

    pairs: Pairs
    lines: Lines
    kept: Bools  # of the rows those that are in `pairs`: they have a number, and were no examples of the judge's
    places: NDArray[np.intp]  # of each row in what people say; -1: nothing that counts
    left_out: Mapping[str, int]  # labels: tied, examples, chosen, unscored
    notes: Sequence[str] = field(default_factory=tuple)


def joined(
    rows: pd.DataFrame, people: Said, scale: Mapping[str, Any], wanted: Wanted = AS_TOLD, by: str | None = None
) -> Joined:
    """The rows of a ruler with what people say of them.

    Args:
        rows: target, trace, whole, cluster, value, label, and example, and what slices and leanings are of, where these
            are there.
        people: under one name.
        scale: of the judge, as its scores keep it.
        wanted: threshold and word of a yes.
        by: a column of rows.
    """
    places = met(people, *columns(rows))
    reached = _many(places)
    shown = rows["example"].to_numpy(bool) if "example" in rows else np.zeros(len(rows), np.bool_)
    examples = _many(places[shown])
    places = np.where(shown, -1, places).astype(np.intp)
    drawn = (places >= 0) & _at(people.chosen, places, fill=False)
    chosen = _many(places[drawn])
    if not wanted.chosen:
        places = np.where(drawn, -1, places).astype(np.intp)
    human, judge, lines = _numbers(rows, people, places, scale, wanted)
    human_yes = _yes(human, lines.people_from)
    judge_yes = None if human_yes is None else _yes(judge, lines.judge_from)
    kept = ~np.isnan(judge) & ~shown
    codes = rows["cluster"].to_numpy(np.uint64)
    clusters = np.unique(codes, return_inverse=True)[1].astype(np.intp)
    drawn_by, names = _strata(rows, people)
    told = Pairs(
        Rows(human if human_yes is None else human_yes, np.nan_to_num(judge), clusters), judge_yes, human_yes,
        bool(np.unique(clusters).size < clusters.size), drawn_by, names, _columns(rows, by), _lengths(rows),
    )  # fmt: skip
    left = {
        "tied": people.tied, "examples": examples, "chosen": 0 if wanted.chosen else chosen,
        "unscored": people.targets.size - reached,
    }  # fmt: skip
    return Joined(told.of(kept), lines, kept, places[kept], left, (*lines.notes, *_left(left, people, wanted, chosen)))


def _many(places: NDArray[np.intp]) -> int:
    """How many labels are met."""
    return int(np.unique(places[places >= 0]).size)


def _numbers(
    rows: pd.DataFrame, people: Said, places: NDArray[np.intp], scale: Mapping[str, Any], wanted: Wanted
) -> tuple[Floats, Floats, Lines]:
    """What both say as numbers, with the lines from which these are a yes."""
    there = places >= 0
    value = rows["value"].to_numpy(np.float64)
    said = np.where(there, _at(people.value, places, fill=np.nan), np.nan)
    words = pd.Series(_at(people.word, places, fill=None)).where(there)
    if wanted.positive is not None or (bool(there.any()) and bool(np.isnan(said[there]).all())):
        return _worded(rows, words, scale, wanted, there)
    turned = _turned(people.scale, scale)
    if turned:
        low, high = _ends(people.scale, said)
        said = low + high - said
    scales = people.scale, scale
    own = _own_line(rows, scale)
    lines = _lines(said[there], value[~np.isnan(value)], scales, wanted, turned=turned, own=own)
    return said, value, lines


def _at(column: NDArray[Any], places: NDArray[np.intp], *, fill: Any) -> NDArray[Any]:
    """Of each place what stands there; where nothing does, anything."""
    return column[places] if column.size else np.full(places.size, fill, column.dtype)


def _worded(
    rows: pd.DataFrame, words: pd.Series, scale: Mapping[str, Any], wanted: Wanted, there: Bools
) -> tuple[Floats, Floats, Lines]:
    """Labels in words: a yes is the word that is named, else the best of the judge's own, else the most frequent."""
    known, value = words[there].dropna(), rows["value"].to_numpy(np.float64)
    own = [str(one) for one in scale.get("labels") or ()]
    positive = wanted.positive or next((one for one in reversed(own) if (known == one).any()), None)
    positive = positive or (str(known.mode().iloc[0]) if len(known) else None)
    human = np.where(there, (words == positive).to_numpy(np.float64), np.nan)
    said = rows["label"]
    note = f"Yes is the label {positive!r}, of people and of the judge."
    if bool(said.notna().any()) and bool((said == positive).any()):
        judged = np.where((said == positive).to_numpy(), 1.0, 0.0)
        return human, judged, Lines(HALF, HALF, positive, notes=(note,))
    line = _middle(scale, value) if wanted.threshold is None else wanted.threshold
    of_judge = "" if line is None else f", and a score of {number(line)} or more of the judge"
    said_so = f"Yes is the label {positive!r} of people{of_judge}."
    return human, value, Lines(line, HALF, positive, notes=(said_so,))


def _lines(
    said: Floats, value: Floats, scales: tuple[Mapping[str, Any], Mapping[str, Any]], wanted: Wanted, *, turned: bool,
    own: float | None,
) -> Lines:  # fmt: skip
    notes, (theirs, scale) = [], scales
    people_from = HALF if _binary(said) else _middle(theirs, said, guess=False)
    if people_from is None:
        notes.append(
            "People's labels are numbers without a scale: neither sensitivity nor kappa is told. Give labels a scale."
        )
    elif not _binary(said):
        notes.append(f"People say yes from {number(people_from)} on, the middle of their scale.")
    judge_from, how = wanted.threshold, "as asked"
    if judge_from is None and own is not None:
        judge_from, how = own, "by its own labels"
    elif judge_from is None:
        judge_from, how = HALF if _binary(value) else _middle(scale, value), "the middle of its scale"
    if not _binary(value) and judge_from is not None:
        notes.append(f"The judge says yes from {number(judge_from)} on, {how}.")
    if turned:
        notes.append("People's labels are turned round: higher is better for one side, and lower for the other.")
    return Lines(judge_from, people_from, None, turned, tuple(notes))


def _own_line(rows: pd.DataFrame, scale: Mapping[str, Any]) -> float | None:
    """Of a judge with two labels the number that parts them; null: it has others, or they overlap."""
    words = [str(one) for one in scale.get("labels") or ()]
    if len(words) != 2 or not rows["label"].notna().any():
        return None
    upper = words[0] if scale.get("better") == "lower" else words[1]
    above = rows["value"][rows["label"] == upper].min()
    below = rows["value"][rows["label"].isin(words) & (rows["label"] != upper)].max()
    return float((above + below) / 2) if below < above else None


def _binary(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _ends(scale: Mapping[str, Any], values: Floats) -> tuple[float, float]:
    low, high = _bounds(scale)
    known = values[~np.isnan(values)]
    if low is None or high is None:
        return (0.0, 1.0) if _binary(known) or not known.size else (float(known.min()), float(known.max()))
    return low, high


def _middle(scale: Mapping[str, Any], values: Floats, *, guess: bool = True) -> float | None:
    """Of the scale; without one that of 0 to 1, where all values lie within (and a guess will do)."""
    low, high = _bounds(scale)
    if low is not None and high is not None:
        return (low + high) / 2
    known = values[~np.isnan(values)]
    within = bool(((known >= 0) & (known <= 1)).all())
    return HALF if guess and within else None


def _bounds(scale: Mapping[str, Any]) -> tuple[float | None, float | None]:
    told = [scale.get(name) for name in ("low", "high")]
    low, high = (float(one) if isinstance(one, int | float) and np.isfinite(one) else None for one in told)
    return low, high


def _turned(theirs: Mapping[str, Any], scale: Mapping[str, Any]) -> bool:
    ends = {theirs.get("better"), scale.get("better")}
    return ends == {"higher", "lower"}


def _yes(values: Floats, line: float | None) -> Floats | None:
    return None if line is None else np.where(np.isnan(values), np.nan, (values >= line).astype(float))


def _columns(rows: pd.DataFrame, by: str | None) -> dict[str, NDArray[Any]]:
    told = {"by": by, "position": "position" if "position" in rows and rows["position"].notna().any() else None}
    return {name: _named(rows[column]) for name, column in told.items() if column is not None and column in rows}


def _named(column: pd.Series) -> NDArray[Any]:
    return column.astype(object).where(column.notna(), UNKNOWN).to_numpy(object)


def _strata(rows: pd.DataFrame, people: Said) -> tuple[NDArray[np.intp] | None, Sequence[str]]:
    """Of labels that were drawn within the values of a dimension which rows have; null: they were not."""
    if people.sampled_by is None or people.sampled_by not in rows:
        return None, ()
    return strata(rows[people.sampled_by])


def strata(column: pd.Series) -> tuple[NDArray[np.intp], list[str]]:
    """Of each row the place of its value among the names of all, which are sorted."""
    codes, names = pd.factorize(_named(column), sort=True)
    return codes.astype(np.intp), [str(name) for name in names]


def _lengths(rows: pd.DataFrame) -> Floats | None:
    if "output_tokens" not in rows or not rows["output_tokens"].notna().any():
        return None
    return rows["output_tokens"].to_numpy(dtype=np.float64, na_value=np.nan)


def _left(left: Mapping[str, int], people: Said, wanted: Wanted, chosen: int) -> list[str]:
    notes = []
    if left["tied"]:
        notes.append(
            f"{counted(left['tied'], 'item')} on which people are tied {verb(left['tied'], 'is', 'are')} left out: "
            "decide them on Agreement."
        )
    if left["examples"]:
        notes.append(
            f"Left out: {counted(left['examples'], 'labelled item')} that the judge was shown as "
            f"{verb(left['examples'], 'an example', 'examples')}: it was told what people said there."
        )
    if left["chosen"]:
        notes.append(
            f"Left out: {counted(left['chosen'], 'labelled item')} drawn as most informative, as judges were unsure, "
            "or by a score: the judge errs on them more, or less, often than elsewhere."
        )
    elif chosen and wanted.chosen:
        notes.append(
            f"{counted(chosen, 'labelled item')} drawn as most informative, or by what was scored, "
            f"{verb(chosen, 'is', 'are')} in the figures: they make the judge look other than it is, and rates are of "
            "no random sample."
        )
    if people.sampled_by is not None:
        notes.append(f"Items were drawn within each {people.sampled_by}: prefer the estimate by strata.")
    return notes
