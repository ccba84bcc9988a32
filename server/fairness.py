"""Whether a target answers alike when questions are about another group: swapped, asked, measured, compared."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import pandas as pd

from analytics.fairness import Counterfactual, counterfactual
from analytics.paired import ENOUGH
from evaluators.case import Case
from evaluators.counterfactual.compare import measured
from evaluators.counterfactual.sentiment import LIMITS as SENTIMENT
from evaluators.counterfactual.swaps import Terms, TermsError, read_terms, usual_terms, variants
from evaluators.errors import EvaluatorError, UnreadableCaseError
from evaluators.journal import Journal
from evaluators.protocol import Evaluator
from evaluators.rows import parsed, read_case
from evaluators.runner import threaded
from evaluators.scoring import judged, release
from evaluators.targets.answer import Answer, Target
from evaluators.targets.asking import answers
from server.jsontext import dumps
from server.score_shell import Progress, Tally

PAIR = ("axis", "source", "target", "variant")  # what a row has that is a question with its swapped form
ANSWERS = ("original", "swapped")  # and what one has that is answered
LIMITS = (
    "A difference, not its cause; and it may be right, where what is asked truly differs between the groups.",
    "How answers are is compared, not what they say. A target that samples adds noise, which hides differences.",
    "No difference found is not none: see the smallest that would have been found.",
    "Swaps are of English words on a list; refusals are found by English words.",
    SENTIMENT,
)
REACHES = {"refusal": 1.0, "sentiment": 2.0}
NAMED = 3  # differences that the sentence tells


class LineError(EvaluatorError):
    """A line that is no question."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """One swapped form of a question, and the target's answers, where they are known."""

    axis: str
    source: str
    target: str
    variant: str
    original: str | None = None  # the answer to the question
    swapped: str | None = None
    answered: bool = False  # the row says what was answered; null there: nothing


@dataclass(frozen=True, slots=True)
class Answered:
    """One of the two answers of a pair; null text: there is none, for this reason."""

    question: str
    text: str | None
    held_back: bool = False  # by the target's provider
    reason: str | None = None


@dataclass(slots=True)
class Group:
    """A question with its swapped forms, and what came of asking them."""

    id: str | int
    question: str
    base: Case  # with what an evaluator may look at beside the question and the answer
    swaps: list[Swapped]
    said: dict[str, Answer] = field(default_factory=dict)  # by what was asked
    measured: dict[Answered, dict[str, float]] = field(default_factory=dict)  # once, also of an answer in several pairs

    def texts(self) -> list[str]:
        """What is to be asked: each text once."""
        if not self.swaps or self.swaps[0].answered:
            return []
        return list(dict.fromkeys([self.question, *(one.variant for one in self.swaps)]))


@dataclass(slots=True)
class Counts:
    """What became of the lines and the answers."""

    lines: int = 0
    unreadable: list[str] = field(default_factory=list)  # why
    unnamed: int = 0  # questions that name no group, and were not asked
    questions: int = 0
    pairs: int = 0
    lost: int = 0  # pairs without one of the two answers
    cut: int = 0  # answers that their limit of tokens cut
    unscored: int = 0  # answers without a quality
    failures: Counter[str] = field(default_factory=Counter)  # of asking, by kind
    asked: Tally = field(default_factory=Tally)  # rows: questions and swapped forms


# Lines


def groups(lines: IO[bytes], terms: Terms | None, axes: Sequence[str] | None, counts: Counts) -> Iterator[Group]:
    """The questions of the lines with their swapped forms; lines that follow one another with one id are one question.

    A line is a question (swapped here), a question with its `variant` as `swap` writes them, or answered already.
    """
    read = _read(lines, terms, axes, counts)
    for _, same in groupby(read, lambda one: (one.id, one.question, bool(one.swaps and one.swaps[0].answered))):
        first, *more = same
        first.swaps += [swap for one in more for swap in one.swaps]
        counts.questions += bool(first.swaps)
        counts.unnamed += not first.swaps
        yield first


