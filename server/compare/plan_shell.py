"""`assay plan`: from the words of the command line to numbers of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analytics import planning
from analytics.comparison import pairs_of
from analytics.pilot import Pilot, pilot
from analytics.planning import Spread
from server.compare import asking, shell
from server.compare.reading import ComparisonError, Table
from server.evals.figures import number

Row = dict[str, Any]
REPEATS = (1, 2, 5, 10)  # of a pilot that has some


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    delta: float | None = None
    sd: float | None = None
    effect: float | None = None
    rate: float | None = None
    discordant: float | None = None
    omega2: float | None = None
    sigma2: float = 0.0
    repeats: Sequence[int] = ()
    cluster_size: float = 1.0
    icc: float = 0.0
    items: float | None = None
    paired: bool | None = None
    level: float = 0.95
    power: float = 0.8


@dataclass(frozen=True, slots=True)
class _Way:
    """How a number of items follows from a difference."""

    method: str
    paired: bool
    items: Callable[[float], float]
    repeats: int = 1
    most: float = 1e6  # the largest difference that there can be


def planned(asked: Asked) -> list[Row]:
    """One row, or one per number of repeats.

    Raises:
        ComparisonError: too little is told, or what is told does not go together.
    """
    inflation = planning.design_effect(asked.cluster_size, asked.icc)
    try:
        return [_row(asked, way, inflation) for way in _ways(asked)]
    except ValueError as error:
        raise ComparisonError(str(error)) from error


def _ways(asked: Asked) -> list[_Way]:
    named = [name for name in ("rate", "omega2", "sd", "effect") if getattr(asked, name) is not None]
    if len(named) > 1:
        raise ComparisonError(f"Plan from --{named[0]} or from --{named[1]}, not from both.")
    if (asked.delta is None) == (asked.items is None) and asked.effect is None:
        raise ComparisonError("Say --delta, the difference to find, or --items, to be told what so many find.")
    if asked.omega2 is not None:
        return [
            _of_items(asked, Spread(asked.omega2, asked.sigma2, asked.sigma2), one) for one in asked.repeats or (1,)
        ]
    if asked.rate is not None:
        return [_of_rate(asked, asked.rate)]
    if asked.effect is not None or asked.sd is not None:
        return [_of_t(asked)]
    raise ComparisonError("Say how values spread: --sd, --rate, --omega2, or a --pilot file.")


def _of_items(asked: Asked, spread: Spread, repeats: int, *, paired: bool = True) -> _Way:
    def items(delta: float) -> float:
        return planning.items_for(delta, spread, repeats=(repeats, repeats), level=asked.level, power=asked.power)

    return _Way("variance within and between items (Miller 2024)", paired, items, repeats)


def _of_rate(asked: Asked, rate: float) -> _Way:
    paired = asked.discordant is not None if asked.paired is None else asked.paired
    kept = {"level": asked.level, "power": asked.power}
    if not paired:
        up = asked.delta is None or asked.delta > 0
        room = 1 - rate if up else rate
        sign = 1 if up else -1
        if asked.delta is not None and abs(asked.delta) > room:
            raise ComparisonError(
                f"A difference of {asked.delta:g} from a rate of {rate:g} leaves the range from 0 to 1."
            )
        return _Way(
            "two proportions (Fleiss 1981)", paired,
            lambda delta: planning.each_by_shares(rate, rate + sign * abs(delta), **kept), most=room,
        )  # fmt: skip
    if asked.discordant is None:
        raise ComparisonError("Say --discordant, the share of items that only one variant gets right, or --unpaired.")
    discordant = asked.discordant
    return _Way(
        "McNemar's test (Connor 1987)", paired, lambda delta: planning.pairs_by_shares(delta, discordant, **kept),
        most=discordant,
    )  # fmt: skip


def _of_t(asked: Asked) -> _Way:
    if asked.effect is None and not asked.sd:
        raise ComparisonError("A standard deviation of 0 needs no test: say --sd above 0.")
    if asked.effect is not None and asked.delta is not None:
        raise ComparisonError("An --effect is the difference over the deviation: say it, or --delta with --sd.")
    sd = asked.sd or 1.0
    kept = {"level": asked.level, "power": asked.power}
    if asked.paired is False:
        return _Way("Welch's t test", paired=False, items=lambda delta: planning.each_by_t(delta / sd, **kept))
    return _Way("paired t test", paired=True, items=lambda delta: planning.pairs_by_t(delta / sd, **kept))


def _row(asked: Asked, way: _Way, inflation: float) -> Row:
    delta = asked.effect if asked.delta is None and asked.items is None else asked.delta
    exact: float | None = asked.items
    if asked.items is not None:
        delta = planning.difference_of(way.items, asked.items / inflation, way.most)
    elif delta is not None:
        exact = inflation * way.items(delta)
    items = None if exact is None else planning.whole(exact)
    return {
        "metric": None, "a": None, "b": None, "method": way.method, "paired": way.paired, "delta": delta,
        "items": items, "items_exact": exact, "repeats": way.repeats,
        "answers": None if items is None else 2 * items * way.repeats, "design_effect": inflation,
        "level": asked.level, "power": asked.power,
    }  # fmt: skip


def piloted(table: Table, told: asking.Asked, asked: Asked) -> list[Row]:
    """A row per metric, pair of the pilot's variants, and number of repeats.

    Raises:
        ComparisonError: as `shell.compared` and `planned`.
    """
    if (asked.delta is None) == (asked.items is None):
        raise ComparisonError("Say --delta, the difference to find, or --items, to be told what so many find.")
    metrics = asking.metrics_of(table, told)
    found = shell.samples_of(table, told, metrics)
    rows = []
    try:
        for metric in metrics:
            for a, b in pairs_of(found.names, None):
                seen = pilot(found, metric.column, a, b, paired=asked.paired)
                rows += [
                    {**one, "metric": metric.name, "a": found.names[a], "b": found.names[b], **_seen(seen)}
                    for one in _of_pilot(asked, seen)
                ]
    except ValueError as error:
        raise ComparisonError(str(error)) from error
    return rows


def _of_pilot(asked: Asked, seen: Pilot) -> list[Row]:
    some = seen.spread.repeats_a + seen.spread.repeats_b > 0
    ways = [
        _of_items(asked, seen.spread, one, paired=seen.paired) for one in asked.repeats or (REPEATS if some else (1,))
    ]
    if not some and asked.repeats and max(asked.repeats) > 1:
        raise ComparisonError(
            "The pilot has one answer an item, which does not tell what repeats bring: leave --repeats."
        )
    return [_row(replace(asked, effect=None), way, max(seen.inflation, 1.0)) for way in ways]


def _seen(seen: Pilot) -> Row:
    return {
        "pilot_items": seen.items, "pilot_difference": seen.difference, "omega2": seen.spread.items,
        "sigma2_a": seen.spread.repeats_a, "sigma2_b": seen.spread.repeats_b,
        "cluster_size": seen.size, "icc": seen.correlation,
    }  # fmt: skip


def sentence(row: Row) -> str:
    """A plan in words."""
    of = "" if row["metric"] is None else f"{row['metric']}, {row['a']} and {row['b']}: "
    each = "items that both variants answer" if row["paired"] else "items for each variant"
    if row["repeats"] > 1:
        each += f", {row['repeats']} times each"
    if row["delta"] is None:
        return f"{of}No difference that there can be is found by {row['items']:,} {each}."
    chance = f"a chance of {100 * row['power']:g}% ({100 * row['level']:g}% level, {row['method']})"
    inflated = f" {row['design_effect']:.2f} times as many as without clusters." if row["design_effect"] > 1 else ""
    return f"{of}{row['items']:,} {each} find a difference of {number(row['delta'])} with {chance}.{inflated}"
