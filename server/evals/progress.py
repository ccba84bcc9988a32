"""How far a run is, on standard error: a bar with money and time left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

EVERY_S = 10.0  # between two lines where there is no terminal


class Progress:
    """Told of each answer; costs next to nothing."""

    def __init__(self, name: str, answers: int, budget_usd: float | None, *, quiet: bool = False) -> None:
        self.name, self.answers, self.budget_usd = name, answers, budget_usd
        self.done = self.kept = self.failed = 0
        self.cost_usd = 0.0
        self.started = self._told = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet

    def __enter__(self) -> Self:
        if self._terminal:
            self._bar, self._task = _bar(self.name, self.answers)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, told=self._money(), refresh=True)
            self._bar.stop()

    def tell(self, *, kept: bool, failed: bool, cost_usd: float) -> None:
        """One more answer."""
        self.done += 1
        self.kept += kept
        self.failed += failed
        self.cost_usd += cost_usd
        now = time.monotonic()
        if self._bar is not None:
            if now - self._told > 0.1 or self.done == self.answers:
                self._told = now
                self._bar.update(self._task, completed=self.done, told=self._money())
        elif not self._quiet and now - self._told > EVERY_S:
            self._told = now
            sys.stderr.write(f"{self.name}: {self.sentence(now)}\n")
            sys.stderr.flush()

    def sentence(self, now: float) -> str:
        """How far it is."""
        left = self.seconds_left(now)
        time_left = "" if left is None else f", {_duration(left)} left"
        return f"{self.done:,} of {self.answers:,} answers, {self._money()}{time_left}"

    def seconds_left(self, now: float) -> float | None:
        """By the pace of the answers that were asked; null: none was yet."""
        asked = self.done - self.kept
        if not asked:
            return None
        return (now - self.started) / asked * (self.answers - self.done)

    def _money(self) -> str:
        of = "" if self.budget_usd is None else f" of ${self.budget_usd:,.2f}"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"${self.cost_usd:,.4f}{of}{failed}"


def _bar(name: str, answers: int) -> tuple[Any, Any]:
    from rich.console import Console  # noqa: PLC0415 - 50 ms, and only on a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True,
    )  # fmt: skip
    return bar, bar.add_task(name, total=answers, told="")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
