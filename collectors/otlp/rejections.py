"""Why single items of a request are refused while their neighbours are kept.

| code | meaning |
|---|---|
| `bad_trace_id` | the trace id is missing, not 16 bytes, all zero, or (JSON) not hexadecimal |
| `bad_span_id` | the span id is missing, not 8 bytes, all zero, or (JSON) not hexadecimal |
| `bad_time` | (JSON) a time is no unsigned 64-bit number of nanoseconds |
| `unreadable` | a member has the wrong type or is cut, or the resource or scope that the item belongs to is |
| `metrics_not_stored` | a metric data point: metrics are counted and not kept |

Only what identifies or places an item refuses it. A bad parent id (wrong length, or the span's own) leaves the span
without parent, a link with bad ids is left out and counted in `dropped_links`, and a log record with bad ids is kept
without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from collectors.model import Rejection, Signal

T = TypeVar("T")

REASONS = {
    "bad_trace_id": "the trace id must be 16 bytes, not all zero",
    "bad_span_id": "the span id must be 8 bytes, not all zero",
    "bad_time": "times must be unsigned 64-bit nanoseconds since 1970",
    "unreadable": "a member is cut or has the wrong type",
    "metrics_not_stored": "metrics are not stored",
}
SAMPLE_LENGTH = 200

_NOUNS: dict[Signal, str] = {"traces": "span", "logs": "log record", "metrics": "data point"}


class BadItemError(Exception):
    """One item cannot be kept; `reason` is a code of `REASONS`."""

    def __init__(self, reason: str = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason


class Tally:
    """Rejections of one request, one a (service, reason): a request of millions of bad items stays small."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._samples: dict[tuple[str, str], str] = {}

    def add(self, service: str, reason: str, item: T, describe: Callable[[T], str], count: int = 1) -> None:
        """Count `count` refused items; the first of its kind is described, shortened."""
        key = (service, reason)
        if key not in self._samples:
            self._samples[key] = describe(item)[:SAMPLE_LENGTH]
        self._counts[key] = self._counts.get(key, 0) + count

    def rejections(self) -> list[Rejection]:
        """In order of first appearance."""
        return [Rejection(*key, sample=self._samples[key], count=count) for key, count in self._counts.items()]


def message(signal: Signal, rejections: list[Rejection]) -> str:
    """The sentence for a partial success, in English; empty without rejections."""
    by_reason: dict[str, int] = {}
    for each in rejections:
        by_reason[each.reason] = by_reason.get(each.reason, 0) + each.count
    parts = [f"{count} {_NOUNS[signal]}{'s' * (count != 1)}: {REASONS.get(r, r)}" for r, count in by_reason.items()]
    return f"Not stored, do not send again. {'; '.join(parts)}." if parts else ""
