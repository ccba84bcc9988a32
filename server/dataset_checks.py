"""Checks of a dataset: duplicates, leaks across splits, empty and over-long fields, ids that are nearly one.

All of it is Python over every item, so the server has it done in another process.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import orjson

from analytics import duplicates
from analytics.similarity import counts
from server.dataset_files import read
from server.dataset_items import asked, folded, same_of

Fix = Literal["drop_exact", "drop_near", "drop_leaks", "move_leaks", "drop_empty"]
NAMED = 200  # of each finding
SHOWN = 2_000  # letters of a text
LONGEST = 20_000  # letters of a field
NOTHING_ASKED = "nothing is asked"
LEAST_LIKENESS = 0.5
MOST_NEAR = 50_000  # items that are compared with one another

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is looked for."""

    path: str  # Arrow file of items: item, split, row
    near: float | None = 0.9  # likeness from which on two texts are nearly the same; null: they are not compared
    longest: int = LONGEST
    by: str | None = None  # member of metadata that is the cluster
    fix: Fix | None = None  # what is to be done about it


@dataclass(slots=True)
class _Items:
    """The columns that checks look at."""

    ids: list[str]
    splits: list[str]  # '' for none
    rows: list[Json]
    asks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, path: str) -> _Items:
        table = read(path)
        rows = [orjson.loads(row) for row in table["row"].to_pylist()]
        splits = [split or "" for split in table["split"].to_pylist()]
        return cls(table["item"].to_pylist(), splits, rows, [asked(row) for row in rows])


def checked(order: Order) -> Json:
    """What the checks found: `items`, `findings` (each `check`, `count`, `sentence`, `named`, `cut`), `remove`, `move`.

    `named` is bounded; each has `items` (two or more, or one), their `splits`, of what is nearly the same `likeness`
    (the least of the group) and `differ` (beside one text, what else is asked with it differs), and `texts`.
    `remove` and `move` (item -> split) are what `fix` comes to.
    """
    items = _Items.of(order.path)
    exact = _same(items, [same_of(row) for row in items.rows])
    near, bound = _near(items, order.near, exact)
    alike = _alike(items, near)
    leaks = _leaks(items, [group for group, _ in alike], order.by)
    empty, long = _empty(items), _long(items, order.longest)
    findings = [
        _exact_told(items, exact),
        _near_told(items, alike, bound, order.near),
        *(_leak_told(items, why, groups) for why, groups in leaks.items()),
        _fields_told(
            items, "empty", empty, "asks nothing or holds an empty field", "ask nothing or hold an empty field"
        ),
        _fields_told(
            items,
            "long",
            long,
            *(f"{holds} a field of more than {order.longest:,} letters" for holds in ("holds", "hold")),
        ),
        _ids_told(items),
    ]
    remove, move = _fixed(items, order.fix, exact, near, leaks, empty)
    return {"items": len(items.ids), "findings": findings, "remove": remove, "move": move}


Groups = list[list[int]]
Pairs = list[tuple[int, int, float | None]]


def _same(items: _Items, keys: Sequence[str]) -> Groups:
    found: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if items.asks[place].strip():
            found[key].append(place)
    return [places for places in found.values() if len(places) > 1]


def _near(items: _Items, least: float | None, exact: Groups) -> tuple[Pairs, str]:
    """Pairs that are nearly the same and not exactly, the most alike first; and what a bound left out, in words."""
    if least is None:
        return [], ""
    again = {place for group in exact for place in group[1:]}  # compared by the first of them
    chosen = [place for place, text in enumerate(items.asks) if text.strip() and place not in again]
    said = ""
    if len(chosen) > MOST_NEAR:
        said = f"Only the first {MOST_NEAR:,} of {len(chosen):,} different texts were compared."
        chosen = chosen[:MOST_NEAR]
    found = duplicates.near([counts(items.asks[place]) for place in chosen], least)
    if found.cut:
        said += " Many texts share all but a few words, and not every pair of these was compared: there may be more."
    places = np.array(chosen, dtype=np.int64)
    pairs = zip(places[found.first].tolist(), places[found.second].tolist(), found.likeness.tolist(), strict=True)
    return list(pairs), said.strip()


def _alike(items: _Items, pairs: Pairs) -> list[tuple[list[int], float]]:
    """Items that pairs lead from one to another, with the least likeness of a pair; the most alike first."""
    least: dict[int, float] = {}
    groups = _joined(items, [[a, b] for a, b, _ in pairs])
    of = {place: number for number, group in enumerate(groups) for place in group}
    for first, _, likeness in pairs:
        least[of[first]] = min(least.get(of[first], 1.0), likeness or 0.0)
    return [(groups[number], least[number]) for number in sorted(least, key=lambda one: (-round(least[one], 12), one))]


