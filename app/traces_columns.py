"""What the list of Traces can show, and what of it is shown."""

from __future__ import annotations

import streamlit as st

from app.listing import Column

COLUMNS = {
    column.name: column
    for column in (
        Column("Time", "98px"),
        Column("Name", "minmax(110px, 1fr)", link=True),
        Column("Input → output", "minmax(150px, 2.4fr)"),
        Column("Service", "84px"),
        Column("Duration", "112px", "right"),
        Column("Calls", "38px", "right", "Model calls, failed ones included"),
        Column(
            "Tokens", "82px", "right", "In and out of the model calls that ended well. ≥: not all of them told both"
        ),
        Column("Cost", "110px", "right", "Of the model calls, by list prices or your own"),
        Column("Status", "74px"),
        Column("Environment", "92px"),
        Column("Models", "minmax(90px, 1fr)"),
        Column("Variants", "minmax(90px, 1fr)"),
        Column("Tags", "minmax(70px, 1fr)"),
        Column("User", "90px"),
        Column("Session", "90px"),
        Column("Spans", "52px", "right"),
        Column("Tools", "46px", "right", "Tool executions"),
        Column("Failed", "50px", "right", "Failed spans without a failed child"),
        Column("Error", "minmax(110px, 1.4fr)", help="Type, else message, of the deepest failed span"),
    )
}
"""What a list can show, by heading."""
USUAL = tuple(COLUMNS)[:9]
MOST = 9
SHOWN = "columns"  # in the URL: headings between commas


def chosen() -> list[str]:
    """Headings of the columns that are shown; the name of the trace is always among them, as it is the link."""
    told = [name for name in str(st.query_params.get(SHOWN) or "").split(",") if name in COLUMNS]
    names = list(dict.fromkeys(told))[:MOST] or list(USUAL)
    return names if "Name" in names else ["Name", *names[: MOST - 1]]


def button() -> None:
    """“Columns”: which ones, in which order."""
    with st.popover("Columns", icon=":material/view_column:", key="traces-columns", on_change="rerun") as popover:
        if not popover.open:
            return
        st.session_state["columns-chosen"] = chosen()
        st.multiselect(
            f"Columns, in order (up to {MOST})", list(COLUMNS), key="columns-chosen",
            max_selections=MOST, on_change=_choose,
        )  # fmt: skip
        st.caption("The name is always shown. Without any the usual ones are.")


def _choose() -> None:
    names = st.session_state["columns-chosen"]
    if names and tuple(names) != USUAL:
        st.query_params[SHOWN] = ",".join(names)
    else:
        st.query_params.pop(SHOWN, None)
