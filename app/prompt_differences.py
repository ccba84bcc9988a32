"""What differs between two contents of a prompt, drawn: texts word by word, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import format as fmt
from app import prompt_words


def shown(found: Mapping[str, Any]) -> None:
    """`found`: as `GET /api/prompt-diff/{name}` tells it, where something differs."""
    with st.container(gap=None):
        for line in changes(found):
            st.text(fmt.clip(line, 400))
    same = 0
    for one in found["texts"]:
        if not one["changed"]:
            same += 1
            continue
        role = one["role_to"] or one["role_from"]
        with st.container(gap=None):
            st.caption(prompt_words.title(one))
            st.html(prompt_words.compared(one["parts"], role))
    if same:
        st.caption(f"{fmt.plural(same, 'message')} {'is' if same == 1 else 'are'} the same.")


def changes(found: Mapping[str, Any]) -> list[str]:
    """What differs beside the texts, a line each."""
    lines = []
    if found["model"] is not None:
        lines.append("model: {} → {}".format(*("any" if one is None else one for one in found["model"])))
    lines += [prompt_words.change(f"parameter {one['key']}", one) for one in found["parameters"]]
    return lines + [prompt_words.change(f"tool {one['name']}", one) for one in found["tools"]]
