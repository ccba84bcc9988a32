"""When which commit was resolved, so that a trace can be told to be over: its newest span came with an older one."""

from __future__ import annotations

from collections import deque

LONGEST_QUIET_S = 3_600


class Commits:
    """The newest resolved commit over the last hour, by the monotonic clock."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._seen: deque[tuple[float, int]] = deque()

    def before(self, moment: float) -> int:
        """The newest commit that was resolved at that moment; 0: nobody knows, so shortly after the start."""
        return next((seq for at, seq in reversed(self._seen) if at <= moment), 0)

    def remember(self, now: float, resolved: int) -> None:
        """What is the newest now."""
        if not self._seen or self._seen[-1][1] != resolved:
            self._seen.append((now, resolved))
        while len(self._seen) > 1 and self._seen[1][0] < now - LONGEST_QUIET_S:
            self._seen.popleft()
