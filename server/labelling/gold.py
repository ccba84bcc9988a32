"""Whether people answer gold items as is right."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from analytics.intervals import rate
from server.labelling.answers import fits
from server.labelling.queues import terms_of
from server.labelling.terms import SIDES, Asked
from store import labels as store
from store import queue_items
from store.queues import Queue

_OPEN = frozenset({"text", "correction", "spans"})  # there is no one right answer to these


def accuracies(cursor: DuckDBPyConnection, queue: Queue) -> dict[str, dict[str, Any]]:
    """Of each person who labelled gold items: answers `n`, the share `right` and its 95 % interval.

    An answer is one field of one item that gold tells; free text, corrections and marks are not compared, nor what the
    form does not take any more.
    """
    gold = queue_items.gold(cursor, queue.queue_id)
    if not gold:
        return {}
    fields = terms_of(queue).fields
    told: defaultdict[str, list[bool]] = defaultdict(list)
    for row in store.current(cursor, queue.queue_id, list(gold)).to_pylist():
        told[row["author"]] += compared(fields, json.loads(row["answers"]), gold[row["number"]])
    return {author: _share(right) for author, right in told.items() if right}


def compared(fields: tuple[Asked, ...], answers: Mapping[str, Any], gold: Mapping[str, Any]) -> list[bool]:
    """Of each field that gold tells and that was answered, whether the answer is the right one."""
    told = [one for one in fields if one.kind not in _OPEN and one.name in gold and one.name in answers]
    return [answers[one.name] == gold[one.name] for one in told if _asked(one, gold[one.name], answers[one.name])]


def _asked(field: Asked, *told: Any) -> bool:
    """Whether the form takes these as it is now; the sides of a ranking are those that it names."""
    if field.kind == "ranking":
        return True
    return all(fits(field, one, SIDES) for one in told)


def _share(right: list[bool]) -> dict[str, Any]:
    found = rate(sum(right), len(right))
    return {"n": len(right), "right": found.value, "low": found.low, "high": found.high}
