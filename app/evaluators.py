"""The parts of the Evaluators page: which there are, and the card of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import streamlit as st

from app import charts_evaluators, data_evaluators, jobs, listing, ruler, trial, trust, widgets
from app import format as fmt
from app.listing import Cell, Column

Card = dict[str, Any]

FAMILY, COST, FIND, CHOSEN = "family", "cost", "find", "evaluator"  # keys, and names in the URL
FILTERS = (FAMILY, COST, FIND)
EVALUATORS = "evaluators"
COSTS = {"free": "free", "embedding": "embedding", "judge": "judge"}
COST_WORDS = {
    "free": "nothing but this machine", "embedding": "a model of embeddings is asked",
    "judge": "a language model is asked",
}  # fmt: skip
_LONG = 300  # letters of a cell


def controls(found: Sequence[Card]) -> str:
    """Which of the two lists; of evaluators the search and the filters, in one row."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.segmented_control(
            "Show", (EVALUATORS, jobs.NAME), default=EVALUATORS, required=True, key=jobs.TAB, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        if show == EVALUATORS and not chosen():
            st.text_input(
                "Search", key=FIND, bind="query-params", placeholder="Search names and words", width=240,
                icon=":material/search:", label_visibility="collapsed",
            )  # fmt: skip
            families = list(dict.fromkeys(card["family"] for card in found))
            for key, options, any_of in ((FAMILY, families, "any family"), (COST, list(COSTS), "any cost")):
                st.selectbox(
                    key.capitalize(), options, index=None, key=key, bind="query-params", placeholder=any_of, width=150,
                    label_visibility="collapsed",
                )  # fmt: skip
    return str(show)


def chosen() -> str:
    """The name of the evaluator whose card the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def overview(found: Sequence[Card]) -> None:
    """One sentence, and the table of those that the filters keep."""
    kept = filtered(found, {name: str(st.session_state.get(name) or "") for name in FILTERS})
    st.markdown(finding(found) + (f" {len(kept):,} match the filters." if len(kept) < len(found) else ""))
    if not kept:
        widgets.empty("Evaluators would be listed here.", f"None of {len(found):,} matches the search and the filters.")
        return
    listing.listing("evaluators", "Evaluators", COLUMNS, [_line(card) for card in kept])
    st.caption(
        "Quality: the figure that is farthest above a naive rule's, on rows that the evaluator was not made from. "
        "Keys: j k move, Enter opens."
    )


def broken() -> None:
    """Those that are installed and cannot be imported, and why."""
    for name, why in data_evaluators.broken_evaluators().items():
        st.warning(f"**{fmt.plain(name, 80)}** {fmt.plain(why, 600)}", icon=":material/warning:")


def finding(found: Sequence[Card]) -> str:
    """How many there are and what they ask: `9 need nothing but this machine, 2 ask a judge`."""
    counts = {cost: sum(card["cost"] == cost for card in found) for cost in COSTS}
    said = [f"{counts['free']:,} need{'s' * (counts['free'] == 1)} nothing but this machine"]
    for cost, asked in (("embedding", "a model of embeddings"), ("judge", "a judge")):
        if counts[cost]:
            said.append(f"{counts[cost]:,} ask{'s' * (counts[cost] == 1)} {asked}")
    return f"{fmt.plural(len(found), 'evaluator')}: {', '.join(said)}."


def filtered(found: Sequence[Card], by: Mapping[str, str]) -> list[Card]:
    """Those of the family, the cost and with every word of the search in name, family or what they measure."""
    words = by.get(FIND, "").lower().split()
    return [
        card
        for card in found
        if by.get(FAMILY) in {"", None, card["family"]}
        and by.get(COST) in {"", None, card["cost"]}
        and all(word in f"{card['name']} {card['family']} {card['measures']}".lower() for word in words)
    ]


COLUMNS = (
    Column("Name", "182px", link=True),
    Column("Family", "86px"),
    Column("Measures", "minmax(200px, 2fr)"),
    Column("Needs", "minmax(110px, 0.8fr)"),
    Column("Cost", "70px"),
    Column("Trust", "88px", help=trust.HELP),
    Column("Quality", "minmax(140px, 0.9fr)", help="Best figure beside the naive rule's"),
)


def _line(card: Card) -> listing.Row:
    quality = best(card)
    told = figure(quality) if quality else "not measured"
    return listing.Row(
        path(card["name"], {name: st.query_params.get(name) for name in FILTERS}),
        [
            Cell(fmt.clip(card["name"], _LONG)), Cell(card["family"], quiet=True),
            Cell(fmt.clip(card["measures"], _LONG), card["measures"]), Cell(needs(card), needs(card)),
            Cell(card["cost"], COST_WORDS[card["cost"]], quiet=card["cost"] == "free"),
            trust.cell(card["name"]), Cell(told, quality_words(quality) if quality else "", quiet=not quality),
        ],
    )  # fmt: skip


def path(name: str, kept: Mapping[str, str | None]) -> str:
    """A link to the card of an evaluator; `kept`: filters that its way back leads to."""
    back = urlencode({key: value for key, value in kept.items() if value})
    return f"evaluators?{urlencode({CHOSEN: name} | ({'back': back} if back else {}))}"


def _words(part: str) -> str:
    return part.replace("_", " ")


def needs(card: Card) -> str:
    """What a row must have: `answer, contexts`; of one that needs no certain part `one of question, answer`."""
    if card["needs"]:
        return ", ".join(map(_words, card["needs"]))
    takes = ", ".join(map(_words, card["takes"]))
    return f"one of {takes}" if len(card["takes"]) > 1 else takes or "nothing"


def best(card: Card) -> dict[str, Any] | None:
    """The figure that is farthest above its naive rule's; without any naive figure the first."""
    beside: list[dict[str, Any]] = [one for one in card["quality"] if one["naive_value"] is not None]
    if beside:
        return max(beside, key=lambda one: one["value"] - one["naive_value"])
    return next(iter(card["quality"]), None)


