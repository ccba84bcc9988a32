"""One suite: its text to edit and check, a way to run it, how its runs went, its versions."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from typing import Any

import streamlit as st

from app import data, data_runs, experiment_form, run, runs, suites, widgets
from app import format as fmt

Suite = dict[str, Any]

_TALL = 460  # pixels of the editor
_RUNS = 8
_MONOSPACED = "<style>.st-key-suite-editor textarea { font-family: monospace; font-size: 0.85rem; }</style>"
_DIFF = 400  # lines
_SAID = "suite-said"  # session state: what the last check or save said
NONE, LATEST = "none", "the newest that passed"


def page(name: str) -> None:
    """The suite, or the beginning of a new one."""
    try:
        with st.skeleton(height=400):
            told: Suite | None = data_runs.suite(name)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        told = None
    kind = st.query_params.get(suites.NEW)
    if told is None and not kind:
        _head(name, None, [])
        widgets.empty("A suite would be here.", f"There is none named {fmt.plain(name, 80)} in this project.")
        return
    found = [] if told is None else data_runs.runs(suite=name, most=_RUNS)
    _head(name, told, found)
    if any(one["state"] in runs.OPEN for one in found):
        st.fragment(_follow, run_every=runs.EVERY_S)(name)
    left, right = st.columns((3, 2), gap="large")
    with left:
        _editor(name, told, str(kind or suites.BLANK))
    with right:
        if told is None:
            st.caption("It is not saved yet. Check it, then save it; then it can be run.")
            return
        _runs(name, found)
        _versions(name, told)


def _head(name: str, told: Suite | None, found: Sequence[dict[str, Any]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 80), anchor=False, width="content")
        if told is not None:
            st.caption(_from(told), width="content")
        st.space("stretch")
        if told is not None:
            if st.button("Run", key="run-suite", type="primary", icon=":material/play_arrow:"):
                st.session_state.pop("run-refused", None)
                _order(name, found)
            if st.button(
                "Experiment", key="experiment-suite", icon=":material/grid_on:", help="Run it with things varied"
            ):
                experiment_form.dialog(name)
            if told["source"] == "stored" and st.button("Delete", key="delete-suite", icon=":material/delete:"):
                _delete(name, told)
        st.page_link("views/suites.py", label="All suites", icon=":material/arrow_back:")


def _from(told: Suite) -> str:
    if told["source"] == "file":
        return fmt.plain(f"file {told['file']}", 200)
    by = f" by {told['author']}" if told["author"] else ""
    when = fmt.moment(runs.at(told["set_at"]), widgets.zone())
    beside = f"; in place of the file {told['file']}" if told["file"] else ""
    return fmt.plain(f"version {told['version']}, {when}{by}{beside}", 200)


def _editor(name: str, told: Suite | None, kind: str) -> None:
    """The text, and what a check says of it."""
    key = f"draft-{name}"
    saved = None if told is None else str(told["document"])
    if key not in st.session_state:
        st.session_state[key] = suites.beginning(name, kind) if saved is None else saved
    with st.container(key="suite-editor"):
        st.html(_MONOSPACED)
        st.text_area("Suite, YAML", key=key, height=_TALL, on_change=_forget_said)
    changed = st.session_state[key] != saved
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Check", key="check-suite", icon=":material/check:", on_click=_check, args=(name, key))
        st.button(
            "Save", key="save-suite", icon=":material/save:", disabled=not changed, on_click=_save, args=(name, key),
            help="Makes a new version; the file stays as it is" if told and told["file"] else "Makes a new version",
        )  # fmt: skip
        if changed and saved is not None:
            st.button("Discard changes", key="discard", type="tertiary", on_click=_discard, args=(key, saved))
            st.caption("Not saved yet; Run takes what is saved.", width="content")
    _told(name)


def _forget_said() -> None:
    st.session_state.pop(_SAID, None)


def _discard(key: str, saved: str) -> None:
    st.session_state[key] = saved
    _forget_said()


def _check(name: str, key: str) -> None:
    try:
        told = data_runs.check(st.session_state[key], name)
    except data.ApiError as error:
        told = {"problem": str(error), "line": None}
    st.session_state[_SAID] = (name, told)


def _save(name: str, key: str) -> None:
    try:
        made = data_runs.set_suite(name, st.session_state[key])
    except data.ApiError as error:
        st.session_state[_SAID] = (name, {"problem": str(error), "line": None})
        return
    st.session_state[_SAID] = (name, {"problem": None, "sentence": f"Saved as version {made['version']}."})
    st.query_params.pop(suites.NEW, None)


def _told(name: str) -> None:
    """What the check or the saving said, with the line that it is about."""
    of, told = st.session_state.get(_SAID, (None, None))
    if of != name or told is None:
        return
    if told["problem"] is None:
        st.success(fmt.plain(told["sentence"], 600), icon=":material/check:")
        if told.get("gates"):
            st.caption("\n".join(["Gates:", "", *(f"- {fmt.plain(gate, 200)}" for gate in told["gates"])]))
        return
    st.error("**It cannot be run as it is.**", icon=":material/error:")
    for line in str(told["problem"]).splitlines()[:12]:
        st.text(fmt.clip(line, 500))
    number, lines = told["line"], st.session_state[f"draft-{name}"].splitlines()
    if number and number <= len(lines):
        st.caption(f"Line {number:,}")
        st.code(lines[number - 1] or " ", language="yaml")


@st.dialog("Run this suite")
def _order(name: str, found: Sequence[dict[str, Any]]) -> None:
    """What is wanted of the run beside the suite; empty fields leave it as the suite says."""
    left, right = st.columns(2)
    repeats = left.number_input(
        "Answers to each item", 1, 100, None, key="order-repeats", placeholder="as the suite says"
    )
    sample = right.number_input("Items at most", 1, None, None, key="order-sample", placeholder="as the suite says")
    budget = left.number_input(
        "Budget, US dollars", 0.01, None, None, key="order-budget", placeholder="as the suite says",
        help="Of target and judges together; the run stops asking once it is used up",
    )  # fmt: skip
    concurrency = right.number_input(
        "Asked at once", 1, 1024, None, key="order-concurrency", placeholder="as the suite says"
    )
    ended = {one["run_id"]: _label(one) for one in found if one["state"] == "done"}
    baseline = st.selectbox(
        "Baseline", [LATEST, NONE, *ended], key="order-baseline", format_func=lambda one: ended.get(one, one),
        help="What gates with no_worse_than compare with; without one they are left open",
    )  # fmt: skip
    wish = {"repeats": repeats, "sample": sample, "budget_usd": budget, "concurrency": concurrency}
    told = {LATEST: "latest", NONE: None}.get(str(baseline), baseline)
    wish = {key: value for key, value in {**wish, "baseline": told}.items() if value is not None}
    if st.button("Start", key="order-start", type="primary"):
        try:
            data_runs.order(name, wish)
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.rerun()
    st.caption("A worker carries it out; `assay up` runs one. Progress stands on this page and on Runs.")


def _label(one: dict[str, Any]) -> str:
    return f"{fmt.moment(runs.at(one['started_at']), widgets.zone())[:16]}, {runs.word(one)}"


def _follow(name: str) -> None:
    """Runs that are not over; once they are the page is drawn anew."""
    found = [one for one in data_runs.runs(suite=name, most=_RUNS) if one["state"] in runs.OPEN]
    if not found:
        st.rerun()
    for one in found:
        run.moving(one)


def _runs(name: str, found: Sequence[dict[str, Any]]) -> None:
    st.markdown("**Newest runs**")
    if not found:
        widgets.empty(
            "Its runs would be listed here.", f"It was never run. Run orders one; or `{runs.COMMAND}` in a shell."
        )
        return
    runs.short_table(found)
    st.page_link(
        "views/runs.py", label="All its runs", icon=":material/experiment:", query_params={runs.OF: name}
    )  # fmt: skip


def _versions(name: str, told: Suite) -> None:
    """Versions that were saved here, and what one of them changed against another."""
    versions = told["versions"]
    if not versions:
        return
    names = {one["version"]: _version(one) for one in versions}
    with st.expander(f"Versions ({len(versions):,})", key="versions", on_change="rerun") as opened:
        if not opened.open:
            return
        left, right = st.columns(2)
        kept = [one["version"] for one in versions if not one["away"]]
        newer = left.selectbox("This version", kept, format_func=names.__getitem__, key=f"newer-{name}")
        older = right.selectbox(
            "Against", kept, index=min(1, len(kept) - 1), format_func=names.__getitem__, key=f"older-{name}"
        )  # fmt: skip
        if newer is None or older is None:
            st.caption("It was taken away; no version has a text.")
            return
        texts = [str(data_runs.suite(name, number)["document"]) for number in (older, newer)]
        st.code(diff(*texts) or "Both say the same.", language="diff", height=260, wrap_lines=True)
        st.button("Edit this version", key="edit-version", on_click=_discard, args=(f"draft-{name}", texts[1]))


def _version(one: dict[str, Any]) -> str:
    by = f" by {fmt.clip(one['author'], 40)}" if one["author"] else ""
    away = ", taken away" if one["away"] else ""
    return f"{one['version']}: {fmt.moment(runs.at(one['set_at']), widgets.zone())[:16]}{by}{away}"


def diff(older: str, newer: str) -> str:
    """What changed, as a unified diff without a head."""
    lines = list(unified_diff(older.splitlines(), newer.splitlines(), lineterm="", n=2))[2:]
    cut = [f"... {len(lines) - _DIFF:,} more lines"] if len(lines) > _DIFF else []
    return "\n".join([*lines[:_DIFF], *cut])


@st.dialog("Delete this suite")
def _delete(name: str, told: Suite) -> None:
    back = f" The file {fmt.plain(told['file'], 120)} counts again." if told["file"] else ""
    st.markdown(f"{fmt.plain(name)} is taken away for everyone; its versions and runs are kept.{back}")
    if st.button("Delete it", key="delete-it", type="primary"):
        try:
            data_runs.forget_suite(name)
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.session_state.pop(f"draft-{name}", None)
        if not told["file"]:
            st.query_params.pop(suites.CHOSEN, None)
        st.rerun()
