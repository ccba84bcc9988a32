"""The fields of a queue's form, as they are set: added, moved, taken away; each with what its kind needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data_labels, queue_terms, queues

Field = dict[str, Any]
_BETTER = {None: "neither", "higher": "higher", "lower": "lower"}
MOST = 12
_PARTS = ("name", "kind", "required", "title", "low", "high", "ties", "several", "help", "better", "judges")


def edited(base: list[Field], key: str) -> list[Field]:
    """The fields as the form has them by now. `key` makes the widgets those of one queue."""
    held = f"{key}fields"
    if held not in st.session_state:
        st.session_state[held] = [dict(one, id=str(place), first=one["choices"]) for place, one in enumerate(base)]
        st.session_state[f"{held}-next"] = len(base)
    fields = st.session_state[held] = _typed(held, key)
    found = [_one(one, place, len(fields), key) for place, one in enumerate(fields)]
    st.button(
        "Add a field", icon=":material/add:", key=f"{key}add", on_click=_add, args=(held,), disabled=len(fields) >= MOST
    )
    return found


def restart(before: str, now: str, base: list[Field], key: str) -> None:
    """Begin with these fields, or go on with those that were left when `now` was the start; keeps those of `before`."""
    held = f"{key}fields"
    kept = st.session_state.setdefault(f"{held}-left", {})
    kept[before] = _typed(held, key)
    if kept.get(now):
        st.session_state[held] = kept[now]
        return
    first = int(st.session_state.get(f"{held}-next", 0))
    st.session_state[held] = [dict(one, id=str(first + place), first=one["choices"]) for place, one in enumerate(base)]
    st.session_state[f"{held}-next"] = first + len(base)


def _typed(held: str, key: str) -> list[Field]:
    """The fields with what their widgets have by now, so that it outlives them: another kind, or start, has others.

    Read before anything is drawn: whoever types and at once clicks elsewhere ends the run in which it would be drawn.
    """
    found = []
    for one in st.session_state.get(held, []):
        own = f"{key}{one['id']}-"
        told = {part: st.session_state[f"{own}{part}"] for part in _PARTS if f"{own}{part}" in st.session_state}
        if f"{own}choices" in st.session_state:
            told["choices"] = queue_terms.choices(st.session_state[f"{own}choices"] or "", one["first"])
        found.append({**one, **told})
    return found


def _add(held: str) -> None:
    number = st.session_state[f"{held}-next"]
    st.session_state[f"{held}-next"] = number + 1
    new = queue_terms.whole({"name": "", "kind": "binary", "choices": ["yes", "no"]})
    st.session_state[held] = [*st.session_state[held], {**new, "id": str(number), "first": new["choices"]}]


def _move(held: str, place: int, by: int) -> None:
    fields = list(st.session_state[held])
    fields.insert(place + by, fields.pop(place))
    st.session_state[held] = fields


def _drop(held: str, place: int) -> None:
    st.session_state[held] = [one for at, one in enumerate(st.session_state[held]) if at != place]


def _one(base: Field, place: int, many: int, key: str) -> Field:
    held, own = f"{key}fields", f"{key}{base['id']}-"
    with st.container(border=True, key=f"{own}box"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name", base["name"], key=f"{own}name", max_chars=100, width=150, placeholder="correct"
            )
            kind = st.selectbox(
                "Kind", list(queues.KINDS), list(queues.KINDS).index(base["kind"]), key=f"{own}kind", width=170,
                format_func=queues.KINDS.__getitem__,
            )  # fmt: skip
            required = st.checkbox("Needed", base["required"], key=f"{own}required", width=86)
            st.space("stretch")
            for icon, by, off in (("arrow_upward", -1, place == 0), ("arrow_downward", 1, place == many - 1)):
                st.button(
                    "", icon=f":material/{icon}:", key=f"{own}{icon}", on_click=_move, args=(held, place, by),
                    disabled=off, type="tertiary", help="Move the field",
                )  # fmt: skip
            st.button(
                "", icon=":material/delete:", key=f"{own}drop", on_click=_drop, args=(held, place), disabled=many == 1,
                type="tertiary", help="Take the field away",
            )  # fmt: skip
        title = st.text_input(
            "Question", base["title"] or "", key=f"{own}title", max_chars=200, placeholder="Is the answer right?"
        )
        told = {
            **base, "name": str(name or "").strip(), "kind": str(kind), "required": bool(required),
            "title": str(title or "").strip(),
        }  # fmt: skip
        return told | _of_kind(told, own) | _more(told, own)


def _of_kind(told: Mapping[str, Any], own: str) -> Field:
    kind = told["kind"]
    if kind in queue_terms.CHOOSING:
        return _choices(told, own)
    if kind == "numeric":
        with st.container(horizontal=True):
            low = st.number_input("From", value=told["low"], key=f"{own}low", format="%g", width=130)
            high = st.number_input("To", value=told["high"], key=f"{own}high", format="%g", width=130)
        return {"low": low, "high": high}
    if kind in {"preference", "ranking"}:
        return {"ties": st.checkbox("They may be alike", told["ties"], key=f"{own}ties")}
    return {}


def _choices(told: Mapping[str, Any], own: str) -> Field:
    kind = told["kind"]
    usual = {
        "binary": "yes before no", "ordinal": "from least to most", "categorical": "in the order shown",
        "spans": "kinds of marks",
    }[kind]  # fmt: skip
    typed = st.text_area(
        f"Choices, one a line, {usual}", queue_terms.lines(told["choices"]), key=f"{own}choices", height=100,
        help="`value`, or `value = 2` to give its score a number, or `value | how it is shown`.",
    )  # fmt: skip
    found: Field = {"choices": queue_terms.choices(str(typed or ""), told["first"])}
    if kind == "categorical":
        found["several"] = st.checkbox("Several at once", told["several"], key=f"{own}several")
    return found


def _more(told: Mapping[str, Any], own: str) -> Field:
    with st.popover("More", type="tertiary"):
        helps = st.text_area(
            "A word of help below the question", told["help"] or "", key=f"{own}help", max_chars=2_000, height=80
        )
        found: Field = {"help": str(helps or "").strip()}
        if told["kind"] in queue_terms.SCALED:
            found["better"] = st.segmented_control(
                "Better is", list(_BETTER), default=told["better"], key=f"{own}better", format_func=_BETTER.__getitem__
            )
        names = list(dict.fromkeys([*told["judges"], *data_labels.names()]))
        found["judges"] = st.multiselect(
            "It is what people say of these scores", names, list(told["judges"]), key=f"{own}judges", max_selections=10,
            accept_new_options=True, placeholder="those of the field's name",
            help="Judges that give these scores get a calibration card.",
        )  # fmt: skip
    return found
