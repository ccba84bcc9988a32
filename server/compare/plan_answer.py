"""What a plan says, as the page and the API have it: how many items, what fewer or more would find, what it costs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import log10
from typing import Any, Literal

import numpy as np

from analytics import planning, special
from analytics.columns import Floats
from server.compare import plan_shell
from server.compare.plan_shell import Asked
from server.compare.reading import ComparisonError
from server.evals.figures import counted, number, verb

Aim = Literal["difference", "non-inferior"]
Json = dict[str, Any]
DIGITS = 6  # of what goes into a plan, so that the command says the same
LEAST_ALPHA = 1e-4  # of one test among several, as the shell takes it
WIDE = 8.0  # times the difference that curves reach, either way
POINTS = 40  # of a curve
_LOW, _HIGH = 0.06, 0.999  # powers that are drawn
ROUND = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to know, beside how values spread."""

    delta: float | None = None  # the smallest difference worth knowing; null: none is named
    aim: Aim = "difference"  # or that a variant is not worse by so much
    power: float = 0.8
    alpha: float = 0.05  # of all comparisons together
    metrics: int = 1
    variants: int = 2  # with the baseline, which the others are compared with
    cost_usd: float | None = None  # of an answer
    per_day: float | None = None  # items that come in a day, of all variants together

    @property
    def comparisons(self) -> int:
        """How many tests are corrected together."""
        return self.metrics * (self.variants - 1)


@dataclass(frozen=True, slots=True)
class Words:
    """What is measured, and what an item is called."""

    share: bool
    unit: str | None = None  # null: none, or a share
    noun: str = "item"

    def amount(self, size: float | None) -> str:
        """A difference with its unit: points of a share."""
        if size is None:
            return "unknown"
        if self.share:
            return "1 point" if round(100 * size, 9) == 1 else f"{100 * size:.3g} points"
        return number(size) + (f" {self.unit}" if self.unit else "")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pilot's size, and by which factors the variance may be lower and higher than there; null: nobody tells."""

    items: int
    factors: tuple[float, float] | None = None


def rounded(value: float) -> float:
    """To six digits."""
    return float(f"{value:.{DIGITS}g}")


def asked_of(told: Asked, wish: Wish) -> Asked:
    """The words of `assay plan` that say the same.

    Raises:
        ComparisonError: no difference is named, or the tests are too many.
    """
    if wish.delta is None:
        raise ComparisonError("Say `delta`, the smallest difference worth knowing, in the measure's unit: 0.05.")
    alpha = wish.alpha / wish.comparisons
    if alpha < LEAST_ALPHA:
        raise ComparisonError(
            f"{wish.comparisons:,} comparisons at {wish.alpha:g} leave {alpha:.2g} for each, and {LEAST_ALPHA:g} is "
            "the least: name fewer metrics or variants, or a larger alpha."
        )  # fmt: skip
    size = abs(wish.delta)
    if wish.aim == "non-inferior" and (told.rate is not None or told.discordant is not None):
        told = _of_no_difference(told)
    falls = told.rate is not None and told.rate + size > 1 >= 1 - told.rate + size  # no room above, but below
    return replace(
        told, delta=rounded(-size if falls else size), level=rounded(1 - alpha), power=wish.power,
    )  # fmt: skip


def _of_no_difference(told: Asked) -> Asked:
    """Shares by their deviation: where there is no difference, it does not depend on the margin (Blackwelder 1982)."""
    pairs, rate = told.paired is not False, told.rate or 0.0
    variance = (told.discordant or 0.0) if pairs else rate * (1 - rate)
    return replace(told, rate=None, discordant=None, sd=rounded(variance**0.5))


def command(asked: Asked) -> str:
    """The command line that says the same."""
    words = ["assay", "plan"]
    for name, value in asdict(asked).items():
        usual = {"level": 0.95, "power": 0.8}.get(name)
        if name in {"paired", "sequential", "repeats"} or value is None or value == usual:
            continue
        words += [f"--{name.replace('_', '-')}", f"{value:.{DIGITS}g}"]
    words += [part for many in asked.repeats for part in ("--repeats", str(many))]
    words += ["--unpaired"] if asked.paired is False else []
    words += ["--sequential"] if asked.sequential else []
    return shlex.join(words)


