"""What was found out about an alert: when it changed, by what, and what happened at that time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analytics.explained import Part
from server.monitors import saying
from server.monitors.marks import ATTRIBUTES, CAUSES, RULERS, Mark
from server.monitors.onset import Onset, Stream, Window
from server.monitors.signals import SIGNALS, Signal, Unit
from server.monitors.slice_sentences import Timed
from server.monitors.slicing import Sides, Why
from server.monitors.terms import DAY, Season, Terms

Json = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

OF_CHECKS = {"error_burst": "error_rate", "slo_burn": "error_rate"}
"""Of checks with a signal of their own, what is explained."""
MOSTLY = 0.5  # of a change of a sum: a slice that explains less is not what alerts are grouped by
_SEASONED = 3 * DAY  # of a stream before an alert, from which its hours are compared with their likes
_GROUPED = frozenset({"release", "model", "prompt"})  # slices that are causes under their own name


@dataclass(frozen=True, slots=True)
class Reference:
    """What the looks were compared with."""

    window: Window | None  # null: no stretch of time
    season: Season

    @classmethod
    def of(cls, fitted: Mapping[str, Any] | None, terms: Terms, stream: Stream | None, began: datetime) -> Reference:
        """From what is kept with the monitor (since, until, season), else what the stream has before `began`."""
        if fitted and fitted.get("since") is not None:
            since, until = (datetime.fromisoformat(str(fitted[name])) for name in ("since", "until"))
            return cls((since, until), fitted.get("season") or "none")
        if stream is None or not terms.against.in_time or began - stream.times[0] < _SEASONED:
            return cls(None, "none")
        return cls((stream.times[0], began), "hour")


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that was found out."""

    terms: Terms
    name: str  # of the monitor
    looks: Rows
    reference: Reference
    stream: Stream | None  # null: there is none, and no rows that could be one
    onset: Onset | None  # the best split of it; null: it is too short
    drawn: Sides | None  # null: nothing was sampled
    why: Why | None  # null: the samples are too small
    happened: Sequence[Mark]
    about: Window  # from the first window that counted to the newest look
    refused: str = ""  # why nothing can be compared
    up: bool | None = None  # to which side the looks were off; null: they do not say

    @property
    def signal(self) -> Signal | None:
        """What is explained; null: nothing that has a value."""
        return signal_of(self.terms)

    @property
    def bucket(self) -> timedelta:
        """Of the stream."""
        return self.terms.bucket if self.stream is None else self.stream.bucket

    @property
    def change(self) -> Onset | None:
        """The change, where there was one."""
        return self.onset if self.onset is not None and self.onset.clear else None

    @property
    def current(self) -> Window:
        """Since the change, or the windows that counted."""
        return (self.about[0] if self.change is None else self.change.at), self.about[1]

    @property
    def unit(self) -> Unit:
        """Of the stream: the signal's, or that of the number which rows were given."""
        if self.signal is not None and self.signal.stream:
            return self.signal.unit
        return "calls" if self.why is None else self.why.numbers.unit

    @property
    def timed(self) -> Timed:
        """When it changed, for sentences."""
        streamed = self.terms.watched is None or self.terms.watched.stream
        seasoned = streamed and self.reference.window is not None and self.reference.season != "none"
        return Timed(self.onset, self.bucket, self.unit, seasoned)

    @property
    def near(self) -> list[Mark]:
        """What happened within the interval of the change, the nearest first; alerts cause nothing."""
        change = self.change
        if change is None:
            return []
        low, high = min(change.low, change.at) - self.bucket, max(change.high, change.at + self.bucket)
        within = [one for one in self.happened if low <= one.at < min(high, self.about[1]) and one.what != "alert"]
        return sorted(within, key=lambda one: abs(one.at - change.at))

    @property
    def rulers(self) -> list[Mark]:
        """Other rulers of what is watched since the first window that counted."""
        began = self.about[0] - self.bucket
        return [one for one in self.happened if one.at >= began and _is_ruler_of(one, self.terms)]

    @property
    def mark(self) -> Mark | None:
        """What happened when it changed: another ruler goes first, then what a slice agrees with, then the nearest."""
        near = self.near
        agreed = [one for one in near if agrees(one, self.why) is not None]
        others = [one for one in near if one.what in CAUSES]
        return next(iter([*self.rulers, *agreed, *others]), None)

    def cause(self, slices: Sequence[Json]) -> tuple[str, str]:
        """What the alert is grouped by, and in words; `slices`: as told, those of a sum."""
        part = None if self.mark is None else agrees(self.mark, self.why)
        if self.why is not None and self.why.clear:
            part = part or self.why.best()
            if part is None and self.terms.signal == "model_mix":
                return _grouped("model", str(self.why.numbers.category))
        if part is not None:
            return _grouped(part.attribute, part.slice)
        if self.why is None and slices and slices[0]["share_of_change"] >= MOSTLY:
            return _grouped(slices[0]["attribute"], slices[0]["slice"])
        return f"monitor:{self.name}", f"Monitor {self.name}"


def signal_of(terms: Terms) -> Signal | None:
    """What is explained of a monitor; null: nothing that has a value."""
    own = OF_CHECKS.get(terms.alert.kind)
    return terms.watched if own is None else SIGNALS[own]


def _is_ruler_of(mark: Mark, terms: Terms) -> bool:
    """Whether a mark is another ruler of what is watched, not its first; the normaliser's is everybody's."""
    if mark.what not in RULERS or mark.before is None:
        return False
    return mark.what == "normaliser" or (terms.score is not None and mark.name == terms.score)


def agrees(mark: Mark, found: Why | None) -> Part | None:
    """The slice that is told and is what the mark brought; null: there is none."""
    if found is None or not found.clear or mark.what not in CAUSES or mark.after is None:
        return None
    attribute = ATTRIBUTES[mark.what]
    wanted = f"{mark.name}@{mark.after}" if attribute == "prompt" else mark.after
    return next((one for one in found.parts() if (one.attribute, one.slice) == (attribute, wanted)), None)


def _grouped(attribute: str, value: str) -> tuple[str, str]:
    key = f"{attribute}:{value}" if attribute in _GROUPED else f"slice:{attribute}={value}"
    return key, saying.upper(f"{attribute} {value}")
