"""Channels: where alerts are told. Addresses and keys are typed in, and never shown again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from app import alert_actions, alerts, data, data_alerts, jobs, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Channel = Mapping[str, Any]

CHANNEL, MAKE = "channel", "make"  # of the URL: which is open; a new one
PART = {alerts.PART: "channels"}
KINDS = {"apprise": "E-mail, chat, pager", "webhook": "Webhook"}
SEVERITIES = ("info", "warning", "critical")
EVENTS = ("opened", "escalated", "resolved")
LEAST_KEY = 16  # letters of a secret
NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
TONES: Mapping[str, Literal["green", "orange", "red", "gray"]] = {
    "sent": "green", "waiting": "orange", "failed": "red", "cancelled": "gray",
}  # fmt: skip
_KEY = "channel-form"
_SAID, _TESTED = "channel-said", "channel-tested"  # session state: why the last click did nothing; what a test came to
EXAMPLES = {
    "apprise": "slack://tokenA/tokenB/tokenC, mailtos://user:key@mail.example, pagerduty://key@routing",
    "webhook": "https://receiver.example/alerts",
}


def overview() -> None:
    """All channels, or one with its form."""
    try:
        found = data_alerts.channels()
    except data.ApiError as error:
        widgets.failed("The channels did not come.", error, "What waits is delivered without this page.")
        return
    if alerts.chosen(MAKE):
        _form(None)
    elif name := alerts.chosen(CHANNEL):
        _one(found, name)
    else:
        _all(found)


def _all(found: Sequence[Channel]) -> None:
    def add() -> None:
        st.page_link(alerts.PATH, label="New channel", icon=":material/add:", query_params=PART | {MAKE: "1"})

    if not found:
        widgets.empty(
            "Places that alerts are told to would be listed here: e-mail, Slack, Teams, PagerDuty, webhooks.",
            "None is set yet, so alerts stand on this page alone.", add,
        )  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(fmt.plain(finding(found), 400), width="content")
        st.space("stretch")
        add()
    listing.listing("channels", "Channels", COLUMNS, [_line(one) for one in found])
    st.caption("Addresses and keys stand beside the store, never in it, and are never shown. Keys: j k move.")


def finding(found: Sequence[Channel]) -> str:
    """How many there are, and which could not be told last: `3 channels; none failed last`."""
    bad = [str(one["name"]) for one in found if (one["last"] or {}).get("state") == "failed"]
    said = fmt.plural(len(found), "channel")
    return (
        f"{said}; the last message to {', '.join(f'“{name}”' for name in bad)} failed."
        if bad
        else f"{said}; none failed last."
    )


COLUMNS = (
    Column("Channel", "minmax(110px, 1fr)", link=True),
    Column("Kind", "76px"),
    Column("Address", "minmax(150px, 1.6fr)", help="What may be shown of it"),
    Column("Severities", "minmax(120px, 1fr)"),
    Column("Events", "minmax(120px, 1fr)"),
    Column("Last message", "90px"),
    Column("At", "104px"),
    Column("What came back", "minmax(120px, 1.4fr)"),
)


def _line(one: Channel) -> listing.Row:
    last = one["last"] or {}
    return listing.Row(
        path(str(one["name"])),
        [
            Cell(one["name"]),
            Cell(one["kind"]),
            Cell(fmt.clip(one["shown"] or "", 120)),
            Cell(_of(one["severities"], SEVERITIES)),
            Cell(_of(one["events"], EVENTS)),
            Cell(last["state"], tone=TONES.get(last["state"], "gray")) if last else Cell("none yet", quiet=True),
            Cell(widgets.when(last.get("at")), quiet=True),
            Cell(fmt.clip(last.get("detail") or "", 200), last.get("detail") or ""),
        ],
    )


def _of(told: Sequence[str], every: Sequence[str]) -> str:
    return "all" if set(told) == set(every) else ", ".join(told) or "none"


def path(name: str) -> str:
    """A link to a channel, relative to the app's pages."""
    return f"alerts?{urlencode(PART | {CHANNEL: name})}"


# One channel.


def _one(found: Sequence[Channel], name: str) -> None:
    one = next((one for one in found if one["name"] == name), None)
    if one is None:
        _back()
        widgets.empty("A channel would be here.", f"None is named {fmt.plain(name, 100)} in this project.")
        return
    _form(one)


def _back() -> None:
    st.page_link(alerts.PATH, label="All channels", icon=":material/arrow_back:", query_params=PART)


