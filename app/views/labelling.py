"""Labelling: the items of a queue, one after the other, for whoever labels."""

from __future__ import annotations

from app import data_queues, labelling_desk, labelling_start, widgets


def draw() -> None:
    queue, name = labelling_start.chosen(labelling_start.QUEUE), labelling_start.name()
    if not queue:
        labelling_start.overview(data_queues.queues(), name)
    elif not name:
        labelling_start.nobody(queue)
    else:
        labelling_desk.desk(queue, name, labelling_start.number())


widgets.guarded("The queue did not come.", "Labels that were saved are kept; drafts stay in this browser.", draw)