def _read(lines: IO[bytes], terms: Terms | None, axes: Sequence[str] | None, counts: Counts) -> Iterator[Group]:
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        counts.lines += 1
        try:
            yield _group(parsed(line), place, terms, axes)
        except (ValueError, UnreadableCaseError, LineError) as error:
            counts.unreadable.append(f"Line {place}: {error}")


def _group(row: Any, place: int, terms: Terms | None, axes: Sequence[str] | None) -> Group:
    if not isinstance(row, dict):
        raise LineError('a line is a JSON object such as {"id": 1, "question": ...}.')
    own = {*PAIR, *ANSWERS, "question_id"} if "variant" in row else set()
    base = read_case({name: value for name, value in row.items() if name not in own})
    told = row.get("question_id", base.id)
    if base.question is None or not base.question.strip():
        raise LineError("it has no question.")
    swaps = [_pair(row)] if own else [
        Swapped(one.axis, one.source, one.target, one.text) for one in variants(base.question, terms, axes)
    ]  # fmt: skip
    if own and axes is not None and swaps[0].axis not in axes:
        swaps = []
    unnamed = base.question if own else place
    return Group(unnamed if told is None else told, base.question, replace(base, answer=None), swaps)


def _pair(row: Mapping[str, Any]) -> Swapped:
    lacking = [name for name in PAIR if not isinstance(row.get(name), str)]
    if lacking:
        raise LineError(f"a swapped question has a text as {' and '.join(lacking)}.")
    answers = [row.get(name) for name in ANSWERS]
    if any(one is not None and not isinstance(one, str) for one in answers):
        raise LineError("`original` and `swapped` are the target's answers: texts, or null for none.")
    texts = {name: row[name] for name in PAIR}
    return Swapped(**texts, original=answers[0], swapped=answers[1], answered=any(name in row for name in ANSWERS))


def swapped_rows(lines: IO[bytes], terms: Terms | None, axes: Sequence[str] | None, counts: Counts) -> Iterator[Any]:
    """A row {id, axis, source, target, question, variant} for each swapped form, in the order of the lines."""
    for group in groups(lines, terms, axes, counts):
        for one in group.swaps:
            counts.pairs += 1
            told = {"axis": one.axis, "source": one.source, "target": one.target}
            yield {"id": group.id, **told, "question": group.question, "variant": one.variant}


# Asking


@dataclass(frozen=True, slots=True)
class Way:
    """How the target is asked and its answers are measured."""

    target: Target | None  # null: the lines are answered
    quality: Evaluator | None = None
    system: str | None = None
    concurrency: int = 8
    journal: Path | None = None
    answers: Path | None = None  # where the answers are written, as lines that can be compared again
    enough: int = ENOUGH


def compared(lines: IO[bytes], terms: Terms | None, axes: Sequence[str] | None, way: Way) -> dict[str, Any]:
    """The comparisons of a file, as `told` has them; progress on standard error.

    Raises:
        EvaluatorError: there is no target, and a question has no answers; the journal is none.
    """
    counts = Counts()
    rows = asyncio.run(_measured(groups(lines, terms, axes, counts), way, counts))
    reach = {} if way.quality is None else _reach(way.quality)
    frame = pd.DataFrame(rows, columns=["question", "axis", "source", "target", "measure", "original", "swapped"])
    return told(counterfactual(frame, reaches=REACHES | reach, enough=way.enough), counts, way)


def _opened(file: Path) -> IO[bytes]:
    try:
        return file.open("wb")
    except OSError as error:
        raise LineError(f"{file} cannot be written: {error.strerror}") from error


def _reach(quality: Evaluator) -> dict[str, float]:
    low, high = quality.card.scale.low, quality.card.scale.high
    return {} if low is None or high is None else {quality.card.name: high - low}


