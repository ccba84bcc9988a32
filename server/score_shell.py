"""What `assay evaluators` and `assay score` do: cards as rows and text, lines of rows to lines of verdicts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from evaluators import registry
from evaluators.case import Case, Json, Unreadable
from evaluators.errors import EvaluatorError, OptionError, UnreadableCaseError
from evaluators.journal import Journal
from evaluators.protocol import Evaluator, ruler
from evaluators.rows import parsed, read_case, verdict_row
from evaluators.runner import run, threaded
from evaluators.scoring import release
from evaluators.verdict import Verdict
from server.jsontext import dumps
from server.judging import Bench

FLUSH_S = 0.2  # between two looks at whether verdicts are held back
PROGRESS_S = 0.2, 10.0  # between two lines of progress: on a terminal, and elsewhere


@dataclass(slots=True)
class Tally:
    """What became of the rows."""

    rows: int = 0
    unreadable: int = 0
    ok: int = 0
    not_applicable: int = 0
    errors: int = 0
    calls: int = 0
    cached: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0  # verdicts whose cost is unknown
    started: float = field(default_factory=time.monotonic)

    def count(self, said: Verdict) -> None:
        """One more verdict."""
        name = "errors" if said.status == "error" else said.status
        setattr(self, name, getattr(self, name) + 1)
        if said.spent is not None:
            self.calls += said.spent.calls
            self.cached += said.spent.cached
            self.cost_usd += said.spent.cost_usd or 0.0
            self.unpriced += said.spent.cost_usd is None

    def sentence(self) -> str:
        """One sentence for people."""
        took = time.monotonic() - self.started
        parts = [f"{self.rows:,} rows in {took:.1f} s: {self.ok:,} scored"]
        parts += [f"{self.not_applicable:,} not applicable"] * bool(self.not_applicable)
        parts += [f"{self.errors:,} failed: see their reason"] * bool(self.errors)
        parts += [f"{self.unreadable:,} rows unreadable"] * bool(self.unreadable)
        if self.calls or self.cached:
            cost = f"{self.cost_usd:,.4f} USD" + f", {self.unpriced:,} of unknown cost" * bool(self.unpriced)
            parts += [f"{self.calls:,} calls of judges ({self.cached:,} from the cache), {cost}"]
        return "; ".join(parts) + "."


def made(names: Sequence[str], options: Sequence[str], bench: Bench) -> list[Evaluator]:
    """The evaluators of `-e` with the options of `-o`; see `asked`.

    An evaluator that takes a judge gets the one that its option `judge` names, else the first of the bench.

    Raises:
        EvaluatorError: a name or option is unknown, or as `asked` says.
    """
    return [bench.make(name, held) for name, held in asked(names, options).items()]


def asked(names: Sequence[str], options: Sequence[str]) -> dict[str, dict[str, object]]:
    """The names of `-e` (several between commas), each with its options of `-o` (NAME.OPTION=VALUE; JSON or text).

    Raises:
        EvaluatorError: none is named, or an option is written otherwise, or for one that is not named.
    """
    wanted = [name.strip() for text in names for name in text.split(",") if name.strip()]
    if not wanted:
        raise EvaluatorError("No evaluator is named; `assay evaluators` lists them.")
    given: dict[str, dict[str, object]] = {name: {} for name in wanted}
    for text in options:
        name, option, value = _option(text)
        if name not in given:
            raise OptionError(f"Option {text!r} is for evaluator {name!r}, which is not asked for by -e.")
        given[name][option] = value
    return given


def _option(text: str) -> tuple[str, str, object]:
    key, equals, value = text.partition("=")
    name, dot, option = key.rpartition(".")
    if not (equals and dot and name and option):
        raise OptionError(f"An option is written NAME.OPTION=VALUE, such as regex.pattern=^A; not {text!r}.")
    try:
        return name, option, json.loads(value)
    except ValueError:
        return name, option, value


@dataclass(frozen=True, slots=True)
class Way:
    """How rows are scored."""

    concurrency: int = 8
    repeats: int = 1
    journal: Path | None = None


def score_lines(lines: IO[bytes], evaluators: Sequence[Evaluator], way: Way) -> Tally:
    """Write a line of verdict for each row and evaluator to standard output, in order; progress to standard error.

    A line that is no case has a verdict of each evaluator too: an error that says why. Empty lines are left out.
    """
    tally = Tally()
    asyncio.run(_score(lines, evaluators, way, tally))
    return tally


async def _score(lines: IO[bytes], evaluators: Sequence[Evaluator], way: Way, tally: Tally) -> None:
    rulers = {id(evaluator): ruler(evaluator) for evaluator in evaluators}
    progress = Progress(tally)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(release, evaluators)
        flushing = asyncio.create_task(_flush_now_and_then())
        stack.callback(flushing.cancel)
        journal = None if way.journal is None else stack.enter_context(closing(Journal(way.journal)))
        cases = threaded(_cases(lines, tally))
        scored = run(cases, evaluators, way.concurrency, repeats=way.repeats, journal=journal)
        async for one in await stack.enter_async_context(aclosing(scored)):
            tally.count(one.verdict)
            row = verdict_row(one.case.id, one.evaluator.card.name, rulers[id(one.evaluator)], one.verdict)
            if way.repeats > 1:
                row["repeat"] = one.repeat
            sys.stdout.buffer.write(dumps(row) + b"\n")
            progress.tell()
    sys.stdout.buffer.flush()
    progress.end()


async def _flush_now_and_then() -> None:
    """Who reads from a pipe gets what is there, also while nothing more comes."""
    while True:
        await asyncio.sleep(FLUSH_S)
        sys.stdout.buffer.flush()


def _cases(lines: IO[bytes], tally: Tally) -> Iterator[Case | Unreadable]:
    for place, line in enumerate(lines, 1):
        if line.strip():
            tally.rows += 1
            case = _case(line, place)
            tally.unreadable += isinstance(case, Unreadable)
            yield case


def _case(line: bytes, place: int) -> Case | Unreadable:
    row: Json = None
    try:
        row = parsed(line)
        return read_case(row)
    except UnreadableCaseError as error:
        told = row.get("id") if isinstance(row, dict) else None
        return Unreadable(told if isinstance(told, str | int) else None, f"Line {place}: {error}")


class Progress:
    """How many rows were read, on standard error: one line, written over, on a terminal; else one now and then."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._terminal = tally, sys.stderr.isatty()
        self._next = tally.started + PROGRESS_S[not self._terminal]

    def tell(self) -> None:
        """Say it, when it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_S[not self._terminal]
        rate = self._tally.rows / max(now - self._tally.started, 1e-9)
        text = f"{self._tally.rows:,} rows, {rate:,.0f}/s"
        sys.stderr.write(f"\r{text:<40}" if self._terminal else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the terminal's line clean."""
        if self._terminal:
            sys.stderr.write(f"\r{'':<40}\r")


