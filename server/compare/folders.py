"""Folders of results as what a comparison of runs asks a store for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from evaluators.suites.results import read_rows
from server.aside import Ask

TARGET = "target."

Json = dict[str, Any]


def rows(file: Path) -> list[Json]:
    """What a comparison needs of a results.jsonl. Raises ResultsError."""
    return [_kept(row) for row in read_rows(file)]


def asking(rows_of: Callable[[str], list[Json]]) -> Ask:
    """The named queries `compare_rows` and `compare_keys` over rows by the id of their run; there are no slices."""

    def ask(name: str, **params: Any) -> pa.Table:
        if name == "compare_keys":
            return pa.table({"key": pa.array([], pa.string())})
        return _table([rows_of(run_id) for run_id in params["runs"]], params["measures"])

    return ask


def _kept(row: Json) -> Json:
    told = {**(row.get("usage") or {}), **(row.get("measured") or {})}
    ok = {name: said for name, said in row["verdicts"].items() if said["status"] == "ok"}
    return {
        "place": row["place"], "repeat": row["repeat"], "item": row["item"], "cluster": row["cluster"],
        "content": row.get("content") or "", "lost": row["status"] == "error",
        "said": {name: said["value"] for name, said in ok.items()}
        | {f"{TARGET}{name}": value for name, value in told.items() if isinstance(value, int | float)},
        "passes": {
            name: float(said["passed"]) for name, said in row["verdicts"].items() if said.get("passed") is not None
        },
        "faults": {name: 1.0 for name, said in row["verdicts"].items() if said["status"] == "error"},
    }  # fmt: skip


def _table(runs: Sequence[list[Json]], measures: Sequence[str]) -> pa.Table:
    """As the query `compare_rows` answers, with all items."""
    every = [(at, row) for at, found in enumerate(runs, 1) for row in found]
    items = len({row["item"] for _, row in every})
    texts = {name: pa.array([row[name] for _, row in every], pa.string()) for name in ("item", "cluster", "content")}
    lists = {
        name: pa.array([[row[name].get(one) for one in measures] for _, row in every], pa.list_(pa.float64()))
        for name in ("said", "passes", "faults")
    }
    return pa.table({
        "run": pa.array([at for at, _ in every], pa.int32()),
        "place": pa.array([row["place"] for _, row in every], pa.int64()),
        "repeat": pa.array([row["repeat"] for _, row in every], pa.int32()), **texts,
        "lost": pa.array([row["lost"] for _, row in every], pa.bool_()), **lists,
        "items": pa.array([items] * len(every), pa.int64()),
    })  # fmt: skip