async def _measured(asked: Iterable[Group], way: Way, counts: Counts) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    async with AsyncExitStack() as stack:
        if way.target is not None:
            stack.push_async_callback(way.target.aclose)
        stack.push_async_callback(release, [] if way.quality is None else [way.quality])
        out = None if way.answers is None else stack.enter_context(_opened(way.answers))
        async for group in await stack.enter_async_context(aclosing(_answered(asked, way, counts))):
            for pair in _pairs(group):
                counts.pairs += 1
                rows += await _measures(group, pair, way.quality, counts)
                if out is not None:
                    out.write(dumps(_row(group, pair)) + b"\n")
    return rows


async def _answered(asked: Iterable[Group], way: Way, counts: Counts) -> AsyncGenerator[Group, None]:
    """The groups as their answers are there, in order."""
    if way.target is None:
        for group in asked:
            if group.texts():
                raise LineError(
                    "The questions have no answers: name a model (--judges, --model) or a program (--command) to ask, "
                    "or give lines with `original` and `swapped`."
                )
            yield group
        return
    waiting: deque[tuple[Group, str]] = deque()
    progress = Progress(counts.asked)
    async with AsyncExitStack() as stack:
        journal = None if way.journal is None else stack.enter_context(closing(Journal(way.journal)))
        cases = threaded(_cases(asked, way, waiting))
        asked_for = answers(cases, way.target, way.concurrency, journal=journal)
        async for one in await stack.enter_async_context(aclosing(asked_for)):
            group, text = waiting.popleft()
            group.said[text] = one.answer
            _count(one.answer, counts)
            progress.tell()
            if len(group.said) == len(group.texts()):
                yield group
    progress.end()


def _cases(asked: Iterable[Group], way: Way, waiting: deque[tuple[Group, str]]) -> Iterator[Case]:
    """What the target is asked. Answers come in this order, so that `waiting` tells whose each is."""
    for group in asked:
        if group.swaps and group.swaps[0].answered:
            raise LineError("The lines are answered already: compare them without --judges, --model and --command.")
        for text in group.texts():
            waiting.append((group, text))
            yield Case(group.id, text, system=group.base.system if way.system is None else way.system)


def _count(said: Answer, counts: Counts) -> None:
    cost, tally = None if said.usage is None else said.usage.cost_usd, counts.asked
    tally.rows += 1
    tally.ok += said.status == "ok"
    tally.errors += said.status == "error"
    tally.calls += said.calls
    tally.cached += said.cached
    tally.cost_usd += cost or 0.0
    tally.unpriced += cost is None and bool(said.calls)
    if said.status == "error":
        counts.failures[said.error_type or "unknown"] += 1
    counts.cut += said.cut


def _pairs(group: Group) -> Iterator[tuple[Swapped, Answered, Answered]]:
    for one in group.swaps:
        if one.answered:
            yield one, Answered(group.question, one.original), Answered(one.variant, one.swapped)
        else:
            first, second = (_answer(text, group.said[text]) for text in (group.question, one.variant))
            yield one, first, second


def _answer(question: str, said: Answer) -> Answered:
    if said.status != "ok":
        return Answered(question, None, reason=said.reason)
    return Answered(question, said.text, said.held_back)


async def _measures(
    group: Group, pair: tuple[Swapped, Answered, Answered], quality: Evaluator | None, counts: Counts
) -> list[tuple[Any, ...]]:
    """A row per measure; none for a pair that lacks an answer, which is counted."""
    swap, *answers = pair
    if any(one.text is None for one in answers):
        counts.lost += 1
        return []
    for one in answers:
        if one not in group.measured:
            group.measured[one] = await _measure(group.base, one, quality, counts)
    first, second = (group.measured[one] for one in answers)
    whose = (dumps([group.id, group.question]).decode(), swap.axis, swap.source, swap.target)
    return [(*whose, name, first[name], second[name]) for name in first]


