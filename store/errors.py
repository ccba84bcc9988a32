"""Errors of the store. Each names what happened, with which value, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from store.sqltext import Place


class StoreError(Exception):
    """The operator or caller can act on it; everything else is a bug."""


class StoreBusyError(StoreError):
    """Not written, try again: the queue is full, the disk is low, or the file is being reopened."""

    def __init__(self, message: str, retry_after_s: float, *, overloaded: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.overloaded = overloaded  # true: the queue is full


class StoreFullError(StoreBusyError):
    """Not written: the disk takes no more. Waiting helps only when somebody frees some space."""


class StoreLockedError(StoreError):
    """Another process holds the file."""


class StoreFolderError(StoreError):
    """The folder or the file cannot be used: no permission, no room, a file in the way, or no store in it."""


class StoreDamagedError(StoreError):
    """The file or its log is not what was written: a bad disk, a copy that was cut, files of two stores mixed up."""


class QueryTimeoutError(StoreError):
    """A read ran past its limit and was interrupted."""


class UnknownQueryError(StoreError):
    """No query has this name, or a parameter is missing, unknown or of the wrong type."""


class RefusedSqlError(StoreError):
    """The SQL prompt admits one read-only SELECT at a time."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.at = None if place is None else place.at  # in the text, in characters from 0; null: nowhere in it
        self.length = None if place is None else place.length

    def moved(self, by: int) -> Self:
        """The same of a text that begins `by` characters earlier."""
        self.at = None if self.at is None else self.at + by
        return self


class SchemaError(StoreError):
    """The file's schema is not the one that this program knows."""


class UnknownProjectNameError(StoreError):
    """No project has this name."""


class StoreBrokenError(StoreError):
    """DuckDB gave the open file up, as it does when the disk does not take a checkpoint. Nothing committed is lost."""

    def __init__(self, message: str, generation: int) -> None:
        super().__init__(message)
        self.generation = generation  # of the database: what `Database.reopen` wants to know
