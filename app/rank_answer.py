"""What a ranking says: the sentence first, warnings, both figures, the table, the pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import charts_rank, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Found = Mapping[str, Any]
_PAIRS = 200  # in the table; the CSV has all


def section(found: Found, run_ids: Mapping[str, str], command: str | None = None) -> None:
    """The whole answer; `run_ids`: variant -> run; `command`: of the shell, where it says the same."""
    st.markdown(f"**{fmt.plain(found['sentence'], 900)}**")
    st.caption(fmt.plain(_rests_on(found), 300))
    for text in found["warnings"]:
        st.warning(fmt.plain(text, 500), icon=":material/warning:")
    left, right = st.columns(2, gap="large")
    if found["problem"] is None:
        with left:
            _draw(_strengths(found), "rank-strengths", "Strengths with their intervals; the table says the same")
    with right if found["problem"] is None else left:
        _draw(_matrix(found), "rank-matrix", "How often each won against each other; the pairs' table says the same")
    _table(found, run_ids)
    _pairs(found, run_ids)
    if command is not None:
        st.caption("The same on the command line")
        st.code(command, language="bash")
    if found["notes"]:
        st.markdown("\n".join(f"- {fmt.plain(text, 500)}" for text in found["notes"]))


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=alt)


def _rests_on(found: Found) -> str:
    said = f"{fmt.plural(found['judgements'], 'judgement')} of {fmt.plural(found['items'], 'item')}"
    if found["groups"] != found["items"]:
        said += f" in {fmt.plural(found['groups'], 'cluster')}"
    if found["problem"] is not None:
        return f"{said}."
    return (
        f"{said}; Bradley-Terry strengths, {100 * found['level']:g} % intervals and rank sets of all variants, "
        f"by {found['draws']:,} draws."
    )


def _from(found: Found) -> str:
    return "the mean of all" if found["reference"] is None else fmt.clip(found["reference"], 40)


def _strengths(found: Found) -> go.Figure:
    ends = f"{100 * found['level']:g} % intervals" + ("" if found["reference"] is None else ", all pairs together")
    subtitle = f"{ends}, n = {fmt.plural(found['items'], 'item')}"
    return charts_rank.strengths(
        pd.DataFrame(found["rows"]), f"Strength from {_from(found)}", subtitle, widgets.theme()
    )


def _matrix(found: Found) -> go.Figure:
    order = [one["variant"] for one in found["rows"]]
    pairs = pd.DataFrame(found["heads"], columns=["a", "b", "share", "n"])
    subtitle = f"share of wins of rows against columns, a tie as half of one, n = {found['judgements']:,} judgements"
    return charts_rank.matrix(pairs, order, "Head to head", subtitle, widgets.theme())


def ranks(one: Mapping[str, Any]) -> str:
    """The rank set."""
    low, high = one["rank_low"], one["rank_high"]
    if low is None:
        return fmt.UNKNOWN
    return str(low) if low == high else f"{low} to {high}"


def _table(found: Found, run_ids: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Variants**", width="content")
        st.space("stretch")
        widgets.csv(pd.DataFrame(found["rows"]), "ranking")
    against = _from(found)
    columns = (
        Column("Variant", "minmax(140px, 1.6fr)", link=bool(run_ids), help="Opens its run" if run_ids else ""),
        Column("Ranks", "72px", "right", "Rank set: the ranks that the judgements allow, all variants together"),
        Column("Strength", "84px", "right", f"Log odds from {against}"),
        Column("Interval", "minmax(120px, 1fr)", "right", f"{100 * found['level']:g} %, of the strength"),
        Column("Chance to win", "minmax(110px, 1fr)", "right", f"Against {against}"),
        Column("Its interval", "minmax(120px, 1fr)", "right", f"{100 * found['level']:g} %, of the chance"),
        Column("Wins", "72px", "right"),
        Column("Losses", "72px", "right"),
        Column("Ties", "72px", "right"),
    )
    listing.listing("rank-rows", "Variants", columns, [_line(one, run_ids) for one in found["rows"]])


def _line(one: Mapping[str, Any], run_ids: Mapping[str, str]) -> listing.Row:
    run_id = run_ids.get(one["variant"])
    href = "" if run_id is None else f"runs?{urlencode({'run': run_id})}"
    return listing.Row(
        href,
        [
            Cell(fmt.clip(one["variant"], 80)),
            Cell(ranks(one)),
            Cell(fmt.UNKNOWN if one["strength"] is None else _signed(one["strength"])),
            Cell(_between(one["low"], one["high"], _signed), quiet=True),
            Cell(fmt.percent(one["chance"]), share=one["chance"]),
            Cell(_between(one["chance_low"], one["chance_high"], fmt.percent).replace(" % to", " to"), quiet=True),
            Cell(fmt.count(one["wins"])),
            Cell(fmt.count(one["losses"])),
            Cell(fmt.count(one["ties"])),
        ],
    )


def _signed(value: float) -> str:
    return f"{fmt.MINUS if value < 0 else ''}{fmt.digits(abs(value))}"


def _between(low: float | None, high: float | None, words: Callable[[float], str]) -> str:
    return "none" if low is None or high is None else f"{words(low)} to {words(high)}"


def _pairs(found: Found, run_ids: Mapping[str, str]) -> None:
    """Each pair that met; of runs a row opens their comparison."""
    heads = found["heads"]
    with st.expander(f"Pairs ({len(heads):,})"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if len(heads) > _PAIRS:
                widgets.cut(_PAIRS, len(heads), "pairs")
            st.space("stretch")
            widgets.csv(pd.DataFrame(heads), "ranking-pairs")
        columns = (
            Column("Variant", "minmax(140px, 1.4fr)", link=bool(run_ids), help="Compares the two" if run_ids else ""),
            Column("Against", "minmax(140px, 1.4fr)"),
            Column("Share of wins", "minmax(110px, 1fr)", "right", "A tie as half of one"),
            Column("Wins", "80px", "right"),
            Column("Losses", "80px", "right"),
            Column("Ties", "80px", "right"),
            Column("Items", "80px", "right"),
        )
        listing.listing("rank-pairs", "Pairs", columns, [_pair(one, run_ids) for one in heads[:_PAIRS]])


def _pair(one: Mapping[str, Any], run_ids: Mapping[str, str]) -> listing.Row:
    ids = [run_ids[name] for name in (one["b"], one["a"]) if name in run_ids]
    href = f"compare?{urlencode({'runs': ','.join(ids)})}" if len(ids) == 2 else ""
    return listing.Row(
        href,
        [
            Cell(fmt.clip(one["a"], 60)),
            Cell(fmt.clip(one["b"], 60)),
            Cell(fmt.percent(one["share"]), share=one["share"]),
            Cell(fmt.count(one["wins"])),
            Cell(fmt.count(one["losses"])),
            Cell(fmt.count(one["ties"])),
            Cell(fmt.count(one["items"])),
        ],
    )
