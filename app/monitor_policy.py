"""Fields of the monitor's form: against what it compares, when it fires, how often it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from app import data, data_runs, monitor_fields, widgets
from app import monitor_signals as signals
from app import monitor_words as words
from app.monitor_fields import Base, Slots, Watched
from app.monitor_signals import Signal

WINDOWS = ("1h", "6h", "1d", "7d")
EVERY = ("15m", "1h", "6h", "1d")
LASTS = ("7d", "14d", "28d", "56d")
USUAL = {"every": "1h", "window": "1d"}
REFERENCES = {
    "last": "the time before", "fixed": "a fixed window", "release": "a release", "prompt": "a prompt version",
    "run": "a run of an experiment",
}  # fmt: skip
SIDES = {"both": "either way", "up": "a rise", "down": "a fall"}
SEASONS = {"auto": "what the reference shows", "none": "none", "hour": "hour of the day", "weekday": "hour of the week"}
METHODS = {"window": "mean of the window", "sums": "cumulative sums"}


@dataclass(slots=True)
class Check:
    """When it fires."""

    alert: dict[str, Any]
    every: str
    window: str
    against: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def check(base: Base, key: str, slots: Slots, what: Watched) -> Check:
    """The policy of what is watched."""
    alert = base.get("alert") or {}
    if what.kind is not None:
        own = _OWN[what.kind](alert if alert.get("kind") == what.kind else {}, key, slots)
        every, window = _schedule(base, key, slots, windows=what.kind in {"no_data", "error_burst"})
        return Check({"kind": what.kind} | own, every, window)
    signal = signals.SIGNALS[str(what.signal)]
    kind = "drift" if not signal.stream else _kind(alert, key)
    if kind == "threshold":
        told, problem = _threshold(alert if alert.get("kind") == "threshold" else {}, key, slots, signal)
        every, window = _schedule(base, key, slots)
        return Check({"kind": "threshold"} | told, every, window, {}, problem)
    against, problem = _against(base.get("against") or {}, key, slots, signal)
    told = _drift(alert if alert.get("kind", "drift") == "drift" else {}, key, slots, signal)
    every, window = _schedule(base, key, slots)
    return Check({"kind": "drift"} | told, every, window, against, problem)


def _kind(alert: Mapping[str, Any], key: str) -> str:
    kinds = {"drift": "it moves away from a reference", "threshold": "it passes a limit"}
    told = alert.get("kind") if alert.get("kind") in kinds else "drift"
    return str(
        st.segmented_control(
            "Fires when", list(kinds), default=told, required=True, format_func=kinds.__getitem__, key=f"{key}kind"
        )
    )


# The reference.


def _against(told: Mapping[str, Any], key: str, slots: Slots, signal: Signal) -> tuple[dict[str, Any], str]:
    """What is compared with; why it is none yet."""
    options = [name for name in REFERENCES if _possible(name, signal)]
    held = "fixed" if told.get("since") else next((name for name in options if told.get(name)), "last")
    left, right = st.columns(2)
    chosen = left.selectbox(
        "Compared with", options, options.index(held) if held in options else 0, format_func=REFERENCES.__getitem__,
        key=f"{key}against", help="What is normal. The time before is compared hour by hour with its like.",
    )  # fmt: skip
    with right:
        found, problem = _REFERENCE[str(chosen)](told, key)
    slots.add("against")
    return found, problem


def _possible(name: str, signal: Signal) -> bool:
    if name == "run":
        return signal.name == "score"
    return signal.alone or name in {"last", "fixed"}


def _last(told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    return {"last": _one_of("Of the last", LASTS, told.get("last") or "28d", f"{key}last")}, ""


def _fixed(told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """A window in the viewer's zone."""
    zone, now = widgets.zone(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ends = {"since": now - timedelta(days=14), "until": now}
    found = {}
    for name, label in (("since", "From"), ("until", "Before")):
        at = datetime.fromisoformat(str(told[name])) if told.get(name) else ends[name]
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        typed = st.datetime_input(
            f"{label} ({zone})", at.astimezone(zone).replace(tzinfo=None), key=f"{key}{name}", format="YYYY-MM-DD"
        )
        found[name] = typed.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    if found["since"] >= found["until"]:
        return {}, "The fixed window must end after it begins."
    return {name: at.isoformat(timespec="minutes") for name, at in found.items()}, ""


def _release(told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    return _named("release", "Release", told, key)


def _prompt(told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    return _named("prompt", "Prompt version", told, key)


def _named(name: str, label: str, told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    held = [str(told[name])] if told.get(name) else []
    options = list(dict.fromkeys((*held, *monitor_fields.offers(name))))
    chosen = st.selectbox(
        label, options, 0 if held else None, accept_new_options=True, key=f"{key}against-{name}", placeholder="choose"
    )
    return ({name: str(chosen)}, "") if chosen else ({}, f"Choose the {label.lower()} to compare with.")


def _run(told: Mapping[str, Any], key: str) -> tuple[dict[str, Any], str]:
    try:
        known = {str(one["run_id"]): one for one in data_runs.runs()}
    except data.ApiError:
        known = {}
    held = [str(told["run"])] if told.get("run") else []
    options = list(dict.fromkeys((*held, *known)))
    chosen = st.selectbox(
        "Run", options, 0 if held else None, key=f"{key}against-run", placeholder="choose",
        format_func=lambda one: _run_label(known.get(one), one),
    )  # fmt: skip
    return ({"run": str(chosen)}, "") if chosen else ({}, "Choose the run to compare with.")


def _run_label(run: Mapping[str, Any] | None, run_id: str) -> str:
    return run_id[:8] if run is None else f"{run.get('suite') or 'run'} {str(run.get('started_at') or '')[:16]}"


_REFERENCE = {"last": _last, "fixed": _fixed, "release": _release, "prompt": _prompt, "run": _run}


# When it fires.


def _drift(told: Mapping[str, Any], key: str, slots: Slots, signal: Signal) -> dict[str, Any]:
    entry = signals.entry(signal.unit)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        least = _number(
            f"Least change that matters, {entry.said}", told.get("min_effect"), f"{key}effect-{signal.unit}", entry,
            "one that suits the reference", "Smaller changes never fire, however sure they are.",
        )  # fmt: skip
    side = _side(told, right, key, signal)
    slots.add("min_effect", "side")
    per_month = st.number_input(
        "False alarms a month, at most", 0.001, 100.0, told.get("per_month", 0.5), format="%g", key=f"{key}per-month",
        placeholder="as alpha gives, told beside",
        help="By drawing the reference anew: alpha is lowered where it would fire more often while nothing changes.",
    )  # fmt: skip
    slots.add("per_month")
    return {"min_effect": least, "side": side, "per_month": per_month} | _finer(told, key, slots, signal)


def _side(told: Mapping[str, Any], place: Any, key: str, signal: Signal) -> str | None:
    if not signal.stream:
        return None  # what has no single value goes neither up nor down
    chosen = place.selectbox(
        "That counts", list(SIDES), list(SIDES).index(told.get("side") or "both"), format_func=SIDES.__getitem__,
        key=f"{key}side",
    )  # fmt: skip
    return None if chosen == "both" else str(chosen)


def _finer(told: Mapping[str, Any], key: str, slots: Slots, signal: Signal) -> dict[str, Any]:
    usual = {"alpha": 0.01, "persist": "2/3", "season": "auto", "method": "window", "least": 30}
    held = {name: told.get(name, value) for name, value in usual.items()}
    with st.expander("More of the policy", expanded=held != usual):
        left, right = st.columns(2)
        alpha = left.number_input(
            "Alpha", 0.000001, 0.5, float(held["alpha"]), format="%g", key=f"{key}alpha",
            help="Of p-values adjusted over all monitors of a round (Benjamini and Hochberg).",
        )  # fmt: skip
        persist = right.text_input(
            "Looks that must count, k/m", held["persist"], key=f"{key}persist", help="2/3: two of the last three."
        )
        slots.add("alpha", "persist")
        left, right = st.columns(2)
        season = left.selectbox(
            "Season", list(SEASONS), list(SEASONS).index(held["season"]), format_func=SEASONS.__getitem__,
            key=f"{key}season", help="What of time is compared with its like.",
        )  # fmt: skip
        method = (
            right.selectbox(
                "Method", list(METHODS), list(METHODS).index(held["method"]), format_func=METHODS.__getitem__,
                key=f"{key}method", help="Cumulative sums find small lasting changes sooner; they need a least change.",
            )
            if signal.stream
            else "window"
        )  # fmt: skip
        slots.add("season", "method")
        least = st.number_input(
            "Calls or scores of a window, at least", 2, 1_000_000, int(held["least"]), key=f"{key}least",
            help="Below it nothing is said: insufficient data.",
        )  # fmt: skip
        slots.add("least")
    return {"alpha": alpha, "persist": persist, "season": season, "method": method, "least": int(least)}


def _threshold(
    told: Mapping[str, Any], key: str, slots: Slots, signal: Signal
) -> tuple[dict[str, Any], str]:  # fmt: skip
    entry = signals.entry(signal.unit)
    unit = "percent" if signal.unit == "share" else entry.said
    held = "below" if told.get("below") is not None or (not told and signal.worse == "down") else "above"
    left, right = st.columns(2)
    side = left.segmented_control("It is", ["above", "below"], default=held, required=True, key=f"{key}limit-side")
    with right:
        limit = _number(
            f"Limit, {unit}", told.get(held), f"{key}limit-{signal.unit}", entry, "a number", "", signed=True
        )
    slots.add("above", "below")
    least = st.number_input(
        "Calls or scores of a window, at least", 1, 1_000_000, int(told.get("least") or 1), key=f"{key}limit-least",
        help="Below it nothing is said: insufficient data.",
    )  # fmt: skip
    slots.add("least")
    return {str(side): limit, "least": int(least)}, "" if limit is not None else "Name the limit."


def _number(  # noqa: PLR0917 - a field and its words
    label: str, told: float | None, key: str, entry: signals.Entry, instead: str, help_: str, *, signed: bool = False
) -> float | None:
    """A number in the unit that is set, typed in the unit that is said."""
    typed = st.number_input(
        label, None if signed else 0.0, entry.most, None if told is None else told / entry.factor, format="%g", key=key,
        placeholder=instead, help=help_ or None,
    )  # fmt: skip
    return None if typed is None or (not signed and not typed) else typed * entry.factor


# Plain checks.


def _no_data(_: Mapping[str, Any], __: str, ___: Slots) -> dict[str, Any]:
    return {}


def _burst(told: Mapping[str, Any], key: str, slots: Slots) -> dict[str, Any]:
    left, right = st.columns(2)
    failed = left.number_input("Failed calls, at least", 1, 1_000_000, int(told.get("failed", 5)), key=f"{key}failed")
    share = right.number_input(
        "Of all calls, percent at least", 0.01, 100.0, float(told.get("share", 0.2)) * 100, format="%g",
        key=f"{key}share",
    )  # fmt: skip
    slots.add("failed", "share")
    return {"failed": int(failed), "share": share / 100}


def _burn(told: Mapping[str, Any], key: str, slots: Slots) -> dict[str, Any]:
    left, right = st.columns(2)
    good = left.number_input(
        "Good calls, percent", 0.01, 99.999, float(told.get("objective", 0.99)) * 100, format="%g",
        key=f"{key}objective", help="The objective: so many of all calls must be good.",
    )  # fmt: skip
    slower = right.number_input(
        "Slower is bad too, ms", 0.001, None, told.get("slower_than"), format="%g", key=f"{key}slower",
        placeholder="failed calls alone",
    )  # fmt: skip
    slots.add("objective", "slower_than")
    period = _one_of("Over", ("7d", "28d", "30d"), told.get("period") or "30d", f"{key}period")
    slots.add("period")
    return {"objective": good / 100, "slower_than": slower, "period": period}


def _budget(told: Mapping[str, Any], key: str, slots: Slots) -> dict[str, Any]:
    left, right = st.columns(2)
    spent = left.number_input(
        "Spent, percent of the budget", 0.01, 1_000.0, None if told.get("spent") is None else told["spent"] * 100,
        format="%g", key=f"{key}spent", placeholder="by the forecast alone",
    )  # fmt: skip
    with right:
        forecast = st.toggle(
            "Also when the forecast is above it", bool(told.get("forecast", True)), key=f"{key}forecast",
            help="The whole 95 % interval of the month's forecast is above the budget.",
        )  # fmt: skip
    slots.add("spent", "forecast")
    return {"spent": None if spent is None else spent / 100, "forecast": forecast}


_OWN = {"no_data": _no_data, "error_burst": _burst, "slo_burn": _burn, "budget": _budget}


# When it looks.


def _schedule(base: Base, key: str, slots: Slots, *, windows: bool = True) -> tuple[str, str]:
    """How often it looks, and at how much time."""
    left, right = st.columns(2)
    window = str(base.get("window") or USUAL["window"])
    if windows:
        with left:
            window = _one_of("Window of a look", WINDOWS, window, f"{key}window")
    with right if windows else left:
        every = _one_of("A look every", EVERY, str(base.get("every") or USUAL["every"]), f"{key}every")
    slots.add("every", "window")
    return every, window


def _one_of(label: str, usual: tuple[str, ...], told: str, key: str) -> str:
    """A length of time; another than the usual ones can be typed: 15m, 1h, 7d, 4w."""
    options = list(dict.fromkeys((*usual, told)))
    chosen = st.selectbox(
        label, options, options.index(told), key=key, accept_new_options=True, format_func=words.length,
        placeholder="15m, 1h, 7d, 4w",
    )  # fmt: skip
    return str(chosen or told).strip()
