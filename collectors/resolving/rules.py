"""How spans of one family are recognised as the same thing told twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from collectors.resolving.rows import TraceSpan


@dataclass(frozen=True, slots=True)
class Rules:
    """How spans of one family are recognised as the same thing told twice."""

    belongs: Callable[[TraceSpan], bool]
    links: Callable[[list[TraceSpan]], Iterator[Link]]  # pairs that are the same, wherever they stand
    nested: Callable[[TraceSpan, TraceSpan], str | None]  # (outer, inner) -> rule when they are the same
    encloses: Callable[[TraceSpan, TraceSpan], bool]  # (outer, inner): inner counts among what outer sums up
    apart: frozenset[str]  # kinds that end the way up from inner to outer
    aggregates: bool  # a span that encloses several gets the role aggregate; else it stays as it is
    prefer: Callable[[TraceSpan], tuple[object, ...]]  # smallest is kept


Link = tuple[TraceSpan, TraceSpan, str]
