"""Runs as the store keeps them: rows of results as columns, what a list shows of a summary, pages of rows."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa

from server.core import Core
from server.evals.folder import HTML
from server.evals.report.rows import fails
from server.when import naive
from store import runs as store
from store.experiments import NewExperiment
from store.runs import Run

SILENCE = timedelta(seconds=60)  # after the last word of a run that the command line tells of
WRITE_S = 60.0
MOST_ROWS = 1_000  # that are told at once
PAGE = 1_000  # rows of a stream that are read at once
VALUES = 3  # evaluators whose figures a list tells
CLIPPED = 600  # letters of a text in a brief row
MEASURED = ("latency_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens")

Json = dict[str, Any]


class BadRowError(Exception):
    """A line is no row of results; nothing of what came with it is kept."""


class UnknownRunError(Exception):
    """There is no such run."""

    def __init__(self, project: str, run_id: UUID) -> None:
        super().__init__(f"Project {project!r} has no run {run_id.hex}. GET /api/runs lists those that there are.")


def found(core: Core, project: str, run_id: UUID) -> tuple[Run, store.Texts]:
    """One run. Raises UnknownRunError."""
    with core.readers.read() as cursor:
        one = store.run(cursor, core.projects.id_of(project), run_id)
    if one is None:
        raise UnknownRunError(project, run_id)
    return one


def rows_of(body: bytes) -> pa.Table:
    """Lines of results as columns of `run_rows`.

    Raises:
        BadRowError: a line is no row, there are more than 1,000, or two are of one place and repeat.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MOST_ROWS:
        raise BadRowError(f"{len(lines):,} rows came at once; tell at most {MOST_ROWS:,} in one request.")
    rows = [_row(line, number) for number, line in enumerate(lines, 1)]
    twice = [place for place, n in Counter((row["place"], row["repeat"]) for row in rows).items() if n > 1]
    if twice:
        raise BadRowError(f"Two rows have place {twice[0][0]} and repeat {twice[0][1]}.")
    return pa.Table.from_pylist(rows, schema=store.ROW_COLUMNS)


