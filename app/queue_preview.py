"""The form of a queue in outline, as it is being set: what each field asks, and with what it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import format as fmt
from app import queues

Field = Mapping[str, Any]


def section(fields: Sequence[Field], guidelines: str) -> None:
    """All fields, and the beginning of the guidelines."""
    st.markdown("**What labellers see**")
    with st.container(border=True, key="queue-preview"):
        for field in fields:
            optional = "" if field["required"] else " (may be left out)"
            st.markdown(f"**{fmt.plain(field['title'] or field['name'] or 'unnamed', 200)}**{optional}")
            if field["help"]:
                st.caption(fmt.plain(field["help"], 500))
            st.text(answered(field))
    if guidelines.strip():
        st.caption("Guidelines, beside the item:")
        st.text(fmt.clip(guidelines, 1_500))


def answered(field: Field) -> str:
    """With what a field is answered: `1 yes   2 no`, as the digits choose."""
    kind, values = field["kind"], [str(one["title"] or one["value"]) for one in field["choices"]]
    if kind in {"binary", "categorical", "ordinal"}:
        return "   ".join(f"{place} {value}" for place, value in enumerate(values, 1)) or "no choices yet"
    if kind == "spans":
        return f"marks in the text: {', '.join(values) or 'no kinds yet'}"
    if kind == "numeric":
        low, high = (None if field[end] is None else fmt.digits(field[end]) for end in ("low", "high"))
        bounds = f" from {low}" if low is not None else ""
        return f"a number{bounds}{f' to {high}' if high is not None else ''}"
    if kind == "preference":
        return "1 left   2 right" + ("   3 alike" if field["ties"] else "")
    return queues.KINDS[kind]
