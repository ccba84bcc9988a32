"""Runs of suites as the command line would write them: rows, summaries and manifests in their formats, made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

SUITE = """\
suite: {name}
description: Answers of support.
dataset: {{file: {file}}}
target: {{answered: true}}
evaluators:
  - {{name: exact_match, pass: {{at_least: 1}}}}
gates:
  - {{of: exact_match, measure: mean, at_least: 0.1}}
"""
SCALE = {"low": 0.0, "high": 1.0, "labels": [], "better": "higher", "unit": None}


def rows(items: int, repeats: int = 1, *, flaky: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> list[Json]:
    """Rows of a run: item 0, 4, 8, ... does not pass; those of `flaky` pass but in repeat 0; of `failed` no answer."""
    return [_row(place, repeat, flaky, failed) for place in range(items) for repeat in range(repeats)]


def _row(place: int, repeat: int, flaky: tuple[int, ...], failed: tuple[int, ...]) -> Json:
    passed = repeat > 0 if place in flaky else place % 4 != 0
    lost = place in failed
    answer = None if lost else f"Refunds of order {place} take {'fourteen' if passed else 'thirty'} days."
    ok: Json = {
        "status": "ok", "value": 0.9 if passed else 0.2, "label": None, "passed": passed,
        "reason": f"{'All' if passed else 'Not all'} of it is in the context.", "error_type": None, "details": {},
        "highlights": [] if passed else [{"start": 8, "end": 13, "why": "No context says it.", "field": "answer"}],
    }  # fmt: skip
    error: Json = {
        "status": "error", "value": None, "label": None, "passed": None, "reason": "The target gave no answer.",
        "error_type": "no_answer", "details": {}, "highlights": [],
    }  # fmt: skip
    idle: Json = ok | {"status": "not_applicable", "value": None, "passed": None, "reason": "No reference.",
                       "highlights": []}  # fmt: skip
    return {
        "item": f"q{place}", "place": place, "repeat": repeat, "cluster": f"c{place // 2}", "content": f"{place:012x}",
        "status": "error" if lost else "ok", "error_type": "timeout" if lost else None,
        "reason": "It took longer than 60 s." if lost else "", "answer": answer, "held_back": False, "cut": False,
        "case": {"question": f"How long does a refund of order {place} take?",
                 "contexts": [f"Refunds of order {place} take fourteen days.", "Shops open at nine."]}
        if repeat == 0 else None,
        "usage": {"input_tokens": 12, "output_tokens": 40, "cost_usd": None if lost else 0.0001},
        "verdicts": {"groundedness": error if lost else ok, "exact": error if lost else idle},
        "measured": {"latency_ms": 200.0 + place, "ttft_ms": None, "trace_id": f"{place * 100 + repeat + 1:032x}",
                     "spent": {}},
    }  # fmt: skip


def lines(made: list[Json]) -> list[bytes]:
    """Rows as lines of results.jsonl."""
    return [json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in made]


def interval(value: float, reach: float, n: int) -> Json:
    """An estimate with its interval."""
    return {"value": value, "low": value - reach, "high": value + reach, "n": n}


def manifest(run_id: str | None = None, **more: Any) -> Json:
    """What a run was made from."""
    return {
        "run_id": run_id or uuid4().hex, "started_at": "2026-11-01T10:00:00+00:00",
        "ended_at": "2026-11-01T10:05:00+00:00", "resumed": 0,
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "branch": "main", "changed": False}, "ci": {},
        "platform": "linux x86_64", "suite": "support-answers", "suite_sha256": "aa" * 32,
        "dataset": {"file": "items.jsonl", "sha256": "bb" * 32, "items": 8, "left_out": 0, "clusters": 4,
                    "items_sha256": "cc" * 32},
        "target": {"kind": "answered", "ruler": "recorded-1", "pinned": True},
        "evaluators": {"groundedness": {"evaluator": "groundedness", "version": "3", "cost": "free", "options": {}}},
        "judges": {}, "seed": 0, "repeats": 1, "packages": {"numpy": "2.4.0"}, "python": "3.11.9",
        "results_sha256": "dd" * 32, **more,
    }  # fmt: skip


def gate(text: str, state: str, *, fails: bool = False, **more: Any) -> Json:
    """What came of a gate."""
    return {
        "text": text, "of": "groundedness", "measure": "mean", "state": state, "fails": fails,
        "sentence": f"{text}: {state.replace('_', ' ')}.", "estimate": interval(0.72, 0.05, 8), "bound": 0.7,
        "margin": None, "baseline": None, "effect": None, "p": 0.4, "adjusted_p": 0.8, "detectable": 0.04,
        "missing": 0, "items": 40,
    } | more  # fmt: skip


def summary(made: list[Json], outcome: str = "passed", **more: Any) -> Json:
    """What came of the run of these rows."""
    items, repeats = max(row["place"] for row in made) + 1, max(row["repeat"] for row in made) + 1
    lost = sum(row["status"] == "error" for row in made)
    said = [row["verdicts"]["groundedness"] for row in made]
    ok = sum(one["status"] == "ok" for one in said)
    share = sum(bool(one["passed"]) for one in said) / max(ok, 1)
    gates = [
        gate("groundedness mean >= 0.7", "undecided"),
        gate("groundedness pass_rate >= 0.5", "met", measure="pass_rate", bound=0.5,
             estimate=interval(share, 0.1, items)),
    ]  # fmt: skip
    if outcome == "failed":
        gates.append(gate("target errors <= 0.01", "missed", fails=True, of="target", measure="errors", bound=0.01,
                          estimate=interval(0.12, 0.05, items)))  # fmt: skip
    return {
        "suite": "support-answers", "description": "Answers of support.", "outcome": outcome,
        "sentences": [f"{'All gates hold' if outcome == 'passed' else '1 of 3 gates is missed'}.", "One is undecided."],
        "items": items, "answers": len(made), "repeats": repeats, "clusters": max(items // 2, 1),
        "failed_answers": {"timeout": lost} if lost else {}, "cut": 0, "held_back": 0,
        "cost": {"target_usd": 0.0001 * (len(made) - lost), "judges_usd": None, "unknown": lost},
        "evaluators": [
            _evaluator("groundedness", ok, lost, mean=interval(0.72, 0.05, items),
                       pass_rate=interval(share, 0.1, items),
                       histogram={"edges": [0.0, 0.25, 0.5, 0.75, 1.0], "counts": [2, 0, 0, 6]}),
            _evaluator("exact", 0, lost, not_applicable=len(made) - lost),
        ],
        "measured": [{"name": "latency_ms", "mean": interval(210, 10, items), "p50": 205.0,
                      "p95": 260.0, "known": len(made)}],
        "gates": gates,
        "completeness": {"text": "failed answers or verdicts <= 10 %", "state": "met", "fails": False,
                         "sentence": "All answers came."},
        "flaky_items": [], "flaky_count": 0, "baseline": None, "limits": {"groundedness": ["It reads English."]},
        **more,
    }  # fmt: skip


def _evaluator(name: str, ok: int, errors: int, not_applicable: int = 0, **more: Any) -> Json:
    return {
        "name": name, "evaluator": name, "version": "3", "cost": "free", "measures": "What it measures.",
        "scale": SCALE, "limits": [], "ok": ok, "not_applicable": not_applicable, "errors": errors,
        "error_types": {"no_answer": errors} if errors else {}, "mean": None, "pass_rate": None, "labels": {},
        "histogram": None, "flaky": None, **more,
    }  # fmt: skip


def tell(client: Any, made: list[Json], outcome: str = "passed", suite: str = "support-answers", **more: Any) -> str:
    """Tell a server of a run that ended; returns its id."""
    told = manifest(suite=suite, **more)
    document = SUITE.format(name=suite, file="items.jsonl")
    client.begin_run({"run_id": told["run_id"], "suite": suite, "manifest": told, "document": document})
    client.add_run_rows(told["run_id"], lines(made))
    client.end_run(told["run_id"], summary(made, outcome) | {"suite": suite}, told)
    return str(told["run_id"])


def folder(path: Path, made: list[Json], **more: Any) -> Json:
    """The folder of a run that ended; returns its manifest."""
    told = manifest(**more)
    path.mkdir(parents=True, exist_ok=True)
    (path / "results.jsonl").write_bytes(b"".join(lines(made)))
    (path / "manifest.json").write_text(json.dumps(told))
    (path / "summary.json").write_text(json.dumps(summary(made)))
    return told


def items(count: int) -> Iterator[str]:
    """Lines of a dataset: every fourth answer differs from its reference."""
    for place in range(count):
        answer = "no" if place % 4 == 0 else "yes"
        yield json.dumps({"id": f"q{place}", "question": f"Is {place} fine?", "answer": answer, "reference": "yes"})
