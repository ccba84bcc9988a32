"""What a queue could be filled with: candidates in the order of a draw, and how many match in all.

Candidates are narrow: ids, what tells them apart, what judges said. No text is read to find them, but of runs and
datasets, whose rows are one text each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from math import inf, nextafter
from typing import Any
from uuid import UUID

import orjson

from server.aside import Ask
from server.core import EPOCH
from server.labelling.content import Content
from server.labelling.showing import Target
from server.labelling.wishes import Named, OfDisagreement, OfFilter, OfScore, OfTargets, Sample, Traffic
from server.when import utc, utc_now
from store.queries.queues_filled import MOST_DRAWN

_SEEN = 50  # scores that a scale is read from
_UNITS = {"trace": "traces", "call": "model calls", "session": "sessions"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What one judge said of a candidate."""

    judge: str  # the score, and behind `by` the evaluator
    value: float | None = None
    label: str | None = None
    error: str | None = None  # set: it failed
    confidence: float | None = None  # as it told it, 0 to 1
    threshold: float | None = None

    def words(self) -> str:
        """`correct by strict says 0.4 (no)`."""
        if self.error is not None:
            return f"{self.judge} failed: {self.error}"
        told = [f"{self.value:.4g}"] if self.value is not None else []
        told += [self.label] if self.label is not None and self.label != "".join(told) else []
        return f"{self.judge} says {' '.join(told) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could become an item."""

    target: Target | None  # null: nothing that is stored as spans
    key: str | None = None  # by which it is found again where it has no target
    stratum: str | None = None
    total: int = 0  # how many its stratum has; without strata, how many match
    said: Sequence[Said] = ()
    why: str = ""
    content: Content | None = None  # null: made of the target's spans
    attributes: Mapping[str, str] = field(default_factory=dict)
    gold: Mapping[str, Any] | None = None
    must: bool = False  # named by somebody, so taken whatever is drawn, and no part of a sample


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates in the order of a draw."""

    candidates: Sequence[Candidate]
    matching: int  # in all, of which the candidates may be a part
    what: str  # in words: `traces that match service=shop`
    refused: Sequence[Row] = ()  # key and why
    notes: Sequence[str] = ()


def traffic(ask: Ask, wish: Traffic, sample: Sample, scores: Sequence[str]) -> Found:
    """Candidates among what is stored.

    Args:
        ask: named queries of the project.
        wish: which.
        sample: how they will be drawn: with strata or judges more candidates are looked at than are taken.
        scores: of judges, where the sample looks at any.
    """
    pool = MOST_DRAWN if sample.method in {"stratified", "informative", "weighted"} else sample.most
    if isinstance(wish, OfFilter) and not (sample.judged and scores):
        return _drawn(ask, wish, sample, pool)
    return _scored(ask, wish, sample, pool, scores)


def window(wish: Traffic) -> tuple[datetime, datetime]:
    """From when on, and until when, traces are looked for; as the store holds times."""
    until = utc_now() + timedelta(days=1) if wish.until is None else utc(wish.until)
    return EPOCH if wish.since is None else utc(wish.since), until


def _place(wish: Traffic, sample: Sample, pool: int) -> Row:
    since, until = window(wish)
    filters = {name: value for name, value in wish.filter.items() if value is not None}
    return {"since": since, "until": until, "by": sample.by, "seed": sample.seed, "pool": pool, **filters}


def _drawn(ask: Ask, wish: OfFilter, sample: Sample, pool: int) -> Found:
    rows = ask("queue_drawn", **_place(wish, sample, pool), unit=wish.unit).to_pylist()
    what = f"{_UNITS[wish.unit]}{matching_words(wish)}"
    found = [
        Candidate(_target(row), None, row["stratum"], row["total"], why=f"One of the {what}.") for row in rows
    ]  # fmt: skip
    return Found(found, _matching(found), what)


def _matching(found: Iterable[Candidate]) -> int:
    """Strata are told whole by each of their candidates."""
    return sum({one.stratum: one.total for one in found}.values())


def _target(row: Mapping[str, Any], *, whole: bool = False) -> Target:
    if row["session_id"] is not None:
        return Target(UUID(row["trace_id"]), None, row["session_id"])
    span = None if row["span_id"] is None or whole else int(row["span_id"], 16)
    return Target(UUID(row["trace_id"]), span)


def matching_words(wish: Traffic) -> str:
    """` that match service=shop, from 2026-11-01 00:00 on`; '' where all are meant."""
    filters = [f"{name}={value}" for name, value in wish.filter.items() if value is not None]
    since, until = (at and f"{utc(at):%Y-%m-%d %H:%M}" for at in (wish.since, wish.until))
    told = [f"that match {', '.join(filters)}"] if filters else []
    told += [f"from {since} on"] if since else []
    told += [f"before {until}"] if until else []
    return f" {' '.join(told)}" if told else ""


# By what evaluators said.


def _scored(ask: Ask, wish: Traffic, sample: Sample, pool: int, scores: Sequence[str]) -> Found:
    names = names_of(wish, scores)
    evaluators = _evaluators(wish, sample)
    place = _place(wish, sample, pool)
    told = wish.threshold if isinstance(wish, OfDisagreement) and wish.threshold is not None else sample.threshold
    lines = {name: _line(ask, place, name, told) for name in names}
    bounds = _bounds(wish) if isinstance(wish, OfScore) else {}
    if isinstance(wish, OfScore) and (others := [name for name in names if name != wish.score]):
        return _of_both(ask, wish, place, lines, evaluators, others)
    rows = ask(
        "queue_scored", **place, names=names, thresholds=[lines[name] for name in names], evaluators=evaluators,
        apart=isinstance(wish, OfDisagreement), **bounds,
    ).to_pylist()  # fmt: skip
    return _found(wish, _unit(wish, rows), lines)


def _of_both(  # noqa: PLR0917 - what the one question is made of
    ask: Ask, wish: OfScore, place: Row, lines: Mapping[str, float], evaluators: list[str] | None, others: Sequence[str]
) -> Found:
    """Bounds are of the source's score alone; what others said of the same targets is put beside it."""
    own = ask("queue_scored", **place, names=[wish.score], evaluators=evaluators, **_bounds(wish)).to_pylist()
    more = ask(
        "queue_scored", **place, names=list(others), thresholds=[lines[name] for name in others], evaluators=evaluators
    ).to_pylist()
    known = {_key(row): {name: row[name] for name in ("place", "total", "stratum")} for row in own}
    beside = [row | known[_key(row)] for row in more if _key(row) in known]
    rows = sorted([*own, *beside], key=lambda row: row["place"])
    return _found(wish, _unit(wish, rows), lines)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["trace_id"], row["span_id"], row["session_id"]


