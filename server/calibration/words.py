"""Sentences of a calibration card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.evals.figures import counted, number

Row = Mapping[str, Any]
_NAMES = {
    "judge_only": "the judge alone",
    "human_only": "labels alone",
    "ppi": "prediction-powered (PPI++)",
    "ppi_stratified": "prediction-powered by strata",
    "rogan_gladen": "Rogan-Gladen",
}
_TRUST = {
    "high": "Trust is high: kappa's whole interval lies at 0.6 or above.",
    "moderate": "Trust is moderate: kappa's interval lies at 0.4 or above, and reaches below 0.6.",
    "low": "Trust is low: kappa's whole interval lies below 0.4.",
    "unsure": "Trust is unsure: there are too few labels to say where kappa lies. Label more rows.",
}


def of_card(row: Row) -> Iterator[str]:
    """What the judge is worth, then rates as corrected, then what to do next."""
    name = row["slice"] or row["variant"] or "All rows"
    head = f"{name}: {counted(row['n_labelled'], 'labelled row')} of {row['n_rows']:,}"
    if not row["n_labelled"]:
        yield f"{head}: nothing is known of the judge here."
        return
    yield f"{head}."
    level = f"{row['level']:.0%}"
    if "sensitivity" in row:
        shares = ", ".join(
            f"{name} {_told(row[name], level if at == 0 else '')}"
            for at, name in enumerate(("sensitivity", "specificity", "agreement", "kappa"))
        )
        yield f"{shares[0].upper()}{shares[1:]}."
        yield _TRUST[row["trust"]]
    yield from _threshold(row.get("threshold"))
    yield from _biases(row)
    for one in row["estimates"]:
        yield _estimate(one, level, row["measure"])
    yield from _next(row)


def of_difference(row: Row) -> Iterator[str]:
    """What the second variant has more than the first."""
    yield f"{row['b']} less {row['a']}:"
    for one in row["estimates"]:
        yield _estimate(one, f"{row['level']:.0%}", f"difference of {row['measure']}s")


def _told(one: Row, level: str) -> str:
    if one["value"] is None:
        return "not defined"
    if one["ci_low"] is None:
        return number(one["value"])
    mark = f"{level} CI " if level else ""
    return f"{number(one['value'])} ({mark}{number(one['ci_low'])} to {number(one['ci_high'])})"


def _estimate(one: Row, level: str, what: str) -> str:
    weight = "" if one["lambda"] is None else f", with the judge weighted {one['lambda']:.2f}"
    why = "" if one["why"] is None else f": {one['why']}"
    return f"The {what} by {_NAMES[one['method']]} is {_told(one, level)}{weight}{why}."


def _threshold(best: Row | None) -> Iterator[str]:
    if best is not None and best["value"] is not None:
        yield (
            f"Yes fits people best from a score of {number(best['value'])} on ({number(best['ci_low'])} to "
            f"{number(best['ci_high'])}), where sensitivity and specificity add up to {number(1 + best['youden'])}."
        )


def _biases(row: Row) -> Iterator[str]:
    slope = row.get("length_bias")
    if slope is not None and slope["value"] is not None:
        leans = slope["ci_low"] > 0 or slope["ci_high"] < 0
        side = "leans to longer" if slope["value"] > 0 else "leans to shorter"
        ends = f"{number(slope['ci_low'])} to {number(slope['ci_high'])}"
        yield (
            f"The judge {side if leans else 'is not seen to lean to longer or shorter'} rows: log odds of its yes "
            f"change by {number(slope['value'])} for each doubling ({ends})."
        )
    found = row.get("position_bias")
    if found is not None:
        errors = ", ".join(f"{one['position']} {_told(one, '')}" for one in found["errors"])
        p = "" if found["p_value"] is None else f"; p {found['p_value']:.2g} of no difference"
        yield f"Judge less people by position: {errors}{p}."


def _next(row: Row) -> Iterator[str]:
    differ = row["labelled_differ"]
    if differ is not None and differ["differ"]:
        yield (
            f"The judge scores labelled rows {number(abs(differ['value']))} "
            f"{'higher' if differ['value'] > 0 else 'lower'} than the others (p {differ['p']:.2g}): they are no random "
            "sample, and corrected figures may be off. Label rows drawn at random, or name --strata."
        )
    plan = row.get("plan")
    if plan is None:
        return
    if plan["labels"] is None:
        yield f"An interval {number(plan['width'])} wide is not within reach: {plan['why']}."
        return
    yield (
        f"An interval {number(plan['width'])} wide takes {counted(plan['labels'], 'label')}, {plan['more']:,} more "
        f"than there are; without the judge it would take {plan['without_judge']:,}."
    )
