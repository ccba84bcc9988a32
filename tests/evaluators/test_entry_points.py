"""What `pyproject.toml` says of evaluators: each entry point names one whose card has its name."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from evaluators.protocol import Card

ROOT = Path(__file__).resolve().parents[2]
POINTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][
    "assayline.evaluators"
]


@pytest.mark.parametrize("name", POINTS)
def test_entry_points_name_what_their_card_says(name: str) -> None:
    module, _, made = POINTS[name].partition(":")
    card = getattr(import_module(module), made).card
    assert isinstance(card, Card)
    assert card.name == name
    assert card.measures.endswith(".")
    assert all(limit.endswith(".") for limit in card.limits)
