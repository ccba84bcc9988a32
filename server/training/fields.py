"""The field that people answered, as queues and end users have it."""

from __future__ import annotations

from server.labelling.terms import CHOOSING, TIE, Asked, Terms
from server.training.wanted import OfFeedback, OfQueue, TrainingDataError


def asked_of(source: OfQueue | OfFeedback, terms: Terms | None) -> Asked:
    """The field that people answered. Raises TrainingDataError: the queue has no such field."""
    if isinstance(source, OfQueue) and terms is not None:
        return field_of(terms, source.field)
    return Asked(name="correction", kind="correction", title="The answer as end users corrected it")


def few(asked: Asked) -> bool:
    """Whether it has few answers, so that these can be counted one by one."""
    return asked.kind in CHOOSING | {"preference"}


def balanced(asked: Asked) -> bool:
    """Whether an item has one of few answers, so that examples of each can be drawn."""
    return few(asked) and not asked.several


def answers(asked: Asked) -> list[str]:
    """What can be answered: its choices, else sides."""
    return [one.value for one in asked.choices] or ["a", "b", *([TIE] if asked.ties else [])]


def field_of(terms: Terms, name: str) -> Asked:
    """Raises TrainingDataError: the queue has no such field."""
    field = next((one for one in terms.fields if one.name == name), None)
    if field is None:
        there = ", ".join(one.name for one in terms.fields)
        raise TrainingDataError(f"The queue has no field {name!r}. It has {there}.")
    return field
