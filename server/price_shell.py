"""How the command line takes and tells a project's own prices, and what a repricing did."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.prices import parse_document
from server.pricing import read_price_list

if TYPE_CHECKING:
    from server.client import Client

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def read_document(path: Path) -> str:
    """The text of a price list; `-` is standard input.

    Raises:
        PriceListError: it cannot be read or breaks a rule; names the line, the key and the value.
    """
    text = sys.stdin.read() if str(path) == "-" else read_price_list(path)
    parse_document(text, "Standard input" if str(path) == "-" else str(path))
    return text


def prices_sentence(report: Row) -> str:
    """What `assay prices --set` tells people."""
    would, entries = report["would_change"], report["entries"]
    what = f"{entries} {'entry' if entries == 1 else 'entries'}" if entries else "no entries: list prices count alone"
    said = f"Version {report['version']} of the own prices has {what}. New calls are priced by it."
    if not would["changed"]:
        return f"{said} No stored call would have another cost."
    return f"{said} {_of_calls(would)} would have another cost: `assay reprice` applies it, and keeps the old figures."


def repricing_sentence(report: Row, *, done: bool) -> str:
    """What `assay reprice` tells people."""
    sums = " and ".join(
        f"{told} {'unknown' if report[name] is None else format(report[name], '.6f')} US dollars"
        for told, name in (("before", "sum_before"), ("after", "sum_after"))
    )
    what = f"{_of_calls(report)} {'have' if done else 'would have'} another cost; {sums}, over the calls that count."
    left = report["unpriced_after"]
    what += f" {left} of these have no cost." if left else ""
    if report["repricing_id"] is None:
        return what
    return f"{what} The old figures stand under repricing {report['repricing_id']}: `assay prices --history`."


def _of_calls(report: Row) -> str:
    return f"{report['changed']} of {report['calls']} calls"


def history(client: Client) -> list[Row]:
    """Versions of the own prices and repricings, newest first, as one list."""
    versions = [
        {"time": row["set_at"], "event": "prices set", "number": row["version"], "author": row["author"],
         "told": f"{row['entries']} entries"}
        for row in client.rows("price_versions")
    ]  # fmt: skip
    runs = [
        {"time": row["started_at"], "event": "repriced", "number": row["repricing_id"], "author": row["author"],
         "told": _run_told(row)}
        for row in client.rows("repricings")
    ]  # fmt: skip
    return sorted([*versions, *runs], key=lambda row: str(row["time"]), reverse=True)


def _run_told(row: Row) -> str:
    parts = [f"{row['changed']} of {row['calls']} calls, {row['sum_before']} to {row['sum_after']} US dollars"]
    parts += [f"own prices {row['own_version']}"] * (row["own_version"] is not None)
    parts += [f"list prices {row['list_version']}", row["reason"] or ""]
    parts += ["not finished"] * (row["finished_at"] is None)
    return ", ".join(filter(None, parts))


def unpriced(client: Client) -> list[Row]:
    """Models whose calls have no cost, most calls first."""
    names = ("provider", "model", "price_status", "calls", "input_tokens", "output_tokens", "last_seen", "note")
    found = client.rows("unpriced_models", since=EARLIEST, until=LATEST)
    return [{name: row[name] for name in names} for row in found]
