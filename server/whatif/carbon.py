"""Energy and emissions of the calls of a window, by month and model, as ranges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from analytics import whatif_carbon as carbon
from analytics.columns import numbers
from server.aside import Ask
from server.whatif.sampling import Asker, Filters

_ENDS = ("kwh_low", "kwh_high", "kg_low", "kg_high")


def answer(ask: Ask, filters: Filters, since: datetime, until: datetime, zone: str) -> dict[str, Any]:
    """Every call of the window counts; see `/api/whatif/carbon` for the fields.

    Raises:
        UnknownZoneError: no electricity mix has this name.
    """
    asker = Asker(ask, filters)
    names = [row["model"] for row in asker("whatif_models", since, until, max_rows=10_000).to_pylist()]
    carbon.check_zone(zone)
    known = {name: found for name in names if (found := carbon.factors(name, zone)) is not None}
    speeds = [found.seconds_per_token for found in known.values()]
    usage = asker(
        "whatif_generated", since, until, models=list(known), low=[one.low for one in speeds],
        high=[one.high for one in speeds], first=[one.first_token_s for one in known.values()],
    ).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip
    return told(usage, zone)


def told(usage: pd.DataFrame, zone: str) -> dict[str, Any]:
    """Of the columns of `whatif_generated`."""
    table = usage.join(carbon.emissions(usage, zone))
    table["counted"] = table["told"].where(table["taken_for"].notna(), 0)
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    calls, counted = int(table["calls"].sum()), int(table["counted"].sum())
    untold = int((table["calls"] - table["told"])[table["taken_for"].notna()].sum())
    unknown = table[table["taken_for"].isna()]
    return {
        "calls": calls, "counted": counted, "untold": untold,
        "unknown_model": int(unknown["calls"].sum()),
        "unknown_models": _unknown(unknown), "total": _sums(table), "rows": [_row(row) for row in rows],
        "source": carbon.method(), "zone": zone, "zones": carbon.zones(), "pue": list(carbon.overhead()),
        "assumed": _assumed(usage, zone),
    }  # fmt: skip


def _sums(table: pd.DataFrame) -> dict[str, float | None]:
    """Null where no model is known."""
    known = table[table["taken_for"].notna()]
    return {name: float(numbers(known, name).sum()) if len(known) else None for name in _ENDS}


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """With what one call took; null where none is counted."""
    per = {f"{name}_per_call": row[name] / row["counted"] if row["counted"] else None for name in _ENDS}
    return row | {"month": str(row["month"])[:10]} | (per if row["taken_for"] else dict.fromkeys(per))


def _unknown(table: pd.DataFrame) -> list[dict[str, Any]]:
    sums = table.assign(model=table["model"].fillna("")).groupby("model")["calls"].sum().sort_values(ascending=False)
    return [{"model": str(name) or None, "calls": int(calls)} for name, calls in sums.items()]


def _assumed(usage: pd.DataFrame, zone: str) -> list[dict[str, Any]]:
    """What the library says of each model, and where its electricity is taken to come from."""
    found = {name: carbon.factors(str(name), zone) for name in usage["model"].dropna().unique()}
    return [
        {"model": name, "taken_for": one.model, "zone": one.zone, "kg_per_kwh": one.kg_per_kwh,
         "notes": list(one.assumed)}
        for name, one in found.items()
        if one is not None
    ]  # fmt: skip
