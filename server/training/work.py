"""Training files on request: gathered in one snapshot of the store, made by a process beside the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from server.aside import Aside, Inline
from server.core import Core
from server.dataset_work import elsewhere
from server.training.wanted import Selected, Wanted

Row = dict[str, Any]


def gather(
    core: Core, aside: Aside | None, project: str, wanted: Selected, out: Path, *, each: bool = False,
    tools: bool = True,
) -> Row:  # fmt: skip
    """Write the items of a request into a file; see `gathering.gathered`."""
    from server.training import gathering  # noqa: PLC0415 - a process beside works with it

    desk = aside or Inline(core.readers)
    asked = Selected(source=wanted.source, keep=wanted.keep)  # a request's own class would load the API over there
    order = gathering.Order(asked, str(out), each, tools)
    found: Row = orjson.loads(desk.answer(core.projects.id_of(project), gathering.gathered, order))
    return found


def make(core: Core, aside: Aside | None, project: str, wanted: Wanted, folder: Path, *, archive: bool) -> Row:
    """Make the files in `folder`, and with `archive` the file training-data.zip there; see `making.made`."""
    from server.training import making  # noqa: PLC0415 - as above

    items, files = folder / "items", folder / "files"
    files.mkdir()
    head = gather(core, aside, project, wanted, items, each=wanted.each, tools=True)
    target = str(folder / "training-data.zip") if archive else None
    found: Row = elsewhere(aside, making.made, making.Order(wanted, head, str(items), str(files), target))
    return found
