"""How many more labels an interval of some width takes, and which items to label: drawn so that the figures hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from server.aside import Ask
from server.calibration import cards as reckoned
from server.calibration.asking import UNKNOWN, Asked, Pairs
from server.evals.figures import counted, number
from server.judges import cards
from server.judges.asking import Fields, NoCardError, Question
from server.judges.pairing import strata
from server.labelling.showing import Target, shown

Row = dict[str, Any]
PILOT = 50  # labels that tell a first variance


def plan(ask: Ask, question: Question, fields: Fields, most: int) -> Row:
    """Labels that the width of the question takes, and items to label.

    `plan`: as of the card (null: nobody labelled anything yet), `method` (random, or stratified within `by`), `items`:
    trace_id, span_id, session_id, stratum; at most `most`. `sentence` says why these.

    Raises:
        NoCardError: there is no such judge.
    """
    try:
        one = cards.found(ask, question, fields, details=False)
    except NoCardError:
        rows = cards.rows_of(ask, question)  # which raises where there is no such judge
        return _pilot(rows, most, "Nobody labelled what it scored yet")
    pairs, rows = one.made.pairs, one.rows[one.made.kept].reset_index(drop=True)
    if question.by is not None:
        codes, names = strata(rows[question.by])
        pairs = replace(pairs, strata=codes, strata_names=names)
    told = reckoned.plan(pairs, Asked(width=question.width))
    if told is None or told["labels"] is None:
        return _unplanned(rows[~pairs.rows.labelled], most, told)
    picked = _picked(rows, pairs, told, most)
    return {
        "plan": told, "method": "random" if question.by is None else "stratified", "by": question.by,
        "items": _items(picked, question.by), "sentence": _sentence(told, len(picked), question),
    }  # fmt: skip


def _pilot(rows: pd.DataFrame, most: int, why: str) -> Row:
    picked = rows.head(min(PILOT, most))
    many = counted(len(picked), "item")
    return {
        "plan": None, "method": "random", "by": None, "items": _items(picked, None),
        "sentence": f"{why}. Label {many} drawn at random first: they tell how far people and the judge are apart.",
    }  # fmt: skip


def _unplanned(rows: pd.DataFrame, most: int, told: Mapping[str, Any] | None) -> Row:
    """Where labels tell no variance yet, or no number of them makes the interval so narrow."""
    if told is None or "without_judge" not in told:
        why = "No width is asked for" if told is None else str(told["why"])
        return _pilot(rows, most, why[:1].upper() + why[1:]) | {"plan": told}
    return _pilot(rows, most, "") | {
        "plan": told,
        "sentence": f"An interval {number(told['width'])} wide is not within reach: {told['why']}. Ask for a wider "
        "one, or score more of what is to be told.",
    }  # fmt: skip


def _picked(rows: pd.DataFrame, pairs: Pairs, told: Mapping[str, Any], most: int) -> pd.DataFrame:
    """Items without a label: rows are in the order of a hash, so that the first are a random sample."""
    free = rows[~pairs.rows.labelled]
    wanted = told.get("strata")
    if not wanted or pairs.strata is None:
        return free.head(min(int(told["more"]), most))
    codes = pairs.strata[~pairs.rows.labelled]
    scale = min(1.0, most / max(int(told["more"]), 1))
    parts = [free[codes == at].head(round(scale * one["labels"])) for at, one in enumerate(wanted)]
    return pd.concat(parts) if parts else free.head(0)


def _items(rows: pd.DataFrame, by: str | None) -> list[Row]:
    return [
        {"trace_id": cards.hex_of(row["trace_id"]), "span_id": cards.span_of(row["span_id"]),
         "session_id": cards.text_of(row["session_id"]),
         "stratum": None if by is None else cards.text_of(row[by]) or UNKNOWN}
        for row in rows[["trace_id", "span_id", "session_id", *([by] if by else [])]].to_dict("records")
    ]  # fmt: skip


def _sentence(told: Mapping[str, Any], picked: int, question: Question) -> str:
    width = number(told["width"])
    head = f"An interval {width} wide takes {counted(told['labels'], 'label')}"
    if not told["more"]:
        return f"{head}, which are there: no more are needed."
    alone = f"; without the judge it would take {told['without_judge']:,}"
    how = "at random" if question.by is None else f"within each {question.by}, most where the judge errs most"
    cut = f" The first {picked:,} are listed." if picked < told["more"] else ""
    return f"{head}, {told['more']:,} more than there are{alone}. Draw them {how}.{cut}"


def contents(ask: Ask, targets: Sequence[Target]) -> list[Row]:
    """What is shown of these to people, those that are stored: as JSON, with the place of the target."""
    found = shown(ask, targets)
    return [
        {"at": at, "content": one.content.model_dump(mode="json", exclude_defaults=True),
         "attributes": dict(one.attributes), "trace_id": None if one.trace_id is None else one.trace_id.hex}
        for at, target in enumerate(targets)
        if (one := found.get(target)) is not None
    ]  # fmt: skip
