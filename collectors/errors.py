"""Errors of the collectors. Each names what happened, with which value, and what to do next."""

from __future__ import annotations


class CollectorError(Exception):
    """The sender or the operator can act on it; everything else is a bug."""


class UndecodableError(CollectorError):
    """The whole request cannot be read (HTTP 400, INVALID_ARGUMENT); sending it again cannot help."""


class UnavailableError(CollectorError):
    """The request was not stored and should be sent again (HTTP 503 or 429, UNAVAILABLE with RetryInfo)."""

    def __init__(self, message: str, retry_after_s: float, *, overloaded: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.overloaded = overloaded  # true: the sender is too fast (HTTP 429); false: we are not able (503)


class UnknownProjectError(CollectorError):
    """The named project does not exist (HTTP 404, NOT_FOUND)."""
