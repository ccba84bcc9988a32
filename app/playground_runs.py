"""The runs of a session in the playground: asked, kept, returned to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import data, data_playground, data_prompts, playground_draft, playground_models, playground_sources, widgets
from app import format as fmt
from app.playground_live import Answer, Live
from app.prompt_edit import NotJsonError, parsed_json

Row = dict[str, Any]
Known = Mapping[str, Mapping[str, Any]]

_RUNS, _SHOWN = "play-runs", "play-shown"  # session state: the runs of the session, and which is shown
_MOST_RUNS = 30
SAID = "play-run-said"  # session state: why nobody was asked


def offered() -> Row:
    """The models to choose from. While they do not come, others can be typed."""
    try:
        return data_playground.models()
    except data.ApiError as error:
        return {"models": [], "variables": [], "problems": [f"The list of models did not come: {error}"]}


def _known() -> Known:
    return playground_models.labelled(offered()["models"])


def runs() -> list[Row]:
    """The runs of this session, oldest first."""
    found: list[Row] = st.session_state.setdefault(_RUNS, [])
    return found


def shown() -> Row | None:
    """The run whose answers are shown."""
    number = st.session_state.get(_SHOWN)
    return next((one for one in runs() if one["number"] == number), None)


def run() -> None:
    """Ask every column; what was asked before is given up."""
    before = shown()
    stop(before["lives"] if before else [])
    try:
        wish = _wish()
    except (NotJsonError, data.ApiError) as error:
        st.session_state[SAID] = str(error)
        return
    number = runs()[-1]["number"] + 1 if runs() else 1
    snapshot = playground_sources.snapshot()
    run: Row = {
        "number": number,
        "at": datetime.now(UTC),
        "snapshot": snapshot,
        "wish": wish,
        "answers": {},
        "lives": [],
    }
    _ask(run, list(snapshot["columns"]))
    runs().append(run)
    del runs()[:-_MOST_RUNS]
    st.session_state[_SHOWN] = number


def _wish() -> Row:
    """What is asked, as the fields say now: what was typed last may have come with the press of the button.

    Raises NotJsonError: of the tools. ApiError: the server does not answer.
    """
    tools = parsed_json("Tools", str(st.session_state.get(playground_draft.TOOLS) or ""), list, "a list [...]")
    content = playground_draft.content()
    names = data_prompts.check(content)["variables"]
    return {**content, "variables": playground_draft.values(names), "tools": tools}


def _ask(run: Row, columns: list[int]) -> None:
    """Have these columns of a run answered, with the prompt that it had."""
    known = _known()
    models, asked = [], []
    for number in columns:
        column = playground_draft.column(number)
        try:
            models.append(playground_models.settings(column, known))
            asked.append(number)
        except playground_models.ColumnError as error:
            run["answers"][number] = Answer("", "error", reason=str(error))
    if models:
        live = Live(data.client(), run["wish"] | {"models": models}, [one["model"] for one in models], _somebody())
        run["lives"].append(live)
        run["answers"] |= dict(zip(asked, live.answers, strict=True))


def _somebody() -> Callable[[], bool]:
    """Whether the browser of this session is still there."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    instance, session_id = runtime.get_instance(), context.session_id
    return lambda: bool(instance.is_active_session(session_id))


def again(number: int) -> None:
    run = shown()
    if run is not None:
        _ask(run, [number])


def history() -> None:
    with st.popover("History", icon=":material/history:", key="play-history", on_change="rerun") as held:
        if not held.open:
            return
        if not runs():
            st.caption("The runs of this session are kept here: the prompt, the models, their answers.")
        for one in reversed(runs()):
            # Also the one whose answers are shown: what was typed since then is left by it.
            here = one["number"] == st.session_state.get(_SHOWN)
            st.button(
                _words(one), key=f"play-return-{one['number']}", type="tertiary", on_click=_return,
                args=(one["number"],), icon=":material/check:" if here else None, help="Return to it",
            )  # fmt: skip


def _words(run: Row) -> str:
    """When, whom, what: `12:04:05 gpt-4o, llama3: Why so?`."""
    names = ", ".join(answer.model or "no model" for answer in run["answers"].values())
    said = run["wish"].get("text") or (run["wish"].get("messages") or [{"content": ""}])[-1]["content"]
    return fmt.plain(f"{fmt.clock(run['at'], widgets.zone())} {names}: {fmt.clip(said, 60)}", 160)


def _return(number: int) -> None:
    st.session_state[_SHOWN] = number
    run = shown()
    if run is not None:
        playground_sources.restore(run["snapshot"])
    st.session_state["play-history"] = False


def stop(lives: list[Live]) -> None:
    for live in lives:
        live.stop()
