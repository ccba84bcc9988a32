"""What was spent of each budget this month, and what the month will have cost. Months are those of one time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from analytics import budget as forecasting
from analytics.budget import Forecast
from server.budgets import Budget
from server.core import Core

Day = dict[str, Any]
LIKELY, SURE = 0.5, 0.975


def of_budgets(core: Core, project: str, budgets: Sequence[Budget], zone: ZoneInfo, now: datetime) -> list[Day]:
    """One object per budget, in their order; one question to the store for each dimension among them.

    `now` is aware. The fields are those of `GET /api/budgets`.
    """

    def ask(name: str, **params: object) -> pa.Table:
        return core.run(name, project, params).table

    return told_of(budgets, zone, now, ask)


def told_of(budgets: Sequence[Budget], zone: ZoneInfo, now: datetime, ask: Callable[..., pa.Table]) -> list[Day]:
    """As `of_budgets`, of whatever answers named queries by `ask(name, **params)`."""
    today = now.astimezone(zone).date()
    days = {dimension: _days(ask, budgets, dimension, zone, now) for dimension in _dimensions(budgets)}
    return [_told(one, [row for row in days[one.dimension] if row["value"] == one.value], today) for one in budgets]


def _dimensions(budgets: Iterable[Budget]) -> list[str | None]:
    return list(dict.fromkeys(one.dimension for one in budgets))


def _days(
    ask: Callable[..., pa.Table], budgets: Iterable[Budget], dimension: str | None, zone: ZoneInfo, now: datetime
) -> list[Day]:
    """Spend per day and value, from the first day that a forecast, or the month, needs."""
    today = now.astimezone(zone).date()
    first = min(today.replace(day=1), today - timedelta(days=forecasting.MOST_DAYS))
    asked: dict[str, object] = {
        "since": datetime.combine(first, time(), zone).astimezone(UTC), "until": now.astimezone(UTC), "zone": zone.key,
    }  # fmt: skip
    if dimension is not None:
        values = [one.value for one in budgets if one.dimension == dimension]
        asked |= {"dimension": dimension, "values": values}
    found: list[Day] = ask("spend_by_day", **asked).to_pylist()
    return found


def _told(one: Budget, days: Sequence[Day], today: date) -> Day:
    this_month = [row for row in days if row["day"] >= today.replace(day=1)]
    found = forecasting.forecast(
        {row["day"]: _known(row) for row in days if row["day"] < today},
        today,
        next((row["cost_usd"] or 0.0 for row in days if row["day"] == today), 0.0),
        one.usd_per_month,
    )
    whole = {"dimension": one.dimension, "value": one.value, "usd_per_month": one.usd_per_month, "note": one.note}
    counts = {name: sum(row[name] for row in this_month) for name in ("calls", "unpriced")}
    told = asdict(found) | {"forecast_usd": found.usd, "days": [_shown(day, today) for day in asdict(found)["days"]]}
    del told["usd"]
    said = verdict(found, one.usd_per_month) if days else f"No call in {forecasting.MOST_DAYS} days is of it."
    return {**whole, **counts, **told, "verdict": said}


def _known(row: Mapping[str, Any]) -> float | None:
    """Spend of a day; null where no call of it has a price. With a price missing here and there it is a least."""
    return None if row["cost_usd"] is None and row["unpriced"] else row["cost_usd"] or 0.0


def _shown(day: Day, today: date) -> Day:
    return day | {"over": day["day"] < today}


def verdict(found: Forecast, usd: float) -> str:
    """Whether the month passes the budget, as the rest of a sentence or as one of its own."""
    amount = f"${usd:,.2f}".removesuffix(".00")
    if found.spent_usd > usd:
        on = f" on the {_ordinal(found.passed_on)}" if found.passed_on else ""
        return f"Passed {amount}{on}."
    if found.chance_passed is None:
        return str(found.refusal)
    if found.chance_passed >= LIKELY:
        sure = "Almost sure" if found.chance_passed >= SURE else f"Likely ({found.chance_passed * 100:.0f} %)"
        return f"{sure} to pass {amount}{_about(found)}."
    if found.chance_passed >= 1 - SURE:
        return f"May pass {amount} ({found.chance_passed * 100:.0f} %)."
    return f"Unlikely to pass {amount}."


def _about(found: Forecast) -> str:
    """`, about the 24th (22nd to 27th)`; the bounds where both are known."""
    if found.passed_on is None:
        return ""
    sides = [found.passed_earliest, found.passed_latest]
    between = [_ordinal(side) for side in sides if side is not None]
    span = f" ({between[0]} to {between[1]})" if len(between) == 2 and between[0] != between[1] else ""
    return f", about the {_ordinal(found.passed_on)}{span}"


def _ordinal(day: date) -> str:
    teen = 10 < day.day % 100 < 20
    return f"{day.day}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(day.day % 10, 'th')}"
