"""`assay price`: lines of usage in, the same lines with their cost out. Needs no server and no store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from collectors.conventions.payload import read_payload
from collectors.conventions.providers import provider_of
from collectors.conventions.usage import settle, usage_of
from collectors.conventions.values import number
from collectors.pricing.counts import counts_of
from collectors.pricing.own import OwnPrice, PriceListError
from collectors.pricing.price import Call, Cost, price
from server.prices import parse_document
from server.when import parse_time

MILLISECONDS_FROM = 1e11  # a Unix time beyond the year 5138 in seconds is one in milliseconds
Row = dict[str, Any]


class UnreadableLineError(ValueError):
    """A line that holds no call; says why."""


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    lines: int = 0
    unreadable: int = 0
    without_cost: int = 0
    estimated: int = 0
    usd: Decimal = Decimal(0)

    def sentence(self) -> str:
        """One sentence for people."""
        parts = [f"{self.lines} lines, {self.usd:.6f} US dollars"]
        parts += [f"{self.estimated} of them estimated"] * bool(self.estimated)
        parts += [f"{self.without_cost} without a cost: see their status and note"] * bool(self.without_cost)
        parts += [f"{self.unreadable} unreadable"] * bool(self.unreadable)
        return "; ".join(parts) + "."


def price_lines(lines: Iterable[bytes], own: Sequence[OwnPrice], tally: Tally) -> Iterator[Row]:
    """Each line with `cost_usd`, `price_source`, `price_version`, `breakdown`, `status` and `note`, in the same order.

    A line that cannot be read comes back with status `unreadable` and the reason. Empty lines are left out.
    """
    for place, line in enumerate(lines, 1):
        if line.strip():
            tally.lines += 1
            yield _priced(line, place, own, tally)


def told(cost: Cost) -> Row:
    """A cost as JSON values: amounts in US dollars, the breakdown by unit."""
    return {
        "cost_usd": None if cost.usd is None else float(cost.usd),
        "price_source": cost.source,
        "price_version": cost.version,
        "price_model": cost.model,
        "breakdown": {
            line.unit: {
                "quantity": line.quantity,
                "usd_per_million": float(line.usd_per_million),
                "usd": float(line.usd),
            }
            for line in cost.lines
        },
        "status": cost.status,
        "note": cost.note,
    }


def summary(row: Row) -> Row:
    """The columns of a priced line for people."""
    names = ("id", "model", "cost_usd", "status", "price_source", "note")
    return {name: row.get(name) for name in names} | {"note": row["note"] or ""}


def _priced(line: bytes, place: int, own: Sequence[OwnPrice], tally: Tally) -> Row:
    row: Row = {"line": place}
    try:
        row = read_line(line)
        cost = price(call_of(row), own)
    except UnreadableLineError as error:
        tally.unreadable += 1
        return row | {"cost_usd": None, "status": "unreadable", "note": f"Line {place} cannot be read: {error}."}
    tally.usd += cost.usd or 0
    tally.without_cost += cost.usd is None
    tally.estimated += cost.status == "estimated"
    return row | told(cost)


def read_line(line: bytes) -> Row:
    """The object of one line. Raises UnreadableLineError when it is none."""
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise UnreadableLineError(f"it is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise UnreadableLineError("it is not a JSON object such as {'model': 'gpt-4o', 'usage': {...}}")
    return row


def call_of(row: Row) -> Call:
    """The call that a line tells of: `provider`, `model`, `timestamp`, `usage`, `service_tier`, `duration_s`.

    `usage` may be of any provider's form, or the provider's whole answer. Without a timestamp today's price counts.

    Raises:
        UnreadableLineError: the timestamp or the usage is of no known form.
    """
    block = row.get("usage")
    usage = usage_of(block) or read_payload(block).usage
    if not usage and isinstance(block, dict) and block and not usage.details:
        raise UnreadableLineError(f"the usage names no known count; it has {', '.join(map(str, list(block)[:8]))}")
    settle(usage)
    tier = row.get("service_tier") or ("batch" if row.get("batch") is True else usage.tier)
    named = _text(row, "provider")
    return Call(
        at=_moment(row.get("timestamp")),
        usage=counts_of(usage),
        provider=named and provider_of(named),
        request_model=_text(row, "model") or _text(row, "request_model"),
        response_model=_text(row, "response_model"),
        tier=tier if isinstance(tier, str) else None,
        duration_s=number(row.get("duration_s")),
    )


def _text(row: Row, name: str) -> str | None:
    found = row.get(name)
    if found is not None and not isinstance(found, str):
        raise UnreadableLineError(f"{name} must be text; got {found!r}")
    return found or None


def _moment(value: Any) -> datetime:
    if value is None:
        return datetime.now(UTC)
    seconds = number(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= MILLISECONDS_FROM else seconds, UTC)
        return parse_time(str(value))
    except (ValueError, OverflowError, OSError):
        raise UnreadableLineError(f"timestamp {value!r} is no time; write ISO 8601 or seconds since 1970") from None


def read_own_prices(path: Path) -> list[OwnPrice]:
    """The entries of a YAML file `prices: [...]`.

    Raises:
        PriceListError: the file is not there, is no YAML, or an entry breaks a rule.
    """
    return parse_document(read_price_list(path), str(path))


def read_price_list(path: Path) -> str:
    """The text of a file of prices. Raises PriceListError when there is none."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceListError(f"The price list {path} cannot be read: {error}") from error
