"""What explains an alert, in sentences a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from analytics.explained import Part
from server.evals.figures import number
from server.monitors.marks import ATTRIBUTES, RULERS, Mark
from server.monitors.onset import Onset
from server.monitors.saying import amount, both, explains, long, lower, named, of_slice, percent, since
from server.monitors.signals import Signal, Unit
from server.monitors.slicing import ROWS, Why, by_mix, slice_name
from server.monitors.terms import Terms, Threshold, length

Look = Mapping[str, Any]


def verdict(  # noqa: PLR0917 - what was found out
    terms: Terms, look: Look | None, onset: Onset | None, why: Why | None, mark: Mark | None, bucket: timedelta,
    largest: str | None = None,
) -> str:  # fmt: skip
    """One sentence: what moved, by how much, how sure, since when, right after what, and which slice explains it.

    Args:
        terms: what the monitor says.
        look: the newest that counted; null: none is known.
        onset: when it changed; null: that cannot be told.
        why: what the samples say; null: nothing was sampled.
        mark: what happened at that time; null: nothing that is known.
        bucket: of the stream.
        largest: of a sum, the slice that explains most, in words; null: none, or it is no sum.
    """
    moved = f"{named(terms)}{of_slice(terms.where)} {_moved(terms, look, onset, why)}"
    when = f" {since(onset, bucket)}" if onset is not None and onset.clear else ""
    what = "" if mark is None else f", {after(mark)}"
    return f"{moved}{when}{what}{f'; {largest}' if largest else _by(why, mark)}."


def _moved(terms: Terms, look: Look | None, onset: Onset | None, why: Why | None) -> str:
    signal = terms.watched
    if signal is None:
        return _own(terms, look or {})
    if not signal.stream:
        return _apart(terms, signal, look, why)
    value, told_before = _levels(look, onset)
    if isinstance(terms.alert, Threshold):
        bound = terms.alert.above if terms.alert.above is not None else terms.alert.below
        side = "above" if terms.alert.above is not None else "below"
        return f"is {amount(value, signal.unit)} ({_how(terms, signal, look)}), {side} {amount(bound, signal.unit)}"
    if told_before is None:
        return f"is {amount(value, signal.unit)} ({_how(terms, signal, look)})"
    went = f"went from {' to '.join(both(told_before, value, signal.unit))}"
    return f"{went} ({_how(terms, signal, look)})"


def _own(terms: Terms, look: Look) -> str:
    """Of a check with a signal of its own, after its name."""
    window, n, value = long(length(terms.window)), look.get("n"), look.get("value")
    note = str(look["note"]).rstrip(".") if look.get("note") else ""
    if terms.alert.kind == "no_data":
        return f"stopped: none came within {window}"
    if terms.alert.kind == "error_burst" and n and value is not None:
        return f"came in a burst: {value * n:,.0f} of {n:,.0f} calls failed within {window} ({amount(value, 'share')})"
    if terms.alert.kind == "slo_burn" and value is not None:
        return f"burns {number(value)} times as fast as the objective allows{f' ({lower(note)})' if note else ''}"
    return f"is beyond its limit{f': {note}' if note else ''}"


def _levels(look: Look | None, onset: Onset | None) -> tuple[float | None, float | None]:
    """The value now and what it was expected to be; of a look, else of both sides of the change."""
    if look is not None and look.get("value") is not None:
        return look["value"], look.get("expected")
    return (None, None) if onset is None else (onset.after, onset.before)


def _how(terms: Terms, signal: Signal, look: Look | None, *, level: bool = True) -> str:
    """`24 hours, 95 % CI 7.1 % to 9.7 %, 1,200 calls`; without `level` no interval, as two samples have no value."""
    parts = [long(length(terms.window))]
    ends = interval(look, signal.unit) if level else None
    if ends is not None:
        parts.append(f"95 % CI {' to '.join(both(*ends, signal.unit))}")
    if signal.alone and look is not None and look.get("n") is not None:  # a sum's n are its buckets
        parts.append(f"{look['n']:,.0f} {ROWS[signal.of]}")
    return ", ".join(parts)


def interval(look: Look | None, unit: Unit) -> tuple[float, float] | None:
    """The 95 % interval of a look's value. Null: the look has none.

    A look tells within what its value was expected; the value's own interval is as wide, about the value.
    """
    if look is None or any(look.get(name) is None for name in ("value", "low", "high")):
        return None
    low, high, value = float(look["low"]), float(look["high"]), float(look["value"])
    half = (high - low) / 2
    most = 1.0 if unit == "share" else float("inf")
    least = -float("inf") if unit in {"score", "embedding"} else 0.0
    return max(value - half, least), min(value + half, most)


def _apart(terms: Terms, signal: Signal, look: Look | None, why: Why | None) -> str:
    """Of two samples: by how much they differ, and what of them most."""
    effect, how = None if look is None else look.get("effect"), _how(terms, signal, look, level=False)
    if signal.kind == "embedding":
        auc = "" if effect is None else f" with an AUC of {number(0.5 + abs(effect))}"
        return f"differs from the reference: a classifier tells them apart{auc} ({how})"
    said = "differs from the reference"
    if effect is not None:
        said += f" by a Jensen-Shannon distance of {number(effect)}"
    if why is not None and why.clear and why.numbers.category is not None:
        before, now = why.numbers.means
        said += f", {why.numbers.category} most: {amount(before, 'share')} to {amount(now, 'share')}"
    return f"{said} ({how})"


def after(mark: Mark) -> str:
    """`right after release 1.8 of shop`; of a ruler that another one measures since."""
    of = mark.name or ""
    if mark.what in RULERS:
        what = (
            f"{of} is scored by {mark.after}"
            if mark.what == "evaluator"
            else f"the normaliser has version {mark.after}"
        )
        return f"as another ruler measures since: {what}"
    told = {
        "release": f"release {mark.after}{f' of {of}' if of else ''}", "prompt": f"version {mark.after} of prompt {of}",
        "label": f"label {mark.label} of prompt {of} moved to version {mark.after}",
        "model": f"model {of} was answered by {mark.after}" if mark.after != of else f"model {of} came in",
    }  # fmt: skip
    return f"right after {told.get(mark.what, mark.text)}"


def _by(why: Why | None, mark: Mark | None) -> str:
    """`; model gpt-4o explains 91 % of it`: the slice that explains most, and is not what happened then."""
    if why is None:
        return ""
    if not why.clear:
        return f"; the sampled {why.numbers.rows} do not show it, so that no slice can be named"
    best = why.best(None if mark is None else ATTRIBUTES.get(mark.what))
    if best is None:
        return "" if why.best() is not None else "; no slice explains it: all changed alike"
    return f"; {_clause(best, why)}"


def _clause(part: Part, why: Why) -> str:
    name, told = slice_name(part), explains(why.share(part), "it")
    rows = f"of {why.numbers.rows}"
    if part.n_reference == 0:
        return f"{name}, which is new and has {percent(part.share_current)} {rows}, {told}"
    if by_mix(part):
        return (
            f"{name} came in {percent(part.share_current)} {rows} in place of {percent(part.share_reference)}, "
            f"which {told}"
        )
    return f"{name} {told}"
