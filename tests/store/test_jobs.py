"""Orders and their parts: nobody works on what another has, nothing is lost with a worker, and all of it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from store import jobs
from store.jobs import Job, Part, Tally, Target

MINUTE, NONE = timedelta(minutes=1), timedelta(0)
TARGETS = [Target(UUID(int=n + 1), n or None, n * 10, n * 10 + 5) for n in range(5)]


def add(store: Any, project_id: int = 1, targets: list[Target] = TARGETS, budget_usd: float | None = None) -> UUID:
    made: UUID = store.writer.call(
        lambda cursor: jobs.add(cursor, project_id, targets, 2, '{"a": 1}', budget_usd, "ada")
    ).result()
    return made


def lease(store: Any, lasts: timedelta = MINUTE) -> Part | None:
    found: Part | None = store.writer.call(lambda cursor: jobs.lease(cursor, lasts)).result()
    return found


def leased(store: Any, lasts: timedelta = MINUTE) -> Part:
    found = lease(store, lasts)
    assert found is not None
    return found


def finish(store: Any, part: Part, tally: Tally = Tally(2, 1, 0)) -> bool:  # noqa: B008 - frozen
    closed: bool = store.writer.call(lambda cursor: jobs.finish(cursor, part.job_id, part.lease, tally)).result()
    return closed


def told(store: Any, job_id: UUID, project_id: int = 1) -> Job:
    with store.readers.read() as cursor:
        found = jobs.job(cursor, project_id, job_id)
    assert found is not None
    return found


def test_an_order_is_taken_part_by_part_and_is_done_with_the_last(store: Any) -> None:
    job_id = add(store)
    assert told(store, job_id).state == "waiting"
    parts = [leased(store) for _ in range(3)]
    assert lease(store) is None
    assert [target for part in parts for target in part.targets] == TARGETS
    assert [part.part for part in parts] == [0, 1, 2]
    assert told(store, job_id).state == "running"
    assert [finish(store, part, Tally(2, 1, 1, 5, 2, 0.25)) for part in parts] == [True] * 3
    job = told(store, job_id)
    assert (job.state, job.targets, job.targets_done, job.working) == ("done", 5, 5, 0)
    assert (job.ok, job.not_applicable, job.failed, job.calls, job.cached, job.spent_usd) == (6, 3, 3, 15, 6, 0.75)
    assert job.ended_at is not None
    assert (job.author, job.document) == ("ada", '{"a": 1}')


def test_what_a_worker_lost_is_taken_again_and_the_late_one_is_told(store: Any) -> None:
    job_id = add(store, targets=TARGETS[:2])
    first = leased(store, NONE)
    second = leased(store)
    assert (first.part, first.targets) == (second.part, second.targets)
    assert not finish(store, first)
    assert finish(store, second)
    assert told(store, job_id).ok == 2


def test_a_lease_is_kept_by_whoever_has_it(store: Any) -> None:
    add(store, targets=TARGETS[:2])
    first = leased(store, NONE)

    def renew(part: Part) -> bool:
        kept: bool = store.writer.call(lambda cursor: jobs.renew(cursor, part.job_id, part.lease, MINUTE)).result()
        return kept

    assert renew(first)
    assert lease(store) is None
    assert renew(first)
    finish(store, first)
    assert not renew(first)


def test_a_part_that_nobody_finishes_is_given_up(store: Any) -> None:
    job_id = add(store, targets=TARGETS[:3])
    taken = [leased(store, NONE).part for _ in range(jobs.MAX_ATTEMPTS)]
    assert taken == [0] * jobs.MAX_ATTEMPTS
    other = leased(store)
    assert other.part == 1
    finish(store, other)
    job = told(store, job_id)
    assert (job.state, job.targets_done, job.targets_given_up) == ("done", 3, 2)
    assert job.part_fault == "Given up after 3 workers took it and none finished it."


def test_a_budget_that_is_used_up_stops_the_order_and_a_new_one_goes_on(store: Any) -> None:
    job_id = add(store, budget_usd=1.0)
    first = leased(store)
    assert first.left_usd == 1.0
    finish(store, first, Tally(2, 0, 0, 2, 0, 1.5))
    assert lease(store) is None
    job = told(store, job_id)
    assert (job.state, job.fault) == ("stopped", "Its budget of $1 is used up.")
    assert store.writer.call(lambda cursor: jobs.retry(cursor, 1, job_id, 2.0)).result()
    assert leased(store).left_usd == pytest.approx(0.5)
    assert told(store, job_id).state == "running"


def test_a_cancelled_order_gives_nothing_more(store: Any) -> None:
    job_id = add(store)
    first = leased(store)
    assert store.writer.call(lambda cursor: jobs.cancel(cursor, 1, job_id)).result()
    assert lease(store) is None
    assert not store.writer.call(lambda cursor: jobs.renew(cursor, job_id, first.lease, MINUTE)).result()
    assert finish(store, first)
    job = told(store, job_id)
    assert (job.state, job.targets_done, job.ok) == ("cancelled", 2, 2)
    assert not store.writer.call(lambda cursor: jobs.cancel(cursor, 1, job_id)).result()


def test_the_oldest_order_goes_first_and_projects_are_apart(store: Any) -> None:
    first, second = add(store, targets=TARGETS[:1]), add(store, 2, TARGETS[:1])
    assert [(part.job_id, part.project_id) for part in (leased(store), leased(store))] == [(first, 1), (second, 2)]
    with store.readers.read() as cursor:
        assert [job.job_id for job in jobs.jobs(cursor, 1)] == [first]
        assert jobs.job(cursor, 1, second) is None


def test_an_order_of_nothing_is_done_at_once(store: Any) -> None:
    job = told(store, add(store, targets=[]))
    assert (job.state, job.targets, job.spent_usd) == ("done", 0, None)
    with store.readers.read() as cursor:
        assert not jobs.waiting(cursor)


def test_what_is_taken_outlives_the_process(open_store: Any) -> None:
    opened = open_store()
    job_id = add(opened, targets=TARGETS[:2])
    first = leased(opened)
    again = open_store()
    assert lease(again) is None
    assert finish(again, first)
    assert told(again, job_id).state == "done"


def test_what_is_left_of_a_budget_is_given_to_one_worker_at_a_time(store: Any) -> None:
    add(store, budget_usd=1.0)
    first = leased(store)
    assert lease(store) is None
    finish(store, first, Tally(2, 0, 0, 2, 0, 0.25))
    assert leased(store).left_usd == pytest.approx(0.75)


@pytest.mark.parametrize(("more", "left"), [({}, 1.0), ({"budget_usd": 3.0}, 3.0), ({"unbounded": True}, None)])
def test_a_job_goes_on_within_its_budget_unless_that_is_lifted(
    store: Any, more: dict[str, Any], left: float | None
) -> None:
    job_id = add(store, budget_usd=1.0)
    store.writer.call(lambda cursor: jobs.cancel(cursor, 1, job_id)).result()
    told_more = {"budget_usd": None} | more
    assert store.writer.call(lambda cursor: jobs.retry(cursor, 1, job_id, **told_more)).result()
    assert leased(store).left_usd == left
