"""The texts of a call as a cache would see them: the whole prompt, its prefixes, what was asked last, what was said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from collectors.conventions.shapes import Message
from collectors.conventions.values import dumps
from collectors.messages import messages

BLOCK = 512  # letters of a prefix that is told by one hash: some 128 tokens
_BYTES = 8
_APART = "\x1e"  # between the parts of a prompt


@dataclass(frozen=True, slots=True)
class Stored:
    """A prompt and its answer as the store has them; null: unknown."""

    input: str | None
    input_key: str | None
    output: str | None
    output_key: str | None
    system: str | None
    tools: int | None  # hash of the tools that were offered
    parameters: str = ""  # whatever else the answer depends on, and is known

    @property
    def prompt(self) -> str | None:
        """All that was sent, in the order in which providers cache it: tools, system, messages."""
        if self.input is None:
            return None
        return f"{self.tools or ''}{_APART}{self.system or ''}{_APART}{self.input}"


def prompt_hash(stored: Stored, model: str | None) -> bytes | None:
    """Of the prompt and the model; null: the prompt is unknown."""
    prompt = stored.prompt
    if prompt is None:
        return None
    return _digest(f"{model or ''}{_APART}{stored.parameters}{_APART}{prompt}")


def blocks(prompt: str) -> list[bytes]:
    """A hash for each prefix of 1, 2, ... whole blocks; it stands for all up to there."""
    running, found = blake2b(digest_size=_BYTES), []
    data = prompt.encode(errors="replace")
    for start in range(0, len(data) - BLOCK + 1, BLOCK):
        running.update(data[start : start + BLOCK])
        found.append(running.digest())
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cache of near repeats compares."""

    question: str  # all that came in since the model last spoke
    scope: bytes  # of system messages and tools: questions under others are not compared
    turns: int  # messages of the assistant before
    answer: str | None  # text and tool calls; null: unknown


def asked(stored: Stored) -> Asked | None:
    """Null: the prompt is unknown, or nothing was asked."""
    if stored.input is None:
        return None
    sent = messages(stored.input, stored.input_key, "input")
    spoken = [place for place, message in enumerate(sent) if message["role"] == "assistant"]
    newest = sent[spoken[-1] + 1 :] if spoken else sent
    question = "\n".join(_said(message) for message in newest if message["role"] != "system")
    if not question.strip():
        return None
    system = "\n".join(_said(message) for message in sent if message["role"] == "system")
    scope = _digest(f"{stored.tools or ''}{_APART}{stored.system or ''}{_APART}{system}")
    return Asked(question, scope, len(spoken), _answer(stored))


def wanted(text: str | None, key: str | None) -> str | None:
    """What the user said last, of a stored `input` and its key; null: unknown, or no user said anything."""
    said = (
        _said(message, ("text",)) for message in reversed(messages(text, key, "input")) if message["role"] == "user"
    )
    return next((words for words in said if words.strip()), None)


def _answer(stored: Stored) -> str | None:
    said = "\n".join(_said(message) for message in messages(stored.output, stored.output_key, "output"))
    return said.strip() or None


def _said(message: Message, kinds: Collection[str] | None = None) -> str:
    """`kinds`: of parts; null: all."""
    parts = [part for part in message["parts"] if kinds is None or part.get("type") in kinds]
    return "\n".join(filter(None, map(_part, parts)))


def _part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("content") or "")
    if kind == "tool_call":
        return f"{part.get('name')} {_flat(part.get('arguments'))}"
    if kind == "tool_call_response":
        return _flat(part.get("response"))
    return "" if kind == "reasoning" else _flat(part)


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value, option=_SORTED).decode()


_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=_BYTES).digest()


def stored_of(rows: Iterable[Mapping[str, Any]]) -> list[Stored]:
    """Of rows of `whatif_texts`; of those out of a file with `parameters`."""
    return [
        Stored(
            row["input"], row["input_key"], row["output"], row["output_key"], row["system_instructions"],
            row["tool_definitions_id"], row.get("parameters") or "",
        )
        for row in rows
    ]  # fmt: skip


def written(value: Any) -> str | None:
    """A conversation out of a file as the store would hold it; null stays null."""
    return value if value is None or isinstance(value, str) else dumps(value)


def lengths(prompts: Sequence[str | None]) -> list[int]:
    """Bytes of each prompt, 0 where it is unknown."""
    return [0 if prompt is None else len(prompt.encode(errors="replace")) for prompt in prompts]
