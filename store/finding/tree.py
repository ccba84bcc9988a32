"""What a line asks, as a tree; see `grammar` for the text and `conditions` for the SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from store.finding.fields import Field

Operator = Literal[":", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Exactly:
    """A value as it is, letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """Any text of this shape, whatever the case: the stretches between the stars."""

    stretches: tuple[str, ...]


Value = Exactly | Like | int | float


@dataclass(frozen=True, slots=True)
class Meets:
    """A field has one of the values, or lies on this side of the one value."""

    field: Field
    operator: Operator
    values: tuple[Value, ...]
    key: str = ""  # of an attribute, or the name of a score
    at: int = 0  # place in the line, of its first character
    length: int = 0


@dataclass(frozen=True, slots=True)
class Has:
    """A field is told."""

    field: Field
    key: str = ""
    at: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Says:
    """A span has the text in its name, its error, its input or its output, whatever the case."""

    text: str
    at: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Spans:
    """One of the trace's spans meets all of it."""

    of: Node
    at: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    of: Node


@dataclass(frozen=True, slots=True)
class All:
    """Every part; of no part: true."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part; of no part: false."""

    parts: tuple[Node, ...]


Node = Meets | Has | Says | Spans | Not | All | Any
TRUE = All(())


def spans_of(node: Node) -> Iterator[Spans]:
    """What the tree asks of single spans, in order."""
    if isinstance(node, Spans):
        yield node
    elif isinstance(node, Not):
        yield from spans_of(node.of)
    elif isinstance(node, All | Any):
        for part in node.parts:
            yield from spans_of(part)


def fields_of(node: Node) -> Iterator[Field]:
    """The fields that the tree asks for, in order."""
    if isinstance(node, Meets | Has):
        yield node.field
    elif isinstance(node, Spans | Not):
        yield from fields_of(node.of)
    elif isinstance(node, All | Any):
        for part in node.parts:
            yield from fields_of(part)


def relaxed(node: Node, *, negated: bool = False) -> Node:
    """What a trace's summary can tell of it: every trace that meets `node` (`negated`: that does not) meets this."""
    if isinstance(node, Spans):
        return TRUE
    if isinstance(node, Not):
        return relaxed(node.of, negated=not negated)
    if isinstance(node, All | Any):
        parts = tuple(relaxed(part, negated=negated) for part in node.parts)
        return _joined(parts, every=isinstance(node, All) is not negated)
    return Not(node) if negated else node


def _joined(parts: tuple[Node, ...], *, every: bool) -> Node:
    if every:
        return All(tuple(part for part in parts if part != TRUE))
    return TRUE if TRUE in parts else Any(parts)
