"""Runs of other harnesses: lines of items and scores become rows, a summary and a manifest like those of a suite's run.

Pure: the first line says what was run, each other line what came of an item. What is not told stays unknown.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID, uuid5

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from evaluators.case import Case
from evaluators.documents import document
from evaluators.errors import EvaluatorError, UnreadableCaseError
from evaluators.protocol import Card
from evaluators.rows import case_row, parsed
from evaluators.suites.engine import Scorer
from evaluators.suites.items import Item, items_of
from evaluators.suites.results import Digest, line_of
from evaluators.suites.suite import TARGET, Dataset, Suite, Use
from evaluators.verdict import Scale, Verdict, failed
from server.compare.measures import scale_better
from server.evals.columns import Columns
from server.evals.summary import summed

MOST_ROWS = 20_000
MOST_SCORES = 50  # names
MOST_REPEATS = 100
FAILED = "harness_error"  # type of an error that was pushed
FAULTS = 5  # that one error tells
PART = 1_000  # rows that the store takes at once
SCORE = "a score is a number, true or false, null, or {value, label, passed, reason, error}"
_SPACE = UUID("0f9c51f0-6a0e-5d6f-9d2a-4c1f2f0b7c11")  # of the ids that are made here
_ELSE = re.compile(r"[^A-Za-z0-9._-]+")

MOST_VALUE = 1e100  # of a number: the squares of so large ones are summed, and still are numbers
MOST_TOKENS = 10**15

Json = dict[str, Any]
Known = Annotated[float, Field(ge=0, le=MOST_VALUE, allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=0, le=MOST_TOKENS)] | None


class PushError(EvaluatorError):
    """What was pushed is no run; nothing of it is kept."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreTold(_Part):
    """What is known of a score's ruler."""

    version: str = Field("pushed", min_length=1, max_length=100)
    better: Literal["higher", "lower"] | None = None
    low: float | None = None
    high: float | None = None


class DatasetTold(_Part):
    """A stored dataset, whose runs it is then among."""

    name: str = Field(min_length=1, max_length=100)
    version: int = Field(ge=1)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_in_utc)]


class Header(_Part):
    """The first line: what was run."""

    experiment: str = Field(min_length=1, max_length=200)
    variant: str | None = Field(None, min_length=1, max_length=200)
    arm: dict[str, JsonValue] = Field(default_factory=dict, max_length=20)
    id: str | None = Field(None, min_length=1, max_length=200)
    suite: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    dataset: DatasetTold | str | None = None
    cluster: str | None = Field(None, max_length=200)
    scores: dict[str, ScoreTold] = Field(default_factory=dict, max_length=MOST_SCORES)
    metadata: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    harness: str | None = Field(None, max_length=100)
    started_at: Time | None = None
    ended_at: Time | None = None
    author: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.started_at is not None and self.ended_at is not None and self.ended_at < self.started_at:
            raise ValueError(f"ended_at {self.ended_at} is before started_at {self.started_at}: tell when it ended")
        return self

    @property
    def values(self) -> dict[str, JsonValue]:
        """What sets this run apart in its experiment."""
        return ({} if self.variant is None else {"variant": self.variant}) | self.arm

    @property
    def called(self) -> str:
        """The suite that its runs are listed under."""
        return self.suite or _ELSE.sub("-", self.experiment).strip("-._")[:100] or "pushed"


class Score(_Part):
    """One score of one answer."""

    value: Annotated[float, Field(ge=-MOST_VALUE, le=MOST_VALUE, allow_inf_nan=False)] | None = None
    label: str | None = Field(None, max_length=1000)
    passed: bool | None = None
    reason: str = ""
    error: str | None = None


def _score(told: Any) -> Any:
    if isinstance(told, bool):
        return {"value": float(told), "passed": told}
    if told is None or isinstance(told, int | float):
        return {"value": told}
    if not isinstance(told, dict):
        hint = f"; write {{label: {told!r}}} for a label" if isinstance(told, str) else ""
        raise ValueError(f"{SCORE}{hint}")  # noqa: TRY004 - pydantic takes no other
    value = told.get("value")
    return told | ({"value": float(value)} if isinstance(value, bool) else {})


