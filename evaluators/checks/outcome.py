"""What plain checks say: pass or fail, with the number that they looked at."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.case import Json
from evaluators.verdict import Highlight, Scale, Verdict, verdict

FAIL, PASS = "fail", "pass"
PASS_FAIL = (FAIL, PASS)
SHARE_CHECKED = Scale(labels=PASS_FAIL)

MOST_SHOWN = 5  # of a list, in a reason
MOST_SPANS = 100  # a pattern such as `.` is found as often as the answer has characters


def checked(
    passed: bool,
    reason: str,
    value: float | None = None,
    *,
    spans: tuple[Highlight, ...] = (),
    details: Mapping[str, Json] | None = None,
) -> Verdict:
    """Pass or fail. The value is 1 or 0 unless another is given."""
    number = float(passed) if value is None else value
    return verdict(number, reason, label=PASS_FAIL[passed], spans=spans, details=details)


def form(number: float, one: str, many: str) -> str:
    """The form of a word that goes with the number."""
    return one if number == 1 else many


def counted(number: float, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:.15g} {form(number, noun, noun + 's')}"


def listed(texts: list[str]) -> str:
    """The first few of them, in words."""
    more = len(texts) - MOST_SHOWN
    return ", ".join(texts[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
