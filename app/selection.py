"""Traces that are selected on the Traces page: by box or key, over the pages of one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import format as fmt
from app import listing

MOST = 1_000  # traces: as many as the server takes by name
_HELD = "traces-selection"  # session state: of which list, which traces, how often it was cleared


def _held(of: str) -> dict[str, Any]:
    """What is selected of a list; of another one nothing is."""
    held: dict[str, Any] = st.session_state.get(_HELD) or {"turn": 0}
    return held if held.get("of") == of else {"of": of, "keys": [], "turn": held["turn"]}


def selected(of: str) -> list[str]:
    """Ids of the traces that are selected of a list; `of` names its filters."""
    keys: list[str] = _held(of)["keys"]
    return keys


def part(of: str) -> listing.Selection:
    """The selection as the list takes it."""
    held = _held(of)

    def chosen(keys: list[str]) -> None:
        st.session_state[_HELD] = held | {"keys": keys}

    return listing.Selection(f"{of}/{held['turn']}", held["keys"], MOST, chosen)


def told(of: str) -> None:
    """How many are selected, with a way to select none; nothing where none is."""
    if keys := selected(of):
        most = ", the most at once" if len(keys) >= MOST else ""
        st.button(
            f"{fmt.plural(len(keys), 'trace')} selected{most}", key="select-none", icon=":material/close:",
            help="Select none", type="tertiary", on_click=_clear, args=(of,),
        )  # fmt: skip


def _clear(of: str) -> None:
    st.session_state[_HELD] = {"of": of, "keys": [], "turn": _held(of)["turn"] + 1}


def targets(traces: Sequence[str]) -> list[dict[str, Any]]:
    """Whole traces as the API takes targets."""
    return [{"trace_id": trace_id.replace("-", ""), "span_id": None} for trace_id in traces]


class Listed(list[str]):
    """All traces that a search has found so far, where none of them is selected: what is done is done with these."""


def word(keys: Sequence[str]) -> str:
    """`selected` or `listed`."""
    return "listed" if isinstance(keys, Listed) else "selected"


def label(words: str, keys: list[str]) -> str:
    """`Add to dataset (3 selected)`; without a selection the words alone."""
    return f"{words} ({len(keys):,} {word(keys)})" if keys else words