def _form(one: Channel | None) -> None:
    """Set a channel; null: a new one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        title = "New channel" if one is None else fmt.plain(one["name"], 100)
        st.subheader(title, anchor=False, width="content")
        st.space("stretch")
        author = alert_actions.author_field()
        _back()
    hint = st.empty()  # there with and without words: what stands below keeps its place, and what is typed there
    if not author:
        hint.caption("Say who you are: whoever sets or tests a channel stands with it.")
    left, right = st.columns([5, 4], gap="large")
    with left:
        _fields(one, author)
    if one is not None:
        with right:
            _try(one, author)


def _fields(one: Channel | None, author: str) -> None:
    told = one or {"severities": SEVERITIES, "events": EVENTS, "kind": "apprise", "shown": None}
    key = f"{_KEY}-{told.get('name', '')}"
    name = told.get("name") or st.text_input("Name", key=f"{key}-name", placeholder="letters, digits, . - _")
    kind = st.segmented_control(
        "Kind", list(KINDS), default=told["kind"], required=True, format_func=KINDS.__getitem__, key=f"{key}-kind"
    )
    kept = one is not None and kind == one["kind"]
    url = st.text_input(
        "Address", key=f"{key}-url", type="password", autocomplete="off",
        placeholder=f"{fmt.clip(told['shown'] or 'set', 80)}; empty: as it is" if kept else EXAMPLES[str(kind)],
        help="It often holds a key, so it is stored aside and never shown again. An address of apprise names its "
        "service first: see the list of services in docs/alerts.md.",
    )  # fmt: skip
    secret, beside = "", st.container()
    if kind == "webhook":
        secret = beside.text_input(
            "Secret that signs each message", key=f"{key}-secret", type="password", autocomplete="new-password",
            placeholder="empty: as it is" if kept else "empty: messages are not signed",
            help="Receivers work out HMAC-SHA256 with it and compare: see docs/alerts.md.",
        )  # fmt: skip
    severities = st.pills(
        "Severities", SEVERITIES, default=told["severities"], selection_mode="multi", key=f"{key}-severities"
    )
    events = st.pills("Events", EVENTS, default=told["events"], selection_mode="multi", key=f"{key}-events")
    held = {"kind": kind, "severities": severities, "events": events}
    held |= {name: text for name, text in (("url", url.strip()), ("secret", secret)) if text}
    problem = problem_of(str(name or ""), held, kept=kept)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Save", type="primary", key="channel-save", disabled=bool(problem) or not author, on_click=_save,
            args=(str(name), held, author, key),
        )  # fmt: skip
        if one is not None and st.button("Delete", key="channel-delete", icon=":material/delete:", disabled=not author):
            _delete(str(one["name"]), author)
        if problem:
            st.caption(problem, width="content")
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        (st.error if said[0] else st.success)(fmt.plain(said[1], 600))
        if not said[0]:
            st.page_link(
                alerts.PATH, label="Open it, and send a test", icon=":material/arrow_forward:",
                query_params=PART | {CHANNEL: str(name)},
            ) if one is None else None  # fmt: skip


def problem_of(name: str, held: Mapping[str, Any], *, kept: bool) -> str:
    """Why it cannot be saved yet; '': it can. `kept`: the address that there is stays."""
    if not NAME.fullmatch(name):
        return "Give it a name of letters, digits, dots, dashes and underscores."
    if not kept and not held.get("url"):
        return "Type the address that it tells."
    if 0 < len(held.get("secret", "")) < LEAST_KEY:
        return f"The secret has fewer than {LEAST_KEY} letters and could be guessed; take a longer one."
    if not held["severities"] or not held["events"]:
        return "Choose at least one severity and one event."
    return ""


def _save(name: str, held: Mapping[str, Any], author: str, key: str) -> None:
    try:
        data_alerts.set_channel(name, held, author)
    except data.ApiError as error:
        st.session_state[_SAID] = True, str(error)
        return
    for field in ("url", "secret"):
        st.session_state[f"{key}-{field}"] = ""
    st.session_state[_SAID] = False, f"Channel {name} is set."


@st.dialog("Delete this channel")
def _delete(name: str, author: str) -> None:
    st.markdown(f"{fmt.plain(name, 100)} is told nothing more; what waits for it is given up. Its log stays.")
    st.button("Delete it", type="primary", key="channel-delete-sure", on_click=_deleted, args=(name, author))


def _deleted(name: str, author: str) -> None:
    try:
        data_alerts.delete_channel(name, author)
    except data.ApiError as error:
        st.session_state[_SAID] = True, str(error)
        return
    st.query_params.pop(CHANNEL, None)


def _try(one: Channel, author: str) -> None:
    """The test button with what it came to, and the last message."""
    name = str(one["name"])
    st.markdown("**Test**")
    st.caption("Sends one message that says it is a test, and waits for what comes back: up to 10 s.")
    place = st.container()
    if st.button("Send a test message", key="channel-test", icon=":material/send:", disabled=not author):
        st.session_state[_TESTED] = (name, *_tested(place, name, author))
    told = st.session_state.get(_TESTED)
    if told and told[0] == name:
        _outcome(told[1], told[2])
    facts = {
        "Address": one["shown"] or fmt.UNKNOWN,
        "Set": fmt.recent(jobs.at(one["set_at"]), widgets.zone(), datetime.now(UTC)),
        "By": one["author"] or fmt.UNKNOWN,
        "Signed": "yes" if one["signed"] else "no",
        "Still to be told": fmt.plural(one["waiting"], "message"),
    }
    widgets.fields({key: fmt.clip(text, 120) for key, text in facts.items()}, 3)
    st.page_link(
        alerts.PATH, label="Its deliveries", icon=":material/list:",
        query_params={alerts.PART: "deliveries", CHANNEL: name},
    )  # fmt: skip


def _tested(place: Any, name: str, author: str) -> tuple[Mapping[str, Any] | None, str]:
    """What the test came to, and why it could not be asked ('': it was)."""
    with place:
        try:
            return widgets.patiently(st.container(), "Sending", lambda: data_alerts.test_channel(name, author)), ""
        except data.ApiError as error:
            return None, str(error)


def _outcome(told: Mapping[str, Any] | None, error: str) -> None:
    if told is None:
        st.error(fmt.plain(error, 600), icon=":material/error:")
        return
    took = "" if told.get("took_ms") is None else f" after {fmt.duration(float(told['took_ms']) * 1e6)}"
    detail = f": {fmt.plain(str(told['detail']), 300)}" if told.get("detail") else ""
    if told["outcome"] == "sent":
        st.success(f"Delivered{took}{detail}.", icon=":material/check:")
    else:
        st.error(f"Not delivered: {told['outcome']}{took}{detail}", icon=":material/error:")
