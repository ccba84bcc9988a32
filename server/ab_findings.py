"""What came of several live A/B tests, for their list: one pass over the traces for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from server import ab_results
from server.ab_tests import Registered
from server.core import Core
from store.queries.ab_tests import Exposure, days_of_tests

Json = dict[str, Any]


def findings(core: Core, project: str, tests: Sequence[Registered], now: datetime) -> dict[str, Json]:
    """By name, of those that have begun: `units` of their arms, and `comparisons` as in the results, without series."""
    begun = [(test, window) for test in tests if (window := ab_results.window_of(test, now)) is not None]
    if not begun:
        return {}
    with core.readers.read() as cursor:
        asked = [_asked(test, *window) for test, window in begun]
        rows: list[Json] = days_of_tests(cursor, core.projects.id_of(project), asked).to_pylist()
    of_test: dict[int, list[Json]] = {}
    for row in rows:
        of_test.setdefault(row["test"], []).append(row)
    return {
        test.name: _found(test, window, of_test.get(number, [])) for number, (test, window) in enumerate(begun)
    }  # fmt: skip


def _asked(test: Registered, since: datetime, until: datetime) -> Exposure:
    labels = [one.label(test.name) for one in test.terms.variants]
    return Exposure(since, until, labels, test.terms.unit, [ab_results.EXPOSURE, *test.terms.measures])


def _found(test: Registered, window: tuple[datetime, datetime], rows: Sequence[Json]) -> Json:
    days = ab_results.days_of(*window)
    looks = ab_results.arms_by_day(rows, days)
    exposed, mismatch = ab_results.arrived(test, days, looks)
    comparisons = ab_results.compared(test, days, looks, mismatch)
    for one in comparisons:
        del one["series"]
    return {"units": sum(arms[-1].units for arms in exposed), "comparisons": comparisons}
