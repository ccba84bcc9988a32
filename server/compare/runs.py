"""Runs of suites as variants: paired item by item, by id and by what the item holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from analytics.columns import Floats
from server.aside import Ask
from server.compare.answer import Json, Question, Read, chosen, composed
from server.compare.measures import Measure, scale_better, target_measures
from server.compare.stated import NOTHING, Stated
from server.evals.figures import counted, verb
from server.evals.grid import name_of

CLUSTER = "cluster"  # the slice of the suite's own clusters
TARGET = "target."
PAGE = 20
MOST_CLUSTERS = 50  # that are slices


@dataclass(frozen=True, slots=True)
class Variant:
    """A run as the store tells it."""

    run_id: str  # 32 hex digits
    name: str
    suite: str
    started_at: str
    manifest: Json
    summary: Json

    def told(self) -> Json:
        """As the answer has it."""
        return {"name": self.name, "run_id": self.run_id, "suite": self.suite, "started_at": self.started_at}


def named(runs: Sequence[tuple[str, str, str, Json, Json]]) -> list[Variant]:
    """Runs (id, suite, start, manifest, summary) with names that tell them apart.

    Arms of experiments are called by what sets them apart, other runs by their suite; then start, then id follows.
    """
    called = _called([one[1] for one in runs], [one[3] for one in runs])
    days = [f"{name} {one[2][:16].replace('T', ' ')}" for name, one in zip(called, runs, strict=True)]
    found = []
    for at, (run_id, suite, started, manifest, summary) in enumerate(runs):
        mine = called[at]
        name = mine if called.count(mine) == 1 else days[at] if days.count(days[at]) == 1 else f"{mine} {run_id[:8]}"
        found.append(Variant(run_id, name, suite, started, manifest, summary))
    return found


def _called(suites: Sequence[str], manifests: Sequence[Json]) -> list[str]:
    """Each by its arm, else by its suite; an arm by what sets it apart from the other arms."""
    arms = [(one.get("experiment") or {}).get("arm") for one in manifests]
    shown = [dict(arm) for arm in arms if arm]
    texts = [{key: name_of({key: value}) for key, value in arm.items()} for arm in shown]
    alike = {key for key in texts[0] if all(one.get(key) == texts[0][key] for one in texts)} if len(shown) > 1 else {}
    told = iter([name_of({key: value for key, value in arm.items() if key not in alike}) for arm in shown])
    return [(next(told) if arm else "") or suite for arm, suite in zip(arms, suites, strict=True)]


def answer(ask: Ask, variants: Sequence[Variant], question: Question, slice_name: str | None) -> Json:
    """The comparison of runs; see `GET /api/compare/runs`. Raises NotComparableError."""
    read = read_runs(ask, variants, question.baseline, slice_name)
    shared = _shared(read.rows, variants, question.baseline)
    return composed(read, question, {"source": "runs", "shared": shared})


def read_runs(ask: Ask, variants: Sequence[Variant], baseline: str, slice_name: str | None = None) -> Read:
    """Rows of one run or more with their measures; see `Read`."""
    names = list(dict.fromkeys(name for one in variants for name in one.manifest["evaluators"]))
    targets = [one for one in target_measures() if one.key != "failed"]
    columns = [*names, *dict.fromkeys(TARGET + one.key.partition(".p")[0] for one in targets)]
    pointer = None if slice_name in {None, CLUSTER} else _pointer(str(slice_name))
    table = ask(
        "compare_rows", runs=[one.run_id for one in variants], measures=columns, pointer=pointer,
    )  # fmt: skip
    rows, called = _frame(table, [one.name for one in variants])
    said, passes = (_matrix(table, name, len(columns)) for name in ("said", "passes"))
    measures = []
    for at, name in enumerate(names):
        measures += _evaluator(rows, name, said[:, at], passes[:, at], variants)
    for one in targets:
        rows[one.key] = said[:, columns.index(TARGET + one.key.partition(".p")[0])]
    rows["failed"] = table["lost"].to_numpy(zero_copy_only=False).astype(float)
    keys = ask("compare_keys", run_id=_of(variants, baseline).run_id)["key"].to_pylist()
    grouped = _grouped(rows[rows["variant"] == baseline])
    if slice_name is not None:
        rows["label"] = table["cluster"].to_pylist() if slice_name == CLUSTER else _labels(rows, table)
    return Read(
        rows, [*measures, *target_measures()], [one.told() | _counted(rows, one) for one in variants], paired=True,
        refused=_refused(measures, variants, baseline), notes=_drawn(table, called), called=called,
        slices=[*keys, *([CLUSTER] * grouped)],
        slice=slice_name,
    )  # fmt: skip


def _grouped(rows: pd.DataFrame) -> bool:
    """Whether the clusters of the suite are fewer than its items, and few enough to look at."""
    return 2 <= rows["cluster"].nunique() <= min(MOST_CLUSTERS, rows["item"].nunique() // 2)


def _pointer(key: str) -> str:
    """A key of the items' metadata as a JSON pointer (RFC 6901)."""
    return f"/case/metadata/{key.replace('~', '~0').replace('/', '~1')}"


