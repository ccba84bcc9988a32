"""What the protobuf and the JSON decoder share: origins, times, names of enums."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from collectors.errors import UndecodableError
from collectors.model import SPAN_KINDS, STATUSES, Origin, TextMap, service_of

# A request of 64 MiB could hold 33 million empty spans, which take 6 GB once parsed. Exporters send some hundreds at
# once, collectors some thousands; this many of the smallest valid spans decode in 2.3 s and 160 MB.
MAX_ITEMS = 250_000

NO_TRACE = bytes(16)
NO_SPAN = bytes(8)


# Characters that rows and origins may repeat of the resources and scopes above them. A request of 4 MiB, half of it one
# resource and half of it small scopes, would otherwise be 100 GB of origins.
MAX_REPEATED = 256 * 1024 * 1024

_IN_EVERY_ROW = (
    "service.name", "deployment.environment.name", "deployment.environment", "langfuse.environment",
    "service.version", "langfuse.release",
)  # fmt: skip


@dataclass(slots=True)
class Resource:
    """A resource as decoded, with what rejections, the count and the origins need of it."""

    attributes: TextMap
    schema_url: str | None
    service: str  # '' when unset
    encoded: bytes  # the beginning of what the ids of its origins are the hash of
    in_every_row: int  # characters

    @classmethod
    def of(cls, attributes: TextMap, schema_url: str) -> Resource:
        encoded = orjson.dumps((sorted(attributes.items()), schema_url or None))
        repeated = sum(len(attributes.get(key) or "") for key in _IN_EVERY_ROW)
        return cls(attributes, schema_url or None, service_of(attributes) or "", encoded[:-1] + b",", repeated)


class Scope(NamedTuple):
    """An instrumentation scope as decoded; unset texts are ''."""

    name: str
    version: str
    attributes: TextMap
    schema_url: str


def check_count(number: int) -> None:
    """Raises UndecodableError when a request holds more than `MAX_ITEMS` items."""
    if number > MAX_ITEMS:
        message = f"The request holds more than {MAX_ITEMS} items. Send smaller batches."
        raise UndecodableError(message)


class Origins:
    """The distinct origins of one request."""

    def __init__(self) -> None:
        self._by_id: dict[int, Origin] = {}
        self._resource: Resource | None = None
        self._hash = hashlib.blake2b(digest_size=8)
        self._repeated = 0

    def get(self, resource: Resource, scope: Scope, rows: int) -> Origin:
        """The origin with these values; equal ones are one object. `rows` is the number of items that will hold it.

        Raises:
            UndecodableError: rows and origins repeat more than `MAX_REPEATED` characters.
        """
        name, version, schema_url = scope.name, scope.version or None, scope.schema_url or None
        digest = self._begun(resource).copy()
        digest.update(orjson.dumps((name, version, sorted(scope.attributes.items()), schema_url))[1:])
        number = int.from_bytes(digest.digest(), "big")
        self._repeat(rows * (resource.in_every_row + len(name)))
        if number not in self._by_id:
            self._repeat(len(resource.encoded))
            self._by_id[number] = Origin(
                number, resource.attributes, name, version, scope.attributes, resource.schema_url, schema_url
            )
        return self._by_id[number]

    def _begun(self, resource: Resource) -> hashlib.blake2b:
        """The hash over the resource: taken once for all of its scopes, which come one after the other."""
        if resource is not self._resource:
            self._resource, self._hash = resource, hashlib.blake2b(resource.encoded, digest_size=8)
        return self._hash

    def _repeat(self, characters: int) -> None:
        self._repeated += characters
        if self._repeated > MAX_REPEATED:
            message = f"Rows would repeat more than {MAX_REPEATED} characters of resources and scopes. Shorten those."
            raise UndecodableError(message)


def placed(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Start and end to keep, so that a span with a single time stands there, with a duration that is unknown.

    A start of 0 is a missing one: the end takes its place and the end becomes 0, which means unknown. With neither,
    the span stays at 1970-01-01 as it was told: any other time would differ on a retry and store it twice.
    """
    return (end_ns, 0) if start_ns == 0 else (start_ns, end_ns)


def span_kind(number: int) -> str:
    """OTLP span kind by number; a number that is not known is unspecified."""
    return SPAN_KINDS[number] if 0 <= number < len(SPAN_KINDS) else SPAN_KINDS[0]


def status(number: int) -> str:
    """OTLP status by number; a number that is not known is unset."""
    return STATUSES[number] if 0 <= number < len(STATUSES) else STATUSES[0]


def event_name(name: str, attributes: TextMap, body: str | None) -> str | None:
    """A log's event name: the field, else attribute `event.name` (SDKs up to 1.28), else `event_name` (LiteLLM).

    Claude Code names an event `api_request` and says `claude_code.api_request` in the body: the whole name counts.
    """
    found = name or attributes.get("event.name") or attributes.get("event_name") or None
    if found and body and body.endswith(f".{found}") and _DOTTED_NAME.fullmatch(body):
        return body
    return found


_DOTTED_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}(\.[\w-]{1,63}){1,9}")


def describe_span(name: str, trace_id: str, span_id: str) -> str:
    """A line by which a person recognises a refused span."""
    return f"span {name[:100]!r} trace_id={trace_id[:40]} span_id={span_id[:24]}"
