"""Requests that a receiver refuses by itself, and their record."""

from __future__ import annotations

from collectors.receivers.sink import ExportRequest, Sink
from collectors.receivers.status import RESOURCE_EXHAUSTED, Refusal, log


class RefusedError(Exception):
    """The receiver itself refuses a request; `reason` and `size` are for the record, null: not worth one."""

    def __init__(self, refusal: Refusal, reason: str | None = None, size: int = 0) -> None:
        super().__init__(refusal.message)
        self.refusal, self.reason, self.size = refusal, reason, size


def too_large(max_bytes: int, size: int) -> RefusedError:
    """The refusal of a request of `size` bytes or more; without RetryInfo, as it will not shrink."""
    message = f"The request is larger than {max_bytes} bytes. Send smaller batches."
    return RefusedError(Refusal(413, RESOURCE_EXHAUSTED, message), "too_large", size)


async def record(sink: Sink, request: ExportRequest, error: RefusedError) -> None:
    """Tell the sink, when it is worth a record. `request` is without its body."""
    if error.reason is None:
        return
    try:
        await sink.refuse(request, error.reason, error.size)
    except Exception as fault:  # noqa: BLE001 - the record is best effort; the answer goes out
        log.warning("a refused request could not be recorded: %s", type(fault).__name__)
