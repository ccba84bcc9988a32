"""What is asked the swapped questions: a model, or a program of the user's.

It is asked as evaluators are, so that the runner's order, concurrency and journal hold for it. Its answer stands in the
verdict's details as `answer`; the value only says that there is one. A failure is a verdict too, and no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evaluators.case import Case
from evaluators.external import Program
from evaluators.protocol import Card, Evaluator
from evaluators.verdict import Verdict, failed, verdict

if TYPE_CHECKING:
    from evaluators.judges.judge import Asking, Judge

CARD = Card("target", "1", "custom", "What the target answers to the question.", ("question",), takes=("system",))


def program(command: tuple[str, ...], *, timeout_s: float = 60.0, processes: int = 1) -> Evaluator:
    """A program that reads a line {id, question} and writes one {id, answer}, or {error}."""
    return Program(CARD, command, command, timeout_s=timeout_s, processes=processes, read=read_answer)


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A model, asked the question alone, after the case's system prompt if there is one."""

    judge: Judge = field(repr=True)  # its settings are the ruler
    card: Card = field(default=CARD, metadata={"ruler": False})

    async def __call__(self, case: Case) -> Verdict:
        """Its answer; one that its provider held back is a refusal."""
        return await self.judge.verdict(self.card, case, lambda asking: _said(asking, case))


async def _said(asking: Asking, case: Case) -> Verdict:
    from evaluators.judges.model import Turn  # noqa: PLC0415 - with its judge, which the caller has loaded

    system = [Turn("system", case.system)] if case.system else []
    reply = await asking.say([*system, Turn("user", case.question or "")])
    return _answered(reply.text, held_back=reply.finish == "refused", cut=reply.finish == "length")


def read_answer(told: Any) -> Verdict:
    """The verdict of a program's line."""
    if not isinstance(told, Mapping):
        return failed("bad_answer", f"The answer is no JSON object: {str(told)[:200]}")
    if told.get("error"):
        return failed("target", str(told["error"])[:1000])
    answer = told.get("answer")
    if not isinstance(answer, str) or not answer.strip():
        return failed("empty", "The line holds no `answer` with a text.")
    return _answered(answer)


def _answered(text: str, *, held_back: bool = False, cut: bool = False) -> Verdict:
    return verdict(1.0, "It answered.", details={"answer": text, "held_back": held_back, "cut": cut})
