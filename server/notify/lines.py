"""Whose turn it is: what is due stands in a line for each channel, and no line holds up another one. No I/O."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from store.channels import Channel
from store.deliveries import Delivery

SLOTS = 16  # messages on their way at once
OF_FAILING = 8  # of them, to channels whose last try failed: these hold their place for up to ten seconds
OF_CHANNEL = 2
AHEAD = 20  # messages of a channel that are read at once
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=15)
REST_S, LONGEST_REST_S = 5.0, 300.0  # of a channel after one failure, and after many in a row

Name = tuple[int, str]  # of a channel: project and name


def backoff(tries: int, draw: float) -> timedelta:
    """From one try of a message to the next: doubled each time, between half and the whole of it by `draw` in [0, 1).

    Drawn, so that what failed together does not come back together.
    """
    whole: timedelta = min(FIRST_RETRY * 2 ** min(tries, 20), LAST_RETRY)
    return whole * (0.5 + 0.5 * draw)


@dataclass(slots=True)
class _Line:
    """What is known of one channel since the start, and what stands in its line."""

    channel: Channel | None = None  # null: there is none of the name any more
    failures: int = 0  # in a row
    rests_until: float = 0.0  # monotonic clock
    flying: int = 0
    taken: int = 0  # when it had its last turn
    waiting: deque[list[Delivery]] = field(default_factory=deque)

    def free(self, now: float) -> bool:
        """Whether its next message may go."""
        most = 1 if self.failures else OF_CHANNEL
        return bool(self.waiting) and self.channel is not None and self.flying < most and self.rests_until <= now


class Lines:
    """The lines of all channels. For one thread."""

    def __init__(self) -> None:
        self._lines: dict[Name, _Line] = defaultdict(_Line)
        self._turns = 0
        self.unnoted: set[UUID] = set()  # messages that were sent for and are not written as tried yet
        self.hungry = True  # a line has run out that may have more in the store

    @property
    def flying(self) -> int:
        return sum(line.flying for line in self._lines.values())

    def fill(self, due: Iterable[Delivery], known: Mapping[Name, Channel]) -> None:
        """Stand all that is due in line anew; `due` in the order of the store, the parts of a message together."""
        self.hungry = False
        for line in self._lines.values():
            line.waiting.clear()
        for (project_id, channel, message_id), parts in groupby(due, _message):
            if message_id not in self.unnoted:
                self._lines[project_id, channel].waiting.append(list(parts))
        for name, line in self._lines.items():
            _know(line, known.get(name))

    def take(self, now: float) -> tuple[Channel, list[Delivery]] | None:
        """The next message that may go, and whither; null: none for now. Channels that work go first, by turns."""
        failing = sum(line.flying for line in self._lines.values() if line.failures)
        ready = [
            line for line in self._lines.values() if line.free(now) and not (line.failures and failing >= OF_FAILING)
        ]
        if not ready or self.flying >= SLOTS:
            return None
        line = min(ready, key=lambda line: (line.failures > 0, line.flying, line.taken))
        parts = line.waiting.popleft()
        self._turns += 1
        line.taken, line.flying = self._turns, line.flying + 1
        self.hungry = self.hungry or not line.waiting
        self.unnoted.add(parts[0].message_id)
        assert line.channel is not None  # noqa: S101 - it is free
        return line.channel, parts

    def landed(self, name: Name, now: float, draw: float, *, sent: bool) -> bool:
        """A message is back. A channel that fails rests, longer each time; true: one that failed works again."""
        line = self._lines[name]
        line.flying -= 1
        if sent:
            again, line.failures, line.rests_until = line.failures > 0, 0, 0.0
            return again
        rest = min(REST_S * 2 ** min(line.failures, 20), LONGEST_REST_S)
        line.failures += 1
        line.rests_until = now + rest * (0.5 + 0.5 * draw)
        return False


def _message(part: Delivery) -> tuple[int, str, UUID]:
    return part.project_id, part.channel, part.message_id


def _know(line: _Line, channel: Channel | None) -> None:
    """A channel with another address is another one: what is known of it is forgotten."""
    if line.channel is not None and channel is not None and line.channel.place != channel.place:
        line.failures, line.rests_until = 0, 0.0
    line.channel = channel
