"""Doors to datasets. A version never changes, so its pages are cached; what is newest is asked each time."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from app import data

Row = dict[str, Any]
Params = tuple[tuple[str, Any], ...]
_KEPT = 128


def datasets() -> list[Row]:
    """The datasets by name; see `GET /api/datasets`."""
    return data.client().datasets()


def dataset(name: str, version: int | None = None) -> Row:
    """One dataset with its versions, and `tags` and `splits` of a version."""
    return data.client().dataset(name, version)


def create(name: str, description: str) -> Row:
    """Make a dataset without items."""
    return data.client().create_dataset(name, description)


def describe(name: str, description: str) -> None:
    """Say anew what a dataset is."""
    data.client().describe_dataset(name, description)


def forget(name: str) -> None:
    """Forget a dataset with all its versions."""
    data.client().delete_dataset(name)
    _items.clear()
    _diff.clear()


def items(told: Mapping[str, Any], **params: Any) -> Row:
    """A page of items of the version that is shown; see `GET /api/datasets/{name}/items` for the filters."""
    return _items(data.place(), *_version(told), tuple(sorted(params.items())))


def _version(told: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells a version from every other one, also from that of a dataset that had the name before."""
    return str(told["name"]), str(told["created_at"]), int(told["shown"])


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _items(place: data.Place, name: str, created_at: str, version: int, params: Params) -> Row:  # noqa: ARG001 - keys the cache
    return data.client_of(place).dataset_items(name, version=version, **dict(params))


def item(name: str, item_id: str, version: int | None = None) -> Row:
    """One item with its history."""
    return data.client().dataset_item(name, item_id, version)


def diff(told: Mapping[str, Any], older: int, newer: int, **params: Any) -> Row:
    """What differs between two versions."""
    name, created_at, _ = _version(told)
    return _diff(data.place(), name, created_at, older, newer, tuple(sorted(params.items())))


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _diff(place: data.Place, name: str, created_at: str, older: int, newer: int, params: Params) -> Row:  # noqa: ARG001, PLR0917
    return data.client_of(place).dataset_diff(name, older, newer, **dict(params))


def change(name: str, wanted: Mapping[str, Any]) -> Row | None:
    """Change items; raises ApiError, status 409, where somebody else changed them since."""
    return data.client().change_dataset(name, wanted)


def with_text(name: str, text: str) -> list[Row]:
    """Items of the newest version that have this text in a field, a page at most; of no such dataset none."""
    try:
        found: list[Row] = data.client().dataset_items(name, text=text)["items"]
    except data.ApiError as error:
        if error.status == 404:
            return []
        raise
    return found


def add_item(name: str, item: Mapping[str, Any], note: str) -> Row | None:
    """Add an item to the newest version of a dataset, which is made where there is none of the name."""
    data.client().create_dataset(name)
    base = data.client().dataset(name)["version"]
    return data.client().change_dataset(name, {"base": base, "set": [dict(item)], "note": note})


def split(name: str, rule: Mapping[str, Any]) -> Row | None:
    """Give items splits by a rule."""
    return data.client().split_dataset(name, rule)


def check(name: str, wanted: Mapping[str, Any]) -> Row:
    """What checks find, and mend where that is wanted."""
    return data.client().check_dataset(name, wanted)


def take_in(name: str, file: str, content: bytes, **params: Any) -> Row:
    """Make items of a file, or say what would be."""
    return data.client().import_dataset(name, file, content, **params)


def from_traces(name: str, wanted: Mapping[str, Any]) -> Row:
    """Make items of traces, or say what would be."""
    return data.client().dataset_from_traces(name, wanted)


def export(
    name: str, version: int, format_: Literal["jsonl", "csv", "parquet", "openai"], **params: Any
) -> tuple[bytes, Row]:  # fmt: skip
    """A version as a file, and what is to be told of it."""
    out = io.BytesIO()
    told = data.client().export_dataset(name, out, format_, version=version, **params)
    return out.getvalue(), told