def _leaks(items: _Items, near: Groups, by: str | None) -> dict[str, Groups]:
    """Items that should lie in one split and do not, by why: those of a group that have a split."""
    found = {
        "leak_exact": _across(items, _same(items, [folded(text) for text in items.asks])),
        "leak_near": _across(items, near),
    }
    if by is not None:
        clusters: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(items.rows):
            if (value := row.get("metadata", {}).get(by)) is not None:
                clusters[str(value)].append(place)
        found["leak_cluster"] = _across(items, clusters.values())
    return found


def _across(items: _Items, groups: Iterable[Sequence[int]]) -> Groups:
    """Of the groups those that lie in several splits, without the items in none."""
    told = ([place for place in group if items.splits[place]] for group in groups)
    return [group for group in told if len({items.splits[place] for place in group}) > 1]


def _empty(items: _Items) -> list[tuple[int, str]]:
    found = []
    for place, row in enumerate(items.rows):
        if not items.asks[place].strip():
            found.append((place, NOTHING_ASKED))
        else:
            blank = next((name for name, value in row.items() if name != "metadata" and _blank(value)), None)
            found += [] if blank is None else [(place, blank)]
    return found


def _blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, list) and (not value or all(isinstance(one, str) and not one.strip() for one in value))


def _long(items: _Items, longest: int) -> list[tuple[int, str]]:
    found = []
    for place, row in enumerate(items.rows):
        sizes = {name: _size(value) for name, value in row.items() if name != "metadata"}
        name = max(sizes, key=sizes.__getitem__, default=None)
        if name is not None and sizes[name] > longest:
            found.append((place, f"{name}: {sizes[name]:,} letters"))
    return found


def _size(value: Any) -> int:
    if isinstance(value, list):
        return max(map(_size, value), default=0)
    return len(value) if isinstance(value, str) else len(orjson.dumps(value))


def _exact_told(items: _Items, groups: Groups) -> Json:
    extra = sum(len(group) - 1 for group in groups)
    apart = sum(len({str(items.rows[place].get("reference")) for place in group}) > 1 for group in groups)
    said = f"{_items_words(extra)} exactly what an earlier one asks, white space and case aside."
    if apart:
        said += f" In {apart:,} of {len(groups):,} groups the references differ."
    named = [_group(items, group) for group in groups[:NAMED]]
    return _finding("exact", extra, said if extra else "No two items ask exactly the same.", named, len(groups))


def _items_words(count: int) -> str:
    return "1 item asks" if count == 1 else f"{count:,} items ask"


def _group(items: _Items, group: Sequence[int]) -> Json:
    shown = group[:10]
    return {
        "items": [items.ids[place] for place in shown], "splits": [items.splits[place] for place in shown],
        "texts": [items.asks[shown[0]][:SHOWN]], "of": len(group),
        "references_differ": len({str(items.rows[place].get("reference")) for place in group}) > 1,
    }  # fmt: skip


def _near_told(items: _Items, groups: list[tuple[list[int], float]], bound: str, least: float | None) -> Json:
    if least is None:
        return _finding("near", 0, "Near duplicates were not looked for.", [], 0)
    count = len(groups)
    said = f"{_groups_words(count)} alike by {least:g} or more in their words." if count else (
        f"No two texts are alike by {least:g} or more in their words."
    )  # fmt: skip
    named = [_near_group(items, *one) for one in groups[:NAMED]]
    return _finding("near", count, f"{said} {bound}".strip(), named, count, bounded=bool(bound))


def _groups_words(count: int) -> str:
    return "1 group of items is" if count == 1 else f"{count:,} groups of items are"


def _near_group(items: _Items, group: Sequence[int], likeness: float) -> Json:
    """One text where all ask the same and differ in what else is asked with it, else the first two."""
    shown = group[:10]
    same = len({folded(items.asks[place]) for place in group}) == 1
    return {
        "items": [items.ids[place] for place in shown], "splits": [items.splits[place] for place in shown],
        "texts": [items.asks[place][:SHOWN] for place in (group[:1] if same else group[:2])], "of": len(group),
        "likeness": likeness, "differ": _differing(items, group) if same else [],
    }  # fmt: skip


def _differing(items: _Items, group: Sequence[int]) -> list[str]:
    """The fields beside the question in which items differ, of those that count in asking the same."""
    return [
        name
        for name in ("contexts", "system", "messages", "answer")
        if len({folded(str(items.rows[place].get(name) or "")) for place in group}) > 1
    ]


