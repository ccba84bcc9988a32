"""A provider's invoice against computed cost: by model, and by day or month.

Amounts are US dollars, as decimals where read and as floats in frames. An invoice is text (CSV); whoever has the file
reads it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from analytics.columns import Floats, divide, numbers

Grain = Literal["day", "month"]

COLUMNS = {
    "date": ("date", "day", "usage_date", "usage_day", "start_date", "month", "usage_month", "billing_month", "period"),
    "model": ("model", "model_name", "model_id", "model_version", "sku", "line_item", "description"),
    "amount": ("amount_usd", "cost_usd", "usd", "amount", "cost", "total_cost", "cost_in_usd", "amount_value", "total"),
    "currency": ("currency", "amount_currency", "currency_code"),
}
"""Names of columns that are understood, without case, spaces read as underscores; the first that is there is used."""

MOST_FAULTS = 10  # told of one invoice
TOTALS = frozenset({"total", "subtotal", "sum", "grand_total", "invoice_total"})
PERIODS = {
    "day": ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"),
    "month": ("%Y-%m", "%Y/%m", "%b %Y", "%B %Y"),
}
"""How dates may be written. 03/04/2026 is not among them: it is two dates."""
AMOUNT = re.compile(r"(?P<number>\d+(\.\d+)?([eE][+-]?\d+)?|\d{1,3}(,\d{3})+(\.\d+)?|\.\d+)")
DOLLARS = re.compile(r"US\$|\$|USD", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field."""

    line: int  # of the text, from 1
    column: str  # as the invoice names it; empty: the whole line
    value: str
    reason: str  # what is wrong, and what is accepted

    def __str__(self) -> str:
        where = f", column {self.column!r}: {self.value!r}" if self.column else ""
        return f"Line {self.line}{where}: {self.reason}"


class InvoiceError(ValueError):
    """The text is not an invoice that can be read; `faults` says why, at most ten."""

    def __init__(self, faults: list[Fault], more: int = 0) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join([*map(str, faults), *([f"and {more} more."] if more else [])]))


@dataclass(frozen=True, slots=True)
class Invoice:
    """What was billed; several lines of one period and model are added up.

    `lines`: one row per (period, model), sorted: `period` (date; of a month its first day), `model` (str, as on the
    invoice), `amount` (Decimal; credits are negative).
    """

    lines: pd.DataFrame
    grain: Grain
    stated_total: Decimal | None  # of a line that is a total; null: there is none


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """An invoice beside computed cost. Sums are over all rows; `computed_usd` leaves out what is unknown."""

    rows: pd.DataFrame
    invoiced_usd: float
    computed_usd: float
    difference_usd: float  # computed less invoiced
    difference_relative: float | None  # of the invoiced; null: nothing was invoiced
    matched_usd: float  # invoiced, in rows that match
    unpriced_calls: int  # whose cost is unknown: the difference may be theirs


def read_csv(text: str) -> Invoice:
    """An invoice of CSV text with a header.

    Needs a date (or month), a model and an amount; `COLUMNS` has the names, others are ignored. Separators: comma,
    semicolon or tab, as the header has them. Dates: 2026-10-31, 2026/10/31, 20261031, with a time or without; months:
    2026-10, 2026/10, Oct 2026. An invoice has days or months, not both. Amounts: 1234.5, 1,234.50, $1,234.50, 12 USD,
    1.2e-05; a credit is -5 or (5). Other currencies, decimal commas and empty fields are refused. Lines without any
    text are skipped; one whose model or date is "total" is the stated total, and must equal the sum to the cent.

    Raises:
        InvoiceError: with line, column and value of what cannot be read.
    """
    rows = [(number, row) for number, row in _rows(text.removeprefix("\ufeff")) if any(field.strip() for field in row)]
    if len(rows) < 2:
        raise InvoiceError([Fault(1, "", "", "The invoice has no lines below its header.")])
    (_, header), *body = rows
    places = _places(header)
    read, faults = [], []
    for number, row in body:
        try:
            read.append(_line(number, row, header, places))
        except _FaultError as error:
            faults.append(error.fault)
    if faults:
        raise InvoiceError(faults[:MOST_FAULTS], max(0, len(faults) - MOST_FAULTS))
    return _invoice(read)


