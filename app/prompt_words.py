"""Texts of prompts as safe HTML: with their variables in sight, and two versions word by word. Pure.

The text is untrusted. It is escaped whole, and the only tags are ours; so `st.html` may draw it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from app import format as fmt

_PIECE = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_TEXT = (
    "font-size:0.93rem;line-height:1.55;white-space:pre-wrap;overflow-wrap:anywhere;"
    "border-left:2px solid {line};padding:2px 0 2px 10px"
)
_LINES = {"system": "#8a63d2", "user": "#2f7fd1", "assistant": "#2e9e6b"}
_FILLED = "background:color-mix(in srgb, #2f7fd1 16%, transparent);border-radius:3px;padding:0 2px"
_LOGIC = "opacity:0.7;font-style:italic"
_OUT = "background:color-mix(in srgb, #d1483f 24%, transparent);color:inherit;text-decoration:line-through"
_IN = "background:color-mix(in srgb, #2e9e6b 26%, transparent);color:inherit;text-decoration:none"
FOLD, CONTEXT = 600, 160  # letters that are the same, from which a stretch is folded; and that stay in sight


def templated(text: str, role: str = "") -> str:
    """A text with what is filled in, and what decides, told apart from what is said."""
    return _framed("".join(_piece(one) for one in _PIECE.split(text)), role)


def _piece(text: str) -> str:
    if text.startswith("{{") and text.endswith("}}"):
        return f'<span style="{_FILLED}">{_safe(text)}</span>'
    if text.startswith(("{%", "{#")):
        return f'<span style="{_LOGIC}">{_safe(text)}</span>'
    return _safe(text)


def compared(parts: Sequence[Sequence[str]], role: str = "") -> str:
    """Two texts as one: what went is struck out, what came is underlaid; long stretches of neither are folded."""
    return _framed("".join(_part(op, text) for op, text in parts), role)


def _part(op: str, text: str) -> str:
    if op == "same":
        return _same(text)
    tag, style = ("del", _OUT) if op == "out" else ("ins", _IN)
    return f'<{tag} style="{style}">{_safe(text)}</{tag}>'


def _same(text: str) -> str:
    if len(text) <= FOLD:
        return _safe(text)
    hidden = text[CONTEXT:-CONTEXT]
    fold = (
        '<details style="display:inline"><summary style="display:inline;cursor:pointer;opacity:0.75">'
        f" … {len(hidden):,} letters that are the same … </summary>{_safe(hidden)}</details>"
    )
    return _safe(text[:CONTEXT]) + fold + _safe(text[-CONTEXT:])


def _framed(inner: str, role: str) -> str:
    return f'<div style="{_TEXT.format(line=_LINES.get(role, "#9aa5b4"))}">{inner}</div>'


def _safe(text: str) -> str:
    return escape(fmt.straight(text), quote=False)


def title(one: Mapping[str, Any]) -> str:
    """What a compared message is: `user`, `user, added`, `system, was user`."""
    if one["role_from"] is None:
        return f"{one['role_to']}, added"
    if one["role_to"] is None:
        return f"{one['role_from']}, removed"
    return str(one["role_to"]) if one["role_from"] == one["role_to"] else f"{one['role_to']}, was {one['role_from']}"


def change(name: str, one: Mapping[str, Any]) -> str:
    """One parameter or tool: `temperature: 0.2 → 0`, `find: added`."""
    if one["change"] in {"added", "removed"}:
        told = one["to"] if one["change"] == "added" else one["from"]
        return f"{name}: {one['change']}" + (f", {told}" if not isinstance(told, dict | list) else "")
    return f"{name}: {one['from']} → {one['to']}"
