"""Errors of the evaluators. Each names what happened, with which value, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


class EvaluatorError(Exception):
    """The user can act on it; everything else is a bug."""


class UnknownEvaluatorError(EvaluatorError):
    """No evaluator has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"No evaluator is named {name!r}.{hint} Installed: {', '.join(known) or 'none'}.")

    def __reduce__(self) -> tuple[type[UnknownEvaluatorError], tuple[str, tuple[str, ...]]]:
        """It travels between processes, where an exception is made anew from its arguments."""
        return type(self), (self.name, self.known)


class OptionError(EvaluatorError):
    """An evaluator cannot be made with these options."""


class UnreadableCaseError(EvaluatorError):
    """A row is no case: not JSON, no object, or a field of the wrong shape."""
