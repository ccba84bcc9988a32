"""The list of prompts: newest versions, labels, what traffic with them cost; ways to begin one, and to bring files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import data, data_prompts, listing, prompt_exchange, runs, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Prompt = dict[str, Any]

PATH = "views/prompts.py"
# In the URL: which is open, which part of it, with what a new one begins; search.
CHOSEN, PART, NEW = "prompt_name", "prompt_part", "prompt_new"
FIND, TAG, LABEL, PAGE = "prompt_find", "prompt_tag", "prompt_label", "prompt_page"
_QUESTION = [{"role": "system", "content": ""}, {"role": "user", "content": "{{ question }}"}]
BLANKS: Mapping[str, Mapping[str, Any]] = {"empty chat": {"messages": _QUESTION}, "empty text": {"text": ""}}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def chosen() -> str:
    """The name of the prompt that the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def window() -> state.Window:
    """The time range that the page's title row has."""
    newest = data.home_newest()
    return widgets.window(newest["oldest"], newest["newest"])


def overview() -> None:
    """One sentence, the search, and the table."""
    with st.skeleton(height=300):
        every = data_prompts.prompts("", "", "")
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = _search(every) if every else ("", "", "")
        st.space("stretch")
        prompt_exchange.take()
        if every:
            prompt_exchange.give()
        _new([one["name"] for one in every])
    if not every:
        widgets.empty(
            "Prompts would be listed here, each with its versions and labels.",
            "There is none yet. Make one by New prompt, from a template or empty; bring files by Import; or set one "
            "from a shell: `assay prompts set FILE`.",
        )
        return
    found = data_prompts.prompts(*asked) if any(asked) else every
    if not found:
        widgets.empty("Prompts would be listed here.", f"None of {len(every):,} matches the search.")
        return
    used = _asked()
    st.markdown(finding(found, used, len(every)))
    first, shown = page_of(found, st.query_params.get(PAGE))
    listing.listing("prompts", "Prompts", COLUMNS, [_line(one, used) for one in shown])
    _pager(first, len(shown), found, used)
    st.caption(
        f"Calls and cost of traffic that carries the prompt's name, in {window().words}. Times in {widgets.zone()}. "
        "Keys: j k move, Enter opens."
    )


def _search(every: Sequence[Prompt]) -> tuple[str, str, str]:
    text = st.text_input(
        "Search", key=FIND, bind="query-params", placeholder="Search names and texts", width=240,
        icon=":material/search:", label_visibility="collapsed",
    )  # fmt: skip
    offers = {
        TAG: sorted({tag for one in every for tag in one["tags"]}),
        LABEL: sorted({label for one in every for label in one["labels"]}),
    }
    picked = [
        st.selectbox(
            key.removeprefix("prompt_").capitalize(), options, index=None, key=key, bind="query-params", width=150,
            placeholder=f"any {key.removeprefix('prompt_')}", label_visibility="collapsed",
        )
        for key, options in offers.items()
        if options
    ]  # fmt: skip
    told = dict(zip([key for key, options in offers.items() if options], picked, strict=True))
    return text.strip(), str(told.get(TAG) or ""), str(told.get(LABEL) or "")


def _asked() -> dict[str, Prompt] | None:
    """Calls and cost by name; null: they did not come, which is told."""
    try:
        told = data_prompts.usage(window().since, window().until)
    except data.ApiError as error:
        st.warning(f"Calls and cost did not come: {fmt.plain(str(error), 300)}", icon=":material/warning:")
        return None
    if told["cut"]:
        widgets.cut(len(told["rows"]), None, "versions in traffic, those that cost most")
    return _used(told["rows"])


def _used(rows: Sequence[Mapping[str, Any]]) -> dict[str, Prompt]:
    """Calls and cost by name, over all versions."""
    found: dict[str, Prompt] = {}
    for row in rows:
        held = found.setdefault(row["name"], {"calls": 0, "cost_usd": None, "unpriced": 0})
        held["calls"] += row["calls"]
        held["unpriced"] += row["unpriced"]
        if row["cost_usd"] is not None:
            held["cost_usd"] = (held["cost_usd"] or 0) + row["cost_usd"]
    return found


def finding(found: Sequence[Prompt], used: Mapping[str, Prompt] | None, of: int) -> str:
    """How many there are, are in production, and are seen in traffic."""
    live = sum("production" in one["labels"] for one in found)
    seen = sum(one["name"] in (used or {}) for one in found)
    many = fmt.plural(len(found), "prompt") if len(found) == of else f"{len(found):,} of {of:,} prompts"
    if used is None:
        return f"{many}, {live:,} with a version in production."
    traffic = f"traffic carries {seen:,} of them" if seen else "no traffic carries one of them"
    return f"{many}, {live:,} with a version in production; {traffic}."


