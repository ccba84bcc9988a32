"""Orders to fill queues: whether they fit the queue, and what has to be known before candidates are looked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from server import datasets, runs
from server.compare.runs import named as named_runs
from server.core import Core
from server.labelling.candidates import window
from server.labelling.terms import Terms
from server.labelling.wishes import From, OfAlert, OfDataset, OfFilter, OfRun, Traffic
from store import alerts, monitors, queries
from store.errors import UnknownQueryError
from store.queries.explore import TraceFilters

Row = dict[str, Any]


class FillError(Exception):
    """Why a queue cannot be filled so; says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the process of long answers needs to know."""

    wish: From
    terms: Terms
    scores: tuple[str, ...] = ()  # of judges
    dataset: tuple[int, int] = (0, 0)  # id and version
    names: Mapping[UUID, str] | None = None  # of runs
    evidence: tuple[tuple[UUID, str], ...] = ()  # traces that an alert shows, and why
    beside: OfFilter | None = None  # what else an alert is about


def ordered(core: Core, project: str, project_id: int, wish: From, terms: Terms) -> Order:
    """The order of a wish.

    Raises:
        FillError: the source is not there, or does not fit the queue.
    """
    _check(wish, terms)
    if isinstance(wish, Traffic):
        _filters(wish)
    order = Order(wish, terms, tuple(wish.sample.scores) or _judges(wish, terms))
    if isinstance(wish, OfDataset):
        return replace(order, dataset=_dataset(core, project, wish))
    if isinstance(wish, OfRun):
        return replace(order, names=_runs(core, project, wish))
    return _of_alert(core, project, project_id, order, wish) if isinstance(wish, OfAlert) else order


def _check(wish: From, terms: Terms) -> None:
    """Raises FillError: what is asked for gives no items of this queue."""
    pairs = (isinstance(wish, OfRun) and bool(wish.compare)) or (isinstance(wish, OfDataset) and len(wish.sides) > 1)
    if terms.compares and not pairs:
        raise FillError(
            "The queue compares answers, and this source gives one answer an item. Compare runs (`compare`), or name "
            "the answers of a dataset's items (`sides`)."
        )
    if pairs and not terms.compares:
        raise FillError(
            "This source gives several answers an item, and the queue compares none. Take one run, or one side."
        )
    if isinstance(wish, OfDataset) and (unknown := sorted(wish.gold.keys() - {one.name for one in terms.fields})):
        fields = ", ".join(one.name for one in terms.fields)
        raise FillError(f"Gold names field {unknown[0]!r}, which the queue does not have. It has: {fields}.")
    if wish.sample.by is not None and not isinstance(wish, Traffic):
        raise FillError(f"A stratified sample is of traffic; a source of kind {wish.kind} has no {wish.sample.by}.")


def _filters(wish: Traffic) -> None:
    """Raises FillError: the filter is none that the query `traces` takes."""
    since, until = window(wish)
    if until <= since:
        raise FillError(
            f"The window ends at {until:%Y-%m-%d %H:%M} and begins {since:%Y-%m-%d %H:%M}; turn them round."
        )
    try:
        queries.get("traces").parse({**wish.filter, "since": since, "until": until})
    except (UnknownQueryError, ValueError) as error:
        raise FillError(f"The filter: {error}") from error


def _judges(wish: From, terms: Terms) -> tuple[str, ...]:
    """The scores that the queue's fields are about."""
    if not wish.sample.judged:
        return ()
    return tuple(dict.fromkeys(name for one in terms.fields for name in (one.judges or (one.name,))))


def _dataset(core: Core, project: str, wish: OfDataset) -> tuple[int, int]:
    try:
        _, one = datasets.found(core, project, wish.name)
        return one.dataset_id, datasets.version_of(one, wish.version)
    except datasets.UnknownDatasetError as error:
        raise FillError(str(error)) from error


def _runs(core: Core, project: str, wish: OfRun) -> dict[UUID, str]:
    told: list[tuple[str, str, str, Row, Row]] = []
    for run_id in wish.compare or filter(None, [wish.run]):
        try:
            run, texts = runs.found(core, project, run_id)
        except runs.UnknownRunError as error:
            raise FillError(str(error)) from error
        started = run.started_at or run.created_at
        manifest = json.loads(texts.manifest) if texts.manifest else {}
        told.append((run_id.hex, run.suite, started.isoformat(), manifest, {}))
    return {UUID(one.run_id): one.name for one in named_runs(told)}


def _of_alert(core: Core, project: str, project_id: int, order: Order, wish: OfAlert) -> Order:
    with core.readers.read() as cursor:
        alert = alerts.alert(cursor, project_id, wish.number)
        if alert is None:
            raise FillError(
                f"Project {project!r} has no alert {wish.number}. GET /api/alerts lists those that there are."
            )
        document = json.loads(alerts.document(cursor, alert.alert_id))
        monitor = monitors.monitor(cursor, project_id, alert.monitor)
    evidence = tuple(
        (UUID(one["trace_id"]), f"Alert {wish.number} of {alert.monitor} shows it: {one['text'] or 'an example'}.")
        for one in document.get("traces") or ()
    )
    if not wish.beside:
        return replace(order, evidence=evidence)
    where = {} if monitor is None else {
        name: value for name, value in json.loads(monitor.document).get("where", {}).items() if value is not None
    }  # fmt: skip
    unknown = sorted(where.keys() - TraceFilters.__annotations__.keys())
    if unknown:
        raise FillError(
            f"Monitor {alert.monitor} watches calls by {unknown[0]}, by which traces cannot be found. Leave out "
            "`beside`, or fill by a filter."
        )
    since = alert.changed_since or alert.last_counted - timedelta(days=1)
    beside = OfFilter(kind="filter", filter=where, since=since, until=alert.last_counted, sample=wish.sample)
    return replace(order, evidence=evidence, beside=beside)
