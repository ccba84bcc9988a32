"""Judges against people: what both said of the same targets."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.calls import CallFilters, Dimension, kept

MOST_ROWS = 200_000


@query(right="read")
def judge_state(con: DuckDBPyConnection, project_id: int) -> pa.Table:
    """One row: the newest commit that brought a label (labelled; 0: none), how many there are (labels), and scored.

    `scored` is the newest commit that brought any score.
    """
    return ask_few(con, "judge_state", {"project_id": project_id})


@query(right="read")
def judge_labels(con: DuckDBPyConnection, project_id: int, labels: list[str] | None = None) -> pa.Table:
    """What people say under these names (none: all): a row per name, target and author, by these; newest labels alone.

    target and trace (hashes), whole (no span of it), of_session, author (empty: unnamed), value and label (one may be
    null), time, scale (JSON; null: not told). Of queues: queue, sampling and origin (how the item was drawn, and of
    what), gold (the right answer), removed, decision (JSON of what was decided; null: nothing). Labels that were
    taken back, and those of response ids, are left out.
    """
    return ask(con, "judge_labels", {"project_id": project_id, "labels": labels or []})


@query(right="read")
def judge_met(con: DuckDBPyConnection, project_id: int) -> pa.Table:
    """The newest score of each ruler for each target whose trace or session people labelled.

    name, evaluator and version (empty: not told), target, trace, whole, of_session (as of `judge_labels`), value and
    label (one may be null), example (the judge was shown the trace as one of what people decided), cluster (a hash: the
    session, else the user, else the trace). Failed ones are left out. A score by response id is one of the span that
    has it.
    """
    return ask(con, "judge_met", {"project_id": project_id})


@query(right="read")
def judge_rulers(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Rulers of scores that no person gave: name, evaluator, version, scores, failed, first_at, last_at, source.

    By last_at. model, normaliser, scale: as the newest tells them; null: it does not.
    """
    return ask_few(con, "judge_rulers", {"project_id": project_id, "max_rows": max_rows})


@query(right="read")
def judge_rows(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    score: str,
    evaluator: str,
    version: str,
    most: int = MOST_ROWS,
    details: bool = False,
) -> pa.Table:
    """The newest score that one ruler gave each target: those that people labelled, and about `most` of the others.

    By target: target, trace, whole, of_session, cluster (as of `judge_met`), trace_id (text), span_id, session_id,
    value, label, model, prompt, variant (`several` where the trace has several), release, service, environment,
    output_tokens (null: unknown), position, details (where asked for; JSON), normaliser, example (as of
    `judge_met`), and how many targets were scored in all (scored). Others are drawn by the hashes of their traces.
    Failed ones are left out.

    Raises:
        ValueError: `most` is not between 1 and 200,000.
    """
    within("most", most, MOST_ROWS)
    return ask(con, "judge_rows", {
        "project_id": project_id, "score": score, "evaluator": evaluator, "version": version, "most": most,
        "details": details,
    })  # fmt: skip


@query(right="read")
def judge_run_rows(con: DuckDBPyConnection, project_id: int, runs: list[UUID], measure: str) -> pa.Table:
    """What an evaluator said of the rows of runs, in the order of `runs`, place and repeat.

    run (from 1), place, repeat, item, content, called (the item's cluster), target and trace (as of `judge_labels`;
    `traced` false: the row has no trace), value and passed (1 or 0; null: not known). Verdicts that failed are left
    out.
    """
    return ask(con, "judge_run_rows", {"project_id": project_id, "runs": runs, "measure": measure})


@query(right="read")
def judge_traffic(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    values: list[str],
    score: str,
    most: int = MOST_ROWS,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Scores of one name that no person gave, of calls with these values of the dimension: a row a target and value.

    variant (the value), ruler (evaluator and version), target, trace, whole, cluster (as of `judge_met`), value, label,
    scale, example (as of `judge_met`), and how many targets the value has in all (scored); of each value about `most`,
    and all that people labelled.

    Raises:
        ValueError: `most` is not between 1 and 200,000.
    """
    within("most", most, MOST_ROWS)
    asked = kept(project_id, since, until, filters, dimension)
    return ask(con, "judge_traffic", asked | {"values": values, "score": score, "most": most})
