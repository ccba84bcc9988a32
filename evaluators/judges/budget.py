"""What a run may spend on judges, in money and calls: one budget for all that share it."""

from __future__ import annotations

import asyncio
import threading

from evaluators.judges.model import AskError

_LOOK_S = 0.02  # between two looks at money that calls in flight still hold


class Budget:
    """Money and calls that are left. Safe in threads.

    A call takes its worst cost first, and gives back what it did not cost: calls in flight together cannot spend more
    than is there.
    """

    def __init__(self, usd: float | None = None, calls: int | None = None) -> None:
        """Null: no limit."""
        self.usd, self.calls = usd, calls
        self.spent_usd, self.sent = 0.0, 0
        self._held = 0.0
        self._lock = threading.Lock()

    async def take(self, worst_usd: float | None) -> float:
        """Take a call that costs at most so much; wait while calls in flight hold what may be enough.

        Returns what was taken, for `settle`.

        Raises:
            AskError: there is not enough left, or the cost of the call is unknown and money is limited.
        """
        while (taken := self._try(worst_usd)) is None:  # noqa: ASYNC110 - calls of other event loops may hold it too
            await asyncio.sleep(_LOOK_S)
        return taken

    def _try(self, worst_usd: float | None) -> float | None:
        with self._lock:
            if self.calls is not None and self.sent >= self.calls:
                raise AskError("budget", f"The budget of {self.calls} calls is used up.")
            worst = self._affordable(worst_usd)
            if self.usd is not None and self.spent_usd + self._held + worst > self.usd:
                return None
            self.sent += 1
            self._held += worst
            return worst

    def _affordable(self, worst_usd: float | None) -> float:
        """What to hold for a call. Raises AskError for one that the money cannot pay, or may not."""
        if self.usd is None:
            return worst_usd or 0.0
        if worst_usd is None:
            raise AskError(
                "budget",
                "The budget is in money, and no price of this model is known: give it a price, or limit calls.",
            )
        left = max(0.0, self.usd - self.spent_usd)
        if worst_usd > left or self.spent_usd > self.usd:  # also a free call: more was spent than could be foreseen
            raise AskError(
                "budget",
                f"Of the budget of {self.usd:g} USD {left:.4g} USD are left, and a call may cost {worst_usd:.4g} USD.",
            )
        return worst_usd

    def settle(self, taken: float, cost_usd: float | None) -> None:
        """A call that took so much has cost so much; null: nobody knows, and all that it took is held for spent."""
        with self._lock:
            self._held -= taken
            self.spent_usd += taken if cost_usd is None else cost_usd
