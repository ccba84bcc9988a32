"""Contrast of the theme and the charts, by the formula of WCAG 2.2."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import app
from app import charts, charts_runs, marking

THEME = tomllib.loads((Path(app.__file__).parent / ".streamlit" / "config.toml").read_text())["theme"]
SIDES = ["light", "dark"]


def luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def blend(ink: str, paper: str, strength: float) -> str:
    """What `ink` looks like on `paper` when it is drawn see-through."""
    pairs = ((int(ink[at : at + 2], 16), int(paper[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one * strength + other * (1 - strength)):02x}" for one, other in pairs)


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("ink", ["textColor", "linkColor", "redColor", "orangeColor", "greenColor", "grayColor"])
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_reaches_aa(side: str, ink: str, ground: str) -> None:
    assert contrast(THEME[side][ink], THEME[side][ground]) >= 4.5


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_captions_and_placeholders_reach_aa(side: str, ground: str) -> None:
    """Streamlit draws both in the text's colour at six tenths of its strength."""
    ink, paper = THEME[side]["textColor"], THEME[side][ground]
    assert contrast(blend(ink, paper, 0.6), paper) >= 4.5


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("colour", [*charts.PALETTE, charts.GREY])
def test_marks_of_charts_reach_three_to_one(side: str, colour: str) -> None:
    assert contrast(colour, THEME[side]["backgroundColor"]) >= 3


@pytest.mark.parametrize("side", SIDES)
def test_text_of_charts_reaches_aa(side: str) -> None:
    for ink in (charts.INK[side], charts.PALE[side], *charts_runs.STATE_WORDS[side].values()):
        assert contrast(ink, THEME[side]["backgroundColor"]) >= 4.5


def test_a_model_keeps_its_colour() -> None:
    assert charts.colour("gpt-4.1") == charts.colour("gpt-4.1") in charts.PALETTE
    assert charts.colour(None) == charts.colour("other") == charts.GREY


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("share", marking.SHARES)
def test_marked_text_reaches_aa(side: str, share: int) -> None:
    ground = blend(marking.INK, THEME[side]["backgroundColor"], share / 100)
    assert contrast(THEME[side]["textColor"], ground) >= 4.5
