"""Doors to prompts. What people change is never cached; what traffic says of versions is, by the store's watermark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def prompts(text: str, tag: str, label: str) -> list[Row]:
    """The prompts by name; see `GET /api/prompts`. '' filters nothing."""
    return data.client().prompts(text or None, tag or None, label or None)


def prompt(name: str, version: int | None = None) -> Row:
    """One version with all that it says; null: the newest."""
    return data.client().prompt(name, version=version)


def versions(name: str) -> Row:
    """Its versions, labels, tags and the history of its labels."""
    return data.client().prompt_versions(name)


def diff(name: str, older: int, newer: int) -> Row:
    """What differs between two versions; see `GET /api/prompt-diff/{name}`."""
    return _diff(data.place(), name, older, newer)


@st.cache_data(max_entries=64, show_spinner=False)
def _diff(place: data.Place, name: str, older: int, newer: int) -> Row:
    return data.client_of(place).prompt_diff(name, older, newer)


def draft_diff(name: str, content: Mapping[str, Any], older: int) -> Row:
    """What a content would change of a version; fields as of `diff`."""
    return data.client().prompt_draft_diff(name, content, older)


def check(content: Mapping[str, Any]) -> Row:
    """What is wrong with a content: `problems`; else `variables`, `hash`."""
    return data.client().check_prompt(content)


def set_prompt(name: str, content: Mapping[str, Any], **more: Any) -> Row:
    """A new version. Raises ApiError, `refused`: it cannot be, or another has changed it meanwhile."""
    return data.client().set_prompt(name, content, **more)


def forget(name: str, confirm: str | None) -> None:
    """Take a prompt from the lists; its versions stay."""
    data.client().forget_prompt(name, confirm)


def move_label(name: str, label: str, version: int, **more: Any) -> None:
    """Let a label name a version. Raises ApiError, `refused`: it is protected, and was not confirmed."""
    data.client().move_label(name, label, version, **more)


def remove_label(name: str, label: str, **more: Any) -> None:
    """Remove a label."""
    data.client().remove_label(name, label, **more)


def templates() -> list[Row]:
    """Prompts to begin with: `name`, `note`, `tags`, `content`."""
    return data.client().prompt_templates()


def files(name: str | None = None) -> list[Row]:
    """Prompts as files for git: `path`, `text`."""
    return data.client().prompt_files(name)


def take(files: Sequence[Mapping[str, str]], label: str | None, confirm: str | None, *, dry_run: bool) -> list[Row]:
    """Set the prompts of files, or say what that would change; see `POST /api/prompt-files`."""
    return data.client().take_prompt_files(files, label=label, confirm=confirm, dry_run=dry_run)


def usage(since: datetime, until: datetime, name: str | None = None) -> Row:
    """Traffic by prompt and version: `rows`, `cut`; see `GET /api/prompt-usage`. A minute old at most."""
    return _usage(data.place(), data.watermark(), since, until, name)


@st.cache_data(max_entries=64, ttl=timedelta(minutes=1), show_spinner=False)
def _usage(place: data.Place, mark: str, since: datetime, until: datetime, name: str | None) -> Row:  # noqa: ARG001 - `mark` keys the cache
    return data.client_of(place).prompt_usage(since, until, name)


def address() -> str:
    """Where the server's API is, for what is shown to copy."""
    return data.place()[0]
