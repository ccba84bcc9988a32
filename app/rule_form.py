"""The form in which a rule is set, and what its evaluators say of recent traces."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data, data_evaluators, data_rules, evaluators, ruler, rules, scores, scoring, state, trial, widgets
from app import format as fmt

Card = dict[str, Any]

FILTERS = (
    "service", "environment", "model", "status", "variant", "prompt", "tag", "session_id", "user_id",
    "has_errors", "min_duration_ns", "text", "score", "score_at_least", "score_at_most", "score_label", "score_failed",
    "q",
)  # fmt: skip
"""What traces can be narrowed down by: parameters of the query `traces`."""
PREVIEWED = 5
_SAID = "rule-preview"  # session state: what the preview found; an error
_SAVED = "rule-saved"
_KEY = "rule-form-"


class NoFilterError(ValueError):
    """What was typed is no filter; says in which line."""


def filter_of(typed: str) -> dict[str, str]:
    """Filters as typed, one `name=value` a line.

    Raises:
        NoFilterError: a line is none; names it and the nearest filter that there is.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(typed.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not value:
            raise NoFilterError(
                f"Line {number} of the filter is written name=value, such as service=shop; not {line!r}."
            )
        if name not in FILTERS:
            close = get_close_matches(name, FILTERS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(FILTERS)}."
            raise NoFilterError(f"Line {number} of the filter: there is no filter {name!r}.{hint}")
        found[name] = value
    return found


def typed_filter(told: Mapping[str, Any]) -> str:
    """`filter_of` backwards."""
    return "\n".join(f"{name}={_plain(value)}" for name, value in told.items())


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


def form(rule: Mapping[str, Any] | None) -> None:
    """Set a rule; null: a new one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        title = "New rule" if rule is None else f"Edit {fmt.plain(rule['name'], 100)}"
        st.subheader(title, anchor=False, width="content")
        st.space("stretch")
        back = {rules.NAME: rule["name"]} if rule else {}
        st.page_link(rules.PATH, label="Back without saving", icon=":material/arrow_back:", query_params=back)
    try:
        cards = data_evaluators.evaluators()
    except data.ApiError as error:
        widgets.failed("The evaluators did not come.", error, "The rule is as it was.")
        return
    left, right = st.columns([3, 4], gap="large")
    with left:
        told = _fields(rule or {}, cards)
    with right:
        _preview(told)
    if name := st.session_state.pop(_SAVED, None):
        st.success(f"Rule {fmt.plain(name, 100)} is set. It looks at the traces that come from now on.")
        st.page_link(rules.PATH, label="Open it", icon=":material/arrow_forward:", query_params={rules.NAME: name})


def _fields(rule: Mapping[str, Any], cards: Sequence[Card]) -> dict[str, Any] | None:
    """What is typed, as it is set; null: it cannot be yet, and the form says why."""
    name = rule.get("name") or st.text_input("Name", key=f"{_KEY}name", placeholder="letters, digits, . - _")
    description = st.text_input("Description", rule.get("description", ""), key=f"{_KEY}description")
    units = {"trace": "each trace", "call": "each model call", "session": "each session"}
    unit = st.segmented_control(
        "Score", list(units), default=rule.get("unit", "trace"), required=True, format_func=units.__getitem__,
        key=f"{_KEY}unit",
    )  # fmt: skip
    typed = st.text_area(
        "Only traces with, one name=value a line", typed_filter(rule.get("filter", {})), height=90, key=f"{_KEY}filter",
        placeholder="service=shop", help=f"All of these hold; without any all traces. There are: {', '.join(FILTERS)}.",
    )  # fmt: skip
    one, two = st.columns(2)
    rate = one.number_input(
        "Of them, per cent", 0.0001, 100.0, float(rule.get("sample_rate", 0.1)) * 100, format="%g", key=f"{_KEY}rate",
        help="By the hash of the trace's id: the same traces for each rule of this rate; a higher rate keeps them.",
    )  # fmt: skip
    quiet = two.number_input(
        "Over after quiet seconds", 1, 3_600,
        int(rule.get("quiet_s", 300 if unit == "session" else 15)), key=f"{_KEY}quiet-{unit}",
    )  # fmt: skip
    chosen, options = _evaluators(rule, cards)
    a_day, in_all = _budgets(rule, chosen)
    problem = _problem(str(name or ""), typed, chosen)
    held = {
        "description": description or "", "enabled": rule.get("enabled", True), "unit": unit, "sample_rate": rate / 100,
        "evaluators": [{"name": card["name"], "options": (options or {}).get(card["name"]) or {}} for card in chosen],
        "budget_usd_per_day": a_day, "budget_usd": in_all, "quiet_s": quiet,
    }  # fmt: skip
    ready = not problem and options is not None
    if ready:
        held["filter"] = filter_of(typed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Save", type="primary", key="rule-save", disabled=not ready, on_click=_save, args=(str(name), held))
        if problem:
            st.caption(fmt.plain(problem, 300), width="content")
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")
    return held if ready else None


_REFUSED = "rule-form-refused"


def _evaluators(rule: Mapping[str, Any], cards: Sequence[Card]) -> tuple[list[Card], dict[str, Any] | None]:
    """Those chosen, and their options by name; null: what is typed cannot be read."""
    known = {card["name"]: card for card in cards}
    held = [one["name"] for one in rule.get("evaluators", ()) if one["name"] in known]
    chosen = st.multiselect(
        "Evaluators", list(known), list(dict.fromkeys(held)), key=f"{_KEY}evaluators",
        format_func=lambda name: f"{name} · {known[name]['cost']}", placeholder="Choose evaluators",
    )  # fmt: skip
    for name in chosen:
        st.caption(fmt.plain(f"{name} needs {evaluators.needs(known[name])}. {known[name]['measures']}", 300))
    taking = [known[name] for name in chosen if known[name]["options"]]
    if not taking:
        return [known[name] for name in chosen], {}
    before = {one["name"]: one["options"] for one in rule.get("evaluators", ()) if one["options"]}
    with st.expander("Options", expanded=bool(before)):
        for card in taking:
            st.caption(fmt.plain(f"{card['name']}: {', '.join(card['options'])}", 300))
        typed = st.text_area("JSON by evaluator", json.dumps(before), key=f"{_KEY}options", height=80)
    try:
        return [known[name] for name in chosen], scoring.meant(trial.options(typed), [card["name"] for card in taking])
    except trial.NoJsonError as error:
        st.error(fmt.plain(str(error), 300), icon=":material/error:")
        return [known[name] for name in chosen], None


def _budgets(rule: Mapping[str, Any], chosen: Sequence[Card]) -> tuple[float | None, float | None]:
    """US dollars a day and in all; null: no bound. Where no judge is asked they are as they were."""
    a_day, in_all = rule.get("budget_usd_per_day"), rule.get("budget_usd")
    if not any(card["cost"] != "free" for card in chosen):
        return a_day, in_all
    left, right = st.columns(2)
    a_day = left.number_input(
        "Judges a day (UTC), US dollars", min_value=0.01, value=a_day if rule else 1.0, key=f"{_KEY}day",
        placeholder="no bound", help="Once it is used up the rule waits for the next day; nothing is lost.",
    )  # fmt: skip
    in_all = right.number_input(
        "Judges in all, US dollars", min_value=0.01, value=in_all, key=f"{_KEY}all", placeholder="no bound"
    )
    return a_day, in_all


def _problem(name: str, typed: str, chosen: Sequence[Card]) -> str:
    """Why it cannot be saved yet; '': it can."""
    if not NAME.fullmatch(name):
        return "Give it a name of letters, digits, dots, dashes and underscores."
    if not chosen:
        return "Choose at least one evaluator."
    try:
        filter_of(typed)
    except NoFilterError as error:
        return str(error)
    return ""


def _save(name: str, held: Mapping[str, Any]) -> None:
    try:
        data_rules.set_rule(name, held)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_SAVED] = name


def _preview(told: Mapping[str, Any] | None) -> None:
    """What the evaluators say of the newest that match. Nothing is stored."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Preview**", width="content")
        asked = st.button(f"Try it on the newest {PREVIEWED}", key="rule-try", disabled=told is None)
    place = st.container()
    if asked and told is not None:
        st.session_state[_SAID] = _try(place, told)
    found, error = st.session_state.get(_SAID, (None, ""))
    if error:
        st.error(fmt.plain(error, 600), icon=":material/error:")
    elif found is None:
        st.caption("Scores the newest that match, in the sample or not. Nothing is stored; judges may cost a dollar.")
    elif not found:
        widgets.empty("Verdicts would be here.", "No stored trace matches the filter.")
    else:
        by_name = {card["name"]: card for card in data_evaluators.evaluators()}
        for one in found:
            _tried(one, by_name)


