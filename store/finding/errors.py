"""What is wrong with a line, and where."""

from __future__ import annotations

from store.errors import UnknownQueryError


class AskedError(UnknownQueryError):
    """A line that asks for nothing that can be told. `at`: the first character that is meant, from 0."""

    def __init__(self, message: str, at: int, length: int = 1) -> None:
        super().__init__(message)
        self.at, self.length = at, max(1, length)