async def _measure(base: Case, one: Answered, quality: Evaluator | None, counts: Counts) -> dict[str, float]:
    text = one.text or ""
    found = measured(text, one.question)
    refused = 1.0 if one.held_back else found.refused
    values = {"refusal": refused, "length": found.length, "sentiment": found.sentiment}
    if quality is not None:
        said = await judged(quality, replace(base, question=one.question, answer=text))
        counts.asked.cost_usd += (said.spent.cost_usd or 0.0) if said.spent else 0.0
        counts.unscored += said.value is None
        values[quality.card.name] = float("nan") if said.value is None else said.value
    return values


def _row(group: Group, pair: tuple[Swapped, Answered, Answered]) -> dict[str, Any]:
    swap, original, swapped = pair
    reasons = {
        f"{name}_error": one.reason for name, one in zip(ANSWERS, (original, swapped), strict=True) if one.reason
    }
    return {
        "question_id": group.id, "axis": swap.axis, "source": swap.source, "target": swap.target,
        "question": group.question, "variant": swap.variant, "original": original.text, "swapped": swapped.text,
        **reasons,
    }  # fmt: skip


# Telling


def told(found: Sequence[Counterfactual], counts: Counts, way: Way) -> dict[str, Any]:
    """What a program reads: counts, a result for each two groups and measure, limits."""
    limits = [*LIMITS, *([] if way.quality is None else way.quality.card.limits)]
    asked = counts.asked
    return {
        "lines": counts.lines, "unreadable": len(counts.unreadable), "unnamed": counts.unnamed,
        "questions": counts.questions, "pairs": counts.pairs, "lost_pairs": counts.lost, "asked": asked.rows,
        "failed": asked.errors, "failures": dict(counts.failures), "cut": counts.cut, "unscored": counts.unscored,
        "calls": asked.calls, "cached": asked.cached, "cost_usd": asked.cost_usd, "unpriced": asked.unpriced,
        "enough": way.enough, "results": [_result(one) for one in found], "limits": limits,
        "unreadable_lines": counts.unreadable[:NAMED],
    }  # fmt: skip


def _result(one: Counterfactual) -> dict[str, Any]:
    return {
        "axis": one.axis, "group": one.group, "other": one.other, "measure": one.measure,
        "group_mean": one.group_mean, "other_mean": one.other_mean, "difference": asdict(one.test.effect),
        "p": one.test.p, "adjusted_p": one.adjusted_p, "detectable": one.test.detectable, "finding": one.finding,
    }  # fmt: skip


def swapped_sentence(counts: Counts) -> str:
    """What became of the questions."""
    parts = [f"{counts.pairs:,} swapped forms of {counts.questions:,} questions"]
    parts += [f"{counts.unnamed:,} questions name no group of the list"] * bool(counts.unnamed)
    parts += [f"{len(counts.unreadable):,} lines are no question: {' '.join(counts.unreadable[:NAMED])}"] * bool(
        counts.unreadable
    )
    return "; ".join(parts) + "."


def terms_text(file: Path | None) -> str:
    """The list of terms as YAML: that of the file, else the one that comes with the program. Raises LineError."""
    if file is not None:
        return read_text(file)
    return (resources.files("evaluators") / "artefacts" / "terms.yaml").read_text("utf-8")


def terms_of(file: Path | None, axes: Sequence[str]) -> Terms:
    """The list of terms.

    Raises:
        LineError: the file is none, or has no such axis.
    """
    try:
        terms = usual_terms() if file is None else read_terms(read_text(file))
    except TermsError as error:
        raise LineError(f"{file}: {error}") from error
    known = [axis.name for axis in terms.axes]
    unknown = [axis for axis in axes if axis not in known]
    if unknown:
        raise LineError(f"The list of terms has no axis {unknown[0]!r}; it has: {', '.join(known)}.")
    return terms


def read_text(file: Path) -> str:
    """The text of a file. Raises LineError: it cannot be read."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LineError(f"{file} cannot be read: {error}") from error
