"""What is to be compared, from the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analytics.compared import Better, Metric, Options
from server.compare.directions import guessed
from server.compare.reading import ComparisonError, Table, numeric_columns, unknown


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    metrics: Sequence[str] = ()
    variant: str = "variant"
    item: str | None = None
    cluster: str | None = None
    failed: str | None = None
    slice: str | None = None
    lower: Sequence[str] = ()
    higher: Sequence[str] = ()
    ordinal: Sequence[str] = ()
    quantiles: Sequence[str] = ()
    ratios: Sequence[str] = ()
    margins: Sequence[str] = ()
    options: Options = field(default_factory=Options)


def metrics_of(table: Table, asked: Asked) -> list[Metric]:
    """What is to be compared: named columns, quantiles of columns, ratios.

    Raises:
        ComparisonError: a column is not there, nothing is to be compared, or a value is none.
    """
    found = _found(table, asked)
    if not found:
        taken = {asked.variant, asked.item or "item", asked.cluster, asked.slice, asked.failed}
        could = [name for name in numeric_columns(table) if name not in taken]
        raise ComparisonError(f"Name what to compare, such as --metric {(could or ['score'])[0]}. Columns of numbers: "
                              f"{', '.join(could) or 'none'}.")  # fmt: skip
    _check_directions(table, asked, found)
    margins = _margins(asked.margins, found)
    return [replace(one, better=_better(one, asked), margin=margins.get(one, margins.get(None))) for one in found]


def _found(table: Table, asked: Asked) -> list[Metric]:
    """In the order of the words; what is named twice is compared once."""
    names = [name for one in asked.metrics for name in _split(table, one)]
    bare: list[float | None] = [_quantile(one) for one in asked.quantiles if "=" not in one]
    quantiles = [_named(table, one) for one in asked.quantiles if "=" in one]
    ratios = [_ratio(table, one) for one in asked.ratios]
    found = [Metric(name, q=q, ordinal=name in asked.ordinal) for name in names for q in bare or [None]]
    found += [Metric(name, q=_quantile(text)) for name, text in quantiles]
    found += [Metric(over, per=under) for over, under in ratios]
    return list(dict.fromkeys(found))


def _check_directions(table: Table, asked: Asked, found: Sequence[Metric]) -> None:
    for name in (*asked.lower, *asked.higher, *asked.ordinal):
        if name not in {key for one in found for key in (one.column, one.name)}:
            table.column(name)
            raise ComparisonError(f"{name!r} is not compared. Compared are: {', '.join(map(label, found))}.")
    both = sorted({*asked.lower} & {*asked.higher})
    if both:
        raise ComparisonError(f"Of {both[0]!r} more or less is better, not both: leave one of the two options out.")


def label(metric: Metric) -> str:
    """The metric's name, with its quantile: a column may be compared by its mean and by a quantile."""
    return metric.name if metric.q is None else f"{metric.name} p{100 * metric.q:g}"


def _split(table: Table, told: str) -> list[str]:
    if told in table.columns:
        return [told]
    names = [name.strip() for name in told.split(",") if name.strip()]
    for name in names:
        table.column(name)
    return names


def _named(table: Table, told: str) -> tuple[str, str]:
    name, _, text = told.rpartition("=")
    table.column(name)
    return name, text


def _ratio(table: Table, told: str) -> tuple[str, str]:
    for at in (match.start() for match in re.finditer("/", told)):
        over, under = told[:at].strip(), told[at + 1 :].strip()
        if over in table.columns and under in table.columns:
            return over, under
    over, mark, under = (part.strip() for part in told.partition("/"))
    if not mark or not over or not under:
        raise ComparisonError(f"A ratio is two columns, such as cost/success, and {told!r} is not.")
    table.column(over)
    raise unknown(under, table.columns)


def _quantile(text: str) -> float:
    q = _float(text, "quantile")
    if not 0 < q < 1:
        raise ComparisonError(f"A quantile lies between 0 and 1, such as 0.95, and {text} does not.")
    return q


def _margins(told: Sequence[str], found: Sequence[Metric]) -> dict[Metric | None, float]:
    """By metric; null: of all others."""
    margins: dict[Metric | None, float] = {}
    for one in told:
        name, mark, text = one.rpartition("=")
        size = _float(text, "margin")
        if size <= 0:
            raise ComparisonError(f"A margin is above 0: the difference that does not matter, and {text} is not.")
        margins[_meant(name.strip(), text, found) if mark else None] = size
    return margins


def _meant(name: str, text: str, found: Sequence[Metric]) -> Metric:
    """What has this label; else the one quantile of a column of this name."""
    known = {label(one): one for one in found}
    if name in known:
        return known[name]
    same = [key for key, one in known.items() if one.column == name and one.q is not None]
    if len(same) > 1:
        raise ComparisonError(
            f"Say of which a margin is: --margin {same[0]!r}={text}. Compared are: {', '.join(known)}."
        )
    if not same:
        raise unknown(name, known)
    return known[same[0]]


def _float(text: str, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not np.isfinite(found):
        raise ComparisonError(f"A {what} is a number, and {text!r} is not.")
    return found


def _better(metric: Metric, asked: Asked) -> Better:
    keys = {metric.name} if metric.per else {metric.column, metric.name}
    if keys & set(asked.lower):
        return "lower"
    if keys & set(asked.higher):
        return "higher"
    return guessed(metric.column) or "higher"
