"""Keys of end users' feedback: make one, see which there are, revoke one; what to put into an application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import alert_actions, data, data_feedback, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Key = Mapping[str, Any]

_MADE, _SAID = "feedback-key-made", "feedback-key-said"  # session state: the key that was just made; what went wrong
_SNIPPET = """\
fetch("{url}/api/feedback", {{
  method: "POST",
  keepalive: true,
  headers: {{"content-type": "application/json", "x-assay-key": "{key}"}},
  body: JSON.stringify({{kind: "thumbs", trace_id: traceId, thumb: "down", comment: "why", user: userId}}),
}});"""
_OTHERS = """\
{"kind": "stars", "stars": 4, "response_id": "chatcmpl-..."}
{"kind": "text", "text": "Too long.", "trace_id": "..."}
{"kind": "correction", "text": "The better answer.", "trace_id": "...", "span_id": "..."}"""


def overview() -> None:
    """All keys of the project, a form for a new one, and how to send."""
    found = data_feedback.keys()
    active = [one for one in found if not one["revoked_at"]]
    there = fmt.plural(len(active), "key is", "keys are") if active else "No key is"
    st.markdown(
        f"{there} in use. A key may stand in the source of a page: it sends feedback, and can read or change nothing."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = alert_actions.author_field()
        if st.button("New key", icon=":material/add:", type="primary", disabled=not author):
            _new(author)
        if not author:
            st.caption("Say who you are: keys keep who made them.")
    _told()
    if found:
        listing.listing("feedback-keys", "Feedback keys", COLUMNS, [_line(one) for one in found])
        _revoking(active, author)
    _how()


def _told() -> None:
    if said := st.session_state.pop(_SAID, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")
    if made := st.session_state.get(_MADE):
        with st.container(border=True):
            st.markdown(f"The key {fmt.plain(made['name'], 100)}, which is not shown again:")
            st.code(made["key"], language=None)
            st.button("I have it", on_click=lambda: st.session_state.pop(_MADE, None))


COLUMNS = (
    Column("Key", "minmax(110px, 1fr)"),
    Column("Begins", "130px"),
    Column("Pages that may use it", "minmax(180px, 2fr)"),
    Column("A minute", "80px", "right", help="Feedback that it brings at most"),
    Column("Made", "minmax(120px, 1fr)"),
    Column("State", "90px"),
)


def _line(one: Key) -> listing.Row:
    made = widgets.when(one["created_at"])
    by = f" by {one['author']}" if one["author"] else ""
    return listing.Row(
        "",
        [
            Cell(fmt.clip(one["name"], 80)),
            Cell(f"{one['shown']}…"),
            Cell(fmt.clip(", ".join(one["origins"]) or "none: programs alone", 200), ", ".join(one["origins"])),
            Cell(f"{one['per_minute']:,}"),
            Cell(fmt.clip(f"{made}{by}", 80)),
            Cell("revoked", tone="gray") if one["revoked_at"] else Cell("in use", tone="green"),
        ],
    )


def _revoking(active: Sequence[Key], author: str) -> None:
    if not active:
        return
    with st.popover("Revoke a key", icon=":material/block:", disabled=not author):
        names = {str(one["key_id"]): str(one["name"]) for one in active}
        chosen = st.selectbox("Key", list(names), format_func=names.__getitem__, index=None, key="feedback-revoke")
        st.caption("What it brought stays. Applications that still use it are refused from now on.")
        if st.button("Revoke", type="primary", disabled=chosen is None):
            _done(lambda: data_feedback.revoke_key(str(chosen), author))


def _done(deed: Any) -> None:
    try:
        deed()
    except data.ApiError as error:
        st.session_state[_SAID] = str(error)
    st.rerun()


@st.dialog("New key")
def _new(author: str) -> None:
    name = st.text_input("What it is for", max_chars=100, placeholder="shop", key="feedback-key-name")
    origins = st.text_area(
        "Pages that may use it, one origin a line", key="feedback-key-origins", height=90,
        placeholder="https://app.example\nhttp://localhost:3000",
        help="Scheme, name and port as browsers send them. Empty: programs alone may use it, and no page.",
    )  # fmt: skip
    per_minute = st.number_input("Feedback a minute at most", 1, 60_000, 600, key="feedback-key-pace")
    if st.button("Make it", type="primary", disabled=not name.strip(), key="feedback-key-make"):
        lines = [line.strip() for line in origins.splitlines() if line.strip()]
        try:
            st.session_state[_MADE] = data_feedback.add_key(name.strip(), lines, int(per_minute), author)
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.rerun()


def _how() -> None:
    made = st.session_state.get(_MADE) or {}
    st.subheader("How to send", anchor=False)
    st.code(_SNIPPET.format(url=data.place()[0], key=made.get("key", "assay-fb-...")), language="javascript")
    st.caption("The trace id is in your tracer's current span, the response id in the provider's answer. Other bodies:")
    st.code(_OTHERS, language="json")