def _text(told: Any) -> Any:
    return str(told) if isinstance(told, int) and not isinstance(told, bool) else told


class Row(_Part):
    """A line: what came of an item in a repeat."""

    item: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=2000)]
    repeat: int = Field(0, ge=0, lt=MOST_REPEATS)
    input: JsonValue = None
    output: JsonValue = None
    expected: JsonValue = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    scores: dict[
        Annotated[str, Field(min_length=1, max_length=200)], Annotated[Score, BeforeValidator(_score)]
    ] = Field(default_factory=dict, max_length=MOST_SCORES)  # fmt: skip
    latency_ms: Known = None
    ttft_ms: Known = None
    cost_usd: Known = None
    input_tokens: Count = None
    output_tokens: Count = None
    trace_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$")
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """An evaluator that has spoken elsewhere."""

    card: Card

    def __call__(self, case: Case) -> Verdict:
        raise NotImplementedError(f"{self.card.name} was scored by another harness.")


def built(body: bytes, project: str, now: str) -> Json:
    """A run from lines: `{problem}`, or `{run_id, experiment_id, suite, values, name, author, ...}`, plain values.

    Args:
        body: JSON lines, the header first.
        project: whose run it is; ids are of it.
        now: UTC, ISO 8601: when it began and ended, where the header does not say.

    `parts`: its rows as lines of results.jsonl, a thousand a part; `manifest`; `summary`.
    """
    try:
        return _built(body, project, now)
    except EvaluatorError as error:
        return {"problem": str(error)}


def _built(body: bytes, project: str, now: str) -> Json:
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise PushError('Nothing was pushed. The first line is such as {"experiment": "NAME", "variant": "A"}.')
    header = _read(lines[0], Header)
    rows = _rows(lines[1:])
    run = _Run(header, rows, hashlib.sha256(body).hexdigest())
    return run.told(project, now)


def _read(line: tuple[int, bytes], kind: Any) -> Any:
    number, text = line
    try:
        told = parsed(text)
    except UnreadableCaseError as error:
        raise PushError(f"Line {number}: {error}") from error
    return document(told, kind, f"Line {number}", None)


def _rows(lines: Sequence[tuple[int, bytes]]) -> list[tuple[int, Row]]:
    """The rows with the numbers of their lines. Raises PushError, which names the first lines that are none."""
    if len(lines) > MOST_ROWS:
        raise PushError(f"{len(lines):,} rows came; a run has at most {MOST_ROWS:,}. Push a part of them.")
    found: list[tuple[int, Row]] = []
    seen: dict[tuple[str, int], int] = {}
    faults: list[str] = []
    for line in lines:
        try:
            row: Row = _read(line, Row)
            first = seen.setdefault((row.item, row.repeat), line[0])
            if first != line[0]:
                what = f"item {row.item!r}, repeat {row.repeat} stands in line {first} already. Number its repeats."
                raise PushError(f"Line {line[0]}: {what}")
        except EvaluatorError as error:
            faults.append(str(error))
        else:
            found.append((line[0], row))
    if faults:
        more = f"\nAnd {len(faults) - FAULTS:,} more lines." if len(faults) > FAULTS else ""
        raise PushError("\n".join(faults[:FAULTS]) + more)
    if not found:
        raise PushError('No row was pushed. A row is such as {"item": "1", "output": "yes", "scores": {"exact": 1}}.')
    return found


