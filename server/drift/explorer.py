"""Two groups of calls, signal by signal: what moved first, how sure that is, and what could not be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analytics import drift, embedded
from analytics.drifted import Drift, Options
from server.aside import Ask
from server.drift.groups import SCORES, Asked, Group
from server.drift.shell import sentences
from server.evals.figures import counted, number
from server.monitors.marks import MOST as MOST_MARKS
from server.monitors.marks import marks
from server.monitors.sampled import OtherRulerError, Sampled, Wanted, paired, sampled
from server.monitors.saying import both, percent
from server.monitors.sides import sides
from server.monitors.signals import SIGNALS, Signal
from server.monitors.slicing import ROWS, Side, codes_of

OF_TEXTS = 800  # rows a side of what is read text by text: 5 ms each
READ = frozenset(
    {"refusal_rate", "input_length", "output_length", "language", "topics", "input_embedding", "output_embedding"}
)
POINTS = 400  # of the map, a side
LETTERS = 160
LEVEL = 0.95
SETTLED = 0.05  # p-values above it, as above alpha, are told by fewer draws: they are no drift either way
NAMED = 5  # signals in the sentence
_MANY = frozenset({"tag", "score"})  # filters of which a call may have several values
_NAME = 60  # letters of a category in the sentence
_ORDER = {"drift": 0, "no drift": 1, "insufficient data": 2}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """One signal of both groups."""

    wanted: Wanted
    sides: tuple[Side, Side]
    told: Drift

    @property
    def signal(self) -> Signal:
        return SIGNALS[self.wanted.signal]


def explored(ask: Ask, asked: Asked) -> Json:
    """What moved between two groups of calls, as `POST /api/drift` answers it."""
    wanted, left = _wanted(ask, asked)
    options = Options(asked.alpha, level=LEVEL, settled=max(asked.alpha, SETTLED))
    tested: list[_Tested] = []
    untold: list[Wanted] = []
    drawn = [_sampled(ask, wanted, one, asked.most) for one in asked.groups]
    for one in wanted:
        try:
            both = sides(drawn[0], drawn[1], one)
        except OtherRulerError as error:
            left.append(f"{label(one)}: {error}.")
            continue
        if not any(side.known().any() for side in both):
            untold.append(one)
            continue
        tested.append(_Tested(one, both, _test(one, both, options)))
    decided = drift.decided([one.told for one in tested], options)
    rows = [_row(one, told) for one, told in zip(tested, decided, strict=True)]
    rows.sort(key=_rank)
    return {
        "signals": rows, "map": _map(drawn, tested), "n": _sizes(tested, drawn=True),
        "drawn_of": _sizes(tested, drawn=False), "markers": _markers(ask, asked),
        "left_out": [*left, *_untold(untold), *_drawn(tested), *_shared(asked)], "sentence": sentence(rows),
    }  # fmt: skip


def _wanted(ask: Ask, asked: Asked) -> tuple[list[Wanted], list[str]]:
    """What is asked of both groups, and what is not, in words."""
    names = [name for name in asked.signals or SIGNALS if SIGNALS[name].alone]
    sums = [
        signal.label
        for signal in SIGNALS.values()
        if not signal.alone and (asked.signals is None or signal.name in asked.signals)
    ]
    left = [f"{', '.join(sums)}: sums over time, which a monitor compares with their past."] if sums else []
    scores, others = _scores(ask, asked)
    found = []
    for name in names:
        if not SIGNALS[name].named:
            found.append(Wanted(name))
        elif asked.signals is not None or name in {"score", "score_failures"}:
            found += [Wanted(name, score) for score in scores]
    if others:
        left.append(f"{counted(len(others), 'score')} with fewer values: {', '.join(others)}. Name them to ask them.")
    return found, left


def _scores(ask: Ask, asked: Asked) -> tuple[list[str], list[str]]:
    """Names of scores that are asked, and of those that are not."""
    if asked.scores is not None:
        return list(dict.fromkeys(asked.scores)), []
    since = min(one.since for one in asked.groups)
    names = [str(row["name"]) for row in ask("compare_names", since=since, max_rows=100).to_pylist()]
    return names[:SCORES], names[SCORES:]


def _sampled(ask: Ask, wanted: Sequence[Wanted], group: Group, most: int) -> Sampled:
    """One side; fewer rows of what is read text by text."""
    read = [one for one in wanted if one.signal in READ]
    plain = [one for one in wanted if one.signal not in READ]
    found = [
        sampled(ask, those, group.where, *group.window, size)
        for those, size in ((plain, most), (read, min(most, OF_TEXTS)))
    ]
    return Sampled({**found[0].rows, **found[1].rows})


def label(one: Wanted) -> str:
    """As rows and sentences name it: `Error rate`, `Score relevance`."""
    signal = SIGNALS[one.signal]
    if one.score is None:
        return signal.label
    return f"Score {one.score}" if signal.name == "score" else f"{signal.label} of {one.score}"


def _rows(one: Wanted) -> str:
    """What an item is, such as `call`."""
    return ROWS[SIGNALS[one.signal].of].removesuffix("s")


def _test(one: Wanted, both: tuple[Side, Side], options: Options) -> Drift:
    column = drift.Column(
        SIGNALS[one.signal].kind, (both[0].values, both[1].values), (both[0].known(), both[1].known()),
        (both[0].failed & ~both[0].known(), both[1].failed & ~both[1].known()),
    )  # fmt: skip
    return drift.undecided({label(one): column}, codes_of(both), options)[0]


def _row(one: _Tested, told: Drift) -> Json:
    return asdict(told) | {
        "level": LEVEL, "sentence": " ".join(sentences(told, LEVEL)), "signal": one.wanted.signal,
        "score": one.wanted.score, "label": label(one.wanted), "unit": one.signal.unit,
    }  # fmt: skip


def _rank(row: Mapping[str, Any]) -> tuple[int, float, float]:
    """Drift first; then by adjusted p-value, and of equal ones the larger effect beside the least that counts."""
    p = row["p_adjusted"]
    return _ORDER[row["verdict"]], 2.0 if p is None else p, -abs(row["effect"] or 0.0) / (row["min_effect"] or 1.0)


def sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many signals drifted, and which."""
    moved = [row for row in rows if row["verdict"] == "drift"]
    poor = sum(row["verdict"] == "insufficient data" for row in rows)
    also = f" {counted(poor, 'signal has', 'signals have')} too little data to tell." if poor else ""
    also += _gaps(rows)
    if not rows:
        return "Nothing can be compared: neither group has a value of a signal that was asked for."
    if poor == len(rows):
        return f"Nothing can be told.{also}"
    if not moved:
        return f"No drift found in {counted(len(rows) - poor, 'signal')}.{also}"
    named = "; ".join(_short(row) for row in moved[:NAMED])
    more = f"; and {len(moved) - NAMED:,} more" if len(moved) > NAMED else ""
    return f"{len(moved):,} of {counted(len(rows), 'signal')} drifted: {named}{more}.{also}"


