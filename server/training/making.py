"""Training files out of gathered items: the second step, which asks the store nothing.

The same items and the same request give the same bytes: nothing in the files tells when they were made.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.finetuning import LEAST, LeftOutError
from server.jsontext import dumps
from server.labelling.terms import CHOOSING, Asked
from server.training import card
from server.training.examples import Example, checked_good
from server.training.fields import few
from server.training.formats import FORMATS, check_kind, examples
from server.training.labelled import Labelled, read
from server.training.redacting import Redactor
from server.training.splitting import split
from server.training.wanted import SPLITS, Wanted

SAMPLES = 5
ITEMS, CARD, CARD_JSON = "items.jsonl", "README.md", "card.json"
REPEATED = "the same row is there already"
_TIME = (1980, 1, 1, 0, 0, 0)  # of the members of an archive: the first that it can tell

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is made of which items, and where it goes."""

    wanted: Wanted
    head: Row  # of `gathering.gathered`
    items: str
    folder: str  # which is there
    archive: str | None = None  # null: no archive, as of a dry run


@dataclass(slots=True)
class _Rows:
    """Rows of the file to be, with the item that each is of."""

    rows: list[bytes] = field(default_factory=list)
    items: list[Labelled] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)

    def add(self, row: Row, one: Example, item: Labelled) -> None:
        line = dumps(row)
        key = hashlib.sha256(line).digest()
        if key in self.seen:
            self.left[REPEATED] += 1
            return
        self.seen.add(key)
        self.rows.append(line)
        self.items.append(_bare(item))
        self.asks.append(asked_of(one))


def made(order: Order) -> Row:
    """Write files and card into the folder, and the archive; returns the card with `samples`.

    Raises:
        TrainingDataError: the field's kind makes no such file, or nobody said which answers are good.
    """
    wanted, asked = order.wanted, Asked.model_validate(order.head["asked"])
    check_kind(wanted, asked)
    if wanted.format in {"openai", "messages", "kto"} and asked.kind in {*CHOOSING, "numeric"}:
        wanted = wanted.model_copy(update={"good": checked_good(asked, wanted.good)})
    redactor = Redactor(wanted.redact_types if wanted.redact else ())
    found = _rows(order, wanted, asked, redactor)
    shares: dict[str, float] = {str(name): share for name, share in wanted.splits.items()}
    drawn = split(found.asks, [one.groups for one in found.items], shares, wanted.seed, wanted.near)
    folder = Path(order.folder)
    files = _write(found, drawn.of, folder)
    told = card.card(
        wanted, order.head, asked,
        {
            "rows": len(found.rows), "rows_of_items": len({one.name for one in found.items}),
            "clusters": len(set(drawn.clusters)), "bounded": drawn.bounded, "splits": _counts(found, drawn.of, asked),
            "left_out": dict(sorted((Counter(order.head["left_out"]) + found.left).items())),
            "redacted": dict(sorted(redactor.counts.items())), "files": files,
        },
    )  # fmt: skip
    (folder / CARD_JSON).write_bytes(dumps(told) + b"\n")
    (folder / CARD).write_text(card.markdown(told), encoding="utf-8")
    if order.archive is not None:
        _pack(folder, Path(order.archive))
    return {**told, "samples": list(_samples(found, drawn.of)), "least": LEAST}


def _rows(order: Order, wanted: Wanted, asked: Asked, redactor: Redactor) -> _Rows:
    found = _Rows()
    form = FORMATS[wanted.format]
    for item in read(Path(order.items)):
        try:
            told = list(examples(wanted, asked, item))
            rows = [
                (form.row(one), one) for one in (redactor.example(each) if wanted.redact else each for each in told)
            ]
        except LeftOutError as why:
            found.left[str(why)] += 1
            continue
        for row, one in rows:
            found.add(row, one, item)
    return found


def _bare(item: Labelled) -> Labelled:
    """Without its texts, which the rows hold."""
    return Labelled(
        item.name, {}, item.answer if isinstance(item.answer, str | float) else None, item.text, item.by,
        item.probability, item.n, item.agreeing, item.gold, item.key, item.trace_id, item.span_id, item.groups,
    )  # fmt: skip


def asked_of(one: Example) -> str:
    """What is asked, by which rows are compared: all of the prompt but what the system says."""
    said = (message.get("content") or "" for message in one.prompt if message["role"] not in {"system", "developer"})
    return "\n".join(text for text in said if text)


def _write(found: _Rows, splits: list[str], folder: Path) -> list[Row]:
    """A file for each split that has rows, and which item each line is of."""
    places: Counter[str] = Counter()
    lines: dict[str, list[bytes]] = {name: [] for name in SPLITS}
    sources: list[bytes] = []
    for row, item, name in zip(found.rows, found.items, splits, strict=True):
        places[name] += 1
        lines[name].append(row + b"\n")
        sources.append(dumps({"split": name, "line": places[name], **_source(item)}) + b"\n")
    held = {f"{name}.jsonl": b"".join(part) for name, part in lines.items() if part}
    if sources:
        held[ITEMS] = b"".join(sources)
    for name, body in held.items():
        (folder / name).write_bytes(body)
    return [
        {
            "name": name, "rows": body.count(b"\n"), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(),
        }
        for name, body in held.items()
    ]  # fmt: skip


def _source(item: Labelled) -> Row:
    """Where a row comes from. Neither people nor sessions are named."""
    return {
        "item": item.name, "key": item.key, "trace_id": item.trace_id, "span_id": item.span_id, "by": item.by,
        "probability": item.probability, "labels": item.n, "agreeing": item.agreeing, "gold": item.gold,
    }  # fmt: skip


def _counts(found: _Rows, splits: list[str], asked: Asked) -> Mapping[str, Row]:
    """Rows of each split, and by answer where answers are few."""
    counted = few(asked)
    told: dict[str, Row] = {}
    for name in SPLITS:
        mine = [item for item, of in zip(found.items, splits, strict=True) if of == name]
        answers = Counter(item.text for item in mine) if counted else Counter()
        told[name] = {"rows": len(mine), "answers": dict(sorted(answers.items()))}
    return told


def _samples(found: _Rows, splits: list[str]) -> Iterator[Row]:
    """The first rows."""
    import orjson  # noqa: PLC0415 - of few rows

    for line, item, name in list(zip(found.rows, found.items, splits, strict=True))[:SAMPLES]:
        yield {"split": name, "item": item.name, "row": orjson.loads(line)}


def _pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.iterdir()):
            packed.writestr(zipfile.ZipInfo(file.name, _TIME), file.read_bytes(), zipfile.ZIP_DEFLATED)