_LEAKS = {
    "leak_exact": "ask the same and lie in different splits",
    "leak_near": "ask nearly the same and lie in different splits",
    "leak_cluster": "belong to one cluster and lie in different splits",
}


def _leak_told(items: _Items, why: str, groups: Groups) -> Json:
    many = "1 group" if len(groups) == 1 else f"{len(groups):,} groups"
    said = f"Items of {many} {_LEAKS[why]}." if groups else f"No two items {_LEAKS[why]}."
    return _finding(why, len(groups), said, _pairs(items, [_ends(items, one) for one in groups[:NAMED]]), len(groups))


def _ends(items: _Items, group: Sequence[int]) -> tuple[int, int, float | None]:
    """Two items of a group that lie in different splits."""
    other = next(place for place in group if items.splits[place] != items.splits[group[0]])
    return group[0], other, None


def _pairs(items: _Items, pairs: Pairs) -> list[Json]:
    return [
        {
            "items": [items.ids[a], items.ids[b]], "splits": [items.splits[a], items.splits[b]],
            "texts": [items.asks[a][:SHOWN], items.asks[b][:SHOWN]], "likeness": likeness,
        }
        for a, b, likeness in pairs[:NAMED]
    ]  # fmt: skip


def _fields_told(items: _Items, check: str, found: list[tuple[int, str]], one: str, many: str) -> Json:
    named = [
        {"items": [items.ids[place]], "splits": [items.splits[place]], "texts": [], "field": name}
        for place, name in found[:NAMED]
    ]
    said = f"{len(found):,} items {many}." if len(found) > 1 else f"{'1' if found else 'No'} item {one}."
    return _finding(check, len(found), said, named, len(found))


def _ids_told(items: _Items) -> Json:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(items.ids):
        groups[folded(name)].append(place)
    twice = [places for places in groups.values() if len(places) > 1]
    extra = sum(len(places) - 1 for places in twice)
    ids = "1 id is that of another" if extra == 1 else f"{extra:,} ids are those of others"
    said = f"{ids} but for white space and case." if extra else "No id repeats."
    return _finding("ids", extra, said, [_group(items, places) for places in twice[:NAMED]], len(twice))


def _finding(check: str, count: int, said: str, named: list[Json], of: int, *, bounded: bool = False) -> Json:
    return {"check": check, "count": count, "sentence": said, "named": named, "cut": of > NAMED, "bounded": bounded}


def _fixed(  # noqa: PLR0917 - what was found
    items: _Items, fix: Fix | None, exact: Groups, near: Pairs, leaks: Mapping[str, Groups],
    empty: list[tuple[int, str]],
) -> tuple[list[str], dict[str, str]]:  # fmt: skip
    """The items that are to go, and those that are to change their split."""
    if fix == "drop_exact":
        return _later(items, exact), {}
    if fix == "drop_near":
        return _later(items, [[a, b] for a, b, _ in near]), {}
    if fix == "drop_empty":
        return [items.ids[place] for place, name in empty if name == NOTHING_ASKED], {}
    if fix in {"drop_leaks", "move_leaks"}:
        moved = _moved(items, [group for groups in leaks.values() for group in groups])
        return (list(moved), {}) if fix == "drop_leaks" else ([], moved)
    return [], {}


def _later(items: _Items, groups: Groups) -> list[str]:
    """All but the first of each group; groups that share an item are one."""
    return [items.ids[place] for places in _joined(items, groups) for place in places[1:]]


def _joined(items: _Items, groups: Groups) -> Groups:
    """Groups that share an item as one, its items in order."""
    pairs = [(group[0], other) for group in groups for other in group[1:]]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    labels = duplicates.groups(ends[:, 0], ends[:, 1], len(items.ids))
    found: dict[int, list[int]] = defaultdict(list)
    for place in np.unique(ends).tolist():
        found[int(labels[place])].append(place)
    return list(found.values())


def _moved(items: _Items, groups: Groups) -> dict[str, str]:
    """Every item into the split that most of its group are in; of equal ones into the one that is larger in all.

    So of a pair the one that is trained on stays, and the one that is measured on goes.
    """
    sizes = Counter(items.splits)
    found: dict[str, str] = {}
    for places in _joined(items, groups):
        there = Counter(items.splits[place] for place in places)
        goal = max(there, key=lambda split: (there[split], sizes[split], split))
        found |= {items.ids[place]: goal for place in places if items.splits[place] != goal}
    return found
