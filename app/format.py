"""Numbers, times and untrusted text as a person reads them. Pure; knows no Streamlit."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo

import pandas as pd

UNKNOWN = "unknown"
MINUS = "\u2212"

_READ_IN_TEXT = re.compile(
    r":(?=//)|www(?=\.)|@|mailto(?=:)|xmpp(?=:)|:(?=[\w+-]+:)|(?<!\S)[<>~-](?=(?:->|[->=])(?!\S))", re.IGNORECASE
)  # addresses, `:streamlit:` and emoji by name, arrows and `>=`
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~:$&@=/^\"'])")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NO_SHARE = 5e-5  # a relative difference that two decimals of a percentage would not show
_NOTHING = 1e-9  # below it a number is what rounding left behind


def count(value: float | None) -> str:
    """A whole number with thousands separated; null is `unknown`."""
    return UNKNOWN if absent(value) else f"{value:,.0f}"


def short(value: float | None) -> str:
    """Three significant digits with k, M or G: 12,345 is `12.3k`; up to 999 whole numbers stay exact."""
    if value is None or absent(value):
        return UNKNOWN
    for scale, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale * 0.9995:
            return f"{digits(value / scale)}{suffix}"
    return digits(value)


def digits(value: float, figures: int = 3) -> str:
    """`value` at `figures` significant digits, never in exponent form, without needless zeros; below 1e-9 it is 0."""
    if abs(value) < _NOTHING:
        return "0"
    places = max(0, figures - 1 - math.floor(math.log10(abs(value))))
    text = f"{round(value, places):,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(nanoseconds: float | None) -> str:
    """Three significant digits with unit: `812 ms`, `1.23 s`, `2 min 5 s`, `1 h 3 min`; null is `unknown`."""
    if nanoseconds is None or absent(nanoseconds):
        return UNKNOWN
    if abs(nanoseconds) < 1e3:
        return f"{nanoseconds:.0f} ns"
    for below, unit, name in ((1e6, 1e3, "µs"), (1e9, 1e6, "ms"), (60e9, 1e9, "s")):
        if abs(nanoseconds) < below:
            return f"{digits(nanoseconds / unit)} {name}"
    return _long_duration(round(nanoseconds / 1e9))


def _long_duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return _two(days, "d", hours_left, "h")
    return _two(hours, "h", minutes_left, "min") if hours else _two(minutes, "min", rest, "s")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"


def money(usd: float | None) -> str:
    """To the cent from $1, to four digits below; null is `unknown`, and a price below $0.0001 says so."""
    if usd is None or absent(usd):
        return UNKNOWN
    if usd == 0:
        return "$0"
    if abs(usd) >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if abs(usd) >= 0.0001 else "< $0.0001"


def mean_cost(usd: float | None) -> str:
    """Three significant digits below $1, where a mean may be far below a cent: `$0.000912`; null is `unknown`."""
    if usd is None or absent(usd) or abs(usd) >= 1:
        return money(usd)
    return f"${digits(usd)}"


def between(low: float | None, high: float | None) -> str:
    """An interval of money at two digits, `$0.011 to 0.013`; null bounds: `no interval`."""
    if low is None or high is None or absent(low) or absent(high):
        return "no interval"
    return f"${_bound(low)} to {_bound(high)}"


def _bound(usd: float) -> str:
    return f"{usd:,.2f}" if abs(usd) >= 1 else digits(usd, 2)


def exact_money(usd: float | None) -> str:
    """To the billionth of a dollar, without needless zeros, for hovers; null is `unknown`."""
    if usd is None or absent(usd):
        return UNKNOWN
    text = f"{abs(usd):,.9f}".rstrip("0").rstrip(".")
    return f"{MINUS if usd < 0 and text != '0' else ''}${text}"


def money_apart(usd: float | None) -> str:
    """A difference of money with its sign, `+$1.20`; null is `unknown`."""
    if usd is None or absent(usd):
        return UNKNOWN
    text = money(abs(usd)) if abs(usd) >= 0.0001 else f"${digits(abs(usd), 2)}"
    return text if text == "$0" else f"{'+' if usd > 0 else MINUS}{text}"


def percent_apart(share: float | None, figures: int = 3) -> str:
    """A relative difference with its sign, `+21.6 %`; below a two-hundredth of a percent it is 0; null: `unknown`."""
    if share is None or absent(share):
        return UNKNOWN
    text = digits(abs(share) * 100, figures) if abs(share) >= _NO_SHARE else "0"
    return f"{'' if text == '0' else '+' if share > 0 else MINUS}{text} %"


def cost(usd: float | None, unpriced_calls: int = 0) -> str:
    """`money`, and how many calls have no cost: `$1.20, 4 calls unpriced`, `unknown for 4 calls`."""
    if not unpriced_calls:
        return money(usd)
    calls = plural(unpriced_calls, "call")
    return f"{UNKNOWN} for {calls}" if usd is None or absent(usd) else f"{money(usd)}, {calls} unpriced"


def percent(share: float | None) -> str:
    """A share of 1 as percent, three significant digits; null is `unknown`."""
    return UNKNOWN if share is None or absent(share) else f"{digits(share * 100)} %"


def tokens(value: float | None, unknown_calls: int = 0) -> str:
    """Tokens in three significant digits; says how many calls told nothing: `12.3k, unknown for 4 calls`."""
    said = "" if not unknown_calls else f"unknown for {plural(unknown_calls, 'call')}"
    if value is None or absent(value):
        return said or UNKNOWN
    return f"{short(value)}, {said}" if said else short(value)


def plural(number: float, noun: str, many: str | None = None) -> str:
    """`1 call`, `1,204 calls`."""
    return f"{number:,.0f} {noun if number == 1 else many or noun + 's'}"


def moment(value: datetime, zone: tzinfo = UTC) -> str:
    """Date and time to the second in the viewer's zone."""
    return aware(value).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def clock(value: datetime, zone: tzinfo = UTC) -> str:
    """Time of day to the second in the viewer's zone."""
    return aware(value).astimezone(zone).strftime("%H:%M:%S")


