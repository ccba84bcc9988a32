"""What `assay training-data` asks and says."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from evaluators.errors import OptionError
from server.client_base import text
from server.dataset_shell import pairs
from server.evals.figures import counted
from server.price_shell import EARLIEST, LATEST

Row = dict[str, Any]


def selected(  # noqa: PLR0917 - as options have it
    queue: str | None, field: str | None, feedback: bool, since: Any, until: Any, where: Sequence[str],
    attribute: Sequence[str], **keep: Any,
) -> Row:  # fmt: skip
    """`source` and `keep` of a request. Raises OptionError: it names neither a queue with its field, nor feedback."""
    if feedback == (queue is not None):
        raise OptionError("Name a queue, or say --feedback: one of them.")
    attributes = {"attributes": several(attribute, "An attribute")} if attribute else {}
    if feedback:
        window = {"since": text(since or EARLIEST), "until": text(until or LATEST)}
        return {"source": {"kind": "feedback", **window}, "keep": attributes}
    if field is None:
        raise OptionError(
            f"Say which field of queue {queue} counts: --field NAME. `assay queue show {queue}` has them."
        )
    told = {name: value for name, value in keep.items() if value is not None and value not in ([], ())}
    told |= {name: text(value) for name, value in (("since", since), ("until", until)) if value is not None}
    wheres = {"where": several(where, "An answer")} if where else {}
    return {"source": {"kind": "queue", "queue": queue, "field": field}, "keep": attributes | wheres | told}


def several(told: Sequence[str], what: str) -> dict[str, list[str]]:
    """`NAME=VALUE` of options, of which one name may have several values. Raises OptionError."""
    found: dict[str, list[str]] = {}
    for one in told:
        for name, value in pairs([one], what).items():
            found.setdefault(name, []).append(value)
    return found


def card_lines(card: Mapping[str, Any], *, dry_run: bool) -> Iterator[str]:
    """What the files hold, or would."""
    yield from card["sentences"]
    for one in card.get("files", ()) if dry_run else ():
        yield f"{one['name']:<17} {counted(one['rows'], 'row')}, {one['bytes']:,} bytes"
    if dry_run:
        yield "Nothing was written: a dry run."


def written(ask: Callable[[IO[bytes]], Row], out: Path) -> Row:
    """An archive, or where `out` does not end in .zip its members in that folder.

    Raises:
        OptionError: the folder has files.
    """
    if out.suffix == ".zip":
        with out.open("wb") as file:
            return ask(file)
    if out.is_dir() and any(out.iterdir()):
        raise OptionError(f"Folder {out} is not empty. Name one that is, or a file that ends in .zip.")
    with TemporaryFile() as spooled:
        told = ask(spooled)
        with zipfile.ZipFile(spooled) as packed:
            packed.extractall(out)  # names are ours: no member leads out of the folder
    return told


def golden_lines(told: Mapping[str, Any], *, dry_run: bool) -> Iterator[str]:
    """What came, or would come, of a golden set."""
    answers = ", ".join(f"{answer} {n:,}" for answer, n in told["answers"].items())
    yield f"{counted(told['items'], 'item')} for dataset {told['dataset']}{': ' if answers else ''}{answers}."
    yield from (f"{n:,} left out: {why}." for why, n in told["left_out"].items())
    if dry_run:
        yield "Nothing was set: a dry run."
    elif told["version"] is None:
        yield f"Nothing changed; {told['dataset']} has no new version."
    else:
        version = told["version"]
        counts = ", ".join(f"{version[kind]:,} {kind}" for kind in ("added", "changed", "removed"))
        yield f"Version {version['version']}: {counts}."
