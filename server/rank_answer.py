"""A ranking as the page and the API have it: the sentence, strengths against a reference, heads, what to beware of."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd

from analytics import judging, ranking, special
from analytics.columns import Floats
from analytics.heads import Heads, circles, heads
from analytics.intervals import Estimate
from analytics.ranking import Judgements, NoStrengthsError, Ranking
from server import rank_shell
from server.aside import Ask
from server.compare import reading, runs
from server.compare.measures import Measure, NotComparableError
from server.compare.reading import ComparisonError, Table
from server.compare.runs import Variant
from server.evals.figures import counted, number, verb
from server.rank_shell import Columns

Json = dict[str, Any]
REFERENCE = "reference answer"
"""What answers are set against by a judge of pairs."""
JUDGE = "judge_pairwise"
MOST_ROWS, MOST_VARIANTS, MOST_CELLS = 200_000, 50, 20_000_000  # cells: items times pairs, 8 bytes each
_DRAWN = 40_000_000  # weights of all draws together, some three seconds
_LEAST_DRAWS = 200
FEW = 20  # items
_LEANING, _DECIDED = 0.1, 10  # beyond even, and so many pairs, from which a leaning is told
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_GROUPS = 5  # of variants in the sentence


@dataclass(frozen=True, slots=True)
class Options:
    """How it is ranked and told."""

    level: float = 0.95
    draws: int = ranking.DRAWS
    seed: int = 0
    reference: str | None = None  # a variant; null: the mean of all


@dataclass(frozen=True, slots=True)
class Told:
    """Judgements, and what is known beside them."""

    judgements: Judgements  # their items are what belongs together: clusters
    items: int
    lengths: tuple[Floats, Floats] | None = None  # of both answers of each judgement; NaN: unknown
    orders: judging.PositionBias | None = None
    notes: Sequence[str] = ()


def of_rows(data: bytes, columns: Columns, lengths: tuple[str, str] | None, options: Options) -> Json:
    """A ranking of rows that were sent; see `POST /api/rank`. Raises ComparisonError."""
    table = reading.read(io.BytesIO(data))
    if len(table.places) > MOST_ROWS:
        raise ComparisonError(
            f"{len(table.places):,} rows came, and {MOST_ROWS:,} are ranked at once: send fewer, or use `assay rank`."
        )
    told = rank_shell.judged(table, columns)
    found = told.judgements
    said = (
        []
        if columns.item
        else ["Each row is taken for an item of its own: name the column of items if some share one."]
    )
    if told.left_out:
        said.append(f"{counted(told.left_out, 'row')} without a variant, an item or a winner: left out.")
    several = np.unique(np.asarray(found.items)).size
    both = None if lengths is None or told.left_out else _lengths(table, lengths)
    if lengths is not None and both is None:
        said.append("Lengths are not looked at where rows are left out.")
    return composed(Told(found, several, both, _orders(found) if columns.item else None, said), options)


def _lengths(table: Table, names: tuple[str, str]) -> tuple[Floats, Floats]:
    first, second = (reading.numbers(table, name)[0] for name in names)
    return first, second


def _orders(found: Judgements) -> judging.PositionBias | None:
    """Of pairs that were judged in both orders; null: there are none."""
    seen: dict[tuple[Any, str, str], float] = {}
    for item, a, b, outcome in zip(np.asarray(found.items).tolist(), found.a, found.b, _outcomes(found), strict=True):
        seen.setdefault((item, a, b), outcome)
    places = {1.0: "first", 0.0: "second", 0.5: "tie"}
    pairs = [
        (places[outcome], places[seen[item, b, a]]) for (item, a, b), outcome in seen.items()
        if a < b and (item, b, a) in seen
    ]  # fmt: skip
    straight, swapped = [one for one, _ in pairs], [other for _, other in pairs]
    return judging.position_bias(straight, swapped) if pairs else None


def _outcomes(found: Judgements) -> list[float]:
    told: list[float] = np.asarray(found.outcome, np.float64).tolist()
    return told


@dataclass(frozen=True, slots=True)
class Terms:
    """How runs become judgements."""

    measure: str | None = None  # its key; null: a judge of pairs, else the first of quality
    tie: float = 0.0  # values of an item that differ by so much at most are a tie


def of_runs(ask: Ask, variants: Sequence[Variant], terms: Terms, options: Options) -> Json:
    """A ranking of runs, item by item; see `GET /api/rank/runs`. Raises NotComparableError and ComparisonError."""
    read = runs.read_runs(ask, variants, variants[0].name)
    known = [one for one in read.measures if one.q is None or one.key.endswith(".p50")]
    known = [one for one in known if not read.rows[one.key].isna().all()]
    measure = _chosen(known, variants, terms.measure)
    refused = next((why for (key, _), why in read.refused.items() if key == measure.key), None)
    if refused is not None:
        raise NotComparableError(refused)
    against = _judged_by_pairs(measure, variants)
    names = [one.name for one in variants]
    told = _of_items(read.rows, names, measure, terms.tie, against=against)
    notes = list(read.notes)
    if against:
        notes.append("The judge set each answer against the item's reference answer, which is ranked as a variant.")
    elif measure.better is None:
        notes.append(f"Nobody says which side of {measure.title} is better: more is taken for better.")
    found = composed(Told(told.judgements, told.items, told.lengths, None, notes), options)
    return found | {
        "measure": measure.key, "title": measure.words, "tie": terms.tie,
        "measures": [{"key": one.key, "words": one.words} for one in known],
        "of": [one.told() for one in variants],
    }  # fmt: skip


def _judged_by_pairs(measure: Measure, variants: Sequence[Variant]) -> bool:
    if measure.key != measure.of:
        return False
    told = [one.manifest["evaluators"].get(measure.of, {}) for one in variants]
    return any(one.get("evaluator") == JUDGE for one in told)


def _chosen(known: Sequence[Measure], variants: Sequence[Variant], key: str | None) -> Measure:
    """Raises NotComparableError: there is no such measure, or none at all, or one run has nothing to be set against."""
    lone = len(variants) == 1
    fit = [one for one in known if not lone or _judged_by_pairs(one, variants)]
    if key is not None:
        fit = [one for one in fit if one.key == key]
    if not fit and lone:
        raise NotComparableError(
            "One run alone is ranked against the reference answers by a judge of pairs, and this one has none. Choose "
            "another run of the same items, or add `judge_pairwise` to its suite."
        )
    if not fit:
        listed = ", ".join(one.key for one in known) or "nothing"
        if key is not None:
            raise NotComparableError(f"{key!r} is not measured of all these runs. Measured: {listed}.")
        raise NotComparableError("Nothing is measured of all these runs: take runs of the same suite.")
    pairs = [one for one in fit if _judged_by_pairs(one, variants)]
    return next(iter(pairs or [one for one in fit if one.kind == "quality"] or fit))


def _of_items(rows: pd.DataFrame, names: Sequence[str], measure: Measure, tie: float, *, against: bool) -> Told:
    """Each pair of variants that have a value of an item: the better one won."""
    means = _by_item(rows, names, measure.key)
    lengths = _by_item(rows, names, "output_tokens").reindex(means.index)
    clusters = rows.groupby("item", sort=True)["cluster"].first().reindex(means.index).to_numpy()
    sign = -1.0 if measure.better == "lower" else 1.0
    parts = []
    if against:
        parts = [_part(name, REFERENCE, means[name] - 0.5, 0.0, clusters) for name in names]
    else:
        for a, b in combinations(names, 2):
            part = _part(a, b, sign * (means[a] - means[b]), tie, clusters)
            parts.append(
                part.assign(length_a=lengths[a].to_numpy()[part["at"]], length_b=lengths[b].to_numpy()[part["at"]])
            )
    found = pd.concat(parts, ignore_index=True)
    if found.empty:
        raise NotComparableError(
            "The runs have no item in common with a value of this measure: take runs of the same items."
        )
    judgements = Judgements(
        found["cluster"].to_numpy(), found["a"].tolist(), found["b"].tolist(), found["won"].to_numpy()
    )
    both = None if against else (found["length_a"].to_numpy(), found["length_b"].to_numpy())
    return Told(judgements, int(found["at"].nunique()), both)


def _by_item(rows: pd.DataFrame, names: Sequence[str], key: str) -> pd.DataFrame:
    """The mean of each item's repeats, a column a variant."""
    means = rows.pivot_table(key, "item", "variant", "mean", dropna=False, observed=True)
    return means.reindex(columns=list(names))