def composed(told: Asked, wish: Wish, words: Words, doubt: Doubt | None = None, repeats: int | None = None) -> Json:
    """The whole answer; see `GET /api/plan` for the fields.

    `repeats`: answers an item, where the spread that is told is already of so many; null: as `told` has them.

    Raises:
        ComparisonError: too little is told, or what is told does not go together.
    """
    if words.share and wish.delta is not None and abs(wish.delta) > 1:
        raise ComparisonError(f"Shares are never {wish.delta:g} apart: say 0.05 for 5 points.")
    asked = asked_of(told, wish)
    plan = plan_shell.planned(asked)[0]
    plan["repeats"] = repeats or plan["repeats"]
    size, exact = abs(plan["delta"]), plan["items_exact"]
    factors = None if doubt is None else doubt.factors
    low, high = (None, None) if factors is None else (planning.whole(max(exact * one, 2.0)) for one in factors)
    found = {
        **{key: plan[key] for key in ("method", "paired", "items", "repeats", "design_effect", "level", "power")},
        "low": low, "high": high, "factors": factors, "delta": size, "amount": words.amount(size), "share": words.share,
        "unit": words.unit, "noun": words.noun, "aim": wish.aim, "alpha": wish.alpha, "metrics": wish.metrics,
        "variants": wish.variants, "comparisons": wish.comparisons, "sequential": asked.sequential,
        "falls": (asked.delta or 0.0) < 0,
        "answers": plan["items"] * plan["repeats"] * wish.variants, "command": command(asked),
    }  # fmt: skip
    found |= _spent(plan["items"], plan["repeats"], wish)
    curves = _curves(asked, wish.power)
    sees = None if doubt is None else _sees(asked, doubt.items)
    found |= {"sees": sees, "pilot_items": None if doubt is None else doubt.items,
              "pilot_power": None if doubt is None else curves.power(doubt.items)}  # fmt: skip
    shown = _shown(exact, None if doubt is None else doubt.items)
    found["rows"] = [
        {"items": n, **_row(curves, n, factors), **_spent(n, plan["repeats"], wish), "mark": _mark(n, plan, doubt)}
        for n in shown
    ]
    found["curves"] = _drawn(curves, factors)
    return found | {"sentence": sentence(found, words), "beside": list(beside(found, words))}


def _spent(items: float, repeats: int, wish: Wish) -> Json:
    """What so many items a variant cost, and how long they take to come; null: nobody says."""
    every = items * wish.variants
    return {
        "cost_usd": None if wish.cost_usd is None else every * repeats * wish.cost_usd,
        "days": None if not wish.per_day else every / wish.per_day,
    }


def _sees(asked: Asked, items: int) -> float | None:
    """The smallest difference that so many items find; null: none does."""
    row: float | None = plan_shell.planned(replace(asked, delta=None, items=float(items)))[0]["delta"]
    return row


@dataclass(frozen=True, slots=True)
class _Curves:
    """Items by power, and by difference, each falling or rising throughout."""

    powers: tuple[Floats, Floats]  # logarithms of items, rising, and normal quantiles of the power
    sizes: tuple[Floats, Floats]  # logarithms of items, rising, and of the difference, falling

    def power(self, items: float) -> float | None:
        """The chance to find the difference with so many. Null: it lies beyond what is drawn."""
        x, y = self.powers
        at = np.log(items)
        if not x.size or at < x[0]:
            return None
        return float(special.ndtr(np.interp(at, x, y)))

    def size(self, items: float) -> float | None:
        """The difference that so many find. Null: as above."""
        x, y = self.sizes
        at = np.log(items)
        return float(np.exp(np.interp(at, x, y))) if x.size and x[0] <= at <= x[-1] else None


def _curves(asked: Asked, power: float) -> _Curves:
    """By asking for plans, so that curves and plan are of one formula."""
    chances = special.ndtr(np.linspace(special.ndtri(_LOW), special.ndtri(max(_HIGH, power)), POINTS))
    by_power = [(_items(replace(asked, power=float(one))), special.ndtri(one)) for one in chances]
    delta = asked.delta or 0.0
    by_size = [
        (_items(replace(asked, delta=delta * float(factor))), np.log(abs(delta) * factor))
        for factor in np.geomspace(WIDE, 1 / WIDE, POINTS)
    ]
    return _Curves(_rising(by_power), _rising(by_size))


def _items(asked: Asked) -> float | None:
    """Null: there is no such plan, as of a share above 1."""
    try:
        found: float = plan_shell.planned(asked)[0]["items_exact"]
    except ComparisonError:
        return None
    return found