def _of(variants: Sequence[Variant], name: str) -> Variant:
    return next(one for one in variants if one.name == name)


def _frame(table: pa.Table, names: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Rows with `variant`, `item`, `id`, `cluster`, all as numbers but the first; and what each `item` is called.

    Two runs share an item when they call it the same and it holds the same; `id` is of what it is called alone.
    """
    plain = table.select(["run", "place", "repeat"]).to_pandas()
    ids, called = _codes(table["item"])
    held = _codes(table["content"])[0]
    item, pairs = pd.factorize(ids * (int(held.max(initial=0)) + 1) + held)
    first = pd.Series(ids).groupby(item).first().to_numpy()
    rows = pd.DataFrame(
        {"variant": np.array(list(names), object)[plain["run"].to_numpy() - 1], "item": item, "id": ids,
         "cluster": _codes(table["cluster"])[0], **plain}
    )  # fmt: skip
    return rows, [called[at] for at in first[: len(pairs)]]


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Numbers of the texts, in the order of their first; and the texts."""
    told = column.combine_chunks().dictionary_encode()
    return told.indices.to_numpy().astype(np.int64), told.dictionary.to_pylist()


def _matrix(table: pa.Table, name: str, width: int) -> Floats:
    """Lists of one length as a matrix; null: NaN."""
    flat: Floats = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return flat.reshape(table.num_rows, width)


def _labels(rows: pd.DataFrame, table: pa.Table) -> pd.Series:
    """The slice of each row: as the first repeat of its item tells it."""
    told = pd.Series(table["label"].to_pylist(), dtype=object)
    return told.groupby([rows["run"], rows["place"]]).transform("first")


def _evaluator(
    rows: pd.DataFrame, name: str, said: Floats, passes: Floats,
    variants: Sequence[Variant],
) -> list[Measure]:  # fmt: skip
    """Its columns: the share that passes, and the value, unless that says the same."""
    scale = scale_told(name, variants)
    found = []
    if not np.isnan(passes).all():
        rows[f"{name}.passed"] = passes
        found.append(Measure(f"{name}.passed", f"{name} passes", "quality", "higher", of=name))
    same = np.array_equal(passes, said, equal_nan=True)
    if not np.isnan(said).all() and not same:
        rows[name] = said
        unit = scale.get("unit") or None
        found.append(Measure(name, name, "quality", scale_better(name, scale), unit, of=name))
    return found


def scale_told(name: str, variants: Sequence[Variant]) -> Mapping[str, Any]:
    """Of an evaluator, as the first run that has it tells it; empty: none does."""
    for one in variants:
        for told in one.summary["evaluators"]:
            if told["name"] == name:
                return dict(told["scale"])
    return {}


def _refused(measures: Sequence[Measure], variants: Sequence[Variant], baseline: str) -> dict[tuple[str, str], str]:
    """What is not compared, and why: another ruler's values, or shares that pass by another rule."""
    first, found = _of(variants, baseline), {}
    for measure in measures:
        for other in variants:
            why = None if other.name == baseline else _differs(measure, first, other)
            if why is not None:
                found[measure.key, other.name] = why
    return found


def _differs(measure: Measure, first: Variant, other: Variant) -> str | None:
    name = str(measure.of)
    ours, theirs = (one.manifest["evaluators"].get(name) for one in (first, other))
    for one, variant in ((ours, first), (theirs, other)):
        if one is None:
            return f"{variant.name} has no evaluator called {name}."
    rulers = [f"{one['evaluator']} {one['version']}" for one in (ours, theirs)]
    if rulers[0] != rulers[1]:
        return (
            f"{name} is {rulers[0]} in {first.name} and {rulers[1]} in {other.name}. Values of different rulers are "
            "not compared: run one of both again with the other's version and options."
        )
    if measure.key.endswith(".passed") and ours.get("pass") != theirs.get("pass"):
        return f"{name} passes by another rule in {other.name} than in {first.name}."
    return None


def _counted(rows: pd.DataFrame, variant: Variant) -> Json:
    mine = rows[rows["variant"] == variant.name]
    return {"items": int(mine["item"].nunique()), "rows": len(mine), "failed": int(mine["failed"].sum())}


def _drawn(table: pa.Table, called: Sequence[str]) -> list[str]:
    told, drawn = int(table["items"][0].as_py()) if table.num_rows else 0, len(set(called))
    return [] if drawn >= told else [f"Of {counted(told, 'item')} {drawn:,} were drawn, the same ones of each run."]


def _shared(rows: pd.DataFrame, variants: Sequence[Variant], baseline: str) -> list[Json]:
    """Of each run how many items it shares with the baseline; `changed`: of one id, but they hold something else."""
    held = {one.name: rows[rows["variant"] == one.name].drop_duplicates("item") for one in variants}
    sizes = {name: len(mine) for name, mine in held.items()}
    first, told = held[baseline], []
    for one in variants:
        if one.name == baseline:
            continue
        mine = held[one.name]
        both = mine["item"].isin(first["item"])
        alone = first[~first["item"].isin(mine["item"])]
        changed = int(mine["id"][~both].isin(alone["id"]).sum())
        told.append(
            {"variant": one.name, "items": len(mine), "of": len(first), "shared": int(both.sum()), "changed": changed,
             "sentence": _overlap(one.name, baseline, int(both.sum()), changed, sizes)}
        )  # fmt: skip
    return told


def _overlap(name: str, baseline: str, both: int, changed: int, sizes: Mapping[str, int]) -> str:
    if both == sizes[name] == sizes[baseline]:
        return f"{name} and {baseline} have the same {counted(both, 'item')}."
    what = "Only shared items are compared." if both else "Take runs of the same items, or compare live traffic."
    other = f"; {changed:,} of the same id {verb(changed, 'asks', 'ask')} something else" if changed else ""
    return (
        f"{name} and {baseline} share {counted(both, 'item')} of {sizes[name]:,} and {sizes[baseline]:,}{other}. {what}"
    )


def rows(  # noqa: PLR0917 - of one page
    ask: Ask, variants: Sequence[Variant], quality: str | None, page: int, worse: bool, wanted: str | None,
    stated: Stated = NOTHING,
) -> Json:  # fmt: skip
    """A page of the items that two runs share, the second against the first: regressed first.

    `wanted`: this item alone. `rows`: `item`, `change` (positive: better; null: one of both has no value), `case`, and
    of both runs their answers.
    """
    first, other = variants
    read = read_runs(ask, variants, first.name)
    known = [one for one in read.measures if not read.rows[one.key].isna().all()]
    keys = {one.key for one in known}  # others may be of variants that are not in this pair
    sides = Stated(
        lower=[key for key in stated.lower if key in keys], higher=[key for key in stated.higher if key in keys]
    )
    measure = chosen(sides.applied(known, {}), quality)
    if measure is None:
        return {"rows": [], "matching": 0, "measure": None}
    sign = -1.0 if measure.better == "lower" else 1.0
    grouped = [
        read.rows[read.rows["run"] == run].groupby("item", sort=False).agg(
            value=(measure.key, "mean"), place=("place", "first")
        )
        for run in (1, 2)
    ]  # fmt: skip
    both = grouped[0].join(grouped[1], how="inner", lsuffix="_1", rsuffix="_2")
    change = sign * (both["value_2"] - both["value_1"])
    # What one side has no value of is told last; ties in the order of the items.
    order = change.sort_values(kind="stable", na_position="last")
    order = order[order < 0] if worse else order
    if wanted is not None:
        order = order[[read.called[int(item)] == wanted for item in order.index]]
    shown = order.iloc[page * PAGE : (page + 1) * PAGE]
    asked = [both.loc[shown.index, f"place_{run}"].astype(int).tolist() for run in (1, 2)]
    lines = [_lines(ask, one.run_id, at) for one, at in zip(variants, asked, strict=True)]
    return {
        "measure": measure.key, "matching": len(order), "regressed": int((change < 0).sum()), "page": page,
        "size": PAGE, "variants": [first.name, other.name],
        "rows": [
            {"item": read.called[int(item)], "change": None if pd.isna(gap) else float(gap),
             "case": lines[0].get(a, [{}])[0].get("case") or {}, "answers": [lines[0].get(a, []), lines[1].get(b, [])]}
            for item, gap, a, b in zip(shown.index, shown, *asked, strict=True)
        ],
    }  # fmt: skip


def _lines(ask: Ask, run_id: str, places: Sequence[int]) -> dict[int, list[Json]]:
    """The rows of a run at these places."""
    found: dict[int, list[Json]] = {}
    if places:
        for row in ask("compare_lines", run_id=run_id, places=list(places)).to_pylist():
            found.setdefault(row["place"], []).append(orjson.loads(row["line"]))
    return found