def names_of(wish: Traffic, scores: Sequence[str]) -> list[str]:
    """The scores that are looked at: the source's own first."""
    own = wish.scores if isinstance(wish, OfDisagreement) else (wish.score,) if isinstance(wish, OfScore) else ()
    return list(dict.fromkeys([*own, *scores]))


def _evaluators(wish: Traffic, sample: Sample) -> list[str] | None:
    told = wish.evaluators if isinstance(wish, OfScore | OfDisagreement) else ()
    return list(told or sample.evaluators) or None


def _bounds(wish: OfScore) -> Row:
    """Half-open bounds as closed ones: the next number below, and above."""
    least = None if wish.above is None else nextafter(wish.above, inf)
    most = None if wish.below is None else nextafter(wish.below, -inf)
    told = {"at_least": least, "at_most": most, "label": wish.label, "failed": True if wish.failed else None}
    return {name: value for name, value in told.items() if value is not None}


def _line(ask: Ask, place: Row, name: str, told: float | None) -> float:
    """From which value on a score of this name says yes: as told, else the middle of its scale, else of its values."""
    if told is not None:
        return told
    seen = ask("queue_scored", **{**place, "by": None, "pool": _SEEN}, names=[name]).to_pylist()
    for row in seen:
        scale = orjson.loads(row["scale"]) if row["scale"] else {}
        if scale.get("low") is not None and scale.get("high") is not None:
            return float(scale["low"] + scale["high"]) / 2
    values = [row["value"] for row in seen if row["value"] is not None]
    return 0.5 if not values or (min(values) >= 0 and max(values) <= 1) else (min(values) + max(values)) / 2


