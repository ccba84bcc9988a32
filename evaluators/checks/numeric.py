"""Numbers in the answer against those of the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, get_args

from evaluators.case import Case
from evaluators.checks.outcome import SHARE_CHECKED, checked, counted, form, listed
from evaluators.protocol import Card
from evaluators.values import Tolerance, close
from evaluators.verdict import Highlight, Verdict, not_applicable

# Units of one kind, by how many of the kind's base unit one is. `m` is a metre: minutes are written min.
_KINDS: dict[str, dict[str, float]] = {
    "share": {"%": 0.01, "percent": 0.01, "per cent": 0.01},
    "length": {
        "mm": 0.001, "cm": 0.01, "m": 1, "meter": 1, "metre": 1, "km": 1000, "kilometer": 1000, "kilometre": 1000,
        "inch": 0.0254, "inches": 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "yard": 0.9144,
        "mile": 1609.344,
    },
    "mass": {
        "mg": 1e-6, "g": 0.001, "gram": 0.001, "kg": 1, "kilogram": 1, "tonne": 1000, "lb": 0.45359237,
        "lbs": 0.45359237, "pound": 0.45359237, "oz": 0.028349523125, "ounce": 0.028349523125,
    },
    "time": {
        "ms": 0.001, "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600,
        "day": 86400, "week": 604800,
    },
    "data": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "byte": 1},
    "dollars": {"$": 1, "usd": 1, "dollar": 1},
    "euros": {"€": 1, "eur": 1, "euro": 1},
    "pounds sterling": {"£": 1, "gbp": 1},
}  # fmt: skip
_UNITS = {name: (kind, factor) for kind, units in _KINDS.items() for name, factor in units.items()}
_MAGNITUDES = {
    "k": 1e3, "thousand": 1e3, "mn": 1e6, "million": 1e6, "m": 1e6, "bn": 1e9, "b": 1e9, "billion": 1e9,
    "trillion": 1e12,
}  # fmt: skip
_SHORT_MAGNITUDES = {"k", "m", "b", "mn", "bn"}  # `5 m` is five metres; `$5m` five million dollars


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text."""

    value: float  # as written, with its magnitude: 5.2 million is 5200000
    kind: str | None  # of its unit; null: it has none that is known
    factor: float  # of its unit
    start: int
    end: int

    @property
    def based(self) -> float:
        """In the base unit of its kind."""
        return self.value * self.factor


Point = Literal[".", ","]


def numbers(text: str, point: Point = ".") -> list[Number]:
    """The numbers of a text, in order. Digits within a word or a version such as `1.2.3` are none.

    `point` is the decimal sign; the other of `.` and `,` parts thousands, as do blanks and apostrophes before three
    digits.
    """
    return list(_numbers(text, point))


@cache
def _pattern(point: Point) -> re.Pattern[str]:
    mark, comma = re.escape(point), re.escape("," if point == "." else ".")
    digits = rf"\d{{1,3}}(?:[{comma}'\u2019\u00a0\u202f ]\d{{3}})+(?!\d)|\d+"
    words = "|".join(
        sorted((re.escape(one) for one in {*_MAGNITUDES, *_UNITS} - {"$", "€", "£", "%"}), key=len, reverse=True)
    )
    return re.compile(
        rf"(?<![\w{mark}])(?P<sign>[-+\u2212])?(?:(?P<before>[$€£])\s?)?(?P<minus>[-\u2212])?"
        rf"(?P<number>(?:{digits})(?:{mark}\d+)?|{mark}\d+)(?P<power>[eE][-+]?\d+)?(?![{mark}]?\d)"
        rf"(?:\s?(?P<after>[%$€£])|(?P<gap>[ \u00a0-]?)(?P<word>{words})s?(?![\w])"
        rf"(?:[ \u00a0](?P<unit>{words})s?(?!\w))?|(?!\w))",
        re.IGNORECASE,
    )  # fmt: skip


