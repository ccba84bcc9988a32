"""The answers that the items have already."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.case import Case
from evaluators.targets.answer import Answer, Asking, no_answer


@dataclass(frozen=True, slots=True)
class Recorded:
    """Asks nobody: an item's own answer is the answer, in each repeat the same."""

    ruler: str = "recorded"
    pinned: bool = True

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """The item's answer; an item without one, or with a blank one, is an error of the type `empty`."""
        del asking
        if case.answer is None or not case.answer.strip():
            return no_answer(
                "empty", "The item has no answer." if case.answer is None else "The item's answer is blank."
            )
        return Answer(
            "ok", case.answer, contexts=case.contexts, tool_calls=case.tool_calls, messages=case.messages,
            usage=case.usage, recorded=True,
        )  # fmt: skip

    async def aclose(self) -> None:
        """It holds nothing."""
