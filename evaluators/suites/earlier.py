"""What a run came to before, put into its journal: so that one whose journal is gone can be gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluators.journal import Journal
from evaluators.suites.engine import Scorer, Way
from evaluators.suites.items import Item
from evaluators.targets.answer import Answer, Target, answered, read_answer_row, seed_of
from evaluators.verdict import Highlight, Spent, Verdict

Row = Mapping[str, Any]


def remember(  # noqa: PLR0917 - what a run is made of
    journal: Journal, manifest: Row, lines: Iterable[bytes], items: Iterable[Item], target: Target,
    scorers: Sequence[Scorer], way: Way,
) -> int:  # fmt: skip
    """Keep the answers and verdicts of the rows of a run that would be the same now; how many answers.

    An answer of another target, or to an item that holds something else by now, is asked again; so is what failed. A
    verdict by another ruler is said again.

    Args:
        journal: that keeps them.
        manifest: of that run.
        lines: its results.jsonl.
        items: those of the run that goes on.
        target: that it asks.
        scorers: of it.
        way: how it goes.
    """
    if manifest["target"]["ruler"] != target.ruler:
        return 0
    rows = {(row["item"], row["repeat"]): row for row in map(json.loads, lines) if row["status"] == "ok"}
    same = [one for one in scorers if _ruler(manifest, one) == one.ruler]
    generation, kept = "" if target.pinned else way.generation, 0
    for item in items:
        for repeat in range(way.repeats):
            row = rows.get((item.id, repeat))
            if row is None or row["content"] != item.content:
                continue
            answer, seed = _answer(row), seed_of(way.seed, item.id, repeat)
            journal.keep_answer(journal.answer_key(generation, target.ruler, seed, repeat, item.case), answer)
            case = answered(item.case, answer)
            for scorer in same:
                said = _verdict(row, scorer.use.called)
                if said is not None:
                    journal.put(journal.key(case, scorer.evaluator, repeat), said)
            kept += 1
    return kept


def _ruler(manifest: Row, scorer: Scorer) -> str | None:
    told = manifest["evaluators"].get(scorer.use.called) or {}
    return told.get("version") if told.get("evaluator") == scorer.evaluator.card.name else None


def _answer(row: Row) -> Answer:
    times = {name: row["measured"].get(name) for name in ("latency_ms", "ttft_ms")}
    told = {"held_back": row["held_back"], "cut": row["cut"], **(row.get("told") or {})}
    return read_answer_row({"status": "ok", "text": row["answer"], "usage": {**row["usage"], **times}, **told})


def _verdict(row: Row, name: str) -> Verdict | None:
    """The verdict of the row; null: it has none, or it failed."""
    said = row["verdicts"].get(name)
    if said is None or said["status"] == "error":
        return None
    spent = row["measured"].get("spent", {}).get(name)
    spans = tuple(Highlight(**one) for one in said.get("highlights", ()))
    return Verdict(
        said["status"], said["value"], said["label"], said["reason"], spans, None, said.get("details") or {},
        None if spent is None else Spent(**spent),
    )  # fmt: skip
