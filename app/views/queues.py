"""Queues: work for reviewers. All of them, one with its items and people, or the form that sets one."""

from __future__ import annotations

from app import data_queues, queue, queue_form, queue_item, queues, widgets


def draw() -> None:
    if queues.chosen(queues.MAKE):
        queue_form.form(None)
    elif name := queues.chosen(queues.EDIT):
        queue_form.form(data_queues.queue(name))
    elif (name := queues.chosen(queues.CHOSEN)) and (number := queues.number()):
        queue_item.page(name, number)
    elif name:
        queue.page(name)
    else:
        queues.overview()


widgets.guarded("The queues did not come.", "Labels that were saved are kept.", draw)
