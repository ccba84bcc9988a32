"""Budgets on the Cost page: lines, words, states, and the YAML that the dialog writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from app import budgets, charts_budgets

Open = Callable[..., AppTest]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}  # fmt: skip


@pytest.fixture(scope="module")
def budgeted(serve: Callable[[str], Any], telling: Any) -> Any:
    """$2.50 just now, and two budgets: one passed, one that nothing is known of."""
    served = serve("budgeted")
    trace = telling(bytes([1]) * 16, time.time_ns() - 10**9).span(1, "answer", 0, 900)
    served.send(trace.span(2, "chat", 5, 20, parent=1, **CALL).body())
    served.settle()
    with served.client() as client:
        client.set_budgets("budgets:\n- usd_per_month: 2\n- {usd_per_month: 100, where: {service: '**mail**'}}\n")
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.subheader, *page.error)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_each_budget_has_its_line(page: Open, budgeted: Any) -> None:
    shown = page(budgeted.note.api_url, "cost", range="1h")
    assert not shown.exception
    said = words(shown)
    assert "calendar month in UTC" in said
    assert "**all calls**" in said
    assert ":red[:material/error:] Passed $2 on the" in said
    assert ":gray[:material/help:] No call in 56 days is of it." in said
    assert [bar.value for bar in shown.get("progress")][:1] == [100]
    assert "$2.50 of $2.00, 125 %" in str([bar.proto.text for bar in shown.get("progress")]).replace("\\", "")
    assert [button.label for button in shown.button if button.key.startswith("budget")] == [
        "Add a budget",
        "Edit",
        "Edit",
    ]


def test_untrusted_names_render_no_markdown(page: Open, budgeted: Any) -> None:
    shown = page(budgeted.note.api_url, "cost", range="1h")
    assert any(r"service \*\*mail\*\*" in part.value for part in shown.markdown)


def test_without_a_budget_it_says_what_one_is(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "cost")
    assert not shown.exception
    assert "No budget is set. One says what a calendar month may cost" in words(shown)


ONE = {"spent_usd": 5.0, "usd_per_month": 10.0, "unpriced": 0, "chance_passed": 0.5, "forecast_usd": 9.0, "low": 8.0,
       "high": 11.0, "dimension": "service", "value": "shop"}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "icon"),
    [
        pytest.param({}, "warning", id="likely"),
        pytest.param({"chance_passed": 0.1}, "info", id="may"),
        pytest.param({"chance_passed": 0.0}, "check_circle", id="unlikely"),
        pytest.param({"chance_passed": None}, "help", id="unknown"),
        pytest.param({"spent_usd": 11.0, "chance_passed": 1.0}, "error", id="passed"),
    ],
)
def test_a_verdict_has_its_icon(more: dict[str, Any], icon: str) -> None:
    assert budgets.tone(ONE | more)[0] == icon


def test_the_forecast_in_words() -> None:
    assert budgets.forecast(ONE) == "Forecast $9.00 (95 %: $8.00 to 11.00)"
    assert budgets.forecast(ONE | {"forecast_usd": None}) == "No forecast yet"


DOCUMENT = "budgets:\n- usd_per_month: 5  # ours\n- usd_per_month: 10\n  where: {service: shop}\n"


@pytest.mark.parametrize(
    ("old", "new", "entries"),
    [
        pytest.param(None, {"usd_per_month": 7.0, "where": {"model": "a"}}, [5, 10, 7.0], id="added"),
        pytest.param(ONE, {"usd_per_month": 7.0}, [5, 7.0], id="changed"),
        pytest.param(ONE, None, [5], id="removed"),
        pytest.param(ONE | {"dimension": None, "value": None}, None, [10], id="removed-whole"),
    ],
)
def test_the_dialog_changes_one_entry(old: Any, new: Any, entries: list[float]) -> None:
    text = budgets.changed(DOCUMENT, old, new)
    assert [entry["usd_per_month"] for entry in yaml.safe_load(text)["budgets"]] == entries
    assert old is not None or "# ours" in text


def test_the_first_budget_begins_the_list() -> None:
    assert yaml.safe_load(budgets.changed("", None, {"usd_per_month": 7.0})) == {"budgets": [{"usd_per_month": 7.0}]}


@pytest.mark.parametrize("over", [0, 1, 3, 5])
def test_the_month_joins_what_is_known_and_what_is_forecast(over: int) -> None:
    days = pd.DataFrame({
        "day": [f"2026-11-0{n}" for n in range(1, 6)], "usd": [1.0, 2, 3, 4, 5], "low": [1.0, 2, 3, 3, 4],
        "high": [1.0, 2, 3, 5, 7], "over": [n < over for n in range(5)],
    })  # fmt: skip
    figure = charts_budgets.month(days, 6.0, "n = 5", "light")
    assert figure.layout.yaxis.range[1] >= 7
    drawn = {trace.line.dash: len(trace.x) for trace in figure.data if trace.hovertemplate}
    assert drawn == {"dot": 5 - over + (over > 0), "solid": over}
