"""The trust badge: how far a judge's score can be trusted, by what people say of the same. The same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from app import data_judges
from app import format as fmt
from app.listing import Cell

Badge = Mapping[str, Any]
Tone = Literal["green", "orange", "red", "gray", "blue"]

WORDS = {
    "high": "high trust", "moderate": "moderate trust", "low": "low trust", "unsure": "trust unsure",
    "expired": "card expired", "none": "no labels",
}  # fmt: skip
TONES: dict[str, Tone] = {
    "high": "green", "moderate": "blue", "low": "red", "unsure": "orange", "expired": "orange", "none": "gray",
}  # fmt: skip
ICONS = {
    "high": ":material/verified:", "moderate": ":material/check:", "low": ":material/warning:",
    "unsure": ":material/question_mark:", "expired": ":material/history:", "none": ":material/label_off:",
}  # fmt: skip
HELP = "How far people say the same (kappa): high from 0.6 on, moderate from 0.4 on; empty: nobody labelled it"
PATH = "views/judges.py"


def of(score: str | None, evaluator: str | None = None, version: str | None = None) -> Badge | None:
    """What is known of a score, of the very ruler where it is told; null: nobody labelled what it scored."""
    found = data_judges.trust().get(str(score))
    if found is None or evaluator is None:
        return found
    own: Badge | None = found["rulers"].get(f"{evaluator} {version or ''}")
    if own is not None:
        return own
    return found if found["evaluator"] == evaluator else None


def badge(score: str | None, evaluator: str | None = None, version: str | None = None) -> None:
    """Draws the badge, with its sentence on hover; nothing where nobody labelled."""
    found = of(score, evaluator, version)
    if found is not None:
        draw(found)


def draw(found: Badge) -> None:
    """The badge of a line of `GET /api/judges` or of `GET /api/trust`."""
    word = str(found["badge"])
    st.badge(WORDS[word], color=TONES[word], icon=ICONS[word], help=fmt.plain(found["sentence"], 600))


def word(score: str | None, evaluator: str | None = None, version: str | None = None) -> str:
    """For words in a table: `high trust`; '' where nobody labelled."""
    found = of(score, evaluator, version)
    return "" if found is None else WORDS[str(found["badge"])]


def cell(score: str | None, evaluator: str | None = None, version: str | None = None) -> Cell:
    """A cell of a listing: the word as a badge, its sentence on hover; empty where nobody labelled."""
    found = of(score, evaluator, version)
    return Cell("") if found is None else cell_of(found)


def cell_of(found: Badge) -> Cell:
    """The same of a line of `GET /api/judges`."""
    word = str(found["badge"])
    tone = {"green": "green", "blue": "green", "red": "red", "orange": "orange"}.get(TONES[word], "")
    return Cell(word, found["sentence"], tone=tone, quiet=word == "none")
