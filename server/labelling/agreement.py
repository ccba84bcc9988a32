"""How far a queue's labellers agree: by field, pair of people, slice and time, with what the disagreement is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics import intervals
from analytics.agreement import COEFFICIENTS, NO_PAIR, Agreement, Options, agreement
from analytics.coefficients import MOST_WEIGHED, Weights
from analytics.ratings import Codes, Ratings
from analytics.ratings import pairs as label_pairs
from server.agreement.asking import UNKNOWN
from server.agreement.asking import Asked as Asking
from server.agreement.shell import Found, json_rows
from server.labelling import agreement_words as words
from server.labelling import marked
from server.labelling.labellers import labellers
from server.labelling.ratings import COUNTED, Ask, Labels, Told, labels, read, without
from server.labelling.terms import Asked, Kind

Row = dict[str, Any]
MAIN: Mapping[Kind, str] = {
    "binary": "krippendorff_alpha_nominal", "categorical": "krippendorff_alpha_nominal",
    "ordinal": "krippendorff_alpha_ordinal", "numeric": "krippendorff_alpha_interval",
    "preference": "krippendorff_alpha_nominal", "ranking": "krippendorff_alpha_nominal",
    "spans": "percent_agreement",
}  # fmt: skip
"""The coefficient that the sentence is of: it takes missing labels and any number of people."""
MOST_PEOPLE = 20  # of whom pairs are told: those with most labels
MOST_SLICES = 20
MOST_EQUAL = 50  # different numbers, beyond which coefficients of equal labels say little, and take long
MOVED = 100  # items that two people share, from which the error of their kappa is worked out without draws
MOST_CELLS = 30  # categories of a table of confusion
MOST_NUMBERS = 50  # items of a cell
WEEK = timedelta(days=7)
LEAST_WEEKS, LEAST_ITEMS = 3, 10  # of a course by weeks; of each part of a course
MOST_PARTS = 12
LEAST_TIME = timedelta(minutes=10)  # labels that came at once, as of an import, have no course
MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - UTC without a zone, as the store holds it
TEXTS = "labels are texts"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked."""

    queue: str
    field: str | None = None  # null: all
    by: str | None = None  # attribute of items
    pairs: bool = True
    weights: Weights = "none"
    labellers: tuple[str, ...] = ()  # labels of these; empty: of all


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Labels of one field as coefficients take them."""

    found: Labels  # without those of gold items
    rated: Ratings
    clusters: Codes | None  # of each of the ratings' items; null: each is its own
    rows: Codes  # of each rating the label that it is of
    main: str
    options: Options = field(default_factory=Options)

    def rows_of(self, only: Collection[str]) -> list[Agreement]:
        return agreement(self.rated, self.options, self.clusters, only)

    def of(self, kept: NDArray[np.bool_]) -> _Part:
        """Those of the labels where `kept` is true."""
        there = kept[self.rows]
        rated = self.rated.of(there)
        clusters = None
        if self.clusters is not None:
            items = np.flatnonzero(np.bincount(self.rated.items[there], minlength=self.rated.ids.size))
            clusters = np.unique(self.clusters[items], return_inverse=True)[1].astype(np.intp)
        return replace(self, rated=rated, clusters=clusters, rows=self.rows[there])

    @property
    def all(self) -> tuple[str, ...]:
        """What is told of all labels."""
        return ("percent_agreement", self.main) if self.wide else COEFFICIENTS

    @property
    def few(self) -> tuple[str, ...]:
        """What is told of slices and times."""
        return ("percent_agreement", self.main) if self.wide else ("percent_agreement", self.main, "gwet_ac1")

    @property
    def wide(self) -> bool:
        """Whether labels are so many different numbers that being equal says little."""
        return self.rated.steps and len(self.rated.categories) > MOST_EQUAL

    @property
    def pair(self) -> str:
        """What is told of two people."""
        return self.main if self.wide else "cohen_kappa"


def answer(ask: Ask, wanted: Wanted) -> Row:
    """See `GET /api/queues/{name}/agreement`.

    Raises:
        LookupError: there is no such queue.
    """
    told = read(ask, wanted.queue, wanted.field)
    fields = [_field(told, one, wanted) for one in told.terms.fields if wanted.field in {None, one.name}]
    gone = _gone(told)
    return {
        "fields": [shown for shown, _ in fields], "attributes": _attributes(told),
        "left_out": [*(one for _, left in fields for one in left), *gone],
        "people": sorted(set(told.table["author"].unique().to_pylist())),
        "sentence": words.together([shown for shown, _ in fields]),
    }  # fmt: skip


def _gone(told: Told) -> list[Row]:
    """Labels of fields that are asked no more."""
    asked = {one.name for one in told.terms.fields}
    found = pc.value_counts(told.table["field"]).to_pylist()
    return [
        {"field": one["values"], "n": one["counts"], "why": "the field is asked no more"}
        for one in found
        if one["values"] not in asked
    ]


def _attributes(told: Told) -> list[Row]:
    """Names by which items can be told apart, with how many labels have each, most first."""
    column = told.table["attributes"].combine_chunks()
    found = pc.value_counts(column.keys).to_pylist() if len(column) else []
    return [{"name": one["values"], "labels": one["counts"]} for one in sorted(found, key=lambda one: -one["counts"])]


def _field(told: Told, asked: Asked, wanted: Wanted) -> tuple[Row, list[Row]]:
    every, lost = labels(told, asked, wanted.labellers)
    found = without(every, told.golds)
    left = [] if not lost else [_left(asked, lost, "they do not fit the field as it is asked now")]
    if golds := every.size - found.size:
        left.append(_left(asked, golds, "their items are gold, which tells accuracy and no agreement"))
    shown: Row = {
        "field": asked.name, "kind": asked.kind, "title": asked.title or asked.name, "main": MAIN.get(asked.kind),
        "labels": found.size, "items": int(np.unique(found.numbers).size), "gold_labels": golds, "why": None,
        "rows": [], "by": [], "pairs": [], "over_time": [], "guidelines": guidelines(told), "confusion": [],
        "categories": [], "pair": None, "slices_left": 0, "people_left": [],
    }  # fmt: skip
    if asked.kind in COUNTED:
        shown |= _counted(_part(found, asked, wanted.weights), told, wanted)
    elif asked.kind == "spans":
        shown |= {"rows": _marked(found)}
    else:
        shown |= {"why": TEXTS}
    rated = every.ratings() if asked.kind in COUNTED - {"ranking"} else None
    # To marks there is no one right answer, as to texts.
    people, gold = (every, told.right(asked)) if asked.kind in COUNTED else (found, {})
    shown["labellers"] = labellers(people, rated, gold, told.decided(asked))
    return shown | {"sentence": words.sentence(shown)}, left


def _left(asked: Asked, n: int, why: str) -> Row:
    return {"field": asked.name, "n": n, "why": why}


def _part(found: Labels, asked: Asked, weights: Weights) -> _Part:
    if asked.kind == "ranking":
        rated, clusters = found.by_pairs()
        names = [f"{number:09} {author}" for number, author in zip(found.numbers.tolist(), found.authors, strict=True)]
        places = {name: at for at, name in enumerate(names)}
        ids, authors = rated.ids[rated.items], rated.names[rated.labellers]
        rows = [places[f"{one[:9]} {author}"] for one, author in zip(ids, authors, strict=True)]
        return _Part(found, rated, clusters, np.array(rows, np.intp), MAIN[asked.kind], Options())
    rated = found.ratings()
    weighed = rated.positions is not None and rated.positions.size <= MOST_WEIGHED
    rows_ = np.arange(found.size, dtype=np.intp)
    return _Part(found, rated, None, rows_, MAIN[asked.kind], Options(weights=weights if weighed else "none"))


def _counted(part: _Part, told: Told, wanted: Wanted) -> Row:
    by, left = _slices(part, told, wanted.by) if wanted.by else ([], 0)
    people, left_people = _people(part)
    return {
        "rows": _rows(part, [Found(one, None, None) for one in part.rows_of(part.all)]),
        "by": _rows(part, by), "slices_left": left,
        "pair": part.pair, "people_left": left_people,
        "pairs": _rows(part, _pairs(part, people)) if wanted.pairs else [],
        "over_time": [
            {"since": since, "until": until, "rows": _rows(part, [Found(one, None, None) for one in rows])}
            for since, until, rows in over_time(part)
        ],
        "confusion": confusion(part, wanted.labellers), "categories": list(part.rated.categories)[:MOST_CELLS],
    }  # fmt: skip


def _rows(part: _Part, found: Iterable[Found]) -> list[Row]:
    return json_rows(list(found), Asking(options=part.options))


def _marked(found: Labels) -> list[Row]:
    """Of marks the overlap stands for the share that agrees; chance has no say in it."""
    numbers, means = marked.by_item(found)
    counted = np.isin(found.numbers, numbers)
    single = int(np.unique(found.numbers).size) - len(numbers)
    facts = (len(numbers), int(np.unique(found.authors[counted].astype(str)).size), int(counted.sum()), single, 0)
    if not numbers:
        one = Agreement("percent_agreement", None, None, None, *facts, "none", 0, 0, NO_PAIR)
    else:
        mean = intervals.bounded_mean(means)
        why = "of marks the overlap F1 of characters; no coefficient takes chance out of it"
        one = Agreement("percent_agreement", mean.value, mean.low, mean.high, *facts, "wilson", 0, 0, why)
    return json_rows([Found(one, None, None)], Asking())


# By slices and people.


def _slices(part: _Part, told: Told, name: str) -> tuple[list[Found], int]:
    """Of each value of an attribute, those of most items first, and how many values are not told."""
    column = pc.map_lookup(told.table["attributes"], name, "first").take(part.found.rows)
    values = np.array([UNKNOWN if one is None else one for one in column.to_pylist()], object)
    names, counts = np.unique(values.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    found = []
    for at in order[:MOST_SLICES].tolist():
        kept = part.of(np.asarray(values == names[at], np.bool_))
        found += [Found(one, str(names[at]), None) for one in kept.rows_of(part.few)]
    return found, max(len(names) - MOST_SLICES, 0)


def _people(part: _Part) -> tuple[list[int], list[str]]:
    """Those of whom pairs are told, in the order of their names, and the names of the others."""
    counts = np.bincount(part.rated.labellers, minlength=part.rated.names.size)
    kept = set(np.argsort(-counts, kind="stable")[:MOST_PEOPLE].tolist())
    left = [str(name) for at, name in enumerate(part.rated.names) if at not in kept]
    return sorted(kept), left


def _pairs(part: _Part, people: Sequence[int]) -> Iterator[Found]:
    """Percent agreement and the pair's coefficient of every two who share an item."""
    first, second = label_pairs(part.rated)
    if not first.size:
        return
    size = part.rated.names.size
    key = part.rated.labellers[first] * size + part.rated.labellers[second]
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    rows_of = dict(zip(keys.tolist(), np.split(order, starts[1:]), strict=True))
    for one, other in combinations(people, 2):
        place = rows_of.get(one * size + other)
        if place is None:
            continue
        kept = np.zeros(part.rated.size, np.bool_)
        kept[first[place]] = kept[second[place]] = True
        names = (str(part.rated.names[one]), str(part.rated.names[other]))
        both = part.rated.of(kept)
        options = replace(part.options, draws=place.size < MOVED)
        clusters = None
        if part.clusters is not None:
            items = np.unique(part.rated.items[kept])
            clusters = np.unique(part.clusters[items], return_inverse=True)[1].astype(np.intp)
        for row in agreement(both, options, clusters, ("percent_agreement", part.pair)):
            yield Found(row, None, names)


