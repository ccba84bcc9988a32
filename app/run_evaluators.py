"""The evaluators of a run: how the verdicts of each lie, and which flip between repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import charts_runs, estimates, run_rows, trust, widgets
from app import format as fmt
from app.runs import Run

_FIGURES = 3  # beside one another


def section(told: Run, summary: Mapping[str, Any]) -> None:
    """How the verdicts of each evaluator lie."""
    st.subheader("Evaluators", anchor=False)
    bounds = _passing(told)
    found = summary["evaluators"]
    for start in range(0, len(found), _FIGURES):
        for slot, one in zip(st.columns(_FIGURES), found[start : start + _FIGURES], strict=False):
            with slot:
                _evaluator(one, bounds.get(one["name"]))


def _passing(told: Run) -> dict[str, float]:
    """From where each evaluator's verdicts pass, where one number says so."""
    rules = {name: one.get("pass") or {} for name, one in (told["manifest"] or {}).get("evaluators", {}).items()}
    found = {name: rule.get("at_least", rule.get("at_most")) for name, rule in rules.items()}
    return {name: bound for name, bound in found.items() if bound is not None}


def _evaluator(one: Mapping[str, Any], bound: float | None) -> None:
    title = one["name"]
    said = [f"mean {estimates.bracketed(one['mean'])}"] if one["mean"] else []
    said += [f"passes {_share(one['pass_rate'])}"] if one["pass_rate"] else []
    subtitle = f"n = {one['ok']:,}" + (f", {', '.join(said)}" if said else "")
    counts = {name: count for name, count in one["labels"].items() if count}
    histogram = one["histogram"]
    figure = None
    if histogram is not None and not (counts and _only_ends(histogram)):
        figure = charts_runs.spread(histogram["edges"], histogram["counts"], bound, (title, subtitle), widgets.theme())
    elif counts:
        figure = charts_runs.labelled(counts, title, subtitle, widgets.theme())
    if figure is None:
        st.markdown(f"**{fmt.plain(title, 60)}**  \nNo verdict has a value: see why in its rows.")
    else:
        st.plotly_chart(
            figure, theme=None, key=f"spread-{title}", config={"displayModeBar": False},
            alt=f"Verdicts of {title}: {subtitle}",
        )  # fmt: skip
    lost = [f"{one['errors']:,} failed ({_kinds(one['error_types'])})"] if one["errors"] else []
    idle = [f"{one['not_applicable']:,} not applicable"] if one["not_applicable"] else []
    with st.container(horizontal=True, vertical_alignment="center"):
        link = {"evaluator": one["evaluator"]}
        st.page_link(
            "views/evaluators.py", label=fmt.plain(one["evaluator"], 60), icon=":material/rule:", query_params=link
        )
        trust.badge(one["evaluator"], one["evaluator"], one["version"])
        st.caption(
            fmt.plain(", ".join([*lost, *idle]) or f"{one['cost']}, version {one['version']}", 200), width="content"
        )


def _only_ends(histogram: Mapping[str, Any]) -> bool:
    """Whether values stand for two labels: bars of the labels say more than two bins."""
    return sum(bool(count) for count in histogram["counts"]) <= 2


def _share(told: Mapping[str, Any]) -> str:
    return fmt.percent(told["value"]) if not fmt.absent(told["value"]) else fmt.UNKNOWN


def _kinds(types: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in types.items())


def flaky(told: Run, summary: Mapping[str, Any]) -> None:
    """Items whose verdicts flip between repeats."""
    flips = summary["flaky_items"]
    if not flips:
        return
    with st.expander(f"Flaky items ({summary['flaky_count']:,})"):
        shares = [one for one in summary["evaluators"] if one["flaky"]]
        for one in shares:
            found = one["flaky"]
            interval = estimates.bracketed(found["share"])
            st.markdown(
                fmt.plain(
                    f"{one['name']}: {found['items']:,} of {found['of']:,} items flip, a share of {interval}.", 300
                )
            )
        run_rows.flips(told, flips)
        if summary["flaky_count"] > len(flips):
            widgets.cut(len(flips), summary["flaky_count"], "flaky items")
