"""The texts of a case by the name of their field, for evaluators that look at several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from evaluators.case import Case, Part

TextField = Literal["question", "answer", "contexts", "system", "reference", "messages", "tool_calls"]
FIELDS: tuple[Part, ...] = ("question", "answer", "contexts", "system", "reference", "messages", "tool_calls")


def check_fields(fields: Iterable[str]) -> None:
    """Raises ValueError for a field that has no text."""
    for name in fields:
        if name not in FIELDS:
            raise ValueError(f"{name!r} is no field with text; there are {', '.join(FIELDS)}")


def texts(case: Case, fields: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each text that is there, with the name that a highlight gives it: `answer`, `contexts.0`, `messages.2`."""
    for name in fields:
        if name in {"question", "answer", "system", "reference"}:
            text = getattr(case, name)
            if text:
                yield name, text
        elif name == "contexts":
            yield from ((f"contexts.{place}", text) for place, text in enumerate(case.contexts or ()))
        elif name == "messages":
            yield from ((f"messages.{place}", one.text) for place, one in enumerate(case.messages or ()) if one.text)
        elif name == "tool_calls":
            yield from (
                (f"tool_calls.{place}", one.result) for place, one in enumerate(case.tool_calls or ()) if one.result
            )


def no_text(fields: Iterable[str]) -> str:
    """The sentence of a case without any."""
    return f"The row has no text in {' or '.join(fields)}."
