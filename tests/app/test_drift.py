"""The drift explorer: the words of its table, markers on axes of time, and the page over a real server."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts, drift, marks

Open = Callable[..., AppTest]


@pytest.mark.parametrize(
    ("kind", "effect", "says"),
    [
        ("rate", -0.072, "7.2 pp"),
        ("numeric", 0.3449, "0.345 sd"),
        ("categorical", 0.12, "JS 0.12"),
        ("embedding", 0.11, "AUC 0.61"),
        ("rate", None, "unknown"),
    ],
)
def test_an_effect_is_told_in_the_unit_of_its_kind(kind: str, effect: float | None, says: str) -> None:
    assert drift.effect({"type": kind, "effect": effect}) == says


@pytest.mark.parametrize(
    ("one", "says"),
    [
        ({"what": "release", "name": "shop", "after": "1.8"}, "release 1.8"),
        ({"what": "prompt", "name": "answer", "after": "7"}, "answer@7"),
        ({"what": "model", "name": "gpt-4o", "after": "gpt-4o-2026-11-20"}, "gpt-4o-2026-11-20"),
        ({"what": "normaliser", "name": None, "after": "9"}, "normaliser 9"),
        ({"what": "alert", "name": "errors", "after": "critical"}, "alert errors"),
    ],
)
def test_a_mark_has_a_word(one: dict[str, Any], says: str) -> None:
    assert marks.word(one) == says


def test_marks_that_would_cover_one_another_share_a_word() -> None:
    day = pd.Timestamp("2026-11-27")
    edges = day, day + pd.Timedelta(days=10)
    told = [(day + pd.Timedelta(hours=hours), f"release {hours}") for hours in (48, 50, 52, 96)]
    figure = charts.markers(charts.figure("a", "b", "light"), told, edges, "light")
    assert [one.text for one in figure.layout.annotations] == ["release 48 +2", "release 96"]
    many = [(day + pd.Timedelta(hours=6 * place), f"release {place}") for place in range(40)]
    crowded = charts.markers(charts.figure("a", "b", "light"), many, edges, "light")
    assert len(crowded.layout.annotations) <= charts.MOST_MARKS
    assert sum(int(one.text.partition("+")[2] or 0) + 1 for one in crowded.layout.annotations) == 40
    beyond = charts.markers(charts.figure("a", "b", "light"), [(day - pd.Timedelta(days=1), "x")], edges, "light")
    assert not beyond.layout.annotations


def test_of_too_many_marks_alerts_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        {"what": what, "name": "a", "after": str(n), "at": f"2026-11-27T00:{n:02}:00Z"}
        for n, what in enumerate(["release"] * 5 + ["alert"] * 20)
    ]
    monkeypatch.setattr("streamlit.context", SimpleNamespace(timezone="UTC"))
    assert [said for _, said in marks.drawn(told)] == [f"release {n}" for n in range(5)]
    assert [said for _, said in marks.drawn(told[4:6])] == ["release 4", "alert a"]


def test_what_stands_under_a_figure_counts_the_marks() -> None:
    assert marks.words([]) == ""
    told = [{"what": "release"}, {"what": "release"}, {"what": "model"}]
    assert marks.words(told) == "Dotted: 2 releases, 1 model version."
    assert marks.words(told * 4) == "Dotted: 8 releases, 4 model versions."


def test_over_an_empty_store_the_page_says_what_would_be_there(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "drift")
    assert not shown.exception
    assert "Signals of both samples would be listed here." in shown.markdown[-1].value


def test_a_reference_that_is_not_chosen_is_asked_for(page: Open, empty_url: str) -> None:
    for way, says in (("group", "Choose the reference group"), ("dates", "Choose when the reference begins")):
        shown = page(empty_url, "drift", versus=way)
        assert not shown.exception
        assert says in shown.info[0].value
