"""`assay plan`: from the words of the command line to numbers of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, sqrt
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
SEQUENCE = "confidence sequence (Waudby-Smith et al. 2024)"


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    delta: float | None = None
    sd: float | None = None
    effect: float | None = None
    rate: float | None = None
    discordant: float | None = None
    omega2: float | None = None
    sigma2: float | None = None
    repeats: Sequence[int] = ()
    cluster_size: float | None = None
    icc: float | None = None
    items: float | None = None
    paired: bool | None = None  # null: paired, and of a pilot as its items are shared
    level: float = 0.95
    power: float = 0.8
    sequential: bool = False  # looked at as often as one likes


@dataclass(frozen=True, slots=True)
class _Way:
    """How a number of items follows from a difference."""

    method: str
    paired: bool
    items: Callable[[float], float]
    repeats: int = 1
    most: float = 1e6  # the largest difference that there can be


WAYS = ("sd", "effect", "rate", "discordant", "omega2", "pilot")
"""What a plan starts from; `discordant` also stands beside `rate`."""

_GOES_WITH: dict[str, tuple[str, ...]] = {
    "delta": ("sd", "rate", "discordant", "omega2", "pilot"),
    "items": ("sd", "rate", "discordant", "omega2", "pilot"),
    "sigma2": ("omega2",),
    "repeats": ("omega2", "pilot"),
    "unpaired": ("sd", "effect", "rate", "pilot"),
    "sequential": ("sd", "rate"),
    "cluster_size": ("sd", "effect", "rate", "discordant", "omega2"),
    "icc": ("sd", "effect", "rate", "discordant", "omega2"),
}


def planned(asked: Asked) -> list[Row]:
    """One row, or one per number of repeats.

    Raises:
        ComparisonError: too little is told, or what is told does not go together.
    """
    way = _way(asked)
    _check(asked, way)
    if (asked.cluster_size is None) != (asked.icc is None):
        told, other = ("cluster_size", "icc") if asked.icc is None else ("icc", "cluster_size")
        raise ComparisonError(f"{_option(told)} goes with {_option(other)}, and is not used without: say both.")
    inflation = planning.design_effect(asked.cluster_size or 1.0, asked.icc or 0.0)
    return _made(asked, _ways(asked, way), inflation)


def _way(asked: Asked) -> str:
    named = [name for name in WAYS if getattr(asked, name, None) is not None]
    if named[:2] == ["rate", "discordant"]:
        del named[1]
    if len(named) > 1:
        raise ComparisonError(f"Plan from {_option(named[0])} or from {_option(named[1])}, not from both.")
    if not named:
        _check_aim(asked)
        raise ComparisonError("Say how values spread: --sd, --rate, --discordant, --omega2, or a --pilot file.")
    return named[0]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check(asked: Asked, way: str) -> None:
    """That all that is told is a number, is used, and is enough.

    Raises:
        ComparisonError: it is not.
    """
    for name, value in asdict(asked).items():
        if isinstance(value, float) and not isfinite(value):
            raise ComparisonError(f"{_option(name)} is {value:g}, and is to be a finite number.")
    told = {name for name in _GOES_WITH if getattr(asked, name, None) not in {None, ()}}
    told -= set() if asked.sequential else {"sequential"}
    told |= {"unpaired"} if asked.paired is False else set()
    for name, ways in _GOES_WITH.items():
        if name in told and way not in ways:
            with_ = [_option(one) for one in ways]
            some = with_[0] if len(with_) == 1 else f"{', '.join(with_[:-1])} or {with_[-1]}"
            raise ComparisonError(
                f"{_option(name)} goes with {some}, and is not used with {_option(way)}: leave it out."
            )
    if asked.sequential and asked.paired is not False:
        raise ComparisonError("--sequential is of live traffic, whose variants answer other requests: say --unpaired.")
    if way != "effect":
        _check_aim(asked)
    for name in ("delta", "effect"):
        if getattr(asked, name) == 0:
            raise ComparisonError(f"{_option(name)} is 0, and no number of items finds that: name one that matters.")


def _check_aim(asked: Asked) -> None:
    if (asked.delta is None) == (asked.items is None):
        raise ComparisonError("Say --delta, the difference to find, or --items, to be told what so many find.")


def _made(asked: Asked, ways: Sequence[_Way], inflation: float) -> list[Row]:
    try:
        return [_row(asked, way, inflation) for way in ways]
    except ValueError as error:
        raise ComparisonError(str(error)) from error
    except ArithmeticError as error:
        name = next(name for name in ("delta", "effect", "items") if getattr(asked, name) is not None)
        told = getattr(asked, name)
        raise ComparisonError(
            f"{_option(name)} is {told:g}, and figures of it leave the range of numbers. Use another unit."
        ) from error


def _ways(asked: Asked, way: str) -> list[_Way]:
    if way == "omega2":
        noise = asked.sigma2 or 0.0
        if not asked.omega2 and not noise:
            raise ComparisonError("A variance of 0 needs no test: say --omega2 or --sigma2 above 0.")
        return [_of_items(asked, Spread(asked.omega2 or 0.0, noise, noise), one) for one in asked.repeats or (1,)]
    if way in {"rate", "discordant"}:
        return [_of_shares(asked, asked.rate)]
    return [_of_t(asked, asked.sd if way == "sd" else 1.0, paired=asked.paired is not False)]


def _of_items(asked: Asked, spread: Spread, repeats: int, *, paired: bool = True) -> _Way:
    def items(delta: float) -> float:
        return planning.items_for(delta, spread, repeats=(repeats, repeats), level=asked.level, power=asked.power)

    return _Way("variance within and between items (Miller 2024)", paired, items, repeats)


def _of_shares(asked: Asked, rate: float | None) -> _Way:
    if asked.delta is not None and abs(asked.delta) > 1:
        raise ComparisonError(f"--delta is {asked.delta:g}, and a difference of shares lies from -1 to 1.")
    sign = 1 if asked.delta is None or asked.delta > 0 else -1
    room = 1.0 if rate is None else 1 - rate if sign > 0 else rate
    if rate is not None and asked.delta is not None and abs(asked.delta) > room:
        raise ComparisonError(f"A difference of {asked.delta:g} from a rate of {rate:g} leaves the range from 0 to 1.")
    kept = {"level": asked.level, "power": asked.power}
    if rate is not None and asked.paired is False:
        if asked.discordant is not None:
            raise ComparisonError("--discordant goes with pairs, and is not used with --unpaired: leave one out.")
        if asked.sequential:
            return _Way(SEQUENCE, paired=False, items=lambda delta: _of_sequence(rate, sign * abs(delta), asked),
                        most=room)  # fmt: skip
        return _Way(
            "two proportions (Fleiss 1981)", paired=False,
            items=lambda delta: planning.each_by_shares(rate, rate + sign * abs(delta), **kept), most=room,
        )  # fmt: skip
    if asked.discordant is None:
        raise ComparisonError(
            "Say --discordant, of pairs the share that only one variant gets right, or --unpaired if the variants "
            "answer other items."
        )
    discordant = asked.discordant
    if discordant == 0:
        raise ComparisonError("--discordant is 0: of pairs that never differ none are enough. Say a share above 0.")
    return _Way(
        "McNemar's test (Connor 1987)", paired=True,
        items=lambda delta: planning.pairs_by_shares(delta, discordant, **kept), most=min(room, discordant),
    )  # fmt: skip


def _of_sequence(rate: float, delta: float, asked: Asked) -> float:
    variances = rate * (1 - rate), (rate + delta) * (1 - rate - delta)
    return planning.each_in_sequence(delta, variances, level=asked.level, power=asked.power)


def _of_t(asked: Asked, sd: float | None, *, paired: bool) -> _Way:
    if not sd:
        raise ComparisonError("A standard deviation of 0 needs no test: say --sd above 0.")
    kept = {"level": asked.level, "power": asked.power}
    if asked.sequential:
        each = (sd**2, sd**2)
        return _Way(SEQUENCE, paired=False, items=lambda delta: planning.each_in_sequence(delta, each, **kept))
    if not paired:
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


def check_pilot(asked: Asked) -> None:
    """Before a pilot is read.

    Raises:
        ComparisonError: something is told that a pilot tells, or too little is.
    """
    named = [name for name in WAYS if getattr(asked, name, None) is not None]
    if named:
        raise ComparisonError(f"Plan from {_option(named[0])} or from --pilot, not from both.")
    _check(asked, "pilot")


def piloted(table: Table, told: asking.Asked, asked: Asked) -> list[Row]:
    """A row per metric, pair of the pilot's variants, and number of repeats.

    Raises:
        ComparisonError: as `shell.compared` and `planned`.
    """
    metrics = asking.metrics_of(table, told)
    found = shell.samples_of(table, told, metrics)
    shell.check_pairing(table, told, found, paired=asked.paired)
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
    """By Miller's formula where repeats are told apart from items, else by the t test, as from the deviation."""
    some = seen.spread.repeats_a + seen.spread.repeats_b > 0
    if not some and asked.repeats and max(asked.repeats) > 1:
        raise ComparisonError(
            "The pilot has one answer an item, which does not tell what repeats bring: leave --repeats."
        )
    if some:
        ways = [_of_items(asked, seen.spread, one, paired=seen.paired) for one in asked.repeats or REPEATS]
    else:
        variance = seen.spread.items if seen.paired else seen.spread.items / 2
        if variance == 0:
            raise ComparisonError("In the pilot nothing varies, which tells no number of items: take more of it.")
        ways = [_of_t(asked, sqrt(variance), paired=seen.paired)]
    return _made(asked, ways, max(seen.inflation, 1.0))


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
