"""Prompts: which there are, by version and label; one of them to read, compare, edit, and see what became of it."""

from __future__ import annotations

from app import prompt, prompts, widgets

if name := prompts.chosen():
    widgets.guarded(
        "The prompt did not come.", "Applications go on with the answer that they kept.", lambda: prompt.page(name)
    )
else:
    widgets.guarded(
        "The prompts did not come.", "Applications go on with the answers that they kept.", prompts.overview
    )
