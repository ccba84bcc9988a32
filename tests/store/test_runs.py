"""Suites and runs: versions are kept, nobody works on what another has, rows that are told again are there once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import made_runs
import pyarrow as pa
import pytest

from server import runs as server_runs
from store import named, runs
from store.runs import Ending, NewRun, Progress, Run, Taken

T = TypeVar("T")
MINUTE, NONE = timedelta(minutes=1), timedelta(0)
BEGAN = datetime(2026, 11, 1, 10)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def call(store: Any, work: Callable[[Any], T]) -> T:
    done: T = store.writer.call(work).result(20)
    return done


def told(store: Any, run_id: UUID, project_id: int = 1) -> Run:
    with store.readers.read() as cursor:
        found = runs.run(cursor, project_id, run_id)
    assert found is not None
    return found[0]


def begin(store: Any, lasts: timedelta = MINUTE, suite: str = "a", run_id: UUID | None = None) -> UUID:
    new = NewRun(run_id or uuid4(), suite, BEGAN, "{}", f"suite: {suite}", 12)
    assert call(store, lambda cursor: runs.begin(cursor, 1, new, lasts))
    return new.run_id


def end(store: Any, run_id: UUID, outcome: str = "passed", items: int = 100, repeats: int = 100) -> bool:
    ending = Ending("{}", "{}", "{}", outcome, items, repeats, items * repeats, 0.5, BEGAN + MINUTE)
    return call(store, lambda cursor: runs.end(cursor, 1, run_id, ending))


def add(store: Any, run_id: UUID, made: list[dict[str, Any]]) -> None:
    rows = server_runs.rows_of(b"".join(made_runs.lines(made)))
    call(store, lambda cursor: runs.add_rows(cursor, 1, run_id, rows))


def ask(store: Any, name: str, **params: Any) -> list[dict[str, Any]]:
    table: pa.Table = store.readers.run(name, 1, params).table
    return table.to_pylist(maps_as_pydicts="strict")


def test_versions_of_a_suite_are_kept_and_it_can_be_taken_away(store: Any) -> None:
    def put(document: str) -> Any:
        return call(store, lambda cursor: named.put(cursor, "suites", 1, "a", document, "ada"))

    assert [put(text) for text in ("one", "one", "two", "", "")] == [1, 1, 2, 3, 3]
    with store.readers.read() as cursor:
        assert named.one(cursor, "suites", 1, "a") is None
        assert named.every(cursor, "suites", 1) == []
        first = named.one(cursor, "suites", 1, "a", 1)
        assert first is not None
        assert (first.document, first.author) == ("one", "ada")
        assert [(one.version, one.document) for one in named.versions(cursor, "suites", 1, "a")] == [
            (3, ""), (2, "two"), (1, "one")
        ]  # fmt: skip
        assert named.versions(cursor, "suites", 2, "a") == []
    assert put("three") == 4


def test_a_run_of_the_command_line_is_told_from_its_beginning_to_its_end(store: Any) -> None:
    run_id = begin(store)
    assert (told(store, run_id).state, told(store, run_id).answers_total) == ("running", 12)
    far = Progress(5, 24, 3.5, 0.25)
    assert call(store, lambda cursor: runs.tell(cursor, 1, run_id, far, MINUTE))
    found = told(store, run_id)
    assert (found.answers_done, found.answers_total, found.seconds_left, found.cost_usd) == (5, 24, 3.5, 0.25)
    assert end(store, run_id, "failed", 3, 4)
    found = told(store, run_id)
    assert (found.state, found.outcome, found.answers_done, found.seconds_left) == ("done", "failed", 12, None)
    assert not call(store, lambda cursor: runs.tell(cursor, 1, run_id, far, MINUTE))
    with store.readers.read() as cursor:
        assert runs.run(cursor, 2, run_id) is None, "of another project"


def test_a_run_that_nobody_tells_of_any_more_is_cut_off_and_goes_on(store: Any) -> None:
    run_id = begin(store, NONE)
    assert told(store, run_id).state == "cut_off"
    assert call(store, lambda cursor: runs.take(cursor, MINUTE)) is None, "no worker's"
    begin(store, run_id=run_id)
    assert told(store, run_id).state == "running"
    assert call(store, lambda cursor: runs.stop(cursor, 1, run_id, "failed", "No room."))
    assert (told(store, run_id).state, told(store, run_id).fault) == ("failed", "No room.")


def test_runs_are_listed_newest_first_by_suite_and_outcome(store: Any) -> None:
    first, second, third = begin(store), begin(store, suite="b"), begin(store)
    end(store, first)
    end(store, second, "failed")

    def listed(**by: Any) -> list[UUID]:
        with store.readers.read() as cursor:
            return [run.run_id for run in runs.runs(cursor, 1, **by)]

    assert listed() == [third, second, first]
    assert listed(suite="a") == [third, first]
    assert listed(outcome="failed") == [second]
    assert listed(outcome="running") == [third]
    assert listed(most=1) == [third]
    assert listed(before=told(store, third).created_at) == [second, first]
    with store.readers.read() as cursor:
        assert {name: run.run_id for name, run in runs.newest_runs(cursor, 1).items()} == {"a": third, "b": second}


def test_rows_that_are_told_again_are_there_once(store: Any) -> None:
    run_id, made = begin(store), made_runs.rows(4, 2)
    add(store, run_id, made)
    add(store, run_id, made[2:6])
    found = ask(store, "run_rows", run_id=run_id)
    assert [(row["place"], row["repeat"]) for row in found] == [(row["place"], row["repeat"]) for row in made]
    assert [row["line"].encode() + b"\n" for row in found] == made_runs.lines(made)
    changed = [row | {"answer": "another"} for row in made[:1]]
    add(store, run_id, changed)
    assert '"another"' in ask(store, "run_rows", run_id=run_id, item="q0")[0]["line"]
    end(store, run_id, items=3, repeats=1)
    assert [(row["place"], row["repeat"]) for row in ask(store, "run_rows", run_id=run_id)] == [(0, 0), (1, 0), (2, 0)]


FILTERS = [
    pytest.param({}, 24, id="all"),
    pytest.param({"failing": True}, 7, id="failing"),
    pytest.param({"failing": True, "evaluator": "exact"}, 2, id="failing-by-one-that-only-failed"),
    pytest.param({"failing": True, "evaluator": "nobody"}, 0, id="failing-by-nobody"),
    pytest.param({"flaky": True}, 2, id="flaky"),
    pytest.param({"flaky": True, "evaluator": "exact"}, 0, id="flaky-by-another"),
    pytest.param({"item": "q3"}, 2, id="item"),
    pytest.param({"text": "ORDER 11 "}, 2, id="text-whatever-its-case"),
    pytest.param({"text": "order 11 ", "failing": True}, 0, id="both"),
]


@pytest.mark.parametrize(("by", "matching"), FILTERS)
def test_rows_are_found_by_what_came_of_them(store: Any, by: dict[str, Any], matching: int) -> None:
    # Places 0 and 4 do not pass, each twice; 8 has no answer, twice; 5 is flaky, once: there are 7.
    run_id = begin(store)
    add(store, run_id, made_runs.rows(12, 2, flaky=(5,), failed=(8,)))
    found = ask(store, "run_rows", run_id=run_id, **by)
    assert [row["matching"] for row in found] == [matching] * matching


def test_rows_come_by_pages(store: Any) -> None:
    run_id = begin(store)
    add(store, run_id, made_runs.rows(5, 2))
    first = ask(store, "run_rows", run_id=run_id, page_size=3)
    after = {"after_place": first[-1]["place"], "after_repeat": first[-1]["repeat"]}
    second = ask(store, "run_rows", run_id=run_id, page_size=100, **after)
    assert [(row["place"], row["repeat"]) for row in (*first, *second)] == [(p, r) for p in range(5) for r in range(2)]
    assert second[0]["matching"] == 10


def test_values_stand_by_item_and_repeat(store: Any) -> None:
    run_id = begin(store)
    add(store, run_id, made_runs.rows(2, 2, flaky=(0,), failed=(1,)))
    found = ask(store, "run_values", run_id=run_id, measure="groundedness")
    assert [(row["item"], row["repeat"], row["value"], row["passed"], row["failed"]) for row in found] == [
        ("q0", 0, 0.2, False, False), ("q0", 1, 0.9, True, False), ("q1", 0, None, None, True),
        ("q1", 1, None, None, True),
    ]  # fmt: skip
    assert [row["value"] for row in ask(store, "run_values", run_id=run_id, measure="target.latency_ms")] == [
        200.0, 200.0, 201.0, 201.0
    ]  # fmt: skip
    later = ask(store, "run_values", run_id=run_id, measure="groundedness", after_place=0)
    assert [row["place"] for row in later] == [1, 1]


def order(store: Any, suite: str = "a") -> UUID:
    return call(store, lambda cursor: runs.order(cursor, 1, suite, "suite: a", "{}", "ada"))


def take(store: Any, lasts: timedelta = MINUTE) -> Taken | None:
    return call(store, lambda cursor: runs.take(cursor, lasts))


def taken(store: Any, lasts: timedelta = MINUTE) -> Taken:
    found = take(store, lasts)
    assert found is not None
    return found


def test_of_a_suite_one_ordered_run_at_a_time_is_taken(store: Any) -> None:
    first, second, other = order(store), order(store), order(store, "b")
    assert told(store, first).state == "waiting"
    one, two = taken(store), taken(store)
    assert (one.run_id, two.run_id) == (first, other)
    assert take(store) is None
    assert begin(store, run_id=first) == first
    end(store, first)
    assert taken(store).run_id == second


def test_the_text_of_an_ordered_run_is_not_replaced(store: Any) -> None:
    """A worker may trust it as a file of the suites' folder."""
    run_id = order(store)
    new = NewRun(run_id, "a", BEGAN, "{}", "target: {command: {run: [evil]}}", 1)
    assert call(store, lambda cursor: runs.begin(cursor, 1, new, MINUTE))
    with store.readers.read() as cursor:
        found = runs.run(cursor, 1, run_id)
    assert found is not None
    assert found[1].document == "suite: a"


