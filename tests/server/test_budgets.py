"""Budgets over the API and from the shell, and the words of a forecast."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics import budget as forecasting
from server import spending
from server.budgets import BudgetError, parse_budgets
from server.client import ApiError

DAY_NS = 86_400 * 10**9
USAGE = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
         "gen_ai__usage__input_tokens": 4 * 10**6, "gen_ai__usage__output_tokens": 0}  # fmt: skip
TEN_USD = 4 * 2.5
DOCUMENT = """budgets:
- usd_per_month: 500  # agreed
- {usd_per_month: 20, where: {service: shop}}
- {usd_per_month: 7, where: {model: nowhere}}
"""


@pytest.fixture(scope="module")
def spent(shared: Any, otlp: Callable[..., bytes]) -> Any:
    """Ten dollars a day, yesterday and 20 days before, and today."""
    for number in range(22):
        shared.post(otlp(number + 1, start_ns=time.time_ns() - number * DAY_NS - 10**9, **USAGE)).raise_for_status()
    with shared.client() as client:
        client.settle()
    return shared


def test_budgets_are_set_as_a_whole_and_kept_by_version(shared: Any) -> None:
    with shared.client() as client:
        assert client.budgets()["version"] == 0
        assert client.set_budgets(DOCUMENT, "ann") == {"version": 1, "entries": 3}
        assert client.set_budgets(DOCUMENT, "bob")["version"] == 1
        assert client.set_budgets("", None) == {"version": 2, "entries": 0}
        assert client.budgets()["budgets"] == []
        assert client.budgets(version=1)["author"] == "ann"
        assert client.set_budgets(DOCUMENT)["version"] == 3
        assert [row["version"] for row in client.rows("budget_versions")] == [3, 2, 1]
        with pytest.raises(ApiError, match="no version 9"):
            client.budgets(version=9)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_a_month_is_forecast_from_its_days(spent: Any, zone: str) -> None:
    with spent.client() as client:
        client.set_budgets(DOCUMENT)
        told = client.budgets(zone)
    whole, shop, nowhere = told["budgets"]
    today = date.fromisoformat(told["today"])
    assert today == datetime.now(spending.ZoneInfo(zone)).date()
    since = today.replace(day=1)
    days = [datetime.now(UTC) - timedelta(days=n, seconds=1) for n in range(22)]
    there = sum(at.astimezone(spending.ZoneInfo(zone)).date() >= since for at in days)
    assert (whole["spent_usd"], whole["calls"]) == (pytest.approx(there * TEN_USD), there)
    assert (whole["dimension"], whole["value"], whole["usd_per_month"]) == (None, None, 500)
    assert (shop["dimension"], shop["value"], shop["spent_usd"]) == ("service", "shop", whole["spent_usd"])
    length = ((since + timedelta(days=40)).replace(day=1) - since).days
    assert len(whole["days"]) == length
    assert whole["low"] <= whole["forecast_usd"] <= whole["high"]
    assert whole["days"][-1]["usd"] == whole["forecast_usd"]
    assert (nowhere["spent_usd"], nowhere["forecast_usd"], nowhere["calls"]) == (0, None, 0)
    assert nowhere["verdict"] == "No call in 56 days is of it."


def test_spend_that_is_steady_goes_on(spent: Any) -> None:
    """Ten dollars every day: what is left of the month is ten dollars a day too."""
    with spent.client() as client:
        client.set_budgets("budgets: [{usd_per_month: 1}]")
        told = client.budgets()
    (one,) = told["budgets"]
    today = date.fromisoformat(told["today"])
    left = len(one["days"]) - today.day
    assert one["forecast_usd"] == pytest.approx(one["spent_usd"] + left * TEN_USD, rel=0.01)
    assert one["verdict"].startswith("Passed $1 on the ")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param(
            "budgets:\n- usd_per_month: -3\n",
            r"line 2, entry 1: usd_per_month: .*greater than 0; got -3", id="negative",
        ),
        pytest.param("budgets:\n- {}\n", "usd_per_month: Field required", id="missing"),
        pytest.param(
            "budgets:\n- usd_per_month: 3\n  where: {colour: red}\n",
            "no dimension 'colour'; known: model", id="dimension",
        ),
        pytest.param(
            "budgets:\n- usd_per_month: 3\n  where: {model: a, service: b}\n",
            "one dimension and its value, not 2", id="two",
        ),
        pytest.param(
            "budgets:\n- usd_per_month: 3\n- usd_per_month: 4\n",
            "line 3, entry 2: all calls has a budget already", id="twice",
        ),
        pytest.param("budgets: 3", "needs a list called 'budgets'", id="no-list"),
        pytest.param("budgets: [", "is no YAML", id="no-yaml"),
        pytest.param("budgets:\n- {usd_per_month: 3, amount: 4}\n", "amount: Extra inputs", id="unknown-key"),
        pytest.param("budgets:\n- usd_per_month: .inf\n", "usd_per_month", id="infinite"),
    ],
)  # fmt: skip
def test_a_bad_list_is_told_where(shared: Any, document: str, says: str) -> None:
    with pytest.raises(BudgetError, match=says):
        parse_budgets(document, "The list")
    with shared.client() as client, pytest.raises(ApiError, match=says) as told:
        client.set_budgets(document)
    assert told.value.kind == "refused"


def test_a_zone_that_does_not_exist_is_refused(shared: Any) -> None:
    with shared.client() as client, pytest.raises(ApiError, match="no time zone 'Mars'") as told:
        client.budgets("Mars")
    assert told.value.status == 422


def test_the_shell_sets_and_tells_budgets(spent: Any, command: Callable[..., Any], tmp_path: Any) -> None:
    file = tmp_path / "budgets.yaml"
    file.write_text(DOCUMENT)
    done = command(spent.folder, "budgets", "--set", str(file))
    assert "of the budgets has 3 entries." in done.stdout, done.stderr
    rows = [json.loads(line) for line in command(spent.folder, "budgets", "--json").stdout.splitlines()]
    assert [row["value"] for row in rows] == [None, "shop", "nowhere"]
    assert {row["zone"] for row in rows} == {"UTC"}
    assert "days" not in rows[0]
    table = command(spent.folder, "budgets", "--zone", "Europe/Berlin").stdout
    assert "service shop" in table
    assert "$500" in table
    assert "budgets" in command(spent.folder, "budgets", "--history").stdout
    file.write_text("budgets: [{usd_per_month: many}]")
    bad = command(spent.folder, "budgets", "--set", str(file))
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "usd_per_month" in bad.stderr
    assert "Traceback" not in bad.stderr
    gone = command(spent.folder, "budgets", "--set", str(tmp_path / "none.yaml"))
    assert "cannot be read" in gone.stderr


def found(**told: Any) -> forecasting.Forecast:
    usual = dict.fromkeys(forecasting.Forecast.__dataclass_fields__)
    return forecasting.Forecast(**usual | {"spent_usd": 100.0, "days": ()} | told)


NOV = [date(2026, 11, day) for day in range(1, 31)]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param(
            {"spent_usd": 501.0, "passed_on": NOV[20], "chance_passed": 1.0},
            "Passed $500 on the 21st.", id="passed",
        ),
        pytest.param(
            {"spent_usd": 501.0, "refusal": "Too few.", "passed_on": NOV[10]},
            "Passed $500 on the 11th.", id="passed-unforecast",
        ),
        pytest.param(
            {"chance_passed": 0.99, "passed_on": NOV[23], "passed_earliest": NOV[21], "passed_latest": NOV[26]},
            "Almost sure to pass $500, about the 24th (22nd to 27th).", id="sure",
        ),
        pytest.param(
            {"chance_passed": 0.73, "passed_on": NOV[27], "passed_earliest": NOV[22]},
            "Likely (73 %) to pass $500, about the 28th.", id="likely",
        ),
        pytest.param({"chance_passed": 0.2}, "May pass $500 (20 %).", id="may"),
        pytest.param({"chance_passed": 0.0}, "Unlikely to pass $500.", id="unlikely"),
        pytest.param({"refusal": "A forecast needs 7 days."}, "A forecast needs 7 days.", id="no-forecast"),
    ],
)  # fmt: skip
def test_the_verdict(told: dict[str, Any], says: str) -> None:
    assert spending.verdict(found(**told), 500.0) == says
