"""Orders to score stored traces: what they ask for, which traces that is, and what workers say of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from collectors.facts import ScoreFacts
from collectors.frames import score_table
from collectors.normalise import NORMALISER_VERSION
from evaluators.protocol import Card
from evaluators.verdict import Verdict
from server.cases import case_rows, session_row
from server.core import Core
from server.jsontext import dumps
from server.judging import Files, bench
from store import jobs
from store.batch import Batch
from store.errors import StoreError
from store.jobs import Part, Target
from store.outcomes import Failure, Tally

T = TypeVar("T")
LEASE = timedelta(seconds=20)  # a worker says every few seconds that it is still at it
PART_SIZE = 20  # targets: what is lost with a worker, and begun anew
MOST = 10_000  # targets of one order
PAGE = 1_000
WRITE_S = 60.0
PAGING = frozenset({"sort", "page_size", "backward", "after_sort", "after_start_us", "after_trace", "words"})
WAIT_STEP_S = 0.25
MAX_METADATA = 20_000  # letters of JSON that one score keeps beside its reason


class Wanted(BaseModel):
    """One evaluator with its options."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    options: dict[str, Any] = Field(default_factory=dict)


class Order(BaseModel):
    """What is to be scored, by which evaluators."""

    model_config = ConfigDict(extra="forbid")

    evaluators: list[Wanted] = Field(min_length=1, max_length=50)
    unit: Literal["trace", "call"] = Field(
        "trace", description="What is scored: each trace as a whole, or each of its model calls."
    )
    filter: dict[str, Any] = Field(
        default_factory=dict, description="Parameters of the query `traces`, with `since` and `until`: those traces."
    )
    trace_ids: list[UUID] | None = Field(
        None, min_length=1, max_length=MOST, description="These traces, in place of a filter."
    )
    most: int = Field(200, ge=1, le=MOST, description="Targets at most, the newest traces first.")
    budget_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="What judges may cost in all; null: no bound."
    )
    author: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Self:
        unknown = sorted(PAGING & self.filter.keys())
        if unknown:
            raise ValueError(f"{unknown[0]!r} is of pages, not of what is scored; leave it out of the filter")
        told = [(wanted.name, json.dumps(wanted.options, sort_keys=True)) for wanted in self.evaluators]
        twice = next((name for place, (name, held) in enumerate(told) if (name, held) in told[:place]), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is asked for twice with the same options")
        try:
            json.dumps(self.model_dump(mode="python"), ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"a text holds half of a surrogate pair: {error}") from error
        return self


def checked(core: Core, order: Order) -> None:
    """Raises EvaluatorError for an evaluator or option that there is not, and for a judge that cannot be asked."""
    made = bench(replace(Files.of(core.settings), cache=None))
    for wanted in order.evaluators:
        made.make(wanted.name, wanted.options)


def targets_of(core: Core, project: str, order: Order) -> tuple[list[Target], int]:
    """The targets, the newest traces first, and how many traces match in all.

    Raises UnknownQueryError for a filter that the query `traces` does not take.
    """
    traces, total = _traces(core, project, order)
    whole = [Target(UUID(row["trace_id"]), None, row["start_us"], end_us(row)) for row in traces]
    if order.unit == "trace":
        return whole, total
    return calls_of(core, project, whole)[: order.most], total


def count_of(core: Core, project: str, order: Order) -> tuple[int, int]:
    """How many targets there are, and how many traces match in all. Raises as `targets_of` does.

    Of whole traces the first row of the list tells: ten pages of it take seconds.
    """
    if order.unit == "call" or order.trace_ids is not None:
        targets, total = targets_of(core, project, order)
        return len(targets), total
    _, total = _traces(core, project, order.model_copy(update={"most": 1}))
    return min(total, order.most), total


def _traces(core: Core, project: str, order: Order) -> tuple[list[dict[str, Any]], int]:
    if order.trace_ids is not None:
        ids = list(dict.fromkeys(order.trace_ids))[: order.most]
        pages = (core.run("case_traces", project, {"traces": page}).table for page in _slices(ids))
        found = [row for page in pages for row in page.to_pylist()]
        return found, len(found)
    rows: list[dict[str, Any]] = []
    total = 0
    while len(rows) < order.most:
        size = min(PAGE, order.most - len(rows))
        after = _after(rows[-1]) if rows else {}
        page = core.run("traces", project, {**order.filter, **after, **_NEWEST, "page_size": size})
        found = page.table.select(["trace_id", "start_us", "duration_ns", "sort_key", "total"]).to_pylist()
        total = found[0]["total"] if found and not rows else total
        rows += found
        if len(found) < size:
            break
    return rows, total


_NEWEST = {"sort": "newest", "words": False}


def _after(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"after_sort": row["sort_key"], "after_start_us": row["start_us"], "after_trace": row["trace_id"]}


def end_us(row: Mapping[str, Any]) -> int:
    return int(row["start_us"]) + int(row["duration_ns"] or 0) // 1000 + 1


def calls_of(core: Core, project: str, traces: Sequence[Target]) -> list[Target]:
    """The model calls of the traces, in the order of the traces."""
    found: dict[UUID, list[Target]] = {one.trace_id: [] for one in traces}
    known = {one.trace_id: one for one in traces}
    for page in _slices(traces):
        for row in core.run("case_calls", project, bounds(page)).table.to_pylist():
            whole = known[UUID(row["trace_id"])]
            found[whole.trace_id].append(replace(whole, span_id=int(row["span_id"], 16)))
    return [call for calls in found.values() for call in calls]


def bounds(targets: Sequence[Target]) -> dict[str, object]:
    """The parameters `traces`, `since_us` and `until_us` of questions about these traces."""
    return {
        "traces": list(dict.fromkeys(one.trace_id for one in targets)),
        "since_us": min(one.start_us for one in targets),
        "until_us": max(one.end_us for one in targets),
    }


def _slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))


