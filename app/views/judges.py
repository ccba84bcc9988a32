"""Judges: how far judges and evaluators say what people do, and what their scores are worth."""

from __future__ import annotations

from app import judge, judges, widgets


def draw() -> None:
    score = judges.chosen(judges.SCORE)
    if score:
        judge.page(score)
    else:
        judges.overview()


widgets.guarded("What labels say of judges did not come.", judges.STANDING, draw)
