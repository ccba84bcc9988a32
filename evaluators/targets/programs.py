"""A program, or a function in a Python of the user's, that is asked line by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluators.case import Case, Json
from evaluators.judges.budget import Budget
from evaluators.kept import key_of
from evaluators.processes import Processes, ProgramError, Running, placed, python_command
from evaluators.rows import case_row
from evaluators.targets.answer import Answer, Asking, TargetError, no_answer
from evaluators.targets.config import CommandSettings, PythonSettings
from evaluators.targets.spending import Spending
from evaluators.targets.told import line_answer


class ProgramTarget:
    """A program that reads rows and writes answers. It is started when it is first asked."""

    def __init__(self, running: Running, identity: Sequence[Json], version: str | None, budget: Budget | None) -> None:
        """`identity` is what tells it from other programs, without paths of this machine."""
        self._processes, self._spending = Processes(running), Spending(budget)
        self._identity, self._version = list(identity), version

    @property
    def ruler(self) -> str:
        """Of its name and version: what stands in its files is not looked at."""
        return key_of("program", self._identity, self._version)

    @property
    def pinned(self) -> bool:
        """Whether a version is declared."""
        return self._version is not None

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """What it writes for the item."""
        row: dict[str, Json] = {
            **case_row(case), "repeat": asking.repeat, "seed": asking.seed, "traceparent": asking.traceparent
        }  # fmt: skip
        try:
            return await self._spending.on(lambda: self._asked(row))
        except TargetError as error:
            return no_answer(error.error_type, error.told())

    async def _asked(self, row: dict[str, Json]) -> Answer:
        try:
            said = await self._processes.ask(row)
        except ProgramError as error:
            raise TargetError(error.error_type, str(error), billed=error.error_type != "not_started") from error
        return line_answer(said.told, said.took_s * 1000)

    async def aclose(self) -> None:
        """End its processes."""
        await self._processes.aclose()


def command_target(settings: CommandSettings, folder: Path, budget: Budget | None) -> ProgramTarget:
    """A program of a suite in that folder."""
    running = Running(
        settings.run, _within(folder, settings.folder), settings.timeout_s,
        memory_mb=settings.memory_mb, processes=settings.processes, longest=settings.max_bytes,
    )  # fmt: skip
    return ProgramTarget(running, ["command", list(settings.run)], settings.version, budget)


def python_target(settings: PythonSettings, folder: Path, budget: Budget | None) -> ProgramTarget:
    """A function of a suite in that folder."""
    command = python_command(placed(settings.interpreter, folder.absolute()), settings.function, "answer")
    running = Running(
        command, _within(folder, settings.folder), settings.timeout_s, settings.start_s, settings.memory_mb,
        settings.processes, says_ready=True, longest=settings.max_bytes,
    )  # fmt: skip
    return ProgramTarget(running, ["python", settings.function], settings.version, budget)


def _within(folder: Path, named: str | None) -> Path:
    return folder if named is None else folder / named