@dataclass(slots=True)
class _Run:
    header: Header
    rows: list[tuple[int, Row]]
    digest: str
    names: list[str] = field(default_factory=list)  # of scores, in the order of their first

    def told(self, project: str, now: str) -> Json:
        self.names = list(dict.fromkeys(name for _, row in self.rows for name in row.scores))
        self._check_names()
        suite, scorers = self._suite(), [self._scorer(name) for name in self.names]
        columns, digest, lines = Columns(), Digest(), []
        for line in self._lines(self._items(suite.dataset)):
            columns.add(line)
            digest.add(line)
            lines.append(line_of(line).decode())
        run_id = self._id(project, self.header.id or self.digest)
        experiment_id = uuid5(_SPACE, json.dumps([project, "experiment", self.header.experiment]))
        manifest = self._manifest(project, run_id, experiment_id, columns, scorers, now)
        manifest["results_sha256"] = digest.hex
        return {
            "problem": None, "run_id": run_id.hex, "experiment_id": experiment_id.hex, "suite": self.header.called,
            "name": self.header.experiment, "values": self.header.values, "author": self.header.author,
            "rows": len(self.rows), "items": len(columns.items.names), "manifest": manifest,
            "summary": summed(suite, scorers, columns),
            "parts": ["".join(lines[at : at + PART]) for at in range(0, len(lines), PART)],
        }  # fmt: skip

    def _check_names(self) -> None:
        if not self.names:
            raise PushError('No row has a score: say "scores": {"NAME": 1} in at least one of them.')
        if len(self.names) > MOST_SCORES:
            raise PushError(f"{len(self.names):,} names of scores came; a run has at most {MOST_SCORES}.")
        if TARGET in self.names:
            raise PushError(f"A score is called {TARGET!r}, which is what errors of answers are called. Rename it.")
        unknown = next((name for name in self.header.scores if name not in self.names), None)
        if unknown is not None:
            raise PushError(f"Line 1: scores: no row has the score {unknown!r}. There are: {', '.join(self.names)}.")

    def _id(self, project: str, key: str) -> UUID:
        """The same for what is pushed again."""
        return uuid5(_SPACE, json.dumps([project, self.header.experiment, key]))

    def _suite(self) -> Suite:
        repeats = 1 + max(row.repeat for _, row in self.rows)
        return Suite.model_validate({
            "suite": self.header.called, "dataset": {"file": "pushed.jsonl", "cluster": self.header.cluster},
            "target": {"answered": True}, "evaluators": [{"name": name} for name in self.names], "repeats": repeats,
        })  # fmt: skip

    def _scorer(self, name: str) -> Scorer:
        told = self.header.scores.get(name, ScoreTold())
        values = [one.value for _, row in self.rows if (one := row.scores.get(name)) and one.value is not None]
        share = bool(values) and all(0 <= value <= 1 for value in values)
        low, high = (0.0, 1.0) if share and told.low is None and told.high is None else (told.low, told.high)
        better = told.better or scale_better(name, None) or "higher"
        card = Card(name, told.version, "custom", f"What {self.header.harness or 'another harness'} scored.", (),
                    scale=Scale(low, high, (), better))  # fmt: skip
        return Scorer(Use(name=name), _Said(card), told.version)

    def _items(self, dataset: Dataset) -> dict[str, Item]:
        """The items as suites read them, so that they pair with those of a suite's run. Raises PushError."""
        firsts: dict[str, tuple[int, Row]] = {}
        for number, row in self.rows:
            first = firsts.setdefault(row.item, (number, row))
            for key in ("input", "expected"):
                mine, other = getattr(row, key), getattr(first[1], key)
                if mine is not None and mine != other:
                    what = f"{key} of item {row.item!r} is another than in line {first[0]}. Items keep what they ask."
                    raise PushError(f"Line {number}: {what}")
        given = [(f"Line {number}", _case(row)) for number, row in firsts.values()]
        return {item.id: item for item in items_of(lambda: given, dataset, 0, "What was pushed")}

    def _lines(self, items: Mapping[str, Item]) -> Iterator[Json]:
        ordered = sorted(self.rows, key=lambda one: (items[one[1].item].place, one[1].repeat))
        last = None
        for _, row in ordered:
            yield self._line(row, items[row.item], first=row.item != last)
            last = row.item

    def _line(self, row: Row, item: Item, *, first: bool) -> Json:
        case = {name: value for name, value in case_row(item.case).items() if name not in {"id", "answer"}}
        lost = row.error is not None
        return {
            "item": item.id, "place": item.place, "repeat": row.repeat, "cluster": item.cluster,
            "content": item.content, "status": "error" if lost else "ok", "error_type": FAILED if lost else None,
            "reason": row.error or "", "answer": None if lost or row.output is None else _as_text(row.output),
            "held_back": False, "cut": False, "case": case if first else None,
            "usage": {
                "input_tokens": row.input_tokens, "output_tokens": row.output_tokens, "cost_usd": row.cost_usd,
            },
            "verdicts": {name: _verdict(row, name) for name in self.names},
            "measured": {
                "latency_ms": row.latency_ms, "ttft_ms": row.ttft_ms,
                "trace_id": None if row.trace_id is None else row.trace_id.lower(), "spent": {},
            },
        }  # fmt: skip

    def _manifest(  # noqa: PLR0917 - what stands in it
        self, project: str, run_id: UUID, experiment_id: UUID, columns: Columns, scorers: Sequence[Scorer], now: str
    ) -> Json:
        header = self.header
        began = (header.started_at or header.ended_at or datetime.fromisoformat(now)).isoformat(timespec="seconds")
        ended = began if header.ended_at is None else header.ended_at.isoformat(timespec="seconds")
        contents = sorted(zip(columns.items.names, columns.contents, strict=True))
        told = header.dataset
        stored = None if told is None or isinstance(told, str) else told
        return {
            "run_id": run_id.hex, "started_at": began, "ended_at": ended, "resumed": 0, "git": None, "ci": {},
            "platform": "unknown", "suite": header.called,
            "suite_sha256": "unknown",
            "dataset": {
                "file": told if isinstance(told, str) else None, "sha256": None, "items": len(columns.items.names),
                "left_out": 0, "clusters": len(columns.clusters.names),
                "items_sha256": hashlib.sha256(json.dumps(contents).encode()).hexdigest(), "sample": None,
            }
            | ({} if stored is None else {"stored": stored.model_dump() | {"project": project, "split": None}}),
            "target": {"kind": "pushed", "ruler": "unknown", "pinned": False},
            "evaluators": {
                one.use.called: {
                    "evaluator": one.use.name, "version": one.ruler, "cost": "free", "options": {}, "pass": None,
                }
                for one in scorers
            },
            "judges": {}, "seed": 0, "repeats": 1 + max(row.repeat for _, row in self.rows), "packages": {},
            "python": "unknown", "harness": header.harness, "metadata": header.metadata,
            "experiment": {"id": experiment_id.hex, "name": header.experiment, "arm": header.values},
        }  # fmt: skip


