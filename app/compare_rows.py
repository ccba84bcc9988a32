"""Items of two runs, those that got worse first; one of them with both answers side by side, word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import (
    adding_item,
    compare_controls,
    compare_stated,
    compare_words,
    data,
    data_compare,
    data_labels,
    data_runs,
    labelling,
    listing,
    marking,
    run_rows,
    sending,
    state,
    widgets,
    wordings,
)
from app import format as fmt
from app.listing import Cell, Column

Found = Mapping[str, Any]
Row = Mapping[str, Any]
ITEM, PAGE, SHOW = "item", "rows-page", "rows"  # names in the URL
_LIMIT = 300
_TONES: Mapping[str, Any] = {"red": "red", "green": "green", "gray": "gray"}


def section(found: Found) -> None:
    """The items of the baseline and one variant, and the one that is open."""
    st.subheader("Rows", anchor=False)
    ids = {one["name"]: one["run_id"] for one in found["variants"]}
    others = [name for name in ids if name != found["baseline"]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(others) > 1:
            compare_controls.choice(compare_controls.AGAINST, "Variant", {name: fmt.clip(name, 60) for name in others})
        kind = st.segmented_control(
            "Rows", ["worse", "all"], default="worse", required=True, key=SHOW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    told = st.query_params.get(compare_controls.AGAINST)
    name = told if told in others else others[0]
    pair, quality = (ids[found["baseline"]], ids[name]), found["quality"]
    if item := st.query_params.get(ITEM):
        _item(pair, quality, str(item))
        return
    _list(found, pair, quality, worse=kind == "worse")


def _list(found: Found, pair: tuple[str, str], quality: str, *, worse: bool) -> None:
    page = state.whole(st.query_params.get(PAGE))
    rows = data_compare.rows(pair, quality=quality, page=page, worse=worse, **_sides())
    if not rows["rows"]:
        why = "No shared item got worse in this measure." if worse else "The runs share no item."
        widgets.empty("Rows would be listed here, those that got worse first.", why)
        return
    measure = compare_words.by_key(found)[quality]
    st.caption(
        fmt.plain(
            f"{fmt.plural(rows['matching'], 'item')}, {rows['regressed']:,} worse in {compare_words.measure(measure)}; "
            "those that got worse most come first. Open one to see both answers.", 300,
        )
    )  # fmt: skip
    columns = (
        Column("Item", "84px", link=True),
        Column("Change", "104px", "right", "Positive: better than in the baseline"),
        Column("Question", "minmax(140px, 1.2fr)"),
        Column(fmt.clip(rows["variants"][0], 40), "minmax(160px, 1.6fr)", help="Its answer"),
        Column(fmt.clip(rows["variants"][1], 40), "minmax(160px, 1.6fr)", help="Its answer"),
    )
    listing.listing("compare-rows", "Rows", columns, [_line(measure, row) for row in rows["rows"]])
    _pages(rows, page)


def _sides() -> dict[str, data.Param]:
    """Which way is better, as stated: items that got worse are told by it."""
    told = compare_stated.params("runs")
    return {side: told[side] for side in compare_stated.SIDES}


def _line(measure: Mapping[str, Any], row: Row) -> listing.Row:
    gap = row["change"]
    return listing.Row(
        _path(row["item"]),
        [
            Cell(fmt.clip(row["item"], 60, "(no name)")),
            Cell(compare_words.apart(measure, gap), tone="red" if gap is not None and gap < 0 else ""),
            Cell(fmt.clip(marking.text_of(row["case"], "question") or "", _LIMIT)),
            *(Cell(fmt.clip(_answer_of(answers), _LIMIT)) for answers in row["answers"]),
        ],
    )


def _answer_of(answers: Sequence[Row]) -> str:
    if not answers:
        return ""
    first = answers[0]
    return str(first["answer"] if first["answer"] is not None else f"no answer: {first['reason'] or ''}")


def _here(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in st.query_params.items() if key not in {ITEM, PAGE} and value}
    return kept | more


def _path(item: str) -> str:
    return f"compare?{urlencode(_here(item=item))}"


def _pages(rows: Row, page: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if page:
            st.page_link(compare_controls.PATH, label="First rows", icon=":material/first_page:", query_params=_here())
        if (page + 1) * rows["size"] < rows["matching"]:
            st.page_link(
                compare_controls.PATH, label=f"Next {rows['size']}", icon=":material/arrow_forward:",
                query_params=_here(**{PAGE: str(page + 1)}),
            )  # fmt: skip
        st.caption("Keys: j k move, Enter opens.")


def _item(pair: tuple[str, str], quality: str, name: str) -> None:
    """One item: what was asked, and both answers."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Item {fmt.plain(name, 60)}**", width="content")
        st.space("stretch")
        st.page_link(compare_controls.PATH, label="All rows", icon=":material/arrow_back:", query_params=_here())
    rows = data_compare.rows(pair, quality=quality, item=name, **_sides())
    if not rows["rows"]:
        widgets.empty("An item of both runs would be here.", f"They share none named {fmt.plain(name, 60)}.")
        return
    row = rows["rows"][0]
    question = marking.text_of(row["case"], "question")
    if question is not None:
        st.caption("Question")
        st.html(marking.marked(question, []))
    _both(row, rows["variants"], pair)
    sending.of_runs(pair, "pair", [name])


