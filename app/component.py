"""Components of our own: plain JavaScript and CSS in `components/<name>/`, no build step."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent / "components"


def component(name: str, parts: tuple[str, ...] = ()) -> ComponentRenderer:
    """The component of this folder.

    Its script begins with what all share, then `parts`, other scripts of its folder: a script can import none of ours.
    """
    return st.components.v2.component(
        f"assayline_{name}", js=script(name, parts), css=(_HERE / name / f"{name}.css").read_text("utf-8")
    )


def script(name: str, parts: tuple[str, ...] = ()) -> str:
    """The whole script of a component."""
    files = (_HERE / "common.js", *(_HERE / name / f"{part}.js" for part in (*parts, name)))
    return "".join(path.read_text("utf-8") for path in files)
