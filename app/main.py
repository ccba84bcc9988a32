"""Entry script of the app: `streamlit run app/main.py`. Pages join the group they belong to."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from app import compare_controls, home, labelling_start, planner_controls, session, shell, widgets

# An icon of our own: for a Material icon of a page the browser would ask Google's server for a picture of it.
st.set_page_config(page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
widgets.house_style()

GROUPS = {
    "Observe": [
        st.Page("views/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("views/traces.py", title="Traces", icon=":material/account_tree:"),
        st.Page("views/trace.py", title="Trace", visibility="hidden"),
        st.Page("views/sessions.py", title="Sessions", icon=":material/chat_bubble:"),
        st.Page("views/users.py", title="Users", icon=":material/group:"),
        st.Page("views/trace_compare.py", title="Compare traces", visibility="hidden"),
        st.Page("views/cost.py", title="Cost", icon=":material/payments:"),
        st.Page("views/latency.py", title="Latency", icon=":material/timer:"),
        st.Page("views/whatif.py", title="What-if", icon=":material/call_split:"),
        st.Page("views/dashboards.py", title="Dashboards", icon=":material/dashboard:"),
    ],
    "Evaluate": [
        st.Page("views/evaluators.py", title="Evaluators", icon=":material/rule:"),
        st.Page("views/prompts.py", title="Prompts", icon=":material/chat:"),
        st.Page("views/playground.py", title="Playground", icon=":material/forum:"),
        st.Page("views/datasets.py", title="Datasets", icon=":material/dataset:"),
        st.Page("views/suites.py", title="Suites", icon=":material/checklist:"),
        st.Page("views/experiments.py", title="Experiments", icon=":material/grid_on:"),
        st.Page("views/runs.py", title="Runs", icon=":material/experiment:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("views/planner.py", title="Planner", visibility="hidden"),
        st.Page("views/ranking.py", title="Ranking", visibility="hidden"),
        st.Page("views/ab_tests.py", title="A/B tests", icon=":material/science:"),
        st.Page("views/online_rules.py", title="Online rules", icon=":material/autorenew:"),
        st.Page("views/drift.py", title="Drift explorer", icon=":material/difference:"),
    ],
    "Label": [
        st.Page("views/labelling.py", title="Labelling", icon=":material/label:"),
        st.Page("views/queues.py", title="Queues", icon=":material/inbox:"),
        st.Page("views/agreement.py", title="Agreement", icon=":material/handshake:"),
        st.Page("views/judges.py", title="Judges", icon=":material/gavel:"),
        st.Page("views/training_data.py", title="Training data", icon=":material/model_training:"),
        st.Page("views/feedback.py", title="Feedback", icon=":material/thumbs_up_down:"),
    ],
    "Operate": [
        st.Page("views/alerts.py", title="Alerts", icon=":material/notifications:"),
        st.Page("views/monitors.py", title="Monitors", icon=":material/monitor_heart:"),
        st.Page("views/monitor.py", title="Monitor", visibility="hidden"),
        st.Page("views/cost_integrity.py", title="Cost integrity", icon=":material/fact_check:"),
        st.Page("views/sql.py", title="SQL", icon=":material/database:"),
        st.Page("views/imports.py", title="Import", icon=":material/upload_file:"),
    ],
}
SWITCHES = (home.switches, widgets.project, widgets.time_range)
TIMED = (widgets.project, widgets.time_range)
SHOWN = {
    "Home": SWITCHES,
    "Evaluators": (widgets.project,),
    "Playground": (widgets.project,),
    "Datasets": (widgets.project,),
    "Suites": (widgets.project,),
    "Experiments": (widgets.project,),
    "Runs": (widgets.project,),
    "A/B tests": (widgets.project,),
    "Online rules": (widgets.project,),
    "Alerts": (widgets.project,),
    "Agreement": (widgets.project,),
    "Monitors": (widgets.project,),
    "Monitor": (widgets.project,),
    "Queues": (widgets.project,),
    "Judges": (widgets.project,),
    "Training data": (widgets.project,),
    "Import": (widgets.project,),
    "Planner": TIMED if planner_controls.live() else (widgets.project,),
    "Ranking": (widgets.project,),
    "Labelling": (labelling_start.switches, widgets.project),
    "Sessions": (widgets.project,) if session.opened() else TIMED,
    "Users": TIMED,
    "Compare": TIMED if compare_controls.live() else (widgets.project,),
} | dict.fromkeys(
    (
        "Traces",
        "Cost",
        "Latency",
        "Prompts",
        "What-if",
        "Cost integrity",
        "Drift explorer",
        "Feedback",
        "Dashboards",
        "SQL",
    ),
    TIMED,
)  # of the title row

# Whole: below it stands the number of open alerts, for which Streamlit would fold the menu.
page = st.navigation({group: pages for group, pages in GROUPS.items() if pages}, expanded=True)
shown = SHOWN.get(page.title, ())
paths = [entry.url_path for pages in GROUPS.values() for entry in pages]
shell.shell(page.title, paths, [draw for draw in SWITCHES if draw not in shown])
if shown:
    shell.title_row(page.title, shown)
if not widgets.no_such_project():
    with widgets.waiting(), suppress(widgets.Ended):
        page.run()
    shell.bell()
st.session_state[widgets.DRAWN] = page.title