def _unit(wish: Traffic, rows: list[Row]) -> list[Row]:
    """Of calls that were scored their whole traces, where the wish says so."""
    whole = isinstance(wish, OfScore | OfDisagreement) and wish.unit == "trace"
    return [{**row, "span_id": None} if whole else row for row in rows]


def _found(wish: Traffic, rows: Sequence[Row], lines: Mapping[str, float]) -> Found:
    what = f"{_what(wish)}{matching_words(wish)}"
    found: dict[Target, Candidate] = {}
    scored: Counter[str | None] = Counter()
    for _, group in groupby(rows, key=lambda row: row["place"]):
        told = list(group)
        scored[told[0]["stratum"]] += 1
        said = [_said(row, lines[row["name"]]) for row in told]
        target, why = _target(told[0]), _why(wish, said) or f"One of the {what}."
        found.setdefault(target, Candidate(target, None, told[0]["stratum"], told[0]["total"], said, why))
    whole = _of_traces(list(found.values()), scored)
    return Found(whole, _matching(whole), what, notes=_part(rows))


def _of_traces(found: Sequence[Candidate], scored: Mapping[str | None, int]) -> list[Candidate]:
    """Totals count what was scored; where several calls of a trace are one candidate, as many fewer."""
    there = Counter(one.stratum for one in found)
    return [replace(one, total=round(one.total * there[one.stratum] / scored[one.stratum])) for one in found]


def _part(rows: Sequence[Row]) -> list[str]:
    """That only a part of the scores was looked at, where that is so."""
    looked = rows[0]["looked"] if rows else 1.0
    if looked >= 1:
        return []
    return [f"Scores are many: {looked:.1%} of them were looked at, drawn by hash, and how many match is about right."]


def _what(wish: Traffic) -> str:
    if isinstance(wish, OfDisagreement):
        return f"targets of which {_listed(wish.scores)} {'differs' if len(wish.scores) == 1 else 'differ'}"
    if not isinstance(wish, OfScore):
        return "targets that judges scored"
    if wish.failed:
        return f"targets of which score {wish.score} failed"
    bounds = [f"is below {wish.below:g}"] if wish.below is not None else []
    bounds += [f"is above {wish.above:g}"] if wish.above is not None else []
    bounds += [f"is {wish.label!r}"] if wish.label is not None else []
    return f"targets whose score {wish.score} {' and '.join(bounds) or 'is there'}"


def _why(wish: Traffic, said: Sequence[Said]) -> str:
    if isinstance(wish, OfDisagreement):
        return f"Judges differ: {'; '.join(one.words() for one in said)}."
    if isinstance(wish, OfScore):
        own = [one for one in said if one.judge.split(" by ")[0] == wish.score]
        return f"{'; '.join(one.words() for one in own)}."
    return ""


def _said(row: Mapping[str, Any], line: float) -> Said:
    name = row["name"] if row["evaluator"] in {None, row["name"]} else f"{row['name']} by {row['evaluator']}"
    return Said(name, row["value"], row["label"], row["error_type"], _share(row["confidence"]), line)


def _share(told: Any) -> float | None:
    """A confidence that was recorded, where it is one."""
    try:
        number = float(told)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 else None


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# What is named.


def target_of(one: Named) -> Target:
    """What somebody names."""
    return Target(one.trace_id, None if one.span_id is None else int(one.span_id, 16), one.session_id)


def named(wish: OfTargets) -> Found:
    """The targets that a person chose, in their order, each once."""
    targets = [target_of(one) for one in wish.targets]
    found = [Candidate(one, total=1, why="Chosen by hand.", must=True) for one in dict.fromkeys(targets)]
    return Found(found, len(found), "targets that were named")
