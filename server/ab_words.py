"""What came of a live A/B test, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.ab_figures import apart, effect
from server.ab_tests import Registered
from server.evals.figures import counted, verb

Json = Mapping[str, Any]


def verdict(test: Registered, told: Json) -> str:
    """The finding of a test, one sentence for each variant against the control."""
    if not told["exposure"]["units"]:
        return (
            f"No trace carries a variant of {test.name} yet. Set the attribute variant of its spans, such as "
            f"{test.terms.variants[0].label(test.name)}."
        )
    return " ".join(_sentence(test, one, told) for one in told["comparisons"])


def _sentence(test: Registered, one: Json, told: Json) -> str:
    kind = one["advice"]["kind"]
    if kind == "mismatch":
        return _mismatched(one, told)
    if kind == "hurt":
        return _hurt(one)
    return _of_metric(test, one, over=told["over"])


def _mismatched(one: Json, told: Json) -> str:
    return (
        f"Do not read {one['variant']} against {one['control']}: units came to the arms otherwise than their weights "
        f"say (p {_p(told['mismatch']['p_always'])} at all looks). Find out why units are lost or dealt otherwise, and "
        "begin a new test."
    )


def _hurt(one: Json) -> str:
    rail = next(rail for rail in one["guardrails"] if rail["state"] == "hurt")
    unit = rail["unit_of"]
    return (
        f"Stop {one['variant']}: {rail['metric']} is worse than in {one['control']} by more than its margin of "
        f"{apart(rail['margin'], unit).removeprefix('+')}; it differs by {effect(rail, unit)}."
    )


def _of_metric(test: Registered, one: Json, *, over: bool) -> str:
    terms, name, control = test.terms, one["variant"], one["control"]
    found = f"{terms.metric} differs by {effect(one, terms.unit_of)}"
    level = f"at {100 * (1 - one['alpha']):.4g} % for all looks"
    match one["advice"]["kind"]:
        case "win":
            said = f"{name} is better than {control}: {found}, {level}."
        case "loss":
            said = f"{name} is worse than {control}: {found}, {level}."
        case "futile":
            wanted = apart(terms.mde, terms.unit_of).removeprefix("+")
            said = f"{name} gains less than the {wanted} that are wanted over {control}: {found}."
        case "too_few":
            known = f"{counted(one['n'], 'unit')} with a value"
            said = f"Too little is known of {name} against {control} for an interval of {terms.metric}: {known}."
        case _:
            said = f"Nothing is decided between {name} and {control}: {found}."
    return f"{said} {next_step(one, over=over)}"


def next_step(one: Json, *, over: bool) -> str:
    """What to do next. `over`: the test is stopped, so that nothing of it can go on."""
    advice, control = one["advice"], one["control"]
    match advice["kind"]:
        case "win":
            return _taken(one, over=over)
        case "loss":
            return f"Stay with {control}." if over else f"Stop the test and stay with {control}."
        case "futile":
            stop = "Stay" if over else "Stop the test and stay"
            return f"{stop} with {control}, unless a smaller gain is worth it."
        case "too_few":
            return "The test is over." if over else "Go on."
    return _ended(advice) if over else _left(advice)


def _taken(one: Json, *, over: bool) -> str:
    """What to do with a winner: what must not get worse may not be known yet."""
    left = [rail["metric"] for rail in one["guardrails"] if rail["state"] == "open"]
    if not left:
        return "Take it." if over else "Take it, and stop the test."
    if over:
        return f"The test did not decide {counted(len(left), 'guardrail')}: {', '.join(left)}."
    return f"Before it is taken, {counted(len(left), 'guardrail')} still to be decided: {', '.join(left)}."


def _left(advice: Json) -> str:
    if advice["needed"] is None:
        return "Go on."
    if not advice["remaining"]:
        return "So many units find the effect wanted in 4 of 5 tests: it is probably smaller. Go on, or stop."
    finds = verb(advice["remaining"], "finds", "find")
    told = f"Go on: {counted(advice['remaining'], 'more unit')} {finds} the effect wanted in 4 of 5 tests"
    days = advice["days_left"]
    return told + (f", some {counted(max(1, round(days)), 'day')} at the pace of now." if days else ".")


def _ended(advice: Json) -> str:
    if not advice["remaining"]:
        return "The test is over."
    more = counted(advice["remaining"], "more unit")
    return f"The test is over; {more} would have found the effect wanted in 4 of 5 tests."


def _p(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else f"{value:.2g}"


def warnings(told: Json, mixed: float) -> list[str]:
    """What else whoever reads the figures must know."""
    exposure, found = told["exposure"], []
    if exposure["mixed_share"] > mixed:
        found.append(
            f"{counted(exposure['mixed_units'], 'unit')} of {exposure['units']:,} were in several arms and are left "
            "out. That is more than 1 %: whoever leaves an arm may do so because of it."
        )
    if exposure["traces_without_unit"]:
        found.append(
            f"{counted(exposure['traces_without_unit'], 'trace')} of {exposure['traces']:,} without a unit id: left "
            "out."
        )
    return found
