"""The form in which a monitor is set: the signal first, then which calls, against what, when it fires, who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data, data_monitors, monitor_fields, monitor_policy, monitor_preview, monitor_terms, monitors
from app import format as fmt
from app.monitor_fields import Slots

_SAVED = "monitor-saved"  # session state: the name that was set
_REFUSED = "monitor-refused"  # session state: why the last click set nothing


@dataclass(slots=True)
class Typed:
    """What the form says by now."""

    name: str
    terms: dict[str, Any] | None  # null: it cannot be set yet
    problem: str  # why it cannot; '': it can
    slots: Slots = field(default_factory=Slots)


def form(monitor: Mapping[str, Any] | None, link: str) -> None:
    """Set a monitor; null: a new one, which begins as the link says."""
    if name := st.session_state.pop(_SAVED, None):
        _saved(name)
        return
    base = monitor_terms.terms(monitor) if monitor else monitor_terms.of_link(link)
    key = f"monitor-form-{crc32((monitor['name'] if monitor else link).encode()):08x}-"
    head = _head(monitor)
    left, right = st.columns([5, 6], gap="large")
    with left:
        typed = _typed(monitor, base, key)
    _set(head, monitor, typed, key)
    with right:
        refused = monitor_preview.section(typed.terms, monitor["name"] if monitor else None)
    _tell(head, typed.slots, st.session_state.pop(_REFUSED, "") or refused)


def _head(monitor: Mapping[str, Any] | None) -> DeltaGenerator:
    """The title, and the place of the name and the button, which the fields below decide about."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            f"Edit {fmt.plain(monitor['name'], 100)}" if monitor else "New monitor", anchor=False, width="content"
        )
        st.space("stretch")
        if monitor:
            st.page_link(
                monitors.ONE, label="Back without saving", icon=":material/arrow_back:",
                query_params={monitors.NAME: monitor["name"]},
            )  # fmt: skip
        else:
            st.page_link(monitors.PATH, label="All monitors", icon=":material/arrow_back:", query_params={})
    return st.container()


def _saved(name: str) -> None:
    st.success(
        f"Monitor {fmt.plain(name, 100)} is set. Its first look follows within a minute.", icon=":material/check:"
    )
    with st.container(horizontal=True):
        st.page_link(monitors.ONE, label="Open it", icon=":material/arrow_forward:", query_params={monitors.NAME: name})
        st.page_link(monitors.PATH, label="All monitors", icon=":material/list:", query_params={})


def _typed(monitor: Mapping[str, Any] | None, base: Mapping[str, Any], key: str) -> Typed:
    """The fields, from the top."""
    slots = Slots()
    what = monitor_fields.watched(base, key, slots)
    if what is None:
        return Typed("", None, "Choose what to watch.", slots)
    where, problem = monitor_fields.sliced(base, key, slots, what)
    check = monitor_policy.check(base, key, slots, what)
    terms = {
        "enabled": base.get("enabled", True), "signal": what.signal, "score": what.score, "quantile": what.quantile,
        "where": where, "against": check.against, "every": check.every, "window": check.window, "alert": check.alert,
        **monitor_fields.told(base, key, slots),
    }  # fmt: skip
    name = monitor["name"] if monitor else ""
    return Typed(name, terms, problem or what.problem or check.problem, slots)


def _set(head: DeltaGenerator, monitor: Mapping[str, Any] | None, typed: Typed, key: str) -> None:
    """Name and button, above the fields, so that what came prefilled is set at one click."""
    with head.container(horizontal=True, vertical_alignment="bottom"):
        if monitor is None:
            _name(typed, key)
        if not typed.problem and not monitor_terms.NAME.fullmatch(typed.name):
            typed.problem = "A name has letters, digits, dots, dashes and underscores."
        if typed.problem:
            typed.terms = None
        # No callback: it would save what the run before had read, not what was typed just before the click.
        clicked = st.button(
            "Save" if monitor else "Set monitor", type="primary", key="monitor-save", icon=":material/check:",
            disabled=typed.terms is None,
        )  # fmt: skip
        if clicked and typed.terms is not None and _save(typed.name, typed.terms, monitor is None):
            st.rerun()
        if typed.problem:
            st.caption(fmt.plain(typed.problem, 300), width="content")


def _name(typed: Typed, key: str) -> None:
    """What is typed, else a name that says what it watches."""
    offered = monitor_terms.suggested(typed.terms or {}, _taken()) if typed.terms else ""
    told = st.text_input("Name", key=f"{key}name", placeholder=offered or "letters, digits, . - _", width=320)
    typed.name = str(told or "").strip() or offered


def _taken() -> list[str]:
    try:
        return [one["name"] for one in data_monitors.monitors()]
    except data.ApiError:
        return []


def _tell(head: DeltaGenerator, slots: Slots, refused: str) -> None:
    """What the API has against it, at its field where it names one."""
    if not refused:
        return
    for name, said in monitor_terms.refusals(refused).items():
        if (place := slots.places.get(name)) is None:
            head.error(fmt.plain(said, 600), icon=":material/error:")
        else:
            place.error(fmt.plain(said, 400), icon=":material/error:")


def _save(name: str, terms: Mapping[str, Any], new: bool) -> bool:
    """Whether it was set; else why not is told in this run."""
    try:
        if new and name in _taken():
            st.session_state[_REFUSED] = f"name: There is a monitor named {name}. Take another name, or edit that one."
            return False
        data_monitors.set_monitor(name, terms)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return False
    st.session_state[_SAVED] = name
    return True
