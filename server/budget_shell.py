"""How the command line takes and tells budgets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from server.budgets import BudgetError, parse_budgets

Row = dict[str, Any]


def read_document(path: Path) -> str:
    """The text of a list of budgets; `-` is standard input.

    Raises:
        BudgetError: it cannot be read or breaks a rule; names the line, the key and the value.
    """
    origin = "Standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BudgetError(f"{path} cannot be read: {error}") from error
    parse_budgets(text, origin)
    return text


def rows(found: Row) -> list[Row]:
    """An object per budget, with the month and its zone, and without the single days."""
    kept = ("month", "dimension", "value", "usd_per_month", "spent_usd", "calls", "unpriced", "forecast_usd", "low")
    more = ("high", "chance_passed", "passed_on", "passed_earliest", "passed_latest", "verdict", "refusal", "note")
    return [{"zone": found["zone"]} | {name: one[name] for name in (*kept, *more)} for one in found["budgets"]]


def shown(row: Row) -> Row:
    """What a person reads of it."""
    of = f"{row['dimension']} {row['value']}" if row["dimension"] else "all calls"
    interval = "unknown" if row["low"] is None else f"{row['low']:,.2f} to {row['high']:,.2f}"
    least = "at least " if row["unpriced"] else ""
    return {
        "of": of, "USD a month": f"{row['usd_per_month']:,.2f}", "spent": f"{least}{row['spent_usd']:,.2f}",
        "forecast": None if row["forecast_usd"] is None else f"{row['forecast_usd']:,.2f}", "95 %": interval,
        "verdict": row["verdict"],
    }  # fmt: skip


def sentence(report: Row) -> str:
    """What `assay budgets --set` tells people."""
    entries = report["entries"]
    what = f"{entries} {'entry' if entries == 1 else 'entries'}" if entries else "no entries"
    return f"Version {report['version']} of the budgets has {what}."
