"""Several projects on one server, as pages tell of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
CALL = {
    "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o", "gen_ai__usage__input_tokens": 1000,
    "gen_ai__usage__output_tokens": 100,
}  # fmt: skip


@pytest.fixture(scope="module")
def several(serve: Callable[[str], Any], telling: Any) -> Any:
    """One call of the project `default`, three of `shop-bot`, none of `idle`."""
    served = serve("several")
    for calls, project in ((1, served), (3, served.in_project("shop-bot")), (0, served.in_project("idle"))):
        trace = telling(bytes([7]) * 16, time.time_ns() - 60_000_000_000)
        for number in range(calls):
            project.send(trace.span(number + 1, "chat", 0, 800, **CALL).body())
    served.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.text, *page.error, *page.code)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_costs_stand_side_by_side_and_a_row_leads_to_its_project(page: Open, listed: Listed, several: Any) -> None:
    rows = listed(page(several.note.api_url, "cost", range="1h"), "Cost by project")
    cost = 3 * (1000 * 2.5 + 100 * 10) / 1e6
    told = [" ".join(str(cell) for cell in row.values()) for row in rows]
    assert [name for name, one in zip(("shop-bot", "default", "idle"), told, strict=True) if name not in one] == []
    assert f"${cost:.4f}" in told[0]
    assert "75 %" in told[0]
    assert "25 %" in told[1]
    assert "project=shop-bot" in rows[0]["href"]
    assert "range=1h" in rows[0]["href"]


def test_an_empty_project_says_how_to_send_to_it_and_an_unknown_one_that_it_is_none(page: Open, several: Any) -> None:
    idle = page(several.note.api_url, project="idle")
    assert "Nothing has arrived yet in project idle." in words(idle)
    assert '"x-assayline-project": "idle"' in words(idle)
    assert [one for one in idle.button if one.label == "Load sample data"] == []
    assert "There is no project named nope." in words(page(several.note.api_url, "latency", project="nope"))


def test_a_link_to_a_new_project_lists_those_made_with_it(page: Open, several: Any) -> None:
    """The names are kept for some seconds: a link to one that is not among them asks anew for all."""
    page(several.note.api_url)
    with several.client() as client:
        for name in ("made-first", "made-second"):
            client.add_project(name)
    (shown,) = (one for one in page(several.note.api_url, project="made-second").selectbox if one.label == "Project")
    assert {"made-first", "made-second"} <= set(shown.options)


def test_own_prices_of_a_project_stay_with_it(page: Open, several: Any) -> None:
    mine = "prices: [{model: gpt-4o, usd_per_million: {input: 7, output: 7}}]\n"
    theirs = "prices: [{model: gpt-4o, discount_percent: 5}]\n"
    for project, prices in (("default", theirs), ("shop-bot", mine)):
        with several.client(project) as client:
            client.set_prices(prices, "ann")
    for project, prices in (("default", theirs), ("shop-bot", mine)):
        shown = page(several.note.api_url, "cost", range="1h", project=project)
        shown.session_state["own-prices"] = True
        (editor,) = (one for one in shown.run().text_area if one.label == "Prices (YAML)")
        assert editor.value == prices
