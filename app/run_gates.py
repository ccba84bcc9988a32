"""The gates of a run: a figure, and a table that says the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, charts_runs, estimates, runs, widgets
from app import format as fmt

_DRAWN = 20  # gates in the figure; the table has all


def section(summary: Mapping[str, Any]) -> None:
    """The figure, and the table that says the same in words."""
    if not summary["gates"]:
        widgets.empty(
            "Gates would be drawn here.", "The suite has none. A gate says what must hold, so that a build fails."
        )
        return
    rows = gate_rows(summary)
    subtitle = f"90 % intervals over {fmt.plural(summary['items'], 'item')}; a gate fails only when chance is ruled out"
    drawn = rows.head(_DRAWN)
    st.plotly_chart(
        charts_runs.gates(drawn, subtitle, widgets.theme()), theme=None, key="gates", config={"displayModeBar": False},
        alt="Gates: interval of each against its bound; the table below says the same in words",
    )  # fmt: skip
    if len(rows) > _DRAWN:
        widgets.cut(_DRAWN, len(rows), "gates")
    told = pd.DataFrame([*map(_told, rows.to_dict("records")), _complete(summary["completeness"])])
    with st.expander("Gates as a table", expanded=False):
        st.table(told, border="horizontal", hide_index=True, alt="Gates of the run")


def gate_rows(summary: Mapping[str, Any]) -> pd.DataFrame:
    """The gates as `charts_runs.gates` draws them, in their order; `table` columns beside."""
    scales = {one["name"]: one["scale"] for one in summary["evaluators"]}
    return pd.DataFrame([_gate(gate, scales) for gate in summary["gates"]])


def _gate(gate: Mapping[str, Any], scales: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    estimate, bound, better = gate["estimate"], gate["bound"], -1 if "<=" in gate["text"] else 1
    if gate["margin"] is not None:  # against a baseline: the change, and how far it may fall
        lower = gate["measure"] == "errors" or gate["of"].startswith("target.")
        lower |= gate["measure"] != "pass_rate" and scales.get(gate["of"], {}).get("better") == "lower"
        estimate, better = gate["effect"], -1 if lower else 1
        bound = -better * gate["margin"]
    told = estimate or {}
    word = runs.gate_word(gate["state"]) + (", fails" if gate["fails"] else "")
    return {
        "text": gate["text"], "state": gate["state"], "word": word, "bound": bound, "better": better,
        "value": told.get("value"), "low": told.get("low"), "high": told.get("high"), "n": told.get("n"),
        "value_text": estimates.bracketed(told, change=gate["margin"] is not None),
        "told": charts.label(gate["sentence"], 160),
        "sentence": gate["sentence"], "adjusted_p": gate["adjusted_p"], "missing": gate["missing"],
    }  # fmt: skip


def _told(row: Mapping[Any, Any]) -> dict[str, str]:
    """A gate as a row of the table, whose cells are Markdown."""
    p = "" if fmt.absent(row["adjusted_p"]) else fmt.digits(row["adjusted_p"])
    return _plain(
        {
            "Gate": row["text"], "State": row["word"], "Value": row["value_text"], "Adjusted p": p,
            "Missing": fmt.count(row["missing"]), "Says": row["sentence"],
        }
    )  # fmt: skip


def _complete(told: Mapping[str, Any]) -> dict[str, str]:
    """Whether so few answers failed that the rest stands for all, beside the gates."""
    word = runs.gate_word(told["state"]) + (", fails" if told["fails"] else "")
    cells = {"Gate": told["text"], "State": word, "Value": "", "Adjusted p": "", "Missing": ""}
    return _plain({**cells, "Says": told["sentence"]})


def _plain(cells: Mapping[str, str]) -> dict[str, str]:
    return {name: fmt.plain(text, 400) for name, text in cells.items()}
