"""A process beside the server for answers that are seconds of Python: here they would hold up whoever sends spans.

The store has one owner. So the work asks for named queries, over a pipe; the server runs them in one snapshot, for the
project that it checked, and hands the tables over as Arrow streams.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from collectors.errors import UnavailableError
from server import spawned, tables
from server.jsontext import dumps
from server.memory import give_back
from store import queries
from store.errors import QueryTimeoutError
from store.readers import ReaderPool, answered

IDLE_S = 60.0  # then the process ends: it holds some 200 MB
PLACES = 8  # answers that wait or are computed; each holds one of the server's threads
NICENESS = 5  # whoever sends goes first
RETRY_S = 2.0
GIVE_BACK_S = 1.0  # it takes some 5 ms, for which many small answers in a row would wait
_END_S = 5.0

Ask = Callable[..., pa.Table]
"""`ask(name, **params)`: the answer of a named query of one project, all in one snapshot of the store."""
Work = Callable[..., Any]
"""`work(ask, *arguments)`: a function of a module, so that another process finds it; returns plain values for JSON."""

Compute = Callable[..., Any]
"""`compute(*arguments)`: the same of work that asks the store nothing."""


@dataclass(frozen=True, slots=True)
class Inline:
    """Works answers out in this process: for the command line, where nobody sends."""

    readers: ReaderPool

    def answer(self, project_id: int, work: Work, *arguments: object) -> bytes:
        """What `work(ask, *arguments)` returns, as JSON. Raises what the work and the readers raise."""
        with self.readers.read() as con:
            return dumps(work(asking(con, project_id), *arguments))


def asking(con: DuckDBPyConnection, project_id: int) -> Ask:
    """The named queries of one project on a cursor of the readers' pool, within its transaction."""
    return partial(_asked, con, project_id)


def _asked(con: DuckDBPyConnection, project_id: int, name: str, **params: object) -> pa.Table:
    return answered(queries.get(name), con, project_id, params)


class Aside:
    """Works answers out in a process of their own, one at a time. It starts with the first, and ends when idle."""

    def __init__(
        self, readers: ReaderPool, idle_s: float = IDLE_S, places: int = PLACES, niceness: int = NICENESS
    ) -> None:
        self._readers, self._idle_s, self._most, self._niceness = readers, idle_s, places, niceness
        self._places = threading.BoundedSemaphore(places)
        self._turn = threading.Lock()  # who holds it may use what follows
        self._child: _Child | None = None
        self._answers = 0
        self._idle: threading.Timer | None = None
        self._closed = False

    def answer(self, project_id: int, work: Work, *arguments: object) -> bytes:
        """As `Inline.answer`. The wait for those before counts towards the limit of a read.

        Raises:
            QueryTimeoutError: the limit passed.
            UnavailableError: too many wait, or the process was lost: ask again.
            Exception: what the work raises.
        """
        until = time.monotonic() + self._readers.timeout_s
        with self._own_turn(until) as child:
            try:
                with self._readers.read(until - time.monotonic()) as con:
                    found = child.answer(asking(con, project_id), until, work, arguments)
            except QueryTimeoutError as error:
                self._end()
                raise _too_slow(self._readers.timeout_s) from error
            except BaseException:
                self._end()  # it may be anywhere in its work
                raise
        return _body(found)

    def compute(self, limit_s: float, work: Compute, *arguments: object) -> bytes:
        """As `answer`, of work that asks the store nothing: no snapshot is opened. Raises as `answer` does."""
        until = time.monotonic() + limit_s
        with _of_work(limit_s), self._own_turn(until) as child:
            try:
                found = child.answer(_nothing, until, _unasking, (work, *arguments))
            except BaseException:
                self._end()
                raise
        return _body(found)

    @contextmanager
    def _own_turn(self, until: float) -> Iterator[_Child]:
        if not self._places.acquire(blocking=False):
            message = (
                f"{self._most} answers of this kind are being computed or waited for. Ask again when one has come."
            )
            raise UnavailableError(message, RETRY_S)
        try:
            if not self._turn.acquire(timeout=max(until - time.monotonic(), 0)):
                raise _too_slow(self._readers.timeout_s)
            try:
                yield self._started()
            finally:
                self._leave()
        finally:
            self._places.release()

    def _started(self) -> _Child:
        if self._closed:
            raise UnavailableError("The server is shutting down. Ask again.", RETRY_S)
        if self._child is None or not self._child.lives():
            self._end()
            self._child = _Child(self._readers.timeout_s, self._niceness)
        return self._child

    def _leave(self) -> None:
        self._answers += 1
        if self._idle is not None:
            self._idle.cancel()
        self._idle = _later(self._idle_s, self._rest, self._answers)
        self._turn.release()

    def _rest(self, answers: int) -> None:
        with self._turn:
            if self._answers == answers:  # none has come since
                self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def close(self) -> None:
        """End the process; what it is at is answered with UnavailableError."""
        self._closed = True
        while not self._turn.acquire(timeout=0.05):
            if (child := self._child) is not None:
                child.kill()
        if self._idle is not None:
            self._idle.cancel()
        self._end()
        self._turn.release()


