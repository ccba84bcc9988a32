"""What the playground shows as a suite over a dataset: its prompt, its models as arms. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server import prompts
from server.evals.grid import dumped

Json = dict[str, Any]

_LONGEST = 100  # letters of a suite's name; a dataset is named by the same letters


def suite(content: Json, models: Sequence[Json], dataset: Json, evaluators: Sequence[Any]) -> Json:
    """`name`, `document` (YAML) and `over` of `POST /api/experiments`; else `problem`. Plain, for another process.

    Args:
        content: `text`, or `messages`, with any variables: those that no field of an item is called by are taken from
            its metadata; or `stored` and `version` of a prompt.
        models: parts of `target.model` of a suite, one an arm. Two that are alike are one.
        dataset: as a suite has it.
        evaluators: likewise.
    """
    from evaluators.targets.templates import TemplateError  # noqa: PLC0415 - loads jinja2

    try:
        prompt = _prompt(content)
    except (TemplateError, prompts.PromptError) as error:
        return {"problem": str(error)}
    arms = _distinct([_model(one) for one in models])
    told = {
        "suite": f"playground-{dataset['stored']}"[:_LONGEST], "description": "Made in the playground.",
        "dataset": _given(dataset), "target": {"model": {**arms[0], **prompt}},
        "evaluators": list(evaluators),
    }  # fmt: skip
    return {"name": told["suite"], "document": dumped(told), "over": _over(arms, prompt)}


def _prompt(content: Json) -> Json:
    """As messages, so that a suite sends what the playground did, and no system prompt of the item beside it."""
    from evaluators.targets.stored import over_items  # noqa: PLC0415 - as above

    if content.get("stored") is not None:
        return {"prompt": _given({"stored": content["stored"], "version": content.get("version")})}
    held = prompts.content_of(content)
    turns = held.messages or (prompts.Message(role="user", content=held.text or ""),)
    return {"messages": [{"role": one.role, "content": over_items(one.content)} for one in turns]}


def _model(told: Json) -> Json:
    """What tells models apart first: an arm is called by the beginning of it."""
    order = ("model", "parameters", "provider", "base_url", "key_env", "region")
    kept = {name: told[name] for name in order if told.get(name) not in (None, {})}
    return kept if kept.get("provider") != "openai" else {key: kept[key] for key in kept if key != "provider"}


def _given(told: Mapping[str, Any]) -> Json:
    return {name: value for name, value in told.items() if value is not None}


def _distinct(models: Sequence[Json]) -> list[Json]:
    return [one for place, one in enumerate(models) if one not in models[:place]]


def _over(arms: Sequence[Json], prompt: Json) -> dict[str, list[Any]]:
    """What is varied. One thing alone is named by itself, so that arms are called by it; else the whole model is."""
    if len(arms) < 2:
        return {}
    flat = [_flat(one) for one in arms]
    differs = [path for path in dict.fromkeys(path for one in flat for path in one)
               if any(one.get(path) != flat[0].get(path) for one in flat)]  # fmt: skip
    if len(differs) == 1:
        return {differs[0]: [one.get(differs[0]) for one in flat]}
    return {"target.model": [{**one, **prompt} for one in arms]}


def _flat(arm: Json) -> Json:
    """By the paths of an experiment's `over`."""
    own = {"model": arm["model"], **{f"parameters.{name}": value for name, value in arm.get("parameters", {}).items()}}
    return {**own, **{f"target.model.{key}": arm[key] for key in arm if key not in {"model", "parameters"}}}
