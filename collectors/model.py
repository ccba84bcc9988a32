"""The values that travel from the wire to the store, before they become columns.

Every attribute value is held in its stored text form (see `collectors.otlp.anyvalue`), so that the normaliser is a
pure function of what the store keeps and can be run again over stored rows with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")

TextMap = dict[str, str | None]
"""Attribute key to stored text: strings as they are, `true`/`false`, decimal integers, other types as JSON text;
null for an empty AnyValue. Of repeated keys the last one counts."""

Signal = Literal["traces", "logs", "metrics"]

SPAN_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")  # by OTLP number
STATUSES = ("unset", "ok", "error")  # by OTLP number


@dataclass(slots=True)
class Origin:
    """One distinct (resource, scope): where spans and logs come from."""

    origin_id: int  # unsigned 64-bit hash of the rest
    resource: TextMap
    scope_name: str
    scope_version: str | None = None
    scope_attributes: TextMap = field(default_factory=dict)
    resource_schema_url: str | None = None
    scope_schema_url: str | None = None
    _worked_out: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, work: Callable[[TextMap], T]) -> T:
        """What `work` says of the resource: worked out once for all spans of this origin."""
        try:
            result: T = self._worked_out[work]
        except KeyError:
            result = self._worked_out[work] = work(self.resource)
        return result


@dataclass(slots=True)
class RawEvent:
    time_ns: int
    name: str
    attributes: TextMap
    dropped: int = 0


@dataclass(slots=True)
class RawLink:
    trace_id: bytes
    span_id: int
    attributes: TextMap
    trace_state: str | None = None
    dropped: int = 0


@dataclass(slots=True)
class RawSpan:
    """One span as sent. Ids were checked: `trace_id` is 16 bytes, not all zero; `span_id` is not 0."""

    origin: Origin
    trace_id: bytes
    span_id: int
    parent_span_id: int | None
    name: str
    start_ns: int  # Unix nanoseconds
    end_ns: int  # may lie before start_ns: the clock stepped back, or the span was never ended (0)
    attributes: TextMap
    span_kind: str = "unspecified"  # of SPAN_KINDS
    status: str = "unset"  # of STATUSES
    status_message: str | None = None
    trace_state: str | None = None
    flags: int = 0
    events: list[RawEvent] = field(default_factory=list)
    links: list[RawLink] = field(default_factory=list)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0


@dataclass(slots=True)
class RawLog:
    """One log record as sent. A log without a trace has null ids."""

    origin: Origin
    trace_id: bytes | None
    span_id: int | None
    time_ns: int  # event time, else observed time, else 0
    severity: int
    severity_text: str | None
    event_name: str | None  # the field, else attribute `event.name`, else `event_name`; whole if the body has it whole
    body: str | None  # stored text form
    attributes: TextMap
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Rejection:
    """Items of one request that were refused while their neighbours were kept."""

    service: str  # '' when unset or unreadable
    reason: str  # a code of a closed list: see collectors/otlp
    sample: str  # one refused item, at most 200 characters, for a person to recognise it
    count: int = 1


@dataclass(slots=True)
class Decoded:
    """What one export request held. `sum(received.values())` = rows here + rejections: the ledger's left side.

    `received` is counted per service (`''` when unset) by walking the request, apart from building the rows.
    """

    signal: Signal
    spans: list[RawSpan] = field(default_factory=list)
    logs: list[RawLog] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)


def service_of(resource: TextMap) -> str | None:
    """`service.name`, or null when it is missing or the SDK's placeholder `unknown_service[:process]`."""
    name = resource.get("service.name")
    return None if not name or name.startswith("unknown_service") else name
