"""Directions and margins on Compare: what somebody states of measures. It lives in the URL, as the API takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import compare_words, data
from app import format as fmt

NAMES = ("margins", "lower", "higher", "equivalence")  # in the URL, and parameters of the API
SIDES = ("higher", "lower")
_GUESSED = "guessed"
_TALL = 420  # pixels of the list of measures
_WIDTHS = (2, 1.6, 1.4)
_UNITS = {"USD": "such as 0.001", "ms": "such as 50", "tokens": "such as 20"}

Found = Mapping[str, Any]


def name_in_url(kind: str, name: str) -> str:
    """Runs and traffic each have their own: what runs are measured by, calls mostly are not."""
    return name if kind == "runs" else f"calls-{name}"


def params(kind: str) -> dict[str, data.Param]:
    """What the URL states, as parameters of the API."""
    return {name: st.query_params.get(name_in_url(kind, name)) or None for name in NAMES}


def control(found: Found) -> None:
    """A popover: of each measure which side is better, and the difference that does not matter."""
    told, kind = params(found["source"]), found["source"]
    margins = dict(one.rpartition("=")[::2] for one in texts(told["margins"]))
    sides = {key: side for side in SIDES for key in texts(told[side])}
    with (
        st.popover("Directions and margins", icon=":material/tune:", key="stated", width="content"),
        st.form("stated-form", border=False),
    ):
        st.caption(
            "A margin is a difference that does not matter. With one, a variant that is not worse by more is told as "
            "non-inferior. Of shares in points, else in the measure's unit."
        )
        with st.container(height=min(_TALL, 70 + 54 * len(found["measures"])), border=False, width=620, gap="small"):
            for slot, words in zip(st.columns(_WIDTHS), ("Measure", "Better is", "Margin"), strict=True):
                slot.caption(words)
            for measure in found["measures"]:
                _measure(kind, measure, sides, margins)
        key = f"stated-equivalence-{kind}"
        st.session_state[key] = told["equivalence"] == "true"
        st.checkbox("Ask for equivalence: within the margin on both sides", key=key)
        st.form_submit_button("Compare so", type="primary", on_click=_put, args=(kind, tuple(_keys(found))))


def _keys(found: Found) -> list[str]:
    return [str(one["key"]) for one in found["measures"]]


def _measure(kind: str, one: Mapping[str, Any], sides: Mapping[str, str], margins: Mapping[str, str]) -> None:
    better, margin = _key(kind, one["key"], "better"), _key(kind, one["key"], "margin")
    st.session_state[better] = sides.get(one["key"], _GUESSED)
    st.session_state[margin] = margins.get(one["key"], "")
    told = {_GUESSED: f"as guessed: {one['guessed'] or 'neither'}", "higher": "higher", "lower": "lower"}
    words = fmt.plain(compare_words.measure(one), 60)
    name, side, size = st.columns(_WIDTHS, vertical_alignment="center")
    name.markdown(words)
    side.selectbox(
        f"Better of {words}", list(told), key=better, format_func=told.__getitem__, label_visibility="collapsed"
    )
    hint = "such as 2 points" if one["statistic"] == "share" else _UNITS.get(one["unit"], "such as 0.02")
    size.text_input(f"Margin of {words}", key=margin, placeholder=hint, max_chars=40, label_visibility="collapsed")


def _key(kind: str, key: str, what: str) -> str:
    return f"stated-{kind}-{what}-{key}"


def _put(kind: str, keys: Sequence[str]) -> None:
    """What the form says, into the URL."""
    state = st.session_state
    margins = [f"{key}={size}" for key in keys if (size := str(state[_key(kind, key, "margin")]).strip())]
    told = {side: text([key for key in keys if state[_key(kind, key, "better")] == side]) for side in SIDES}
    told["margins"] = text(margins)
    told["equivalence"] = "true" if margins and state[f"stated-equivalence-{kind}"] else ""
    for name, value in told.items():
        if value:
            st.query_params[name_in_url(kind, name)] = value
        else:
            st.query_params.pop(name_in_url(kind, name), None)


def text(many: Sequence[str]) -> str:
    """A list as the URL and the API have it: between commas, or as JSON where a text has one."""
    plain = not any("," in one or one.startswith("[") or one != one.strip() for one in many)
    return ",".join(many) if plain else json.dumps(list(many), ensure_ascii=False, separators=(",", ":"))


def texts(told: data.Param) -> list[str]:
    """A list from there; of what is none nothing, as the server says what is wrong with it."""
    if not told:
        return []
    if not str(told).startswith("["):
        return [part.strip() for part in str(told).split(",") if part.strip()]
    try:
        found = json.loads(str(told))
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def words(found: Found) -> None:
    """What is stated, in a line."""
    if found["stated"]:
        more = " Equivalence is asked for." if found["equivalence"] else ""
        st.caption(fmt.plain(" ".join(found["stated"]) + more, 600))
