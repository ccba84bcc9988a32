"""What recorded judges said of LLMBar's pairs, read by our pairwise judge, and how they lean.

    python benchmarks/quality_judges.py

Accuracy is the mean over both orders of a pair, as its authors count. `read otherwise` are verdicts where our reading
of a text differs from theirs. No judge is asked: this measures the harness, and the recorded judges, not our prompts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from figures import Row, data, read, table

from analytics.intervals import Estimate, mean, rate
from analytics.judging import position_bias, verbosity_bias
from evaluators.judges.pairwise import Comparison, Side, read_place

SETS = ("Natural", "Neighbor")
ORDERS = ("swap = False", "swap = True")
SIDES: tuple[Side, Side] = ("a", "b")


def recorded(row: dict[str, Any], judge: str) -> list[tuple[str, str | None]]:
    """Text and upstream's winner of both orders."""
    told = row["judges"][judge]["results"][-1]
    return [(told[order]["completion"][0], told[order]["winner"]) for order in ORDERS]


def compared(rows: list[dict[str, Any]], judge: str) -> list[tuple[Comparison, Side]]:
    return [
        (Comparison(*(read_place(text) for text, _ in recorded(row, judge))), SIDES[row["label"] - 1]) for row in rows
    ]


def otherwise(rows: list[dict[str, Any]], judge: str) -> int:
    """Verdicts that upstream read otherwise than we do."""
    winners: dict[Side | None, str | None] = {"a": "1", "b": "2", "tie": None, None: None}
    ours = [winners[side] for one, _ in compared(rows, judge) for side in one.sides]
    theirs = [winner for row in rows for _, winner in recorded(row, judge)]
    return sum(mine != their for mine, their in zip(ours, theirs, strict=True))


def told(name: str, judge: str, measure: str, found: Estimate) -> Row:
    value = math.nan if found.value is None else found.value
    return Row(name, judge, measure, value, found.n, 0, found.low, found.high)


def judged(name: str, rows: list[dict[str, Any]]) -> Iterator[Row]:
    for judge in rows[0]["judges"]:
        pairs = compared(rows, judge)
        yield told(name, judge, "accuracy", mean([one.accuracy(side) for one, side in pairs]))
        yield told(name, judge, "consistency", rate(sum(one.consistent for one, _ in pairs), len(pairs)))
        wrong = otherwise(rows, judge)
        if wrong:
            yield told(name, judge, "read otherwise", rate(wrong, 2 * len(rows)))


def leanings(name: str, rows: list[dict[str, Any]]) -> Iterator[Row]:
    for judge in (one for one in rows[0]["judges"] if one.endswith("/Vanilla")):
        pairs = compared(rows, judge)
        place = position_bias([one.straight for one, _ in pairs], [one.swapped for one, _ in pairs])
        yield told(name, judge, "first place, where the order decides", place.first_of_inconsistent)
        lengths = [[len(row[f"output_{side}"].split()) or 1 for row in rows] for side in (1, 2)]
        wins = [{"a": 1.0, "b": 0.0}.get(str(one.winner), 0.5) for one, _ in pairs]
        longer = verbosity_bias(*lengths, wins, [1 if side == "a" else -1 for _, side in pairs])
        yield told(name, judge, "wins of the longer", longer.longer)
        yield told(name, judge, "log odds a doubling, beside the label", longer.slope)


def main() -> None:
    folder = data("llmbar")
    if folder is None:  # which has been said
        return
    found: list[Row] = []
    for name in SETS:
        rows = read(folder / f"{name}.jsonl.gz")
        found += [*judged(f"LLMBar {name}", rows), *leanings(f"LLMBar {name}", rows)]
    print(table(found))


if __name__ == "__main__":
    main()
