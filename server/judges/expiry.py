"""Whether a card still holds: whether what was held against labels is what scores now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from collectors.normalise import NORMALISER_VERSION
from evaluators.errors import EvaluatorError
from server.judging import Files, bench

Row = dict[str, Any]
_OURS = frozenset({"llm", "code"})


@dataclass(frozen=True, slots=True)
class Now:
    """What would score at this moment."""

    installed: Mapping[str, str] = field(default_factory=dict)  # evaluator -> version of its card
    normaliser: int = NORMALISER_VERSION


def now(rulers: Sequence[Row], files: Files) -> Now:
    """The versions of evaluators that are installed, of those that scored here."""
    wanted = {one["evaluator"] for one in rulers if one["source"] in _OURS and one["scale"] is not None}
    try:
        known = bench(replace(files, cache=None))
        names = wanted & set(known.names())
    except EvaluatorError:  # the page of evaluators tells it
        return Now()
    found = {}
    for name in sorted(names):
        try:
            found[name] = known.maker(name).card.version
        except EvaluatorError:
            continue
    return Now(found)


def of(head: Mapping[str, Any], rulers: Sequence[Row], at: Now) -> Row | None:
    """Why the card no longer holds: `kind` (version, installed, normaliser), `now`, `sentence`; null: it does.

    `head`: score, evaluator, version, model, and normaliser (null: its scores do not tell it).
    """
    mine = [one for one in rulers if (one["name"], one["evaluator"]) == (head["score"], head["evaluator"])]
    newest = mine[-1] if mine else None
    own = _called(head["version"], head["model"])
    if newest is not None and newest["version"] != head["version"]:
        then = _called(newest["version"], newest["model"])
        return _told("version", newest["version"], f"Computed for version {own}; now scores are by {then}.")
    installed = at.installed.get(str(head["evaluator"]))
    if installed is not None and str(head["version"]).partition("+")[0] != installed:
        return _told("installed", installed, f"Computed for version {own}; the installed version is {installed}.")
    read = head.get("normaliser")
    if read is not None and read != at.normaliser:
        return _told(
            "normaliser", str(at.normaliser),
            f"Computed on traces as normaliser {read} read them; now it is normaliser {at.normaliser}.",
        )  # fmt: skip
    return None


def _called(version: object, model: object) -> str:
    return f"{version or 'unnamed'}" + (f" ({model})" if model else "")


def _told(kind: str, now_: str, sentence: str) -> Row:
    return {"kind": kind, "now": now_, "sentence": sentence}
