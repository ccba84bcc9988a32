"""What somebody states of measures: which side is better, and the difference that does not matter."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analytics.compared import Better
from server.compare.measures import Measure, NotComparableError

_SIZE = re.compile(r"(\$?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%|[a-z]*)", re.IGNORECASE | re.ASCII)
_POINTS = frozenset({"point", "points", "pt", "pts", "pp"})


@dataclass(frozen=True, slots=True)
class Stated:
    """The words of a question, each by the key of a measure."""

    margins: Sequence[str] = ()  # KEY=SIZE
    lower: Sequence[str] = ()
    higher: Sequence[str] = ()
    equivalence: bool = False  # of measures with a margin: ask for equivalence and not just for non-inferiority

    def applied(self, measures: Sequence[Measure], statistics: Mapping[str, str]) -> list[Measure]:
        """The measures with what is stated of them.

        Raises:
            NotComparableError: a key is none of theirs, a side or a margin is stated twice, or a size is none.
        """
        known = {one.key: one for one in measures}
        better = self._better(known)
        margins = self._margins(known, statistics)
        return [
            replace(one, guessed=one.better, better=better.get(one.key, one.better), margin=margins.get(one.key))
            for one in measures
        ]

    def _better(self, known: Mapping[str, Measure]) -> dict[str, Better]:
        for key in (*self.lower, *self.higher):
            _check(key, known)
        if both := sorted({*self.lower} & {*self.higher}):
            raise NotComparableError(f"Of {both[0]!r} more or less is better, not both: leave it out of one.")
        return {**dict.fromkeys(self.lower, "lower"), **dict.fromkeys(self.higher, "higher")}

    def _margins(self, known: Mapping[str, Measure], statistics: Mapping[str, str]) -> dict[str, float]:
        if self.equivalence and not self.margins:
            raise NotComparableError("Equivalence is of a margin: state one, the difference that does not matter.")
        found: dict[str, float] = {}
        for told in self.margins:
            key, mark, text = told.rpartition("=")
            if not mark:
                raise NotComparableError(f"A margin is KEY=SIZE, such as failed=0.02, and {told!r} is not.")
            _check(key.strip(), known)
            if key.strip() in found:
                raise NotComparableError(f"The margin of {key.strip()} is stated twice: leave one out.")
            found[key.strip()] = size(text, known[key.strip()], share=statistics[key.strip()] == "share")
        return found


NOTHING = Stated()


def texts(told: str | None) -> list[str]:
    """A list as a URL has it: between commas, or as JSON where a text has a comma. Raises NotComparableError."""
    if not (told or "").strip():
        return []
    if not str(told).lstrip().startswith("["):
        return [part.strip() for part in str(told).split(",") if part.strip()]
    try:
        found = json.loads(str(told))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise NotComparableError(f"{str(told)[:100]!r} is no list of texts: write them between commas, or as JSON.")
    return found


def _check(key: str, known: Mapping[str, Measure]) -> None:
    if key not in known:
        raise NotComparableError(
            f"{key!r} is not measured of these variants. Measured: {', '.join(known) or 'nothing'}."
        )


def size(text: str, measure: Measure, *, share: bool) -> float:
    """A margin in the measure's own unit: `0.02` or `2 points` of a share, `50`, `50 ms`, `$0.001`.

    Raises:
        NotComparableError: it is no number above 0, or in another unit.
    """
    found = _SIZE.fullmatch(text.strip())
    value = math.nan if found is None else float(found[2])
    if found is None or not math.isfinite(value):
        raise NotComparableError(f"A margin is a number, and {text.strip()!r} of {measure.key} is not.")
    unit = "USD" if found[1] else found[3]
    if value <= 0:
        raise NotComparableError(
            f"A margin is above 0: the difference that does not matter, and {text.strip()} of {measure.key} is not."
        )
    return _of_share(text.strip(), value, unit, measure) if share else _in_unit(text.strip(), value, unit, measure)


def _of_share(text: str, value: float, unit: str, measure: Measure) -> float:
    if unit and unit.casefold() not in _POINTS:
        raise NotComparableError(
            f"{measure.key} is a share, whose margin is in points or a part of 1: write {value:g} points for {text!r}."
        )
    part = value / 100 if unit else value
    if part >= 1:
        hint = "" if unit else f" Write {value:g} points if that is meant."
        raise NotComparableError(f"Shares of {measure.key} are never {text} apart: take a smaller margin.{hint}")
    return part


def _in_unit(text: str, value: float, unit: str, measure: Measure) -> float:
    own = measure.unit or ""
    if unit and unit.casefold() != own.casefold():
        what = f"in {own}" if own else "a number on its own scale"
        then = f"write the size in {own}, as a number alone" if own else f"write {value:g}"
        raise NotComparableError(f"The margin of {measure.key} is {what}, and {text!r} is not: {then}.")
    return value
