"""The delivery log: each message to a channel, how often it was tried, and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import alerts, channels, compare_controls, data, data_alerts, jobs, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Delivery = Mapping[str, Any]

STATES = ("waiting", "failed", "sent", "cancelled")
STATE = "delivery"  # of the URL: which state is listed
LIMIT, BUTTONS = 200, 10
_SAID = "delivery-said"  # session state: what the last click did


def overview(follows: bool) -> None:
    """The newest messages; with `follows` they refresh themselves."""
    st.fragment(_log, run_every=alerts.EVERY_S if follows else None)()


def _log() -> None:
    try:
        with st.container(horizontal=True, vertical_alignment="center"):
            names = {str(one["name"]): str(one["name"]) for one in data_alerts.channels()}
            if told := alerts.chosen(channels.CHANNEL):
                names[told] = told
            compare_controls.choice(channels.CHANNEL, "Channel", names, none="any channel", bare=True)
            compare_controls.choice(STATE, "State", {one: one for one in STATES}, none="any state", bare=True)
        found = data_alerts.deliveries(
            state=alerts.chosen(STATE) or None, channel=alerts.chosen(channels.CHANNEL) or None, limit=LIMIT
        )
    except data.ApiError as error:
        widgets.failed("The delivery log did not come.", error, "What waits is delivered without this page.")
        return
    if not found:
        widgets.empty(
            "Messages to channels would be listed here, each with what came back.",
            "None of this kind was sent yet. A test message is one too.",
            lambda: st.page_link(
                alerts.PATH, label="Channels", icon=":material/notifications:", query_params=channels.PART
            ),
        )
        return
    st.markdown(fmt.plain(finding(found), 300))
    _failed(found)
    listing.listing("deliveries", "Deliveries", COLUMNS, [_line(one) for one in found])
    if len(found) >= LIMIT:
        widgets.cut(LIMIT, None, "messages")
    st.caption(
        f"Times in {widgets.zone()}. What fails is tried again for 24 hours, ever more rarely, then given up; the "
        "receiver may get a message twice, with one id. Keys: j k move, Enter opens the alert."
    )


def finding(found: Sequence[Delivery]) -> str:
    """How many, and what became of them: `12 messages: 10 sent, 1 waiting, 1 failed`."""
    counts = {state: sum(one["state"] == state for one in found) for state in STATES}
    said = ", ".join(f"{n:,} {state}" for state, n in counts.items() if n)
    return f"{fmt.plural(len(found), 'message')}: {said}."


def _failed(found: Sequence[Delivery]) -> None:
    """What was given up, with a button each; a test is not tried again, it is sent anew."""
    if said := st.session_state.pop(_SAID, None):
        st.info(fmt.plain(said, 400), icon=":material/info:")
    failed = [one for one in found if one["state"] == "failed" and one["number"]]
    for one in failed[:BUTTONS]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Retry", key=f"retry-{one['delivery_id']}", icon=":material/refresh:", on_click=_retry, args=(one,)
            )
            tries = fmt.plural(one["tries"], "try", "tries")
            detail = (one["last"] or {}).get("detail") or "no reason is told"
            st.text(fmt.clip(f"{one['channel']}: {what(one)}, given up after {tries}: {detail}", 200))
    if len(failed) > BUTTONS:
        widgets.cut(BUTTONS, len(failed), "messages that were given up")


def _retry(one: Delivery) -> None:
    try:
        data_alerts.retry_delivery(str(one["delivery_id"]))
    except data.ApiError as error:
        st.session_state[_SAID] = str(error)
        return
    st.session_state[_SAID] = f"{one['channel']} is tried again now."


def what(one: Delivery) -> str:
    """`alert 12 opened`, `test`."""
    number = one.get("number")
    return f"alert {number} {one['event']}" if number else str(one["event"])


COLUMNS = (
    Column("Made", "104px"),
    Column("Channel", "minmax(90px, 0.8fr)"),
    Column("What", "minmax(120px, 1fr)", link=True),
    Column("State", "84px"),
    Column("Tries", "46px", "right"),
    Column("Sent", "104px"),
    Column("Next try", "104px"),
    Column("What came back", "minmax(150px, 2.4fr)"),
)


def _line(one: Delivery) -> listing.Row:
    number = one.get("number")
    return listing.Row(alerts.path(int(number)) if number else "", cells(one))


def cells(one: Delivery) -> list[Cell]:
    """Its columns, in order."""
    last = one["last"] or {}
    took = "" if last.get("took_ms") is None else f"{fmt.duration(float(last['took_ms']) * 1e6)}: "
    detail = f"{took}{last.get('detail') or last.get('outcome') or ''}"
    return [
        _moment(one.get("created_at")),
        Cell(fmt.clip(one["channel"], 80)),
        Cell(what(one)),
        Cell(one["state"], tone=channels.TONES.get(one["state"], "gray")),
        Cell(f"{one['tries']:,}"),
        _moment(one["sent_at"]),
        _moment(one["next_try_at"]),
        Cell(fmt.clip(detail, 240), detail),
    ]


def _moment(told: str | None) -> Cell:
    if not told:
        return Cell("")
    at = jobs.at(told)
    return Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at))


OF_ALERT = (
    Column("Channel", "minmax(60px, 0.7fr)"),
    Column("Event", "64px"),
    Column("State", "70px"),
    Column("Tries", "40px", "right"),
    Column("Sent", "98px"),
    Column("What came back", "minmax(70px, 1.6fr)"),
)


def of_alert(found: Sequence[Delivery]) -> None:
    """Whom one alert was told."""
    st.markdown("**Told**")
    if not found:
        st.caption("Nobody was told: no channel takes alerts of this severity, or it is snoozed.")
        st.page_link(alerts.PATH, label="Channels", icon=":material/notifications:", query_params=channels.PART)
        return
    rows = []
    for one in found:
        _, channel, _, state, tries, sent, _, detail = cells(one)
        rows.append(listing.Row("", [channel, Cell(one["event"]), state, tries, sent, detail]))
    listing.listing("alert-deliveries", "Deliveries", OF_ALERT, rows)
