"""A suite with several things varied: one document for each combination of the values, an arm. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import product
from typing import Any

from pydantic import JsonValue

from evaluators.errors import EvaluatorError
from evaluators.suites.suite import parse_suite
from server.yaml_lines import parsed

MOST_LETTERS = 1_000_000  # of the document
MOST_ARMS = 50
MOST_TOGETHER = 10  # runs that one comparison takes
CLIPPED = 32  # letters of a value in an arm's name
SHORT: Mapping[str, str] = {
    "model": "target.model.model", "prompt": "target.model.prompt", "system": "target.model.system",
    "url": "target.http.url",
}  # fmt: skip
"""Short names of what is varied most, and the paths that they stand for."""
PARAMETERS = "target.model.parameters."
KNOWN = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "reasoning_effort", "frequency_penalty",
    "presence_penalty", "verbosity",
)  # fmt: skip
"""Parameters that need no `parameters.` before their name; those that the suite names need none either."""
TOPS = ("dataset", "target", "repeats", "seed")
"""Keys of a suite below which something may be varied. Of other evaluators or gates nothing could be compared."""
HARMLESS = ("target.model.model", "target.model.prompt", "target.model.system", "dataset.version", "dataset.split",
            "dataset.sample", "repeats", "seed")  # fmt: skip
"""Paths whose values neither name where a key is sent nor which file is read; parameters of a model are such too."""
_PROMPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}(?:@[A-Za-z0-9][A-Za-z0-9._-]{0,49})?")

Told = dict[str, Any]
Over = Mapping[str, Sequence[JsonValue]]
"""What is varied: a path or a short name, and its values. Null for a value: the key is left out."""


class GridError(EvaluatorError):
    """What cannot be varied so: names the path, the value, the rule and what to do."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One combination."""

    values: dict[str, JsonValue]  # by short name, else path, in the order in which they were varied
    name: str  # what sets it apart from the other arms; empty: nothing is varied
    document: str  # YAML


