"""What explains an alert beside its verdict, in sentences: slices and attributes, the time of change, the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from analytics.explained import Attribute, Part
from server.evals.figures import counted
from server.monitors.marks import Mark
from server.monitors.onset import Onset
from server.monitors.saying import amount, between, both, explains, lower, p_value, percent, points, since, upper
from server.monitors.signals import Unit
from server.monitors.slicing import Why, by_mix, slice_name


@dataclass(frozen=True, slots=True)
class Timed:
    """When a stream changed, and what its values are."""

    onset: Onset | None  # null: it is too short
    bucket: timedelta
    unit: Unit
    seasoned: bool  # the season was taken off


def slice_text(part: Part, why: Why) -> str:
    """A slice's part of the change, as a sentence."""
    unit, of = why.numbers.unit, lower(why.numbers.of)
    told, rows = explains(why.share(part)), why.numbers.rows
    name, shares = upper(slice_name(part)), (percent(part.share_reference), percent(part.share_current))
    if part.n_reference == 0:
        return f"{name} is new: {shares[1]} of {rows}, with {of} {amount(part.mean_current, unit)}; it {told}."
    if part.n_current == 0:
        had = f"it had {shares[0]} of {rows}, with {of} {amount(part.mean_reference, unit)}"
        return f"{name} is gone: {had}; it {told}."
    went = f"{of} {' to '.join(both(part.mean_reference, part.mean_current, unit))}"
    counts = f"{part.n_reference:,} and {part.n_current:,} {rows}"
    if by_mix(part):
        came = f"{name} came in {shares[1]} of {rows} in place of {shares[0]}"
        return f"{came}, {went} ({counts}); by that mix it {told}."
    return f"{name}: {went} ({counts}, {shares[0]} and {shares[1]} of all{_beyond(part, unit)}); it {told}."


def _beyond(part: Part, unit: Unit) -> str:
    """By how much more the slice changed than the rest."""
    if part.apart is None or part.ci_low is None or part.ci_high is None:
        return ""
    return f", {points(part.apart, unit)} against the rest, 95 % CI {between(part.ci_low, part.ci_high, unit)}"


def attribute_text(one: Attribute, change: float) -> str:
    """How much of the change is within an attribute's slices, and how much by the shares they came in."""
    if not change:
        return f"{upper(one.name)}: the value did not change."
    within, mix = one.within / change, one.mix / change
    said = f"{upper(one.name)}: {percent(within)} of the change is within slices, {percent(mix)} is their mix"
    if not one.told:
        return f"{said}; no slice changed otherwise than the rest."
    return f"{said}; {counted(one.told, 'slice')} changed otherwise than the rest, or came in another share."


def sentences(timed: Timed, why: Why | None, rulers: Sequence[Mark], notes: Sequence[str]) -> list[str]:
    """What there is to say beside the verdict; `rulers`: other ones that measure since."""
    said = [] if timed.onset is None and why is not None and not why.clear else [_time(timed)]
    if why is not None:
        said += _of_samples(why)
    if rulers:
        said.append(f"Another ruler measures since, so that values before and after may not compare: {rulers[-1].text}")
    return [one for one in [*said, *notes] if one]


def _time(timed: Timed) -> str:
    onset, unit = timed.onset, timed.unit
    if onset is None:
        return "When it changed cannot be told: there are too few buckets of time with a value."
    if not onset.clear:
        return f"When it changed cannot be told: no split of the time before stands out ({p_value(onset.p)})."
    went = f"from {' to '.join(both(onset.before, onset.after, unit))}"
    season = " with the season taken off" if timed.seasoned else ""
    return f"It changed {since(onset, timed.bucket)}, {went}{season} ({p_value(onset.p)})."


def _of_samples(why: Why) -> list[str]:
    unit, (before, now) = why.numbers.unit, why.numbers.means
    n, m = (side.size for side in why.numbers.values)
    ends = "" if why.low is None or why.high is None else f", 95 % CI of the change {between(why.low, why.high, unit)}"
    was, now_is = both(before, now, unit)
    drawn = f"Sampled {why.numbers.rows}: {lower(why.numbers.of)} was {was} (n {n:,}) and is {now_is} (n {m:,}){ends}."
    if why.opposite:
        return [drawn, "They moved to the other side than the looks, so that they explain nothing of it."]
    if not why.clear:
        return [drawn, "That is no more than chance brings, so there is nothing to explain in them."]
    if why.parts():
        return [drawn]
    return [drawn, "No slice changed otherwise than the rest: what changed, changed everywhere alike."]
