"""The tables of a comparison: every difference, and the same within slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import compare_words, widgets
from app import format as fmt

Found = Mapping[str, Any]
_WHOLE = 15  # rows in sight at once
_CSV = (
    "metric", "slice", "a", "b", "n_a", "n_b", "mean_a", "mean_b", "difference", "ci_low", "ci_high", "test", "p",
    "p_adjusted", "effect", "effect_name", "mde", "verdict", "statistic", "clusters_a", "clusters_b", "sentence",
)  # fmt: skip


def section(found: Found) -> None:
    """Every difference as a table with its CSV; below it slices, where they were asked for."""
    _heading("Differences", found["pairs"], "comparison")
    _table(found, found["pairs"], "Every difference", sliced=False)
    _note(found, f"over {fmt.plural(len(found['pairs']), 'comparison')}")
    if found["slice"] is None:
        return
    if not found["sliced"]:
        widgets.empty("Slices would be compared here.", "None of the items has a value of this key.")
        return
    _heading(f"Within {fmt.plain(found['slice'], 40)}", found["sliced"], "slices")
    _table(found, found["sliced"], "Differences within slices", sliced=True)
    _note(found, "over these and their totals")


def _heading(words: str, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words}**", width="content")
        st.space("stretch")
        widgets.csv(pd.DataFrame(list(rows)).reindex(columns=list(_CSV)), name)


def _note(found: Found, over: str) -> None:
    method = "Holm" if found["adjust"] == "holm" else "Benjamini-Hochberg"
    st.caption(
        f"A difference is the variant less {fmt.plain(found['baseline'], 60)}. p is of no difference at all, adjusted "
        f"{over} ({method}). Would show: the smallest difference that such data shows in 4 of 5 cases."
    )


def _table(found: Found, rows: Sequence[Mapping[str, Any]], alt: str, *, sliced: bool) -> None:
    told = compare_words.by_key(found)
    frame = pd.DataFrame([_line(told[one["metric"]], one, sliced=sliced) for one in rows])
    st.dataframe(
        frame, hide_index=True, alt=alt, key=f"table-{alt}", placeholder="",
        height="content" if len(frame) <= _WHOLE else 560, column_config=_columns(found),
    )  # fmt: skip


def _line(measure: Mapping[str, Any], one: Mapping[str, Any], *, sliced: bool) -> dict[str, str]:
    """A row in words: nine columns at most."""
    ends = [compare_words.apart(measure, one[end]) for end in ("ci_low", "ci_high")]
    n = f"{one['n_a']:,}" if one["paired"] else f"{one['n_a']:,}, {one['n_b']:,}"
    p = one["p_difference_adjusted"]
    return {
        **({"Slice": fmt.clip(one["slice"], 60)} if sliced else {}),
        "Measure": compare_words.measure(measure), "Variant": fmt.clip(one["b"], 60), "n": n,
        "Baseline": compare_words.value(measure, one["mean_a"]),
        "Variant's": compare_words.value(measure, one["mean_b"]),
        "Difference [95 %]": "unknown" if one["difference"] is None
        else f"{compare_words.apart(measure, one['difference'])} [{ends[0]}, {ends[1]}]",
        "Adjusted p": "" if p is None else "< 0.001" if p < 0.001 else fmt.digits(p, 2),
        **({} if sliced else {"Would show": compare_words.apart(measure, one["mde"]).removeprefix("+")}),
        "Verdict": one["verdict"],
    }  # fmt: skip


def _columns(found: Found) -> dict[str, Any]:
    right = ("n", "Baseline", "Variant's", "Difference [95 %]", "Adjusted p", "Would show")
    return {name: st.column_config.TextColumn(name, alignment="right") for name in right} | {
        "Verdict": st.column_config.TextColumn("Verdict", width=140),
        "Variant": st.column_config.TextColumn("Variant", help=f"Against {fmt.plain(found['baseline'], 60)}"),
    }
