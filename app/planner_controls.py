"""What is asked of a plan: everything stands in the URL, under the names here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data

BASIS = "basis"
RUNS, TRAFFIC, NUMBERS = "pilot runs", "live traffic", "numbers"
AIMS = {"to see a difference": "difference", "not worse by more": "non-inferior"}
DESIGNS = ("same items", "other items")
LOOKS = {"once, at the end": False, "at any time": True}
WIDTHS = (1.5, 1.2, 1, 1, 1, 1)  # of the fields of a row
_PERCENT = 100.0


def basis() -> str:
    """Where the spread of values comes from."""
    told = st.segmented_control(
        "Plan from", (RUNS, TRAFFIC, NUMBERS), default=RUNS, required=True, key=BASIS, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return str(told)


def live() -> bool:
    """Whether live traffic is the pilot, which a time range is asked for."""
    return st.query_params.get(BASIS) == TRAFFIC


def wish(source: str) -> dict[str, data.Param]:
    """What is wanted, as parameters of the API."""
    first = st.columns(WIDTHS, vertical_alignment="bottom")
    delta = first[0].number_input(
        "Smallest difference worth knowing", value=None, min_value=0.0, format="%g", key="delta", bind="query-params",
        placeholder="chosen for you", help="In the measure's unit; of shares 0.05 is 5 points.",
    )  # fmt: skip
    aim = first[1].selectbox("Aim", list(AIMS), key="aim", bind="query-params")
    power = _percent(first[2], "Power (%)", "power", 80.0, "Chance to find a difference of this size.")
    alpha = _percent(first[3], "Error (%)", "alpha", 5.0, "Of all comparisons together.")
    metrics = first[4].number_input("Metrics", 1, 100, 1, key="metrics", bind="query-params")
    variants = first[5].number_input(
        "Variants", 2, 20, 2, key="variants", bind="query-params", help="With the baseline."
    )  # fmt: skip
    told: dict[str, data.Param] = {
        "delta": delta, "aim": AIMS.get(str(aim), "difference"), "power": power, "alpha": alpha,
        "metrics": int(metrics), "variants": int(variants),
    }  # fmt: skip
    return told | _design(source)


def _percent(slot: DeltaGenerator, label: str, key: str, usual: float, words: str) -> float:
    most, step = (99.99, 1.0) if key == "power" else (50.0, 0.1)
    told = slot.number_input(label, 0.01, most, usual, step, format="%g", key=key, bind="query-params", help=words)
    return round(float(told) / _PERCENT, 8)


def _design(source: str) -> dict[str, data.Param]:
    """How items are dealt, repeated and looked at; what an answer costs and how many come, where no pilot tells it."""
    slots = iter(st.columns(WIDTHS, vertical_alignment="bottom"))
    told: dict[str, data.Param] = {}
    if source != TRAFFIC:
        design = next(slots).segmented_control(
            "Variants answer", DESIGNS, default=DESIGNS[0], required=True, key="design", bind="query-params"
        )
        told["unpaired"] = design == DESIGNS[1]
    if source == TRAFFIC or told["unpaired"]:
        looks = next(slots).selectbox("Looked at", list(LOOKS), key="looks", bind="query-params")
        told["sequential"] = LOOKS.get(str(looks), False)
    if source == RUNS or (source == NUMBERS and _means() and not told["unpaired"]):
        told["repeats"] = next(slots).number_input(
            "Repeats", 1, 100, None, key="repeats", bind="query-params", placeholder="as is", help="Answers an item."
        )
    told["cost_usd"] = next(slots).number_input(
        "An answer costs ($)", 0.0, 1e6, None, key="cost", bind="query-params", format="%g",
        placeholder="unknown" if source == NUMBERS else "as seen",
    )  # fmt: skip
    told["per_day"] = next(slots).number_input(
        "Items a day", 0.0, 1e12, None, key="per_day", bind="query-params", format="%g",
        placeholder="as seen" if source == TRAFFIC else "any", help="That come in, of all variants together.",
    )  # fmt: skip
    return told


def _means() -> bool:
    """Whether numbers are of means; the control stands below."""
    return (st.session_state.get("kind") or st.query_params.get("kind")) == "mean"


def spread(wanted: Mapping[str, data.Param]) -> dict[str, data.Param]:
    """How values spread, as numbers that somebody knows; `wanted`: what was chosen above them."""
    unpaired, repeats = bool(wanted.get("unpaired")), wanted.get("repeats")
    slots = st.columns(WIDTHS, vertical_alignment="bottom")
    kind = slots[0].segmented_control(
        "Outcome", ("share", "mean"), default="share", required=True, key="kind", bind="query-params"
    )
    told: dict[str, data.Param] = {}
    if kind == "share":
        label, key, usual, words = (
            ("Share now", "rate", 0.8, "Of the first variant.")
            if unpaired
            else ("Share that differs", "discordant", 0.2, "Share of items that one variant alone gets right.")
        )
        told[key] = slots[1].number_input(label, 0.0, 1.0, usual, 0.01, key=key, bind="query-params", help=words)
    else:
        words = "Of values." if unpaired else "Of an item's difference between both."
        told["sd"] = slots[1].number_input(
            "Standard deviation", 0.0, 1e9, 1.0, format="%g", key="sd", bind="query-params", help=words
        )
        if not unpaired:
            told |= _within(slots[2], told, repeats)
    told["cluster_size"] = slots[3].number_input(
        "Items in a cluster", 1.0, 1e6, None, key="size", bind="query-params", format="%g", placeholder="none"
    )
    told["icc"] = slots[4].number_input(
        "Correlation in it", 0.0, 1.0, None, 0.05, key="icc", bind="query-params", placeholder="none"
    )
    return told


def _within(slot: DeltaGenerator, told: Mapping[str, data.Param], repeats: data.Param) -> dict[str, data.Param]:
    """Where repeats are planned: how one answer spreads about its item's mean."""
    within = slot.number_input(
        "Answer's deviation", 0.0, 1e9, None, format="%g", key="within", bind="query-params", placeholder="none",
        help="Standard deviation of one answer about its item's mean, which repeats average out.",
    )  # fmt: skip
    if within is None and repeats is None:
        return {}
    return {"omega2": float(str(told["sd"])) ** 2, "sigma2": (within or 0.0) ** 2, "sd": None}


def measure(options: Mapping[str, str], chosen: str) -> None:
    """The measure, once the answer tells what there is; with another one the difference is forgotten: other units."""
    key = "plan-measure"
    st.session_state[key] = chosen
    st.selectbox(
        "Measure", list(options), key=key, format_func=lambda one: options.get(one, one), on_change=_measured,
        args=(key,), width=260,
    )  # fmt: skip


def _measured(key: str) -> None:
    st.query_params["measure"] = st.session_state[key]
    st.query_params.pop("delta", None)
    st.session_state.pop("delta", None)


def kept(names: Sequence[str]) -> dict[str, str]:
    """The URL without these."""
    return {name: value for name, value in st.query_params.items() if name not in names and value}
