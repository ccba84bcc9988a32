"""The three pages about comparing: before a run, of two or more, and of many by pairs. One entry leads to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import compare_controls, state
from app import format as fmt

UNSURE = frozenset({"not enough data", "no difference found"})
_LINKS = 3
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


def plans(found: Mapping[str, Any]) -> None:
    """From a comparison that told too little to the plan of one that would tell more: by the same measure and data."""
    unsure = [one["variant"] for one in found["headlines"] if one["verdict"] in UNSURE]
    if not unsure:
        return
    primary = next(one for one in found["measures"] if one["key"] == found["quality"])
    measure = primary["key"].partition(".p")[0] if primary["q"] is not None else primary["key"]
    with st.container(horizontal=True, gap="medium"):
        for variant in unsure[:_LINKS]:
            of = f" of {fmt.plain(variant, 40)}" if len(found["variants"]) > 2 else ""
            st.page_link(
                PLANNER, label=f"Plan a comparison{of} that tells", icon=":material/straighten:",
                query_params=[("measure", measure), *_pilot(found, variant)],
            )  # fmt: skip


def _pilot(found: Mapping[str, Any], variant: str) -> list[tuple[str, str]]:
    names = [found["baseline"], variant]
    if found["source"] == "runs":
        ids = {one["name"]: one["run_id"] for one in found["variants"]}
        return list(compare_controls.link([ids[name] for name in names]).items())
    kept = [(name, st.query_params.get(name)) for name in ("range", "from", "to", *state.CALL_FILTERS)]
    here = [(name, value) for name, value in kept if value]
    return [("basis", "live traffic"), ("by", found["by"]), *(("values", name) for name in names), *here]
