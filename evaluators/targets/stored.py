"""A stored prompt in the place of its name: what a model target sends is what a version of it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.errors import EvaluatorError
from evaluators.targets.config import MessageSettings, ModelSettings, own_member
from evaluators.targets.templates import KNOWN, Template


def with_prompt(settings: ModelSettings, said: Mapping[str, Any]) -> ModelSettings:
    """The settings with the texts of a version, and with its parameters and tools where they name none of their own.

    `said`: `text` or `messages`, `parameters`, `tools`. A variable that no field of an item is called by is taken from
    the item's metadata.

    Raises:
        TemplateError: a text is no template.
        EvaluatorError: its parameters name the model, the messages or the streaming.
    """
    if (problem := own_member(said.get("parameters") or {})) is not None:
        raise EvaluatorError(f"The stored prompt: {problem}")
    tools = {"tools": list(said["tools"])} if said.get("tools") else {}
    changes: dict[str, Any] = {"parameters": {**tools, **(said.get("parameters") or {}), **settings.parameters}}
    if said.get("text") is not None:
        changes["prompt"] = over_items(said["text"])
    else:
        turns = [MessageSettings(role=one["role"], content=over_items(one["content"])) for one in said["messages"]]
        changes |= {"prompt": None, "messages": tuple(turns)}
    return settings.model_copy(update=changes)


def over_items(text: str) -> str:
    """A template with variables of any name as one over items."""
    own = [name for name in Template(text, names=None).variables if name not in KNOWN]
    return "".join(f"{{% set {name} = metadata[{name!r}] %}}" for name in own) + text
