"""Rows of a run: a table of those that fail, flip, or have some words; one item with all its answers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from app import data_runs, listing, marking, ruler, runs, scores, sending, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]

ITEM, AFTER = "item", "after"  # in the URL: the item that is open; what the page comes after
SHOW, BY, WORDS = "rows", "verdict", "words"  # keys of the controls, and their names in the URL
KINDS = {"failing": "failing", "flaky": "flaky", "all": "all"}
PAGE = 25
_COLUMNS = 3  # evaluators that have a column of their own
_BESIDE = 3  # repeats beside one another
_LIMIT = 300


def chosen() -> str:
    """The id of the item that the URL asks for; '': of none."""
    return str(st.query_params.get(ITEM) or "")


def section(told: Mapping[str, Any]) -> None:
    """The rows that the controls keep, failing ones first."""
    summary = told["summary"]
    st.subheader("Rows", anchor=False)
    names = [str(one["name"]) for one in summary["evaluators"]]
    by = _controls(names, repeats=summary["repeats"])
    after = _after(by)
    found = data_runs.rows(
        told, brief=True, page_size=PAGE, failing=by[SHOW] == "failing", flaky=by[SHOW] == "flaky",
        evaluator=by[BY] or None, text=by[WORDS] or None, **after,
    )  # fmt: skip
    if not found["rows"]:
        widgets.empty(*_none(by, summary))
        return
    noun = {"failing": "failing row", "flaky": "row of flaky items", "all": "row"}[by[SHOW]]
    many = {"failing": "failing rows", "flaky": "rows of flaky items", "all": "rows"}[by[SHOW]]
    with st.container(horizontal=True, vertical_alignment="center"):
        many_rows = fmt.plural(found["matching"], noun, many)
        st.caption(f"{many_rows} of {summary['answers']:,}. Open one to see the answer and why.", width="content")
        st.space("stretch")
        sending.of_run(str(told["run_id"]), [str(row["item"]) for row in found["rows"]] if by[SHOW] != "all" else ())
    _table(told, found["rows"], names)
    _pages(found, by, first=not after)


def _controls(names: Sequence[str], *, repeats: int) -> dict[str, str]:
    kinds = [kind for kind in KINDS if kind != "flaky" or repeats > 1]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Rows", kinds, default="failing", required=True, key=SHOW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        st.selectbox(
            "By", names, index=None, key=BY, bind="query-params", placeholder="by any evaluator", width=220,
            label_visibility="collapsed",
        )  # fmt: skip
        st.text_input(
            "Search", key=WORDS, bind="query-params", placeholder="Search questions, answers, reasons", width=280,
            icon=":material/search:", label_visibility="collapsed",
        )  # fmt: skip
    return {name: str(st.session_state.get(name) or "").strip() for name in (SHOW, BY, WORDS)}


def _after(by: Mapping[str, str]) -> dict[str, int]:
    """Where the page starts, if it is a page of what is shown now."""
    place, _, rest = str(st.query_params.get(AFTER) or "").partition(".")
    repeat, _, mark = rest.partition(".")
    if mark != state.mark(by) or not (place.isdigit() and repeat.isdigit()):
        return {}
    return {"after_place": int(place), "after_repeat": int(repeat)}


def _none(by: Mapping[str, str], summary: Mapping[str, Any]) -> tuple[str, str]:
    if by[WORDS] or by[BY]:
        return "Rows would be listed here.", "None matches the search and the evaluator."
    if by[SHOW] == "flaky":
        return "Rows of flaky items would be listed here.", "No verdict flips between repeats."
    rules = any(one["pass_rate"] for one in summary["evaluators"])
    why = (
        "Every answer came, and every verdict passes." if rules else "Every answer came; no evaluator says what passes."
    )
    return "Failing rows would be listed here.", why


def _table(told: Mapping[str, Any], rows: Sequence[Row], names: Sequence[str]) -> None:
    shown = list(names[:_COLUMNS])
    repeats = told["summary"]["repeats"] > 1
    columns = (
        Column("Item", "84px", link=True),
        *([Column("Answer no.", "76px", "right")] if repeats else []),
        Column("Question", "minmax(140px, 1.4fr)"),
        Column("Answer", "minmax(160px, 1.8fr)"),
        *(Column(fmt.clip(name, 40), "118px", help=name) for name in shown),
        Column("Why", "minmax(140px, 1.4fr)", help="Of the first verdict that does not pass"),
    )
    scales = {one["name"]: one["scale"] for one in told["summary"]["evaluators"]}
    listing.listing("run-rows", "Rows", columns, [_line(told, row, shown, scales, repeats=repeats) for row in rows])
    if len(names) > len(shown):
        st.caption(f"{fmt.plural(len(names) - len(shown), 'more evaluator')}: open a row to see every verdict.")


def _line(
    told: Mapping[str, Any], row: Row, shown: Sequence[str], scales: Mapping[str, Any], *, repeats: bool
) -> listing.Row:
    why = reason(row)
    lost = row["status"] == "error"
    answer = f"no answer: {_type(row['error_type'])}" if lost else row["answer"] or ""
    return listing.Row(
        path(told["run_id"], row["item"]),
        [
            Cell(fmt.clip(row["item"], 60, "(no name)")),
            *([Cell(f"{row['repeat'] + 1}")] if repeats else []),
            Cell(fmt.clip(row["question"] or "", _LIMIT)),
            Cell(fmt.clip(answer, _LIMIT), tone="red" if lost else ""),
            *(_verdict(row["verdicts"].get(name), scales.get(name)) for name in shown),
            Cell(fmt.clip(why, _LIMIT), fmt.clip(why, 600)),
        ],
    )


def _verdict(said: Mapping[str, Any] | None, scale: ruler.Scale | None) -> Cell:
    if said is None:
        return Cell("—", quiet=True)
    words, tone = verdict_words(said, scale)
    return Cell(fmt.clip(words, 40), tone="red" if tone == "red" else "", quiet=said["status"] == "not_applicable")


def verdict_words(said: Mapping[str, Any], scale: ruler.Scale | None) -> tuple[str, str]:
    """A verdict in a few words, and the tone of its badge: red where it failed or does not pass, green if it passes."""
    if said["status"] == "error":
        return f"failed: {_type(said.get('error_type'))}", "red"
    if said["status"] == "not_applicable":
        return "not applicable", "gray"
    parts = [said["label"]] if said["label"] else []
    parts += [ruler.value(said["value"], scale)] if said["value"] is not None and not said["label"] else []
    passed = said.get("passed")
    tone = "gray" if passed is None else "green" if passed else "red"
    return (" ".join(parts) or "said") + (" · fails" if passed is False else ""), tone


def _type(kind: str | None) -> str:
    return (kind or "error").replace("_", " ")


def reason(row: Row) -> str:
    """Why the row fails: of the target, else of the first verdict that failed or does not pass."""
    if row["status"] == "error":
        return str(row["reason"] or "")
    for said in row["verdicts"].values():
        if said["status"] == "error" or said.get("passed") is False:
            return str(said["reason"] or "")
    return ""


def path(run_id: str, item: str) -> str:
    """A link to an item; it keeps which rows were shown, for the way back."""
    kept = {key: value for key, value in st.query_params.items() if key in {SHOW, BY, WORDS, AFTER, "back"} and value}
    return f"runs?{urlencode({runs.CHOSEN: run_id, ITEM: item, **({'rows-back': urlencode(kept)} if kept else {})})}"


def _pages(found: Row, by: Mapping[str, str], *, first: bool) -> None:
    here = {key: value for key, value in st.query_params.items() if key != AFTER and value}
    with st.container(horizontal=True, vertical_alignment="center"):
        if not first:
            st.page_link("views/runs.py", label="First rows", icon=":material/first_page:", query_params=here)
        if found["next"]:
            at = f"{found['next']['after_place']}.{found['next']['after_repeat']}.{state.mark(by)}"
            st.page_link(
                "views/runs.py", label=f"Next {PAGE}", icon=":material/arrow_forward:", query_params=here | {AFTER: at}
            )
        st.caption("Keys: j k move, Enter opens, / searches.")


def flips(told: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> None:
    """Items whose verdicts flip, worst first."""
    columns = (
        Column("Item", "140px", link=True),
        Column("Evaluator", "180px"),
        Column("Answers", "minmax(160px, 1fr)"),
    )
    rows = [
        listing.Row(
            path(told["run_id"], one["item"]),
            [
                Cell(fmt.clip(one["item"], 60)),
                Cell(fmt.clip(one["evaluator"], 60)),
                Cell(fmt.clip(flip_words(one), 200)),
            ],
        )
        for one in found
    ]
    listing.listing("flips", "Flaky items", columns, rows)


def flip_words(one: Mapping[str, Any]) -> str:
    """`passes in 2 of 3`, or the labels that were said."""
    if one["passed"] is not None:
        return f"passes in {one['passed']:,} of {one['of']:,}"
    counts = {name: one["labels"].count(name) for name in dict.fromkeys(one.get("labels") or ())}
    return ", ".join(f"{name} {count:,} times" for name, count in counts.items())


def item(told: Mapping[str, Any], name: str) -> None:
    """One item: what was asked, and each answer with its verdicts, marks and trace."""
    kept = dict(parse_qsl(st.query_params.get("rows-back", "")))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Item {fmt.plain(name, 60)}", anchor=False, width="content")
        st.caption(f"of the run of {fmt.plain(told['suite'], 60)}", width="content")
        st.space("stretch")
        back = {runs.CHOSEN: told["run_id"], **kept}
        st.page_link("views/runs.py", label="The run", icon=":material/arrow_back:", query_params=back)
    found = data_runs.rows(told, item=name, page_size=100)["rows"]
    if not found:
        widgets.empty("An item of the run would be here.", f"The run has none named {fmt.plain(name, 60)}.")
        return
    _asked(found[0])
    scales = {one["name"]: one["scale"] for one in told["summary"]["evaluators"]}
    traces = _traces(found)
    if len(found) == 1:
        _answer(found[0], scales, traces, alone=True)
        return
    for start in range(0, len(found), _BESIDE):
        for slot, row in zip(st.columns(_BESIDE), found[start : start + _BESIDE], strict=False):
            with slot:
                _answer(row, scales, traces, alone=False)


def _traces(found: Sequence[Row]) -> set[str]:
    told = [str(row["measured"]["trace_id"]) for row in found if row["measured"].get("trace_id")]
    known: list[set[str]] = []
    widgets.guarded("Whether its traces are stored is not known.", "The answers below are whole.",
                    lambda: known.append(data_runs.stored_traces(told)))  # fmt: skip
    return known[0] if known else set()


def _asked(row: Row) -> None:
    """The question with its contexts; all else of the case folded."""
    case = row["case"] or {}
    question = marking.text_of(case, "question")
    with st.container(gap="xsmall"):
        st.caption("Question")
        if question is not None:
            st.html(marking.marked(question, []))
        else:
            st.caption("The item has none of its own; its case is below.")
    for field in ("reference",):
        if case.get(field) is not None:
            st.caption(field.capitalize())
            st.html(marking.marked(str(case[field]), []))
    contexts = case.get("contexts") or []
    rest = {name: value for name, value in case.items() if name not in {"question", "contexts", "reference"}}
    with st.container(horizontal=True):
        if contexts:
            with st.expander(f"Contexts ({len(contexts):,})"):
                for place, text in enumerate(contexts[:20], 1):
                    st.caption(f"Context {place}")
                    st.html(marking.marked(str(text), []))
                if len(contexts) > 20:
                    widgets.cut(20, len(contexts), "contexts")
        if rest:
            with st.expander("The rest of the item"):
                st.json(rest, expanded=1)


def _answer(row: Row, scales: Mapping[str, Any], traces: set[str], *, alone: bool) -> None:
    with st.container(border=True, gap="small", key=f"answer-{row['repeat']}"):
        _answer_head(row, traces, alone=alone)
        if row["status"] == "error":
            st.error(f"**No answer: {fmt.plain(_type(row['error_type']))}**", icon=":material/error:")
            st.text(fmt.clip(row["reason"] or "", 2000))
        if alone:
            left, right = st.columns((3, 2), gap="large")
            with left:
                _text(row)
            with right:
                _verdicts(row, scales)
        else:
            _text(row)
            _verdicts(row, scales)


def _answer_head(row: Row, traces: set[str], *, alone: bool) -> None:
    measured, usage = row["measured"], row["usage"] or {}
    said = [] if measured.get("latency_ms") is None else [fmt.duration(measured["latency_ms"] * 1e6)]
    said += [] if measured.get("ttft_ms") is None else [f"first token after {fmt.duration(measured['ttft_ms'] * 1e6)}"]
    said += [] if usage.get("output_tokens") is None else [f"{usage['output_tokens']:,} tokens"]
    said += [] if usage.get("cost_usd") is None else [fmt.mean_cost(usage["cost_usd"])]
    said += ["cut by its limit"] * bool(row["cut"]) + ["held back"] * bool(row["held_back"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Answer**" if alone else f"**Answer {row['repeat'] + 1}**", width="content")
        if row["fails"]:
            st.badge("fails", color="red")
        elif any(said.get("passed") for said in row["verdicts"].values()):
            st.badge("passes", color="green")
        if said:
            st.caption(fmt.plain(", ".join(said), 200), width="content")
        trace_id = str(measured.get("trace_id") or "")
        if trace_id in traces:
            st.page_link(
                "views/trace.py", label="Its trace", icon=":material/account_tree:",
                query_params=state.trace_link(trace_id),
            )  # fmt: skip


def _text(row: Row) -> None:
    """The answer with the stretches that verdicts rest on; those of other texts below it."""
    case = {**(row["case"] or {}), **(row.get("told") or {}), "answer": row["answer"]}
    told: dict[str, list[marking.Stretch]] = {}
    for said in row["verdicts"].values():
        for field, stretches in marking.stretches(said.get("highlights") or []).items():
            told.setdefault(field, []).extend(stretches)
    if row["answer"] is not None:
        told.setdefault("answer", [])
    first = 1
    for field in sorted(told, key=lambda name: (name != "answer", name))[:8]:
        text = marking.text_of(case, field)
        if text is None:
            continue
        marks = marking.marks(text, told[field])
        if field != "answer":
            st.caption(fmt.plain(marking.title(field)))
        st.html(marking.marked(text, told[field], first))
        if marks:
            st.html(scores.reasons(marks, first))
        first += len(marks)


def _verdicts(row: Row, scales: Mapping[str, Any]) -> None:
    """Each evaluator: its word, its ruler, its reason."""
    for name, said in row["verdicts"].items():
        words, tone = verdict_words(said, scales.get(name))
        with st.container(gap=None):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{fmt.plain(name, 60)}**", width="content")
                st.badge(fmt.plain(words, 60), color=_TONES[tone])
            drawn = ruler.drawn(scales.get(name), said["value"]) if said["value"] is not None else ""
            if drawn:
                st.html(drawn)
            if said.get("reason"):
                st.html(f'<div style="font-size:0.9rem">{escape(fmt.straight(str(said["reason"])[:4000]))}</div>')


_TONES: Mapping[str, Any] = {"red": "red", "green": "green", "gray": "gray"}