@dataclass(frozen=True, slots=True)
class Newest:
    """What a store's newest versions are, by project, so that all arms have the same; null: the run's own project."""

    datasets: Mapping[str | None, Mapping[str, int]] = field(default_factory=dict)
    """Name to version. One that is not there stays open, and the run tells what is wrong with it."""
    prompts: Mapping[str | None, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    """Name to label to version, `latest` too; likewise."""


def read_over(told: Iterable[str]) -> dict[str, list[JsonValue]]:
    """What `--over PATH=VALUE,VALUE` says: values as YAML scalars between commas, or a JSON list.

    Raises:
        GridError: it is not of that form, or names a path twice.
    """
    found: dict[str, list[JsonValue]] = {}
    for one in told:
        path, sign, text = one.partition("=")
        path = path.strip()
        if not sign or not path or not text.strip():
            raise GridError(f"{one!r} varies nothing: write PATH=VALUE,VALUE, such as temperature=0,0.7.")
        if path in found:
            raise GridError(f"{path!r} is varied twice. Give all its values at once: {path}=VALUE,VALUE.")
        found[path] = values_of(path, text.strip())
    return found


def values_of(path: str, text: str) -> list[JsonValue]:
    """The values that a text names, as `read_over` reads them. Raises GridError."""
    if text.startswith("["):
        try:
            listed: list[JsonValue] = json.loads(text)
        except ValueError as error:
            what = f"{path}: {text[:CLIPPED]!r} begins as a JSON list does, and is none ({error})."
            raise GridError(f'{what} Write {path}=["one value","another"].') from error
        return listed
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise GridError(f"{path}={text} has an empty value. Leave the comma out, or write null to leave the key out.")
    return [_scalar(part) for part in parts]


def _scalar(text: str) -> JsonValue:
    """A YAML scalar; what YAML reads as anything else, such as a template or a date, is a text."""
    try:
        value = parsed(text, "a value", MOST_LETTERS, GridError)
    except GridError:
        return text
    return value if value is None or isinstance(value, str | int | float | bool) else text


def arms(
    document: str, origin: str, over: Over, newest: Newest | None = None, base: Mapping[str, JsonValue] | None = None
) -> list[Arm]:  # fmt: skip
    """The arms of a suite, in the order of the values, the last path fastest.

    Each document is a suite that is checked as every suite is. One that says what the suite says is the text itself; of
    others comments are gone, and keys stay in their order.

    Args:
        document: the suite's text.
        origin: what errors call it.
        over: what is varied; nothing: there is one arm.
        newest: pins versions of a stored dataset and prompt that the suite leaves open; null: they stay open.
        base: what is set in all arms before, by path; it is no part of their values.

    Raises:
        GridError: a path cannot be varied, has no values, a value twice, or there are more than 50 combinations.
        EvaluatorError: an arm is no suite.
    """
    told = parsed(document, origin, MOST_LETTERS, GridError)
    parse_suite(told, origin)
    suite = _varied(told, base or {})
    paths = _paths(over, suite)
    _check(over, paths)
    combinations = [dict(zip(paths, values, strict=True)) for values in product(*over.values())]
    names = names_of(combinations)
    made = []
    for name, values in zip(names, combinations, strict=True):
        varied = _pinned(_varied(suite, values), newest)
        parse_suite(varied, f"{origin}, {name}" if name else origin)
        made.append(Arm(values, name, document if varied == told else dumped(varied)))
    return made


def harmless(over: Iterable[str], document: Mapping[str, Any]) -> bool:
    """Whether a trusted file with these paths varied is as harmless as the file: no key goes elsewhere by them."""
    paths = [_path(key, document) for key in over]
    return all(path in HARMLESS or path.startswith(PARAMETERS) for path in paths)


def _paths(over: Over, told: Told) -> dict[str, str]:
    """The path of each key, by what it is shown as. Raises GridError."""
    found: dict[str, str] = {}
    for key in over:
        path = _path(key, told)
        shown = shown_as(path)
        if shown in found:
            raise GridError(f"over: {key!r} and another key are both {path}. Give all its values under one of them.")
        found[shown] = path
    return found


def shown_as(path: str) -> str:
    """A path by its short name, where it has one."""
    if path.startswith(PARAMETERS):
        name = path.removeprefix(PARAMETERS)
        return name if name in KNOWN else f"parameters.{name}"
    return next((short for short, whole in SHORT.items() if whole == path), path)


def _path(key: str, told: Mapping[str, Any]) -> str:
    path = _spelled(key, told)
    steps = path.split(".")
    if steps[0] not in TOPS or not all(steps):
        _refuse(key)
    if steps[0] == "target" and len(steps) > 1 and steps[1] not in (told.get("target") or {}):
        ways = ", ".join(told["target"])
        raise GridError(
            f"over: {key!r} is {path}, and the suite's target is {ways}: it has no {steps[1]}. Vary something of "
            f"{ways}, or take another suite."
        )
    return path


def _spelled(key: str, told: Mapping[str, Any]) -> str:
    if key in SHORT:
        return SHORT[key]
    if key.startswith("parameters."):
        return f"target.model.{key}"
    model = (told.get("target") or {}).get("model")
    named = (model or {}).get("parameters") if isinstance(model, Mapping) else None
    if key in KNOWN or (isinstance(named, Mapping) and key in named and key not in TOPS):
        return PARAMETERS + key
    return key


def _refuse(key: str) -> None:
    if key.partition(".")[0] in {"suite", "evaluators", "gates", "judges", "own_evaluators"}:
        raise GridError(
            f"over: {key!r} stays as it is, so that all arms are scored alike and can be compared. Make a suite of its "
            "own for other evaluators."
        )
    known = (*SHORT, *KNOWN, "dataset.version", "repeats", "seed")
    close = get_close_matches(key, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise GridError(
        f"over: {key!r} is nothing that can be varied.{hint} Short names: {', '.join(known)}; any other parameter of "
        "the model is parameters.NAME, and any key below dataset or target a path with dots, such as "
        "target.model.base_url."
    )


def _check(over: Over, paths: Mapping[str, str]) -> None:
    count = 1
    for key, values in over.items():
        if not values:
            raise GridError(f"over: {key!r} has no values. Give at least one, or leave it out.")
        texts = [json.dumps(value, sort_keys=True) for value in values]
        twice = next((text for place, text in enumerate(texts) if text in texts[:place]), None)
        if twice is not None:
            raise GridError(f"over: {key!r} has the value {_clip(twice)} twice. Answers to one are asked by `repeats`.")
        count *= len(values)
    if count > MOST_ARMS:
        sizes = " x ".join(f"{len(values)} of {shown}" for shown, values in zip(paths, over.values(), strict=True))
        raise GridError(
            f"over: {sizes} make {count:,} arms, and an experiment has at most {MOST_ARMS}. Leave some values out "
            f"(one comparison takes {MOST_TOGETHER} runs)."
        )


def names_of(combinations: Sequence[Mapping[str, JsonValue]]) -> list[str]:
    """What tells arms apart; of a single one all that it sets. What an arm does not set is told as `-`."""
    shown = list(dict.fromkeys(key for one in combinations for key in one))
    texts = [{key: json.dumps(one[key], sort_keys=True) if key in one else "" for key in shown} for one in combinations]
    differs = [key for key in shown if len(texts) == 1 or len({one[key] for one in texts}) > 1]
    names = [name_of({key: one.get(key, "-") for key in differs}) for one in combinations]
    return [f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
            for place, name in enumerate(names)]  # fmt: skip


def name_of(values: Mapping[str, JsonValue]) -> str:
    """An arm in a line: `model=gpt-4o, temperature=0.7`. Long values are clipped."""
    return ", ".join(f"{shown.removeprefix('parameters.')}={_short(value)}" for shown, value in values.items())


def _short(value: JsonValue) -> str:
    if isinstance(value, dict) and "stored" in value:
        which = value.get("version") or value.get("label")
        return _clip(f"{value['stored']}@{which}" if which else str(value["stored"]))
    return _clip(" ".join(value.split()) if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _clip(text: str) -> str:
    return text if len(text) <= CLIPPED else text[: CLIPPED - 1] + "…"


def _varied(told: Told, values: Mapping[str, JsonValue]) -> Told:
    made = deepcopy(told)
    for shown, value in values.items():
        path = _spelled(shown, told)
        _set(made, path.split("."), _prompt(value, told) if path == SHORT["prompt"] else value, shown)
    return made


def _set(told: Told, steps: Sequence[str], value: JsonValue, shown: str) -> None:
    """Put a value where the steps lead; null takes the key away. Raises GridError: they lead nowhere."""
    part: Any = told
    for at, step in enumerate(steps[:-1]):
        if isinstance(part, list) and step.isdigit() and int(step) < len(part):
            part = part[int(step)]
            continue
        if isinstance(part, dict) and part.get(step) is None:
            part[step] = {}
        if not isinstance(part, dict) or not isinstance(part[step], dict | list):
            raise GridError(f"over: {shown!r} leads nowhere: {'.'.join(steps[: at + 1])} of the suite has no keys.")
        part = part[step]
    last = steps[-1]
    if isinstance(part, list):
        if not last.isdigit() or int(last) >= len(part):
            raise GridError(f"over: {shown!r} leads nowhere: the list has the places 0 to {len(part) - 1}.")
        part[int(last)] = value
    elif value is None:
        part.pop(last, None)
    else:
        part[last] = value


def _prompt(value: JsonValue, told: Told) -> JsonValue:
    """What `prompt` says: a text, or a stored prompt as NAME, NAME@VERSION, NAME@LABEL.

    Of a suite whose prompt is stored a number or a word alone is a version or label of it. A value is a text where it
    has white space or a placeholder.
    """
    now = told["target"]["model"].get("prompt")
    kept = {key: one for key, one in now.items() if key in {"stored", "project"}} if isinstance(now, dict) else None
    if isinstance(value, bool):
        raise GridError(f"over: prompt: {value!r} is no prompt: write a text, or NAME@VERSION of a stored one.")
    if isinstance(value, int | float):
        return _version(value, kept)
    if not isinstance(value, str) or not _PROMPT.fullmatch(value):
        return value
    name, sign, which = value.partition("@")
    if not sign and kept is not None:
        return kept | {"label": name}
    stored: Told = dict(kept) if kept is not None and kept["stored"] == name else {"stored": name}
    if which:
        stored |= {"version": int(which)} if which.isdigit() else {"label": which}
    return stored


def _version(value: float, kept: Mapping[str, JsonValue] | None) -> JsonValue:
    if kept is None:
        raise GridError(
            f"over: prompt: {value!r} is a version, and the suite's prompt is no stored one. Write NAME@{value}."
        )
    return {**kept, "version": value}


def _pinned(told: Told, newest: Newest | None) -> Told:
    """The document with the versions that it leaves open."""
    if newest is None:
        return told
    dataset, model = told["dataset"], told["target"].get("model") or {}
    if dataset.get("stored") and dataset.get("version") is None:
        version = newest.datasets.get(dataset.get("project"), {}).get(dataset["stored"])
        told["dataset"] = dataset | ({} if version is None else {"version": version})
    prompt = model.get("prompt")
    if isinstance(prompt, dict) and prompt.get("version") is None:
        labels = newest.prompts.get(prompt.get("project"), {}).get(prompt["stored"], {})
        version = labels.get(prompt.get("label") or "latest")
        if version is not None:
            left = {key: value for key, value in prompt.items() if key != "label"}
            told["target"]["model"] = model | {"prompt": left | {"version": version}}
    return told


def dumped(told: Told | list[Told]) -> str:
    """A document as YAML: keys in their order, texts of several lines as blocks."""
    import yaml  # noqa: PLC0415 - only where a text is written

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)

    Dumper.add_representer(str, text)
    return str(yaml.dump(told, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100))
