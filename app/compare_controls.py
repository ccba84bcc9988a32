"""What the parts of Compare and the pages that lead there share: path, links, choices that come with the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import format as fmt
from app import widgets

PATH = "views/compare.py"
SOURCE, RUNS = "source", "runs"  # in the URL: where variants come from; ids of runs between commas, the baseline first
TRAFFIC = "live traffic"
AGAINST = "against"  # in the URL: of several variants the one whose items are shown beside the baseline's


def choice(
    name: str,
    label: str,
    options: Mapping[str, str],
    *,
    none: str | None = None,
    width: int = 220,
    bare: bool = False,
    pages: Sequence[str] = (),
) -> None:
    """A choice whose options come with the answer: value -> words. The URL has the value; `none`: may be nothing.

    `bare`: its label is not drawn. `pages`: what the URL forgets as another list is shown.
    """
    told, key = st.query_params.get(name), f"compare-{name}"
    st.session_state[key] = told if told in options else None if none is not None else next(iter(options), None)
    st.selectbox(
        label, list(options), index=None if none is not None else 0, key=key, format_func=lambda one: options[one],
        placeholder=none, width=width, on_change=_chosen, args=(name, key, pages), help=None,
        label_visibility="collapsed" if bare else "visible",
    )  # fmt: skip


def _chosen(name: str, key: str, pages: Sequence[str]) -> None:
    widgets.first_page(pages)
    if (value := st.session_state[key]) is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def link(ids: Sequence[str]) -> dict[str, str]:
    """Parameters of a link to the comparison of these runs, the baseline first."""
    return {RUNS: ",".join(ids)}


def take(ids: Sequence[str], *gone: str) -> None:
    """Put the runs that are chosen into the URL; `gone`: parameters that were of others, and leave it."""
    if ids:
        st.query_params[RUNS] = ",".join(ids)
    else:
        st.query_params.pop(RUNS, None)
    for name in gone:
        st.query_params.pop(name, None)


def suggestions(told: Iterable[Mapping[str, Any]], most: int = 3) -> None:
    """Links to runs against the baselines of their gates, the newest first."""
    known = {one["run_id"]: one for one in told}
    pairs = [(run, str((run["brief"] or {}).get("baseline"))) for run in known.values()]
    for run, baseline in [(run, baseline) for run, baseline in pairs if baseline in known][:most]:
        other = known[baseline]["suite"]
        what = f" with {fmt.plain(other, 40)}" if other != run["suite"] else " with its baseline"
        st.page_link(
            PATH, label=f"Compare {fmt.plain(run['suite'], 40)}{what}", icon=":material/compare_arrows:",
            query_params=link([baseline, run["run_id"]]),
        )  # fmt: skip


def live() -> bool:
    """Whether live traffic is compared, which a time range is asked for."""
    return st.query_params.get(SOURCE) == TRAFFIC
