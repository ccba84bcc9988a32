"""Which calls of an agent are those of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evaluators.case import Json, ToolCall
from evaluators.values import EXACT, Tolerance, same

Arguments = Literal["all", "share", "none"]
"""all: a call counts when all its arguments are right; share: by the share that is; none: names alone count."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When two calls are the same."""

    arguments: Arguments = "all"
    within: Tolerance = EXACT
    ignored: tuple[str, ...] = ()  # arguments that do not count
    extra: bool = False  # True: arguments that the reference does not have do not count

    def alike(self, made: ToolCall, due: ToolCall) -> float:
        """From 0, another call, to 1, the same."""
        if made.name != due.name:
            return 0.0
        right = self._right(made.arguments, due.arguments)
        if self.arguments == "none":
            return 1.0
        return right if self.arguments == "share" else float(right == 1)

    def _right(self, made: Json, due: Json) -> float:
        if not isinstance(made, dict | None) or not isinstance(due, dict | None):
            return float(same(made, due, self.within))
        said, expected = made or {}, due or {}
        names = (expected.keys() if self.extra else said.keys() | expected.keys()) - set(self.ignored)
        if not names:
            return 1.0
        equal = sum(
            name in said and name in expected and same(said[name], expected[name], self.within) for name in names
        )
        return equal / len(names)


Pairs = list[tuple[int, int, float]]  # the call made, the call due, how alike they are


def pairs(made: Sequence[ToolCall], due: Sequence[ToolCall], rules: Rules, *, ordered: bool) -> Pairs:
    """The pairs of calls, each call in one at most, with the most likeness in all; `ordered`: none crosses another."""
    alike = [[rules.alike(one, other) for other in due] for one in made]
    if not made or not due:
        return []
    return _ordered(alike) if ordered else _assigned(alike)


def _assigned(alike: list[list[float]]) -> Pairs:
    """The assignment of most likeness (Crouse 2016)."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - 0.4 s, for who asks for it

    rows, columns = linear_sum_assignment(alike, maximize=True)
    found = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column, alike[row][column]) for row, column in found if alike[row][column] > 0]


def _ordered(alike: list[list[float]]) -> Pairs:
    """The alignment of most likeness: the longest common subsequence, with weights."""
    height, width = len(alike), len(alike[0])
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for row in range(height - 1, -1, -1):
        for column in range(width - 1, -1, -1):
            both = alike[row][column] + best[row + 1][column + 1]
            best[row][column] = max(both, best[row + 1][column], best[row][column + 1])
    return _walked(alike, best)


def _walked(alike: list[list[float]], best: list[list[float]]) -> Pairs:
    found: Pairs = []
    row = column = 0
    while row < len(alike) and column < len(alike[0]):
        here = best[row][column]
        if here == best[row + 1][column]:
            row += 1
        elif here == best[row][column + 1]:
            column += 1
        else:
            found.append((row, column, alike[row][column]))
            row, column = row + 1, column + 1
    return found


def edits(made: Sequence[str], due: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements that make one sequence the other (Levenshtein 1966)."""
    last = list(range(len(due) + 1))
    for at, one in enumerate(made, 1):
        row = [at]
        for column, other in enumerate(due, 1):
            row.append(min(last[column] + 1, row[-1] + 1, last[column - 1] + (one != other)))
        last = row
    return last[-1]