def _both(row: Row, names: Sequence[str], pair: tuple[str, str]) -> None:
    """Repeat beside repeat; what one side lacks stays empty."""
    traces = _traces(row)
    for place in range(max(map(len, row["answers"]))):
        two = [answers[place] if place < len(answers) else None for answers in row["answers"]]
        texts = wordings.beside(*(str((one or {}).get("answer") or "") for one in two))
        targets = [None if one is None else _target(one, name) for one, name in zip(two, names, strict=True)]
        for at, slot in enumerate(st.columns(2, gap="large")):
            with slot, st.container(border=True, gap="small"):
                _side(two[at], texts[at], names[at], pair[at], traces)
                if (one := two[at]) is not None:
                    _actions(one, row["case"], names[at], targets[at], f"{at}-{place}")
        first, second = targets
        if first is not None and second is not None and first.trace_id != second.trace_id:
            labelling.which(first, second, (names[0], names[1]), str(place))


def _target(one: Row, name: str) -> labelling.Target | None:
    """What a label of this answer is of; null: the run tells no trace of it."""
    trace_id = _trace_id(one)
    return labelling.Target(trace_id, f"the answer of {name} to {one['item']}") if trace_id else None


def _trace_id(one: Row) -> str:
    told = str((one.get("measured") or {}).get("trace_id") or "")
    return (state.trace_id(told) or "").replace("-", "")


def _actions(one: Row, case: Mapping[str, Any], name: str, target: labelling.Target | None, key: str) -> None:
    """What a person makes of an answer: labels, which stand below its verdicts, and items of a dataset."""
    if target is not None:
        widgets.guarded(
            "What people said of it did not come.", "The answer above is complete.",
            lambda: labelling.given(data_labels.of_trace(target.trace_id)),
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if target is not None:
            labelling.button(target, key)
        adding_item.button(case, one["answer"], f"What {one['item']} asks, and what {name} answered", key)
        if target is None:
            st.caption("No label: the run tells no trace of this answer, and labels are of traces.", width="content")


def _side(one: Row | None, text: str, name: str, run_id: str, traces: set[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(name, 60)}**", width="content")
        if one is None:
            st.caption("has no such repeat", width="content")
            return
        trace_id = _trace_id(one)
        st.page_link(
            "views/runs.py", label="In its run", icon=":material/experiment:",
            query_params={"run": run_id, "item": one["item"]},
        )  # fmt: skip
        if trace_id in traces:
            st.page_link(
                "views/trace.py", label="Its trace", icon=":material/account_tree:",
                query_params=state.trace_link(trace_id),
            )  # fmt: skip
    if one["status"] == "error":
        st.error(f"**No answer.** {fmt.plain(str(one['reason'] or ''), 400)}", icon=":material/error:")
    else:
        st.html(text)
    _verdicts(one)


def _verdicts(one: Row) -> None:
    for name, said in one["verdicts"].items():
        words, tone = run_rows.verdict_words(said, None)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{fmt.plain(name, 60)}**", width="content")
            st.badge(fmt.plain(words, 60), color=_TONES[tone])
        if said.get("reason"):
            st.html(f'<div style="font-size:0.9rem">{escape(fmt.straight(str(said["reason"])[:2000]))}</div>')


def _traces(row: Row) -> set[str]:
    told = [
        str(one["measured"]["trace_id"]) for answers in row["answers"] for one in answers
        if (one.get("measured") or {}).get("trace_id")
    ]  # fmt: skip
    known: list[set[str]] = []
    widgets.guarded(
        "Whether its traces are stored is not known.", "The answers below are whole.",
        lambda: known.append(data_runs.stored_traces(told)),
    )  # fmt: skip
    return known[0] if known else set()