def test_a_lost_lease_is_taken_by_another_and_the_first_is_told(store: Any) -> None:
    run_id = order(store)
    first = taken(store, NONE)
    assert told(store, run_id).state == "waiting"
    with store.readers.read() as cursor:
        assert runs.waiting(cursor)
    second = taken(store)
    assert second.run_id == run_id
    assert not call(store, lambda cursor: runs.keep(cursor, run_id, first.lease, MINUTE))
    assert call(store, lambda cursor: runs.keep(cursor, run_id, second.lease, MINUTE))
    with store.readers.read() as cursor:
        assert not runs.waiting(cursor)


def test_a_run_that_no_worker_can_keep_is_given_up(store: Any) -> None:
    run_id = order(store)
    for _ in range(runs.MAX_ATTEMPTS):
        taken(store, NONE)
    assert take(store) is None
    found = told(store, run_id)
    assert (found.state, found.fault) == ("failed", "Given up after 3 workers took it.")


def test_a_worker_that_ends_gives_its_run_back(store: Any) -> None:
    run_id = order(store)
    for _ in range(runs.MAX_ATTEMPTS + 1):  # it is no attempt
        lease = taken(store).lease
        assert call(store, lambda cursor, lease=lease: runs.give_back(cursor, run_id, lease, None))  # type: ignore[misc]  # default binds the loop variable
    assert told(store, run_id).state == "waiting"
    lease = taken(store).lease
    assert call(store, lambda cursor: runs.give_back(cursor, run_id, lease, "No such file."))
    assert (told(store, run_id).state, told(store, run_id).fault) == ("failed", "No such file.")


def test_a_cancelled_run_is_kept_from_its_worker_and_can_go_on(store: Any) -> None:
    run_id = order(store)
    lease = taken(store).lease
    assert call(store, lambda cursor: runs.cancel(cursor, 1, run_id))
    assert not call(store, lambda cursor: runs.keep(cursor, run_id, lease, MINUTE))
    assert not end(store, run_id)
    new = NewRun(run_id, "a", BEGAN, "{}", "", 1)
    assert not call(store, lambda cursor: runs.begin(cursor, 1, new, MINUTE))
    assert call(store, lambda cursor: runs.order_again(cursor, 1, run_id, '{"again": 1}'))
    assert taken(store).wish == '{"again": 1}'


def test_a_run_is_forgotten_with_its_rows(store: Any) -> None:
    run_id, other = begin(store), begin(store)
    for one in (run_id, other):
        add(store, one, made_runs.rows(2))
    assert call(store, lambda cursor: runs.remove(cursor, 1, run_id))
    assert not call(store, lambda cursor: runs.remove(cursor, 1, run_id))
    assert store.rows("select count(*) from run_rows") == [(2,)]