def _numbers(text: str, point: Point) -> Iterator[Number]:
    for found in _pattern(point).finditer(text):
        digits = re.sub(rf"[^\d{re.escape(point)}]", "", found["number"]).replace(point, ".")
        value = float(digits + (found["power"] or ""))
        negative = bool(found["minus"]) or found["sign"] in {"-", "\N{MINUS SIGN}"}
        magnitude, unit = _suffix(found)
        kind, factor = _UNITS.get((found["before"] or unit or "").casefold(), (None, 1.0))
        yield Number((-value if negative else value) * magnitude, kind, factor, *found.span())


def _suffix(found: re.Match[str]) -> tuple[float, str | None]:
    """What the words after the number multiply it with, and its unit."""
    if found["after"]:
        return 1.0, found["after"]
    word = (found["word"] or "").casefold()
    short = word in _SHORT_MAGNITUDES
    is_magnitude = word in _MAGNITUDES and (not short or bool(found["before"]) or (found["gap"] == "" and word != "m"))
    if is_magnitude:
        return _MAGNITUDES[word], found["unit"]
    return 1.0, word if word in _UNITS else None


Which = Literal["any", "first", "last", "all"]


@dataclass(frozen=True, slots=True)
class Numeric:
    """Whether the answer has the reference's numbers, within a tolerance."""

    relative: float = 1e-6
    absolute: float = 0.0
    which: Which = "any"  # numbers of the answer that may be the one: any, the first, the last; all: and no others
    point: Point = "."

    card: ClassVar[Card] = Card(
        "numeric",
        "1",
        "checks",
        "The share of the reference's numbers that the answer has, within the tolerance and with units converted.",
        ("answer", "reference"),
        scale=SHARE_CHECKED,
        limits=(
            "Numbers in words and fractions are not read.",
            "Units are the usual of length, mass, time, data and three currencies; others count as none.",
            "With `which=any` an answer that lists many numbers is likely to have the right one.",
            "A number without a unit equals one with any unit: 12 is 12 %, and 0.12 is too.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        if self.which not in get_args(Which):
            raise ValueError(f"`which` is one of {', '.join(get_args(Which))}, not {self.which!r}.")
        if self.point not in get_args(Point):
            raise ValueError(f"`point` is . or , and not {self.point!r}.")
        if self.relative < 0 or self.absolute < 0:
            raise ValueError("A tolerance is not below 0.")

    def __call__(self, case: Case) -> Verdict:
        """The share of the reference's numbers that were found; pass when that is all."""
        due, said = numbers(case.reference or "", self.point), numbers(case.answer or "", self.point)
        if not due:
            return not_applicable("The reference has no number.")
        looked_at = {"first": said[:1], "last": said[-1:]}.get(self.which, said)
        matches = [next((one for one in looked_at if self._same(one, number)), None) for number in due]
        found = [one for one in matches if one]
        extra = (
            [one for one in said if not any(self._same(one, number) for number in due)] if self.which == "all" else []
        )
        return self._told(case, len(due), found, extra, [d for d, m in zip(due, matches, strict=True) if m is None])

    def _told(self, case: Case, due: int, found: list[Number], extra: list[Number], gone: list[Number]) -> Verdict:
        answer, reference = case.answer or "", case.reference or ""
        spans = [Highlight(one.start, one.end, "Is in the reference.") for one in found]
        spans += [Highlight(one.start, one.end, "Is not in the reference.") for one in extra]
        are = form(len(found), "is", "are")
        reason = f"{len(found)} of {counted(due, 'number')} of the reference {are} in the answer."
        if gone:
            reason += f" Missing: {listed([reference[one.start : one.end] for one in gone])}."
        if extra:
            reason += f" Not in the reference: {listed([answer[one.start : one.end] for one in extra])}."
        return checked(not gone and not extra, reason, len(found) / due, spans=tuple(dict.fromkeys(spans)))

    def _same(self, a: Number, b: Number) -> bool:
        within = Tolerance(self.relative, self.absolute)
        if a.kind is not None and b.kind is not None:
            return a.kind == b.kind and close(a.based, b.based, within)
        return close(a.value, b.value, within) or ("share" in {a.kind, b.kind} and close(a.based, b.based, within))
