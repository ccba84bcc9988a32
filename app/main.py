"""Entry script of the app: `streamlit run app/main.py`. Pages join the group they belong to."""

from __future__ import annotations

import streamlit as st

from app import widgets

st.set_page_config(page_title="Assayline", layout="wide", initial_sidebar_state=200)
widgets.house_style()

GROUPS = {
    "Observe": [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/traces.py", title="Traces", icon=":material/account_tree:"),
        st.Page("pages/trace.py", title="Trace", visibility="hidden"),
    ],
    "Evaluate": [],
    "Label": [],
    "Operate": [],
}

st.navigation({group: pages for group, pages in GROUPS.items() if pages}).run()
