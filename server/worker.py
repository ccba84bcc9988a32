"""The worker: takes targets from the server, scores them, gives the verdicts back. Any number may run at once.

What a worker has taken is its own for twenty seconds, and for as long as it says so. One that dies loses nothing but
time.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from evaluators.case import Case, Unreadable
from evaluators.errors import EvaluatorError, UnreadableCaseError
from evaluators.protocol import Card, Evaluator, ruler
from evaluators.rows import read_case
from evaluators.runner import run
from evaluators.scoring import release
from evaluators.verdict import Spent, Verdict, failed
from server import running
from server.cases import case_rows, session_row
from server.client import ApiError, Client
from server.jobs import metadata_of
from server.judge_traces import traced
from server.judging import Bench, Files, bench
from server.ports import reachable
from server.run_worker import RunWorker
from server.settings import Settings
from server.turns import until_stopped

KEEP_S = 4.0  # between two words that the part is still being worked on
CONCURRENCY = 32  # a judge bounds its own
MOST_TURNS = 1_000  # of a session, the newest
GONE = "Its spans are no longer stored."
TOO_LARGE = "The trace has more spans than one answer holds (ASSAY_QUERY_MAX_ROWS)."

log = logging.getLogger(__name__)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ruler:
    """What scored, beside the evaluator's card."""

    version: str  # with its options
    model: str | None = None  # that it asks; null: none
    shown: frozenset[str] = frozenset()  # traces that its judge was shown as examples


Kept = tuple[Row, Card | str, Ruler, Verdict]  # a target, the evaluator's card (or its name), its ruler, what it said


