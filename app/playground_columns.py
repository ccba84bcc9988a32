"""The columns of the playground: which model, with what, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import conversation, playground_draft, playground_models, widgets
from app import format as fmt
from app.playground_live import Answer

Row = dict[str, Any]
Known = Mapping[str, Mapping[str, Any]]

_SHOWN = 20_000  # letters of an answer that still streams: its end
_LONG, _TALL = 2_400, 460  # letters of an answer that is given a box of so many pixels; half of them in a narrow column
_FINISH: Mapping[str, str] = {
    "stop": "finished", "length": "cut by its limit of tokens", "content_filter": "held back by its provider",
    "tool_calls": "calls tools",
}  # fmt: skip
_FINISHED: Mapping[str, Any] = {"length": "orange", "content_filter": "red"}


def head(number: int, known: Known, variables: Sequence[Mapping[str, Any]], *, alone: bool) -> None:
    """The model of a column, its settings, the way to take it away."""
    key = playground_draft.column_key(number, "model")
    chosen = st.session_state.get(key)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.selectbox(
            "Model", [*known, *([chosen] if chosen and chosen not in known else [])], index=None, key=key,
            accept_new_options=True, placeholder="Choose a model, or type its name", label_visibility="collapsed",
            on_change=_chosen, args=(number, known), persist_state="session",
        )  # fmt: skip
        with st.popover(
            "",
            icon=":material/tune:",
            key=f"play-settings-{number}",
            type="tertiary",
            on_change="rerun",
            help="Settings",
        ) as held:
            if held.open:
                _settings(number, variables)
        if not alone:
            st.button(
                "", key=f"play-remove-{number}", icon=":material/close:", type="tertiary", help="Take this model away",
                on_click=playground_draft.remove_column, args=(number,),
            )  # fmt: skip
    column = playground_draft.column(number)
    if told := about(column, known):
        st.caption(fmt.plain(told, 300))


def about(column: Mapping[str, Any], known: Known) -> str:
    """Where it is asked and with what, in a line; why it cannot be, where that is known."""
    one = known.get(str(column["model"] or ""))
    as_listed = one is not None and (column["base"] or None, column["key"]) == (one["base_url"], one["key_env"])
    if one is not None and as_listed and one["why"]:
        return str(one["why"])
    where = [str(column["base"])] if column["base"] and not as_listed else []
    where += [f"key from {column['key']}"] if where and column["key"] else []
    return ", ".join([*where, *filter(None, [playground_models.told(column)])])


def _chosen(number: int, known: Known) -> None:
    """A model of the list comes with its address, its key, and the parameters of its suite."""
    one = known.get(str(st.session_state.get(playground_draft.column_key(number, "model")) or ""))
    if one is None:
        return
    fields = playground_models.fields(one)
    if not one["parameters"]:
        fields = {name: fields[name] for name in ("provider", "base", "key", "region")}
    playground_draft.set_column(number, fields)


def _addressed(number: int) -> None:
    """The key of one address is not sent to another that is typed, unless it is chosen for it."""
    playground_draft.set_column(number, {"key": None})


def _settings(number: int, variables: Sequence[Mapping[str, Any]]) -> None:
    def key(field: str) -> str:
        return playground_draft.column_key(number, field)

    left, right = st.columns(2, width=420)
    left.number_input(
        "Temperature", 0.0, 2.0, None, 0.1, key=key("temperature"), placeholder="its own", persist_state="session"
    )
    right.number_input(
        "Max tokens", 1, 1_000_000, None, 1, key=key("max"), placeholder="its own", persist_state="session"
    )
    st.text_area(
        "More parameters, JSON", key=key("json"), height=80, placeholder='{"top_p": 0.9}', persist_state="session",
        help="As the provider names them. Newer models of OpenAI take max_completion_tokens in place of max_tokens.",
    )  # fmt: skip
    st.selectbox(
        "Provider", list(playground_models.PROVIDERS), key=key("provider"), persist_state="session",
        format_func=playground_models.PROVIDERS.__getitem__,
    )  # fmt: skip
    st.text_input(
        "Address", key=key("base"), placeholder="the provider's own", persist_state="session",
        on_change=_addressed, args=(number,),
        help="base_url of a server that speaks OpenAI's protocol, such as http://127.0.0.1:11434/v1 of Ollama",
    )  # fmt: skip
    if st.session_state.get(key("provider")) == "bedrock":
        st.text_input("Region", key=key("region"), placeholder="as its SDK finds it", persist_state="session")
    named = {str(one["name"]): bool(one["set"]) for one in variables}
    held = st.session_state.get(key("key"))
    st.selectbox(
        "Variable of its key", [*named, *([held] if held and held not in named else [])], index=None, key=key("key"),
        format_func=lambda name: name if named.get(name) else f"{name} (not set)", placeholder="it wants none",
        help="Environment variables of the server that ASSAY_SUITES_ENV names", persist_state="session",
    )  # fmt: skip


# Answers.


def growing(place: DeltaGenerator, answer: Answer, seconds: float, *, wide: bool) -> None:
    """An answer that still comes, in its place."""
    with place.container(gap="xsmall"):
        if answer.text:
            cut = len(answer.text) > _SHOWN
            with _box(answer.text, wide=wide, follow=True):
                st.text(f"… {answer.text[-_SHOWN:]}" if cut else answer.text)
        st.caption(f"{'Answering' if answer.text else 'Waiting for the first word'}, {seconds:.1f} s")


def _box(text: str, *, wide: bool, follow: bool) -> DeltaGenerator:
    """Room for an answer: a long one scrolls within it, so that what stands below stays near."""
    if len(text) <= (_LONG if wide else _LONG // 2):
        return st.container()
    return st.container(height=_TALL, border=False, autoscroll=follow)


def whole(number: int, answer: Answer, again: Callable[[int], None], *, wide: bool) -> None:
    """An answer that is over: what was said, what it took; its error, with the way to ask again."""
    if answer.state == "error":
        st.error(fmt.plain(answer.reason, 800), icon=":material/error:")
    if answer.text:
        with _box(answer.text, wide=wide, follow=False):
            conversation.text(answer.text, f"play-{number}")
    for place, call in enumerate(answer.calls):
        st.caption(f"calls tool **{fmt.plain(str(call['name']))}**")
        conversation.value(call["arguments"], f"play-{number}-{place}")
    if answer.state == "done" and not answer.text and not answer.calls:
        st.caption("It said nothing.")
    if answer.state == "stopped":
        st.caption("Stopped before its end.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _finish(answer)
        st.space("stretch")
        st.button(
            "Ask again", key=f"play-again-{number}", icon=":material/refresh:", type="tertiary", on_click=again,
            args=(number,), help="This model alone, with the prompt of this run",
        )  # fmt: skip
    if answer.state == "done":
        widgets.fields(facts(answer.told), columns=4 if wide else 2)
        if note := _price(answer.told):
            st.caption(fmt.plain(note, 300))


def _finish(answer: Answer) -> None:
    reason = str(answer.told.get("finish_reason") or "")
    if reason:
        st.badge(_FINISH.get(reason, reason), color=_FINISHED.get(reason, "gray"))


def facts(told: Mapping[str, Any]) -> dict[str, str]:
    """What an answer took, as one reads it; null is unknown."""
    return {
        "Time": _duration(told.get("latency_ms")), "To the first token": _duration(told.get("ttft_ms")),
        "Tokens in → out": f"{fmt.count(told.get('input_tokens'))} → {fmt.count(told.get('output_tokens'))}",
        "Cost": fmt.mean_cost(told.get("cost_usd")),
    }  # fmt: skip


def _duration(milliseconds: float | None) -> str:
    return fmt.UNKNOWN if milliseconds is None else fmt.duration(milliseconds * 1e6)


def _price(told: Mapping[str, Any]) -> str:
    """By which price; why there is none."""
    if told.get("cost_usd") is None:
        return str(told.get("price_note") or "")
    assumed = f"; {told['price_note']}" if told.get("price_note") else ""
    return f"By the list price, {told['price_source']} {told['price_version']}{assumed}"
