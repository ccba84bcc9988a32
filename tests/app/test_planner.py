"""The planner over a real server: the sentence first, its curves and table, the ways there, its states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import made_runs
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_plan, planner_answer

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any]) -> Any:
    """Two runs that differ in some items, and one in which nothing varies."""
    served = serve("planner-pages")
    first, second = made_runs.rows(40), made_runs.rows(40)
    for row in second[1::4]:
        row["verdicts"]["groundedness"] |= {"value": 0.3, "passed": False}
    with served.client() as client:
        served.a = made_runs.tell(client, first, suite="a")
        served.b = made_runs.tell(client, second, suite="b")
        served.one = made_runs.tell(client, made_runs.rows(1), suite="one")
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error)
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def links(page: AppTest) -> list[str]:
    return [f"{part.proto.page}?{part.proto.query_string} {part.proto.label}" for part in page.get("page_link")]


def test_a_pilot_becomes_a_sentence_curves_and_a_command(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "planner", runs=f"{told.a},{told.b}", measure="groundedness.passed", variants="3")
    assert not shown.exception
    first = next(part.value for part in shown.markdown if part.value.startswith("**You need"))
    assert "to see 5 points with 80 % power; your pilot's 40 items would see" in first.replace("\\", "")
    assert "2 comparisons share an error of 5 %" in words(shown)
    assert [one.label for one in shown.metric] == [
        "Items a variant",
        "The pilot would see",
        "Its chance to see it",
        "It will cost",
    ]
    assert {part.proto.id.rpartition("-")[2] for part in shown.get("plotly_chart")} == {"power", "size"}
    rows = listed(shown, "By number")
    assert [row[""] for row in rows if row[""]] in (["pilot", "needed"], ["needed", "pilot"])
    assert shown.code[0].value.startswith("assay plan --delta 0.05 --sd ")
    assert any("compare?" in link and "Compare the two runs" in link for link in links(shown))


def test_numbers_are_planned_without_a_pilot(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "planner", basis="numbers", kind="mean", sd="2", delta="1", design="other items")
    assert not shown.exception
    assert "You need 64 items a variant to see 1 with 80 % power." in words(shown)
    shown.selectbox(key="looks").set_value("at any time").run()
    assert "--sequential" in shown.code[0].value
    query = {
        "basis": "numbers",
        "kind": "mean",
        "sd": "0.3333333",
        "within": "0.4082483",
        "repeats": "10",
        "delta": "0.03",
    }
    assert "You need 1,260 items, which both variants answer, 10 times each, to see 0.03" in words(
        page(empty_url, "planner", **query)
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param({}, "Choose a run above whose answers spread", id="none-chosen"),
        pytest.param({"runs": "one"}, "Nothing that was measured of this pilot varies", id="nothing-varies"),
        pytest.param({"runs": "gone"}, "has no run", id="no-such-run"),
        pytest.param({"runs": "a", "measure": "bleu"}, "'bleu' is not measured", id="no-such-measure"),
        pytest.param({"basis": "live traffic", "range": "all"}, "No call tells its prompt", id="no-traffic"),
        pytest.param({"basis": "numbers", "size": "4"}, "goes with --icc", id="half-of-clusters"),
    ],
)
def test_states_say_what_to_do(page: Open, told: Any, query: dict[str, str], said: str) -> None:
    ids = {"a": told.a, "one": told.one, "gone": "ab" * 16}
    shown = page(told.note.api_url, "planner", **{key: ids.get(value, value) for key, value in query.items()})
    assert not shown.exception
    assert said in words(shown)


def test_an_empty_store_says_how_to_come_to_a_pilot(page: Open, empty_url: str) -> None:
    assert "No run has ended yet" in words(page(empty_url, "planner"))


def test_runs_and_comparisons_that_tell_too_little_lead_there(page: Open, told: Any) -> None:
    unsure = page(told.note.api_url, "compare", runs=f"{told.a},{told.b}", quality="latency_ms.p95")
    assert any("planner?" in link and "measure=latency_ms&" in link and f"runs={told.a}%2C{told.b}" in link
               for link in links(unsure))  # fmt: skip
    one = page(told.note.api_url, "runs", run=told.a)
    assert any(f"planner?runs={told.a} Plan the next run" in link for link in links(one))


@pytest.mark.parametrize(
    ("found", "size", "said"),
    [
        pytest.param({"share": True, "unit": None}, 0.151, "15.1 points", id="share"),
        pytest.param({"share": True, "unit": None}, 0.01, "1 point", id="one-point"),
        pytest.param({"share": False, "unit": "ms"}, 1250.0, "1.25 s", id="time"),
        pytest.param({"share": False, "unit": "USD"}, 0.0012, "$0.0012", id="money"),
        pytest.param({"share": False, "unit": "tokens"}, 12.0, "12 tokens", id="tokens"),
        pytest.param({"share": False, "unit": None}, None, "unknown", id="unknown"),
    ],
)
def test_differences_have_units(found: dict[str, Any], size: float | None, said: str) -> None:
    assert planner_answer.amount(found, size) == said


def test_chances_near_1_take_no_more_room_than_others() -> None:
    row = {"items": 9, "mark": None, "power": 0.9999, "power_low": 0.9995, "power_high": 0.9999, "difference": None,
           "difference_low": None, "difference_high": None, "cost_usd": None, "days": None}  # fmt: skip
    told = [cell.text for cell in planner_answer._line({"share": True, "unit": None}, row)]
    assert told[2:4] == ["> 99.9 %", "> 99.9 %"]


def test_marks_stand_at_their_items_on_a_logarithmic_axis() -> None:
    """Plotly takes an annotation's place as an exponent there: 535 as it is would be 10^535, and hangs the browser."""
    import pandas as pd  # noqa: PLC0415

    rows = pd.DataFrame(
        {"items": [10.0, 1000.0], "power": [0.1, 0.9], "power_low": [None, 0.8], "power_high": [0.2, 0.95]}
    )
    figure = charts_plan.power(rows, ("a", "b"), {"needed": 100}, 0.8, "light")
    (note,) = figure.layout.annotations
    assert (note.x, note.text, figure.layout.shapes[1].x0) == (2, "needed 100", 100)
