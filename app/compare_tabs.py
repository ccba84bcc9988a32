"""The three pages about comparing: before a run, of two or more, and of many by pairs. One entry leads to them."""

from __future__ import annotations

import streamlit as st

from app import compare_controls

PLANNER, RANKING = "views/planner.py", "views/ranking.py"
TABS = (
    (compare_controls.PATH, "Compare", ":material/compare_arrows:", "Which variant is better, by how much, how sure"),
    (PLANNER, "Planner", ":material/straighten:", "Before a run: how many items a comparison needs"),
    (RANKING, "Ranking", ":material/leaderboard:", "Which of several is best, by pairs"),
)


def tabs(here: str) -> None:
    """Links to the others; the page itself is told as text."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        for path, name, icon, help_ in TABS:
            st.page_link(path, label=name, icon=icon, help=help_, disabled=path == here, query_params={})