# Over time.


def over_time(part: _Part) -> list[tuple[datetime, datetime, list[Agreement]]]:
    """Items with two labels or more in order of their newest, by weeks where there are enough, else equally many."""
    numbers, places = np.unique(part.found.numbers, return_inverse=True)
    newest = np.zeros(numbers.size, "datetime64[us]")
    np.maximum.at(newest, places, part.found.saved_at)
    several = np.bincount(places) > 1
    times = np.sort(newest[several])
    if times.size < 2 * LEAST_ITEMS or times[-1] - times[0] < np.timedelta64(LEAST_TIME):
        return []
    found = []
    edges = _weeks(times) or _equal(times)
    for since, until in pairwise(edges):
        within = several & (newest >= np.datetime64(since)) & (newest < np.datetime64(until))
        if int(within.sum()) >= LEAST_ITEMS:
            found.append((since, until, part.of(within[places]).rows_of(part.few)))
    return found


def _weeks(times: NDArray[np.datetime64]) -> list[datetime]:
    """Mondays (UTC) around all times, the last `MOST_PARTS` weeks; empty: fewer than three have enough items."""
    weeks = (times - np.datetime64(MONDAY)) // np.timedelta64(WEEK)
    every, counts = np.unique(weeks, return_counts=True)
    if int((counts >= LEAST_ITEMS).sum()) < LEAST_WEEKS:
        return []
    last = int(every[-1])
    first = max(int(every[0]), last - MOST_PARTS + 1)
    return [MONDAY + WEEK * week for week in range(first, last + 2)]