def _part(a: str, b: str, gap: pd.Series, tie: float, clusters: Any) -> pd.DataFrame:
    at = np.flatnonzero(gap.notna().to_numpy())
    gaps = gap.to_numpy(np.float64)[at]
    won = np.where(np.abs(gaps) <= tie + 1e-12, 0.5, (gaps > 0).astype(float))
    return pd.DataFrame({"at": at, "cluster": clusters[at], "a": a, "b": b, "won": won})


def composed(told: Told, options: Options) -> Json:
    """The whole answer; see `POST /api/rank` for the fields.

    Raises:
        ComparisonError: there are too many variants or items, or the reference is none of the variants.
    """
    names = sorted({*told.judgements.a, *told.judgements.b})
    groups = int(np.unique(np.asarray(told.judgements.items)).size)
    _check(names, groups, options.reference)
    draws = max(_LEAST_DRAWS, min(options.draws, _DRAWN // groups))
    problem, found = None, None
    try:
        found = ranking.ranking(told.judgements, options.level, draws, options.seed)
    except NoStrengthsError as error:
        problem = str(error)
    order = names if found is None else [one.variant for one in found.variants]
    met = heads(told.judgements, order)
    rows = _unranked(met) if found is None else _rows(found, options.reference)
    return {
        "sentence": problem or sentence(rows, options.level), "problem": problem, "level": options.level,
        "reference": options.reference, "judgements": len(told.judgements.a), "items": told.items, "groups": groups,
        "draws": draws, "without": 0 if found is None else found.without, "rows": rows, "heads": _heads(met),
        "warnings": list(_warnings(told, met, found, options.level)), "notes": list(told.notes),
    }  # fmt: skip


def _check(names: Sequence[str], groups: int, reference: str | None) -> None:
    if len(names) > MOST_VARIANTS:
        raise ComparisonError(f"{len(names):,} variants came, and {MOST_VARIANTS} are ranked at once: take fewer.")
    if groups * len(names) ** 2 > MOST_CELLS:
        raise ComparisonError(
            f"{len(names)} variants over {groups:,} items are too much at once. Name the column of items if several "
            "rows share one, or take fewer variants or rows."
        )
    if reference is not None and reference not in names:
        raise ComparisonError(f"The reference {reference!r} is none of the variants: {', '.join(names)}.")


def _rows(found: Ranking, reference: str | None) -> list[Json]:
    """The strongest first. Against a reference bounds are of all pairs together; against the mean each on its own."""
    at = None if reference is None else next(i for i, one in enumerate(found.variants) if one.variant == reference)
    rows = []
    for i, one in enumerate(found.variants):
        value, low, high = one.strength.value or 0.0, one.strength.low, one.strength.high
        if at is not None:
            value = float(found.differences[i, at])
            low, high = (None if np.isnan(ends[i, at]) else float(ends[i, at]) for ends in (found.low, found.high))
        rows.append({
            "variant": one.variant, "strength": value, "low": low, "high": high, "chance": float(special.expit(value)),
            "chance_low": None if low is None else float(special.expit(low)),
            "chance_high": None if high is None else float(special.expit(high)), "wins": one.wins,
            "losses": one.losses, "ties": one.ties, "items": one.strength.n, "rank_low": one.best_rank,
            "rank_high": one.worst_rank,
        })  # fmt: skip
    return rows


def _unranked(met: Heads) -> list[Json]:
    """What is known without strengths."""
    nothing = dict.fromkeys(
        ("strength", "low", "high", "chance", "chance_low", "chance_high", "items", "rank_low", "rank_high")
    )
    return [
        {"variant": name, "wins": int(met.wins[i].sum()), "losses": int(met.wins[:, i].sum()),
         "ties": int(met.ties[i].sum()), **nothing}
        for i, name in enumerate(met.names)
    ]  # fmt: skip


def _heads(met: Heads) -> list[Json]:
    """One row a pair that met, in the order of ranks; `share`: of wins, a tie as half of one."""
    told = []
    for i, j in combinations(range(len(met.names)), 2):
        wins, losses, ties = int(met.wins[i, j]), int(met.wins[j, i]), int(met.ties[i, j])
        n = wins + losses + ties
        if n:
            told.append({"a": met.names[i], "b": met.names[j], "wins": wins, "losses": losses, "ties": ties, "n": n,
                         "items": int(met.items[i, j]), "share": (wins + ties / 2) / n})  # fmt: skip
    return told


def sentence(rows: Sequence[Json], level: float) -> str:
    """Who is first, and which ranks the judgements allow."""
    k = len(rows)
    if k > 1 and all((one["rank_low"], one["rank_high"]) == (1, k) for one in rows):
        return f"No variant is surely before another: each may have any rank from 1 to {k}."
    parts = []
    for (low, high), group in groupby(rows, lambda one: (one["rank_low"], one["rank_high"])):
        parts.append(_placed([one["variant"] for one in group], low, high))
    shown = parts[:_GROUPS]
    shown[0] = shown[0].replace(": {", f": {100 * level:g} % rank set {{", 1)
    rest = f"; {counted(len(parts) - _GROUPS, 'more group')} follow" if len(parts) > _GROUPS else ""
    return "; ".join(shown) + rest + "."


def _placed(names: Sequence[str], low: int, high: int) -> str:
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    ranks = f"{{{low}}}" if low == high else f"{{{low} to {high}}}" if high - low > 1 else f"{{{low}, {high}}}"
    if len(names) > 1:
        return f"{who} share rank{'s' if low > 1 else ''} {low if low == 1 else f'{low} to {high}'}: {ranks}"
    if low == high:
        return f"{who} is {_ORDINALS[low - 1] if low <= len(_ORDINALS) else f'at rank {low}'}: {ranks}"
    return f"{who} is {'first or lower' if low == 1 else f'between ranks {low} and {high}'}: {ranks}"


def _warnings(told: Told, met: Heads, found: Ranking | None, level: float) -> Iterator[str]:
    """What to beware of before the ranks are believed."""
    if found is not None and any(one.strength.low is None for one in found.variants):
        yield (
            f"There are no intervals: in {found.without:,} of {found.draws:,} draws some variant won or lost all, "
            "which leaves the strengths open. Judge more items."
        )
    groups = int(np.unique(np.asarray(told.judgements.items)).size)
    if groups < FEW:
        yield f"There {verb(groups, 'is', 'are')} but {counted(groups, 'item')}: intervals of so few are rough."
    for a, b, c in circles(met, level)[:3]:
        yield (
            f"{a} wins against {b}, {b} against {c}, and {c} against {a}, each beyond chance: one strength a variant "
            "does not tell that. Look at the pairs."
        )
    yield from _leanings(told)


def _leanings(told: Told) -> Iterator[str]:
    """To a place, and to the longer answer."""
    if (bias := told.orders) is not None:
        first = bias.first_of_inconsistent
        if first.n >= _DECIDED and bias.p_value < 0.05 and abs((first.value or 0.5) - 0.5) >= _LEANING:
            place = "first" if (first.value or 0) > 0.5 else "second"
            yield (
                f"Of {counted(first.n, 'pair')} that the two orders decide differently, the {place} place won "
                f"{100 * max(first.value or 0, 1 - (first.value or 0)):.3g} %: whoever judged leans to a place."
            )
    if told.lengths is None:
        return
    a, b = told.lengths
    known = (a > 0) & (b > 0)
    outcome = np.asarray(told.judgements.outcome, np.float64)
    if not known.any():
        return
    lean = judging.verbosity_bias(a[known], b[known], outcome[known])
    share = lean.longer
    if share.n >= _DECIDED and lean.p_value < 0.05 and abs((share.value or 0.5) - 0.5) >= _LEANING:
        side = "longer" if (share.value or 0) > 0.5 else "shorter"
        many = max(share.value or 0, 1 - (share.value or 0))
        yield (
            f"The {side} answer won {100 * many:.3g} % of {counted(share.n, 'decided pair')} of different length: it "
            f"may be better, or length may decide{_by_length(lean.slope, side)}"
        )


def _by_length(slope: Estimate, side: str) -> str:
    """Whether more of a difference in length decides more: if length does, it will."""
    if slope.value is None or slope.low is None or slope.high is None:
        return "."
    told = f"log odds a doubling: {number(slope.value)}, 95 % {number(slope.low)} to {number(slope.high)}"
    if (slope.low > 0) if side == "longer" else (slope.high < 0):
        return f", as it wins the more the larger the difference is ({told})."
    return f". It does not win the more the larger the difference is ({told}), which speaks against length."
