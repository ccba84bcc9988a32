"""Outcomes as lines of JSON: one a row of `results.jsonl`, in order of item and repeat, in files that any tool reads.

All that may differ between two runs that say the same stands under `measured`; a digest over the rest proves that they
do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluators.case import Json
from evaluators.errors import EvaluatorError
from evaluators.rows import case_row, verdict_row
from evaluators.suites.engine import Outcome, Scorer
from evaluators.targets.answer import answer_row
from evaluators.verdict import Verdict

MEASURED = "measured"
TIMES = ("latency_ms", "ttft_ms")
TOKENS = ("input_tokens", "output_tokens", "cost_usd")

Shape = Mapping[str, tuple[type, ...]]
"""What stands under which key."""


class ResultsError(EvaluatorError):
    """The file of results is none."""


def outcome_row(outcome: Outcome, scorers: Sequence[Scorer]) -> dict[str, Json]:
    """The row of one outcome.

    `case` is the item without its answer, in the row of repeat 0 alone. `usage` and `measured` are null where unknown.
    """
    item, answer = outcome.item, outcome.answer
    usage = answer.usage
    told = {name: value for name, value in answer_row(answer).items() if name in {"contexts", "tool_calls", "messages"}}
    case = {name: value for name, value in case_row(item.case).items() if name not in {"id", "answer"}}
    return {
        "item": item.id, "place": item.place, "repeat": outcome.repeat, "cluster": item.cluster,
        "content": item.content,
        "status": answer.status, "error_type": answer.error_type, "reason": answer.reason, "answer": answer.text,
        "held_back": answer.held_back, "cut": answer.cut, **({"told": told} if told else {}),
        "case": case if outcome.repeat == 0 else None,
        "usage": {name: getattr(usage, name, None) for name in TOKENS},
        "verdicts": {one.use.called: _verdict(one, said) for one, said in _with(scorers, outcome)},
        MEASURED: {
            **{name: getattr(usage, name, None) for name in TIMES}, "trace_id": outcome.trace_id,
            "spent": {one.use.called: asdict(said.spent) for one, said in _with(scorers, outcome) if said.spent},
        },
    }  # fmt: skip


def _with(scorers: Sequence[Scorer], outcome: Outcome) -> list[tuple[Scorer, Verdict]]:
    return list(zip(scorers, outcome.verdicts, strict=True))


def _verdict(scorer: Scorer, said: Verdict) -> Json:
    row = verdict_row(None, scorer.evaluator.card.name, scorer.ruler, said)
    passed = None if scorer.use.passing is None else scorer.use.passing.of(said)
    # What it took to ask differs with what was asked before, and stands under `measured`.
    kept = {name: value for name, value in row.items() if name not in {"id", "evaluator", "version", "spent"}}
    return {**kept, "passed": passed}


def line_of(row: dict[str, Json]) -> bytes:
    """The row as a line: the same bytes for the same row."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


@dataclass(slots=True)
class Digest:
    """Over all rows but for what is measured."""

    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, row: dict[str, Json]) -> None:
        """One more row."""
        self._hash.update(line_of({name: value for name, value in row.items() if name != MEASURED}))

    @property
    def hex(self) -> str:
        """64 hex digits."""
        return str(self._hash.hexdigest())


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of results.

    Raises:
        ResultsError: it cannot be read, or a line is no row, or lacks what a row has; names file and line.
    """
    try:
        with path.open("rb") as file:
            for place, line in enumerate(file, 1):
                yield _row(line, path, place)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from error


def _row(line: bytes, path: Path, place: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ResultsError(f"{path}, line {place}: it is not JSON: {error}.") from error
    if not isinstance(row, dict) or not isinstance(row.get("verdicts"), dict):
        raise ResultsError(f"{path}, line {place}: it is no row of results. A run writes them as results.jsonl.")
    fault = _fault(row)
    if fault is not None:
        raise ResultsError(f"{path}, line {place}: {fault}. The file is damaged: run the suite again.")
    return row


_NULL = type(None)
_NUMBER = (int, float, _NULL)
_ROW: Shape = {
    "item": (str,), "place": (int,), "repeat": (int,), "cluster": (str,), "content": (str,), "status": (str,),
    "error_type": (str, _NULL), "reason": (str, _NULL), "answer": (str, _NULL), "held_back": (bool,), "cut": (bool,),
    "case": (dict, _NULL), "usage": (dict,), MEASURED: (dict,),
}  # fmt: skip
_VERDICT: Shape = {
    "status": (str,), "value": _NUMBER, "label": (str, _NULL), "passed": (bool, _NULL), "reason": (str, _NULL),
}  # fmt: skip


def _fault(row: dict[str, Any]) -> str | None:
    """What a row lacks that all who read it take for granted; null: nothing."""
    faults = [_lacking(row, _ROW, "the row")]
    faults += [_lacking(said, _VERDICT, f"its verdict {name}") for name, said in row["verdicts"].items()]
    if faults[0] is None:
        faults.append(_lacking(row["usage"], dict.fromkeys(TOKENS, _NUMBER), "its usage"))
        faults.append(_lacking(row[MEASURED], dict.fromkeys(TIMES, _NUMBER), "what it measured"))
        spent = row[MEASURED].get("spent") or {}
        faults += [_lacking(one, {"cost_usd": _NUMBER}, f"what {name} spent") for name, one in spent.items()]
    return next((fault for fault in faults if fault is not None), None)


def _lacking(told: Any, shape: Shape, what: str) -> str | None:
    if not isinstance(told, dict):
        return f"{what} is no object"
    for name, kinds in shape.items():
        if name not in told:
            return f"{what} has no {name!r}"
        if not isinstance(told[name], kinds):
            return f"{what} has {json.dumps(told[name])[:60]} as {name!r}"
    return None


def verified_rows(path: Path, sha256: str) -> Iterator[dict[str, Any]]:
    """The rows of a file of results, whose digest is checked when the last one was taken.

    Raises:
        ResultsError: as `read_rows`; or the digest is another one.
    """
    digest = Digest()
    for row in read_rows(path):
        digest.add(row)
        yield row
    if digest.hex != sha256:
        raise ResultsError(
            f"{path} is not what its run wrote: its digest is {digest.hex[:12]}, and the manifest says {sha256[:12]}. "
            "Take it from where it was kept, or run the suite again."
        )
