"""What is to be compared, from the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.compared import Better, Metric, Options
from server.compare.reading import ComparisonError, Table, numeric_columns, unknown

LOWER = frozenset(
    {
        *("latency", "duration", "ttft", "seconds", "ms", "time", "cost", "costs", "price", "usd", "tokens"),
        *("error", "errors", "failure", "failures", "hallucination", "hallucinations", "toxicity", "loss"),
    }
)
"""Words in a column's name of which less is better, where nobody says otherwise."""


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
    names = [name for one in asked.metrics for name in _split(table, one)]
    bare = [one for one in asked.quantiles if "=" not in one]
    quantiles = dict(_named(table, one) for one in asked.quantiles if "=" in one)
    ratios = [_ratio(table, one) for one in asked.ratios]
    q = None if not bare else _quantile(bare[-1])
    found = [Metric(name, q=q, ordinal=name in asked.ordinal) for name in names]
    found += [Metric(name, q=_quantile(text)) for name, text in quantiles.items()]
    found += [Metric(over, per=under) for over, under in ratios]
    if not found:
        could = [name for name in numeric_columns(table) if name not in {asked.variant, asked.item, asked.cluster}]
        raise ComparisonError(f"Name what to compare, such as --metric {(could or ['score'])[0]}. Columns of numbers: "
                              f"{', '.join(could) or 'none'}.")  # fmt: skip
    for name in (*asked.lower, *asked.higher, *asked.ordinal):
        if name not in {key for one in found for key in (one.column, one.name)}:
            table.column(name)
            raise ComparisonError(f"{name!r} is not compared. Compared are: {', '.join(one.name for one in found)}.")
    margins = _margins(asked.margins, found)
    return [
        Metric(one.column, _better(one, asked), one.per, one.q, one.ordinal, margins.get(one.name, margins.get("")))
        for one in found
    ]


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


def _margins(told: Sequence[str], found: Sequence[Metric]) -> dict[str, float]:
    margins = {}
    for one in told:
        name, mark, text = one.rpartition("=")
        if mark and name not in {metric.name for metric in found}:
            raise unknown(name, [metric.name for metric in found])
        margins[name] = _float(text, "margin")
        if margins[name] <= 0:
            raise ComparisonError(f"A margin is above 0: the difference that does not matter, and {text} is not.")
    return margins


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
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", metric.column).casefold())
    return "lower" if LOWER & set(words) else "higher"
