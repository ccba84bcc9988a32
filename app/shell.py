"""What stands around every page: title row with the time range, moves that make one entry of the history, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import streamlit as st

from app import alerts, data_alerts, widgets
from app import format as fmt
from app.component import component

_component = component("shell")

Keys = tuple[tuple[tuple[str, ...], str], ...]

EVERYWHERE: Keys = ((("?",), "These keys"),)
KEYS: dict[str, Keys] = {
    "Home": ((("j", "k"), "Next, previous problem"), (("Enter", "o"), "Open its newest trace")),
    "Traces": (
        (("j", "k"), "Next, previous trace"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("x",), "Select it; with Shift all from the one before to it"),
        (("Esc",), "Select none"),
        (("n", "p"), "Next, previous page"),
        (("/",), "The line; Tab takes what is offered, Enter asks"),
    ),
    "Cost": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open its traces; with Ctrl in a new tab"),
    ),
    "Cost integrity": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open what is behind it; with Ctrl in a new tab"),
    ),
    "Evaluators": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("/",), "Search"),
    ),
    "Prompts": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("n", "p"), "Next, previous page"),
        (("/",), "Search"),
    ),
    "Playground": ((("Ctrl Enter",), "Run, also while typing"),),
    "Suites": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
    ),
    "Runs": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("/",), "Search the rows of a run"),
    ),
    "Online rules": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
    ),
    "Labelling": (
        (("1", "…", "9"), "Choose in the field that is marked; with ten choices or more both digits of a number"),
        (("0",), "None of them, where several can be chosen"),
        (("↑", "↓"), "Field before, next field; Tab too"),
        (("←", "→"), "Item before, next item"),
        (("Ctrl Enter",), "Save and go on, also while typing"),
        (("s",), "Skip, with a reason"),
        (("u",), "Take the last label or skip back"),
        (("n",), "Comment"),
        (("Esc",), "Stop typing: keys are keys again; Enter types on"),
        (("=", "⌫"), "In a ranking: alike with the one before; begin anew"),
        (("Enter",), "Marks: select by arrows and Shift, Enter marks"),
        (("[", "]", "⌫"), "Marks: the one before, the next, remove it"),
        (("f",), "Whole texts, folded texts"),
        (("g",), "Guidelines"),
        (("PgUp", "PgDn"), "Scroll the item"),
        (("a",), "Scroll to the answer"),
    ),
    "Alerts": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("x",), "Select a trace of an alert; with Shift all from the one before to it"),
    ),
    "Agreement": (
        (("j", "k"), "Next, previous row of a table"),
        (("Enter", "o"), "Open its items"),
        (("1", "9"), "While deciding: choose an answer"),
        (("Ctrl Enter",), "Decide and go on, also while typing"),
        (("n", "p"), "Next, previous disputed item"),
        (("u",), "Take the last decision back"),
    ),
    "Drift explorer": (
        (("j", "k"), "Next, previous signal"),
        (("Enter", "o"), "Look at it"),
    ),
    "Monitors": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("/",), "Search, where there are many"),
    ),
    "SQL": ((("/",), "To the question"), (("Ctrl Enter",), "Run it, also while typing"), (("Esc",), "Stop typing")),
    "Dashboards": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
    ),
    "What-if": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
    ),
    "Sessions": (
        (("j", "k"), "Next, previous session"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("n", "p"), "Next, previous page"),
        (("/",), "The line; Tab takes what is offered, Enter asks"),
    ),
    "Compare traces": (
        (("j", "k"), "Next, previous step"),
        (("Enter", "o"), "Show its words"),
    ),
    "Users": (
        (("j", "k"), "Next, previous row of the table"),
        (("Enter", "o"), "Open it; with Ctrl in a new tab"),
        (("n", "p"), "Next, previous page"),
        (("/",), "The line; Tab takes what is offered, Enter asks"),
    ),
    "Trace": (
        (("j", "k"), "Next, previous span"),
        (("←", "→"), "Fold, unfold"),
        (("Enter",), "Show the span"),
        (("/",), "Search its attributes, when they are open"),
    ),
}
"""Title of a page -> its own keys."""


def shell(page: str, paths: Iterable[str], unseen: Iterable[Callable[[], object]]) -> None:
    """What nobody sees: the part that follows links and hears keys, and widgets of the URL that the page does not show.

    `paths`: of all pages, as they stand in the URL. `unseen` are drawn all the same, by the entry script as the shown
    ones are. Streamlit takes out of the URL what a widget is bound to that another page drew, or that a page had not
    drawn which was left in the midst of its run: the range would be lost on the way back from a trace.
    """
    own = [[page, KEYS[page]]] if page in KEYS else []
    with st.container(key=widgets.SHELL):
        _component(key="shell-component", data={"pages": list(paths), "keys": [*own, ["Everywhere", EVERYWHERE]]})
        with st.container(key=widgets.UNSEEN):
            for draw in unseen:
                draw()


def bell() -> None:
    """Below the pages: how many alerts are open; nothing where none is. Drawn last, so that no page waits for it."""
    if count := data_alerts.open_count():
        st.sidebar.page_link(
            alerts.PATH, label=f"{fmt.plural(count, 'alert')} open", icon=":material/notifications_active:",
            query_params={},
        )  # fmt: skip


def title_row(name: str, shown: Iterable[Callable[[], object]]) -> None:
    """Name left, what the page has to switch and the time range right; there before the page asks anything."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(name, anchor=False, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            for draw in shown:
                draw()
