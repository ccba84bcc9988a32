"""How many calls may be in flight at one endpoint, learned from its refusals."""

from __future__ import annotations

import asyncio
import time
from collections import deque

LONGEST_PAUSE_S = 60.0  # that one refusal may ask of all calls


class Pace:
    """Additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP does it, from `most` down to one.

    A refusal (429) halves the limit, once for all calls that were in flight then; every success adds a share of one.
    A refusal's Retry-After holds up every call. Of one event loop.
    """

    def __init__(self, most: int) -> None:
        self.most, self.limit = most, float(most)
        self.busy = 0
        self._resume_at = self._halved_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> float:
        """Wait for room, and take it. Returns when that was, for `limited`."""
        again = False
        try:
            while True:
                now = time.monotonic()
                if now < self._resume_at:
                    await asyncio.sleep(self._resume_at - now)
                elif self.busy < int(self.limit):
                    self.busy += 1
                    self._wake()
                    return now
                else:
                    await self._wait(first=again)
                    again = True
        except asyncio.CancelledError:
            self._wake()  # who gives up may have had its turn already, which is the next one's then
            raise

    async def _wait(self, *, first: bool) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        await turn

    def leave(self) -> None:
        """Give the room back."""
        self.busy -= 1
        self._wake()

    def succeeded(self) -> None:
        """A call was answered."""
        self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def limited(self, entered: float, retry_after_s: float | None) -> None:
        """A call that entered then was refused for its rate."""
        now = time.monotonic()
        if entered >= self._halved_at:
            self.limit, self._halved_at = max(1.0, self.limit / 2), now
        if retry_after_s is not None:
            self._resume_at = max(self._resume_at, now + min(retry_after_s, LONGEST_PAUSE_S))

    def _wake(self) -> None:
        while self._waiting and self.busy < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
