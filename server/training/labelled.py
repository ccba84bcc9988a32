"""Items with the one answer that their labels come to, as files between the two steps of the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from server.jsontext import dumps

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One item and its answer."""

    name: str  # of the item within its source: its number, or the feedback's place
    content: Row  # as `server.labelling.content.Content`
    answer: Any  # as labels have it
    text: str  # the same as text, equal answers written alike
    by: str  # decision gold majority dawid_skene median mean_rank single each user
    probability: float | None
    n: int  # labels
    agreeing: int
    gold: bool = False
    key: str | None = None
    trace_id: str | None = None  # 32 hex digits
    span_id: str | None = None  # 16 hex digits
    groups: tuple[str, ...] = ()  # sessions and traces: items that share one lie in one split
    attributes: Row = field(default_factory=dict)
    tools: list[Any] = field(default_factory=list)  # definitions


def write(items: Iterable[Labelled], path: Path) -> int:
    """A line each; how many."""
    count = 0
    with path.open("wb") as file:
        for one in items:
            file.write(dumps(asdict(one)) + b"\n")
            count += 1
    return count


def read(path: Path) -> Iterator[Labelled]:
    """What was written."""
    with path.open("rb") as file:
        for line in file:
            told = orjson.loads(line)
            yield Labelled(**{**told, "groups": tuple(told["groups"])})
