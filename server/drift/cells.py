"""The cells of two files as one table, each column read as numbers or names once, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.columns import Bools, Floats
from server.compare.reading import ComparisonError, Table, labels, numbers

Numbers = tuple[Floats, Bools]


@dataclass(frozen=True, slots=True)
class Cells:
    """A table whose columns are asked for several times: for their type, their worth and their values."""

    table: Table
    _numbers: dict[str, Numbers | ComparisonError] = field(default_factory=dict)
    _labels: dict[str, list[str | None]] = field(default_factory=dict)

    @property
    def places(self) -> Sequence[str]:
        """Of each row, as the table has them."""
        return self.table.places

    @property
    def names(self) -> Sequence[str]:
        """Of the columns, in their order."""
        return list(self.table.columns)

    def column(self, name: str) -> Sequence[Any]:
        """As the table has it, with its error."""
        return self.table.column(name)

    def numbers(self, name: str) -> Numbers:
        """As `reading.numbers` has them, with its errors; not to be written to."""
        if name not in self._numbers:
            try:
                self._numbers[name] = numbers(self.table, name)
            except ComparisonError as error:
                self._numbers[name] = error
        found = self._numbers[name]
        if isinstance(found, ComparisonError):
            raise found
        return found

    def labels(self, name: str) -> list[str | None]:
        """As `reading.labels` has them."""
        if name not in self._labels:
            self._labels[name] = labels(self.table.column(name))
        return self._labels[name]
