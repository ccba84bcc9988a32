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
        """The item's answer, or the last word of the assistant in its conversation.

        An item without one, or with a blank one, is an error of the type `empty`.
        """
        del asking
        said = said_in(case)
        if said is None or not said.strip():
            return no_answer("empty", "The item has no answer." if said is None else "The item's answer is blank.")
        return Answer(
            "ok", said, contexts=case.contexts, tool_calls=case.tool_calls, messages=case.messages,
            usage=case.usage, recorded=True,
        )  # fmt: skip

    async def aclose(self) -> None:
        """It holds nothing."""


def said_in(case: Case) -> str | None:
    """The item's own answer, which may be blank; null: there is none."""
    return _last_word(case) if case.answer is None else case.answer


def _last_word(case: Case) -> str | None:
    """What the assistant said last; null: nothing, or there is no conversation."""
    said = [one.text for one in case.messages or () if one.role == "assistant" and one.text.strip()]
    return said[-1] if said else None
