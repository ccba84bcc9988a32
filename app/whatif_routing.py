"""The view of What-if on routing: what other models would have cost and done to quality, and the policy of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import calls, charts_whatif, data, data_whatif, estimates, listing, state, whatif_topics, widgets
from app import format as fmt
from app.listing import Cell, Column, Row

SCORE, BETTER, MARGIN = "score", "better", "margin"  # keys of the controls, and their names in the URL
STEPS = {"tokens": ("input_tokens", "1000,8000"), "turns": ("turn", "3,10"), "tools": ("tools", "1")}
"""Name in the URL -> parameter of the API, and its default."""
SAID = {"input_tokens": "tokens in", "turn": "turn", "tools": "tools"}
TONES = {"better": "green", "no worse": "green", "worse": "red", "not enough evidence": ""}
_MOVES = 60  # rows
Found = Mapping[str, Any]


def view(window: state.Window, found: Found) -> None:
    """Sentence, tiles, figures, tables; the frame around it is that of `app/whatif.py`."""
    if lacks := lacking(found):
        widgets.empty("What other models would have cost, and done to quality, would be here.", lacks)
        return
    st.markdown(finding(window, found))
    calls.known(sample_words(found["sample"]))
    if not found["sample"]["scored_calls"]:
        _no_scores(found["score"])
    _tiles(found)
    left, right = st.columns([7, 6])
    with left:
        _front(found)
    with right:
        _levels(found)
    whatif_topics.section(found["topics"])
    _moves(found)
    _policy(found)


def controls() -> dict[str, data.Param]:
    """Which score, and by which measure calls are grouped; parameters of the API."""
    try:
        names = data_whatif.whatif_scores()["name"].astype(str).tolist()
    except data.ApiError:
        names = []  # the page says below that the server does not answer
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Score", width="content")
        score = st.selectbox(
            "Score", names, index=None, key=SCORE, bind="query-params", accept_new_options=True, width=200,
            label_visibility="collapsed", placeholder=names[0] if names else "none was sent",
        )  # fmt: skip
        better = st.segmented_control(
            "Better", ["higher", "lower"], default="higher", required=True, key=BETTER, bind="query-params",
            label_visibility="collapsed", format_func=lambda side: f"{side} is better",
        )  # fmt: skip
        steps = _measure() | whatif_topics.control()
        st.caption("No worse by", width="content")
        margin = st.number_input(
            "Loss of mean score that is no worse", 0.0, None, 0.05, 0.01, key=MARGIN, bind="query-params", width=110,
            label_visibility="collapsed", help="Loss of mean score that is still no worse",
        )  # fmt: skip
    return {"score": score or None, "better": str(better), "margin": float(margin), **steps}


def _measure() -> dict[str, data.Param]:
    """The measure of complexity, in a popover. What is no list of numbers the server refuses."""
    with st.popover("Measure", icon=":material/tune:", key="whatif-measure"):
        st.caption("A call's level is the highest that one of its values reaches. Rising numbers; a dash: left out.")
        labels = {"tokens": "Tokens of input from", "turns": "Calls before it in its trace from",
                  "tools": "Tools offered from"}  # fmt: skip
        for name, (_, default) in STEPS.items():
            widgets.type_in(name, labels[name], default)
    told = {name: str(st.session_state.get(name) or "").strip() for name in STEPS}
    return {parameter: told[name] or default for name, (parameter, default) in STEPS.items()}


def lacking(found: Found) -> str:
    """Why there is nothing to tell, and what to do; empty: there is."""
    sample, models = found["sample"], found["models"]
    served = sample["calls"] - sample["failed"]
    if sample["unknown_level"] == served and served:
        return (
            f"None of {fmt.plural(served, 'call')} of the sample told what the measure needs, the tokens of its input "
            "for one, so that neither their group nor their cost elsewhere is known. Have senders record the usage; or "
            "write a dash for the tokens in the measure, to compare quality alone."
        )
    if len(models) < 2:
        one = f": {fmt.clip(models[0]['model'], 60)}" if models else ""
        return (
            f"One model alone served the calls{one}. Widen the time range or the filters, so that two can be compared."
        )
    if not found["moves"]:
        return "No group of calls was served by a model that another could replace." + _unmeasured(sample)
    return ""


def _unmeasured(sample: Found) -> str:
    if not sample["unknown_level"]:
        return ""
    return (
        f" {fmt.count(sample['unknown_level'])} of {fmt.plural(sample['calls'], 'call')} did not tell what the measure "
        "needs: a dash for the tokens in the measure leaves them out, to compare quality alone."
    )


def _no_scores(score: Found) -> None:
    """Costs stand; quality cannot be judged."""
    named = f" of the name {fmt.clip(score['name'], 60)}" if score["name"] else ""
    widgets.empty(
        "Quality cannot be judged.",
        f"No call of the sample has a score{named}. Send scores with the calls, or to POST /api/scores, or let an "
        "evaluator give them; until then every verdict is: not enough evidence.",
    )


def finding(window: state.Window, found: Found) -> str:
    """What the policy would have saved, or that nothing is known to be cheaper and no worse."""
    policy, score = found["policy"], found["score"]["name"]
    if not policy:
        moves = found["moves"]
        open_moves = sum(move["verdict"] == "not enough evidence" for move in moves)
        untold = sum(move["saved_usd"]["value"] is None for move in moves)
        costs = f", and of {untold:,} the cost is unknown" if untold else ""
        return fmt.plain(
            f"No move to another model is known to be cheaper and no worse in {window.words}: for {open_moves:,} of "
            f"{fmt.plural(len(moves), 'move')} there is not enough evidence{costs}.", 600,
        )  # fmt: skip
    saved, moved = _sum(policy), sum(move["calls"] for move in policy)
    named = "; ".join(
        f"{move['source']} to {move['target']} on {_group(move)} ({move['verdict']})" for move in policy[:3]
    )
    return fmt.plain(
        f"Moving {fmt.plural(moved, 'call')} to another model would have saved {saved} of "
        f"{estimates.usd(found['whole']['usd'])} in {window.words} while {score} is no worse: {named}.", 800,
    )  # fmt: skip


def _group(move: Found) -> str:
    return f"level {move['level']}" + (f", topic {move['topic']}" if move["topic"] else "")


def _sum(policy: list[dict[str, Any]]) -> str:
    """Of one move with its interval; of several the bounds are added, which is wider than need be."""
    parts = [move["saved_usd"] for move in policy]
    if any(part["low"] is None for part in parts):
        return estimates.usd(sum(part["value"] for part in parts))
    whole = {end: sum(part[end] for part in parts) for end in ("value", "low", "high")}
    return estimates.sentence(whole, estimates.usd)


def sample_words(sample: Found) -> str:
    """What the numbers rest on."""
    of = "all" if sample["census"] else f"{sample['traces']:,} of {sample['of_traces']:,}"
    slices = sample["slices"]
    lacks = [
        f"{sample['failed']:,} failed" if sample["failed"] else "",
        f"{sample['unpriced']:,} have no cost" if sample["unpriced"] else "",
        f"{sample['unknown_level']:,} are of an unknown level" if sample["unknown_level"] else "",
    ]
    told = f"; {', '.join(filter(None, lacks))}" if any(lacks) else ""
    drawn = "" if sample["census"] else f" in {slices} random slices of time" if slices else " at random"
    return (
        f"Computed over {of} traces{drawn} with {sample['calls']:,} calls{told}, and {sample['scored_calls']:,} scored "
        f"calls. Intervals of 95 %, over {'slices' if slices else 'traces'}. Calls were not assigned at random: an "
        "experiment decides."
    )


def _tiles(found: Found) -> None:
    policy, moves, sample = found["policy"], found["moves"], found["sample"]
    verdicts = {name: sum(move["verdict"] == name for move in moves) for name in TONES}
    saved = _sum(policy) if policy else "$0"
    value, _, bounds = saved.partition(" (")
    n = f"n = {fmt.plural(sample['traces'], 'trace')}"
    proved = verdicts["better"] + verdicts["no worse"]
    of = f"of {fmt.plural(len(moves), 'move')}"
    widgets.tiles(
        widgets.Tile(
            "The policy would save", value, fmt.plain(saved),
            fmt.plain(bounds.rstrip(")").removeprefix("95 % interval ") or n), [],
        ),
        widgets.Tile("Calls that it moves", fmt.short(sum(move["calls"] for move in policy)), n,
                     f"of {fmt.short(found['whole']['calls'])}", []),
        widgets.Tile("No worse, or better", str(proved), of, of, []),
        widgets.Tile("Worse", str(verdicts["worse"]), of, of, []),
        widgets.Tile("Not enough evidence", str(verdicts["not enough evidence"]), of, of, []),
    )  # fmt: skip


def _front(found: Found) -> None:
    """Every choice of a model per level, cost against quality."""
    points = [
        {"name": _policy_name(one), "kind": _kind(one), "usd": one["usd_per_call"] * 1000, "front": one["front"]}
        | one["quality"]
        for one in found["policies"]
        if one["quality"]["value"] is not None
    ]
    if not points:
        widgets.empty(
            "Cost against quality would be drawn here.",
            "It needs 30 scores of each model on a level, and calls with a cost.",
        )
        return
    st.plotly_chart(
        charts_whatif.pareto(
            pd.DataFrame(points), str(found["score"]["name"]),
            f"n = {fmt.plural(found['sample']['scored_calls'], 'scored call')}; whiskers: 95 %", widgets.theme(),
        ),
        theme=None, key="whatif-pareto", config={"displayModeBar": False}, alt="Cost of 1,000 calls against mean score",
    )  # fmt: skip
    with st.expander("Figure as a table", key="whatif-pareto-table", on_change="rerun") as twin:
        if twin.open:
            frame = pd.DataFrame(points)[["name", "usd", "value", "low", "high", "n", "front"]]
            st.dataframe(frame, hide_index=True, alt="Policies: cost of 1,000 calls (US dollars) and mean score")


def _kind(one: Found) -> str:
    if not one["models"]:
        return "was"
    return "single" if len(set(one["models"].values())) == 1 else "mixed"


def _policy_name(one: Found) -> str:
    if not one["models"]:
        return "as it was"
    if _kind(one) == "single":
        return f"all {next(iter(one['models'].values()))}"
    return ", ".join(f"level {step}: {name}" for step, name in one["models"].items())


def _levels(found: Found) -> None:
    """What the measure makes of the calls."""
    st.markdown("**Levels of the measure**")
    rows = [
        {
            "Level": row["level"], "Calls": fmt.short(row["calls"]),
            "Share": fmt.UNKNOWN if row["share"] is None else estimates.share(row["share"]),
            "Cost": estimates.usd(row["usd"]) if row["calls"] else "$0", "What makes it one": _words(row["words"]),
        }
        for row in found["levels"]
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content", alt="Levels of the measure of complexity",
        column_config={"What makes it one": st.column_config.TextColumn(width="large")},
    )  # fmt: skip
    st.caption("Turn: model calls before it in its trace. Tools: that were offered. Change the measure above.")


def _words(text: str) -> str:
    for name, said in SAID.items():
        text = text.replace(name, said)
    return text


LEVEL, GROUP = Column("Level", "44px", "right"), Column("Level, topic", "minmax(100px, 1.2fr)")
MOVES = (
    Column("From", "minmax(80px, 1fr)", link=True),
    Column("To", "minmax(80px, 1fr)"),
    Column("Calls", "60px", "right"),
    Column("Cost", "72px", "right", "As it was, of the priced calls"),
    Column("Saved", "minmax(170px, 1.5fr)", "right", "At the other's price of the day, for the same tokens"),
    Column("Score, change", "minmax(140px, 1fr)", "right", "Mean of the other less its own; above 0: better"),
    Column("Scores", "72px", "right", "Of each in the group"),
    Column("Verdict", "128px"),
)


def _moves(found: Found) -> None:
    moves = found["moves"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Every move**", width="content")
        if len(moves) > _MOVES:
            widgets.cut(_MOVES, len(moves), "moves")
        st.space("stretch")
        widgets.csv(pd.json_normalize(moves), "what-if-routing")
    topics = whatif_topics.names(found["topics"])
    rows = [
        Row(calls.href("whatif", "model", move["source"], sort="newest"), _cells(move, topics), anew=True)
        for move in moves[:_MOVES]
    ]
    first = GROUP if topics else LEVEL
    listing.listing("whatif-moves", "Moves of groups of calls to other models", (first, *MOVES), rows)
    margin = found["score"]["margin"]
    st.caption(
        f"No worse: the interval lies above {estimates.signed(-margin) if margin else '0'}. A verdict needs 30 scores "
        "on each side, and is of one move: one of 40 that are a little worse than that is called no worse by chance. "
        "What the other model would have written is not known: its tokens are taken to be the same. "
        "A row opens the traces of its model."
    )


def _cells(move: Found, topics: Mapping[str, str]) -> list[Cell]:
    detectable = move["detectable"]
    shown = "" if detectable is None else f"So many scores show differences from {fmt.digits(detectable, 2)} on"
    priced = f"{move['priced']:,} of {move['sampled']:,} sampled calls are priced on both"
    return [
        Cell(f"{move['level']}, {topics[move['topic']]}", topics[move["topic"]])
        if topics
        else Cell(str(move["level"])),
        Cell(fmt.clip(move["source"]), fmt.clip(move["source"])),
        Cell(fmt.clip(move["target"]), fmt.clip(move["target"])),
        Cell(fmt.short(move["calls"]), f"{move['sampled']:,} of the sample"),
        Cell(estimates.usd(move["usd"])),
        Cell(estimates.cell(move["saved_usd"], estimates.usd), priced),
        Cell(estimates.cell(move["quality"], estimates.signed), shown, quiet=move["quality"]["value"] is None),
        Cell(f"{move['source_scores']:,}, {move['target_scores']:,}"),
        Cell(move["verdict"], shown, TONES[move["verdict"]], quiet=move["verdict"] == "not enough evidence"),
    ]


def _policy(found: Found) -> None:
    """The policy as a file."""
    rules = len(found["policy"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Policy**, {fmt.plural(rules, 'rule') if rules else 'no rule yet'}", width="content")
        st.download_button(
            "Export as YAML", found["policy_yaml"], "routing-policy.yaml", "application/yaml",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    with st.expander("The policy", key="whatif-policy", on_change="rerun") as section:
        if section.open:
            st.code(found["policy_yaml"], language="yaml")