def _row(line: bytes, number: int) -> Json:
    try:
        told = orjson.loads(line)
        verdicts: Mapping[str, Json] = told["verdicts"]
        failed = sorted(name for name, said in verdicts.items() if said["status"] == "error")
        passed = {name: bool(said["passed"]) for name, said in verdicts.items() if said.get("passed") is not None}
        trace_id = (told.get("measured") or {}).get("trace_id")
        return {
            "place": int(told["place"]), "repeat": int(told["repeat"]), "item": str(told["item"]),
            "cluster": str(told["cluster"]), "content": str(told.get("content") or ""),
            "status": "error" if told["status"] == "error" else "ok",
            "fails": fails(told),
            "trace_id": None if trace_id is None else str(UUID(trace_id)), "numbers": _numbers(told, verdicts),
            "passed": passed, "failed": failed, "line": line.decode("utf-8"),
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRowError(f"Line {number} is no row of results: {type(error).__name__} {error}.") from error


def _numbers(told: Json, verdicts: Mapping[str, Json]) -> dict[str, float]:
    measured = {**(told.get("usage") or {}), **(told.get("measured") or {})}
    every = {name: said.get("value") for name, said in verdicts.items() if said["status"] == "ok"}
    every |= {f"target.{name}": measured.get(name) for name in MEASURED}
    return {name: float(value) for name, value in every.items() if value is not None and math.isfinite(value)}


def ending_of(summary: Json, manifest: Json) -> store.Ending:
    """What is booked of a run that ended. Raises KeyError, TypeError, ValueError: these are none of a run."""
    ended = datetime.fromisoformat(manifest["ended_at"])
    return store.Ending(
        summary=text(summary), manifest=text(manifest), brief=text(brief_of(summary)),
        outcome="passed" if summary["outcome"] == "passed" else "failed", items=int(summary["items"]),
        repeats=int(summary["repeats"]), answers=int(summary["answers"]), cost_usd=_cost(summary["cost"]),
        ended_at=naive(ended),
    )  # fmt: skip


def experiment_of(manifest: Json, suite: str, author: str | None) -> tuple[NewExperiment, str] | None:
    """The experiment that the manifest of a run of the command line names, and its arm; null: it is of none.

    Raises KeyError, TypeError, ValueError: that is none.
    """
    told = manifest.get("experiment")
    if told is None:
        return None
    name = str(told["name"])[:200]
    new = NewExperiment(UUID(told["id"]), name, suite, "cli", author, text(told.get("varied") or {}))
    return new, text(dict(told["arm"]))


def brief_of(summary: Json) -> Json:
    """What a list of runs shows: items, repeats, failed answers, gates, those that fail, one sentence, the baseline.

    `values` are of the first evaluators.
    """
    gates = summary["gates"]
    sentences = summary.get("sentences") or [""]
    return {
        "items": summary["items"], "repeats": summary["repeats"],
        "failed_answers": sum(summary["failed_answers"].values()),
        "gates": dict(Counter(str(gate["state"]) for gate in gates)),
        "failing": [str(gate["text"]) for gate in gates if gate["fails"]][:20],
        "evaluators": [str(one["name"]) for one in summary["evaluators"]], "sentence": str(sentences[0])[:CLIPPED],
        "flaky": summary.get("flaky_count", 0), "unknown_cost": summary["cost"].get("unknown", 0),
        "baseline": (summary.get("baseline") or {}).get("run_id"),
        "values": [_value(one) for one in summary["evaluators"][:VALUES]],
        "p95_ms": next((one["p95"] for one in summary["measured"] if one["name"] == "latency_ms"), None),
    }  # fmt: skip


def _value(evaluator: Json) -> Json:
    """What an evaluator came to, in short: the share that passes, else the mean; null: neither is known."""
    measure = "pass_rate" if evaluator.get("pass_rate") else "mean"
    told = evaluator.get(measure) or {}
    return {
        "name": str(evaluator["name"]),
        "measure": measure,
        **{key: told.get(key) for key in ("value", "low", "high")},
    }


def _cost(cost: Json) -> float | None:
    known = [cost[name] for name in ("target_usd", "judges_usd") if cost.get(name) is not None]
    return sum(known) if known else None


def text(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def shown(run: Run) -> Json:
    """A run as the API tells it in lists."""
    told = asdict(run)
    experiment_id = None if run.experiment_id is None else run.experiment_id.hex
    return told | {
        "run_id": run.run_id.hex, "brief": _json(run.brief), "wish": _json(run.wish), "experiment_id": experiment_id,
        "arm": _json(run.arm),
    }  # fmt: skip


def whole(run: Run, texts: store.Texts) -> Json:
    """A run with all that is kept of it."""
    return shown(run) | {
        "manifest": _json(texts.manifest), "summary": _json(texts.summary), "document": texts.document,
    }  # fmt: skip


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def page(core: Core, project: str, run_id: UUID, params: Mapping[str, object], *, brief: bool) -> Json:
    """Rows that the filters keep, with `matching` in all and `next`, what a next page comes after (null: none does).

    Each row has `case`, which results.jsonl tells in the row of the first repeat alone, and `fails`. `brief`: long
    texts are cut, and what only a reader of one row needs is left out.
    """
    answer = core.run("run_rows", project, {"run_id": run_id, **params})
    told = answer.table.to_pylist()
    with core.readers.read() as cursor:
        firsts = store.firsts(cursor, core.projects.id_of(project), run_id, sorted({row["place"] for row in told}))
        cases = {row["place"]: row.get("case") for row in map(orjson.loads, firsts)}
    rows = [orjson.loads(row["line"]) | {"fails": row["fails"], "case": cases.get(row["place"])} for row in told]
    matching = told[0]["matching"] if told else 0
    full = len(told) == params.get("page_size", 50)
    after = {"after_place": told[-1]["place"], "after_repeat": told[-1]["repeat"]} if full else None
    return {"rows": [_brief(row) for row in rows] if brief else rows, "matching": matching, "next": after}


def _brief(row: Json) -> Json:
    case = row.get("case") or {}
    kept = {name: row.get(name) for name in ("item", "place", "repeat", "cluster", "status", "error_type", "fails")}
    verdicts = {
        name: {key: said.get(key) for key in ("status", "value", "label", "passed", "error_type")}
        | {"reason": _clip(said.get("reason"))}
        for name, said in row["verdicts"].items()
    }
    texts = {name: _clip(row.get(name)) for name in ("answer", "reason")}
    measured = row.get("measured") or {}
    return {
        **kept, **texts, "question": _clip(question(case)), "verdicts": verdicts,
        "measured": {name: measured.get(name) for name in ("latency_ms", "trace_id")},
    }  # fmt: skip


def question(case: Mapping[str, Any]) -> str | None:
    """What was asked; of a conversation its last message of a user; null: the case has neither."""
    if case.get("question") is not None:
        return str(case["question"])
    asked = [one for one in case.get("messages") or () if isinstance(one, dict) and one.get("role") == "user"]
    if not asked:
        return None
    said = asked[-1].get("content", asked[-1].get("parts"))
    return said if isinstance(said, str) else text(said)


def _clip(text: str | None) -> str | None:
    return text if text is None or len(text) <= CLIPPED else text[: CLIPPED - 1] + "…"


def lines(core: Core, project_id: int, run_id: UUID) -> Iterator[bytes]:
    """All rows as they were told, in order; some at a time, so that none holds a place of the readers for long."""
    after = (-1, -1)
    while True:
        with core.readers.read() as cursor:
            rows = store.lines(cursor, project_id, run_id, after, PAGE)
        if rows:
            yield b"".join(line.encode() + b"\n" for _, _, line in rows)
        if len(rows) < PAGE:
            return
        after = (rows[-1][0], rows[-1][1])


def report(results: str, summary: str, manifest: str) -> str:
    """report.html, from a file of rows and what is kept of the run; seconds of Python where rows are many."""
    from server.evals.report import reports  # noqa: PLC0415 - the templates' library

    return reports(Path(results), orjson.loads(summary), orjson.loads(manifest))[HTML]
