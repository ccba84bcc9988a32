"""Items of datasets as candidates, and what of them is a right answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from heapq import nsmallest
from typing import Any

import orjson

from server.aside import Ask
from server.labelling.answers import AnswerError, checked
from server.labelling.candidates import Candidate, Found
from server.labelling.sampling import hashed
from server.labelling.showing import of_case
from server.labelling.terms import SIDES, TIE, Asked, Terms
from server.labelling.wishes import OfDataset

MOST_READ = 20_000  # items of a version that are looked at
_PAGE = 1_000
_YES, _NO = frozenset({"yes", "true", "1", "1.0"}), frozenset({"no", "false", "0", "0.0"})

Row = dict[str, Any]


def found(ask: Ask, wish: OfDataset, dataset_id: int, version: int, terms: Terms) -> Found:
    """Candidates in the order of the draw; of one whose right answer fits no field `refused` says why.

    Args:
        ask: named queries of the project.
        wish: which items.
        dataset_id: of the dataset.
        version: of it.
        terms: what the queue says.
    """
    rows, matching = _rows(ask, wish, dataset_id, version)
    candidates, refused = [], []
    for row in rows:
        try:
            candidates.append(_candidate(row, wish, version, terms))
        except (AnswerError, ValueError) as error:
            refused.append({"key": row["item"], "why": str(error)})
    what = f"items of dataset {wish.name}, version {version}"
    total = len(rows) if wish.items else matching
    return Found([replace(one, total=total, must=bool(wish.items)) for one in candidates], total, what, refused)


def _rows(ask: Ask, wish: OfDataset, dataset_id: int, version: int) -> tuple[list[Row], int]:
    """The items with the lowest hashes, of the first `MOST_READ`; and how many match."""
    wanted = set(wish.items)
    kept: list[Row] = []
    place, read, matching = -1, 0, 0
    while read < MOST_READ:
        page = ask(
            "dataset_items", dataset_id=dataset_id, version=version, split=wish.split, tag=wish.tag, after_place=place,
            page_size=_PAGE,
        ).to_pylist()  # fmt: skip
        matching = page[0]["matching"] if page else matching
        fit = [row for row in page if not wanted or row["item"] in wanted]
        kept = nsmallest(
            len(wanted) or wish.sample.most, [*kept, *fit], key=lambda row: hashed(wish.sample.seed, row["item"])
        )
        read += len(page)
        if len(page) < _PAGE:
            break
        place = page[-1]["place"]
    return kept, matching


def _candidate(row: Row, wish: OfDataset, version: int, terms: Terms) -> Candidate:
    case = orjson.loads(row["row"])
    gold = gold_of(case, wish.gold, terms)
    about_reference = any(told == "reference" for told in wish.gold.values())
    shows = not about_reference if wish.reference is None else wish.reference
    answers = [{"answer": _text(part(case, name))} for name in sides_of(case, wish, about_reference=about_reference)]
    if len(answers) == 1:
        answers[0] |= {name: case[name] for name in ("tool_calls", "steps") if case.get(name)}
    content = of_case(case, answers, reference=shows)
    told = {"dataset": wish.name, "dataset_version": str(version), "dataset_item": row["item"]}
    words = " Its right answer is known." if gold else ""
    why = f"Item {row['item']} of dataset {wish.name}, version {version}.{words}"
    # No target, though an item may come from a trace: what it shows may have been edited, and is scored as itself.
    return Candidate(None, f"dataset/{wish.name}/{row['item']}", why=why, content=content, attributes=told, gold=gold)


def sides_of(case: Mapping[str, Any], wish: OfDataset, *, about_reference: bool) -> Sequence[str]:
    """What of an item is shown as answers. Raises ValueError: the item has not all that is to be compared."""
    if not wish.sides:
        return ("answer",) if case.get("answer") is not None or about_reference else ("reference",)
    lacking = [name for name in wish.sides if part(case, name) is None]
    if lacking:
        raise ValueError(f"it has no {lacking[0]!r}, which is to be shown as an answer")
    return wish.sides


def part(case: Mapping[str, Any], name: str) -> Any:
    """A field of an item, or with `metadata.` a member of its metadata; null: it has none."""
    if name.startswith("metadata."):
        return (case.get("metadata") or {}).get(name.removeprefix("metadata."))
    return case.get(name)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


# Right answers.


def gold_of(case: Mapping[str, Any], wanted: Mapping[str, str], terms: Terms) -> dict[str, Any] | None:
    """The right answers of an item by field; null: none is asked for, or the item has none.

    Raises:
        AnswerError: the item's value is none that the field takes; says which it does.
    """
    fields = {one.name: one for one in terms.fields}
    sides = SIDES[:2] if terms.compares else SIDES[:1]
    told: dict[str, Any] = {}
    for name, where in wanted.items():
        if name not in fields:
            raise AnswerError(name, where, f"the queue has no such field; it has {', '.join(fields)}")
        value = part(case, where)
        if value is not None:
            told[name] = answer_of(fields[name], value)
    return checked(terms.fields, told, sides, whole=False) if told else None


def answer_of(field: Asked, value: Any) -> Any:
    """A value of a dataset as the field's answer: text whatever its case, true and 1 for yes, 1 and 2 for sides."""
    if field.kind == "numeric":
        with suppress(TypeError, ValueError):
            return float(value)
        return value
    if field.kind == "preference":
        return {"1": SIDES[0], "2": SIDES[1], "0": TIE}.get(str(value).strip().lower(), str(value).strip().lower())
    if not field.choices or field.kind == "spans":
        return value
    if isinstance(value, list):
        return [_choice(field, one) for one in value]
    chosen = _choice(field, value)
    return [chosen] if field.several else chosen


def _choice(field: Asked, value: Any) -> Any:
    told = str(value).strip().lower()
    known = {name.lower(): one.value for one in field.choices for name in (one.title or one.value, one.value)}
    if told in known:
        return known[told]
    if field.kind == "binary" and told in _YES | _NO:
        return field.choices[0 if told in _YES else 1].value
    return value
