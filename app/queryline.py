"""The line of the Traces page, in which one types what is asked, and the form that writes into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import data, data_finding, searching, state
from app import format as fmt
from app.component import component

_component = component("queryline")
LINE = "q"  # in the URL
_KEY, _TYPED = "queryline", "queryline-typed"  # of the component; session state: what is being typed
PLACEHOLDER = "Search: model:gpt-4o duration>2s refund"
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_FLAGS = {"is told": "has", "is not told": "no"}
_AMOUNTS = {
    "duration": "2s or 300ms", "cost": "0.01", "tokens": "1200 or 1.2k", "spans": "10", "errors": "1", "calls": "5",
    "tools": "3", "span.duration": "2s or 300ms", "ttft": "800ms", "span.tokens": "1k", "span.cost": "0.01",
}  # fmt: skip
_OF_SPAN = (
    "kind", "tool", "agent", "finish_reason", "operation", "input", "output", "span.name", "span.model", "span.error",
    "span.duration", "ttft", "span.tokens", "span.cost", "attr.",
)  # fmt: skip
_OF_TRACE = (
    "status", "service", "environment", "release", "name", "model", "provider", "prompt", "variant", "tag", "user",
    "session", "error", "duration", "cost", "tokens", "spans", "errors", "calls", "tools", "score.",
)  # fmt: skip
FIELDS = (*_OF_TRACE, *_OF_SPAN)
"""What the form offers; the line knows more."""


def told() -> str:
    """The line of the URL, without blanks around it."""
    return str(st.query_params.get(LINE) or "").strip()


def adopt() -> None:
    """Put the line of the URL among the filters; a page with filters does so first, else that of the page before is."""
    st.session_state[LINE] = told()


def line(window: state.Window) -> None:
    """The line, with what may be typed on and what is wrong with it; runs by itself while one types."""
    st.fragment(lambda: _line(window))()


def _line(window: state.Window) -> None:
    if st.session_state.pop(f"{_KEY}-moved", False):
        st.rerun()
    _component(
        key=_KEY,
        data={"line": told(), "fault": fault(), "offered": _offered(window), "placeholder": PLACEHOLDER},
        on_typed_change=_hear,
        on_submitted_change=_submit,
    )


def fault() -> dict[str, Any] | None:
    """What is wrong with the line; null: nothing, or nobody could say."""
    if not told():
        return None
    try:
        found: dict[str, Any] | None = data_finding.asked(told())["fault"]
    except data.ApiError:
        return None
    return found


def takes_search() -> bool:
    """Whether only a search, in steps, answers the line. Raises ApiError."""
    return bool(told()) and bool(data_finding.asked(told())["search"])


def unanswered() -> bool:
    """Says why a list that summaries of traces answer cannot answer the line; false: it can. Raises ApiError."""
    if wrong():
        return True
    if takes_search():
        st.info(
            "The line asks something of single spans, which takes a search: Traces makes one. Ask here for what the "
            f"summary of a trace tells, such as {', '.join(_OF_TRACE[:6])} or duration."
        )
        scope = {
            name: str(st.query_params[name]) for name in (LINE, "range", "from", "to") if st.query_params.get(name)
        }
        st.page_link("views/traces.py", label="Search in Traces", icon=":material/search:", query_params=scope)
        return True
    return False


def wrong() -> bool:
    """Says that nothing is listed where the line follows no rule."""
    if fault():
        st.caption("Nothing is listed until the line is put right.")
        return True
    return False


def _hear() -> None:
    st.session_state[_TYPED] = st.session_state[_KEY]["typed"]


def _submit() -> None:
    searching.forget()
    put(str(st.session_state[_KEY]["submitted"]))
    st.session_state[f"{_KEY}-moved"] = True


def put(q: str) -> None:
    """Ask this line from now on: one step of the browser's history, from the first page of the list."""
    st.session_state.pop(_TYPED, None)
    if q.strip():
        st.query_params[LINE] = q.strip()
    else:
        st.query_params.pop(LINE, None)


def _offered(window: state.Window) -> dict[str, Any] | None:
    typed = st.session_state.get(_TYPED)
    if not typed:
        return None
    try:
        found = data_finding.offers(str(typed["text"]), int(typed["at"]), window.since, window.until)
    except data.ApiError:
        return None  # one can type on without
    return {"of": typed["text"], **found}


def with_condition(q: str, condition: str) -> str:
    """The line with one more condition that is to hold too: what joins by `or` is put in brackets."""
    if not q:
        return condition
    joined = f"({q})" if _OR.search(q) else q
    return f"{joined} {condition}"


def condition(name: str, operator: str, value: str) -> str:
    """One condition as the line has it."""
    if operator in _FLAGS:
        return f"{_FLAGS[operator]}:{name}"
    sign = {"is": ":", "is not": "!=", "contains": ":"}.get(operator, operator)
    if operator == "contains":
        return f"{name}:*{quoted(value)}*"
    amount = name in _AMOUNTS or operator in {">", ">=", "<", "<="}
    return f"{name}{sign}{value.strip() if amount else quoted(value)}"


def quoted(value: str, also: str = "") -> str:
    """A value as the line has it: in quotes where it would end early, or `*` would be any text. `also`: ends it too."""
    if value and not any(letter.isspace() or letter in '",(){}*' + also for letter in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def builder(*, spans: bool = True) -> None:
    """“Add filter”: a field, an operator, a value; writes into the line. `spans`: also what single spans tell."""
    with st.popover("Add filter", icon=":material/add:", key="add-filter", on_change="rerun") as popover:
        if popover.open:
            _form(FIELDS if spans else _OF_TRACE)


def _form(fields: Sequence[str]) -> None:
    name = str(st.selectbox("Field", fields, key="add-filter-field"))
    if name.endswith("."):
        hint = "correct" if name == "score." else "http.route"
        more = st.text_input("Name", key="add-filter-name", placeholder=hint).strip()
        name += quoted(more, ":=<>!") if more else ""
    operator = str(st.selectbox("Operator", _operators(name), key="add-filter-operator"))
    value = ""
    if operator not in _FLAGS:
        hint = _AMOUNTS.get(name, "any part of it" if operator == "contains" else "exactly this")
        value = st.text_input("Value", key="add-filter-value", placeholder=hint)
    ready = (bool(value.strip()) or operator in _FLAGS) and not name.endswith(".")
    written = condition(name, operator, value) if ready else ""
    st.caption(f"Adds {fmt.plain(written, 120)}" if written else "Choose a field and a value.")
    st.button(
        "Add", key="add-filter-go", type="primary", disabled=not ready,
        on_click=lambda: put(with_condition(told(), written)),
    )  # fmt: skip


def _operators(name: str) -> list[str]:
    if name in _AMOUNTS:
        return [">", ">=", "<", "<=", "is", *_FLAGS]
    more = [">", "<"] if name.startswith(("score.", "attr.")) else []
    return ["is", "is not", "contains", *more, *_FLAGS]
