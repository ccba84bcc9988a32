"""Tables of the page Agreement: what people differ on, the people, all rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import format as fmt
from app import jobs, listing, widgets
from app.agreement_words import between, decimal, share
from app.listing import Cell, Column, Course

Row = Mapping[str, Any]
SHOWN = 12  # cells that are listed; the figure has all
TONES = {"drift": "orange", "no drift": "", "insufficient data": ""}

CONFUSED = (
    Column("One says", "minmax(120px, 1fr)", link=True),
    Column("Another says", "minmax(120px, 1fr)"),
    Column("Pairs of labels", "minmax(120px, 1fr)", "right"),
    Column("Of what differs", "140px", "right"),
    Column("Items", "90px", "right", "50 at most are opened"),
)
PEOPLE = (
    Column("Person", "minmax(110px, 1fr)"),
    Column("Labels", "76px", "right"),
    Column(
        "With the others", "minmax(170px, 1.2fr)", "right", "How near to what the others' labels, or a decision, say"
    ),
    Column("Right on gold items", "minmax(170px, 1.2fr)", "right", "With Wilson's interval"),
    Column("Course", "110px", help="Near to the others, in ten equal parts of their labels, newest right"),
    Column("Drift", "128px"),
    Column("In words", "minmax(200px, 2.2fr)"),
)
PAIRS = (
    Column("Pair", "minmax(160px, 1.4fr)", link=True),
    Column("Items", "80px", "right"),
    Column("Agree on", "minmax(120px, 1fr)", "right"),
    Column("Beyond chance", "minmax(140px, 1fr)", "right", "Cohen's kappa; of many different numbers alpha"),
)


def _path(queue: str, field: str, **more: str) -> str:
    return f"agreement?{urlencode({'queue': queue, 'field': field, **more})}"


def confusion(queue: str, found: Row, pair: tuple[str, str] | None) -> None:
    """Unlike pairs of labels, most first; a row opens its items."""
    unlike = sorted((row for row in found["confusion"] if row["a"] != row["b"]), key=lambda row: -row["n"])
    if not unlike:
        return
    st.markdown("**What people differ on**")
    total, most = sum(row["n"] for row in unlike), unlike[0]["n"]
    two = {} if pair is None else {"first": pair[0], "second": pair[1]}
    rows = [
        listing.Row(
            _path(queue, found["field"], part="adjudicate", disputed="all", a=row["a"], b=row["b"], **two),
            [
                Cell(fmt.clip(row["a"], 120)), Cell(fmt.clip(row["b"], 120)),
                Cell(f"{row['n']:,}", share=row["n"] / most), Cell(fmt.percent(row["n"] / total)),
                Cell(f"{len(row['numbers']):,}"),
            ],
        )
        for row in unlike[:SHOWN]
    ]  # fmt: skip
    listing.listing("agree-confused", "What people differ on", CONFUSED, rows)
    if len(unlike) > SHOWN:
        widgets.cut(SHOWN, len(unlike), "pairs of answers")


def people(queue: str, found: Row) -> None:
    """Each labeller, and each two of them."""
    if not found["labellers"]:
        return
    st.markdown("**People**")
    listing.listing("agree-people", "People", PEOPLE, [_person(row) for row in found["labellers"]])
    rate = found["labellers"][0]["drift"]["false_alarm_rate"]
    st.caption(
        f"Drift: the split of a person's labels over time that explains best how they agree; a person who does not "
        f"change is told to in about {100 * rate:g} % of cases. Others, guidelines or harder items may be why."
    )
    rows = [row for row in found["pairs"] if row["coefficient"] == "percent_agreement"]
    kappas = {tuple(row["labellers"]): row for row in found["pairs"] if row["coefficient"] == found["pair"]}
    if len(rows) > 1:
        with st.expander(
            f"{fmt.plural(len(rows), 'pair')} of people", key="agree-pairs-table", on_change="rerun"
        ) as twin:
            if twin.open:
                shown = [_pair(queue, found["field"], row, kappas[tuple(row["labellers"])]) for row in rows]
                listing.listing("agree-pair-rows", "Pairs of people", PAIRS, shown)


def _person(row: Row) -> listing.Row:
    moved, tone = row["drift"], TONES[row["drift"]["verdict"]]
    words = row["sentence"].split("; ", 1)[-1]
    if moved["verdict"] == "insufficient data":
        words = f"{moved['n']:,} of {moved['least']} labels that can be compared"
    return listing.Row(
        "",
        [
            Cell(fmt.clip(row["author"], 80)), Cell(f"{row['n']:,}"), Cell(share(row["with_consensus"])),
            Cell(share(row["gold"])), Cell("", course=_course(moved)),
            Cell(moved["verdict"], tone=tone, quiet=not tone),
            Cell(fmt.clip(words, 200), _when(moved), quiet=moved["verdict"] != "drift"),
        ],
    )  # fmt: skip


def _course(moved: Row) -> Course | None:
    points = moved.get("course")
    if not points:
        return None
    none: list[float | None] = [None] * len(points)
    return Course(points, none, none, (), f"from {100 * points[0]:.0f} to {100 * points[-1]:.0f} %")


def _when(moved: Row) -> str:
    if "at" not in moved:
        return ""
    at, low, high = (fmt.moment(jobs.at(moved[name]), widgets.zone()) for name in ("at", "low", "high"))
    return f"Changed at {at}; 95 %: {low} to {high}; p {moved['p']:.2g}"


def _pair(queue: str, field: str, percent: Row, kappa: Row) -> listing.Row:
    one, other = percent["labellers"]
    value, n = percent["value"], percent["n_items"]
    told = {"value": value, "low": percent["ci_low"], "high": percent["ci_high"], "n": n}
    ends = "" if kappa["value"] is None else f" ({between(kappa['ci_low'], kappa['ci_high'])})"
    return listing.Row(
        _path(queue, field, first=one, second=other),
        [
            Cell(f"{fmt.clip(one, 60)} and {fmt.clip(other, 60)}"), Cell(f"{n:,}"), Cell(share(told)),
            Cell("not defined" if kappa["value"] is None else f"{decimal(kappa['value'])}{ends}"),
        ],
    )  # fmt: skip


def coefficients(queue: str, found: Row) -> None:
    """All rows, exact, as `assay agreement --json` has them."""
    with st.expander("All coefficients as a table", key="agree-all", on_change="rerun") as twin:
        if not twin.open:
            return
        rows = [*found["rows"], *found["by"], *found["pairs"]]
        frame = pd.DataFrame(rows).drop(columns=["sentence", "level"])
        frame["labellers"] = [" and ".join(names) if names else "" for names in frame["labellers"]]
        st.dataframe(frame, hide_index=True, placeholder="", alt="All coefficients, exact")
        widgets.csv(frame, f"agreement-{queue}-{found['field']}")
