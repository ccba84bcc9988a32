"""The list of suites: where each stands, what came of its newest run; and a way to begin a new one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import data, data_runs, listing, runs, widgets
from app import format as fmt
from app.listing import Cell, Column

Suite = dict[str, Any]

CHOSEN = "suite"  # in the URL: which is open
NEW = "new"  # in the URL of a suite that is not there yet: the template that it begins with
BLANK = "blank"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NAMED = re.compile(r"^suite:.*$", re.MULTILINE)

SKELETON = """\
suite: {name}
description: What is checked, and why.
dataset:
  file: items.jsonl            # .jsonl, .csv or .parquet, in the suites' folder
target: {{answered: true}}       # the items' own answers; or http, model
evaluators:
  - {{name: groundedness, pass: {{at_least: 0.5}}}}
gates:
  - {{of: groundedness, measure: pass_rate, at_least: 0.8}}
"""


def chosen() -> str:
    """The name of the suite that the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def overview() -> None:
    """One sentence, and the table; it refreshes itself while one is being run."""
    with st.skeleton(height=300):
        told = data_runs.suites()
    found = told["suites"]
    with st.container(horizontal=True, vertical_alignment="center"):
        said = st.empty()
        st.space("stretch")
        _new(found)
    if not found:
        widgets.empty(
            "Evaluation suites would be listed here.",
            f"No YAML file of one stands in {fmt.plain(told['folder'], 200)} (ASSAY_SUITES_DIR), and none was made "
            "here. A suite names a dataset, a target, evaluators and gates.",
        )
        return
    moving = any(one["run"] and one["run"]["state"] in runs.OPEN for one in found)
    st.fragment(_list, run_every=runs.EVERY_S if moving else None)(said, moving=moving)


def _list(said: Any, *, moving: bool) -> None:
    told = data_runs.suites()
    if moving and not any(one["run"] and one["run"]["state"] in runs.OPEN for one in told["suites"]):
        st.rerun()  # nothing is left to follow
    said.markdown(finding(told["suites"]))
    listing.listing("suites", "Suites", COLUMNS, [_line(one) for one in told["suites"]])
    st.caption(
        f"Files stand in {fmt.plain(told['folder'], 200)}. Times in {widgets.zone()}. Keys: j k move, Enter opens."
    )


def finding(found: Sequence[Suite]) -> str:
    """How the newest runs went: `4 suites: the newest run of 2 passed, of 1 failed; 1 was never run`."""
    words = [runs.word(one["run"]) for one in found if one["run"]]
    counts = {name: words.count(name) for name in runs.TONES if name in words}
    verbs = {"running": "is running", "waiting": "is waiting", "cancelled": "was cancelled", "cut off": "was cut off"}
    said = [f"of {n:,} {verbs.get(name, name)}" for name, n in counts.items()]
    never = len(found) - len(words)
    parts = [f"the newest run {', '.join(said)}"] if said else []
    parts += [f"{never:,} {'was' if never == 1 else 'were'} never run"] if never else []
    return f"{fmt.plural(len(found), 'suite')}: {'; '.join(parts)}."


COLUMNS = (
    Column("Suite", "minmax(140px, 1fr)", link=True),
    Column("From", "minmax(110px, 0.8fr)", help="Its file in the suites' folder, or its version as edited here"),
    Column("Newest run", "100px"),
    Column("Gates", "minmax(172px, 1fr)"),
    Column("Items", "84px", "right"),
    Column("When", "98px"),
    Column("Finding", "minmax(180px, 2fr)"),
)


def _line(one: Suite) -> listing.Row:
    run = one["run"]
    return listing.Row(path(one["name"]), [Cell(fmt.clip(one["name"], 100)), _from(one), *_cells(run)])


def _from(one: Suite) -> Cell:
    if one["source"] == "file":
        return Cell(fmt.clip(one["file"], 120), "A file of the suites' folder", quiet=True)
    beside = f", in place of {one['file']}" if one["file"] else ""
    return Cell(f"version {one['version']:,}", f"Edited here{beside}", quiet=True)


def _cells(run: Mapping[str, Any] | None) -> list[Cell]:
    if run is None:
        return [Cell("never run", quiet=True), *(Cell("—", quiet=True) for _ in range(3)), Cell("")]
    brief, when = run["brief"] or {}, runs.at(run["started_at"] or run["created_at"])
    said = str(run["fault"] or brief.get("sentence") or runs.progress(run))
    return [
        Cell(runs.word(run), tone=runs.TONES[runs.word(run)]),
        Cell(runs.gates_words(brief), ", ".join(brief.get("failing", [])), quiet=not brief.get("gates")),
        Cell(runs.items_words(run)), Cell(fmt.narrow(when, widgets.zone(), datetime.now(UTC)), fmt.utc(when)),
        Cell(fmt.clip(said, 300), said),
    ]  # fmt: skip


def path(name: str) -> str:
    """A link to a suite."""
    return f"suites?{urlencode({CHOSEN: name})}"


def _new(found: Sequence[Suite]) -> None:
    """A name and a template; what follows is the editor."""
    with st.popover("New suite", icon=":material/add:", key="new-suite", on_change="rerun") as popover:
        if not popover.open:
            return
        try:
            templates = [one["name"] for one in data_runs.templates()]
        except data.ApiError as error:
            st.caption(f"The templates did not come: {fmt.plain(str(error), 200)}")
            templates = []
        name = st.text_input("Name", key="new-name", placeholder="letters, digits, - _ .", width=280).strip()
        kind = st.selectbox("Begin with", [BLANK, *templates], key="new-kind", width=280)
        problem = _problem(name, [one["name"] for one in found])
        if problem:
            st.caption(problem)
            return
        st.page_link(
            "views/suites.py",
            label="Open the editor",
            icon=":material/edit:",
            query_params={CHOSEN: name, NEW: str(kind)},
        )


def _problem(name: str, taken: Sequence[str]) -> str:
    if not name:
        return "Name the suite; runs and baselines are kept under its name."
    if not _NAME.fullmatch(name):
        return "A name has letters, digits, dots, dashes and underscores, and begins with a letter or digit."
    return f"There is a suite named {fmt.plain(name)} already." if name in taken else ""


def beginning(name: str, kind: str) -> str:
    """The text that a new suite begins with; a template is called by the new name."""
    for one in data_runs.templates() if kind != BLANK else ():
        if one["name"] == kind:
            return _NAMED.sub(lambda _: f"suite: {name}", str(one["document"]), count=1)
    return SKELETON.format(name=name)
