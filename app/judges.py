"""The page Judges: which judges and evaluators people's labels speak of, and how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import data_judges, listing, trust, widgets
from app import format as fmt
from app.listing import Cell, Column

Line = Mapping[str, Any]
PATH = trust.PATH
SCORE, EVALUATOR, VERSION, FIND = "score", "evaluator", "version", "judge_find"
MANY, SHOWN = 12, 200
STANDING = "Scores and labels are stored all the same."

COLUMNS = (
    Column("Score", "minmax(130px, 1.3fr)", link=True),
    Column("By, version", "minmax(120px, 1.2fr)"),
    Column("Trust", "96px", help=trust.HELP),
    Column("Kappa [95 %]", "150px", "right", "Agreement with people beyond chance"),
    Column("Agreement [95 %]", "150px", "right", "How often it says what people do"),
    Column("Labelled", "78px", "right", "Items that both people and it spoke of"),
    Column("Scores", "78px", "right"),
    Column("Last scored", "112px", "right"),
)


def chosen(key: str) -> str | None:
    """What the URL has under this key; null: nothing."""
    return st.query_params.get(key)


def path(line: Line) -> str:
    """A link to the card of a ruler, relative to the app's pages."""
    told = {SCORE: line["score"], EVALUATOR: line["evaluator"], VERSION: line["version"]}
    return f"judges?{urlencode(told)}"


def overview() -> None:
    """All rulers of the project: those that met labels first."""
    found = data_judges.judges(wait_s=data_judges.BRIEFLY_S)
    if found["computing"] and found["as_of"] is None:
        found = widgets.patiently(st.container(), "Holding judges against labels", data_judges.judges, usual_s=2.0)
    lines = found["judges"]
    if not lines:
        _nothing()
        return
    st.markdown(finding(lines))
    shown = _matching(lines)
    listing.listing("judges", "Judges", COLUMNS, [_line(one) for one in shown[:SHOWN]])
    if len(shown) > SHOWN:
        widgets.cut(SHOWN, len(shown), "judges")
    _small_print(found, lines)


def _nothing() -> None:
    widgets.empty(
        "Judges and evaluators would be held against people's labels here.",
        "Nothing was scored in this project. Score traces on Traces or by an online rule, then label some of them "
        "under the same name.",
        lambda: st.page_link("views/traces.py", label="Open Traces", icon=":material/account_tree:"),
    )


def _matching(lines: Sequence[Line]) -> list[Line]:
    if len(lines) <= MANY:
        return list(lines)
    words = widgets.search(FIND, "Search scores and evaluators", 260, ()).lower().split()
    return [one for one in lines if all(word in f"{one['score']} {one['evaluator']}".lower() for word in words)]


def _small_print(found: Mapping[str, Any], lines: Sequence[Line]) -> None:
    said = []
    if found["unmet"]:
        names = ", ".join(found["unmet"][:6])
        said.append(
            f"Labels that no score is held against: {names}. Scores meet labels of their own name, or those of a "
            "queue's field that names them."
        )
    if not any(one["n"] for one in lines):
        said.append("Nobody labelled what was scored yet: label traces under the score's name, on Trace or in a queue.")
    moment = fmt.clock(datetime.fromisoformat(found["as_of"]), widgets.zone()) if found["as_of"] else fmt.UNKNOWN
    newer = ", newer figures are being worked out" if found["computing"] else ""
    said.append(f"As of {moment}{newer}. Times in {widgets.zone()}. Keys: j k move, Enter opens.")
    st.caption("  \n".join(fmt.plain(line, 500) for line in said))


def finding(lines: Sequence[Line]) -> str:
    """`2 of 5 judges and evaluators can be trusted (high or moderate); 1 low, 1 unsure, 1 without labels.`."""
    counts = {word: sum(one["badge"] == word for one in lines) for word in trust.WORDS}
    good = counts["high"] + counts["moderate"]
    met = sum(bool(one["n"]) for one in lines)
    if not met:
        return f"Nobody labelled what {fmt.plural(len(lines), 'judge or evaluator', 'judges and evaluators')} scored."
    rest = ", ".join(
        f"{counts[word]:,} {words}"
        for word, words in (("low", "low"), ("unsure", "unsure"), ("expired", "expired"), ("none", "without labels"))
        if counts[word]
    )
    return (
        f"{good:,} of {fmt.plural(len(lines), 'judge or evaluator', 'judges and evaluators')} "
        f"{'has' if good == 1 else 'have'} high or moderate trust{f'; {rest}' if rest else ''}."
    )


def _line(one: Line) -> listing.Row:
    return listing.Row(
        path(one) if one["n"] else "",
        [
            Cell(fmt.clip(one["score"], 80)), Cell(by(one), by(one), quiet=True),
            trust.cell_of(one),
            Cell(told(one.get("kappa"))), Cell(told(one.get("agreement"), share=True)),
            Cell(fmt.count(one["n"]) if one["n"] else "", quiet=not one["n"]), Cell(fmt.short(one["scores"])),
            Cell(widgets.when(one["last_at"]), quiet=True),
        ],
    )  # fmt: skip


def by(one: Line) -> str:
    """Evaluator, version and model: of an evaluator named as the score `version 2`."""
    named = "" if one["evaluator"] == one["score"] else str(one["evaluator"] or "unnamed")
    version = f"version {one['version']}" if one["version"] else ""
    model = f"({one['model']})" if one["model"] else ""
    return fmt.clip(" ".join(part for part in (named, version, model) if part), 120)


def told(one: Mapping[str, Any] | None, *, share: bool = False) -> str:
    """`0.71 [0.62, 0.79]`; '' where it is not defined. `share`: in percent."""
    if not one or one["value"] is None:
        return ""
    scale, unit = (100.0, " %") if share else (1.0, "")
    value, low, high = (
        None if one[end] is None else fmt.digits(scale * one[end], 2) for end in ("value", "ci_low", "ci_high")
    )
    return f"{value}{unit}" if low is None or high is None else f"{value}{unit} [{low}, {high}]"
