"""Items on which people differ, one at a time: what each said and why; digits choose, Mod+Enter decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import data, data_agreement, data_queues, labelling, queue_content, state, widgets
from app import format as fmt
from app.agreement_words import BY, answer, key, marks

Row = Mapping[str, Any]
ITEM, STATE, ROW_A, ROW_B, WHO = "item", "disputed", "a", "b", "labeller"  # of the URL
MOST = 200  # disputes that are walked through at once
DONE, FAULT = "adjudicated", "adjudication-fault"  # session state: what was decided last, and what went wrong
CHOSEN = ("binary", "categorical", "ordinal", "preference")
PEOPLE = 4  # side by side
_EMPTY = {
    "open": ("Items on which people differ would be here.", "None is open: people agree, or somebody decided."),
    "decided": ("Decided items would be here.", "Nobody has decided one yet."),
    "all": ("Items on which people differ would be here.", "No item has labels of two people that differ."),
}


def page(queue: str, asked: Row) -> None:
    """The item that the URL names, else the first; with what can be decided of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        which = str(st.segmented_control(
            "State", ("open", "decided", "all"), default="open", required=True, key=STATE, bind="query-params",
            label_visibility="collapsed",
        ))  # fmt: skip
        numbers = _of_cell(queue, asked["name"])
        place = st.container(horizontal=True, vertical_alignment="center")
    _told_last(queue)
    found = data_agreement.disputes(queue, asked["name"], which, numbers or (), limit=MOST)
    rows = found["items"]
    if not rows:
        why = (
            "Labels are texts, of which no two are alike."
            if asked["kind"] in {"text", "correction"}
            else _EMPTY[which][1]
        )
        widgets.empty(_EMPTY[which][0], why)
        return
    at = _place(rows)
    with place:
        _walk(rows, at, found)
    _one(queue, asked, rows, at)


def _of_cell(queue: str, field: str) -> list[int] | None:
    """Items of a cell of the table of what is taken for what, where the URL names one."""
    a, b, two = (st.query_params.get(name) for name in (ROW_A, ROW_B, "first"))
    if not a or not b:
        return None
    second = st.query_params.get("second")
    told = data_agreement.agreement(queue, field, None, "none", (two, second) if two and second else None)
    cell = next((row for row in told["fields"][0]["confusion"] if (row["a"], row["b"]) == (a, b)), None)
    st.badge(f"{fmt.plain(a, 60)} against {fmt.plain(b, 60)}", color="blue")
    st.page_link(
        "views/agreement.py", label="All", icon=":material/close:",
        query_params={"queue": queue, "field": field, "part": "adjudicate", STATE: "all"},
    )  # fmt: skip
    return (cell or {}).get("numbers") or [0]


def _place(rows: Sequence[Row]) -> int:
    """Where the item of the URL stands, else the next one after it, else the first."""
    number = state.whole(st.query_params.get(ITEM))
    return next((at for at, row in enumerate(rows) if row["number"] >= number), 0)


def _walk(rows: Sequence[Row], at: int, found: Row) -> None:
    st.caption(f"{at + 1:,} of {found['total']:,}, {found['open']:,} open", width="content")
    for label, keys, step in (("Previous", "p", -1), ("Next", "n", 1)):
        there = 0 <= at + step < len(rows)
        number = rows[at + step]["number"] if there else 0
        st.button(label, key=f"adjudicate-{label}", shortcut=keys, disabled=not there, on_click=_go, args=(number,))
    if found["total"] > len(rows):
        widgets.cut(len(rows), found["total"], "disputes")


def _go(number: int) -> None:
    st.query_params[ITEM] = str(number)


def _told_last(queue: str) -> None:
    """What was decided last, and the way back."""
    if fault := st.session_state.pop(FAULT, None):
        st.error(fmt.plain(fault, 600), icon=":material/error:")
    one, words = st.session_state.get(DONE) or (None, "")
    if one is not None and one.queue == queue:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(fmt.plain(f"Item {one.number} is decided: {words}.", 200), width="content")
            st.button(
                "Take it back", key="adjudicate-back", shortcut="u", type="tertiary", on_click=_take_back, args=(one,)
            )


