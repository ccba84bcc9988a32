"""A model call's messages on the page.

Everything here is untrusted text: it goes through `st.text` and `st.code`, which draw letters, never through Markdown
or HTML, which could fetch what the text names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import format as fmt

LONGEST = 20_000  # letters of one part that are drawn at once; the rest is one click away


def messages(said: Sequence[Mapping[str, Any]], key: str, *, border: bool = True) -> None:
    """Canonical messages (see ARCHITECTURE.md), oldest first; `key` makes the parts' widgets unique on the page."""
    for index, message in enumerate(said):
        with st.container(border=border, gap="xsmall"):
            _heading(message)
            for place, part in enumerate(message.get("parts") or []):
                _part(part, f"{key}-{index}-{place}")


def _heading(message: Mapping[str, Any]) -> None:
    words = [f"**{fmt.plain(str(message.get('role', 'unknown')))}**"]
    if message.get("name"):
        words.append(fmt.plain(str(message["name"])))
    if message.get("finish_reason"):
        words.append(f"finished: {fmt.plain(str(message['finish_reason']))}")
    st.caption(" · ".join(words))


def _part(part: Mapping[str, Any], key: str) -> None:
    kind = part.get("type")
    if kind == "text":
        text(str(part.get("content") or ""), key)
    elif kind == "reasoning":
        with st.expander("Reasoning"):
            text(str(part.get("content") or ""), key)
    elif kind == "tool_call":
        st.caption(f"calls tool **{fmt.plain(str(part.get('name')))}**{_id(part)}")
        value(part.get("arguments"), key)
    elif kind == "tool_call_response":
        st.caption(f"tool result{_id(part)}")
        value(part.get("response"), key)
    elif kind in {"uri", "blob", "file"}:
        _media(part)
    else:
        value({name: item for name, item in part.items() if name != "type"}, key)
    if part.get("cut"):
        st.badge("Cut by the sender", icon=":material/content_cut:", color="orange")


def _id(part: Mapping[str, Any]) -> str:
    return f", id {fmt.plain(str(part['id']))}" if part.get("id") else ""


def _media(part: Mapping[str, Any]) -> None:
    """A placeholder: fetching what a span names would tell its author who reads it."""
    kind = str(part.get("mime_type") or part.get("modality") or "attachment")
    st.badge(f"{fmt.plain(kind)}, not fetched", icon=":material/image:", color="gray")
    where = str(part.get("uri") or part.get("file_id") or f"{len(str(part.get('content') or '')):,} letters of data")
    st.code(where[:500], language=None, wrap_lines=True)


def text(content: str, key: str) -> None:
    """Text as sent. JSON is laid out; what is longer than 20,000 letters is cut and says so."""
    laid_out = pretty(content)
    if laid_out is not None:
        _long(laid_out, key, lambda shown: st.code(shown, language="json", wrap_lines=True))
    else:
        _long(content, key, st.text)


def value(item: object, key: str) -> None:
    """Arguments or a result: JSON laid out, anything else as text."""
    if isinstance(item, str):
        text(item, key)
    else:
        _long(
            json.dumps(item, indent=2, ensure_ascii=False), key,
            lambda shown: st.code(shown, language="json", wrap_lines=True),
        )  # fmt: skip


def code(content: str, key: str) -> None:
    """Text in which columns count, such as a stack trace."""
    _long(content, key, lambda shown: st.code(shown, language=None, wrap_lines=True))


def pretty(content: str) -> str | None:
    """JSON objects and lists laid out over lines; null when `content` is not one."""
    if not content.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    except ValueError:
        return None


def _long(content: str, key: str, draw: Any) -> None:
    whole = len(content) <= LONGEST or st.toggle(f"Whole text, {len(content):,} letters", key=f"whole-{key}")
    draw(content if whole else content[:LONGEST] + " …")
