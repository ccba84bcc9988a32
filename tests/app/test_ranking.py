"""The ranking over a real server: the sentence first, its figures and tables, a file that is sent, its states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import made_runs
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_rank

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
FILE = "item,first,second,won\n" + "".join(f"q{at},x,y,{'x' if at % 5 else 'y'}\n" for at in range(30))


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any]) -> Any:
    """Three runs of the same items: two alike, one worse; and one alone of other items."""
    served = serve("ranking-pages")
    with served.client() as client:
        for at, name in enumerate(("good", "alike", "bad")):
            made = made_runs.rows(40)
            for row in made:
                value = 0.9 if (row["place"] + at) % 4 else 0.5
                row["verdicts"]["groundedness"] |= {"value": value - (0.3 if name == "bad" else 0)}
            setattr(served, name, made_runs.tell(client, made, suite=name))
        moved = made_runs.rows(10)
        for row in moved:
            row["content"] = f"{row['place'] + 1000:012x}"
        served.moved = made_runs.tell(client, moved, suite="moved")
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error)
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def test_runs_are_ranked_with_figures_and_pairs(page: Open, told: Any, listed: Listed) -> None:
    query = {"runs": f"{told.good},{told.alike},{told.bad}", "rank-measure": "groundedness", "reference": "bad"}
    shown = page(told.note.api_url, "ranking", **query)
    assert not shown.exception
    assert "share rank 1: 95 % rank set {1, 2}; bad is third: {3}." in words(shown)
    assert {part.proto.id.rpartition("-")[2] for part in shown.get("plotly_chart")} == {"strengths", "matrix"}
    rows = listed(shown, "Variants")
    assert (rows[-1]["Variant"], rows[-1]["Ranks"], rows[-1]["Strength"]) == ("bad", "3", "0")
    assert rows[-1]["href"] == f"runs?run={told.bad}"
    assert listed(shown, "Pairs")[0]["href"].startswith("compare?runs=")


def test_a_file_is_ranked_and_its_command_named(page: Open, told: Any, listed: Listed) -> None:
    query = {
        "judged": "a file",
        "column-a": "first",
        "column-b": "second",
        "column-winner": "won",
        "column-item": "item",
    }
    shown = page(told.note.api_url, "ranking", **query)
    assert "Judgements would be ranked here." in words(shown)
    shown.file_uploader[0].upload("games.csv", FILE.encode(), "text/csv").run()
    assert not shown.exception
    assert "x is first" in words(shown)
    assert shown.code[0].value == "assay rank games.csv --a first --b second --winner won --item item"
    assert [row["Wins"] for row in listed(shown, "Variants")] == ["24", "6"]
    shown.file_uploader[0].upload("one.csv", b"item,first,second,won\nq1,x,y,x\n", "text/csv").run()
    assert not shown.exception
    assert "x never lost to y" in words(shown)
    assert {part.proto.id.rpartition("-")[2] for part in shown.get("plotly_chart")} == {"matrix"}
    assert [row["Ranks"] for row in listed(shown, "Variants")] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param({}, "Choose runs of the same items above", id="none-chosen"),
        pytest.param({"runs": "good"}, "One run alone is ranked against the reference answers", id="one"),
        pytest.param({"runs": "good,moved"}, "no item in common", id="other-items"),
        pytest.param({"runs": "good,bad", "reference": "gone"}, "'gone' is none of the variants", id="no-reference"),
    ],
)
def test_states_say_what_to_do(page: Open, told: Any, query: dict[str, str], said: str) -> None:
    runs = ",".join(getattr(told, name) for name in query.get("runs", "").split(",") if name)
    shown = page(told.note.api_url, "ranking", **{**query, **({"runs": runs} if runs else {})})
    assert not shown.exception
    assert said in words(shown)


def test_nothing_to_rank_says_how_to_come_to_runs(page: Open, empty_url: str) -> None:
    assert "No run has ended yet" in words(page(empty_url, "ranking"))


def test_the_matrix_tells_both_sides_of_a_pair_and_none_that_never_met() -> None:
    pairs = pd.DataFrame([{"a": "x", "b": "<b>", "share": 0.75, "n": 4}])
    figure = charts_rank.matrix(pairs, ["x", "<b>", "z"], "t", "s", "light")
    (field,) = figure.data
    assert list(field.z[0]) == [None, 0.75, None]
    assert list(field.z[1]) == [0.25, None, None]
    assert field.text[1][0] == "25 %<br>of 4"
    assert "&lt;b>" in figure.layout.xaxis.ticktext


def test_variants_that_are_cut_alike_or_look_like_dates_have_rows_of_their_own() -> None:
    names = ["claude-sonnet-4-20250514", "claude-sonnet-4-20250929", "2025-01-01"]
    pairs = pd.DataFrame([{"a": names[0], "b": names[1], "share": 0.75, "n": 4}])
    figure = charts_rank.matrix(pairs, names, "t", "s", "light")
    assert [len(line) for line in figure.data[0].z] == [3, 3, 3]
    assert list(figure.layout.yaxis.tickvals) == [0, 1, 2]
    rows = pd.DataFrame({"variant": names, "strength": [1.0, 0.0, -1.0], "low": None, "high": None})
    drawn = charts_rank.strengths(rows, "t", "s", "light")
    (dots,) = drawn.data
    assert list(dots.y) == [0, 1, 2]
    assert list(drawn.layout.yaxis.ticktext) == names[::-1]
