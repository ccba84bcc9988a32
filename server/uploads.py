"""Files that came in parts from the app: kept in the data folder until they are imported, one after the other.

Reading a file is seconds of Python, so it is done in a process of its own, which sends its pieces as `assay import`
does. What a server left when it ended is taken up by the next one.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from collectors.importers.pieces import Format, ImportFileError
from collectors.importers.reading import How
from server import imports, spawned
from server.core import Core
from server.import_preview import previewed
from store.errors import StoreError

log = logging.getLogger(__name__)
MAX_BYTES = 5 * 1024**3  # of one file
KEPT_S = 24 * 3600.0  # what was uploaded and not imported
LOOK_S = 30.0
_END_S = 5.0
_ID = re.compile(r"[0-9a-f]{32}")


class UploadError(Exception):
    """A file that is not there, or a part that does not fit."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported, and as what."""

    project: str
    name: str  # of the file
    import_id: str
    how: dict[str, Any]  # `How`
    author: str | None


class Uploads:
    """The uploaded files of one server."""

    def __init__(self, core: Core, api_url: str) -> None:
        """Nothing runs before `start`."""
        self._core, self._api_url = core, api_url
        self._folder = core.settings.data_dir / "uploads"
        self._asked, self._stopped = threading.Event(), threading.Event()
        self._adding = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
        self._process: Any = None

    def start(self) -> None:
        """Take up what is there, and wait for more."""
        self._thread.start()

    def stop(self) -> None:
        """Interrupt what is being read; it goes on with the next start."""
        self._stopped.set()
        self._asked.set()
        if self._process is not None:
            self._process.kill()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def begin(self, name: str) -> str:
        """A place for a file; its id."""
        upload_id = uuid.uuid4().hex
        place = self._folder / upload_id
        place.mkdir(parents=True)
        (place / "name").write_text(name, "utf-8")
        (place / "data").touch()
        return upload_id

    def add(self, upload_id: str, offset: int, part: bytes) -> int:
        """Put a part behind those that are there; the length so far.

        Raises:
            UploadError: there is no such upload, the part does not follow, the file grows too large, or the disk has
                no more room than is kept free.
        """
        with self._adding:  # a part that is sent again may come beside itself
            return self._add(self._place(upload_id) / "data", offset, part)

    def _add(self, file: Path, offset: int, part: bytes) -> int:
        size = file.stat().st_size
        if offset != size:
            raise UploadError(f"The part begins at byte {offset:,}, and {size:,} are there. Send the next one.")
        if size + len(part) > MAX_BYTES:
            limit = MAX_BYTES // 1024**3
            raise UploadError(f"The file is larger than {limit} GiB. Import it with `assay import` where it lies.")
        free = shutil.disk_usage(file.parent).free - self._core.settings.min_free_bytes
        if len(part) > free:
            raise UploadError(
                "The disk of the server has no room for the file. Make room there, or import a part of it."
            )
        with file.open("ab") as out:
            out.write(part)
        return size + len(part)

    def preview(self, upload_id: str, told: Format | None, mapping: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        """What a file looks like; see `server.import_preview`. Raises UploadError, ImportFileError."""
        place = self._place(upload_id)
        name, path = self._name(place), place / "data"
        try:
            return {"name": name, **previewed(path, told, mapping)}
        except ImportFileError as error:
            raise ImportFileError(_named(str(error), path, name)) from error

    def import_it(self, upload_id: str, project: str, how: How, author: str | None) -> str:
        """Have a file imported; the id of the import. Raises UploadError."""
        from server.importing import about  # noqa: PLC0415 - it loads the client, for which a server has no other use

        place = self._place(upload_id)
        project_id = self._core.projects.id_of(project)
        told = about(place / "data", how, author, self._name(place))
        begun = imports.begin(self._core, project_id, imports.About(**told))
        order = Order(project, self._name(place), str(begun["import_id"]), asdict(how), author)
        (place / "order.part").write_text(json.dumps(asdict(order)), "utf-8")
        (place / "order.part").replace(place / "order.json")
        self._asked.set()
        return order.import_id

    def forget(self, upload_id: str) -> None:
        """Remove a file that is not wanted. Raises UploadError when it is being imported, or is not there."""
        place = self._place(upload_id)
        if (place / "order.json").exists():
            raise UploadError("The file is being imported, and goes when that has ended.")
        shutil.rmtree(place, ignore_errors=True)

    def _place(self, upload_id: str) -> Path:
        place = self._folder / upload_id
        if not _ID.fullmatch(upload_id) or not (place / "data").is_file():
            raise UploadError("The uploaded file is no longer there. Choose it again.")
        return place

    def _name(self, place: Path) -> str:
        return (place / "name").read_text("utf-8")

    # The thread.

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._asked.clear()
            for place in sorted(self._folder.glob("*/order.json"), key=lambda one: one.stat().st_mtime):
                if self._stopped.is_set():
                    return
                try:
                    self._import(place.parent)
                except Exception:
                    log.exception("an uploaded file could not be imported")
                    shutil.rmtree(place.parent, ignore_errors=True)
            self._tidy()
            self._asked.wait(LOOK_S)

    def _import(self, place: Path) -> None:
        order = Order(**json.loads((place / "order.json").read_text("utf-8")))
        try:
            fault = self._read_apart(order, place / "data")
        except OSError as error:  # no process, no pipe
            log.exception("an uploaded file could not be imported")
            fault = f"The server could not begin to read it: {error}. Upload the file again: the import goes on."
        if self._stopped.is_set():
            return
        if fault:
            self._note(order, fault)
        shutil.rmtree(place, ignore_errors=True)

    def _read_apart(self, order: Order, file: Path) -> str:
        """Import a file in a process of its own; says why it could not be, or nothing."""
        ours, theirs = spawned.SPAWN.Pipe(duplex=False)
        with spawned.one_thread():
            arguments = (theirs, os.getpid(), self._api_url, order, file)
            self._process = spawned.SPAWN.Process(target=_read, args=arguments, name="import", daemon=True)
            self._process.start()
        theirs.close()
        try:
            fault = str(ours.recv())
        except EOFError:
            fault = "The process that read the file was lost. Upload the file again: the import goes on."
        self._process.join(_END_S)
        ours.close()
        return fault

    def _note(self, order: Order, fault: str) -> None:
        with suppress(StoreError, imports.UnknownImportError):
            project_id = self._core.projects.id_of(order.project)
            made = imports.find(self._core, project_id, uuid.UUID(order.import_id))
            imports.note_fault(self._core, made, fault)

    def _tidy(self) -> None:
        """Remove what nobody wanted to be imported."""
        for place in self._folder.glob("*"):
            with suppress(OSError):
                old = time.time() - (place / "data").stat().st_mtime > KEPT_S
                if old and not (place / "order.json").exists():
                    shutil.rmtree(place, ignore_errors=True)


def _named(text: str, path: Path, name: str) -> str:
    """A message with the name that a person gave the file, in place of where it lies here."""
    text = text.replace(str(path), name)
    return name + text.removeprefix(path.name) if text.startswith(f"{path.name} ") else text


def how_of(told: dict[str, Any]) -> How:
    """How a file is read, from an order."""
    mapping = tuple((str(column), str(name)) for column, name in told["mapping"])
    return How(cast(Format, told["format"]), str(told["fingerprint"]), mapping, None)


# In the process.


def _read(pipe: Connection, parent: int, api_url: str, order: Order, path: Path) -> None:
    """Import the file; says why it could not be, or nothing."""
    from server.client import ApiError, Client  # noqa: PLC0415 - as above
    from server.importing import run  # noqa: PLC0415

    spawned.begin(parent)
    fault = ""
    try:
        with Client(api_url, order.project) as client:
            run(client, path, how_of(order.how), order.author, name=order.name)
    except (ApiError, ImportFileError) as error:
        fault = _named(str(error), path, order.name)
    pipe.send(fault)
