"""Entry script of the app: `streamlit run app/main.py`. Pages join the group they belong to."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import widgets

# An icon of our own: for a Material icon of a page the browser would ask Google's server for a picture of it.
st.set_page_config(page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
widgets.house_style()

GROUPS = {
    "Observe": [
        st.Page("views/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("views/traces.py", title="Traces", icon=":material/account_tree:"),
        st.Page("views/trace.py", title="Trace", visibility="hidden"),
    ],
    "Evaluate": [],
    "Label": [],
    "Operate": [],
}

st.navigation({group: pages for group, pages in GROUPS.items() if pages}).run()