def recent(value: datetime, zone: tzinfo, now: datetime) -> str:
    """Time of day in the viewer's zone, with the date unless it is today's."""
    today = aware(value).astimezone(zone).date() == aware(now).astimezone(zone).date()
    return clock(value, zone) if today else moment(value, zone)


def narrow(value: datetime, zone: tzinfo, now: datetime) -> str:
    """For a column of times, in the viewer's zone: `05-04 12:34:56`; of another year than now's `2025-05-04 12:34`."""
    at = aware(value).astimezone(zone)
    return at.strftime("%m-%d %H:%M:%S" if at.year == aware(now).astimezone(zone).year else "%Y-%m-%d %H:%M")


def utc(value: datetime) -> str:
    """Exact to the microsecond, for hovers and copies."""
    return aware(value).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def error_type(kind: str | None) -> str:
    """The type of an error as sent; `error` when nobody named one (null, blank, OpenTelemetry's fallback `_OTHER`)."""
    return "error" if kind is None or absent(kind) or kind == "_OTHER" or blank(kind) else straight(kind)


def aware(value: datetime) -> datetime:
    """The store's naive times are UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def largest(values: pd.Series) -> float:
    """What the longest bar stands for: the largest value; 1 where none is known, or above nothing."""
    known = pd.to_numeric(values, errors="coerce").astype("float64").max()
    return float(known) if known > 0 else 1.0


def absent(value: object) -> bool:
    """Null, NaN, NaT or NA."""
    return value is None or value is pd.NA or value != value  # noqa: PLR0124 - NaN and NaT differ from themselves


def plain(text: str, limit: int = 300) -> str:
    r"""Untrusted text for a Markdown label: one line, every mark escaped, so that `![x](url)` stays those letters.

    Streamlit renders labels, titles and captions as Markdown; unescaped, a span's name could fetch a remote image. It
    also makes links of bare addresses, pictures of `:streamlit:` and one sign of `->`, escaped or not, so an invisible
    word joiner takes those apart.
    """
    return _MARKDOWN.sub(r"\\\1", _READ_IN_TEXT.sub("\\g<0>\u2060", clip(text, limit)))


def clip(text: str, limit: int = 300, instead: str = "") -> str:
    """One line of untrusted text where no Markdown is read: cut to `limit` letters, in the order it is stored.

    `instead` stands in for a text of which nothing can be seen.
    """
    line = " ".join(straight(text).split())
    if blank(line):
        return instead
    return line if len(line) <= limit else line[: limit - 1] + "…"


def finite(told: object) -> float | None:
    """The number that somebody's JSON tells; null: it is none, or none that can be drawn."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if -1e300 < told < 1e300 else None


def blank(text: str) -> bool:
    """Nothing of it can be seen: it is empty, or all white space, marks and control characters."""
    return not any(letter.isprintable() and letter != " " for letter in text)


def straight(text: str) -> str:
    """Without the marks that turn the direction of what follows (U+202A to U+202E, U+2066 to U+2069).

    They are never closed for certain, so one in a name would reverse the page's own words after it, or show `gpj.exe`
    as `exe.jpg`. Right-to-left letters need none of them.
    """
    return _TURNING.sub("", text)
