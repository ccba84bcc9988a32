"""What `assay rank` reads and says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics import ranking
from analytics.ranking import Judgements, NoStrengthsError, Ranked, Ranking
from server.compare.reading import ComparisonError, Table, labels
from server.evals.figures import counted, number

TIES = frozenset({"tie", "tied", "draw"})
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column says what."""

    a: str
    b: str
    winner: str
    item: str | None  # null: each row is an item of its own


@dataclass(frozen=True, slots=True)
class Told:
    """The judgements of a table."""

    judgements: Judgements
    left_out: int  # rows without a variant, an item or a winner


def judged(table: Table, columns: Columns) -> Told:
    """The judgements of a table, a row each.

    Raises:
        ComparisonError: a column is not there, a winner is none of the pair, or no row is a judgement.
    """
    a, b, won = (labels(table.column(name)) for name in (columns.a, columns.b, columns.winner))
    items = table.places if columns.item is None else labels(table.column(columns.item))
    kept: list[tuple[str, str, str, float]] = []
    for item, *pair, said, place in zip(items, a, b, won, table.places, strict=True):
        if item is not None and pair[0] is not None and pair[1] is not None and said is not None:
            kept.append((item, pair[0], pair[1], _outcome(pair[0], pair[1], said, columns, place)))
    if not kept:
        raise ComparisonError(
            f"No row names two variants ({columns.a!r}, {columns.b!r}) and a winner ({columns.winner!r})."
        )
    item_of, first, second, outcome = zip(*kept, strict=True)
    return Told(Judgements(_numbered(item_of), first, second, outcome), len(table.places) - len(kept))


def _outcome(a: str, b: str, said: str, columns: Columns, place: str) -> float:
    """1 the first won, 0 the second, 0.5 a tie. A variant's own name goes before the words a, b and tie."""
    if a == b:
        raise ComparisonError(f"{place.capitalize()}: {a!r} is judged against itself. Leave such rows out.")
    if said in {a, b}:
        return float(said == a)
    word = said.casefold()
    if word in TIES:
        return 0.5
    if word in {"a", "b"}:
        return float(word == "a")
    raise ComparisonError(
        f"Column {columns.winner!r}, {place}: {said[:40]!r} is none of {a!r} and {b!r}, nor a, b or tie. "
        "Leave the cell empty where nobody judged."
    )


def _numbered(items: tuple[str, ...]) -> list[int]:
    places: dict[str, int] = {}
    return [places.setdefault(one, len(places)) for one in items]


def ranked(told: Judgements, level: float, draws: int, seed: int) -> Ranking:
    """The ranking of judgements. Raises ComparisonError: they leave the strengths open; says between whom."""
    try:
        return ranking.ranking(told, level, draws, seed)
    except NoStrengthsError as error:
        raise ComparisonError(str(error)) from error


def json_rows(found: Ranking) -> list[Row]:
    """One object a variant, the strongest first."""
    return [
        {
            "variant": one.variant, "strength": one.strength.value, "ci_low": one.strength.low,
            "ci_high": one.strength.high, "wins": one.wins, "losses": one.losses, "ties": one.ties,
            "rank_low": one.best_rank, "rank_high": one.worst_rank,
        }
        for one in found.variants
    ]  # fmt: skip


def table_rows(found: Ranking) -> list[Row]:
    """The same for people."""
    return [
        {
            "variant": one.variant, "strength": number(one.strength.value or 0.0), "interval": _interval(one),
            "wins": one.wins, "losses": one.losses, "ties": one.ties, "ranks": _ranks(one),
        }
        for one in found.variants
    ]  # fmt: skip


def _interval(one: Ranked) -> str:
    low, high = one.strength.low, one.strength.high
    return "none" if low is None or high is None else f"{number(low)} to {number(high)}"


def _ranks(one: Ranked) -> str:
    return str(one.best_rank) if one.best_rank == one.worst_rank else f"{one.best_rank} to {one.worst_rank}"


def asides(told: Told, found: Ranking, *, with_items: bool) -> list[str]:
    """What else whoever reads the figures must know."""
    said = [f"{counted(len(told.judgements.a), 'judgement')} of {counted(found.items, 'item')}."]
    if not with_items:
        said[0] = f"{counted(len(told.judgements.a), 'judgement')}, each taken for an item of its own."
    if told.left_out:
        said.append(f"{counted(told.left_out, 'row')} without a variant, an item or a winner: left out.")
    if any(one.strength.low is None for one in found.variants):
        said.append(
            f"There are no intervals: in {found.without:,} of {found.draws:,} draws some variant won or lost all, "
            "which leaves the strengths open. Judge more items."
        )
    return said