def page_of(found: Sequence[Prompt], told: str | None) -> tuple[int, Sequence[Prompt]]:
    """Place of the first row, from 0, and the rows of a page, as the URL has its number, from 1; else the first."""
    first = min(max(0, state.whole(told) - 1), (len(found) - 1) // state.PAGE_SIZE) * state.PAGE_SIZE
    return first, found[first : first + state.PAGE_SIZE]


def _pager(first: int, shown: int, found: Sequence[Prompt], used: Mapping[str, Prompt] | None) -> None:
    """Where in the list one is; previous, next, where there are more; download of the rows in sight."""
    page, last = first // state.PAGE_SIZE + 1, first + shown
    with st.container(horizontal=True, vertical_alignment="center"):
        if shown < len(found):
            for label, key, to, there in (
                ("Previous", "P", page - 1, page > 1), ("Next", "N", page + 1, last < len(found)),
            ):  # fmt: skip
                st.button(label, key=f"prompts-{label}", disabled=not there, shortcut=key, on_click=_turn, args=(to,))
            st.caption(f"Rows {first + 1:,} to {last:,} of {len(found):,}", width="content")
        st.space("stretch")
        widgets.csv(frame(found[first:last], used), "prompts")


def _turn(to: int) -> None:
    if to == 1:
        st.query_params.pop(PAGE, None)
    else:
        st.query_params[PAGE] = str(to)


def frame(found: Sequence[Prompt], used: Mapping[str, Prompt] | None) -> pd.DataFrame:
    """One row a prompt, in order, exact. `calls`, `cost_usd`, `unpriced_calls` are null where they are not known."""
    none = {"calls": 0, "cost_usd": None, "unpriced": 0}
    seen = [{} if used is None else used.get(one["name"], none) for one in found]
    return pd.DataFrame(
        [
            {
                "prompt": one["name"], "newest": one["version"], "tags": ", ".join(one["tags"]),
                "labels": ", ".join(f"{label} {version}" for label, version in one["labels"].items()),
                "calls": traffic.get("calls"), "cost_usd": traffic.get("cost_usd"),
                "unpriced_calls": traffic.get("unpriced"), "set_at": one["set_at"], "author": one["author"],
                "note": one["note"],
            }
            for one, traffic in zip(found, seen, strict=True)
        ]
    )  # fmt: skip


COLUMNS = (
    Column("Prompt", "minmax(170px, 1.4fr)", link=True),
    Column("Newest", "68px", "right", "Number of the newest version"),
    Column("Labels", "minmax(150px, 1fr)", help="Label and the version that it names"),
    Column("Calls", "80px", "right"),
    Column("Cost", "88px", "right", "≥: some calls have no price"),
    Column("Changed", "98px"),
    Column("By", "minmax(70px, 0.5fr)"),
    Column("Note", "minmax(150px, 1.5fr)", help="Of the newest version"),
)


def _line(one: Prompt, every: Mapping[str, Prompt] | None) -> listing.Row:
    when = runs.at(one["set_at"])
    labels = " · ".join(f"{label} {version}" for label, version in one["labels"].items())
    used = (every or {}).get(one["name"], {"calls": 0, "cost_usd": 0.0, "unpriced": 0})
    calls, usd = (None, None) if every is None else (used["calls"], used["cost_usd"])
    least = "≥ " if used["unpriced"] and usd is not None else ""
    cost = "—" if calls == 0 else f"{least}{fmt.money(usd)}"
    return listing.Row(
        path(one["name"]),
        [
            Cell(fmt.clip(one["name"], 100), ", ".join(one["tags"])), Cell(f"{one['version']:,}"),
            Cell(fmt.clip(labels, 80), tone="green") if labels else Cell("none", quiet=True),
            Cell(fmt.count(calls), quiet=not calls), Cell(cost, fmt.exact_money(usd), quiet=not calls),
            Cell(fmt.narrow(when, widgets.zone(), datetime.now(UTC)), fmt.utc(when)),
            Cell(fmt.clip(one["author"] or "", 40), quiet=True), Cell(fmt.clip(one["note"], 200), quiet=True),
        ],
    )  # fmt: skip


def path(name: str, **more: str) -> str:
    """A link to a prompt, which keeps the time range."""
    kept = {key: st.query_params.get(key) for key in (widgets.RANGE, "from", "to", state.PROJECT)}
    told = {CHOSEN: name, **more, **{key: value for key, value in kept.items() if value}}
    return f"prompts?{urlencode(told)}"


def _new(taken: Sequence[str]) -> None:
    """A name and what it begins with; what follows is the editor."""
    with st.popover("New prompt", icon=":material/add:", key="new-prompt", on_change="rerun") as popover:
        if not popover.open:
            return
        try:
            notes = {one["name"]: one["note"] for one in data_prompts.templates()}
        except data.ApiError as error:
            st.caption(f"The templates did not come: {fmt.plain(str(error), 200)}")
            notes = {}
        name = st.text_input("Name", key="new-prompt-name", placeholder="such as support/answer", width=300).strip()
        kind = st.selectbox("Begin with", [*BLANKS, *notes], key="new-prompt-kind", width=300)
        if kind in notes:
            st.caption(fmt.plain(notes[kind], 300))
        if said := problem(name, taken):
            st.caption(said)
            return
        st.page_link(
            PATH, label="Open the editor", icon=":material/edit:",
            query_params={CHOSEN: name, NEW: str(kind), PART: "Edit"},
        )  # fmt: skip


def problem(name: str, taken: Sequence[str]) -> str:
    """What keeps a prompt from being called so; '': nothing."""
    if not name:
        return "Name the prompt; applications fetch it by its name."
    if len(name) > 200 or not _NAME.fullmatch(name):
        return "A name has letters, digits and - _ . in parts that slashes part; each begins with a letter or digit."
    return f"There is a prompt named {fmt.plain(name)} already." if name in taken else ""


def beginning(kind: str) -> tuple[Mapping[str, Any], list[str], str]:
    """What a new prompt begins with: content, tags, note. An unknown kind is an empty chat."""
    if kind in BLANKS:
        return BLANKS[kind], [], ""
    for one in data_prompts.templates():
        if one["name"] == kind:
            return one["content"], one["tags"], f"From the template {kind}."
    return BLANKS["empty chat"], [], ""