def _case(row: Row) -> Json:
    """The item as a row of a dataset."""
    asked: Json = {"id": row.item, "metadata": row.metadata}
    if isinstance(row.input, list) and row.input and all(isinstance(one, dict) and "role" in one for one in row.input):
        asked["messages"] = row.input
    elif row.input is not None:
        asked["question"] = _as_text(row.input)
    if row.expected is not None:
        asked["reference"] = _as_text(row.expected)
    return asked


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _verdict(row: Row, name: str) -> Json:
    score = row.scores.get(name)
    if row.error is not None and score is None:
        said = failed("no_answer", f"The target gave no answer: {row.error}")
    elif score is not None and score.error is not None:
        said = failed(FAILED, score.error)
    elif score is None or (score.value is None and score.label is None and score.passed is None):
        reason = "" if score is None else score.reason
        said = Verdict("not_applicable", None, None, reason or "No score of this name was pushed.")
    else:
        value = score.value
        if value is None and score.label is None:
            value = float(bool(score.passed))
        said = Verdict("ok", value, score.label, score.reason)
    passed = score.passed if score is not None and said.status == "ok" else None
    return {
        "status": said.status, "value": said.value, "label": said.label, "reason": said.reason,
        "error_type": said.error_type, "details": {}, "highlights": [], "passed": passed,
    }  # fmt: skip
