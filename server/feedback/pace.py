"""How often feedback may come: by key and by sender, in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_SENDERS = 10_000  # that are remembered; of more, those who were quiet longest are forgotten


class Pace:
    """Buckets of tokens: a sender has a minute's worth at once, and gets it back over a minute. Safe in threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # tokens left, and when that was
        self._lock = threading.Lock()

    def wait_s(self, sender: Hashable, per_minute: int) -> float:
        """0: one more may come, and is counted. Else the seconds after which one may."""
        with self._lock:
            now = self._clock()
            left, at = self._held.pop(sender, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / 60)
            allowed = left >= 1
            self._held[sender] = (left - allowed, now)
            if len(self._held) > MOST_SENDERS:
                self._held.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / per_minute
