"""What `assay calibrate` says, as objects and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from server.calibration import cards, words
from server.calibration.asking import Asked, Pairs, Told
from server.calibration.cards import Row, parts
from server.calibration.estimates import apart
from server.compare.reading import ComparisonError

MOST_VARIANTS = 20


def rows(told: Told, asked: Asked) -> list[Row]:
    """The card of all rows, of slices, of variants, then the differences of variants.

    Raises:
        ComparisonError: there are too many variants, or one alone.
    """
    found = [cards.card(told.pairs, asked, None, None)]
    for name, part in parts(told.pairs, "by"):
        found.append(cards.card(part, asked, name, None))
    if asked.variant is not None:
        found += _variants(told.pairs, asked)
    return found


def _variants(pairs: Pairs, asked: Asked) -> list[Row]:
    sides = list(parts(pairs, "variant"))
    if not 2 <= len(sides) <= MOST_VARIANTS:
        raise ComparisonError(
            f"--variant {asked.variant}: two to {MOST_VARIANTS} variants can be compared; the column has {len(sides)}."
        )
    found = [cards.card(part, asked, None, name) for name, part in sides]
    return found + [_difference(one, other, asked) for one, other in combinations(sides, 2)]


def _difference(one: tuple[str, Pairs], other: tuple[str, Pairs], asked: Asked) -> Row:
    found = apart(one[1], other[1], asked)
    row: Row = {
        "kind": "difference", "a": one[0], "b": other[0], "measure": cards.measure(one[1]),
        "estimates": [cards.estimate(each) for each in found], "level": asked.level,
    }  # fmt: skip
    return row | {"sentence": " ".join(words.of_difference(row))}


def sentences(found: Sequence[Row]) -> Iterator[str]:
    """A paragraph a row, a line a sentence."""
    for row in found:
        yield from (words.of_card if row["kind"] == "card" else words.of_difference)(row)
        yield ""