@dataclass(slots=True)
class Worker:
    """Works for one server until it is told to stop."""

    url: str
    files: Files = field(default_factory=Files)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `stopping` is set. A server that does not answer is asked again, and a fault is told and outlived.

        What it was at is taken again, by this worker or another, and given up when that fails too.
        """
        until_stopped(self.stopping, self.turn, log, "a part could not be scored")

    def turn(self, wait_s: float) -> bool:
        """Take and score one part; false: there was none within `wait_s`. Raises ApiError."""
        with Client(self.url) as client:
            part = client.take_work(wait_s)
        if part is None:
            return False
        with Client(self.url, str(part["project"])) as client, _kept(client, part) as lost:
            told = self._done(client, part, lost)
            if not lost.is_set():  # else the job was cancelled, or another worker has the part
                client.finish_work(part["job_id"], told)
        return True

    def _done(self, client: Client, part: Row, lost: threading.Event) -> Row:
        """The body of `finish`: a verdict of each evaluator on each target; once it is lost, of some."""
        try:
            with self._bench(part) as known:
                said = _said(client, part, known, lost)
        except EvaluatorError as error:  # the file of judges or evaluators
            said = _lost(part, part["order"]["evaluators"], error)
        spent = [verdict.spent for *_, verdict in said if verdict.spent is not None]
        return {"lease": part["lease"], "results": [_result(part, *one) for one in said], **_sums(spent)}

    @contextmanager
    def _bench(self, part: Row) -> Iterator[Bench]:
        """The judges and own evaluators of the job, with what is left of its budget. Judges are traced."""
        files = replace(self.files, budget_usd=part["left_usd"])
        if files.judges is None:
            yield bench(files)
            return
        with traced(self.url) as tracer:
            yield bench(files, tracer)


def work(settings: Settings) -> None:
    """Run one worker for the settings' server until SIGTERM or SIGINT; a part that it has is finished first."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    found = running.find(settings.data_dir)
    own = f"http://{reachable(settings.host)}:{settings.api_port}"
    url = str(settings.api_url) if settings.api_url is not None else found.api_url if found else own
    worker = Worker(url, Files.of(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stopping.set())
    runner = threading.Thread(target=RunWorker(url, settings, worker.stopping).run, name="runs")
    runner.start()
    worker.run()
    runner.join()


def _said(client: Client, part: Row, known: Bench, lost: threading.Event) -> list[Kept]:
    cases = cases_of(client, part)
    said: list[Kept] = []
    for wanted in part["order"]["evaluators"]:
        try:
            evaluator = known.make(wanted["name"], wanted["options"])
        except EvaluatorError as error:  # it was there when the order was given
            said += _lost(part, [wanted], error)
        else:
            said += asyncio.run(_scored(part["targets"], cases, evaluator, lost))
    return said


def _lost(part: Row, wanted: Sequence[Row], error: EvaluatorError) -> list[Kept]:
    lost = failed("unknown_evaluator", str(error))
    return [(target, one["name"], Ruler(""), lost) for one in wanted for target in part["targets"]]


@contextmanager
def _kept(client: Client, part: Row) -> Iterator[threading.Event]:
    """Keep the part for as long as the block runs. Set: it is no longer ours, and need not be gone on with."""
    over, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not over.wait(KEEP_S):
            with suppress(ApiError):
                if not client.keep_work(part["job_id"], part["lease"]):
                    lost.set()

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()


def cases_of(client: Client, part: Row) -> list[Case | Unreadable]:
    """A case for each target of the part, in their order; one that cannot be made says why."""
    alone = [one["trace_id"] for one in part["targets"] if one["session_id"] is None]
    spans = _spans(client, part, list(dict.fromkeys(alone))) if alone else {}
    return [
        _case(spans[one["trace_id"]], one["trace_id"], one["span_id"])
        if one["session_id"] is None
        else _session(client, part, one["session_id"])
        for one in part["targets"]
    ]


def _session(client: Client, part: Row, session_id: str) -> Case | Unreadable:
    bounds = {"since_us": part["since_us"], "until_us": part["until_us"]}
    found = [
        str(row["trace_id"]).replace("-", "") for row in client.rows("session_traces", session_id=session_id, **bounds)
    ]
    ids = found[-MOST_TURNS:]
    if not ids:
        return Unreadable(session_id, GONE)
    spans = _spans(client, part, ids)
    if None in spans.values():
        return Unreadable(session_id, TOO_LARGE)
    rows = [next(case_rows(spans[one] or [], {one: None}), None) for one in ids]
    return _read(session_row(session_id, [row for row in rows if row is not None]), session_id)


def _spans(client: Client, part: Row, traces: Sequence[str]) -> dict[str, list[Row] | None]:
    """The spans of each trace; null: they are more than one answer holds."""
    asked = client.query("case_spans", traces=",".join(traces), since_us=part["since_us"], until_us=part["until_us"])
    if asked.truncated:
        each = traces if len(traces) > 1 else ()
        return {one: _spans(client, part, [one])[one] for one in each} or dict.fromkeys(traces)
    found: dict[str, list[Row] | None] = {one: [] for one in traces}
    for trace_id, rows in groupby(records(asked), key=lambda row: str(row["trace_id"])):
        found[trace_id] = list(rows)
    return found


def _case(spans: list[Row] | None, trace_id: str, span_id: str | None) -> Case | Unreadable:
    name = trace_id if span_id is None else f"{trace_id}/{span_id}"
    if spans is None:
        return Unreadable(name, TOO_LARGE)
    return _read(next(case_rows(spans, {trace_id: span_id}), None), name)


def _read(row: Row | None, name: str) -> Case | Unreadable:
    if row is None:
        return Unreadable(name, GONE)
    try:
        return read_case(row)
    except UnreadableCaseError as error:
        return Unreadable(name, str(error))


def records(answer: Any) -> list[Row]:
    """Rows of an answer, null as None."""
    frame = answer.frame.astype(object)
    found: list[Row] = frame.where(frame.notna(), None).to_dict("records")
    return found


async def _scored(
    targets: Sequence[Row], cases: Sequence[Case | Unreadable], evaluator: Evaluator, lost: threading.Event
) -> list[Kept]:
    told, card = Ruler(ruler(evaluator), model_of(evaluator), shown_to(evaluator)), evaluator.card
    try:
        async with aclosing(run(cases, [evaluator], CONCURRENCY)) as scored:
            said = []
            async for one in scored:
                said.append(one.verdict)
                if lost.is_set():
                    break
    finally:
        await release([evaluator])
    return [(target, card, told, verdict) for target, verdict in zip(targets, said, strict=False)]


def model_of(evaluator: Evaluator) -> str | None:
    """The model that a judge asks; null: the evaluator asks none."""
    settings = getattr(getattr(evaluator, "judge", None), "settings", None)
    return getattr(settings, "model", None)


def shown_to(evaluator: Evaluator) -> frozenset[str]:
    """Traces that a judge is shown as examples of what people decided."""
    found: frozenset[str] = getattr(getattr(evaluator, "rubric", None), "shown", frozenset())
    return found


def _result(part: Row, target: Row, card: Card | str, told: Ruler, verdict: Verdict) -> Row:
    named = card if isinstance(card, str) else card.name
    judged = isinstance(card, Card) and card.cost == "judge"
    return {
        **target, "evaluator": named, "version": told.version, "source": "llm" if judged else "code",
        "status": verdict.status, "value": verdict.value, "label": verdict.label, "reason": verdict.reason,
        "error_type": verdict.error_type, "time_ns": time.time_ns(),
        "metadata": metadata_of(
            card if isinstance(card, Card) else None, verdict, part["job_id"], told.model,
            example=str(target["trace_id"]).replace("-", "") in told.shown,
        ),
    }  # fmt: skip


def _sums(spent: Sequence[Spent]) -> Row:
    """Of judges: what was asked, and what it cost; null: nothing, or no price is known."""
    known = [one.cost_usd for one in spent if one.cost_usd is not None]
    return {
        "calls": sum(one.calls for one in spent), "cached": sum(one.cached for one in spent),
        "spent_usd": sum(known) if known else None,
    }  # fmt: skip
