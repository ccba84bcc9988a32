"""Programs of the user's that are kept running and asked line by line, and started again when they fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

from evaluators.case import Json

SHIM = Path(__file__).with_name("external_shim.py")

LONGEST_LINE = 16 << 20  # bytes of an answer
KEPT_STDERR = 2000  # letters of what a program said last, for the reason of its failure
STARTS = 3  # failures to start, one after the other, after which a program is not started again
END_S = 2.0  # that a program has to end by itself once its input has ended


@dataclass(frozen=True, slots=True)
class Running:
    """How a program is run."""

    command: tuple[str, ...]
    folder: Path | None = None  # that it is started in; null: the current one
    timeout_s: float = 30.0  # for one row
    start_s: float = 60.0  # for starting, of one that says when it is ready
    memory_mb: int | None = None  # of address space; null: no limit
    processes: int = 1  # that are asked at once
    says_ready: bool = False
    longest: int = LONGEST_LINE  # bytes of a line that it writes


@dataclass(frozen=True, slots=True)
class Said:
    """What a program wrote for a row."""

    told: Any  # parsed JSON
    took_s: float  # from the writing of the row to the line that answers it


def python_command(interpreter: str | None, function: str, what: Literal["verdict", "answer"]) -> tuple[str, ...]:
    """The command that runs a function `module:name` in an interpreter; null: ours. It says when it is ready."""
    return (interpreter or sys.executable, str(SHIM), function, what)


def placed(path: str | None, folder: Path) -> str | None:
    """A path of a document is of its folder; a plain name is sought as the shell does."""
    return str(folder / path) if path and "/" in path else path


class ProgramError(Exception):
    """The program gave no answer."""

    def __init__(self, error_type: str, message: str) -> None:
        self.error_type = error_type
        super().__init__(message)


class _Process:
    """One run of a program."""

    def __init__(self, process: asyncio.subprocess.Process, longest: int) -> None:
        self._process, self._longest, self._asked = process, longest, 0
        self._stderr: deque[str] = deque(maxlen=20)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, program: Running) -> _Process:
        command = list(program.command)
        if program.memory_mb is not None:
            # A shell sets the limit: code between fork and exec is not safe in a process with threads.
            command = ["/bin/sh", "-c", f'ulimit -v {program.memory_mb * 1024} && exec "$@"', "sh", *command]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, cwd=program.folder, limit=program.longest, start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        except OSError as error:
            raise ProgramError("not_started", f"{program.command[0]} cannot be started: {error.strerror}.") from error
        started = cls(process, program.longest)
        if program.says_ready:
            try:
                await started.line(program.start_s, "start")
            except ProgramError as error:
                await started.kill()
                raise ProgramError("not_started", f"It did not start. {error}{started.said()}") from error
        return started

    async def ask(self, row: Mapping[str, Json], timeout_s: float) -> Said:
        """The answer to a row. Raises ProgramError, after which the process is of no more use."""
        self._asked += 1
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            line = json.dumps({**row, "_n": self._asked}).encode() + b"\n"
            sent = time.perf_counter()
            self._process.stdin.write(line)
            # One that does not read its input is met by the answer's limit.
            line = await self.line(timeout_s, "answer")
            took = time.perf_counter() - sent
            told = json.loads(line)
        except (ConnectionError, ValueError, RecursionError) as error:
            raise ProgramError("bad_answer", f"Its answer is no JSON line: {error}.{self.said()}") from error
        if isinstance(told, dict) and told.pop("_n", self._asked) != self._asked:
            raise ProgramError("bad_answer", "It answered another row than the one that it was asked.")
        return Said(told, took)

    async def line(self, timeout_s: float, what: str) -> bytes:
        """The next line that it writes."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise ProgramError("timeout", f"It did not {what} within {timeout_s:g} s.{self.said()}") from None
        except ValueError as error:  # longer than the limit
            raise ProgramError("too_large", f"It wrote a line of more than {self._longest:,} bytes.") from error
        if not line:
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({self._listening, ended}, timeout=0.5)  # for what it said, and how it ended
            ended.cancel()
            raise ProgramError("crashed", f"It {_ending(self._process.returncode)}.{self.said()}")
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
        self._close_pipes()
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    def _close_pipes(self) -> None:
        """Or asyncio waits for the end of its output, which nobody reads any more.

        One by one: closing the transport also asks how the process ended, and whoever waits for that cannot be told.
        """
        transport = getattr(self._process, "_transport", None)
        pipes = [transport.get_pipe_transport(number) for number in range(3)] if transport is not None else []
        for pipe in pipes:
            if pipe is not None:
                pipe.close()


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its output"
    return f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"


class _Pool:
    """The processes of one program in one event loop."""

    def __init__(self, program: Running) -> None:
        self._program = program
        self._room = asyncio.Semaphore(program.processes)
        self._idle: list[_Process] = []
        self._failed_starts = 0
        self._broken: ProgramError | None = None

    async def ask(self, row: Mapping[str, Json]) -> Said:
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
        except ProgramError as error:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                self._broken = ProgramError(
                    error.error_type, f"It was not started again after {STARTS} failures. {error}"
                )
            raise
        self._failed_starts = 0
        return process

    async def end(self) -> None:
        while self._idle:
            await self._idle.pop().end()


class Processes:
    """The processes of a program, for each event loop its own."""

    def __init__(self, program: Running) -> None:
        self._program = program
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()

    async def ask(self, row: Mapping[str, Json]) -> Said:
        """What it writes for the row. Raises ProgramError: nothing that is JSON, not in time, or too much."""
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            self._pools[loop] = _Pool(self._program)
        return await self._pools[loop].ask(row)

    async def aclose(self) -> None:
        """End those of the running event loop."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.end()
