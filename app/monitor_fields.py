"""Fields of the monitor's form: what it watches, of which calls, and who is told. When it fires: `monitor_policy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data, data_monitors
from app import format as fmt
from app import monitor_signals as signals
from app.state import Window, next_minute

Base = Mapping[str, Any]

OFFERED = timedelta(days=30)  # of which values are offered
SHOWN = ("service", "environment", "model", "release")
MORE = ("provider", "prompt", "variant", "tool", "tag")
SELECTED = (*SHOWN, *MORE)
QUANTILES = (0.5, 0.9, 0.95, 0.99)
SEVERITIES = ("info", "warning", "critical")


@dataclass(slots=True)
class Slots:
    """Places below fields, for what the API has against them."""

    places: dict[str, DeltaGenerator] = field(default_factory=dict)

    def add(self, *names: str) -> None:
        """A place here, for one or several fields."""
        place = st.empty()
        self.places |= dict.fromkeys(names, place)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: a signal, or a check with its own."""

    signal: str | None
    kind: str | None  # of a check that has its own signal
    score: str | None = None
    quantile: float | None = None
    problem: str = ""

    @property
    def told(self) -> signals.Signal | None:
        """The signal; null: the check has its own."""
        return None if self.signal is None else signals.SIGNALS[self.signal]


def watched(base: Base, key: str, slots: Slots) -> Watched | None:
    """The signal, and what it needs to be one; null: none is chosen."""
    options = [*signals.SIGNALS, *signals.PLAIN]
    own = (base.get("alert") or {}).get("kind")
    told = base.get("signal") or (own if own in signals.PLAIN else None)
    name = st.selectbox(
        "Watch", options, options.index(told) if told in options else None, key=f"{key}watch", format_func=_label,
        placeholder="Choose a signal: an error rate, a duration, a score ...",
    )  # fmt: skip
    slots.add("signal")
    if name is None:
        st.caption("Everything else follows from it. A signal has one value an hour, or one for each call.")
        return None
    if name in signals.PLAIN:
        st.caption(signals.PLAIN[name][1])
        return Watched(None, name)
    signal = signals.SIGNALS[name]
    st.caption(signal.what)
    score = _score(base, key, slots) if signal.named else None
    problem = "Name the score to watch." if signal.named and not score else ""
    return Watched(name, None, score, _quantile(base, key) if signal.quantile else None, problem)


def _label(name: str) -> str:
    if name in signals.PLAIN:
        return f"Plain checks · {signals.PLAIN[name][0]}"
    return f"{signals.SIGNALS[name].group} · {signals.SIGNALS[name].label}"


def _score(base: Base, key: str, slots: Slots) -> str | None:
    """Names seen of late are offered, and any can be typed: scores may be still to come."""
    since = datetime.now(UTC) - OFFERED
    try:
        names = [str(one) for one in data.score_names(since.replace(hour=0, minute=0, second=0, microsecond=0))["name"]]
    except data.ApiError:
        names = []
    told = base.get("score")
    options = list(dict.fromkeys((*([told] if told else ()), *names)))
    chosen = st.selectbox(
        "Score", options, 0 if told else None, key=f"{key}score", accept_new_options=True, placeholder="name of a score"
    )
    slots.add("score")
    return str(chosen).strip() if chosen else None


def _quantile(base: Base, key: str) -> float | None:
    told = base.get("quantile") or 0.5
    options = sorted({*QUANTILES, told})
    return float(
        st.segmented_control(
            "Quantile", options, default=told, required=True, key=f"{key}quantile", format_func=signals.quantile_word
        )
    )  # fmt: skip


# Which calls.


