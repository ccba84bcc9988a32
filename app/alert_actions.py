"""What is done about an alert: acknowledge, snooze, take it, resolve, reopen, write a post-mortem note."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import alerts, data, data_alerts, experiment_form, jobs, widgets
from app import format as fmt
from app.data_alerts import Deed

Alert = Mapping[str, Any]

LENGTHS = {"1 hour": "1h", "4 hours": "4h", "1 day": "1d", "1 week": "7d"}
AUTHOR = "alerts-author"  # key of the field, and of what it keeps for the session
_REFUSED, _NOTE = "alert-refused", "alert-note"
_LONGEST = 20_000


def row(told: Alert) -> None:
    """Who acts, and what can be done in the alert's state."""
    number, is_open = int(told["number"]), told["state"] != "resolved"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = author_field()
        off = not author
        if told["state"] == "firing":
            _button("Acknowledge", "acknowledge", number, author, "check", primary=True)
        if is_open:
            _snooze(told, author)
        _own(told, author)
        if is_open:
            _resolve(number, author)
        else:
            _button("Reopen", "reopen", number, author, "undo")
        if st.button("Write a note", key="alert-write", icon=":material/edit_note:", disabled=off):
            _write(told, author)
        if st.button(
            "Start an experiment", key="alert-experiment", icon=":material/experiment:",
            help="Order runs of a suite, such as the model or prompt before against the one after",
        ):  # fmt: skip
            experiment_form.dialog()
    if off:
        st.caption("Say who you are: what you do stands in the alert's history under that name.")
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def author_field() -> str:
    """Who acts, kept for the session."""
    told = st.text_input(
        "Your name", key=AUTHOR, max_chars=100, placeholder="Your name", width=150, label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    return str(told or "").strip()


def _button(label: str, action: Deed, number: int, author: str, icon: str, *, primary: bool = False) -> None:
    st.button(
        label, key=f"alert-{action}", type="primary" if primary else "secondary", icon=f":material/{icon}:",
        disabled=not author, on_click=act, args=(number, action, author),
    )  # fmt: skip


def act(number: int, action: Deed, author: str, **more: Any) -> None:
    """Do it; what refuses it is said when the page is drawn."""
    try:
        data_alerts.act(number, action, author, **more)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)


def _snooze(told: Alert, author: str) -> None:
    number = int(told["number"])
    if alerts.snoozed(told, datetime.now(UTC)):
        _button("End snooze", "unsnooze", number, author, "notifications_active")
        return
    with st.popover("Snooze", icon=":material/snooze:", disabled=not author):
        st.caption("Nothing is told meanwhile; the monitor goes on looking.")
        with st.container(horizontal=True):
            for words, length in LENGTHS.items():
                st.button(
                    words, key=f"alert-snooze-{length}", on_click=act, args=(number, "snooze", author),
                    kwargs={"lasts": length},
                )  # fmt: skip


def _own(told: Alert, author: str) -> None:
    with st.popover("Owner", icon=":material/person:", disabled=not author):
        usual = told["owner"] or author
        given = st.text_input("Owner", usual, key=f"alert-owner-{told['number']}-{usual}", max_chars=100).strip()
        with st.container(horizontal=True):
            number = int(told["number"])
            st.button(
                "Set owner", key="alert-own", type="primary", on_click=act, args=(number, "own", author),
                kwargs={"owner": given}, disabled=not given,
            )  # fmt: skip
            if told["owner"]:
                st.button(
                    "Nobody's", key="alert-disown", on_click=act, args=(number, "own", author), kwargs={"owner": None}
                )


def _resolve(number: int, author: str) -> None:
    with st.popover("Resolve", icon=":material/task_alt:", disabled=not author):
        st.caption("It resolves by itself once no look counts any more. What says that it is over now?")
        text = st.text_input("Why", key="alert-resolve-why", max_chars=1_000, placeholder="fixed in release 1.9")
        st.button(
            "Resolve it", key="alert-resolve", type="primary", on_click=act, args=(number, "resolve", author),
            kwargs={"text": text.strip() or None},
        )  # fmt: skip


# The post-mortem note.


def note(told: Alert) -> None:
    """The note as it stands, as it was written: it is somebody's text, and no Markdown of it is drawn."""
    if not told["note"]:
        return
    st.markdown("**Post-mortem note**")
    with st.container(border=True):
        st.text(fmt.straight(str(told["note"])))


@st.dialog("Post-mortem note", width="large")
def _write(told: Alert, author: str) -> None:
    text = st.text_area(
        "Note", told["note"] or template(told), key=f"{_NOTE}-{told['number']}", height=360, max_chars=_LONGEST,
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption("It stands with the alert for everyone; earlier ones are kept in its history.")
    if st.button("Save the note", key="alert-note", type="primary", disabled=not text.strip()):
        try:
            data_alerts.act(int(told["number"]), "note", author, text=text.strip())
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.rerun()


def template(told: Alert) -> str:
    """What a note starts from: what is known, and the questions that are left."""
    zone, now = widgets.zone(), datetime.now(UTC)

    def at(name: str, none: str = "not yet") -> str:
        return fmt.recent(jobs.at(told[name]), zone, now) if told[name] else none

    return (
        f"What happened\n{told['verdict']}\n\n"
        f"Times ({zone})\nChanged {at('changed_since', fmt.UNKNOWN)}, opened {at('opened_at')}, "
        f"acknowledged {at('acknowledged_at')}, resolved {at('resolved_at')}.\n\n"
        f"Cause\n{told['cause_text'] or told['cause']}\n\nWho was affected, and how\n\n\nWhat we change so that it "
        "does not come back\n\n"
    )
