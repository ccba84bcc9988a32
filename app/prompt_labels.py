"""The labels of a prompt: where they are, how they are moved, and how they moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import data, data_prompts, listing, runs, widgets
from app import format as fmt
from app.listing import Cell, Column

Prompt = dict[str, Any]
USUAL = ("production", "staging")
# Session state: why the last move was refused; that it was carried out, so that the dialog can go.
_SAID, _DONE = "label-said", "label-done"
_SHOWN = 50  # moves


def panel(name: str, told: Prompt) -> None:
    """The labels, a way to move them, and their history."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Labels**", width="content")
        st.space("stretch")
        opened = not told["away"] and st.button("Move a label", key="move-label", icon=":material/sell:")
    if opened:
        st.session_state.pop(_DONE, None)
        _move(name, told)
    else:
        _refused()
    if told["labels"]:
        listing.listing("labels", "Labels", COLUMNS, [_line(one) for one in told["labels"]])
    else:
        st.caption("None yet: applications that ask without one get the newest version.")
    if told["history"]:
        with st.expander(f"History ({len(told['history']):,})"):
            for one in told["history"][:_SHOWN]:
                st.text(moved(one), help=fmt.clip(one["reason"], 400) or None)
                if one["reason"]:
                    st.caption(fmt.plain(one["reason"], 400))
            if len(told["history"]) > _SHOWN:
                widgets.cut(_SHOWN, len(told["history"]), "moves")


COLUMNS = (
    Column("Label", "minmax(90px, 1fr)"),
    Column("Version", "60px", "right"),
    Column("Protected", "84px"),
    Column("Since", "98px"),
)


def _line(one: Mapping[str, Any]) -> listing.Row:
    when = runs.at(one["moved_at"])
    return listing.Row(
        "",
        [
            Cell(fmt.clip(one["label"], 50), tone="green"), Cell(f"{one['version']:,}"),
            Cell("protected", "Moving it asks for its name", "orange") if one["protected"] else Cell("no", quiet=True),
            Cell(fmt.narrow(when, widgets.zone(), datetime.now(UTC)), fmt.utc(when)),
        ],
    )  # fmt: skip


def moved(one: Mapping[str, Any]) -> str:
    """A move in a line: `11-24 10:00:00 production: 2 → 3, protected, by ada`."""
    when = fmt.narrow(runs.at(one["moved_at"]), widgets.zone(), datetime.now(UTC))
    if one["version"] is None:
        what = f"removed from {one['from_version']}"
    elif one["from_version"] is None:
        what = f"put on {one['version']}"
    elif one["from_version"] == one["version"]:
        what = "protected" if one["protected"] else "not protected any more"
    else:
        what = f"{one['from_version']} → {one['version']}"
    by = f", by {one['author']}" if one["author"] else ""
    return fmt.clip(f"{when} {one['label']}: {what}{by}", 200)


@st.dialog("Move a label")
def _move(name: str, told: Prompt) -> None:
    if st.session_state.pop(_DONE, False):
        st.rerun()  # which closes the dialog
    held = {one["label"]: one for one in told["labels"]}
    label = st.selectbox(
        "Label", [*held, *(one for one in USUAL if one not in held)], key="label-name", accept_new_options=True
    )
    now = held.get(str(label))
    st.selectbox("To version", [str(one["version"]) for one in told["versions"]], key="label-version")
    st.text_input("Why", key="label-reason", placeholder="for the history")
    guarded = bool(now and now["protected"])
    protect = st.checkbox(
        "Protected: moving it asks for its name", value=guarded, key=f"label-protect-{label}",
        help="Needs the right admin, once there is sign-in",
    )  # fmt: skip
    if guarded and now:
        st.warning(f"{fmt.plain(str(label))} is protected and names version {now['version']}.")
        st.text_input("Type the label to confirm", key="label-confirm")
    with st.container(horizontal=True):
        st.button("Move", key="label-move", type="primary", on_click=_moved, args=(name, str(label), protect))
        if now:
            st.button("Remove the label", key="label-remove", on_click=_removed, args=(name, str(label)))
    _refused()


def _refused() -> None:
    if said := st.session_state.pop(_SAID, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")


def _told() -> dict[str, str | None]:
    confirm = str(st.session_state.get("label-confirm") or "").strip()
    return {"reason": str(st.session_state.get("label-reason") or ""), "confirm": confirm or None}


def _moved(name: str, label: str, protect: bool) -> None:
    version = int(st.session_state["label-version"])
    _carry_out(lambda: data_prompts.move_label(name, label, version, protected=protect, **_told()))


def _removed(name: str, label: str) -> None:
    _carry_out(lambda: data_prompts.remove_label(name, label, **_told()))


def _carry_out(act: Callable[[], None]) -> None:
    try:
        act()
    except data.ApiError as error:
        st.session_state[_SAID] = str(error)
        return
    st.session_state[_DONE] = True
