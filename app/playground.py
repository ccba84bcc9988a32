"""The page Playground: a prompt asked of several models side by side, their answers as they come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import format as fmt
from app import (
    playground_columns,
    playground_draft,
    playground_editor,
    playground_experiment,
    playground_fill,
    playground_models,
    playground_runs,
    playground_save,
    playground_sources,
    widgets,
    wordings,
)
from app.playground_live import Answer, Live

Row = dict[str, Any]
Known = Mapping[str, Mapping[str, Any]]

_LOOK_S = 0.08  # between two looks at what has come


def page() -> None:
    """Editor, models, answers. What is typed stands before the models are known, which takes a second at first."""
    playground_draft.draft()
    playground_sources.opened()
    _tools()
    playground_fill.sources()
    playground_editor.editor()
    stop = _run_row()
    with st.skeleton(height=160):
        offered = playground_runs.offered()
    known = playground_models.labelled(offered["models"])
    playground_sources.ask_as_before(known)
    _first_model(known)
    if not any(one["usable"] for one in known.values()) and not _own_address():
        _nobody()
    for said in offered["problems"]:
        st.caption(fmt.plain(said, 400))
    _columns(known, offered["variables"], stop)
    _difference()


def _first_model(known: Known) -> None:
    """A column without a model gets the first that can be asked: one click less."""
    usable = next((name for name, one in known.items() if one["usable"]), None)
    columns = playground_draft.draft()["columns"]
    if usable is not None and len(columns) == 1 and not playground_draft.column(columns[0])["model"]:
        fields = playground_models.fields(known[usable])
        kept = {name: value for name, value in playground_draft.column(columns[0]).items() if value}
        playground_draft.set_column(columns[0], {**fields, **kept, "model": usable, "provider": fields["provider"]})


def _own_address() -> bool:
    return any(playground_draft.column(number)["base"] for number in playground_draft.draft()["columns"])


def _nobody() -> None:
    """No model can be asked: what to do."""

    def ways() -> None:
        left, right = st.columns(2)
        with left:
            st.caption("A provider: the server sends the key that a variable of its environment holds.")
            st.code(
                "export OPENAI_API_KEY=...\nexport ASSAY_SUITES_ENV='[\"OPENAI_API_KEY\"]'\nassay up", language="bash"
            )
        with right:
            st.caption(
                "A server of your own that speaks OpenAI's protocol, such as Ollama, vLLM or LM Studio: open the "
                "settings of the model below and type its address."
            )
            st.code("http://127.0.0.1:11434/v1", language=None)

    widgets.empty(
        "Answers of models would stand here.", "None can be asked yet: no key may be used, and no address is typed.",
        ways,
    )  # fmt: skip


def _tools() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        playground_fill.load()
        playground_fill.fill()
        playground_runs.history()
        st.space("stretch")
        if st.button("Save as version", key="play-save", icon=":material/save:"):
            playground_save.begin()
            playground_save.dialog()
        if st.button("Run over a dataset", key="play-over", icon=":material/experiment:"):
            playground_experiment.begin()
            playground_experiment.dialog()


def _run_row() -> DeltaGenerator:
    """The button that asks. Returns the place of the one that stops."""
    columns = playground_draft.draft()["columns"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Run", key="play-run", type="primary", icon=":material/play_arrow:", shortcut="mod+enter",
            on_click=playground_runs.run,
        )  # fmt: skip
        stop = st.empty()
        st.button(
            "Add a model", key="play-add-model", icon=":material/add:", on_click=_add_model,
            disabled=len(columns) >= playground_draft.MOST_COLUMNS,
            help=f"{playground_draft.MOST_COLUMNS} side by side at most",
        )  # fmt: skip
        if said := st.session_state.pop(playground_runs.SAID, None):
            st.caption(f":red[{fmt.plain(said, 300)}]", width="content")
    return stop


def _add_model() -> None:
    """A column as the last one is, to change one thing of it."""
    last = playground_draft.column(playground_draft.draft()["columns"][-1])
    playground_draft.add_column(**last)


def _columns(known: Known, variables: list[Row], stop: DeltaGenerator) -> None:
    """The models side by side, each with its answer of the run that is shown."""
    numbers = list(playground_draft.draft()["columns"])
    run = playground_runs.shown()
    answers: dict[int, Answer] = run["answers"] if run else {}
    refused = next((live.refused for live in run["lives"] if live.refused), "") if run else ""
    if refused:
        st.error(fmt.plain(refused, 800), icon=":material/error:")
    places: dict[int, DeltaGenerator] = {}
    for number, slot in zip(numbers, st.columns(len(numbers), gap="small"), strict=True):
        with slot, st.container(border=True):
            playground_columns.head(number, known, variables, alone=len(numbers) == 1)
            places[number] = st.empty()
    held = {number: answers[number] for number in numbers if number in answers}
    if run is not None:
        _drawn(run, held, places, stop)


def _drawn(run: Row, answers: Mapping[int, Answer], places: Mapping[int, DeltaGenerator], stop: DeltaGenerator) -> None:
    """Draw the answers; those that still come are drawn again until they are over."""
    lives: list[Live] = run["lives"]
    open_ = dict(answers)
    drawn: dict[int, tuple[int, int]] = {}
    if any(not live.over for live in lives):
        widgets.drawn()
        stop.button("Stop", key="play-stop", icon=":material/stop:", on_click=playground_runs.stop, args=(lives,))
    while open_:
        going = not all(live.over for live in lives)
        for number, answer in list(open_.items()):
            if answer.over or not going:
                del open_[number]
                with places[number].container(gap="small"):
                    playground_columns.whole(number, answer, playground_runs.again, wide=len(places) < 3)
            else:
                _grown(places, number, answer, lives[-1], drawn)
        if open_:
            time.sleep(_LOOK_S)
    stop.empty()


def _grown(
    places: Mapping[int, DeltaGenerator], number: int, answer: Answer, live: Live, drawn: dict[int, tuple[int, int]]
) -> None:  # fmt: skip
    """Draw it again where it has grown, or half a second has passed."""
    state = (len(answer.text), int(live.seconds * 2))
    if drawn.get(number) != state:
        drawn[number] = state
        playground_columns.growing(places[number], answer, live.seconds, wide=len(places) < 3)


def _difference() -> None:
    """Two answers against each other, word by word."""
    run = playground_runs.shown()
    numbers = playground_draft.draft()["columns"]
    answers: Row = run["answers"] if run else {}
    said = {number: answers[number] for number in numbers if number in answers and answers[number].text}
    if len(said) < 2 or not st.toggle("Compare two answers word by word", key="play-compare"):
        return
    labels = {
        number: f"Column {place + 1}: {said[number].model}" for place, number in enumerate(numbers) if number in said
    }
    ids = list(labels)
    left, right = st.columns(2, gap="small")
    first = left.selectbox(
        "From", ids, index=0, key="play-from", format_func=labels.__getitem__, label_visibility="collapsed"
    )
    second = right.selectbox(
        "To", ids, index=1, key="play-to", format_func=labels.__getitem__, label_visibility="collapsed"
    )
    old, new = wordings.beside(said[first].text, said[second].text)
    left.html(old)
    right.html(new)
