"""Evaluators of the user's own: a function in their Python, a command, an HTTP endpoint, or a prompt.

All of them get a row as `rows.py` names it and answer with {value, label, reason, spans, status}. Programs read a
JSON line a row from standard input and write one a verdict to standard output. What they do wrong becomes a row.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from evaluators.case import Case, Json
from evaluators.errors import EvaluatorError
from evaluators.protocol import Card
from evaluators.rows import case_row
from evaluators.verdict import Highlight, Verdict, failed, not_applicable, verdict

SHIM = Path(__file__).with_name("external_shim.py")

LONGEST_LINE = 16 << 20  # bytes of an answer
KEPT_STDERR = 2000  # letters of what a program said last, for the reason of its failure
STARTS = 3  # failures to start, one after the other, after which a program is not started again
END_S = 2.0  # that a program has to end by itself once its input has ended


class _AnswerError(Exception):
    """What came is no verdict."""


def read_answer(told: Any) -> Verdict:
    """The verdict of an answer. An answer that is none is an error of the type `bad_answer`."""
    try:
        return _read(told)
    except _AnswerError as error:
        return failed("bad_answer", f"{error} It was: {json.dumps(told, default=str)[:300]}")


def _read(told: Any) -> Verdict:
    if not isinstance(told, dict):
        raise _AnswerError("The answer is no JSON object.")
    status, reason = told.get("status", "ok"), str(told.get("reason") or "The evaluator gave no reason.")
    if status == "not_applicable":
        return not_applicable(reason)
    if status == "error":
        return failed(str(told.get("error_type") or "evaluator"), reason)
    if status != "ok":
        raise _AnswerError(f"The status {status!r} is none of ok, not_applicable, error.")
    value, label = told.get("value"), told.get("label")
    if value is not None and (not isinstance(value, int | float) or not math.isfinite(value)):
        raise _AnswerError("The value is no number.")
    if label is not None and not isinstance(label, str):
        raise _AnswerError("The label is no text.")
    spans = told.get("spans") or []
    if not isinstance(spans, list):
        raise _AnswerError("The spans are no list.")
    details = told.get("details")
    return verdict(
        None if value is None else float(value), reason, label=label, spans=tuple(_span(one) for one in spans),
        details=details if isinstance(details, dict) else None,
    )  # fmt: skip


def _span(told: Any) -> Highlight:
    """[start, end], or {start, end, why, field}."""
    held = dict(zip(("start", "end"), told, strict=False)) if isinstance(told, list) else told
    if not isinstance(held, dict) or not all(type(held.get(end)) is int for end in ("start", "end")):
        raise _AnswerError("A span is [start, end], in characters of the answer.")
    if not 0 <= held["start"] <= held["end"]:
        raise _AnswerError("A span's start lies before its end, and neither before 0.")
    return Highlight(held["start"], held["end"], str(held.get("why") or ""), str(held.get("field") or "answer"))


class _ProgramError(Exception):
    """The program gave no answer."""

    def __init__(self, error_type: str, message: str) -> None:
        self.error_type = error_type
        super().__init__(message)


class _Process:
    """One run of a program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._asked = process, 0
        self._stderr: deque[str] = deque(maxlen=20)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, program: Program) -> _Process:
        command = list(program.command)
        if program.memory_mb is not None:
            # A shell sets the limit: code between fork and exec is not safe in a process with threads.
            command = ["/bin/sh", "-c", f'ulimit -v {program.memory_mb * 1024} && exec "$@"', "sh", *command]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, cwd=program.folder, limit=LONGEST_LINE, start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        except OSError as error:
            raise _ProgramError("not_started", f"{program.command[0]} cannot be started: {error.strerror}.") from error
        started = cls(process)
        if program.says_ready:
            try:
                await started.line(program.start_s, "start")
            except _ProgramError as error:
                await started.kill()
                raise _ProgramError("not_started", f"It did not start. {error}{started.said()}") from error
        return started

    async def ask(self, row: Mapping[str, Json], timeout_s: float) -> Any:
        """The answer to a row. Raises _ProgramError, after which the process is of no more use."""
        self._asked += 1
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            self._process.stdin.write(json.dumps({**row, "_n": self._asked}).encode() + b"\n")
            # One that does not read its input is met by the answer's limit.
            line = await self.line(timeout_s, "answer")
            told = json.loads(line)
        except (ConnectionError, ValueError) as error:
            raise _ProgramError("bad_answer", f"Its answer is no JSON line: {error}.{self.said()}") from error
        if isinstance(told, dict) and told.pop("_n", self._asked) != self._asked:
            raise _ProgramError("bad_answer", "It answered another row than the one that it was asked.")
        return told

    async def line(self, timeout_s: float, what: str) -> bytes:
        """The next line that it writes."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise _ProgramError("timeout", f"It did not {what} within {timeout_s:g} s.{self.said()}") from None
        except ValueError as error:  # longer than the limit
            raise _ProgramError("bad_answer", f"It wrote a line of more than {LONGEST_LINE >> 20} MiB.") from error
        if not line:
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({self._listening, ended}, timeout=0.5)  # for what it said, and how it ended
            ended.cancel()
            raise _ProgramError("crashed", f"It {_ending(self._process.returncode)}.{self.said()}")
        return line

    def said(self) -> str:
        """The end of what it wrote to standard error, as a sentence."""
        text = "".join(self._stderr).strip()[-KEPT_STDERR:]
        return f" It said: {text}" if text else ""

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - a pipe was asked for
        while piece := await self._process.stderr.read(4096):
            self._stderr.append(piece.decode("utf-8", "replace"))

    async def end(self) -> None:
        """Let it end by itself for a moment, as its input has ended; then kill it."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        transport = getattr(self._process, "_transport", None)  # asyncio closes it late, and warns of it then
        if transport is not None:
            transport.close()


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its output"
    return f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"


