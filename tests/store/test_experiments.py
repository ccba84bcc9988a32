"""Experiments in the store: arms in their order, one after other, within their budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest

from server.run_worker import _budget
from store import experiments, runs
from store.experiments import NewArm, NewExperiment
from store.runs import Ending, Taken

T = TypeVar("T")
MINUTE = timedelta(minutes=1)
BEGAN = datetime(2026, 11, 1, 10)  # noqa: DTZ001 - UTC without a zone, as the store holds it
NEW = NewExperiment(UUID(int=7), "two", "a", "app", "ada", '{"x": [1, 2]}')


def call(store: Any, work: Callable[[Any], T]) -> T:
    done: T = store.writer.call(work).result(20)
    return done


def order(store: Any, count: int, new: NewExperiment = NEW) -> list[UUID]:
    arms = [NewArm(f'{{"x": {place}}}', f"suite: a # {place}", "{}") for place in range(count)]
    return call(store, lambda cursor: experiments.order(cursor, 1, new, arms))


def take(store: Any) -> Taken | None:
    return call(store, lambda cursor: runs.take(cursor, MINUTE))


def end(store: Any, run_id: UUID, cost: float | None) -> None:
    ending = Ending("{}", "{}", "{}", "passed", 1, 1, 1, cost, BEGAN)
    assert call(store, lambda cursor: runs.end(cursor, 1, run_id, ending))


def test_arms_are_taken_in_their_order_and_know_their_experiment(store: Any) -> None:
    ids = order(store, 3)
    with store.readers.read() as cursor:
        told = experiments.runs_of(cursor, 1, [NEW.experiment_id])[NEW.experiment_id]
        assert [(run.run_id, run.arm) for run in told] == [(ids[place], f'{{"x": {place}}}') for place in range(3)]
        assert runs.runs(cursor, 1, "a", arms=False) == []
        assert runs.newest_runs(cursor, 1) == {}
        found = experiments.experiment(cursor, 1, NEW.experiment_id)
        assert found is not None
        assert (found.name, found.varied, found.author) == ("two", '{"x": [1, 2]}', "ada")
        assert experiments.experiment(cursor, 2, NEW.experiment_id) is None
    for place in range(3):
        taken = take(store)
        assert taken is not None
        assert (taken.run_id, taken.left_usd) == (ids[place], None)
        assert taken.experiment == f'{{"id": "{NEW.experiment_id.hex}", "name": "two", "arm": {{"x": {place}}}}}'
        assert take(store) is None, "one after other"
        end(store, taken.run_id, None)


def test_what_the_others_left_of_a_budget_is_an_arms(store: Any) -> None:
    ids = order(store, 4, replace(NEW, budget_usd=1.0))
    lefts = []
    for cost in (0.25, None, 0.75):
        taken = take(store)
        assert taken is not None
        lefts.append(taken.left_usd)
        end(store, taken.run_id, cost)
    assert lefts == [1.0, 0.75, 0.75], "what is not known is not counted"
    assert take(store) is None
    with store.readers.read() as cursor:
        last = experiments.runs_of(cursor, 1, [NEW.experiment_id])[NEW.experiment_id][-1]
    assert (last.run_id, last.state) == (ids[3], "failed")
    assert "budget of its experiment is spent" in str(last.fault)


def test_all_of_an_experiment_is_cancelled_and_forgotten(store: Any) -> None:
    order(store, 2)
    plain = call(store, lambda cursor: runs.order(cursor, 1, "a", "suite: a", "{}", None))
    assert call(store, lambda cursor: experiments.cancel(cursor, 1, NEW.experiment_id)) == 2
    assert call(store, lambda cursor: experiments.remove(cursor, 1, NEW.experiment_id))
    assert not call(store, lambda cursor: experiments.remove(cursor, 1, uuid4()))
    with store.readers.read() as cursor:
        assert [run.run_id for run in runs.runs(cursor, 1)] == [plain]
        assert [run.state for run in runs.runs(cursor, 1)] == ["waiting"]


@pytest.mark.parametrize(
    ("wished", "own", "left", "told"),
    [
        pytest.param(None, None, None, None, id="no-bound"),
        pytest.param(None, 2.0, None, 2.0, id="the-suite's"),
        pytest.param(3.0, 2.0, None, 3.0, id="as-ordered"),
        pytest.param(None, 2.0, 0.5, 0.5, id="what-is-left"),
        pytest.param(0.3, 2.0, 0.5, 0.3, id="less-was-ordered"),
    ],
)
def test_what_a_run_may_cost(wished: float | None, own: float | None, left: float | None, told: float | None) -> None:
    assert _budget({"wish": {"budget_usd": wished}, "left_usd": left}, own) == told
