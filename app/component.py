"""Components of our own: plain JavaScript and CSS in `components/<name>/`, no build step."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent / "components"


def component(name: str) -> ComponentRenderer:
    """The component of this folder. Its script begins with what all share: a script can import none of ours."""
    own = _HERE / name
    return st.components.v2.component(
        f"assayline_{name}",
        js=(_HERE / "common.js").read_text("utf-8") + (own / f"{name}.js").read_text("utf-8"),
        css=(own / f"{name}.css").read_text("utf-8"),
    )
