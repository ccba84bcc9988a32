"""What `assay compare` and `assay plan` are asked, from the words of the command line to figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analytics import comparison
from analytics.compared import Compared, Metric
from analytics.samples import Samples, samples
from analytics.slices import Simpson, sliced
from server.compare import combined, sentences
from server.compare.asking import Asked, label, metrics_of
from server.compare.measures import ORDER as ORDER_OF
from server.compare.measures import kind_of
from server.compare.reading import ComparisonError, Table, flags, labels, numbers
from server.evals.figures import counted, interval, number, verb

Row = dict[str, Any]
MOST_PAIRS = 10  # that have a sentence each before all others

ORDER = (
    "metric", "a", "b", "n_a", "n_b", "mean_a", "mean_b", "difference", "ci_low", "ci_high", "test", "p", "p_adjusted",
    "effect", "mde", "verdict",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and what is to be said beside it."""

    compared: Sequence[Compared]
    paradoxes: Sequence[Simpson]
    notes: Sequence[str]  # of the rows: how many, and what was left out of all
    with_items: bool  # whether a column names items


def compared(table: Table, asked: Asked) -> Found:
    """Compares a table's variants.

    Raises:
        ComparisonError: a column is not there, a cell is no number, or the options do not go together.
    """
    metrics = metrics_of(table, asked)
    found, slices, notes = _samples(table, asked, metrics)
    notes += _untested(metrics, asked.options.test)
    with_items = _item(table, asked) is not None
    options = replace(asked.options, baseline=labels([asked.options.baseline])[0])
    check_pairing(table, asked, found, paired=options.paired)
    try:
        with np.errstate(over="raise"):
            if slices is None:
                return Found(comparison.compare(found, metrics, options), (), notes, with_items)
            decided, paradoxes = sliced(found, slices, metrics, options)
    except ValueError as error:
        raise ComparisonError(str(error)) from error
    except ArithmeticError as error:
        raise ComparisonError(
            f"Figures of {', '.join(map(label, metrics))} leave the range of numbers ({error}). Use other units."
        ) from error
    return Found(decided, paradoxes, notes, with_items)


def samples_of(table: Table, asked: Asked, metrics: Sequence[Metric]) -> Samples:
    """A table's rows. Raises as `compared`."""
    return _samples(table, asked, metrics)[0]


def check_pairing(table: Table, asked: Asked, found: Samples, *, paired: bool | None) -> None:
    """Whether there is what pairs can be made of, if they are asked for.

    Raises:
        ComparisonError: no column names the items, or no two variants have one in common.
    """
    if not paired:
        return
    item = _item(table, asked)
    if item is None:
        raise ComparisonError(
            f"--paired needs --item, the column that names the items. Columns: {', '.join(table.columns)}."
        )
    known = found.items < sum(name is not None for name in found.item_names.tolist())
    seen = pd.DataFrame({"item": found.items, "variant": found.variants})[known].drop_duplicates()
    if not seen["item"].duplicated().any():
        few = ", ".join(f"{name} has {_example(found, seen, at)}" for at, name in enumerate(found.names[:3]))
        raise ComparisonError(
            f"--paired needs items that variants have in common, and no two have one in column {item!r}: {few}. "
            "Say --item with the column that names them alike, or --unpaired."
        )


def _example(found: Samples, seen: pd.DataFrame, variant: int) -> str:
    items = seen["item"][seen["variant"] == variant]
    return repr(found.item_names[items.iloc[0]]) if len(items) else "none"


def _untested(metrics: Sequence[Metric], test: str) -> list[str]:
    """What `--test` does not decide."""
    others = [label(one) for one in metrics if one.q is not None or one.per is not None]
    ranked = [label(one) for one in metrics if one.ordinal and one.q is None]
    if test == "auto":
        return []
    said = []
    if others:
        said.append(
            f"--test {test} is of means: {', '.join(others)} {verb(len(others), 'has its', 'have their')} own method."
        )
    if ranked:
        said.append(f"--test {test} is of means: that of {', '.join(ranked)} is of ranks, beside an interval of means.")
    return said


def _samples(
    table: Table, asked: Asked, metrics: Sequence[Metric]
) -> tuple[Samples, Sequence[str | None] | None, list[str]]:
    names = labels(table.column(asked.variant))
    item = _item(table, asked)
    frame = pd.DataFrame({"variant": pd.Series(names, dtype=object)})
    for name, column in (("item", item), ("cluster", asked.cluster), ("slice", asked.slice)):
        if column is not None:
            frame[name] = pd.Series(labels(table.column(column)), dtype=object)
    kept = frame["variant"].notna().to_numpy()
    bad = _failed(table, asked)
    words: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(name for one in metrics for name in (one.column, one.per) if name is not None):
        frame[f"m:{name}"], words[name] = numbers(table, name)
    frame["failed"] = bad
    frame = frame[kept].reset_index(drop=True)
    if frame["variant"].nunique() < 2:
        told = ", ".join(map(repr, frame["variant"].unique())) or "none"
        raise ComparisonError(
            f"Column {asked.variant!r} names one variant or none ({told}), and a comparison takes two or more."
        )
    columns = [name for name in map(str, frame) if name.startswith("m:")]
    made = samples(
        frame, variant="variant", metrics=columns, item="item" if item else None,
        cluster="cluster" if asked.cluster else None, failed="failed",
    )  # fmt: skip
    made = Samples(
        made.names, made.variants, made.items, made.item_names, made.clusters,
        {name.removeprefix("m:"): values for name, values in made.metrics.items()}, made.failed,
    )  # fmt: skip
    return (
        made,
        list(frame["slice"]) if asked.slice else None,
        [*_notes(kept, frame, asked, item), *_worded(words, kept)],
    )


