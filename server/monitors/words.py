"""What is said of a monitor: of its signal and slice, its last look, its policy, its false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.evals.figures import counted, number
from server.monitors.saying import amount, change, named, of_slice, percent
from server.monitors.terms import Burn, Burst, Drift, NoData, OfBudget, Terms, Threshold

_LONG = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
CHECKS = {
    "no_data": ("Calls", "calls"), "error_burst": ("Error rate", "share"), "slo_burn": ("Burn rate", "times"),
    "budget": ("Spent of the budget", "share"),
}  # fmt: skip
"""Label and unit of checks that have a signal of their own."""


def long(text: str) -> str:
    """`1d` as `day`, `2h` as `2 hours`."""
    unit = _LONG[text[-1]]
    return unit if text[:-1] == "1" else f"{text[:-1]} {unit}s"


def label(terms: Terms) -> str:
    """Of what is watched: `Error rate`, `Score relevance`, `p95 of duration`."""
    return CHECKS[terms.alert.kind][0] if terms.watched is None else named(terms)


def subject(terms: Terms) -> str:
    """What a sentence is of: `Error rate of service shop`."""
    if terms.alert.kind == "no_data":
        return f"Calls{of_slice(terms.where)}"
    return f"{label(terms)}{of_slice(terms.where) or ' of all calls'}"


def unit(terms: Terms) -> str:
    return CHECKS[terms.alert.kind][1] if terms.watched is None else terms.watched.unit


def slice_(terms: Terms) -> str:
    """`service shop and model gpt-4o`; empty: all calls."""
    return of_slice(terms.where).removeprefix(" of ")


def figure(value: float | None, of: str) -> str:
    """A value with its unit."""
    if value is None:
        return "unknown"
    return f"{number(value)} times" if of == "times" else amount(value, of)  # type: ignore[arg-type]  # a signal's


def _size(value: float, of: str) -> str:
    """A size of change with its unit."""
    return change(value, of)  # type: ignore[arg-type]  # a signal's


def sentence(terms: Terms, state: str, why: str | None, last: Mapping[str, Any] | None) -> str:
    """What a monitor says now."""
    what = subject(terms)
    if not terms.enabled:
        return f"{what}: not looked at, as the monitor is off."
    if last is None or state == "new":
        return f"{what}: not looked at yet."
    if state == "insufficient data":
        return f"{what}: insufficient data. {why or ''}".strip()
    return f"{what} {_seen(terms, last)}{_verdict(terms, state, last)}"


def _seen(terms: Terms, last: Mapping[str, Any]) -> str:
    of = unit(terms)
    if terms.alert.kind == "no_data":
        count = last["value"] or 0.0
        return f"came to {count:,.0f} over the last {long(terms.window)}"
    value = f"is {figure(last['value'], of)}"
    if terms.alert.kind in {"slo_burn", "budget"}:
        return value
    return f"{value} over the last {long(terms.window)}"


def _verdict(terms: Terms, state: str, last: Mapping[str, Any]) -> str:
    alert, of = terms.alert, unit(terms)
    if isinstance(alert, Drift):
        return f"{_expected(last, of)}{_of_drift(state, last)}"
    fires = "and it fires" if state == "firing" else "and that is no alert"
    if isinstance(alert, Threshold):
        side, limit = ("above", alert.above) if alert.above is not None else ("below", alert.below)
        return f"; it fires {side} {figure(limit, of)}, {fires}."
    if isinstance(alert, NoData):
        return ", and that is why it fires." if state == "firing" else "."
    if isinstance(alert, Burst):
        return f"; it fires from {alert.failed:,} failed calls and {percent(alert.share)} of them on, {fires}."
    if isinstance(alert, Burn):
        return f" the rate that spends the error budget of {long(alert.period)} in that time, {fires}."
    note = f" {last['note']}" if last.get("note") else ""
    return f", {fires}.{note}" if isinstance(alert, OfBudget) else "."


def _expected(last: Mapping[str, Any], of: str) -> str:
    if last["expected"] is None:
        return ""
    if last["low"] is None or last["high"] is None:
        return f", and {figure(last['expected'], of)} is expected"
    low = max(last["low"], 0.0) if of == "share" else last["low"]
    ends = f"{figure(low, of)} to {figure(last['high'], of)}"
    return f", and {figure(last['expected'], of)} is expected (95 % of looks {ends})"


def _of_drift(state: str, last: Mapping[str, Any]) -> str:
    p = "" if last["p_adjusted"] is None else f" (adjusted p {last['p_adjusted']:.2g})"
    if state == "firing":
        return f": that is drift{p}."
    if last["counts"]:
        return f": that counts{p}, and is no alert before more looks do."
    return f": no drift found{p}."


def opening(terms: Terms, at: datetime, last: Mapping[str, Any]) -> str:
    """What is said of a monitor that begins to fire, where nothing explains it."""
    said = f"{subject(terms)} {_seen(terms, last)}"
    expected = _expected(last, unit(terms)) if isinstance(terms.alert, Drift) else ""
    note = f" {last['note']}" if last.get("note") else ""
    persist = ""
    if isinstance(terms.alert, Drift) and terms.alert.method == "window":
        hits, of = terms.alert.hits
        persist = f"; {hits} of the last {of} looks count" if of > 1 else ""
    return f"{said}{expected}{persist}, at {at:%Y-%m-%d %H:%M} UTC.{note}"


def policy(terms: Terms, min_effect: float | None, alpha: float | None = None) -> str:
    """When it is an alert; `alpha`: that was worked out for its false alarms, null: as it was set."""
    alert, of = terms.alert, unit(terms)
    every = f"It looks every {long(terms.every)}"
    if not isinstance(alert, Burn | OfBudget):
        every += f" at the last {long(terms.window)}"
    if isinstance(alert, Drift) and alert.method == "sums":
        return f"It adds up every hour and fires when a lasting change of {_size(alert.min_effect or 0.0, of)} is told."
    if isinstance(alert, Drift):
        hits, many = alert.hits
        side = {"up": "a rise", "down": "a fall", None: "a change"}[alert.side]
        least = "what suits the reference" if min_effect is None else _size(min_effect, of)
        return (
            f"{every} and fires when {hits} of {many} looks show {side} of {least} or more with a p below "
            f"{alpha or alert.alpha:.2g}, adjusted over all monitors of the project."
        )
    return f"{every}{_condition(terms)}"


def _condition(terms: Terms) -> str:
    """When a plain check fires."""
    alert, of = terms.alert, unit(terms)
    if isinstance(alert, Threshold):
        side, limit = ("above", alert.above) if alert.above is not None else ("below", alert.below)
        return f" and fires {side} {figure(limit, of)}."
    if isinstance(alert, NoData):
        return " and fires when nothing came."
    if isinstance(alert, Burst):
        return f" and fires from {alert.failed:,} failed calls and {percent(alert.share)} of them on."
    if isinstance(alert, Burn):
        bad = "" if alert.slower_than is None else f" or took longer than {alert.slower_than:g} ms"
        good = f"{number(100 * alert.objective)} % are to be good over {long(alert.period)}"
        return f"; a call that failed{bad} is bad, and {good}."
    return f" and fires when {' or '.join(_of_budget(alert))}." if isinstance(alert, OfBudget) else "."


def _of_budget(alert: OfBudget) -> list[str]:
    spent = [] if alert.spent is None else [f"{percent(alert.spent)} of it are spent"]
    return [*spent, *(["the forecast's whole interval is above it"] if alert.forecast else [])]


def false_alarms(calibration: Mapping[str, Any] | None) -> str:
    """How often it cries wolf."""
    found = (calibration or {}).get("false_alarms")
    if not found:
        return (calibration or {}).get("why") or "Its false alarms are not worked out yet."
    quiet = f"; {percent(found['quiet_months'])} of months have none" if found.get("quiet_months") is not None else ""
    return (
        f"While nothing changes it raises {number(found['value'])} false alarms a month (95 % interval "
        f"{number(found['low'])} to {number(found['high'])}){quiet}."
    )


def delay(late: Mapping[str, Any], of: str = "") -> str:
    """How late a change is found; `of`: the signal's unit."""
    median, size = late["median_days"], _size(late["effect"], of)
    if median is None:
        return f"A lasting change of {size} is found within a month in {percent(late['found'])} of cases."
    ends = ("over a month" if end is None else days(end) for end in (late.get("median_low"), late.get("median_high")))
    sure = f" (95 % interval {' to '.join(ends)})" if late.get("median_low") is not None else ""
    nine = "" if late["late_days"] is None else f", in nine of ten within {days(late['late_days'])}"
    return f"A lasting change of {size} is found after {days(median)}{sure} in half of cases{nine}."


def days(value: float) -> str:
    """`6 hours`, `1 day 12 hours`, from days."""
    whole, hours = divmod(max(round(value * 24), 1), 24)
    return " ".join(counted(many, noun) for many, noun in ((whole, "day"), (hours, "hour")) if many)
