"""Money of targets that tell what an answer cost only once it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from evaluators.judges.budget import Budget
from evaluators.judges.model import AskError
from evaluators.targets.answer import Answer, TargetError


class Spending:
    """Holds, for each answer that is asked for, what the dearest so far has cost."""

    def __init__(self, budget: Budget | None) -> None:
        """Null: no limit."""
        self._budget, self._dearest = budget, 0.0

    async def on(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, within what is left. Raises TargetError: there is not enough left, or what asking raises."""
        if self._budget is None:
            return await ask()
        try:
            taken = await self._budget.take(self._dearest)
        except AskError as error:
            raise TargetError("budget", str(error)) from error
        cost: float | None = None  # unknown, also when it is cancelled: all that was held counts for spent
        try:
            answer = await ask()
            cost = None if answer.usage is None else answer.usage.cost_usd
            self._dearest = max(self._dearest, cost or 0.0)
        except TargetError as error:
            cost = None if error.billed else 0.0
            raise
        finally:
            self._budget.settle(taken, cost)
        return answer