def reconcile(
    invoice: Invoice,
    computed: pd.DataFrame,
    alias: Callable[[str], str | None],
    tolerance_usd: float = 0.01,
    tolerance_relative: float = 0.01,
) -> Reconciliation:
    """Invoiced beside computed cost, one row per (period, model) of either, sorted.

    `computed`: one row per day and model, or finer: `day` (date), `model` (str; null: unknown), `cost_usd` (null:
    unknown), `calls` and `unpriced_calls` (int). Only the invoice's span of periods is compared.
    `alias`: the model that a name of the invoice, or of `computed`, stands for; null: no other than itself.

    Rows: `period`, `model`, `names` (list: the invoice's), `mapped` (bool: alias knew all of them), `invoiced_usd`,
    `computed_usd` (null: not on that side, or all unknown), `calls`, `unpriced_calls` (0: none computed),
    `difference_usd` (computed less invoiced; a missing side is 0), `difference_relative` (of the invoiced; null where
    that is 0 or missing), `status`: `matched` (the difference is within either tolerance), `differs`, `only_invoiced`
    (no calls), `only_computed`, `unpriced` (calls, but all of unknown cost). Differences add up to the total's.
    """
    ours, theirs = _computed(computed, alias, invoice), _invoiced(invoice, alias)
    rows = theirs.merge(ours, on=["period", "model"], how="outer", sort=True)
    rows["names"] = [names if isinstance(names, list) else [] for names in rows["names"]]
    rows["mapped"] = rows["mapped"].fillna(True).astype(bool)
    rows[["calls", "unpriced_calls"]] = rows[["calls", "unpriced_calls"]].fillna(0).astype("int64")
    invoiced, found = numbers(rows, "invoiced_usd"), numbers(rows, "computed_usd")
    difference = np.nan_to_num(found) - np.nan_to_num(invoiced)
    rows["difference_usd"] = difference
    rows["difference_relative"] = divide(difference, np.abs(invoiced), np.nan_to_num(invoiced) != 0)
    within = np.maximum(tolerance_usd, tolerance_relative * np.abs(np.nan_to_num(invoiced)))
    rows["status"] = _status(invoiced, found, numbers(rows, "calls"), np.abs(difference) <= within + 1e-9)
    total = float(np.nansum(invoiced))
    return Reconciliation(
        rows=rows, invoiced_usd=total, computed_usd=float(np.nansum(found)), difference_usd=float(difference.sum()),
        difference_relative=float(difference.sum()) / abs(total) if total else None,
        matched_usd=float(np.nansum(invoiced[(rows["status"] == "matched").to_numpy(dtype=bool)])),
        unpriced_calls=int(rows["unpriced_calls"].sum()),
    )  # fmt: skip


def _status(invoiced: Floats, computed: Floats, calls: Floats, within: np.ndarray) -> np.ndarray:
    conditions = [np.isnan(computed) & (calls > 0), np.isnan(computed), np.isnan(invoiced), within]
    return np.select(conditions, ["unpriced", "only_invoiced", "only_computed", "matched"], "differs")


def _invoiced(invoice: Invoice, alias: Callable[[str], str | None]) -> pd.DataFrame:
    lines = invoice.lines
    known = [alias(name) for name in lines["model"]]
    rows = pd.DataFrame(
        {
            "period": lines["period"],
            "model": [model or name for model, name in zip(known, lines["model"], strict=True)],
            "names": lines["model"], "mapped": [model is not None for model in known], "amount": lines["amount"],
        }
    )  # fmt: skip
    grouped = rows.groupby(["period", "model"], sort=True)
    return grouped.agg(
        names=("names", lambda names: sorted(set(names))), mapped=("mapped", "all"),
        invoiced_usd=("amount", lambda amounts: float(sum(amounts, Decimal(0)))),
    ).reset_index()  # fmt: skip


def _computed(computed: pd.DataFrame, alias: Callable[[str], str | None], invoice: Invoice) -> pd.DataFrame:
    model = computed["model"].fillna("unknown model").astype(str)
    rows = pd.DataFrame(
        {
            "period": [_period(day, invoice.grain) for day in computed["day"]],
            "model": [alias(name) or name for name in model],
            "computed_usd": numbers(computed, "cost_usd"),
            "calls": computed["calls"], "unpriced_calls": computed["unpriced_calls"],
        }
    )  # fmt: skip
    rows = rows[rows["period"].between(invoice.lines["period"].min(), invoice.lines["period"].max())]
    grouped = rows.groupby(["period", "model"], sort=True)
    sums = grouped[["calls", "unpriced_calls"]].sum()
    return sums.assign(computed_usd=grouped["computed_usd"].sum(min_count=1)).reset_index()