def add(core: Core, project: str, order: Order, targets: Sequence[Target]) -> jobs.Job:
    """Keep the order, for workers to take."""
    project_id = core.projects.id_of(project)
    document = order.model_dump_json(exclude={"trace_ids", "author", "budget_usd"}, exclude_none=True)
    job_id = core.writer.call(
        lambda cursor: jobs.add(cursor, project_id, targets, PART_SIZE, document, order.budget_usd, order.author)
    ).result(WRITE_S)
    return one(core, project, job_id)


def one(core: Core, project: str, job_id: UUID) -> jobs.Job:
    """An order and how far it is.

    Raises:
        UnknownJobError: the project has none of this id.
    """
    with core.readers.read() as cursor:
        found = jobs.job(cursor, core.projects.id_of(project), job_id)
    if found is None:
        raise UnknownJobError(project, job_id)
    return found


class UnknownJobError(Exception):
    """There is no such order."""

    def __init__(self, project: str, job_id: UUID) -> None:
        super().__init__(f"Project {project!r} has no job {job_id}. GET /api/jobs lists those that there are.")


def take(core: Core, wait_s: float) -> Part | None:
    """The next part for a worker; null: nothing came to do within `wait_s`."""
    until = time.monotonic() + wait_s
    while True:
        with core.readers.read() as cursor:
            there = jobs.waiting(cursor)
        part = core.writer.call(lambda cursor: jobs.lease(cursor, LEASE)).result(WRITE_S) if there else None
        if part is not None or time.monotonic() >= until:
            return part
        time.sleep(min(WAIT_STEP_S, max(until - time.monotonic(), 0)))


class Result(BaseModel):
    """One verdict of a worker on one target."""

    model_config = ConfigDict(extra="forbid")

    trace_id: UUID
    span_id: str | None = Field(None, pattern=r"^[0-9a-f]{16}$")
    session_id: str | None = Field(None, description="Set: the verdict is on this session, as taken.")
    evaluator: str = Field(max_length=200)
    version: str = Field(max_length=200)
    source: Literal["code", "llm"]
    status: Literal["ok", "not_applicable", "error"]
    value: float | None = Field(None, allow_inf_nan=False)
    label: str | None = Field(None, max_length=200)
    reason: str = Field("", max_length=100_000)
    error_type: str | None = Field(None, max_length=200)
    metadata: dict[str, str] = Field(default_factory=dict)
    time_ns: int

    def facts(self) -> ScoreFacts:
        """As a score: of an evaluator that failed or did not apply too."""
        return ScoreFacts(
            trace_id=None if self.session_id is not None else self.trace_id.bytes, span_id=self.span(),
            session_id=self.session_id, response_id=None, carrier_trace_id=None, carrier_span_id=None,
            name=self.evaluator,
            value=self.value if self.status == "ok" else None, label=self.label, explanation=self.reason,
            source=self.source, evaluator=self.evaluator, evaluator_version=self.version, author=None,
            error_type=(self.error_type or "error") if self.status == "error" else None, time_ns=self.time_ns,
            metadata={"status": self.status, **self.metadata},
        )  # fmt: skip

    def span(self) -> int | None:
        return None if self.span_id is None else int(self.span_id, 16)


class Results(BaseModel):
    """What a worker did for a part."""

    model_config = ConfigDict(extra="forbid")

    lease: UUID
    results: list[Result]
    calls: int = Field(0, ge=0)
    cached: int = Field(0, ge=0)
    spent_usd: float | None = Field(None, ge=0, allow_inf_nan=False)


NO_MONEY = "budget"  # error type of a judge that the budget did not allow to ask


