"""The models of columns: which can be chosen, and what a column's fields make of one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Row = dict[str, Any]

PROVIDERS: Mapping[str, str] = {
    "openai": "OpenAI, or any endpoint of its protocol", "anthropic": "Anthropic", "bedrock": "Amazon Bedrock",
}  # fmt: skip
SOURCES: Mapping[str, str] = {"judge": "judge", "suite": "suite", "traffic": "seen in traffic"}


class ColumnError(ValueError):
    """What was typed for a model cannot be; says which field."""


def label(one: Mapping[str, Any]) -> str:
    """What a model is called in the list, whatever else is in it: its name, and where it is asked if that is told."""
    provider = "" if one["provider"] == "openai" else f" of {one['provider']}"
    return f"{one['model']}{provider}{_at(one['base_url'])}"


def _at(base: str | None) -> str:
    return f" at {urlsplit(base).netloc}" if base else ""


def labelled(every: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    """The models by what they are called, those that can be asked first."""
    order = sorted(every, key=lambda one: not one["usable"])
    return {label(one): dict(one) for one in order}


def fields(one: Mapping[str, Any]) -> Row:
    """A model of the list as the fields of a column."""
    parameters = dict(one["parameters"])
    return {
        "provider": one["provider"], "base": one["base_url"] or "", "key": one["key_env"],
        "region": one["region"] or "", **parameter_fields(parameters),
    }  # fmt: skip


def parameter_fields(parameters: Mapping[str, Any]) -> Row:
    """Parameters as the fields of a column: temperature and max_tokens have their own, the rest is JSON."""
    rest = dict(parameters)
    temperature, most = rest.get("temperature"), rest.get("max_tokens")
    told: Row = {"temperature": None, "max": None}
    if isinstance(temperature, int | float) and not isinstance(temperature, bool) and 0 <= temperature <= 2:
        told["temperature"] = float(rest.pop("temperature"))
    if isinstance(most, int) and not isinstance(most, bool) and most > 0:
        told["max"] = rest.pop("max_tokens")
    return told | {"json": json.dumps(rest, ensure_ascii=False) if rest else ""}


def name_of(column: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    """The model as its provider names it; '': none is chosen."""
    chosen = str(column["model"] or "").strip()
    if chosen in known:
        return str(known[chosen]["model"])
    return chosen.removesuffix(_at(column["base"]))  # one that was in the list, and is no more


def settings(column: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Row:
    """A column as `POST /api/playground` takes it. Raises ColumnError: no model, or its JSON is none."""
    model = name_of(column, known)
    if not model:
        raise ColumnError("Choose a model, or type its name.")
    return {
        "provider": column["provider"], "model": model, "base_url": str(column["base"] or "").strip() or None,
        "key_env": column["key"], "region": str(column["region"] or "").strip() or None,
        "parameters": parameters(column),
    }  # fmt: skip


def parameters(column: Mapping[str, Any]) -> Row:
    """The parameters of a column. Raises ColumnError: its JSON is no object."""
    typed = str(column["json"] or "").strip()
    try:
        told = json.loads(typed) if typed else {}
    except ValueError as error:
        raise ColumnError(f"More parameters: this is no JSON: {error}.") from error
    if not isinstance(told, dict):
        raise ColumnError('More parameters: this is no JSON object, such as {"top_p": 0.9}.')
    own = {"temperature": column["temperature"], "max_tokens": column["max"]}
    return {**{name: value for name, value in own.items() if value is not None}, **told}


def told(column: Mapping[str, Any]) -> str:
    """Its parameters in a line; '': none."""
    try:
        found = parameters(column)
    except ColumnError as error:
        return str(error)
    return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