def _period(day: date, grain: Grain) -> date:
    plain = day.date() if isinstance(day, datetime) else day
    return plain.replace(day=1) if grain == "month" else plain


class _FaultError(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    period: tuple[date, Grain] | None  # null: a total
    model: str
    amount: Decimal


def _rows(text: str) -> list[tuple[int, list[str]]]:
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max((",", ";", "\t"), key=head.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    rows, start = [], 1
    try:
        for row in reader:
            rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvoiceError([Fault(reader.line_num, "", "", f"This is not CSV: {error}.")]) from error
    return rows


def _places(header: list[str]) -> dict[str, int]:
    names = [re.sub(r"[\s_()-]+", "_", name.strip().lower()).strip("_") for name in header]
    found = {}
    for role, known in COLUMNS.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            found[role] = place
        elif role != "currency":
            reason = (
                f"There is no column of the {role}. Accepted: {', '.join(known)}. The header has: {', '.join(names)}."
            )
            raise InvoiceError([Fault(1, "", "", reason)])
    return found


def _line(number: int, row: list[str], header: list[str], places: dict[str, int]) -> _Line:
    if len(row) != len(header):
        raise _FaultError(Fault(number, "", "", f"{len(row)} fields, and the header has {len(header)}."))
    fields = {role: row[place].strip() for role, place in places.items()}

    def refuse(role: str, reason: str) -> _FaultError:
        return _FaultError(Fault(number, header[places[role]].strip(), fields[role], reason))

    if fields.get("currency", "").upper() not in {"", "USD", "US$", "$"}:
        raise refuse("currency", "Only US dollars (USD) are compared; convert the amounts first.")
    amount = _amount(fields["amount"])
    if isinstance(amount, str):
        raise refuse("amount", amount)
    if {re.sub(r"\s+", "_", fields[role].lower()) for role in ("date", "model")} & TOTALS:
        return _Line(number, None, "", amount)
    if not fields["model"]:
        raise refuse("model", "There is no model.")
    period = _dated(fields["date"])
    if period is None:
        raise refuse("date", "This is neither a day (2026-10-31) nor a month (2026-10).")
    return _Line(number, period, fields["model"], amount)


def _amount(text: str) -> Decimal | str:
    """The amount, or what is wrong with it."""
    inner = text.strip()
    credit = inner.startswith("(") and inner.endswith(")")
    inner = DOLLARS.sub("", inner[1:-1] if credit else inner, count=1).strip()
    minus = inner.startswith(("-", "\u2212"))
    inner = inner[1:] if minus or inner.startswith("+") else inner
    inner = inner.strip()
    if AMOUNT.fullmatch(inner):
        value = Decimal(inner.replace(",", ""))
        return -value if credit != minus else value
    if not inner:
        return "There is no amount."
    if re.search(r"[^\d\s.,'eE+-]", inner):
        return "Only amounts in US dollars are read, such as 1234.50 or $1,234.50."
    return "This is not an amount with a decimal point, such as 1234.50 or 1,234.50."


def _dated(text: str) -> tuple[date, Grain] | None:
    for grain, formats in PERIODS.items():
        for form in formats:
            try:
                found = datetime.strptime(text, form).date()  # noqa: DTZ007  # a day of the invoice, of no zone
            except ValueError:
                continue
            return found, "month" if grain == "month" else "day"
    return None


def _invoice(read: list[_Line]) -> Invoice:
    lines = [(line, *line.period) for line in read if line.period is not None]
    if not lines:
        raise InvoiceError([Fault(read[0].number, "", "", "The invoice has totals alone.")])
    grain = lines[0][2]
    other = next((line for line, _, one in lines if one != grain), None)
    if other is not None:
        raise InvoiceError([Fault(other.number, "", "", f"The lines above have a {grain} each, and this one has not.")])
    sums: dict[tuple[date, str], Decimal] = {}
    for line, period, _ in lines:
        sums[period, line.model] = sums.get((period, line.model), Decimal(0)) + line.amount
    total = _total([line for line in read if line.period is None], sum(sums.values(), Decimal(0)))
    rows = [(period, model, amount) for (period, model), amount in sorted(sums.items())]
    return Invoice(pd.DataFrame(rows, columns=["period", "model", "amount"]), grain, total)


def _total(stated: list[_Line], amount: Decimal) -> Decimal | None:
    for line in stated[-1:]:
        if abs(line.amount - amount) > Decimal("0.01"):
            raise InvoiceError(
                [Fault(line.number, "", "", f"The total is {line.amount}, and the lines add to {amount}.")]
            )
        return line.amount
    return None
