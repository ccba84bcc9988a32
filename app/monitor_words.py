"""A monitor in words: what it watches, against what, when it fires, how often it would for nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal

from app import format as fmt
from app import monitor_signals as signals

Monitor = Mapping[str, Any]
Json = Mapping[str, Any]
Tone = Literal["red", "orange", "green", "gray"]

OFF = "off"
STATES = ("firing", "insufficient data", "new", "ok", OFF)
"""In the order in which they are read: what asks for somebody comes first."""
TONES: Mapping[str, Tone] = {"firing": "red", "ok": "green", "insufficient data": "gray", "new": "gray", OFF: "gray"}
_LENGTHS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
DAY_S = 86_400.0


def state(one: Monitor) -> str:
    """Its state; a monitor that is not enabled is off, whatever it saw last."""
    return str(one["state"]) if one["enabled"] else OFF


def length(told: str | None) -> str:
    """`1d` as `1 day`, `15m` as `15 minutes`."""
    if not told:
        return fmt.UNKNOWN
    number, unit = told[:-1], _LENGTHS.get(told[-1])
    return fmt.plural(int(number), unit) if unit and number.isdigit() else told


def each(told: str | None) -> str:
    """`1d` as `day`, `15m` as `15 minutes`: after `every` and `the last`."""
    return length(told).removeprefix("1 ")


def watched(one: Monitor) -> str:
    """What it watches: `p95 of duration`."""
    return signals.title(one["signal"], one["score"], one["quantile"], kind(one))


def kind(one: Monitor) -> str:
    """Of its check: drift threshold no_data error_burst slo_burn budget."""
    return str((one["alert"] or {}).get("kind") or "drift")


def unit(one: Monitor) -> str | None:
    """Of its values; of checks with a signal of their own: calls, or a share; null: none (a burn rate)."""
    own = {"no_data": "calls", "error_burst": "share", "budget": "share"}
    return one["unit"] or own.get(kind(one))


def sliced(where: Json) -> str:
    """Which calls: `service shop, model gpt-4o`; `all calls`."""
    return ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in where.items()) or "all calls"


def reference(against: Json, zone: tzinfo) -> str:
    """What it is compared with."""
    if against.get("release"):
        return f"calls of release {against['release']}"
    if against.get("prompt"):
        return f"calls of prompt {against['prompt']}"
    if against.get("run"):
        return f"run {against['run']}"
    if against.get("since"):
        since, until = (fmt.moment(datetime.fromisoformat(str(against[end])), zone)[:16] for end in ("since", "until"))
        return f"{since} to {until}"
    return f"the {length(against.get('last') or '28d')} before"


def fires(one: Monitor) -> str:
    """When it fires, as one sentence."""
    check, window = one["alert"], each(one["window"])
    match kind(one):
        case "threshold":
            side = "above" if check.get("above") is not None else "below"
            return f"Fires when the value over the last {window} is {side} {signals.amount(check[side], unit(one))}."
        case "no_data":
            return f"Fires when nothing came for {length(one['window'])}."
        case "error_burst":
            return (
                f"Fires when {fmt.plural(check['failed'], 'call')} and {fmt.percent(check['share'])} of all failed "
                f"within the last {window}."
            )
        case "slo_burn":
            return _burn(check)
        case "budget":
            return _budget(check)
    return _drift(one, check, window)


def _drift(one: Monitor, check: Json, window: str) -> str:
    least = one.get("min_effect") if check.get("min_effect") is None else check["min_effect"]
    size = "what suits the reference" if least is None else signals.effect(least, unit(one))
    side = {"up": "a rise", "down": "a fall"}.get(check.get("side") or "", "a change")
    hits, _, of = str(check["persist"]).partition("/")
    looks = "a look shows" if of == "1" else f"{hits} of {of} looks show"
    alpha = (one.get("calibration") or {}).get("alpha") or check["alpha"]  # as it was worked out for its false alarms
    sure = f"a p below {alpha:.2g}, adjusted over all monitors of the project"
    return f"Fires when {looks} {side} of {size} or more over the last {window}, with {sure}."


def _burn(check: Json) -> str:
    bad = "failed" if check.get("slower_than") is None else f"failed or slower than {check['slower_than']:g} ms"
    return (
        f"Fires when calls that {bad} use up the error budget of {fmt.percent(check['objective'])} over "
        f"{length(check['period'])} too fast, in a long and a short window."
    )


def _budget(check: Json) -> str:
    parts = []
    if check.get("spent") is not None:
        parts.append(f"{fmt.percent(check['spent'])} of a budget is spent")
    if check.get("forecast"):
        parts.append("the forecast's whole interval is above the budget")
    return f"Fires when {' or '.join(parts) or 'a budget is overrun'}."


def schedule(one: Monitor) -> str:
    """How often it looks, and at how much time."""
    return f"Looks every {each(one['every'])} at the last {each(one['window'])}."


# How often it fires for nothing, and how late it is.


def false_alarms(calibration: Json | None) -> str:
    """Of a month, for a cell: `0.12 (0 to 0.3)`; `—`: not worked out."""
    found = (calibration or {}).get("false_alarms")
    if not found:
        return "—"
    return f"{_rate(found['value'], 2)} ({_rate(found['low'], 2)} to {_rate(found['high'], 2)})"


def _rate(value: float | None, figures: int = 3) -> str:
    return fmt.UNKNOWN if value is None else fmt.digits(value, figures)


def delay(calibration: Json | None) -> str:
    """Days to find the least effect, for a cell: `1.5 d`; `—`: not worked out."""
    found = (calibration or {}).get("delay")
    if not found:
        return "—"
    return "over a month" if found["median_days"] is None else days(found["median_days"])


def days(value: float | None) -> str:
    """`6 h`, `1 d 12 h`, from days."""
    return fmt.UNKNOWN if value is None else fmt.duration(max(round(value * 24), 1) * 3_600e9)


def calibrated(calibration: Json | None, of: str | None, check: str = "drift") -> str:
    """False alarms and delay, with how they are known, as sentences; where there are none, why. `of`: the unit."""
    if check != "drift":
        plain = "A plain check asks no statistics, so that nobody can tell its false alarms."
        return str((calibration or {}).get("why") or plain)
    if calibration is None:
        return "Its false alarms are not worked out yet."
    if calibration.get("why"):
        return f"Its false alarms cannot be told: {calibration['why']}"
    alarms = calibration["false_alarms"]
    if not alarms:
        return "Its false alarms are worked out once it is set."
    return (
        f"While nothing changes it raises {_rate(alarms['value'])} false alarms a month (95 % interval "
        f"{_rate(alarms['low'])} to {_rate(alarms['high'])}){_quiet(alarms)}. {rest(calibration, of)}"
    )


def _quiet(alarms: Json) -> str:
    share = alarms.get("quiet_months")
    return "" if share is None else f"; {fmt.percent(share)} of months have none"


def rest(calibration: Json, of: str | None) -> str:
    """How late it finds the least change, and how that and its false alarms are known."""
    late = calibration["delay"]
    return " ".join([*([_late(late, of)] if late else []), _resampled(calibration)])


def _late(late: Json, of: str | None) -> str:
    size = signals.effect(late["effect"], of)
    if late["median_days"] is None:
        return f"A lasting change of {size} is found within a month in {fmt.percent(late['found'])} of cases."
    low, high = late.get("median_low"), late.get("median_high")
    ends = f"{days(low)} to {'over a month' if high is None else days(high)}"
    sure = "" if low is None else f" (95 % interval {ends})"
    nine = f", in nine of ten within {days(late['late_days'])}" if late["late_days"] is not None else ""
    return f"A lasting change of {size} is found after {days(late['median_days'])}{sure} in half of cases{nine}."


def _resampled(calibration: Json) -> str:
    of = fmt.plural(calibration["monitors"], "drift monitor") if calibration.get("monitors") else "this monitor"
    draws = f"{calibration['draws']:,} draws of its own reference" if calibration.get("draws") else "its own reference"
    alpha = f", alpha {calibration['alpha']:.3g}" if calibration.get("alpha") is not None else ""
    return f"By {draws}, adjusted over {of}{alpha}."


SEASONS = {
    "none": "Season: none is seen in the reference; all hours are compared with one another.",
    "hour": "Season: each hour is compared with the same hour of the day.",
    "weekday": "Season: each hour is compared with the same hour of the week.",
}
"""What of time is compared with its like."""


# All of them.


def finding(found: Sequence[Monitor]) -> str:
    """What state the project's monitors are in, and how many false alarms of all a month are to be expected."""
    counts = {name: sum(state(one) == name for one in found) for name in STATES}
    said = f"{fmt.plural(len(found), 'monitor')}: "
    said += f"{counts['firing']:,} firing" if counts["firing"] else "none is firing"
    blind, off, new = counts["insufficient data"], counts[OFF], counts["new"]
    said += f", {blind:,} with too little data to say anything" if blind else ""
    said += f", {new:,} not looked at yet" if new else ""
    said += f", {counts['ok']:,} ok" if counts["ok"] else ""
    said += f", {off:,} off" if off else ""
    return f"{said}.{_expected(found)}"


def _expected(found: Sequence[Monitor]) -> str:
    on = [one["calibration"] for one in found if one["enabled"] and one["calibration"]]
    known = [told["false_alarms"]["value"] for told in on if told.get("false_alarms")]
    if not known:
        return ""
    return f" While nothing changes they raise {fmt.digits(sum(known), 2)} false alarms a month in all."


def look_words(look: Json | None, of: str | None) -> str:
    """`4.1 %, expected 2.8 %`."""
    if look is None:
        return "no look yet"
    if look["expected"] is None:
        return signals.amount(look["value"], of)
    return f"{signals.amount(look['value'], of)}, expected {signals.amount(look['expected'], of)}"
