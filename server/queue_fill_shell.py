"""What `assay queue fill` is told, as the API takes it, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WIDTH = 70
Row = dict[str, Any]


class SourceError(ValueError):
    """Options that name no source, or two."""


@dataclass(frozen=True, slots=True)
class Told:
    """Options of the command; null and empty: not told."""

    where: Sequence[str] = ()
    unit: str | None = None
    score: Sequence[str] = ()
    evaluator: Sequence[str] = ()
    failed: bool = False
    below: float | None = None
    above: float | None = None
    label: str | None = None
    disagreement: bool = False
    alert: int | None = None
    beside: bool = False
    run: str | None = None
    compare: Sequence[str] = ()
    failing: bool = False
    dataset: str | None = None
    gold: Sequence[str] = ()
    side: Sequence[str] = ()
    trace: Sequence[str] = ()
    session: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    priority: float | None = None
    needed: int | None = None
    sample: Mapping[str, Any] = field(default_factory=dict)


def source(told: Told) -> Row:
    """`from` of `POST /api/queues/{name}/fill`.

    Raises:
        SourceError: two sources are told, or an option that the source does not have; names them.
    """
    sources = {
        "--alert": told.alert is not None, "--run": told.run is not None, "--compare": bool(told.compare),
        "--dataset": told.dataset is not None, "--trace or --session": bool(told.trace or told.session),
        "--score": bool(told.score),
    }  # fmt: skip
    named = [name for name, given in sources.items() if given]
    if len(named) > 1:
        raise SourceError(f"{' and '.join(named)} are different sources; name one, and fill again for the other.")
    made = _made(told, named[0] if named else "")
    _fits(told, str(made["kind"]))
    both = {"priority": told.priority, "needed": told.needed, "sample": dict(told.sample) or None}
    return made | {name: value for name, value in both.items() if value is not None}


def _made(told: Told, named: str) -> Row:
    if named == "--alert":
        return {"kind": "alert", "number": told.alert, "beside": told.beside}
    if named in {"--run", "--compare"}:
        return {"kind": "run", "run": told.run, "compare": list(told.compare), "rows": {"failing": told.failing}}
    if named == "--dataset":
        return {"kind": "dataset", "name": told.dataset, "gold": pairs(told.gold, "--gold"), "sides": list(told.side)}
    if named == "--trace or --session":
        spans = [one.partition("/") for one in told.trace]
        traces = [{"trace_id": trace, "span_id": span or None} for trace, _, span in spans]
        return {"kind": "targets", "targets": [*traces, *({"session_id": one} for one in told.session)]}
    return _traffic(told)


def _traffic(told: Told) -> Row:
    window = {"since": told.since, "until": told.until}
    shared = {"filter": pairs(told.where, "--where")} | {
        name: at.isoformat() for name, at in window.items() if at is not None
    }
    if told.disagreement:
        if not told.score:
            raise SourceError("--disagreement needs --score: the score that judges gave, or two that differ.")
        return {"kind": "disagreement", "scores": list(told.score), "evaluators": list(told.evaluator), **shared}
    if not told.score:
        return {"kind": "filter", "unit": told.unit or "trace", **shared}
    if len(told.score) > 1:
        raise SourceError("Two scores are a source with --disagreement; without it name one --score.")
    bounds = {"below": told.below, "above": told.above, "label": told.label, "unit": told.unit}
    given = {name: value for name, value in bounds.items() if value is not None}
    named = {"score": told.score[0], "evaluators": list(told.evaluator), "failed": told.failed}
    return {"kind": "score", **named, **given, **shared}


_OF = {
    "where": {"filter", "score", "disagreement"}, "since": {"filter", "score", "disagreement"},
    "until": {"filter", "score", "disagreement"}, "failed": {"score"}, "below": {"score"}, "above": {"score"},
    "label": {"score"}, "disagreement": {"disagreement"}, "beside": {"alert"}, "failing": {"run"}, "gold": {"dataset"},
    "side": {"dataset"}, "unit": {"filter", "score"}, "evaluator": {"score", "disagreement"},
}  # fmt: skip
"""The sources that an option is of."""


def _fits(told: Told, kind: str) -> None:
    for name, kinds in _OF.items():
        value = getattr(told, name)
        if value not in (None, False, (), []) and kind not in kinds:
            raise SourceError(f"--{name} is of a source by {' or '.join(sorted(kinds))}, and this one is by {kind}.")


def pairs(told: Sequence[str], option: str) -> dict[str, str]:
    """`name=value` as a mapping. Raises SourceError: one has no equals sign."""
    for one in told:
        if "=" not in one:
            raise SourceError(f"{option} {one!r} is no NAME=VALUE.")
    return dict(one.split("=", 1) for one in told)


def row(sample: Mapping[str, Any]) -> Row:
    """One sample of the items, as a table has it."""
    return {
        "item": _short(sample["title"]), "why": _short(sample["why"] or ""), "sampling": sample["sampling"],
        "weight": sample["weight"] or "unknown",
    }  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def refusals(done: Mapping[str, Any]) -> list[str]:
    """What cannot be put in, the first ones, with why."""
    return [f"{one['key']}: {one['why']}" for one in done["refusals"]]


def feed_row(feed: Mapping[str, Any]) -> Row:
    """One feed, as a table has it."""
    return {
        "looks for": feed["looks_for"], "today": feed["added_today"], "left out today": feed["left_out_today"],
        "in all": feed["added"], "a day": feed["per_day"] or "any number",
        "looked at": feed["looked_at"] or "not yet", "fault": feed["fault"] or "",
    }  # fmt: skip
