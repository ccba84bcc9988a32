"""Where a prompt and its variables come from: a stored prompt, an item of a dataset, a call of a trace; in the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import (
    data,
    data_datasets,
    data_prompts,
    data_traces,
    playground_draft,
    playground_models,
    playground_texts,
    state,
)
from app import format as fmt

Row = dict[str, Any]

PATH = "views/playground.py"
PROMPT, VERSION = "play_prompt", "play_version"
TRACE, SPAN, FILL = "play_trace", "play_span", "play_fill"  # FILL: a trace fills variables, its messages are not taken
DATASET, ITEM, ITEM_VERSION = "play_dataset", "play_item", "play_item_version"
NAMES = (PROMPT, VERSION, TRACE, SPAN, FILL, DATASET, ITEM, ITEM_VERSION)
_HELD = "play-url"  # session state: what the draft was made from, as the URL has it
BEFORE = "play-before"  # session state: the draft that a link has replaced
_FAILED = "play-failed"


def link(**told: object) -> dict[str, str]:
    """Query parameters that open the playground with something in it; null is left out."""
    return {f"play_{name}": str(value) for name, value in told.items() if value is not None}


def path(**told: object) -> str:
    """`link` as a link relative to the app's pages."""
    return f"playground?{urlencode(link(**told))}"


def opened() -> None:
    """Have the draft be what the URL asks for. Without such parameters it stays, and the URL says what it is of."""
    wanted = {name: str(st.query_params[name]) for name in NAMES if st.query_params.get(name)}
    held: Row | None = st.session_state.get(_HELD)
    if wanted == (held or {}):
        return
    if not wanted:
        st.query_params.update(held or {})
        return
    _load(wanted, held or {})
    st.session_state[_HELD] = wanted


def turn_to(**told: object) -> None:
    """Let the URL say so from the next run on, which loads it; null takes a part away."""
    for name, value in told.items():
        if value is None:
            st.query_params.pop(f"play_{name}", None)
        else:
            st.query_params[f"play_{name}"] = str(value)


def note(**told: object) -> None:
    """Let the URL say so, of a draft that is so already."""
    turn_to(**told)
    st.session_state[_HELD] = {name: str(st.query_params[name]) for name in NAMES if st.query_params.get(name)}


def failed() -> list[str]:
    """What of the URL could not be loaded; told once."""
    found: list[str] = st.session_state.pop(_FAILED, [])
    return found


def _load(wanted: Mapping[str, str], held: Mapping[str, str]) -> None:
    """The parts that are not those of the draft."""
    parts: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, str]], None]], ...] = (
        ((PROMPT, VERSION), _prompt), ((TRACE, SPAN, FILL), _trace), ((DATASET, ITEM, ITEM_VERSION), _item),
    )  # fmt: skip
    _keep(wanted, held)
    for names, load in parts:
        told = {name: wanted[name] for name in names if name in wanted}
        if names[0] in told and told != {name: held[name] for name in names if name in held}:
            try:
                load(told)
            except data.ApiError as error:
                st.session_state.setdefault(_FAILED, []).append(str(error))


def _keep(wanted: Mapping[str, str], held: Mapping[str, str]) -> None:
    """Keep a draft whose messages are about to be replaced."""
    names = (PROMPT, VERSION) if PROMPT in wanted else () if FILL in wanted else (TRACE, SPAN)
    replaced = any(wanted.get(name) != held.get(name) for name in names)
    if replaced and playground_draft.content() != playground_draft.draft()["loaded"]:
        st.session_state[BEFORE] = snapshot()


def snapshot() -> Row:
    """All that is typed, with what the URL says of it."""
    return playground_draft.snapshot() | {"url": dict(st.session_state.get(_HELD) or {})}


def restore(told: Mapping[str, Any]) -> None:
    """What a snapshot says, in the URL too."""
    playground_draft.restore(told)
    note(**{name.removeprefix("play_"): told["url"].get(name) for name in NAMES})


def bring_back() -> None:
    """The draft that a link has replaced."""
    restore(st.session_state.pop(BEFORE))