def figure(one: Mapping[str, Any]) -> str:
    """`AUROC 0.884 (naive 0.5)`."""
    naive = f" (naive {fmt.digits(one['naive_value'])})" if one["naive_value"] is not None else ""
    return f"{one['measure']} {fmt.digits(one['value'])}{naive}"


def quality_words(one: Mapping[str, Any]) -> str:
    """A figure whole, on one line."""
    interval = "" if one["low"] is None else f" (95 %: {fmt.digits(one['low'])} to {fmt.digits(one['high'])})"
    naive = f"; {one['naive'] or 'naive'}: {fmt.digits(one['naive_value'])}" if one["naive_value"] is not None else ""
    return f"{one['data']}: {one['measure']} {fmt.digits(one['value'])}{interval}, n = {one['n']:,}{naive}"


def card(found: Sequence[Card], name: str) -> None:
    """All of one evaluator, and the box to try it in."""
    kept = {key: value for key, value in parse_qsl(st.query_params.get("back", "")) if key in FILTERS}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(fmt.plain(name, 80), anchor=False, width="content")
        st.page_link("views/evaluators.py", label="All evaluators", icon=":material/arrow_back:", query_params=kept)
    one = next((one for one in found if one["name"] == name), None)
    if one is None:
        widgets.empty("The card of an evaluator would be here.", f"None is named {fmt.plain(name, 80)} here.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        trust.badge(one["name"])
        st.markdown(fmt.plain(one["measures"], 600), width="stretch")
    left, right = st.columns(2, gap="large")
    with left:
        _facts(one)
        _quality(one)
    with right:
        trial.box(one)


def _facts(one: Card) -> None:
    takes = ", ".join(map(_words, one["takes"])) if one["needs"] else ""
    widgets.fields(
        {
            "Family": one["family"],
            "Version": one["version"],
            "Cost": f"{one['cost']}: {COST_WORDS[one['cost']]}",
            "Needs": needs(one),
            "Looks at, if given": takes or "nothing else",
            "Options": ", ".join(one["options"]) or "none",
        },
        columns=3,
    )
    with st.container(gap="xsmall"):
        st.caption("Scale")
        if drawn := ruler.drawn(one["scale"]):
            st.html(drawn)
            if labels := ruler.labels(one["scale"]):
                st.text(labels)
        else:
            st.text(ruler.words(one["scale"]))
    limits = [fmt.plain(limit, 600) for limit in one["limits"]] or ["None is told."]
    st.markdown("\n".join(["**Limits**", *(f"- {limit}" for limit in limits)]))


def _quality(one: Card) -> None:
    """Published figures: a figure where there are any with a scale of one, and the table."""
    found = one["quality"]
    if not found:
        st.markdown("**Quality**  \nNot measured: it says what it is defined to say, or nobody has published a figure.")
        return
    shares = [line for line in found if 0 <= line["value"] <= 1]
    if shares:
        points = pd.DataFrame([_point(line) for line in shares])
        st.plotly_chart(
            charts_evaluators.quality(points, "95 % interval; diamond: the naive rule", widgets.theme()), theme=None,
            key=f"quality-{one['name']}", config={"displayModeBar": False},
            alt=f"Quality of {one['name']} beside naive rules; the table below has the numbers",
        )  # fmt: skip
    rows = pd.DataFrame([_told(line) for line in found])
    st.table(rows, border="horizontal", hide_index=True, alt=f"Quality of {one['name']}")
    st.caption("On rows that it was not made from. Left of its diamond an evaluator tells less than the naive rule.")


def _told(line: Mapping[str, Any]) -> dict[str, str]:
    """A figure as a row of the table, whose cells are Markdown."""
    interval = "" if line["low"] is None else f"{fmt.digits(line['low'])} to {fmt.digits(line['high'])}"
    naive = "" if line["naive_value"] is None else f"{line['naive'] or 'naive'}: {fmt.digits(line['naive_value'])}"
    told = {
        "Measure": line["measure"], "Data": line["data"], "Value": fmt.digits(line["value"]), "95 %": interval,
        "Naive rule": naive, "n": fmt.count(line["n"]),
    }  # fmt: skip
    return {name: fmt.plain(str(text), 120) for name, text in told.items()}


def _point(line: Mapping[str, Any]) -> dict[str, Any]:
    told = quality_words(line).replace("&", "&amp;").replace("<", "&lt;")
    return {"name": line["measure"], "of": line["data"], "told": told} | {
        name: line[name] for name in ("value", "low", "high", "naive_value")
    }
