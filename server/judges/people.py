"""What people say of each target: one answer of several people's, from labels by hand and of queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from analytics.columns import Bools, Floats

CHOSEN = frozenset({"informative", "weighted", "named", "scored"})
"""How items are drawn because of what is known of them: a judge errs on these more, or less, often than elsewhere."""
PICKED = frozenset({"evaluator", "alert"})
"""Of what items are drawn by what a judge said of them."""
STRATIFIED = "stratified:"
_TWO = 2


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What people say under one name, a row a target. Targets that they are tied on, or that were removed, are out."""

    name: str
    targets: NDArray[np.uint64]  # sorted
    traces: NDArray[np.uint64]
    whole: Bools  # no span of the trace
    value: Floats  # NaN: a word alone
    word: NDArray[Any]  # null: a number alone
    people: NDArray[np.int64]  # how many said something
    chosen: Bools  # drawn because it tells much of a judge
    scale: Mapping[str, Any]  # low, high, better, labels, as the newest label that has one
    tied: int  # targets on which people are
    sampled_by: str | None  # a dimension within whose values items were drawn; null: they were not
    newest: str | None  # when the newest label was given, ISO 8601, UTC


def said(labels: pa.Table) -> dict[str, Said]:
    """By the name of labels, from the rows of `judge_labels`; names without a target that counts have an empty one."""
    frame = labels.select([
        "name", "target", "trace", "whole", "value", "label", "time", "scale", "sampling", "origin", "gold",
        "removed", "decision",
    ]).to_pandas()  # fmt: skip
    return {
        str(name): _of(str(name), rows)
        for name, rows in frame[~frame["removed"].astype(bool)].groupby("name", sort=True)
    }


def _of(name: str, rows: pd.DataFrame) -> Said:
    chosen = rows["sampling"].isin(CHOSEN) | rows["origin"].isin(PICKED)
    rows = rows.assign(chosen=chosen).reset_index(drop=True)
    answers = _answers(rows)
    decided = _decided(rows, answers)
    numbers = bool(rows["label"].isna().all() and len(answers) > _TWO)
    found, tied = (_means(rows), _NOBODY) if numbers else _majorities(rows)
    found = decided.combine_first(found) if len(decided) else found
    first = rows.groupby("target", sort=True).agg(
        trace=("trace", "first"), whole=("whole", "first"), people=("target", "size"),
        chosen=("chosen", "all"),
    )  # fmt: skip
    first = first.loc[found.index]
    return Said(
        name, found.index.to_numpy(np.uint64), first["trace"].to_numpy(np.uint64), first["whole"].to_numpy(bool),
        found["value"].to_numpy(np.float64), found["label"].to_numpy(object), first["people"].to_numpy(np.int64),
        first["chosen"].to_numpy(bool), _scale(rows), int((~tied.isin(decided.index)).sum()),
        _sampled_by(rows), rows["time"].max().isoformat(),
    )  # fmt: skip


def _answers(rows: pd.DataFrame) -> dict[str, float]:
    """The number of each answer as it is written; NaN: a word alone."""
    known = rows[["value", "label"]].drop_duplicates()
    return {
        _text(value) if pd.isna(label) else str(label): value
        for value, label in zip(known["value"], known["label"], strict=True)
    }


def _text(value: float) -> str:
    return f"{value:g}"


def _decided(rows: pd.DataFrame, answers: Mapping[str, float]) -> pd.DataFrame:
    """By target what was decided, else the right answer that is known; only answers that labels give are read."""
    told = rows[["target", "decision", "gold", "label"]]
    told = told[told["decision"].notna() | told["gold"].notna()].drop_duplicates("target")
    words = [
        _word(one) if isinstance(one, str) else str(gold)
        for one, gold in zip(told["decision"], told["gold"], strict=True)
    ]
    found = pd.DataFrame({"answer": words}, index=pd.Index(told["target"], name="target", dtype="uint64"))
    found = found[found["answer"].isin(answers)]
    worded = set(rows["label"].dropna())
    return pd.DataFrame({
        "value": pd.Series([answers[one] for one in found["answer"]], found.index, float),
        "label": pd.Series([one if one in worded else None for one in found["answer"]], found.index, object),
    }).sort_index()  # fmt: skip


def _word(text: str) -> str:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return _text(float(found)) if isinstance(found, int | float) and not isinstance(found, bool) else str(found)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Of labels that are numbers without words the mean."""
    found = rows.groupby("target", sort=True)["value"].mean().to_frame()
    return found.assign(label=pd.Series(None, found.index, object))


_NOBODY = pd.Index([], dtype="uint64")


def _majorities(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Index]:
    """The answer that most people give; and the targets on which as many give another, which are left out."""
    counted = rows.groupby(["target", "value", "label"], sort=True, dropna=False).size().rename("n").reset_index()
    first = counted[counted["n"] == counted.groupby("target")["n"].transform("max")]
    alone = ~first["target"].duplicated(keep=False)
    tied = pd.Index(first["target"][~alone].unique(), dtype="uint64")
    found = first[alone].set_index("target")[["value", "label"]]
    return found.assign(label=found["label"].astype(object).where(found["label"].notna(), None)), tied


def _scale(rows: pd.DataFrame) -> Mapping[str, Any]:
    told = rows[["time", "scale"]].dropna().sort_values("time")
    return scale_of(told["scale"].iloc[-1]) if len(told) else {}


def scale_of(text: object) -> Mapping[str, Any]:
    """A scale as a score's metadata has it, where anybody may have stored anything; empty: it is none."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _sampled_by(rows: pd.DataFrame) -> str | None:
    """The dimension that most stratified items were drawn within."""
    told = rows["sampling"][rows["sampling"].str.startswith(STRATIFIED, na=False)]
    return str(told.mode().iloc[0]).removeprefix(STRATIFIED) if len(told) else None
