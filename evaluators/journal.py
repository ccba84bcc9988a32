"""What a run was answered, kept while it runs: one that was cut off goes on where it was, and pays nothing twice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluators.case import Case
from evaluators.errors import EvaluatorError
from evaluators.kept import Kept, key_of
from evaluators.protocol import Evaluator, ruler
from evaluators.rows import case_row
from evaluators.targets.answer import Answer, answer_row, read_answer_row
from evaluators.verdict import Highlight, Spent, Verdict

_ANSWER = "answer "  # what keys of answers begin with; those of verdicts are hex digits


class JournalError(EvaluatorError):
    """The journal's file cannot be used. A run that should remember and cannot must not start."""


class Journal:
    """Verdicts by case, evaluator with its ruler, and repeat; answers of targets likewise.

    Errors are not kept: they are tried again. Answers are of a generation, so that they can be forgotten together.
    """

    def __init__(self, path: Path) -> None:
        """Raises JournalError: the file is none, or cannot be written."""
        self._kept = Kept(path)
        self._rulers: dict[int, tuple[Evaluator, str]] = {}
        if not self._kept.usable:
            raise JournalError(f"{path} is no journal, or cannot be written. Name another file, or move it away.")

    def key(self, case: Case, evaluator: Evaluator, repeat: int) -> str:
        """The key of one verdict. How long the answer took is part of it where the evaluator looks at that."""
        _, told = self._rulers.setdefault(id(evaluator), (evaluator, ruler(evaluator)))
        row, card = case_row(case), evaluator.card
        if "usage" not in (*card.needs, *card.takes):
            row.pop("usage", None)
        return key_of(card.name, told, repeat, row)

    def get(self, key: str) -> Verdict | None:
        """The verdict; null: there is none yet."""
        text = self._kept.get(key)
        return None if text is None else _verdict(json.loads(text))

    def put(self, key: str, verdict: Verdict) -> None:
        """Keep the verdict, if it is an answer."""
        if verdict.status != "error":
            self._kept.put(key, json.dumps(asdict(verdict)))

    def answer_key(self, generation: str, ruler: str, seed: int, repeat: int, case: Case) -> str:
        """The key of one answer. Generation "": it holds for as long as the target has this ruler."""
        return f"{_ANSWER}{generation} {key_of(ruler, seed, repeat, case_row(case))}"

    def answer(self, key: str) -> Answer | None:
        """The answer; null: there is none yet."""
        text = self._kept.get(key)
        return None if text is None else read_answer_row(json.loads(text))

    def keep_answer(self, key: str, answer: Answer) -> None:
        """Keep the answer, if it is one."""
        if answer.status != "error":
            self._kept.put(key, json.dumps(answer_row(answer)))

    def forget_others(self, generation: str) -> None:
        """Forget the answers of other generations, but for those of none."""
        self._kept.drop(_ANSWER, keep=(f"{_ANSWER}{generation} ", f"{_ANSWER} "))

    def close(self) -> None:
        """Close the file."""
        self._kept.close()


def _verdict(held: dict[str, Any]) -> Verdict:
    spans = tuple(Highlight(**one) for one in held.pop("spans"))
    spent = held.pop("spent")
    return Verdict(**held, spans=spans, spent=None if spent is None else Spent(**spent))
