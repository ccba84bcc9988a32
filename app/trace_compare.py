"""Two traces side by side. What spans hold is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import data, data_pairs, listing, pair_words, prompt_differences, state, traces, widgets
from app import format as fmt
from app.comparing import PATH, A, B
from app.listing import Cell, Column

STEP, ONLY, SKIP = "step", "only", "skip"  # of the URL
STEPS = 200  # of a page
_WHY = {"name": "Of the same name", "session": "Of the same session", "prompt": "With another prompt version"}

Row = Mapping[str, Any]


def named() -> tuple[str | None, str | None]:
    """The traces of the URL; null: none is named, or it is no id."""
    return state.trace_id(st.query_params.get(A)), state.trace_id(st.query_params.get(B))


def pick(a: str | None) -> None:
    """No pair yet: paste ids, or choose the second among those like the first."""
    with st.container(border=True):
        st.markdown("**Which two traces?**")
        st.caption("A trace id has 32 hex digits; the page of a trace shows it, and its link has it.")
        left, right = st.columns(2)
        for slot, name, label in ((left, A, "First trace (A)"), (right, B, "Second trace (B)")):
            slot.text_input(
                label, str(st.query_params.get(name, "")), key=f"typed-{name}", placeholder="32 hex digits",
                on_change=_typed, args=(name,),
            )  # fmt: skip
        for name, side in ((A, "first"), (B, "second")):
            told = st.query_params.get(name)
            if told and state.trace_id(told) is None:
                st.error(f"{fmt.plain(told, 80)} is no trace id. The {side} one needs 32 hex digits.")
    if a is not None:
        widgets.guarded("Traces like it did not come.", "An id can be pasted.", lambda: _alike(a))


def _typed(name: str) -> None:
    """The field is not bound to the URL: of what is bound, and no more drawn, Streamlit clears the URL."""
    st.query_params[name] = str(st.session_state[f"typed-{name}"]).strip()


def _alike(a: str) -> None:
    found = data_pairs.alike(a)
    if found.empty:
        st.caption("No trace within a week of it has its name, its session or another version of its prompt.")
    for why, rows in found.groupby("why", sort=False):
        st.markdown(f"**{_WHY[str(why)]}**, nearest in time first")
        listing.listing(f"alike-{why}", _WHY[str(why)], ALIKE, [_choice(a, row) for row in listing.records(rows)])


ALIKE = (
    Column("Time", "104px"),
    Column("Name", "minmax(140px, 1.5fr)", link=True),
    Column("Models", "minmax(110px, 1fr)"),
    Column("Prompts", "minmax(110px, 1fr)"),
    Column("Duration", "90px", "right"),
    Column("Status", "84px"),
)


def _choice(a: str, row: Row) -> listing.Row:
    start = row["start_time"].to_pydatetime()
    link = {A: a.replace("-", ""), B: str(row["trace_id"]).replace("-", "")}
    return listing.Row(
        f"trace_compare?{urlencode(link)}",
        [
            Cell(fmt.narrow(start, widgets.zone(), datetime.now(UTC)), fmt.utc(start)),
            Cell(fmt.clip(row["root_name"], 120, "unnamed")),
            Cell(fmt.clip(", ".join(row["models"]), 80)),
            Cell(fmt.clip(", ".join(row["prompts"]), 80)),
            Cell(fmt.duration(row["duration_ns"])),
            Cell(row["status"], tone=traces.COLOURS.get(row["status"], "gray")),
        ],
    )


def compared(a: str, b: str) -> None:
    """Sentences, totals, steps, and the words of one step."""
    only = "differing" if st.query_params.get(ONLY) == "differing" else "all"
    skip = state.whole(st.query_params.get(SKIP))
    found = data_pairs.compared(a, b, only, skip, STEPS)
    _heads(a, b, found)
    st.markdown(f"**{fmt.plain(pair_words.parted(found), 600)}**")
    st.markdown(fmt.plain(pair_words.summed(found), 400))
    for note in notes(found):
        st.caption(note)
    left, right = st.columns([3, 2])
    with left:
        _totals(found)
    with right:
        _scores(found["scores"])
    _steps(found, only, skip)
    step = _chosen(found)
    if step is not None:
        widgets.guarded("The words of this step did not come.", "The steps above stand.", lambda: _step(a, b, step))


def _heads(a: str, b: str, found: Row) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, trace_id in (("A", a), ("B", b)):
            summary = found[name.lower()]
            start = datetime.fromisoformat(summary["start_time"])
            label = f"{name}: {fmt.clip(summary['root_name'], 40, 'unnamed')}, {fmt.moment(start, widgets.zone())}"
            st.page_link(
                "views/trace.py", label=fmt.plain(label), icon=":material/account_tree:", help="Open the trace",
                query_params=state.trace_link(trace_id),
            )  # fmt: skip
            st.badge(str(summary["status"]), color=_COLOURS.get(summary["status"], "gray"))
        if found["a"]["sample"] or found["b"]["sample"]:
            widgets.sample()
        st.space("stretch")
        st.page_link(PATH, label="Swap", icon=":material/swap_horiz:", query_params={A: _hex(b), B: _hex(a)})
        st.page_link(PATH, label="Another B", icon=":material/search:", query_params={A: _hex(a)})


_COLOURS: dict[str, Any] = traces.COLOURS


def _hex(trace_id: str) -> str:
    return trace_id.replace("-", "")


def notes(found: Row) -> list[str]:
    """What the comparison does not hold."""
    told = []
    if found["cut"]:
        told.append("Only the first 100,000 spans of a trace are compared.")
    if found["rough"]:
        told.append("A part has so many steps side by side that they are aligned by their order alone.")
    if found["unread"]:
        told.append(
            f"Of {fmt.plural(found['unread'], 'step')} the texts are compared letter by letter, ids of calls included: "
            "they may differ in these alone."
        )
    return told


def _totals(found: Row) -> None:
    rows = [dict(zip(("What", "A", "B", "B less A"), one, strict=True)) for one in
            pair_words.totals(found["a"], found["b"])]  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="What both traces took", height="content",
        column_config={name: st.column_config.TextColumn(name, alignment="right") for name in ("A", "B", "B less A")},
    )  # fmt: skip


def _scores(scores: Sequence[Row]) -> None:
    if not scores:
        st.caption("Neither trace has a score.")
        return
    rows = [
        {"Score": fmt.clip(one["name"], 60)} | {side.upper(): score(one[side]) for side in ("a", "b")} for one in scores
    ]
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="Scores of both traces", height="content",
        column_config={name: st.column_config.TextColumn(name, alignment="right") for name in ("A", "B")},
    )  # fmt: skip


def score(one: Row) -> str:
    """`0.8`, of several their mean, `0.75 (n 4)`; a dash for none."""
    if one["mean"] is None:
        return traces.NOTHING
    return fmt.digits(one["mean"]) + (f" (n {one['n']:,})" if one["n"] > 1 else "")


COLUMNS = (
    Column("Step", "44px", "right"),
    Column("A", "minmax(100px, 1.3fr)", link=True),
    Column("B", "minmax(100px, 1.3fr)"),
    Column("Differs", "minmax(130px, 1fr)"),
    Column("Model", "minmax(84px, 1fr)", help="Of A, and of B where it is another one; so are the next columns"),
    Column("Duration", "128px", "right"),
    Column("Tokens", "96px", "right"),
    Column("Cost", "138px", "right"),
)


def _steps(found: Row, only: str, skip: int) -> None:
    """The steps of both, one below the other as in the tree; a row shows its words."""
    here = {name: value for name, value in st.query_params.items() if value}
    other = {name: value for name, value in here.items() if name not in {ONLY, SKIP}}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Steps**", width="content")
        shown = len(found["steps"])
        place = f"{skip + 1:,} to {skip + shown:,} of {found['total']:,}" if shown else "none"
        st.caption(place, width="content")
        if only == "all":
            st.page_link(
                PATH, label="Only those that differ", icon=":material/filter_list:",
                query_params=other | {ONLY: "differing"},
            )  # fmt: skip
        else:
            st.page_link(PATH, label="All steps", icon=":material/filter_list_off:", query_params=other)
        if skip or skip + shown < found["total"]:
            before = here | {SKIP: str(max(0, skip - STEPS))} if skip else None
            after = here | {SKIP: str(skip + STEPS)} if skip + shown < found["total"] else None
            widgets.pages(PATH, before, after, "")
    rows = [
        listing.Row(f"trace_compare?{urlencode(here | {STEP: str(step['number'])})}", cells(step))
        for step in found["steps"]
    ]
    listing.listing("steps", "Steps of both traces", COLUMNS, rows)


def cells(step: Row) -> list[Cell]:
    """One step of either trace, or of both."""
    a, b = step["a"], step["b"]
    tone = "" if not step["differs"] else "red" if a is None or b is None else "orange"
    return [
        Cell(f"{step['number']:,}"),
        Cell(_indented(a, step["depth"]), quiet=a is None),
        Cell(_indented(b, step["depth"]), quiet=b is None),
        Cell(pair_words.short(step["differs"]), tone=tone, quiet=not tone),
        Cell(_both(a, b, lambda side: fmt.clip(side["model"] or "", 40))),
        Cell(_both(a, b, lambda side: fmt.duration(side["duration_ns"]))),
        Cell(_both(a, b, _tokens)),
        Cell(_both(a, b, lambda side: "" if side["cost_usd"] is None else fmt.mean_cost(side["cost_usd"]))),
    ]


_DEEPEST = 12  # steps of indentation


def _indented(side: Row | None, depth: int) -> str:
    """No-break spaces: a cell is one line of text, and others would be joined."""
    if side is None:
        return "—"
    failed = ", failed" if side["status"] == "error" else ""
    return "\u2003" * min(depth, _DEEPEST) + fmt.clip(side["name"], 80, "unnamed") + failed


def _tokens(side: Row) -> str:
    known = [side[name] for name in ("input_tokens", "output_tokens") if side[name] is not None]
    return f"{sum(known):,}" if known else ""


def _both(a: Row | None, b: Row | None, form: Any) -> str:
    """`1.2 s → 1.4 s`; what is equal is told once; nothing where neither tells."""
    told = [form(side) if side is not None else "" for side in (a, b)]
    if not any(told):
        return ""
    if told[0] == told[1]:
        return str(told[0])
    return f"{told[0] or '—'} → {told[1] or '—'}"


def _chosen(found: Row) -> Row | None:
    """The step of the URL, if it is on this page; else where the traces part."""
    number = state.whole(st.query_params.get(STEP))
    steps: list[Row] = found["steps"]
    first: Row | None = found["at_first"]
    return next((one for one in steps if one["number"] == number), first)


def _step(a: str, b: str, step: Row) -> None:
    """What one step was given and what it answered, word by word."""
    with st.container(border=True):
        head = f"Step {step['number']:,}, {pair_words.step_name(step)}: {pair_words.short(step['differs'])}"
        st.markdown(f"**{fmt.plain(head, 300)}**")
        if step["a"] is None or step["b"] is None:
            side, trace_id, name = ("a", a, "first") if step["b"] is None else ("b", b, "second")
            st.caption(f"It is only in the {name} trace.")
            _open(side.upper(), trace_id, step[side])
            return
        with st.container(horizontal=True):
            _open("A", a, step["a"])
            _open("B", b, step["b"])
        for name, told in (("A", step["a"]), ("B", step["b"])):
            if told["status"] == "error":
                st.markdown(
                    f":red[{name}: {fmt.plain(told['error_message'] or fmt.error_type(told['error_type']), 300)}]"
                )
        words = data_pairs.steps(_hex(a), step["a"]["span_id"], _hex(b), step["b"]["span_id"])
        if words["cut"]:
            st.caption("Of a message the first 50,000 letters are compared, and one has more: open its span for all.")
        for heading, part in (("What goes in", words["input"]), ("What comes out", words["output"])):
            _part(heading, part)


def _part(heading: str, part: Row) -> None:
    st.caption(heading)
    if part["equal"]:
        st.text("The same." if part["texts"] else "Nothing was recorded.")
    else:
        prompt_differences.shown(part)


def _open(name: str, trace_id: str, side: Row) -> None:
    st.page_link(
        "views/trace.py", label=f"Open in {name}", icon=":material/open_in_new:",
        query_params=state.trace_link(trace_id, span_id=side["span_id"]),
    )  # fmt: skip


def nothing(error: data.ApiError) -> None:
    """One of the traces is not there."""
    widgets.empty(
        "Two traces would be compared here.", str(error),
        lambda: st.page_link(PATH, label="Choose others", icon=":material/search:"),
    )  # fmt: skip
