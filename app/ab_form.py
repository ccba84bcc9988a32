"""The form in which an A/B test is registered, and what is typed into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import ab_tests, data, data_ab, state
from app import format as fmt

NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
PARTS = 10_000
MEASURES = ("cost", "latency", "error")
_KEY = "ab-form-"
_REFUSED, _SAVED = "ab-form-refused", "ab-form-saved"  # session state


class NoLineError(ValueError):
    """What was typed is no list of variants or guardrails; says in which line."""


def variants_of(typed: str) -> list[dict[str, Any]]:
    """Variants as typed, a name and its share in percent a line.

    Raises:
        NoLineError: a line is none, or the shares do not add up to 100.
    """
    told = [_pair(number, line, "control 50") for number, line in _lines(typed)]
    parts = [round(share * PARTS / 100) for _, share in told]
    found = [{"name": name, "weight": part / PARTS} for (name, _), part in zip(told, parts, strict=True)]
    total = sum(parts)
    if len(found) < 2:
        raise NoLineError("Name two variants at least, one a line: the control first, such as control 50.")
    if total != PARTS:
        raise NoLineError(f"The shares add up to {total / 100:g} %, and must to 100.")
    return found


def guardrails_of(typed: str) -> list[dict[str, Any]]:
    """Guardrails as typed, a measure and its margin a line. Raises NoLineError: a line is none."""
    return [
        {"metric": name, "margin": margin}
        for name, margin in (_pair(number, line, "error 0.01") for number, line in _lines(typed))
    ]


def _lines(typed: str) -> list[tuple[int, str]]:
    return [(number, line.strip()) for number, line in enumerate(typed.splitlines(), 1) if line.strip()]


def _pair(number: int, line: str, example: str) -> tuple[str, float]:
    name, _, told = line.rpartition(" ")
    value = fmt.finite(_number(told.removesuffix("%")))
    if not name.strip() or value is None or value < 0:
        raise NoLineError(f"Line {number} is written as a name and a number, such as {example}; not {line!r}.")
    return name.strip(), value


def _number(told: str) -> float | None:
    try:
        return float(told)
    except ValueError:
        return None


def form() -> None:
    """Register a test."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Register a test", anchor=False, width="content")
        st.space("stretch")
        st.page_link(ab_tests.PATH, label="Back without saving", icon=":material/arrow_back:")
    if saved := st.session_state.pop(_SAVED, None):
        name, warnings = saved
        st.success(f"Test {fmt.plain(name, 100)} is registered and has begun.", icon=":material/check:")
        for warning in warnings:
            st.warning(fmt.plain(warning, 400), icon=":material/warning:")
        st.page_link(
            ab_tests.PATH, label="Open it", icon=":material/arrow_forward:", query_params={ab_tests.NAME: name}
        )
        return
    name, told = _fields()
    problem, held = _read(name, told)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Begin", type="primary", key="ab-save", disabled=held is None, on_click=_save, args=(name, held))
        st.caption(
            fmt.plain(
                problem
                or "Once it has begun, variants and shares stay as they are; metric and guardrails once a trace came.",
                300,
            ),
            width="content",
        )
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def _scores() -> list[str]:
    """Names of the project's scores; without an answer none is offered, and any can be typed."""
    try:
        return [str(name) for name in data.score_names(state.EVER[0])["name"] if name not in MEASURES]
    except data.ApiError:
        return []


def _fields() -> tuple[str, dict[str, Any]]:
    """The name, and what is typed."""
    left, right = st.columns(2, gap="large")
    name = left.text_input("Name", key=f"{_KEY}name", placeholder="letters, digits, . - _")
    metric = right.selectbox(
        "Decided by", [*MEASURES, *_scores()], index=None, key=f"{_KEY}metric", accept_new_options=True,
        placeholder="cost, latency, error, or the name of a score",
        help="Scores seen in this project are offered; another name can be typed.",
    )  # fmt: skip
    left, right = st.columns(2, gap="large")
    description = left.text_input("Description", key=f"{_KEY}description")
    one, two = right.columns(2)
    better = one.segmented_control(
        "Better is", ["higher", "lower"], key=f"{_KEY}better", help="Usually lower for cost, latency and error."
    )
    mde = two.number_input(
        "Smallest gain wanted", min_value=0.0, value=None, format="%g", key=f"{_KEY}mde",
        help="In the metric's unit: US dollars, seconds, a share of 1, or points of the score.",
    )  # fmt: skip
    left, right = st.columns(2, gap="large")
    unit = left.segmented_control(
        "Deal", ["user", "session", "trace"], default="user", required=True, key=f"{_KEY}unit"
    )
    units = right.number_input(
        "Units expected in all", 100, 1_000_000_000, 2_000, key=f"{_KEY}units",
        help="Intervals are narrowest near so many. It cannot be changed later.",
    )  # fmt: skip
    left, right = st.columns(2, gap="large")
    variants = left.text_area(
        "Variants and their shares in percent, one a line", "control 50\nnew 50", height=96, key=f"{_KEY}variants",
        help="The first is the control.",
    )  # fmt: skip
    rails = right.text_area(
        "Guardrails and how much worse each may be, one a line", height=96, key=f"{_KEY}rails",
        placeholder="error 0.01\nlatency 0.5",
    )  # fmt: skip
    return str(name or "").strip(), {
        "description": description or "", "unit": unit, "variants": variants or "", "metric": (metric or "").strip(),
        "better": better, "mde": mde, "expected_units": int(units), "guardrails": rails or "",
    }  # fmt: skip


def _read(name: str, told: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Why it cannot be saved yet, and null; or '' and the test as it is set."""
    try:
        held = {
            **told, "variants": variants_of(told["variants"]), "guardrails": guardrails_of(told["guardrails"]),
        }  # fmt: skip
    except NoLineError as error:
        return str(error), None
    if not NAME.fullmatch(name) or not name.strip("."):
        return "Give it a name of letters, digits, dots, dashes and underscores.", None
    if not told["metric"]:
        return "Say what decides it: cost, latency, error, or the name of a score.", None
    if not told["mde"]:
        return "Say which gain is the smallest that is wanted, in the metric's unit.", None
    return "", held


def _save(name: str, held: Mapping[str, Any]) -> None:
    try:
        known = [test["name"] for test in data_ab.tests()]
        if name in known:
            st.session_state[_REFUSED] = f"There is a test named {name}. Take another name."
            return
        made = data_ab.set_test(name, held)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_SAVED] = (name, made["warnings"])
