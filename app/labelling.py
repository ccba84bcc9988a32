"""Labels: what a person says of an answer, stored as scores of source `human` on its trace or span.

The pages Compare and Trace open the same dialogs. A label is never changed: the newest of a target, name and author
counts, so labelling again corrects it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import data, data_labels
from app import format as fmt

Row = dict[str, Any]

CORRECT, PREFERENCE = "correct", "preference"  # names that are offered first
VERDICTS = {"pass": 1.0, "fail": 0.0}
SIDES = (1.0, 0.5, 0.0)  # what the preferred answer, either of a tie, and the other one have
_WORDS = {1.0: "preferred", 0.5: "tie", 0.0: "not preferred"}
_VERDICT, _NUMBER = "pass or fail", "a number"
_AUTHOR, _LAST = "labelling-author", "labelling-last"  # session state: who labels; the name of the last label
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Target:
    """What a label is of."""

    trace_id: str  # 32 hex digits
    what: str  # in words, such as `the answer of june to q1`
    span_id: str | None = None  # 16 hex digits; null: the whole trace


def button(target: Target, key: str) -> None:
    """Opens the dialog that labels one answer."""
    if st.button("Label", key=f"label-{key}", icon=":material/label:", help="Say what you think of it, as a score"):
        _one(target)


def which(first: Target, second: Target, names: tuple[str, str], key: str) -> None:
    """Opens the dialog that says which of two answers is better."""
    if st.button("Which is better", key=f"which-{key}", icon=":material/thumbs_up_down:"):
        _pair(first, second, names)


@st.dialog("Label an answer")
def _one(target: Target) -> None:
    st.caption(fmt.plain(f"Of {target.what}.", 200))
    name = _name(st.session_state.get(_LAST) or CORRECT)
    kind = st.segmented_control("As", [_VERDICT, _NUMBER], default=_VERDICT, required=True, key="labelling-kind")
    value, label = _value(str(kind))
    comment, author = _comment(), _author()
    problem = problem_of(name, author) or ("" if value is not None else "Say what it is worth.")
    _save(problem, lambda: [score(target, name, value, author, label=label, comment=comment)], name)


def _value(kind: str) -> tuple[float | None, str | None]:
    if kind == _NUMBER:
        number = st.number_input("Value", value=None, key="labelling-number", format="%g", step=0.1)
        return (None, None) if number is None else (float(number), None)
    said = st.segmented_control("Verdict", list(VERDICTS), key="labelling-verdict", selection_mode="single")
    return (None, None) if said is None else (VERDICTS[str(said)], str(said))


@st.dialog("Which answer is better")
def _pair(first: Target, second: Target, names: tuple[str, str]) -> None:
    st.caption(fmt.plain(f"{first.what} against {second.what}.", 400))
    name = _name(PREFERENCE)
    said = st.radio("Better is", SIDES, index=None, key="labelling-side", format_func=dict(
        zip(SIDES, (fmt.plain(names[0], 60), "neither: they are alike", fmt.plain(names[1], 60)), strict=True)
    ).__getitem__)  # fmt: skip
    comment, author = _comment(), _author()
    problem = problem_of(name, author) or ("" if said is not None else "Say which is better.")
    _save(problem, lambda: pair_scores((first, second), name, float(said or 0.0), author, comment), name)


def _name(usual: str) -> str:
    """The label's name: one that is there, or a new one."""
    known = list(dict.fromkeys([usual, CORRECT, PREFERENCE, *data_labels.names()]))
    told = st.selectbox("Name", known, index=0, key="labelling-name", accept_new_options=True)
    return str(told or "").strip()


def _comment() -> str:
    return str(st.text_area("Comment", key="labelling-comment", height=80, max_chars=5_000) or "").strip()


def author() -> str:
    """Who labels in this session; '' nobody has said."""
    return str(st.session_state.get(_AUTHOR) or "")


def remember(name: str) -> None:
    """Who labels from here on."""
    st.session_state[_AUTHOR] = name


def _author() -> str:
    """Who labels, kept for the session; it is asked for so that two people's labels stand beside one another."""
    told = st.text_input("Labelled by", st.session_state.get(_AUTHOR, ""), key="labelling-by", max_chars=_LONGEST)
    return str(told or "").strip()


def problem_of(name: str, author: str) -> str:
    """What is still to be said before a label can be stored; empty: nothing."""
    if not name:
        return "Name the label, such as correct."
    if len(name) > _LONGEST:
        return f"A name has at most {_LONGEST} letters, and this one has {len(name):,}."
    return "" if author else "Say who labels: labels of two people stand beside one another."


def score(target: Target, name: str, value: float | None, author: str, *, label: str | None, comment: str) -> Row:
    """A person's score as `POST /api/scores` takes it; a verdict keeps its scale."""
    scale = {"low": 0.0, "high": 1.0, "labels": list(VERDICTS)[::-1], "better": "higher", "unit": None}
    return {
        "trace_id": target.trace_id, "span_id": target.span_id, "name": name, "value": value, "label": label,
        "explanation": comment or None, "source": "human", "evaluator": name, "author": author,
        "metadata": {"scale": json.dumps(scale)} if label in VERDICTS else {},
    }  # fmt: skip


def pair_scores(targets: tuple[Target, Target], name: str, first: float, author: str, comment: str) -> list[Row]:
    """Of both answers a score: 1 of the better one, 0 of the other, 0.5 of a tie; each names the other's trace."""
    scale = {"low": 0.0, "high": 1.0, "labels": [_WORDS[one] for one in SIDES[::-1]], "better": "higher", "unit": None}
    return [
        score(target, name, value, author, label=_WORDS[value], comment=comment)
        | {"metadata": {"scale": json.dumps(scale), "against": other.trace_id}}
        for target, other, value in (
            (targets[0], targets[1], first), (targets[1], targets[0], 1.0 - first),
        )
    ]  # fmt: skip


def _save(problem: str, made: Callable[[], list[Row]], name: str) -> None:
    if problem:
        st.caption(problem)
    if not st.button("Save", key="labelling-save", type="primary", disabled=bool(problem)):
        return
    try:
        data_labels.add(made())
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.session_state[_AUTHOR], st.session_state[_LAST] = st.session_state["labelling-by"], name
    st.rerun()


def given(found: Sequence[Row]) -> None:
    """What people said of an answer: name, value, author, comment. Their text is untrusted."""
    for one in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{fmt.plain(one['name'], 60)}**", width="content")
            st.badge(fmt.plain(worded(one), 60), color=_tone(one))
            st.caption(fmt.plain(f"by {one['author'] or fmt.UNKNOWN}", 80), width="content")
        if one["explanation"]:
            st.text(fmt.clip(str(one["explanation"]), 2_000))


def worded(one: Row) -> str:
    """The label, else the number."""
    return str(one["label"]) if one["label"] else fmt.UNKNOWN if one["value"] is None else fmt.digits(one["value"])


def _tone(one: Row) -> Any:
    if one["label"] not in {*VERDICTS, *_WORDS.values()}:
        return "gray"
    return {1.0: "green", 0.0: "red"}.get(one["value"], "gray")
