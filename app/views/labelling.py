"""Labelling: the items of a queue, one after the other, for whoever labels."""

from __future__ import annotations

import streamlit as st

from app import data_labelling, labelling_desk, labelling_start, widgets
from app import format as fmt


def draw() -> None:
    queue = labelling_start.chosen(labelling_start.QUEUE)
    with st.container(horizontal=True, vertical_alignment="center"):
        if queue:
            st.page_link(labelling_start.PATH, label="All queues", icon=":material/arrow_back:", query_params={})
            st.markdown(f"**{fmt.plain(queue, 100)}**", width="content")
        st.space("stretch")
        name = labelling_start.labeller()
    if not queue:
        labelling_start.overview(data_labelling.queues(), name)
    elif not name:
        labelling_start.nobody(queue)
    else:
        labelling_desk.desk(queue, name, labelling_start.number())


widgets.guarded("The queue did not come.", "Labels that were saved are kept; drafts stay in this browser.", draw)
