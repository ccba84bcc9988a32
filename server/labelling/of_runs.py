"""Rows of runs as candidates: one answer, or the answers of several runs to one item side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from server.aside import Ask
from server.labelling.candidates import Candidate, Found, Said
from server.labelling.sampling import hashed
from server.labelling.showing import Target, of_case
from server.labelling.wishes import OfRun, Rows

MOST_READ = 5_000  # rows of a run that are looked at; each has its whole line
_PAGE = 500

Row = dict[str, Any]


def found(ask: Ask, wish: OfRun, names: Mapping[UUID, str]) -> Found:
    """Candidates in the order of the draw.

    Args:
        ask: named queries of the project.
        wish: which rows, of which run or runs.
        names: of the runs, as people call them.
    """
    if wish.run is not None:
        return _of_one(ask, wish, wish.run, names[wish.run])
    return _compared(ask, wish, names)


def _of_one(ask: Ask, wish: OfRun, run_id: UUID, name: str) -> Found:
    rows, matching = _rows(ask, run_id, wish.rows)
    cases = _cases(ask, run_id, rows, wish.rows)
    candidates = [
        Candidate(
            _target(row), _key(run_id, row), None, matching, _said(row), _why(row, name),
            of_case(cases.get(row["place"], {}), [_answer(row, None)], reference=wish.reference),
            {"run": run_id.hex, "run_name": name, "run_item": row["item"]}, must=bool(wish.rows.items),
        )
        for row in _ordered(rows, wish)
    ]  # fmt: skip
    return Found(candidates, matching, f"rows of run {name}{_rows_words(wish.rows)}", notes=_notes(rows, matching))


def _notes(rows: Sequence[Row], matching: int) -> list[str]:
    if len(rows) >= matching:
        return []
    return [f"The first {len(rows):,} of {matching:,} rows were looked at; narrow them down to reach others."]


def _ordered(rows: Sequence[Row], wish: OfRun) -> list[Row]:
    return sorted(rows, key=lambda row: hashed(wish.sample.seed, f"{row['item']}/{row['repeat']}"))


def _rows(ask: Ask, run_id: UUID, which: Rows) -> tuple[list[Row], int]:
    """Rows that the filters keep, as lines tell them, the first ones; and how many there are."""
    rows: list[Row] = []
    place, repeat, matching = -1, -1, 0
    filters = {name: value for name, value in which.model_dump(exclude={"items"}).items() if value}
    while len(rows) < MOST_READ:
        page = ask(
            "run_rows", run_id=run_id, after_place=place, after_repeat=repeat, page_size=_PAGE, **filters
        ).to_pylist()
        matching = page[0]["matching"] if page else matching
        rows += [orjson.loads(row["line"]) | {"fails": row["fails"]} for row in page]
        if len(page) < _PAGE:
            break
        place, repeat = page[-1]["place"], page[-1]["repeat"]
    if which.items:
        rows = [row for row in rows if row["item"] in set(which.items)]
        matching = len(rows)
    return rows, matching


def _cases(ask: Ask, run_id: UUID, rows: Sequence[Row], which: Rows) -> dict[int, Row]:
    """What was asked, by place: only the row of the first repeat tells it."""
    cases = {row["place"]: row["case"] for row in rows if row.get("case") is not None}
    if any(row["place"] not in cases for row in rows):
        every, _ = _rows(ask, run_id, Rows(items=which.items))
        cases |= {row["place"]: row["case"] for row in every if row.get("case") is not None}
    return cases


def _answer(row: Row, name: str | None) -> Row:
    told = row.get("told") or {}
    return {
        "answer": row["answer"], "name": name, "trace_id": (row.get("measured") or {}).get("trace_id"),
        **{key: told[key] for key in ("contexts", "tool_calls", "messages") if told.get(key)},
    }  # fmt: skip


def _target(row: Row) -> Target | None:
    trace_id = (row.get("measured") or {}).get("trace_id")
    return None if trace_id is None else Target(UUID(str(trace_id)))


def _key(run_id: UUID, row: Row) -> str:
    return f"run/{run_id.hex}/{row['repeat']}/{row['item']}"


def _said(row: Row) -> list[Said]:
    """Verdicts as what judges say; whether one passes decides where it has no number."""
    return [
        Said(
            name, _number(one.get("value")), one.get("label") or _passes(one.get("passed")),
            (one.get("error_type") or "error") if one.get("status") == "error" else None,
        )
        for name, one in (row.get("verdicts") or {}).items()
        if one.get("status") in {"ok", "error"}
    ]  # fmt: skip


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _passes(told: Any) -> str | None:
    return None if told is None else "passes" if told else "does not pass"


def _why(row: Row, name: str) -> str:
    failing = [
        called for called, one in (row.get("verdicts") or {}).items()
        if one.get("passed") is False or one.get("status") == "error"
    ]  # fmt: skip
    told = f" It fails {', '.join(failing)}." if failing else " It has no answer." if row["status"] == "error" else ""
    return f"Item {row['item']} of run {name}.{told}"


def _rows_words(which: Rows) -> str:
    told = [f" that fail{f' {which.evaluator}' if which.evaluator else ''}"] if which.failing else []
    told += [" of items that are flaky"] if which.flaky else []
    told += [f" with the text {which.text!r}"] if which.text else []
    return ",".join(told)


# Side by side.


def _compared(ask: Ask, wish: OfRun, names: Mapping[UUID, str]) -> Found:
    by_run = {run_id: _rows(ask, run_id, Rows(items=wish.rows.items))[0] for run_id in wish.compare}
    answered = [
        {(row["item"], row["content"], row["repeat"]): row for row in rows if row["status"] != "error"}
        for rows in by_run.values()
    ]
    chosen = _chosen(ask, wish)
    shared = [
        key for key in answered[0]
        if all(key in others for others in answered) and (chosen is None or (key[0], key[2]) in chosen)
    ]  # fmt: skip
    differing = [key for key in shared if len({one[key]["answer"] for one in answered}) > 1]
    cases = {row["place"]: row["case"] for row in by_run[wish.compare[0]] if row.get("case") is not None}
    rows = [
        [one[key] for one in answered] for key in sorted(differing, key=lambda key: hashed(wish.sample.seed, str(key)))
    ]
    candidates = [_pair(one, wish, names, cases.get(one[0]["place"], {}), len(differing)) for one in rows]
    notes = list(_left_out(len(answered[0]), len(shared), len(differing)))
    return Found(
        candidates,
        len(differing),
        f"items that {' and '.join(names[one] for one in wish.compare)} answered",
        notes=notes,
    )


def _chosen(ask: Ask, wish: OfRun) -> set[tuple[str, int]] | None:
    """Items and repeats that the filters keep in one of the runs; null: all."""
    if not (wish.rows.failing or wish.rows.flaky or wish.rows.text):
        return None
    return {(row["item"], row["repeat"]) for run_id in wish.compare for row in _rows(ask, run_id, wish.rows)[0]}


def _left_out(first: int, shared: int, differing: int) -> Iterator[str]:
    if shared < first:
        yield f"{first - shared:,} of {first:,} items were not answered by all of these runs, or not asked the same."
    if differing < shared:
        yield f"{shared - differing:,} items were answered in the same words by all; there is nothing to compare."


def _pair(rows: Sequence[Row], wish: OfRun, names: Mapping[UUID, str], case: Row, total: int) -> Candidate:
    answers = [_answer(row, names[run_id]) for row, run_id in zip(rows, wish.compare, strict=True)]
    key = f"runs/{'/'.join(run_id.hex for run_id in wish.compare)}/{rows[0]['repeat']}/{rows[0]['item']}"
    told = " and ".join(names[run_id] for run_id in wish.compare)
    return Candidate(
        _target(rows[0]) if all(_target(row) for row in rows) else None, key, None, total, (),
        f"Answers of {told} to item {rows[0]['item']}.", of_case(case, answers, reference=wish.reference),
        {"runs": told, "run_item": rows[0]["item"]}, must=bool(wish.rows.items),
    )  # fmt: skip