def _rising(points: Sequence[tuple[float | None, float]]) -> tuple[Floats, Floats]:
    """Without what has no plan; the last of those that ask for the same number, which is what it finds at most."""
    kept: list[tuple[float, float]] = []
    for items, value in points:
        if items is None:
            continue
        if kept and items <= kept[-1][0] * (1 + 1e-9):
            kept.pop()
        kept.append((items, float(value)))
    return np.log([one[0] for one in kept]), np.array([one[1] for one in kept])


def _row(curves: _Curves, items: float, factors: tuple[float, float] | None) -> Json:
    """Chance and difference at so many items; where the pilot's variance is `f` times as large, at `items / f`."""
    low, high = factors or (None, None)
    return {
        "power": curves.power(items), "difference": curves.size(items),
        "power_low": None if high is None else curves.power(items / high),
        "power_high": None if low is None else curves.power(items / low),
        "difference_low": None if low is None else curves.size(items / low),
        "difference_high": None if high is None else curves.size(items / high),
    }  # fmt: skip


def _shown(exact: float, pilot: int | None) -> list[int]:
    """Round numbers about the plan's, with the pilot's and the plan's own."""
    need = planning.whole(exact)
    first, last = max(exact / WIDE, 2.0), exact * WIDE
    ladder = [step * 10**place for place in range(int(log10(last)) + 1) for step in ROUND]
    own = {need} | ({pilot} if pilot is not None else set())
    return sorted({one for one in ladder if first <= one <= last and all(abs(one / n - 1) > 0.1 for n in own)} | own)


def _mark(items: int, plan: Json, doubt: Doubt | None) -> str | None:
    if items == plan["items"]:
        return "needed"
    return "pilot" if doubt is not None and items == doubt.items else None


def _drawn(curves: _Curves, factors: tuple[float, float] | None) -> Json:
    """Points of both figures, evenly in the logarithm of items."""
    told = {}
    for name, (x, _) in (("power", curves.powers), ("difference", curves.sizes)):
        places: Floats | list[float] = np.exp(np.linspace(x[0], x[-1], 2 * POINTS)) if x.size else []
        keys = ("items", name, f"{name}_low", f"{name}_high")
        rows = [{"items": float(n), **_row(curves, float(n), factors)} for n in places]
        told[name] = [{key: row[key] for key in keys} for row in rows]
    return told


def sentence(found: Json, words: Words) -> str:
    """How many items are needed, and what the pilot's would have seen."""
    chance = f"with {100 * found['power']:g} % power"
    need = counted(found["items"], words.noun)
    each = f"{need}, which {'both variants answer' if found['variants'] == 2 else 'all variants answer'},"
    many = each if found["paired"] else f"{need} a variant"
    repeats = f" {found['repeats']} times each," if found["repeats"] > 1 else ""
    if found["aim"] == "non-inferior":
        what = f"to show {chance} that a variant which is as good is not worse by {found['amount']} or more"
    else:
        what = f"to see {found['amount']} {chance}"
    said = f"You need {many}{repeats} {what}"
    if found["pilot_items"] is None:
        return f"{said}."
    return f"{said}; your pilot's {counted(found['pilot_items'], words.noun)} {_saw(found, words)}."


def _saw(found: Json, words: Words) -> str:
    if found["sees"] is None:
        return "would see no difference that there can be"
    return f"would see {words.amount(found['sees'])}"


def beside(found: Json, words: Words) -> Iterator[str]:
    """What else belongs to the number: how sure it is, how tests are corrected, what clusters make of it."""
    if found["falls"]:
        yield f"The rate leaves no room to rise by {found['amount']}, so the plan is of a fall by so much."
    if found["low"] is not None:
        yield f"The pilot's variance is itself an estimate: with 95 % confidence {_between(found, words)} are needed."
    elif found["pilot_items"] is not None:
        yield "The pilot is too small to say how sure its variance is."
    if found["comparisons"] > 1:
        yield (
            f"{counted(found['comparisons'], 'comparison')} share an error of {100 * found['alpha']:g} %: each is "
            f"planned at {100 * (1 - found['level']):.3g} %, which Holm's correction takes at most."
        )
    if found["design_effect"] > 1.005:
        yield f"Clusters make it {found['design_effect']:.3g} times as many as independent {words.noun}s."
    if found["sequential"]:
        yield "You may look at it as often as you like: its interval holds at all looks, which takes more."


def _between(found: Json, words: Words) -> str:
    low, high = found["low"], found["high"]
    ends = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{ends} {words.noun}{verb(high, '', 's')}"
