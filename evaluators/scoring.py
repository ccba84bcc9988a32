"""One case by one evaluator: whatever happens becomes a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable
from contextvars import ContextVar

from evaluators.case import Case, Unreadable
from evaluators.protocol import Evaluator, missing
from evaluators.verdict import Verdict, failed, not_applicable

REPEAT: ContextVar[int] = ContextVar("repeat", default=0)
"""Which of several verdicts on the same case this is, from 0: a judge asks anew for each, and its cache knows it."""


async def judged(evaluator: Evaluator, case: Case | Unreadable) -> Verdict:
    """The verdict on the case: on the evaluator's scale, or why there is none. Raises nothing but what ends the run."""
    said = begun(evaluator, case)
    return said if isinstance(said, Verdict) else await finished(evaluator, said)


async def release(evaluators: Iterable[Evaluator]) -> None:
    """Give back what evaluators hold in this event loop: processes, connections, those of their judges.

    What holds something has `async def aclose()`, and can be asked again after it.
    """
    for evaluator in evaluators:
        for held in (evaluator, getattr(evaluator, "judge", None)):
            end = getattr(held, "aclose", None)
            if end is not None:
                await end()


async def finished(evaluator: Evaluator, said: Awaitable[Verdict]) -> Verdict:
    """The verdict of what `begun` left to await."""
    try:
        return (await said).on(evaluator.card.scale)
    except Exception as error:  # noqa: BLE001 - an evaluator may be anybody's
        return fault(error)


def begun(evaluator: Evaluator, case: Case | Unreadable) -> Verdict | Awaitable[Verdict]:
    """The verdict of an evaluator that asks nobody, or what must be awaited of another."""
    if isinstance(case, Unreadable):
        return failed("unreadable", case.reason)
    lacking = missing(evaluator.card, case)
    if lacking is not None:
        return not_applicable(lacking)
    try:
        said = evaluator(case)
    except Exception as error:  # noqa: BLE001 - an evaluator may be anybody's
        return fault(error)
    return said if inspect.isawaitable(said) else said.on(evaluator.card.scale)


def fault(error: Exception) -> Verdict:
    """The verdict of an evaluator that raised."""
    return failed(type(error).__name__, f"The evaluator failed: {type(error).__name__}: {error}"[:1000])