def sliced(base: Base, key: str, slots: Slots, what: Watched) -> tuple[dict[str, Any], str]:
    """Filters as of `calls_totals`; why they cannot be so, '': they can."""
    if what.kind == "budget" or what.signal == "ledger_losses":
        return {}, ""
    told = dict(base.get("where") or {})
    offers = _offers()
    left, right = st.columns(2)
    where = {}
    for place, name in enumerate(SHOWN):
        with (left, right)[place % 2]:
            where[name] = _pick(name, told.get(name), offers, key)
    further = any(name not in SHOWN for name in told)
    with st.expander("More filters", expanded=further):
        slots_of = st.columns(2)
        for place, name in enumerate(MORE):
            with slots_of[place % 2]:
                where[name] = _pick(name, told.get(name), offers, key)
        rest = [f"{name}={_plain(value)}" for name, value in told.items() if name not in SELECTED]
        typed = st.text_area(
            "Other filters, one name=value a line", "\n".join(rest), key=f"{key}other", height=68,
            placeholder="session_id=s-12", help=_OTHERS,
        )  # fmt: skip
    slots.add("where")
    others, problem = lines(str(typed or ""))
    return {name: value for name, value in (where | others).items() if value not in (None, "")}, problem


_OTHERS = (
    "Also: kind (llm or embedding), session_id, user_id, with_score and with_score_at_least, with_score_at_most, "
    "with_score_label, with_score_failed."
)


def _pick(name: str, told: Any, offers: Mapping[str, Sequence[str]], key: str) -> str | None:
    options = list(dict.fromkeys((*([str(told)] if told else ()), *offers.get(name, ()))))
    chosen = st.selectbox(
        name.capitalize(), options, 0 if told else None, key=f"{key}{name}", accept_new_options=True, placeholder="any"
    )
    return str(chosen) if chosen else None


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def lines(typed: str) -> tuple[dict[str, str], str]:
    """Filters as typed, one `name=value` a line, and the line that is none; '': all are."""
    found = {}
    for number, line in enumerate(typed.splitlines(), 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.strip() and not (name and equals and value):
            return {}, f"Line {number} of the other filters is written name=value, not {line.strip()!r}."
        if line.strip():
            found[name] = value
    return found, ""


def offers(field: str) -> list[str]:
    """What a filter can offer; empty where that did not come: any can be typed."""
    return list(_offers().get(field, ()))


def _offers() -> dict[str, list[str]]:
    now = next_minute(datetime.now(UTC)).replace(minute=0)
    window = Window(now - OFFERED, now + timedelta(hours=1), "the last 30 days")
    try:
        frame = data.offers("calls_filters", window.since, window.until)
    except data.ApiError as error:
        st.caption(f"What there is to choose did not come: {fmt.plain(str(error), 200)} Values can be typed.")
        return {}
    return {str(name): [str(one) for one in rows["value"]] for name, rows in frame.groupby("field", sort=False)}


# Who is told.


def told(base: Base, key: str, slots: Slots) -> dict[str, Any]:
    """Severity, owner, channels, escalation, and what the monitor is for."""
    named = base.get("severity") in SEVERITIES
    with st.expander("Who is told", expanded=bool(base.get("owner") or base.get("notify"))):
        severity = st.segmented_control(
            "Severity", SEVERITIES, default=base["severity"] if named else "warning", required=True,
            key=f"{key}severity",
        )  # fmt: skip
        left, right = st.columns(2)
        owner = left.text_input("Owner", base.get("owner") or "", key=f"{key}owner", placeholder="nobody")
        later = right.text_input(
            "Escalate after", base.get("escalate_after") or "", key=f"{key}escalate", placeholder="never, or 4h",
            help="Told again, as critical, if nobody has acknowledged by then: 30m, 4h, 1d.",
        )  # fmt: skip
        slots.add("severity", "owner", "escalate_after")
        notify = _channels(base, key)
        slots.add("notify")
        description = st.text_input(
            "What it is for", base.get("description") or "", key=f"{key}description", placeholder="read by who is told"
        )
        slots.add("description")
    return {
        "severity": severity, "owner": str(owner or "").strip() or None, "notify": notify,
        "escalate_after": str(later or "").strip() or None, "description": description or "",
    }  # fmt: skip


def _channels(base: Base, key: str) -> list[str]:
    held = [str(one) for one in base.get("notify") or ()]
    try:
        names = [str(one["name"]) for one in data_monitors.channels()]
    except data.ApiError:
        names = []
    options = list(dict.fromkeys((*held, *names)))
    if not options:
        st.caption("No channel is set yet: alerts are seen on the page Alerts alone.")
        return []
    return list(
        st.multiselect("Channels", options, held, key=f"{key}notify", placeholder="all that take this severity")
    )