def _try(place: DeltaGenerator, told: Mapping[str, Any]) -> tuple[list[dict[str, Any]] | None, str]:
    """What was found, and an error ('': none)."""
    try:
        return widgets.patiently(place, "Scoring them", lambda: data_rules.preview_rule(told, PREVIEWED)), ""
    except data.ApiError as error:
        return None, str(error)


def _tried(one: Mapping[str, Any], cards: Mapping[str, Card]) -> None:
    """One target with its verdicts."""
    with st.container(border=True, gap="xsmall"):
        label = f"session {one['session_id']}" if one["session_id"] else f"trace {one['trace_id'][:12]}"
        link = state.trace_link(one["trace_id"], None, one["span_id"])
        st.page_link("views/trace.py", label=fmt.plain(label, 60), query_params=link)
        for words in (one["question"], one["answer"]):
            if words:
                st.text(fmt.clip(words, 200))
        for said in one["verdicts"]:
            _verdict(said, cards.get(said["evaluator"]))


def _verdict(said: Mapping[str, Any], card: Card | None) -> None:
    scale = card["scale"] if card else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(said['evaluator'], 60)}**", width="content")
        if said["value"] is not None and scale:
            st.markdown(fmt.plain(ruler.value(said["value"], scale)), width="content")
        scores.badge(said["status"], said["label"], said.get("error_type"), scale)
        st.caption(fmt.plain(said["reason"] or "No reason is told.", 200), width="content")
