"""The formats of training files: which kinds of fields make them, their rows, and their JSON schemas.

Sources: OpenAI, "Supervised fine-tuning" (chat models) and its API reference of fine-tuning input; Hugging Face TRL,
"Dataset formats and types" (conversational; with `tools`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from server import finetuning
from server.labelling.terms import Asked, Kind
from server.training.examples import Example, demonstrations, pairs, scored, verdicts
from server.training.labelled import Labelled
from server.training.wanted import Format, TrainingDataError, Wanted

Row = dict[str, Any]

_CHOSEN: tuple[Kind, ...] = ("binary", "categorical", "ordinal", "numeric")
_COMPARED: tuple[Kind, ...] = ("preference", "ranking", "correction")

_MESSAGE: Row = {
    "type": "object", "required": ["role"], "additionalProperties": False,
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": {"type": "string"}, "tool_call_id": {"type": "string"},
        "tool_calls": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["type", "function"], "additionalProperties": False,
            "properties": {
                "id": {"type": "string"}, "type": {"const": "function"},
                "function": {
                    "type": "object", "required": ["name", "arguments"], "additionalProperties": False,
                    "properties": {"name": {"type": "string", "minLength": 1}, "arguments": {}},
                },
            },
        }},
    },
    "anyOf": [{"required": ["content"]}, {"required": ["tool_calls"]}],
}  # fmt: skip
_TOOLS: Row = {"type": "array", "items": {
    "type": "object", "required": ["type", "function"],
    "properties": {"function": {"type": "object", "required": ["name"]}},
}}  # fmt: skip
_MESSAGES: Row = {"type": "array", "minItems": 1, "items": _MESSAGE}
_ENDS: Row = {"type": "array", "minItems": 1, "items": _MESSAGE, "contains": {
    "properties": {"role": {"const": "assistant"}}, "required": ["role"],
}}  # fmt: skip


def _schema(required: dict[str, Row]) -> Row:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": list(required),
        "additionalProperties": False, "properties": {**required, "tools": _TOOLS},
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """One format."""

    name: Format
    title: str
    trains: str
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    schema: Row
    source: str
    row: Callable[[Example], Row]


def _openai(one: Example) -> Row:
    return finetuning.with_tools([*one.prompt, *one.completion], one.tools)


def _conversation(messages: list[Row]) -> list[Row]:
    """Arguments of tools as objects, which chat templates write out."""
    return [
        one if "tool_calls" not in one else {**one, "tool_calls": [_called(call) for call in one["tool_calls"]]}
        for one in messages
    ]


def _called(call: Row) -> Row:
    try:
        arguments = json.loads(call["function"]["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**call["function"], "arguments": arguments}}


def _tools(one: Example) -> Row:
    tools = [finetuning.tool_of(tool) for tool in one.tools if isinstance(tool, dict)]
    return {"tools": tools} if tools else {}


def _messages(one: Example) -> Row:
    return {"messages": _conversation([*one.prompt, *one.completion])} | _tools(one)


def _dpo(one: Example) -> Row:
    parts = {"prompt": one.prompt, "chosen": one.completion, "rejected": one.rejected}
    return {name: _conversation(part) for name, part in parts.items()} | _tools(one)


def _kto(one: Example) -> Row:
    told = {"prompt": _conversation(one.prompt), "completion": _conversation(one.completion), "label": one.label}
    return told | _tools(one)


def _reward(one: Example) -> Row:
    told = {"prompt": _conversation(one.prompt), "response": _conversation(one.completion), "score": one.score}
    return told | _tools(one)


def _reward_pairs(one: Example) -> Row:
    parts = {"chosen": [*one.prompt, *one.completion], "rejected": [*one.prompt, *one.rejected]}
    return {name: _conversation(part) for name, part in parts.items()} | _tools(one)


OPENAI = "https://platform.openai.com/docs/guides/supervised-fine-tuning"
TRL = "https://huggingface.co/docs/trl/dataset_formats"

FORMATS: dict[Format, Kept] = {one.name: one for one in (
    Kept("openai", "SFT, OpenAI chat", "Supervised fine-tuning at OpenAI and what takes its files.", ("messages",),
         (*_CHOSEN, *_COMPARED), _schema({"messages": _ENDS}), OPENAI, _openai),
    Kept("messages", "SFT, Hugging Face messages", "Supervised fine-tuning with TRL's SFTTrainer.", ("messages",),
         (*_CHOSEN, *_COMPARED), _schema({"messages": _ENDS}), TRL, _messages),
    Kept("dpo", "Preference pairs (DPO)", "DPOTrainer: the chosen answer against the rejected one.",
         ("prompt", "chosen", "rejected"), _COMPARED,
         _schema({"prompt": _MESSAGES, "chosen": _ENDS, "rejected": _ENDS}), TRL, _dpo),
    Kept("kto", "Good and bad answers (KTO)", "KTOTrainer: answers that are good (true) or not (false).",
         ("prompt", "completion", "label"), (*_CHOSEN, *_COMPARED),
         _schema({"prompt": _MESSAGES, "completion": _ENDS, "label": {"type": "boolean"}}), TRL, _kto),
    Kept("reward", "Scored answers (RLHF)", "A reward model by regression: an answer and its score.",
         ("prompt", "response", "score"), _CHOSEN,
         _schema({"prompt": _MESSAGES, "response": _ENDS, "score": {"type": "number"}}), TRL, _reward),
    Kept("reward-pairs", "Reward pairs (RLHF)", "RewardTrainer: whole conversations, the better and the worse.",
         ("chosen", "rejected"), _COMPARED, _schema({"chosen": _ENDS, "rejected": _ENDS}), TRL, _reward_pairs),
)}  # fmt: skip


def examples(wanted: Wanted, asked: Asked, item: Labelled) -> Iterator[Example]:
    """What an item comes to in the format. Raises finetuning.LeftOutError: nothing, and why."""
    if wanted.format in {"openai", "messages"}:
        return demonstrations(item, asked, wanted.good, contexts=wanted.contexts)
    if wanted.format in {"dpo", "reward-pairs"}:
        return pairs(item, asked, contexts=wanted.contexts)
    if wanted.format == "kto":
        return verdicts(item, asked, wanted.good, contexts=wanted.contexts)
    return scored(item, asked, contexts=wanted.contexts)


def check_kind(wanted: Wanted, asked: Asked) -> None:
    """Raises TrainingDataError: the field's kind makes no such file; names the formats that it makes."""
    one = FORMATS[wanted.format]
    if asked.kind not in one.kinds:
        fit = [name for name, other in FORMATS.items() if asked.kind in other.kinds]
        makes = f"It makes {', '.join(fit)}." if fit else "Labels of this kind make no training file."
        raise TrainingDataError(
            f"Field {asked.name!r} is of kind {asked.kind}, which makes no {wanted.format}. {makes}"
        )


def catalogue() -> list[Row]:
    """The formats as the API tells them."""
    return [
        {
            "format": one.name, "title": one.title, "trains": one.trains, "columns": list(one.columns),
            "kinds": list(one.kinds), "source": one.source, "schema": one.schema,
        }
        for one in FORMATS.values()
    ]  # fmt: skip
