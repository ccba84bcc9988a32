"""What end users said: a sentence, tiles, its course, and the list. Their words are untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, charts, charts_feedback, compare_controls, data_feedback, listing, sending, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = Mapping[str, Any]

PATH = "views/feedback.py"
PART, NAME, LOW, PAGE = "part", "said", "low", "page"  # of the URL
PARTS = ("said", "keys")
ROWS = 50  # of a page of the list
MOST_SENT = 1_000  # to a queue at once
STARS = "stars"
_CHOICES = {"low": "bad ones", "text": "with words"}
_LONGEST = 300
_MOST = 4  # names in tiles


def part() -> str:
    """Which part of the page is open: what was said, or the keys."""
    return str(
        st.segmented_control(
            "Part", PARTS, default=PARTS[0], required=True, key=PART, bind="query-params",
            label_visibility="collapsed",
        )
    )  # fmt: skip


def overview(window: state.Window, waiting: DeltaGenerator) -> None:
    """Sentence, tiles, figure and list; `waiting` stood in their place and is cleared."""
    try:
        sums = data_feedback.sums(window.since, window.until)
    finally:
        waiting.empty()
    if sums.empty:
        widgets.empty(
            "What the users of your application say of its answers would be here: thumbs, stars, words, corrections.",
            f"None came in {window.words}. An application sends it with a key.",
            lambda: st.page_link(PATH, label="Make a key", icon=":material/key:", query_params={PART: "keys"}),
        )  # fmt: skip
        return
    rows = sorted(listing.records(sums), key=lambda row: (-row["calls"], -row["n"], row["name"]))
    st.markdown(fmt.plain(finding(rows, window.words), 600))
    calls.known(
        "Of one user, answer and name the latest counts. Reviewers' labels are not among it. Intervals are of 95 %: "
        "shares by Wilson, means by Student, users taken for independent."
    )
    widgets.tiles(*(_tile(row) for row in rows[:_MOST]))
    _course(window, rows)
    _list(window, [str(row["name"]) for row in rows])


def finding(rows: Sequence[Row], when: str) -> str:
    """How much was said, how good it is by name, and how much of it has words."""
    n, texts = sum(int(row["n"]) for row in rows), sum(int(row["texts"]) for row in rows)
    said = [f"{row['name']} {verdict(row)}" for row in rows if row["calls"]][:_MOST]
    return (
        f"{fmt.plural(n, 'piece')} of feedback in {when}{': ' if said else ''}{'; '.join(said)}. "
        f"{fmt.plural(texts, 'has', 'have') if texts else 'None has'} words."
    )


def verdict(row: Row) -> str:
    """`78 % good (73 to 82 %)`, of stars `4.2 on average (3.9 to 4.5)`."""
    stars = is_stars(row)
    name = "mean" if stars else "share"
    told = charts_feedback.spoken(row[name], row[f"{name}_low"], row[f"{name}_high"], stars=stars)
    head, _, tail = told.partition(" (")
    return f"{head} {'on average' if stars else 'good'}{f' ({tail}' if tail else ''}"


def is_stars(row: Row) -> bool:
    """Whether its values are more than 0 and 1, so that a mean says more than a share."""
    return row["kind"] == STARS or (row["high"] is not None and (row["high"] > 1 or row["low"] < 0))


def _tile(row: Row) -> widgets.Tile:
    stars = is_stars(row)
    name = "mean" if stars else "share"
    if not row["calls"]:
        return widgets.Tile(fmt.plain(row["name"], 40), f"{row['n']:,}", f"{row['n']:,} with words alone", "words", [])
    value = fmt.digits(row[name]) if stars else fmt.percent(row[name])
    told = charts_feedback.spoken(row[name], row[f"{name}_low"], row[f"{name}_high"], stars=stars)
    tail = told.partition(" (")[2].rstrip(")")
    note = f"{tail + ', ' if tail else ''}n = {row['calls']:,}"
    return widgets.Tile(fmt.plain(row["name"], 40), value, f"{told}, {row['users']:,} users are named", note, [])


def _course(window: state.Window, rows: Sequence[Row]) -> None:
    """How what is said of one name went over time; the name that is chosen, else that of most verdicts."""
    valued = {str(row["name"]): row for row in rows if row["calls"]}
    if not valued:
        return
    chosen = st.query_params.get(NAME)
    name = chosen if chosen in valued else next(iter(valued))
    step = max(window.bucket, timedelta(hours=1))
    offset = window.until.astimezone(widgets.zone()).utcoffset() or timedelta(0)
    found = data_feedback.over_time(window.since, window.until, name, step, offset)
    edges = pd.Timestamp(window.since), pd.Timestamp(window.until), pd.Timedelta(step), pd.Timedelta(offset)
    stars = is_stars(valued[name])
    title = f"{charts.label(name, 40)}: {'mean' if stars else 'share that is good'}"
    figure = charts_feedback.course(
        charts.filled(found, *edges), pd.Timedelta(step), title, widgets.each(pd.Timedelta(step)),
        widgets.theme(), stars=stars,
    )  # fmt: skip
    st.plotly_chart(figure, theme=None, key="feedback-course", config={"displayModeBar": False})


def _list(window: state.Window, names: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        compare_controls.choice(
            NAME, "Name", {one: one for one in names}, none="any name", bare=True, pages=(PAGE,)
        )  # fmt: skip
        compare_controls.choice(LOW, "Only", _CHOICES, none="all", bare=True, pages=(PAGE,))
        st.space("stretch")
        sends = st.container(width="content")
    only = st.query_params.get(LOW)
    chosen = {
        "score": st.query_params.get(NAME), "low": True if only == "low" else None,
        "text": True if only == "text" else None,
    }  # fmt: skip
    first = _first()
    found = data_feedback.said(window.since, window.until, ROWS, first, **chosen)
    if found.empty:
        st.caption("Nothing of this kind was said, or not so much: choose less, or go back to the first page.")
        return
    rows = listing.records(found)
    with sends:
        sending.of_feedback(lambda: _targets(window, chosen))
    listing.listing("feedback", "Feedback", COLUMNS, [_line(row) for row in rows])
    _pager(found, first)


def _targets(window: state.Window, chosen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the newest thousand of the list are of, each once, as far as it is here: a trace, or its span."""
    return targets(listing.records(data_feedback.said(window.since, window.until, MOST_SENT, 0, **chosen)))


