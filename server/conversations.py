"""A session's turns as one conversation: what is new in each, and what only repeats earlier ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from collectors.messages import Side, messages
from server.jsontext import dumps

Json = dict[str, Any]

LONGEST = 20_000  # letters of one text; a trace has all
MOST_READ = 1_000_000  # letters of a stored text that are read
SIDES: tuple[Side, ...] = ("input", "output")
MOST_BEFORE = 20  # messages that stand before what was said and that no earlier turn has
MOST_SAID = 50  # messages of one side


@dataclass(frozen=True, slots=True)
class Turn:
    """The words of one trace, as canonical messages."""

    said: list[Json]  # what is new of the input: after the last answer in it
    answered: list[Json]  # what is new of the output
    before: int  # messages of the input ahead of `said`: the history that senders repeat
    told: int  # of `before`, that an earlier turn has
    unseen: list[Json]  # of `before`, that none has, such as a system prompt; at most MOST_BEFORE
    left_out: int  # messages of any of these that are not told here
    clipped: bool  # a text is longer than LONGEST


def folded(rows: Iterable[Mapping[str, Any]]) -> list[Turn]:
    """The turns in order; a row has input, input_key, output, output_key as the store keeps them."""
    seen: set[bytes] = set()
    turns = []
    for row in rows:
        given, told = (read(row, side, MOST_READ) for side in SIDES)
        answered = _new(given, told)
        turns.append(_turn(given, answered, seen, cut=any(is_cut(row[side], MOST_READ) for side in SIDES)))
        seen.update(map(key, (*given, *answered)))
    return turns


def is_cut(text: str | None, letters: int) -> bool:
    """Whether the store was asked for no more of the text, so that it is not its sender who cut it."""
    return len(text or "") >= letters


def read(row: Mapping[str, Any], side: Side, letters: int) -> list[Json]:
    """One side as canonical messages, of a row for which the store was asked for so many letters."""
    found = messages(row[side], row[f"{side}_key"], side)
    if is_cut(row[side], letters):
        for message in found:
            for part in message["parts"]:
                part.pop("cut", None)
    return found


def _turn(given: Sequence[Json], answered: Sequence[Json], seen: set[bytes], *, cut: bool) -> Turn:
    at = _from(given)
    before = given[:at]
    unseen = [message for message in before if key(message) not in seen]
    kept = given[at:][:MOST_SAID], answered[:MOST_SAID], unseen[:MOST_BEFORE]
    sides = [[clipped(message) for message in side] for side in kept]
    cuts = [message.pop("clipped") for side in sides for message in side]
    return Turn(
        sides[0], sides[1], len(before), len(before) - len(unseen), sides[2],
        len(given) - at + len(answered) + len(unseen) - sum(map(len, kept)),
        cut or any(cuts),
    )  # fmt: skip


def _from(given: Sequence[Json]) -> int:
    """Where in the input what is new begins: after the last answer in it, and after the instructions."""
    answers = [place for place, message in enumerate(given) if message["role"] == "assistant"]
    at = answers[-1] + 1 if answers else 0
    while at < len(given) and given[at]["role"] == "system":
        at += 1
    if at < len(given):
        return at
    asked = [place for place, message in enumerate(given) if message["role"] == "user"]
    return asked[-1] if asked else 0


def _new(given: Sequence[Json], answered: Sequence[Json]) -> list[Json]:
    """The output without the input that some frameworks put before it."""
    known = {key(message) for message in given}
    left = [message for message in answered if key(message) not in known]
    return left or list(answered[-1:])


_WORDS = ("type", "content", "name", "arguments", "response", "uri", "file_id")


def key(message: Json) -> bytes:
    """Equal for the same words of the same role; ids of calls and reasons to finish differ between tellings."""
    parts = [[part.get(name) for name in _WORDS] for part in message["parts"]]
    return blake2b(dumps([message["role"], parts]), digest_size=16).digest()


def clipped(message: Json) -> Json:
    """The message with its long texts cut, and `clipped`: whether one was."""
    parts = [_clipped(part) for part in message["parts"]]
    return {**message, "parts": [part for part, _ in parts], "clipped": any(cut for _, cut in parts)}


def _clipped(part: Json) -> tuple[Json, bool]:
    found = {name: _short(value) for name, value in part.items()}
    return {name: value for name, (value, _) in found.items()}, any(cut for _, cut in found.values())


def _short(value: Any) -> tuple[Any, bool]:
    """A text, or JSON whose text is too long, cut to LONGEST letters."""
    if not isinstance(value, str | dict | list):
        return value, False
    text = value if isinstance(value, str) else dumps(value).decode()
    return (value, False) if len(text) <= LONGEST else (text[:LONGEST], True)
