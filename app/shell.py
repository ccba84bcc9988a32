"""What stands around every page: title row with the time range, moves that make one entry of the history, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import streamlit as st

from app import widgets

_HERE = Path(__file__).parent / "components" / "shell"

_component = st.components.v2.component(
    "assayline_shell", js=(_HERE / "shell.js").read_text(), css=(_HERE / "shell.css").read_text()
)

Keys = tuple[tuple[tuple[str, ...], str], ...]

EVERYWHERE: Keys = ((("/",), "Search"), (("?",), "These keys"))
KEYS: dict[str, Keys] = {
    "Traces": (
        (("j", "k"), "Next, previous trace"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("n", "p"), "Next, previous page"),
    ),
    "Trace": (
        (("j", "k"), "Next, previous span"),
        (("←", "→"), "Fold, unfold"),
        (("Enter",), "Show the span"),
    ),
}
"""Title of a page -> its own keys."""


def shell(page: str, paths: Iterable[str]) -> None:
    """The part that nobody sees: it follows links and hears keys. `paths`: of all pages, as they stand in the URL."""
    own = [[page, KEYS[page]]] if page in KEYS else []
    with st.container(key=widgets.SHELL):
        _component(key="shell-component", data={"pages": list(paths), "keys": [*own, ["Everywhere", EVERYWHERE]]})


def title_row(name: str | None, beside: Mapping[str, Callable[[], object]]) -> None:
    """Name left, what else the page has to switch (`beside`, by name) and the time range right; null: a page without.

    Drawn by the entry script, before the page asks anything, and on each page, if only unseen. Streamlit takes out of
    the URL what a widget is bound to that another page drew, or that a page left in the midst of its run had not drawn:
    the range would be lost on the way back from a trace.
    """
    shown = st.container(
        key=None if name else widgets.UNSEEN, horizontal=True, horizontal_alignment="distribute",
        vertical_alignment="center",
    )  # fmt: skip
    with shown:
        if name:
            st.title(name, anchor=False, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if name and name in beside:
                beside[name]()
            widgets.time_range()
    with st.container(key=f"{widgets.UNSEEN}-others"):
        for other in beside.keys() - {name}:
            beside[other]()
