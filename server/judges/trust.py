"""How far a judge can be trusted, in one word and one sentence: what the badge beside its score says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.calibration import LEAST
from server.evals.figures import counted, number

Row = dict[str, Any]
WORDS = {
    "high": "high trust", "moderate": "moderate trust", "low": "low trust", "unsure": "trust unsure",
    "expired": "card expired", "none": "no labels",
}  # fmt: skip
_WHY = {
    "high": "the whole interval lies at 0.6 or above",
    "moderate": "the interval lies at 0.4 or above, and reaches below 0.6",
    "low": "the whole interval lies below 0.4",
    "unsure": "the interval reaches over a bound (0.4 or 0.6): label more",
}
_FEW = f"labels are fewer than {LEAST}: label more"


def badge(head: Mapping[str, Any]) -> Row:
    """`badge` (high moderate low unsure expired none) and `sentence` of a line with trust, kappa, n and expired."""
    word = str(head["trust"])
    if word != "none" and head.get("expired") is not None:
        return {"badge": "expired", "sentence": f"{head['expired']['sentence']} It was: {_sentence(head, word)}"}
    return {"badge": word, "sentence": _sentence(head, word)}


def _sentence(head: Mapping[str, Any], word: str) -> str:
    if word == "none":
        return "No person labelled what it scored, so that nothing is known of its errors."
    n, kappa = counted(int(head["n"]), "labelled item"), head.get("kappa")
    if not kappa or kappa["value"] is None:
        return f"Over {n} kappa with people is not defined: {(kappa or {}).get('why') or 'they say no yes or no'}."
    why = _FEW if word == "unsure" and int(head["n"]) < LEAST else _WHY[word]
    ends = "" if kappa["ci_low"] is None else f" ({number(kappa['ci_low'])} to {number(kappa['ci_high'])})"
    return f"Kappa with people is {number(kappa['value'])}{ends} over {n}; {why}."


def by_score(heads: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    """By score what stands beside it: of the ruler that scored last, else of an older one that met labels.

    `rulers`: the same by evaluator and version, a blank between, for scores that tell them.
    """
    found: dict[str, Row] = {}
    for score in sorted({str(one["score"]) for one in heads}):
        mine = sorted((one for one in heads if one["score"] == score), key=lambda one: str(one["last_at"]))
        met = [one for one in mine if one["n"]]
        if not met:
            continue
        told = mine[-1] if mine[-1]["n"] else met[-1]
        rulers = {f"{one['evaluator']} {one['version']}": _short(one) for one in met}
        found[score] = _short(told) | {"rulers": rulers}
    return found


def _short(head: Mapping[str, Any]) -> Row:
    return {name: head[name] for name in ("badge", "sentence", "n", "evaluator", "version", "label")}