def _set(content: Mapping[str, Any], notes: list[str], **source: Any) -> None:
    playground_draft.set_content(content)
    held = playground_draft.draft()
    held |= {"prompt": None, "trace": None, "notes": notes, "loaded": playground_draft.content(), **source}


def _prompt(told: Mapping[str, str]) -> None:
    version = told.get(VERSION, "")
    found = data_prompts.prompt(told[PROMPT], int(version) if version.isdecimal() else None)
    _set(found, [], prompt={"name": found["name"], "version": found["version"]})
    if found["model"] or found["parameters"]:
        _column(found["model"], found["parameters"])


def _trace(told: Mapping[str, str]) -> None:
    trace_id, span_id = _call(told[TRACE], told.get(SPAN, ""))
    source = {"trace": trace_id, "span": span_id}
    if FILL in told:
        playground_draft.fill(playground_texts.fields_of(data_traces.case(trace_id, span_id)))
        playground_draft.draft().update(trace=source, item=None)
        return
    span = data_traces.span(trace_id, span_id, None)
    turns, notes = playground_texts.prompt_of(span)
    if not turns:
        raise data.ApiError("refused", "The call recorded no messages that it was sent: there is no prompt to take.")
    _set({"messages": turns, "tools": playground_texts.tools_of(span)}, notes, trace=source, item=None)
    _column(span.get("request_model") or span.get("response_model"), playground_texts.parameters_of(span))


def _call(trace: str, span: str) -> tuple[str, str]:
    """The ids of the call; without a span the trace's last one. Raises ApiError: there is none."""
    known = state.trace_id(trace)
    if known is None:
        raise data.ApiError("refused", f"{fmt.clip(trace, 80)!r} is no trace: an id has 32 hex digits.")
    trace_id = known.replace("-", "")
    if span:
        return trace_id, span
    calls = calls_of(trace_id)
    if not calls:
        raise data.ApiError("refused", f"The trace {trace_id} has no model call, so there is no prompt to take.")
    return trace_id, str(calls[-1]["span_id"])


def calls_of(trace_id: str) -> list[Row]:
    """The model calls of a trace, in order."""
    spans = data_traces.trace_spans(trace_id, *state.EVER).frame
    kept = spans[["span_id", "name", "kind", "usage_role"]].astype(object)
    return playground_texts.calls_of(
        [{str(name): value for name, value in row.items()} for row in kept.to_dict("records")]
    )


def _item(told: Mapping[str, str]) -> None:
    version = told.get(ITEM_VERSION, "")
    found = data_datasets.item(told[DATASET], told.get(ITEM, ""), int(version) if version.isdecimal() else None)
    item = found["item"]
    if item is None:
        raise data.ApiError("refused", f"The dataset {told[DATASET]!r} has no item {told.get(ITEM, '')!r}.")
    draft = playground_draft.draft()
    untouched = playground_draft.content() == playground_draft.BLANK
    fields = playground_texts.fields_of(item)
    if untouched and "question" not in fields and (turns := playground_texts.conversation_of(item)):
        _set({"messages": turns}, [])
    elif untouched and fields.get("system"):
        playground_draft.set_content(
            {"messages": [{"role": "system", "content": "{{ system }}"}, *playground_draft.BLANK["messages"]]}
        )
    playground_draft.fill(fields)
    draft["item"] = {"dataset": told[DATASET], "item": told.get(ITEM, ""), "version": found["version"]}


def _column(model: str | None, parameters: Mapping[str, Any]) -> None:
    """Once the models are known, let the first column ask as the prompt was asked."""
    playground_draft.draft()["asks"] = {"model": model, "parameters": dict(parameters)}


def ask_as_before(known: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the first column ask the model of what was loaded, where it can be asked, with its parameters."""
    told = playground_draft.draft().pop("asks", None)
    if told is None:
        return
    found = next((name for name, one in known.items() if one["model"] == told["model"]), None)
    number = playground_draft.draft()["columns"][0]
    fields = playground_models.parameter_fields(told["parameters"])
    if found is not None and (known[found]["usable"] or not playground_draft.column(number)["model"]):
        fields = {"model": found, **playground_models.fields(known[found]), **fields}
    playground_draft.set_column(number, fields)
