"""What a target is and what it answers. A failure is an answer too, with its kind and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Protocol, cast

from evaluators.case import Case, Json, Message, ToolCall, Usage
from evaluators.targets.hearing import Hears

LONGEST_REASON = 2000  # letters
SHOWN = 300  # letters of what the other side sent, in a reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said to one item in one repeat. Make one with `said` or `no_answer`."""

    status: Literal["ok", "error"]
    text: str | None = None  # null: of an error
    reason: str = ""  # of an error: a sentence, what happened with which value
    error_type: str | None = None  # of an error: a word of `ERRORS`, or the name of an exception of the user's code
    contexts: tuple[str, ...] | None = None  # what the target says it retrieved; null: it does not say
    tool_calls: tuple[ToolCall, ...] | None = None  # null: it does not say
    messages: tuple[Message, ...] | None = None  # null: it does not say
    usage: Usage | None = None  # of an error: what it cost, if that is known; null: not known, or not recorded
    held_back: bool = False  # by the target's provider
    cut: bool = False  # by its limit of tokens
    session: str | None = None  # what the target calls the conversation; null: it does not say
    recorded: bool = False  # it is the item's own, with all else that the item tells of it
    calls: int = 0  # requests that were sent for it over a network, with those that failed
    cached: bool = False  # it was asked before, and kept


ERRORS: Mapping[str, str] = {
    "timeout": "It did not answer in time.",
    "unreachable": "It could not be connected to, or broke its answer off.",
    "http_status": "It answered with a status that is none of success.",
    "rate_limited": "It refused for its rate, to the last try.",
    "auth": "It refused the key.",
    "bad_request": "The item lacks what the request needs, or makes one that cannot be sent.",
    "bad_answer": "What it sent is not of the shape that was agreed.",
    "empty": "It sent no text.",
    "too_large": "It sent more than the limit of bytes.",
    "target": "It told an error of its own.",
    "crashed": "Its process ended.",
    "not_started": "Its process could not be started.",
    "budget": "The budget is used up.",
    "unreadable": "The row of the dataset is none.",
}
"""The kinds of failure, with what each says."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Which time an item is asked."""

    repeat: int = 0
    seed: int = 0  # of this item and repeat; see `seed_of`
    traceparent: str | None = None  # W3C; null: not traced
    hears: Hears | None = None  # is told pieces of the text as they come, where the target streams; null: nobody is


class Target(Protocol):
    """What is asked. It never raises for what the other side does."""

    @property
    def ruler(self) -> str:
        """A hash over all that changes what it says: not over limits of time, numbers at once and values of keys."""

    @property
    def pinned(self) -> bool:
        """Whether the same ruler is expected to answer the same later: by a declared version, or recorded answers."""

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """The answer to the item, or why there is none."""

    async def aclose(self) -> None:
        """Give back what it holds in this event loop: connections, processes."""


class TargetError(Exception):
    """There is no answer: told as `no_answer`."""

    def __init__(
        self,
        error_type: str,
        reason: str,
        *,
        passes: bool = False,
        retry_after_s: float | None = None,
        billed: bool = False,
        shows: str = "",
    ) -> None:
        self.error_type, self.reason = error_type, reason
        self.shows = shows  # what the other side sent, whole: cut only when nothing in it may not be told
        self.passes = passes  # the same request may do better later
        self.retry_after_s = retry_after_s  # null: the other side does not say
        self.billed = billed  # the other side may bill it, and nobody knows how much
        super().__init__(reason)

    def told(self, masked: Callable[[str], str] = str) -> str:
        """The reason with what it shows, cut; `masked` takes out what must not be told."""
        shown = masked(self.shows).strip()
        cut = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        return whole(f"{masked(self.reason)} {cut}".rstrip()[:LONGEST_REASON])


def no_answer(error_type: str, reason: str, *, calls: int = 0, cost_usd: float | None = None) -> Answer:
    """An answer that is none, and why; null cost: nobody knows what it cost."""
    usage = None if cost_usd is None else Usage(cost_usd=cost_usd)
    return Answer("error", reason=reason, error_type=error_type, usage=usage, calls=calls)


def answered(case: Case, answer: Answer) -> Case:
    """The item with its answer, as evaluators look at it.

    What an item tells of an earlier answer (`tool_calls`, `steps`, `turns`, `usage`) is not of this one and is left
    out; contexts and messages may have been given to the target, and stay unless it told its own.
    """
    if answer.recorded:
        return replace(case, answer=answer.text)
    return replace(
        case, answer=answer.text, contexts=case.contexts if answer.contexts is None else answer.contexts,
        messages=case.messages if answer.messages is None else answer.messages, tool_calls=answer.tool_calls,
        steps=None, turns=None, usage=answer.usage,
    )  # fmt: skip


def seed_of(seed: int, item: str | int, repeat: int) -> int:
    """The seed of one item and repeat, from 0 to 2**31 - 1: the same for the same three."""
    drawn = hashlib.sha256(f"{seed}/{item!r}/{repeat}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(drawn[:4], "big") >> 1


_USUAL = Answer("ok")


def answer_row(answer: Answer) -> dict[str, Json]:
    """An answer as JSON, which `read_answer_row` reads back: what has its usual value is left out."""
    told = {name: getattr(answer, name) for name in _NAMES}
    return {
        name: cast("Json", _WRITERS[name](value)) if name in _WRITERS else value
        for name, value in told.items()
        if name == "status" or value != getattr(_USUAL, name)
    }


_NAMES = tuple(one.name for one in fields(Answer))
_WRITERS: Mapping[str, Any] = {
    "contexts": list, "tool_calls": lambda held: [asdict(one) for one in held],
    "messages": lambda held: [asdict(one) for one in held], "usage": asdict,
}  # fmt: skip


def read_answer_row(row: Mapping[str, Any]) -> Answer:
    """The answer of a row that `answer_row` wrote. Raises TypeError or KeyError for another."""
    held = {name: _READERS[name](value) if name in _READERS else value for name, value in row.items()}
    return Answer(**held)


def each_text(answer: Answer, change: Callable[[str], str]) -> Answer:
    """The answer with all its texts changed."""
    return read_answer_row(_changed(answer_row(answer), change))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_changed(held, change) for held in value]
    return {name: _changed(held, change) for name, held in value.items()} if isinstance(value, dict) else value


def whole(text: str) -> str:
    """The text in which halves of letters that came apart are joined, and lone ones replaced: no file can hold them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _messages(held: Iterable[Mapping[str, Any]]) -> tuple[Message, ...]:
    return tuple(Message(**{**one, "tool_calls": _calls(one["tool_calls"])}) for one in held)


def _calls(held: Iterable[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**one) for one in held)


_READERS: Mapping[str, Any] = {
    "contexts": tuple, "tool_calls": _calls, "messages": _messages, "usage": lambda held: Usage(**held),
}  # fmt: skip
