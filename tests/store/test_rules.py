"""Rules in the store: whose turn it is, what a look takes, what is kept of it, and which traces a score finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from collectors.facts import ScoreFacts
from collectors.frames import score_table
from store import jobs, outcomes, rules
from store.batch import Batch
from store.jobs import Part, Target
from store.outcomes import Failure, Tally
from store.queries import rules as asked
from store.queries.explore import EVER
from store.queries.rules import Choice
from store.rules import Chosen, Look, Rule, Wording

MINUTE, NONE = timedelta(minutes=1), timedelta(0)
START = datetime(2026, 9, 21, 14)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def call(store: Any, work: Any) -> Any:
    return store.writer.call(work).result()


def put(store: Any, name: str = "a", **more: Any) -> Rule:
    told = Wording(name, more.pop("document", "{}"), '{"evaluators": []}', more.pop("enabled", True), **more)
    made: Rule = call(store, lambda cursor: rules.put(cursor, 1, told))
    return made


def targets(*numbers: int) -> list[Target]:
    return [Target(UUID(int=n), None, n * 10, n * 10 + 5) for n in numbers]


def look(store: Any, rule: Rule, upto: int, *numbers: int) -> None:
    call(store, lambda cursor: rules.note_looks(cursor, [Look(rule, upto, targets(*numbers))], 2))


def lease(store: Any, lasts: timedelta = MINUTE) -> Part | None:
    found: Part | None = call(store, lambda cursor: jobs.lease(cursor, lasts))
    return found


def leased(store: Any, lasts: timedelta = MINUTE) -> Part:
    found = lease(store, lasts)
    assert found is not None
    return found


def finish(store: Any, part: Part, tally: Tally = Tally(2, 0, 0), **more: Any) -> bool:  # noqa: B008 - frozen
    closed: bool = call(store, lambda cursor: jobs.finish(cursor, part.job_id, part.lease, tally, **more))
    return closed


def backlog(store: Any, rule: Rule) -> rules.Backlog:
    with store.readers.read() as cursor:
        return rules.backlogs(cursor, 1)[rule.rule_id]


def failure(number: int, evaluator: str | None = "e") -> Failure:
    return Failure(
        UUID(int=number), None, None, number * 10, number * 10 + 5, evaluator, "timeout", "It took too long."
    )


def test_a_look_is_taken_once_and_not_of_a_rule_that_was_changed_since(store: Any) -> None:
    rule = put(store)
    look(store, rule, 5, 1, 2, 3)
    look(store, rule, 5, 1, 2, 3)
    assert backlog(store, rule).pending == 3
    put(store, document='{"unit": "call"}')
    look(store, rule, 9, 4)
    assert backlog(store, rule).pending == 3


def test_new_traces_come_before_orders_and_these_before_backfills(store: Any) -> None:
    rule = put(store)
    window = (START, START + MINUTE)
    backfill = call(store, lambda c: rules.add_backfill(c, rule, *window, "{}", None, None, again=False))
    with store.readers.read() as cursor:
        (hungry,) = rules.hungry_backfills(cursor, 5)
    call(store, lambda c: rules.feed(c, hungry, targets(7), (70, UUID(int=7)), 2))
    order = call(store, lambda c: jobs.add(c, 1, targets(8), 2, "{}", None, None))
    look(store, rule, 5, 9)
    parts = [leased(store) for _ in range(3)]
    assert [part.job_id for part in parts] == [rule.job_id, order, backfill]
    assert backlog(store, rule).backfill_pending == 1
    for part in parts:
        assert finish(store, part)
    with store.readers.read() as cursor:
        assert [job.state for job in jobs.jobs(cursor, 1)] == ["done", "running"], "more of the backfill may come"
        (hungry,) = rules.hungry_backfills(cursor, 5)
        assert (hungry.after_start_us, hungry.after_trace) == (70, UUID(int=7))
    call(store, lambda c: rules.feed(c, hungry, [], None, 2))
    with store.readers.read() as cursor:
        assert {job.state for job in jobs.jobs(cursor, 1)} == {"done"}
    assert (backlog(store, rule).pending, backlog(store, rule).targets_ever) == (0, 2)


def test_a_rule_that_is_off_or_has_spent_its_day_is_left_alone(store: Any) -> None:
    rule = put(store, budget_usd_per_day=1.0)
    look(store, rule, 5, 1, 2, 3, 4)
    part = leased(store)
    assert (part.left_usd, lease(store)) == (1.0, None), "one worker at a time is given what is left"
    finish(store, part, Tally(2, 0, 0, 2, 0, 1.5))
    assert lease(store) is None
    put(store, document='{"budget": 2}', budget_usd_per_day=2.0)
    part = leased(store)
    assert part.left_usd == pytest.approx(0.5)
    unpaid = [(part.targets[0], "e")]
    finish(store, part, Tally(1, 0, 0), unpaid=unpaid)
    assert lease(store) is None, "the budget did not allow one more call"
    told = backlog(store, rule)
    assert (told.pending, told.targets_day, told.spent_today_usd) == (1, 3, 1.5)
    put(store, document='{"budget": 3}')
    assert leased(store, NONE).evaluators == ("e",)
    put(store, document='{"budget": 3}', enabled=False)
    assert lease(store) is None


def test_failures_are_kept_until_they_are_scored(store: Any) -> None:
    rule = put(store)
    look(store, rule, 5, 1, 2)
    finish(store, leased(store), Tally(2, 0, 2), failures=[failure(1), failure(2)])
    assert call(store, lambda c: rules.retry(c, rule, Chosen(evaluator="other"), 2)) == 0
    assert call(store, lambda c: rules.retry(c, rule, Chosen(trace_id=UUID(int=1)), 2)) == 1
    assert call(store, lambda c: rules.retry(c, rule, Chosen(), 2)) == 1
    told = backlog(store, rule)
    assert (told.failures, told.retrying, told.pending, told.failed_day) == (2, 2, 2, 2)
    assert not call(store, lambda c: jobs.cancel(c, 1, rule.job_id)), "it ends with its rule"
    finish(store, leased(store))
    finish(store, leased(store), Tally(0, 0, 1), failures=[failure(2)])
    with store.readers.read() as cursor:
        ((left,), total) = rules.failures(cursor, rule.rule_id, 10)
        assert (left.failure.trace_id, left.retried_at, total) == (UUID(int=2), None, 1)
        assert rules.failure_types(cursor, rule.rule_id) == [("e", "timeout", 1)]


def test_what_workers_were_lost_over_is_a_failure_of_all_evaluators(store: Any) -> None:
    rule = put(store)
    look(store, rule, 5, 1)
    for _ in range(jobs.MAX_ATTEMPTS):
        assert lease(store, NONE) is not None
    assert lease(store, NONE) is None
    with store.readers.read() as cursor:
        ((left,), _) = rules.failures(cursor, rule.rule_id, 10)
        (part,) = rules.queue(cursor, rule.rule_id, None, 10)
    assert (left.failure.evaluator, left.failure.error_type, part.state) == (None, "lost", "failed")
    assert call(store, lambda c: rules.retry(c, rule, Chosen(), 2)) == 1
    assert leased(store).evaluators is None
    call(store, lambda c: rules.tidy(c, NONE))
    with store.readers.read() as cursor:
        assert [one.state for one in rules.queue(cursor, rule.rule_id, None, 10)] == ["working"]


def test_a_part_that_is_lost_stores_nothing(store: Any) -> None:
    rule = put(store)
    look(store, rule, 5, 1)
    part, other = leased(store, NONE), leased(store)
    batch = Batch(1, "worker", "scores", {}, scores=score_table([score(1, 1.0)]))
    for one, kept in ((part, False), (other, True), (other, False)):
        close = replace(one)
        done = store.writer.store_if(
            batch, lambda cursor, close=close: jobs.finish(cursor, close.job_id, close.lease, Tally(1, 0, 0))
        ).result(10)
        assert (done is not None) is kept
    assert store.count("scores") == 1
    with store.readers.read() as cursor:
        assert [one.ok for one in outcomes.hours(cursor, rule.rule_id, START - MINUTE)] == [1]


def score(trace: int, value: float | None, **more: Any) -> ScoreFacts:
    told: dict[str, Any] = {
        "trace_id": trace.to_bytes(16, "big"), "span_id": None, "session_id": None, "response_id": None,
        "carrier_trace_id": None, "carrier_span_id": None, "name": "good", "value": value, "label": None,
        "explanation": None, "source": "code", "evaluator": "e", "evaluator_version": "1", "author": None,
        "error_type": None, "time_ns": 1_790_000_000_000_000_000, "metadata": {},
    }  # fmt: skip
    return ScoreFacts(**told | more)


SUMMARY: dict[str, Any] = {
    "project_id": 1, "duration_ns": 10**9, "root_span_id": 1, "root_name": "r", "root_missing": False, "services": [],
    "spans": 1, "model_calls_ok": 1, "model_calls_failed": 0, "embedding_calls": 0, "tool_executions": 0,
    "tool_executions_failed": 0, "unknown_usage_calls": 0, "usage_estimated": False, "errors": 0, "status": "ok",
    "models": [], "tags": [], "variants": [], "prompts": [],
}  # fmt: skip


def summaries(store: Any, *rows: dict[str, Any]) -> None:
    told = [SUMMARY | {"start_time": pd.Timestamp(START)} | row for row in rows]
    frame = pd.DataFrame([row | {"trace_id": UUID(int=row["trace_id"])} for row in told])
    store.add("trace_summaries", frame)


def add_scores(store: Any, *told: ScoreFacts) -> int:
    batch = Batch(1, "api", "scores", {}, scores=score_table(list(told)))
    return int(store.writer.submit(batch).result(10).commit_seq)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"score": "good"}, {1, 2, 3, 4}, id="any"),
        pytest.param({"score": "good", "score_at_least": 0.5}, {1}, id="the-newest-counts"),
        pytest.param({"score": "good", "score_at_most": 0.0}, {2, 4}, id="of-a-session"),
        pytest.param({"score": "good", "score_failed": True}, {3}, id="failed"),
        pytest.param({"score": "good", "score_failed": False}, {1, 2, 4}, id="not-failed"),
        pytest.param({"score": "good", "score_label": "fine"}, {1}, id="label"),
        pytest.param({"score": "bad"}, set(), id="another-name"),
        pytest.param({"score": "good", "service": "shop"}, {2}, id="with-another-filter"),
    ],
)
def test_traces_are_found_by_their_scores(store: Any, filters: dict[str, Any], found: set[int]) -> None:
    summaries(
        store,
        {"trace_id": 1, "resolved_seq": 1},
        {"trace_id": 2, "resolved_seq": 1, "service": "shop"},
        {"trace_id": 3, "resolved_seq": 1},
        {"trace_id": 4, "resolved_seq": 1, "session_id": "s"},
        {"trace_id": 5, "resolved_seq": 1},
    )
    add_scores(store, score(1, 0.1), score(2, 0.9), score(3, 0.9))
    add_scores(
        store, score(1, 0.9, label="fine", span_id=None), score(2, 0.0), score(3, None, error_type="timeout"),
        score(4, 0.0, trace_id=None, session_id="s"),
    )  # fmt: skip
    window = {"since": EVER[0], "until": EVER[1], "words": False}
    rows = store.readers.run("traces", 1, {**window, **filters}).table.to_pylist()
    assert {UUID(row["trace_id"]).int for row in rows} == found


def test_a_rule_sees_each_version_of_a_trace_once_and_sessions_when_all_of_them_is_over(store: Any) -> None:
    summaries(
        store,
        {"trace_id": 1, "resolved_seq": 4, "session_id": "over", "service": "shop"},
        {"trace_id": 2, "resolved_seq": 6, "session_id": "over"},
        {"trace_id": 3, "resolved_seq": 6, "session_id": "goes on", "service": "shop"},
        {"trace_id": 4, "resolved_seq": 9, "session_id": "goes on"},
    )
    shop = Choice(1, {"service": "shop"}, 1.0)
    with store.readers.read() as con:
        seen = [asked.rule_traces(con, Choice(1, {}, 1.0), *bounds, 10) for bounds in ((0, 4), (4, 8), (8, 9))]
        assert [[UUID(row["trace_id"]).int for row in page.to_pylist()] for page in seen] == [[1], [2, 3], [4]]
        sessions = asked.rule_sessions(con, shop, 4, 8, 10).to_pylist()
        assert [(row["session_id"], UUID(row["trace_id"]).int) for row in sessions] == [("over", 2)]
        later = asked.rule_sessions(con, shop, 8, 9, 10).to_pylist()
        assert [row["session_id"] for row in later] == ["goes on"], "another trace of it is the shop's"
        assert asked.rule_sessions(con, shop, 9, 12, 10).num_rows == 0


def test_a_rule_by_a_score_sees_the_trace_when_the_score_comes_and_ends(store: Any) -> None:
    summaries(store, {"trace_id": 1, "resolved_seq": 0}, {"trace_id": 2, "resolved_seq": 0})
    seq = add_scores(store, score(1, 0.0), score(2, 1.0))
    poor = Choice(1, {"score": "good", "score_at_most": 0.5}, 1.0)
    with store.readers.read() as con:
        found = asked.rule_scored(con, poor, seq - 1, seq, ["judge"]).to_pylist()
        assert [UUID(row["trace_id"]).int for row in found] == [1]
    add_scores(store, score(1, 1.0, name="judge", evaluator="judge"))
    again = add_scores(store, score(1, 0.1))
    with store.readers.read() as con:
        assert asked.rule_scored(con, poor, again - 1, again, ["judge"]).num_rows == 0, "it is judged already"