def targets(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Traces and spans, each once; of a trace that is whole among them no span: it would be the same answer again."""
    found = [(state.trace_id(str(row["trace_id"] or "")), row["span_id"]) for row in rows if row["there"]]
    whole = {trace for trace, span in found if span is None}
    once = ((trace, span) for trace, span in dict.fromkeys(found) if trace and (span is None or trace not in whole))
    return [{"trace_id": trace, "span_id": span} for trace, span in once]


def _first() -> int:
    page = state.whole(st.query_params.get(PAGE))
    return (page - 1) * ROWS if 0 < page < 100_000 else 0


COLUMNS = (
    Column("Time", "104px"),
    Column("Name", "minmax(100px, 0.7fr)"),
    Column("Said", "92px"),
    Column("In their words", "minmax(200px, 2.6fr)"),
    Column("User", "minmax(80px, 0.6fr)"),
    Column("Trace", "110px", link=True, help="Empty: nothing of this trace or response has come yet"),
)
_TONES: Mapping[str, Any] = {"up": "green", "down": "red"}


def _line(row: Row) -> listing.Row:
    trace = state.trace_id(str(row["trace_id"] or "")) if row["there"] else None
    at = row["time"].to_pydatetime()
    words = fmt.clip(row["explanation"] or "", _LONGEST)
    return listing.Row(
        state.trace_path(trace) if trace else "",
        [
            Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at)),
            Cell(fmt.clip(row["name"], 60)),
            Cell(said(row), tone=_TONES.get(row["label"] or "", "gray")),
            Cell(words or "—", fmt.clip(row["explanation"] or "", 2_000), quiet=not words),
            Cell(fmt.clip(row["user_id"] or fmt.UNKNOWN, 60), quiet=not row["user_id"]),
            Cell(trace[:12] if trace else "not here", quiet=not trace),
        ],
    )


def said(row: Row) -> str:
    """`up`, `4 of 5`, `correction`, `0.8`."""
    if row["kind"] == STARS and row["value"] is not None:
        return f"{row['value']:.0f} of 5"
    return fmt.clip(row["label"] or (fmt.digits(row["value"]) if row["value"] is not None else fmt.UNKNOWN), 40)


def _pager(found: pd.DataFrame, first: int) -> None:
    total = int(found["total"].iloc[0])
    last = first + len(found)
    here = {name: value for name, value in st.query_params.items() if name != PAGE and value}
    with st.container(horizontal=True, vertical_alignment="center"):
        before = here | {PAGE: str(first // ROWS)} if first else None
        after = here | {PAGE: str(first // ROWS + 2)} if last < total else None
        widgets.pages(PATH, before, after, f"Rows {first + 1:,} to {last:,} of {total:,}")
        st.space("stretch")
        widgets.csv(found.drop(columns=["total"]), "feedback")