def _item(table: Table, asked: Asked) -> str | None:
    return asked.item or ("item" if "item" in table.columns else None)


def _notes(kept: np.ndarray, frame: pd.DataFrame, asked: Asked, item: str | None) -> list[str]:
    lost = int((~kept).sum())
    said = [f"{counted(len(frame), 'row')} of {counted(frame['variant'].nunique(), 'variant')}."]
    if lost:
        said.append(f"Left out are {counted(lost, 'row')} without a {asked.variant}.")
    for name, column, then in (("item", item, "an item of its own"), ("cluster", asked.cluster, "its own cluster")):
        without = 0 if column is None else int(frame[name].isna().sum())
        if without:
            said.append(f"{counted(without, 'row')} without a {column}: each stands for {then}.")
    failed = int(frame["failed"].sum())
    if failed:
        said.append(f"{counted(failed, 'row')} failed, and are in no figure.")
    return said


def _worded(words: Mapping[str, np.ndarray], kept: np.ndarray) -> list[str]:
    return [
        f"{name}: {counted(many, 'cell')} {verb(many, 'says', 'say')} error, failed or timeout, and "
        f"{verb(many, 'counts', 'count')} as without a value."
        for name, one in words.items()
        if (many := int((one & kept).sum()))
    ]


def _failed(table: Table, asked: Asked) -> np.ndarray:
    named = asked.failed
    taken = {asked.variant, asked.item, asked.cluster, asked.slice, *asked.metrics}
    if named is None and "failed" in table.columns and "failed" not in taken:
        named = "failed"
    return np.zeros(len(table.places), bool) if named is None else flags(table, named)


def json_rows(found: Found, level: float) -> list[Row]:
    """One object per metric, slice and pair: first what every comparison has, then the rest, then its sentence."""
    paradoxes = {(one.metric, one.a, one.b): asdict(one) for one in found.paradoxes}
    rows = []
    for one in found.compared:
        facts = asdict(one)
        rest = {name: value for name, value in facts.items() if name not in {*ORDER, "unit"}}
        paradox = paradoxes.get((one.metric, one.a, one.b)) if one.slice is None and one.adds_up else None
        said = {"simpson": paradox, "level": level, "sentence": sentences.verdict(one, level)}
        rows.append({name: facts[name] for name in ORDER} | rest | said)
    return rows


def table_rows(found: Sequence[Compared]) -> list[Row]:
    """A row per metric, slice and pair, as people read it."""
    sliced_too = any(one.slice is not None for one in found)
    return [
        {
            "metric": one.metric if one.statistic in {"mean", "share", "ratio"} else f"{one.metric} {one.statistic}",
            **({"slice": one.slice or "all"} if sliced_too else {}),
            "a": one.a, "b": one.b, "n": f"{one.n_a:,}" if one.paired else f"{one.n_a:,}, {one.n_b:,}",
            "of a": sentences.value(one, one.mean_a), "of b": sentences.value(one, one.mean_b),
            "difference": interval(one.difference, one.ci_low, one.ci_high), "test": one.test or "none",
            "adjusted p": "" if one.p_adjusted is None else f"{one.p_adjusted:.3g}",
            "would see": number(one.mde), "verdict": one.verdict,
        }
        for one in found
    ]  # fmt: skip


def told(found: Found, *, level: float) -> list[str]:
    """Sentences for people: one a pair, then verdicts of the whole metric by metric, then paradoxes."""
    whole = [one for one in found.compared if one.slice is None]
    verdicts = [sentences.verdict(one, level) for one in whole] if len(whole) <= 20 else [sentences.summary(whole)]
    return [*headlines(whole, level), *verdicts, *(sentences.paradox(one) for one in found.paradoxes)]


def headlines(whole: Sequence[Compared], level: float) -> list[str]:
    """Of each pair one sentence, which begins with its first metric of quality; of many pairs none."""
    pairs: dict[tuple[str, str], list[combined.Part]] = {}
    for one in whole:
        pairs.setdefault((one.a, one.b), []).append(combined.Part(one, kind_of(one.metric), one.metric))
    if len(pairs) > MOST_PAIRS:
        return []
    return [combined.sentence(*_first(parts), level) for parts in pairs.values()]


def _first(parts: Sequence[combined.Part]) -> tuple[combined.Part, list[combined.Part]]:
    """What counts most, and of each kind beside it the first."""
    first = next((one for one in parts if one.kind == "quality"), parts[0])
    beside = {one.kind: one for one in reversed(parts) if one.kind not in {first.kind, "quality", "tokens"}}
    return first, sorted(beside.values(), key=lambda one: ORDER_OF[one.kind])


def asides(found: Found, *, asked: bool) -> list[str]:
    """What was taken, and what was left out."""
    whole = [one for one in found.compared if one.slice is None]
    said = [*found.notes, *sentences.pairing(whole, asked=asked, with_items=found.with_items)]
    said += [text for one in whole if (text := sentences.left_out(one))]
    notes: dict[str, list[str]] = {}
    for one in whole:
        for note in one.notes:
            notes.setdefault(note, []).append(sentences.what(one))
    for note, names in notes.items():
        times = "" if len(names) == 1 else f" ({len(names)} times)"
        said.append(f"{', '.join(dict.fromkeys(names))}{times}: {note}")
    said += sentences.directions({one.metric: one.better for one in whole})
    unique = list(dict.fromkeys(said))
    return (
        unique if len(unique) <= 30 else [*unique[:30], f"and {len(unique) - 30:,} more like these (--json has all)."]
    )