def listed(name: str | None, bench: Bench) -> list[dict[str, Any]]:
    """Cards with the names of their options, of one evaluator or of all, by family and name. Raises EvaluatorError."""
    makers = [bench.maker(one) for one in (bench.names() if name is None else [name])]
    found = sorted(makers, key=lambda make: (make.card.family, make.card.name))
    return [asdict(make.card) | {"options": registry.options_of(make)} for make in found]


def summaries(cards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a card, for a table."""
    return [
        {
            "evaluator": card["name"], "family": card["family"], "cost": card["cost"],
            "needs": ", ".join(card["needs"]),
            "measures": card["measures"], "quality": _best(card["quality"]),
        }
        for card in cards
    ]  # fmt: skip


def _best(figures: Sequence[dict[str, Any]]) -> str:
    """The first figure, which its author holds for the one that counts."""
    return _figure(figures[0]) if figures else ""


def _figure(one: dict[str, Any]) -> str:
    interval = "" if one["low"] is None else f" [{one['low']:.3g}, {one['high']:.3g}]"
    floor = "" if one["naive_value"] is None else f"; {one['naive']}: {one['naive_value']:.3g}"
    return f"{one['measure']} {one['value']:.3g}{interval} on {one['data']} (n {one['n']:,}{floor})"


def card_text(card: dict[str, Any]) -> str:
    """All of a card, for people."""
    lines = [
        f"{card['name']} {card['version']} ({card['family']}, {card['cost']})",
        card["measures"],
        "",
        f"needs    {', '.join(card['needs'])}",
        f"takes    {', '.join(card['takes']) or 'nothing more'}",
        f"options  {', '.join(card['options']) or 'none'}",
        f"scale    {scale_text(card['scale'])}",
    ]
    for title, told in (("Quality", [_figure(one) for one in card["quality"]]), ("Limits", card["limits"])):
        if told:
            lines += ["", title, *(f"  {one}" for one in told)]
    return "\n".join(lines) + "\n"


def scale_text(scale: dict[str, Any]) -> str:
    """The ruler in a few words."""
    unit = f" {scale['unit']}" if scale["unit"] else ""
    ends = [f"{'any' if end is None else f'{end:g}'}" for end in (scale["low"], scale["high"])]
    better = f", {scale['better']} is better" if scale["better"] else ""
    labels = f"; labels {', '.join(scale['labels'])}" if scale["labels"] else ""
    return f"{ends[0]} to {ends[1]}{unit}{better}{labels}"