def finish(core: Core, project: str, job_id: UUID, told: Results) -> bool:
    """Store the verdicts as scores of the order's project and close the part, in one; false: another worker has it.

    What the budget of a rule did not allow to ask is no verdict: it waits.

    Raises:
        UnknownJobError: the project has no such order.
        StoreError: the store refuses the scores; none is stored, and the part is as it was.
    """
    of_rule = one(core, project, job_id).rule_id is not None
    unpaid = [result for result in told.results if of_rule and result.error_type == NO_MONEY]
    kept = [result for result in told.results if not (of_rule and result.error_type == NO_MONEY)]
    counted = Counter(result.status for result in kept)
    tally = Tally(counted["ok"], counted["not_applicable"], counted["error"], told.calls, told.cached, told.spent_usd)
    with core.readers.read() as cursor:
        taken = jobs.taken(cursor, job_id, told.lease)
    failures, again = _failures(kept, taken) if of_rule else [], _placed(unpaid, taken)

    def close(cursor: Any) -> bool:
        return jobs.finish(cursor, job_id, told.lease, tally, failures, again, PART_SIZE)

    if not kept:
        return core.writer.call(close).result(WRITE_S)
    batch = Batch(
        core.projects.id_of(project), "worker", "scores", {}, scores=score_table([result.facts() for result in kept])
    )
    try:
        return core.writer.store_if(batch, close).result(WRITE_S) is not None
    except (StoreError, TimeoutError):
        raise
    except Exception as error:
        raise StoreError(f"No score is stored: {error}") from error


def _failures(results: Sequence[Result], taken: Sequence[Target]) -> list[Failure]:
    placed = _placed([result for result in results if result.status == "error"], taken)
    by_key = {(_key(result), result.evaluator): result for result in results}
    return [
        Failure(
            target.trace_id, target.span_id, target.session_id, target.start_us, target.end_us, name,
            (found := by_key[_key(target), name]).error_type or "error", found.reason,
        )
        for target, name in placed
    ]  # fmt: skip


def _placed(results: Sequence[Result], taken: Sequence[Target]) -> list[tuple[Target, str]]:
    """Each result's target as it was taken, with the evaluator; what was not taken is left out."""
    known = {_key(target): target for target in taken}
    return [(known[_key(result)], result.evaluator) for result in results if _key(result) in known]


def _key(one: Target | Result) -> tuple[UUID, int | None, str | None]:
    return one.trace_id, one.span_id if isinstance(one, Target) else one.span(), one.session_id


def case_of(core: Core, project: str, trace_id: UUID, span_id: str | None) -> dict[str, Any] | None:
    """The row of one case; null: there is no such trace, or no such span in it."""
    found = core.run("case_traces", project, {"traces": [trace_id]}).table.to_pylist()
    if not found:
        return None
    target = Target(trace_id, None, found[0]["start_us"], end_us(found[0]))
    spans = core.run("case_spans", project, bounds([target])).table.to_pylist()
    return next(case_rows(spans, {trace_id.hex: span_id}), None)


def session_of(core: Core, project: str, target: Target) -> dict[str, Any] | None:
    """The row of a session as a case; null: none of its traces is stored any more."""
    session_id, within = target.session_id or "", {"since_us": target.start_us, "until_us": target.end_us}
    ids = core.run("session_traces", project, {"session_id": session_id, **within}).table["trace_id"].to_pylist()
    if not ids:
        return None
    spans = core.run("case_spans", project, {"traces": ids[-PAGE:], **within}).table.to_pylist()
    rows = {str(row["id"]): row for row in case_rows(spans, {})}
    return session_row(session_id, [rows[key] for one in ids if (key := one.replace("-", "")) in rows])


def metadata_of(
    card: Card | None, verdict: Verdict, job_id: str, model: str | None = None, *, example: bool = False
) -> dict[str, str]:
    """What a score keeps of its ruler and its grounds beside value, label and reason; JSON where it has structure.

    `normaliser` is the version that read the trace, `model` the one that was asked (left out where none was), `example`
    (yes) says that its judge was shown the trace as an example. What is longer than `MAX_METADATA` is left out.
    """
    kept: dict[str, Any] = {"job": job_id, "normaliser": str(NORMALISER_VERSION)}
    if model is not None:
        kept["model"] = model
    if example:
        kept["example"] = "yes"
    if card is not None:
        kept["scale"] = asdict(card.scale)
    if verdict.spans:
        kept["spans"] = [asdict(one) for one in verdict.spans]
    if verdict.details:
        kept["details"] = dict(verdict.details)
    if verdict.spent is not None:
        kept["spent"] = asdict(verdict.spent)
    told = {name: value if isinstance(value, str) else dumps(value).decode() for name, value in kept.items()}
    return {name: text for name, text in told.items() if len(text) <= MAX_METADATA}