class _Pool:
    """The processes of one program in one event loop."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._room = asyncio.Semaphore(program.processes)
        self._idle: list[_Process] = []
        self._failed_starts = 0
        self._broken: _ProgramError | None = None

    async def ask(self, row: Mapping[str, Json]) -> Any:
        async with self._room:
            process = self._idle.pop() if self._idle else await self._started()
            try:
                told = await process.ask(row, self._program.timeout_s)
            except BaseException:
                await asyncio.shield(process.kill())
                raise
            self._idle.append(process)
            return told

    async def _started(self) -> _Process:
        if self._broken is not None:
            raise self._broken
        try:
            process = await _Process.start(self._program)
        except _ProgramError as error:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                self._broken = _ProgramError(
                    error.error_type, f"It was not started again after {STARTS} failures. {error}"
                )
            raise
        self._failed_starts = 0
        return process

    async def end(self) -> None:
        while self._idle:
            await self._idle.pop().end()


_MECHANICS = {"ruler": False}  # fields that change no score


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the user's that scores rows: kept running, asked line by line, and started again when it fails."""

    card: Card = field(metadata=_MECHANICS)
    command: tuple[str, ...] = field(metadata=_MECHANICS)  # with paths of this machine
    asked: tuple[str, ...] = ()  # what of it tells one ruler from another
    folder: Path | None = field(default=None, metadata=_MECHANICS)  # that it is started in; null: the current one
    timeout_s: float = field(default=30.0, metadata=_MECHANICS)  # for one row
    start_s: float = field(default=60.0, metadata=_MECHANICS)  # for starting, of one that says when it is ready
    memory_mb: int | None = field(default=None, metadata=_MECHANICS)  # of address space; null: no limit
    processes: int = field(default=1, metadata=_MECHANICS)  # that are asked at once
    says_ready: bool = field(default=False, metadata=_MECHANICS)
    read: Callable[[Any], Verdict] = field(default=read_answer, metadata=_MECHANICS)  # of what it answers
    _pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    async def __call__(self, case: Case) -> Verdict:
        """Its answer."""
        loop = asyncio.get_running_loop()
        pool = self._pools.setdefault(loop, _Pool(self)) if loop not in self._pools else self._pools[loop]
        try:
            return self.read(await pool.ask(case_row(case)))
        except _ProgramError as error:
            return failed(error.error_type, str(error))

    async def aclose(self) -> None:
        """End its processes."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.end()


def python_command(interpreter: str | None, function: str) -> tuple[str, ...]:
    """The command that runs a function `module:name` in an interpreter; null: ours."""
    return (interpreter or sys.executable, str(SHIM), function)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP endpoint of the user's that scores a row: POST of a JSON object, answered with one."""

    card: Card = field(metadata=_MECHANICS)
    url: str
    timeout_s: float = field(default=30.0, metadata=_MECHANICS)
    headers_env: Mapping[str, str] = field(default_factory=dict, metadata=_MECHANICS)  # header -> variable of its value
    _clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    async def __call__(self, case: Case) -> Verdict:
        """Its answer."""
        import httpx  # noqa: PLC0415 - only where an endpoint is asked

        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self._client(httpx).post(self.url, json=case_row(case))
        except (TimeoutError, httpx.TimeoutException):
            return failed("timeout", f"{self.url} did not answer within {self.timeout_s:g} s.")
        except httpx.HTTPError as error:
            return failed("unreachable", f"{self.url} cannot be reached: {error or type(error).__name__}.")
        if response.status_code != httpx.codes.OK:
            return failed("http_status", f"{self.url} answered {response.status_code}: {response.text[:300]}")
        try:
            return read_answer(response.json())
        except ValueError:
            return failed("bad_answer", f"{self.url} answered no JSON: {response.text[:300]}")

    def _client(self, httpx: Any) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            headers = {name: _from_environment(variable) for name, variable in self.headers_env.items()}
            self._clients[loop] = httpx.AsyncClient(headers=headers, timeout=self.timeout_s)
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close its connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise EvaluatorError(f"The environment variable {variable}, which a header is taken from, is not set.")
    return value
