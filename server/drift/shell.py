"""What `assay drift` says, as objects and as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from analytics.drift import drift
from analytics.drifted import BY_RANKS, Drift, Gaps
from server.compare.reading import Table
from server.drift.asking import Asked, told
from server.evals.figures import counted, number

Row = dict[str, Any]
_SHOWN = 5  # categories in a sentence


def drifted(reference: Table, current: Table, asked: Asked) -> tuple[list[Drift], list[str]]:
    """Every column of two tables, and what was left out in words. Raises ComparisonError, as `asking.told`."""
    found = told(reference, current, asked)
    return drift(found.columns, found.clusters, found.options), [*found.asides, _thresholds(found.options.alpha)]


def _thresholds(alpha: float) -> str:
    return (
        f"Drift is an effect of the least size or more, with a p-value below {alpha:g} adjusted over all "
        "columns and their missing values (Benjamini-Hochberg)."
    )


def json_rows(found: Iterable[Drift], level: float) -> list[Row]:
    """One row a column: its fields in their order, then the level of intervals and its sentence."""
    return [asdict(one) | {"level": level, "sentence": " ".join(sentences(one, level))} for one in found]


def sentences(one: Drift, level: float) -> list[str]:
    """What is to be said of a column: of its values, and of rows without one where there are any."""
    said = [f"{one.column}: {_of_values(one, level)}"]
    if one.gaps is not None:
        said.append(f"{one.column}: {_of_gaps(one.gaps, level)}")
    return said


def _of_values(one: Drift, level: float) -> str:
    if one.verdict == "insufficient data":
        return f"insufficient data: {one.why}."
    what = {"rate": _rate, "numeric": _numeric, "categorical": _categorical, "embedding": _embedding}[one.type]
    head = "drift" if one.verdict == "drift" else "no drift found"
    return f"{head}: {what(one, level)}.{_small(one)}{_unseen(one)}"


def _rate(one: Drift, level: float) -> str:
    return f"the share {_went(one.reference, one.current, one.difference)} {_sure(one, level, scale=100)}"


def _went(reference: float | None, current: float | None, difference: float | None) -> str:
    if not difference:
        return f"stayed at {_percent(reference)}"
    side = "up" if difference > 0 else "down"
    return f"went from {_percent(reference)} to {_percent(current)}, {_points(difference)} {side}"


def _numeric(one: Drift, level: float) -> str:
    means = f"mean {number(one.reference)} to {number(one.current)}"
    alone = one.verdict == "no drift" and (one.ci_low or 0.0) * (one.ci_high or 0.0) > 0
    also = ": the mean alone may have moved, and its interval is not adjusted" if alone else ""
    how = f"by {number(one.effect)} standard deviations of the reference"
    if one.effect_name == BY_RANKS:
        how = f"by ranks as normal values do that move by {number(one.effect)} standard deviations"
    return (
        f"values moved {how} (KS D {number(one.statistic)}, "
        f"{_p(one.p_adjusted)}), {means}, a difference of {number(one.difference)}{_interval(one, level)}{also}"
    )


def _categorical(one: Drift, _level: float) -> str:
    moved = [f"{name} {gap * 100:+.1f} points" for name, gap in one.moved[:_SHOWN]]
    parts = [f"shares of categories are a Jensen-Shannon distance of {number(one.effect)} apart ({_p(one.p_adjusted)})"]
    parts += [f"most moved {', '.join(moved)}"] if moved else []
    parts += [f"new: {_names(one.new)}"] if one.new else []
    parts += [f"vanished: {_names(one.vanished)}"] if one.vanished else []
    return "; ".join(parts)


def _embedding(one: Drift, level: float) -> str:
    low, high = (None if end is None else end + 0.5 for end in (one.ci_low, one.ci_high))
    return (
        f"a classifier tells current from reference rows with an AUC of {number(one.statistic)} "
        f"({100 * level:.0f} % CI {number(low)} to {number(high)}, {_p(one.p_adjusted)})"
    )


def _of_gaps(gaps: Gaps, level: float) -> str:
    if gaps.verdict == "insufficient data" or gaps.difference is None:
        return f"insufficient data on rows without a value ({_percent(gaps.reference)} and {_percent(gaps.current)})."
    head = "drift" if gaps.verdict == "drift" else "no drift found"
    failed = gaps.failed_reference + gaps.failed_current
    also = f", {counted(failed, 'failed row')} among them" if failed else ""
    ends = "" if gaps.ci_low is None or gaps.ci_high is None else (
        f"{100 * level:.0f} % CI {gaps.ci_low * 100:.1f} to {gaps.ci_high * 100:.1f}, "
    )  # fmt: skip
    went = _went(gaps.reference, gaps.current, gaps.difference)
    return f"{head}: the share of rows without a value {went} ({ends}{_p(gaps.p_adjusted)}){also}."


def _small(one: Drift) -> str:
    """Of a change that is sure, and smaller than what is called drift."""
    if one.verdict == "drift" or one.p_adjusted is None or one.p_adjusted >= one.alpha:
        return ""
    return f" It is a change, and smaller than the least that is called drift, {number(one.min_effect)}."


def _unseen(one: Drift) -> str:
    if one.verdict == "drift" or one.mde is None or (one.p_adjusted or 1.0) < one.alpha:
        return ""
    return f" A change of {_points(one.mde)} would be found in 4 of 5 such samples."


def _sure(one: Drift, level: float, scale: float) -> str:
    if one.ci_low is None or one.ci_high is None:
        return f"({_p(one.p_adjusted)})"
    return f"({100 * level:.0f} % CI {one.ci_low * scale:.1f} to {one.ci_high * scale:.1f}, {_p(one.p_adjusted)})"


def _interval(one: Drift, level: float) -> str:
    if one.ci_low is None or one.ci_high is None:
        return ""
    return f" ({100 * level:.0f} % CI {number(one.ci_low)} to {number(one.ci_high)})"


def _p(p: float | None) -> str:
    return "p unknown" if p is None else f"adjusted p {p:.2g}"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.1f} %"


def _points(share: float) -> str:
    return f"{abs(share) * 100:.1f} points"


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