def _gaps(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of which signals other rows than before have no value: what has none is in no value that is compared."""
    names = [row["label"] for row in rows if row["gaps"] is not None and row["gaps"]["verdict"] == "drift"]
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f" The share of rows without a value drifted in {', '.join(names[:NAMED])}{more}." if names else ""


def _short(row: Mapping[str, Any]) -> str:
    """`Error rate 1.25 % to 8.4 %`."""
    if row["type"] == "categorical":
        rose = next((one for one in row["moved"] if one[1] > 0), None)
        return row["label"] if rose is None else f"{row['label']} ({_cut(rose[0])} {100 * rose[1]:+.3g} points)"
    if row["type"] == "embedding":
        return f"{row['label']} (AUC {number(row['statistic'])})"
    before, now = row["reference"], row["current"]
    if row["type"] == "rate":
        return f"{row['label']} {' to '.join(both(before, now, 'share'))}"
    return f"{row['label']} {' to '.join(both(before, now, row['unit']))} on average"


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}\u2026"


def _sizes(tested: Sequence[_Tested], *, drawn: bool) -> Json:
    """Of both groups the calls that were read, or that they were drawn of: of the largest sample of calls."""
    found = {}
    for place, name in enumerate(("reference", "current")):
        of = [one.sides[place] for one in tested if one.signal.of == "calls"]
        found[name] = max((len(side.trace_ids) if drawn else side.total for side in of), default=0)
    return found


def _untold(many: Sequence[Wanted]) -> list[str]:
    """Signals without any value, a sentence for those of the same items."""
    of: dict[str, list[str]] = {}
    for one in many:
        of.setdefault(_rows(one), []).append(label(one))
    return [f"No {what} of either group tells {', '.join(labels)}." for what, labels in of.items()]


def _drawn(tested: Sequence[_Tested]) -> list[str]:
    """Which samples are not whole, one sentence for all signals that share them."""
    said: dict[str, list[str]] = {}
    for one in tested:
        parts = [
            f"{len(side.trace_ids):,} of {side.total:,} of the {name}"
            for name, side in zip(("reference", "current"), one.sides, strict=True)
            if len(side.trace_ids) < side.total
        ]
        if parts:
            said.setdefault(f"{_rows(one.wanted)}s: {' and '.join(parts)}", []).append(label(one.wanted))
    return [f"Drawn {what} ({', '.join(labels)})." for what, labels in said.items()]


def _shared(asked: Asked) -> list[str]:
    """Groups that overlap in time share calls, unless a filter parts them."""
    first, second = asked.groups
    overlap = first.since < second.until and second.since < first.until
    if not overlap or any(first.where[name] != second.where[name] for name in _named(first) & _named(second) - _MANY):
        return []
    if first.where == second.where:
        return [
            "Both groups have calls of the same time, which are on both sides: a difference between them is too small."
        ]
    apart = "and their filters do not part them: a difference between them is too small, as calls that both keep are on"
    return [f"Both groups have calls of the same time, {apart} both sides."]


def _named(group: Group) -> set[str]:
    """Filters that say something."""
    return {name for name, value in group.where.items() if value is not None}


def _markers(ask: Ask, asked: Asked) -> list[Json]:
    """What happened between the beginning of the earlier and the end of the later group."""
    since = min(one.since for one in asked.groups)
    until = max(one.until for one in asked.groups)
    return [asdict(one) for one in marks(ask, since, until)[:MOST_MARKS]]


def _map(drawn: Sequence[Sampled], tested: Sequence[_Tested]) -> Json | None:
    """Inputs of both groups in the plane in which they vary most. Null: none were asked, or there are too few."""
    one = next((one for one in tested if one.wanted.signal == "input_embedding"), None)
    if one is None:
        return None
    shown = [_first(side.known(), POINTS) for side in one.sides]
    found = embedded.plane(*(np.asarray(side.values[there]) for side, there in zip(one.sides, shown, strict=True)))
    if found is None:
        return None
    said = paired(drawn[0], drawn[1], one.wanted)
    points = [
        {
            "x": float(x),
            "y": float(y),
            "side": name,
            "trace_id": _hex(rows.trace_ids[at]),
            "text": rows.values[at][:LETTERS],
        }
        for name, rows, there, places in zip(("reference", "current"), said, shown, found.points, strict=True)
        for (x, y), at in zip(places, np.flatnonzero(there).tolist(), strict=True)
    ]
    return {
        "points": points, "explained": list(found.explained),
        "note": f"Two directions of many: they hold {percent(sum(found.explained))} of what the words of inputs vary "
        "by. What is far apart here is far apart; what is close need not be.",
    }  # fmt: skip


def _hex(trace_id: str | None) -> str | None:
    return None if trace_id is None else trace_id.replace("-", "")


def _first(known: np.ndarray, most: int) -> np.ndarray:
    """Some of those that are known, evenly over time."""
    places = np.flatnonzero(known)
    found = np.zeros(known.size, bool)
    found[places[np.linspace(0, places.size - 1, min(most, places.size)).astype(int)] if places.size else places] = True
    return found