def _one(queue: str, asked: Row, rows: Sequence[Row], at: int) -> None:
    row = rows[at]
    whole = data_queues.item(queue, row["number"])
    st.subheader(f"Item {row['number']}: {fmt.plain(row['title'], 120)}", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _said(row, whole["content"])
        if len(sides := whole["content"]["sides"]) == 1:  # of several it would tell whose answer is which
            queue_content.trace(sides[0]["trace_id"], sides[0]["span_id"])
        queue_content.section(whole["content"], f"adjudicate-{row['number']}", names=False)
    field, following = asked["name"], rows[at + 1]["number"] if at + 1 < len(rows) else None
    decided = [one for one in whole["decisions"] if one["field"] == field and one["answer"] is not None]
    with right:
        _form(_Item(queue, field, row["number"], following), asked, row, decided[0] if decided else None)


def _said(row: Row, content: Row) -> None:
    """Answers with their reasons, side by side."""
    said = row["answers"]
    for first in range(0, len(said), PEOPLE):
        part = said[first : first + PEOPLE]
        for slot, one in zip(st.columns(max(len(part), 2)), part, strict=False):
            with slot, st.container(border=True, height="stretch"):
                st.caption(fmt.plain(one["author"], 80))
                _answer(one["answer"], content)
                if one["comment"]:
                    st.text(fmt.straight(one["comment"])[:4_000])
                else:
                    st.caption("No reason given.")


def _answer(told: Any, content: Row) -> None:
    if isinstance(told, list) and all(isinstance(one, Mapping) for one in told):
        for text in marks(told, content) or ["Nothing is marked."]:
            st.text(text)
        return
    st.badge(fmt.plain(answer(told), 120), color="blue")


def consensus_words(row: Row) -> str:
    """What labels come to: by what, which answer, how many say so, and how likely it is by the model."""
    if row["by"] == "decision":
        return f"{row['agreeing']} of {fmt.plural(row['n'], 'label')} say what was decided."
    if row["by"] == "tied":
        return f"Labels are tied: {row['agreeing']} of {row['n']} at most say the same."
    chance = "" if row["probability"] is None else f"; by Dawid and Skene's model {100 * row['probability']:.0f} %"
    return f"Consensus by {BY[row['by']]}: {answer(row['consensus'])} ({row['agreeing']} of {row['n']} labels{chance})."


def options(asked: Row, row: Row) -> list[tuple[Any, str]]:
    """What can be chosen, with who said it: the field's choices, else the answers that were given."""
    if asked["kind"] == "preference":
        values: list[Any] = ["a", "tie", "b"] if asked["ties"] else ["a", "b"]
    elif asked["kind"] in CHOSEN and not asked["several"]:
        values = [one["value"] for one in asked["choices"]]
    else:
        values = list({key(one["answer"]): one["answer"] for one in row["answers"]}.values())
    titles = {one["value"]: one["title"] or one["value"] for one in asked["choices"]}
    return [
        (value, f"{titles.get(value, answer(value)) if isinstance(value, str) else answer(value)}{_who(row, value)}")
        for value in values
    ]


def _who(row: Row, value: Any) -> str:
    names = [one["author"] for one in row["answers"] if key(one["answer"]) == key(value)]
    return f" ({', '.join(names)})" if names else ""


@dataclass(frozen=True, slots=True)
class _Item:
    """What is decided of."""

    queue: str
    field: str
    number: int
    following: int | None  # the next one; null: it is the last

    @property
    def key(self) -> str:
        """Of its widgets."""
        return f"{self.queue}-{self.field}-{self.number}"


def _form(one: _Item, asked: Row, row: Row, decided: Row | None) -> None:
    st.markdown(f"**{fmt.plain(asked['title'] or one.field, 200)}**")
    st.caption(fmt.plain(consensus_words(row), 300))
    if decided is not None:
        _decided(one, decided)
    value = st.session_state.get(f"value-{one.key}", None if decided is None else decided["answer"])
    _choices(one, asked, row, value)
    if decided is not None:
        st.session_state.setdefault(f"why-{one.key}", decided["why"] or "")
    st.text_area(
        "Reason", key=f"why-{one.key}", height=80, max_chars=20_000, placeholder="why this answer counts"
    )  # fmt: skip
    author = _author()
    problem = "Choose an answer." if value is None else "" if author else "Say who decides."
    st.button(
        "Decide and next", key="adjudicate-decide", type="primary", icon=":material/gavel:", shortcut="mod+enter",
        disabled=bool(problem), on_click=_decide, args=(one, value),
    )  # fmt: skip
    if problem:
        st.caption(problem)
    st.caption(
        "Keys: digits choose, Ctrl Enter decides and goes on, n and p go on and back, u takes the last one back."
    )


def _choices(one: _Item, asked: Row, row: Row, value: Any) -> None:
    for at, (offered, words) in enumerate(options(asked, row), 1):
        chosen = value is not None and key(offered) == key(value)
        st.button(
            fmt.plain(words, 120), key=f"choose-{one.key}-{at}", shortcut=str(at) if at < 10 else None,
            width="stretch", type="primary" if chosen else "secondary", on_click=_pick, args=(one, offered),
        )  # fmt: skip
    if asked["kind"] == "numeric":
        st.number_input(
            "Another number", asked["low"], asked["high"], None, key=f"number-{one.key}", format="%g",
            on_change=_pick_number, args=(one,),
        )  # fmt: skip


def _decided(one: _Item, decided: Row) -> None:
    why = f": {decided['why']}" if decided["why"] else ""
    st.info(fmt.plain(f"{decided['author']} decided {answer(decided['answer'])}{why}", 600), icon=":material/gavel:")
    st.button("Take it back", key="adjudicate-undo", type="tertiary", on_click=_take_back, args=(one,))


def _author() -> str:
    if WHO not in st.session_state and not st.query_params.get(WHO):
        st.session_state[WHO] = labelling.author()
    told = st.text_input("Decided by", key=WHO, bind="query-params", max_chars=200)
    return str(told or "").strip()


def _pick(one: _Item, value: Any) -> None:
    st.session_state[f"value-{one.key}"] = value


def _pick_number(one: _Item) -> None:
    if (value := st.session_state[f"number-{one.key}"]) is not None:
        _pick(one, float(value))


def _decide(one: _Item, value: Any) -> None:
    """Before the page is drawn anew, so that it shows the next item at once."""
    if _told(one, value, str(st.session_state.get(f"why-{one.key}") or "")):
        labelling.remember(st.session_state[WHO].strip())
        st.session_state[DONE] = (one, answer(value))
        if one.following is not None:
            _go(one.following)


def _take_back(one: _Item) -> None:
    if _told(one, None, ""):
        st.session_state.pop(DONE, None)
        st.session_state.pop(f"value-{one.key}", None)
        _go(one.number)


def _told(one: _Item, value: Any, why: str) -> bool:
    """Tell the server; false: it is not kept, and the page says why."""
    author = str(st.session_state.get(WHO) or "").strip()
    if not author:
        st.session_state[FAULT] = f"Item {one.number} stays as it was. Say below who decides."
        return False
    try:
        data_agreement.decide(one.queue, one.number, one.field, value, why, author)
    except data.ApiError as error:
        st.session_state[FAULT] = f"Item {one.number} stays as it was. {error}"
        return False
    return True
