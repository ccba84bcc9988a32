"""How checks of agents agree with a benchmark's own verdicts: tau-bench, GPT-4o as an airline agent.

    python benchmarks/quality_agents.py

The benchmark compares the final state of its database, and the texts that had to be told. Its reference calls are one
way to that state: right calls are no proof of a reward, nor a reward of these calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figures import Row, auroc, data, figure, read, table

from analytics.passes import passes
from evaluators.agents.outcome import FirstFailingStep, GoalReached
from evaluators.agents.reference import ToolCallAccuracy, Trajectory
from evaluators.agents.repetition import Loops, RepeatedSteps
from evaluators.case import Case
from evaluators.rows import read_case

CHANGES = (
    "book_reservation, cancel_reservation, send_certificate, update_reservation_baggages, update_reservation_flights, "
    "update_reservation_passengers"
)
NAME = "tau-bench airline, half"


def case_of(row: dict[str, Any]) -> Case:
    task = row["info"]["task"]
    due = [{"name": one["name"], "arguments": one["kwargs"]} for one in task["actions"]]
    return read_case({"messages": row["traj"], "reference_tool_calls": due, "expected_outputs": task["outputs"]})


def pass_figures(rows: list[dict[str, Any]]) -> Iterator[Row]:
    for one in passes([row["task_id"] for row in rows], [row["reward"] == 1 for row in rows], (1, 2, 3, 4)):
        for measure, found in ((f"pass^{one.k}", one.all_of_k), (f"pass@{one.k}", one.any_of_k)):
            yield Row(NAME, "passes, of tasks", measure, found.value or 0.0, found.n, 0, found.low, found.high)


def rewards(rows: list[dict[str, Any]]) -> Iterator[Row]:
    """AUROC of the reward; tasks are clusters of their four trials."""
    truth, tasks = [int(row["reward"]) for row in rows], [row["task_id"] for row in rows]
    cases = [case_of(row) for row in rows]
    rules = {
        "tool_call_accuracy, calls that change": ToolCallAccuracy(only=CHANGES),
        "the same, by share of arguments": ToolCallAccuracy(only=CHANGES, arguments="share"),
        "tool_call_accuracy, recall of all": ToolCallAccuracy(extra_calls=True),
        "trajectory, in order": Trajectory(),
        "first_failing_step": FirstFailingStep(),
    }
    scores = {rule: [evaluator(case).value or 0.0 for case in cases] for rule, evaluator in rules.items()}
    scores["repeated_steps, fewer"] = [-(RepeatedSteps()(case).value or 0.0) for case in cases]
    scores["loops, fewer"] = [-(Loops()(case).value or 0.0) for case in cases]
    scores["fewer messages"] = [-float(len(row["traj"])) for row in rows]
    for rule, score in scores.items():
        yield figure(NAME, rule, "AUROC of reward", auroc, truth=truth, score=score, clusters=tasks)


def outputs(rows: list[dict[str, Any]]) -> Iterator[Row]:
    """Texts that had to be told: our verdict against the benchmark's."""
    same = []
    for row in rows:
        info = (row["info"].get("reward_info") or {}).get("info") or {}
        if "r_outputs" in info:
            same.append(float(GoalReached()(case_of(row)).label == ("pass" if info["r_outputs"] else "fail")))
    yield figure(
        NAME, "goal_reached, outputs", "agreement", lambda _, s: float(s.mean()), truth=[0] * len(same), score=same
    )


def main() -> None:
    path = data("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz")
    if path is not None:
        rows = read(path)
        print(table(row for part in (pass_figures, rewards, outputs) for row in part(rows)))


if __name__ == "__main__":
    main()
