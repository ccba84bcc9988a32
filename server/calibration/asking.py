"""A file of pairs of judge and person, and the words of the command line, brought to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.columns import Bools, Floats
from analytics.intervals import LEVEL
from analytics.prediction_powered import Rows
from analytics.ratings import Codes
from server.compare.reading import ComparisonError, Table, labels, numbers
from server.evals.figures import counted, verb

UNKNOWN = "unknown"
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    item: str = "item"
    judge: str = "judge"
    human: str = "human"
    positive: str | None = None  # the label that is a yes, of labels in words
    threshold: float | None = None  # a score of the judge from which it says yes
    human_threshold: float | None = None
    cluster: str | None = None
    by: str | None = None
    strata: str | None = None
    variant: str | None = None
    length: str | None = None
    position: str | None = None
    width: float | None = None  # of the interval that is planned for
    tuned: float | None = None  # the judge's weight; null: the best
    normal: bool = False
    seed: int = 0
    level: float = LEVEL


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Rows that have a score of the judge. `yes` columns are 1, 0 or NaN; null: scores say no yes or no."""

    rows: Rows
    judge_yes: Floats | None
    human_yes: Floats | None
    grouped: bool  # whether some cluster has several rows
    strata: Codes | None
    strata_names: Sequence[str]
    columns: dict[str, NDArray[Any]]  # of names: by, variant, position; null is `unknown`
    lengths: Floats | None

    def of(self, kept: Bools) -> Pairs:
        """The rows where `kept` is true."""
        return replace(
            self, rows=self.rows.of(kept),
            judge_yes=None if self.judge_yes is None else self.judge_yes[kept],
            human_yes=None if self.human_yes is None else self.human_yes[kept],
            grouped=bool(self.rows.clusters[kept].size > np.unique(self.rows.clusters[kept]).size),
            strata=None if self.strata is None else self.strata[kept],
            columns={name: cells[kept] for name, cells in self.columns.items()},
            lengths=None if self.lengths is None else self.lengths[kept],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the file says."""

    pairs: Pairs
    asides: Sequence[str]  # what was left out, and what is not told, in words


def told(table: Table, asked: Asked) -> Told:
    """The rows of a table.

    Raises:
        ComparisonError: a column is not there, or has cells that are neither numbers nor yes and no; no row is of both.
    """
    judge, human = _scores(table, asked.judge, asked.positive), _scores(table, asked.human, asked.positive)
    kept = ~np.isnan(judge)
    asides = []
    if not kept.all():
        lost = int((~kept).sum())
        asides.append(f"{counted(lost, 'row')} without a score of the judge {verb(lost, 'is', 'are')} left out.")
    if not (kept & ~np.isnan(human)).any():
        raise ComparisonError(
            f"No row has both a value in {asked.judge!r} and one in {asked.human!r}: label some rows first."
        )
    judge_yes, human_yes = _decided(judge, human, kept, asked, asides)
    strata, names = _strata(table, asked)
    columns = {
        name: np.array([UNKNOWN if one is None else one for one in labels(table.column(column))], object)
        for name, column in (("by", asked.by), ("variant", asked.variant), ("position", asked.position))
        if column is not None
    }
    lengths = None if asked.length is None else numbers(table, asked.length)[0]
    told_human = human if human_yes is None else human_yes
    pairs = Pairs(
        Rows(told_human, judge, _clusters(table, asked)), judge_yes, human_yes, False, strata, names, columns, lengths
    )
    return Told(pairs.of(kept), asides)


def _scores(table: Table, name: str, positive: str | None) -> Floats:
    """Numbers, yes-or-no words as 1 and 0, or whether a label is the positive one; NaN where there is none."""
    if positive is not None:
        cells = labels(table.column(name))
        if any(cell == positive for cell in cells):
            return np.array([np.nan if cell is None else float(cell == positive) for cell in cells])
    try:
        values, _ = numbers(table, name)
    except ComparisonError as error:
        hint = "name the one that is yes: --positive good" if positive is None else f"--positive {positive} is in none"
        raise ComparisonError(f"{error} Of labels in words, {hint}.") from error
    return values


def _decided(
    judge: Floats, human: Floats, kept: Bools, asked: Asked, asides: list[str]
) -> tuple[Floats | None, Floats | None]:
    """The judge's and people's yes or no; null for both where one of them says none."""
    human_yes = _yes(human, asked.human_threshold)
    if human_yes is None:
        asides.append(
            f"Column {asked.human!r} is not of yes and no: no sensitivity, specificity, kappa or threshold is told. "
            "Name the score that is a yes by --human-threshold."
        )
        return None, None
    judge_yes = _yes(judge, asked.threshold)
    if judge_yes is None:
        known = judge[kept]
        if known.min() < 0 or known.max() > 1:
            asides.append(
                f"Column {asked.judge!r} is neither of yes and no nor from 0 to 1: no sensitivity or kappa "
                "is told. Name the score that is a yes by --threshold."
            )
            return None, human_yes
        asides.append(f"The judge says yes from a score of {_HALF} on: --threshold says otherwise.")
        judge_yes = _yes(judge, _HALF)
    return judge_yes, human_yes


def _yes(values: Floats, threshold: float | None) -> Floats | None:
    there = ~np.isnan(values)
    if threshold is None:
        return values if bool(np.isin(values[there], (0.0, 1.0)).all()) else None
    return np.where(there, (values >= threshold).astype(float), np.nan)


def _clusters(table: Table, asked: Asked) -> Codes:
    """Of the column that is named, else of items; a row without either is its own."""
    column = asked.cluster or (asked.item if asked.item in table.columns else None)
    if column is None:
        return np.arange(len(table.places))
    cells = [f"\0{at}" if cell is None else cell for at, cell in enumerate(labels(table.column(column)))]
    return pd.factorize(np.array(cells, object))[0].astype(np.intp)


def _strata(table: Table, asked: Asked) -> tuple[Codes | None, Sequence[str]]:
    if asked.strata is None:
        return None, ()
    cells = [UNKNOWN if cell is None else cell for cell in labels(table.column(asked.strata))]
    codes, names = pd.factorize(np.array(cells, object), sort=True)
    return codes.astype(np.intp), [str(name) for name in names]