Desk = Aside | Inline
"""Where answers are worked out."""


class _Child:
    """One such process, as the server sees it."""

    def __init__(self, limit_s: float, niceness: int) -> None:
        self._limit_s = limit_s  # for messages
        self._pipe, theirs = spawned.SPAWN.Pipe()
        self._process = spawned.SPAWN.Process(
            target=_live, args=(theirs, os.getpid(), niceness), name="aside", daemon=True
        )
        with spawned.one_thread():
            self._process.start()
        theirs.close()  # else its end would never be seen

    def lives(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Kill it, whatever it does; it holds nothing."""
        self._process.kill()
        self._process.join(_END_S)
        self._pipe.close()

    def answer(self, ask: Ask, until: float, work: Work, arguments: tuple[object, ...]) -> _Told | _Raised:
        """What becomes of the work by the time `until`; its questions go to `ask`."""
        limit = _later(until - time.monotonic(), self.kill)
        try:
            with _losses():
                self._pipe.send((work, arguments))
            while isinstance(said := self._said(), _Question):
                table = tables.written(ask(said.name, **said.params))
                with _losses():
                    self._pipe.send_bytes(table)
        except _LostError as error:
            if time.monotonic() >= until:
                raise _too_slow(self._limit_s) from error
            message = "The process that computed the answer was lost; the next answer starts a new one. Ask again."
            raise UnavailableError(message, RETRY_S) from error
        finally:
            limit.cancel()
        return said

    def _said(self) -> _Question | _Told | _Raised:
        with _losses():
            said: _Question | _Told | _Raised = self._pipe.recv()
        return said


def _body(found: _Told | _Raised) -> bytes:
    if isinstance(found, _Raised):
        raise found.error
    return found.body


def _nothing(name: str, **_: object) -> pa.Table:
    """Stands for the store where work may not ask it."""
    raise LookupError(f"This work asks the store nothing, and asked for {name!r}.")


def _unasking(_: Ask, work: Compute, *arguments: object) -> object:
    return work(*arguments)


class _LostError(Exception):
    """The other end of the pipe is gone."""


@contextmanager
def _losses() -> Iterator[None]:
    """Faults of the pipe, told apart from those of a query."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise _LostError from error


def _too_slow(limit_s: float) -> QueryTimeoutError:
    return QueryTimeoutError(f"The answer was not there within {limit_s:g} s. Narrow the time range or add a filter.")


@contextmanager
def _of_work(limit_s: float) -> Iterator[None]:
    """Work that asks the store nothing has a limit of its own, and neither time range nor filter."""
    try:
        yield
    except QueryTimeoutError as error:
        message = f"This was not worked out within {limit_s:g} s. Give less at once, or ask again later."
        raise QueryTimeoutError(message) from error


def _later(seconds: float, work: Callable[..., None], *arguments: object) -> threading.Timer:
    timer = threading.Timer(max(seconds, 0), work, arguments)
    timer.daemon = True
    timer.start()
    return timer


# What the process says.


@dataclass(frozen=True, slots=True)
class _Question:
    """A named query. Its table is what the process reads next."""

    name: str
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Told:
    """The work is done."""

    body: bytes  # JSON


@dataclass(frozen=True, slots=True)
class _Raised:
    """The work raised this."""

    error: Exception


# In the process.


def _live(pipe: Connection, parent: int, niceness: int) -> None:
    spawned.begin(parent)
    os.nice(niceness)
    gave = 0.0
    try:
        while True:
            work, arguments = pipe.recv()
            pipe.send_bytes(_pickled(_done(partial(_ask, pipe), work, arguments)))
            if time.monotonic() - gave > GIVE_BACK_S:
                give_back()
                gave = time.monotonic()
    except (EOFError, OSError, _LostError):  # the server wants no more
        return


def _pickled(said: _Told | _Raised) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(said))
    except Exception as error:  # noqa: BLE001 - of whatever an exception holds
        raised = said.error if isinstance(said, _Raised) else error
        return bytes(ForkingPickler.dumps(_Raised(RuntimeError(f"{type(raised).__name__}: {raised}"))))


def _ask(pipe: Connection, name: str, **params: object) -> pa.Table:
    with _losses():
        pipe.send(_Question(name, params))
        return tables.read(pipe.recv_bytes())


def _done(ask: Ask, work: Work, arguments: tuple[object, ...]) -> _Told | _Raised:
    try:
        return _Told(dumps(work(ask, *arguments)))
    except _LostError:
        raise
    except Exception as error:  # noqa: BLE001 - whoever asked gets it
        error.add_note("".join(traceback.format_tb(error.__traceback__)))  # which does not travel
        return _Raised(error)