def _equal(times: NDArray[np.datetime64]) -> list[datetime]:
    parts = min(times.size // LEAST_ITEMS, 8)
    edges = [times[at * times.size // parts].item() for at in range(parts)]
    return [*dict.fromkeys(edges), times[-1].item() + timedelta(microseconds=1)]


def guidelines(told: Told) -> list[Row]:
    """When guidelines, examples or the wording of fields changed: the version, and since when."""
    return [
        {"version": one["version"], "at": one["set_at"]}
        for before, one in pairwise(told.versions)
        if one["says"] != before["says"]
    ]


# What it is about.


def confusion(part: _Part, people: Sequence[str] = ()) -> list[Row]:
    """How often two labels of an item are these, and the items where they differ; of 30 categories at most.

    Of two people `a` is what the first (by name) said; of more, `a` stands before `b` in the field's order.
    """
    rated = part.rated
    q = len(rated.categories)
    if q > MOST_CELLS:
        return []
    first, second = label_pairs(rated)
    a, b = rated.labels[first], rated.labels[second]
    if len(people) != 2:  # of two, who said what is told
        a, b = np.minimum(a, b), np.maximum(a, b)
    key = a * q + b
    order = np.argsort(key, kind="stable")
    keys, starts, counts = np.unique(key[order], return_index=True, return_counts=True)
    rows = []
    for code, start, n in zip(keys.tolist(), starts.tolist(), counts.tolist(), strict=True):
        one, other = divmod(code, q)
        numbers: list[int] = []
        if one != other:
            places = part.rows[first[order[start : start + n]]]
            numbers = np.unique(part.found.numbers[places])[:MOST_NUMBERS].tolist()
        rows.append({"a": rated.categories[one], "b": rated.categories[other], "n": n, "numbers": numbers})
    return rows
