"""A provider's invoice against computed cost: by model, and by day or month.

Exports of OpenAI (costs, grouped by line item or not) and Anthropic (cost) are read as they come, and any CSV with a
date, an amount and, if it can be, a model.

Amounts are US dollars, as decimals where read and as floats in frames. An invoice is text (CSV); whoever has the file
reads it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from analytics.columns import Floats, divide, numbers

Grain = Literal["day", "month"]

COLUMNS = {
    "date": (
        "date", "day", "usage_date", "usage_date_utc", "usage_day", "start_time_iso", "starting_at", "start_date",
        "start_time", "bucket_start_time", "period_start", "month", "usage_month", "billing_month", "period",
    ),
    "end": ("end_time_iso", "ending_at", "end_date", "end_time", "bucket_end_time", "period_end"),
    "model": ("model", "model_name", "model_id", "model_version", "sku", "line_item", "description"),
    "amount": (
        "amount_usd", "cost_usd", "usd", "amount", "cost", "total_cost", "cost_in_usd", "amount_value", "total",
        "amount_cents", "cost_cents",
    ),
    "currency": ("currency", "amount_currency", "currency_code"),
}  # fmt: skip
"""Names of columns that are understood, without case, spaces read as underscores, the first that is there is used; of
dates and models the first that is not empty in the line. Amounts of columns in `cents` are hundredths of dollars."""
KIND = ("cost_type", "usage_type")  # of what has no model: searches, code that was run
NEEDED = ("date", "amount")

ALL_MODELS = "all models"  # what an invoice bills that names none
MOST_FAULTS = 10  # told of one invoice
TOTALS = frozenset({"total", "subtotal", "sum", "grand_total", "invoice_total"})
PERIODS = {
    "day": ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"),
    "month": ("%Y-%m", "%Y/%m", "%b %Y", "%B %Y"),
}
"""How dates may be written, besides ISO 8601 with a time and seconds since 1970. 03/04/2026 is not among them: it is
two dates."""
TIMED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
SECONDS = re.compile(r"\d{9,10}(\.0)?")
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
    named: bool = True  # its lines name models; else all are of `ALL_MODELS`
    provider: str | None = None  # whose export it is by its columns, in OpenTelemetry's words; null: anyone's

    @property
    def since(self) -> date:
        """The first day billed."""
        first: date = self.lines["period"].min()
        return first

    @property
    def until(self) -> date:
        """The day after the last one billed."""
        last: date = self.lines["period"].max()
        return last + timedelta(days=1) if self.grain == "day" else (last + timedelta(days=31)).replace(day=1)


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

    Needs a date (or month) and an amount; `COLUMNS` has the names, others are ignored. Separators: comma, semicolon or
    tab, as the header has them. Dates: 2026-10-31, 2026/10/31, 20261031, with a time (ISO 8601; without a zone: UTC) or
    in seconds since 1970; months: 2026-10, 2026/10, Oct 2026, or a first and a last day that are a month's. An invoice
    has days or months, not both. Amounts: 1234.5, 1,234.50, $1,234.50, 12 USD, 1.2e-05; a credit is -5 or (5). Other
    currencies, decimal commas and empty amounts are refused. Lines without any text are skipped, and those with a date
    alone, which exports have of days without a cost; one whose model or date is "total" is the stated total, and must
    equal the sum to the cent. Models: none, or one in every line.

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
    faults += _unnamed(read)
    if faults:
        raise InvoiceError(faults[:MOST_FAULTS], max(0, len(faults) - MOST_FAULTS))
    return _invoice([line for line in read if line is not None], _exporter(header))


def reconcile(
    invoice: Invoice,
    computed: pd.DataFrame,
    alias: Callable[[str], str | None],
    *,
    tolerance_usd: float = 0.01,
    tolerance_relative: float = 0.01,
    grain: Grain | None = None,
) -> Reconciliation:
    """Invoiced beside computed cost, one row per (period, model) of either, sorted.

    `computed`: one row per day and model, or finer: `day` (date), `model` (str; null: unknown), `cost_usd` (null:
    unknown), `calls` and `unpriced_calls` (int). Only the invoice's span of periods is compared.
    `alias`: the model that a name of the invoice, or of `computed`, stands for; null: no other than itself.
    `grain`: of the rows; null: the invoice's. Days are added up to months, months stay what they are.

    Rows: `period`, `model`, `names` (list: the invoice's), `mapped` (bool: alias knew all of them), `models` (list: the
    names that calls have), `invoiced_usd`, `computed_usd` (null: not on that side, or all unknown), `calls`,
    `unpriced_calls` (0: none computed), `difference_usd` (computed less invoiced; a missing side is 0),
    `difference_relative` (of the invoiced; null where that is 0 or missing), `status`: `matched` (the difference is
    within either tolerance), `differs`, `only_invoiced` (no calls), `only_computed`, `unpriced` (calls, but all of
    unknown cost). Differences add up to the total's.
    """
    kept: Grain = "month" if "month" in {invoice.grain, grain} else "day"
    ours, theirs = _computed(computed, alias, invoice, kept), _invoiced(invoice, alias, kept)
    rows = theirs.merge(ours, on=["period", "model"], how="outer", sort=True)
    for side in ("names", "models"):
        rows[side] = [names if isinstance(names, list) else [] for names in rows[side]]
    rows["mapped"] = rows["mapped"].fillna(True).astype(bool)
    rows[["calls", "unpriced_calls"]] = rows[["calls", "unpriced_calls"]].fillna(0).astype("int64")
    rows = _judged(rows, tolerance_usd, tolerance_relative)
    invoiced, found = numbers(rows, "invoiced_usd"), numbers(rows, "computed_usd")
    total, difference = float(np.nansum(invoiced)), float(numbers(rows, "difference_usd").sum())
    return Reconciliation(
        rows=rows, invoiced_usd=total, computed_usd=float(np.nansum(found)), difference_usd=difference,
        difference_relative=difference / abs(total) if total else None,
        matched_usd=float(np.nansum(invoiced[(rows["status"] == "matched").to_numpy(dtype=bool)])),
        unpriced_calls=int(rows["unpriced_calls"].sum()),
    )  # fmt: skip


def summed(
    rows: pd.DataFrame,
    by: Literal["period", "model"],
    tolerance_usd: float = 0.01,
    tolerance_relative: float = 0.01,
) -> pd.DataFrame:
    """The rows of a reconciliation added up, one row per period or per model, sorted, with the same columns.

    A sum is judged anew: what differs day by day may match over the month, as when midnight is elsewhere.
    """
    grouped = rows.groupby(by, sort=True)
    sums = grouped[["calls", "unpriced_calls"]].sum()
    for side in ("invoiced_usd", "computed_usd"):
        sums[side] = grouped[side].sum(min_count=1)
    for side in ("names", "models"):
        sums[side] = grouped[side].agg(lambda lists: sorted({name for names in lists for name in names}))
    sums["mapped"] = grouped["mapped"].all()
    return _judged(sums.reset_index(), tolerance_usd, tolerance_relative)


def _judged(rows: pd.DataFrame, tolerance_usd: float, tolerance_relative: float) -> pd.DataFrame:
    """With the difference of both sides and what it means."""
    invoiced, found = numbers(rows, "invoiced_usd"), numbers(rows, "computed_usd")
    difference = np.nan_to_num(found) - np.nan_to_num(invoiced)
    within = np.maximum(tolerance_usd, tolerance_relative * np.abs(np.nan_to_num(invoiced)))
    status = _status(invoiced, found, numbers(rows, "calls"), np.abs(difference) <= within + 1e-9)
    relative = divide(difference, np.abs(invoiced), np.nan_to_num(invoiced) != 0)
    return rows.assign(difference_usd=difference, difference_relative=relative, status=status)


def _status(invoiced: Floats, computed: Floats, calls: Floats, within: np.ndarray) -> np.ndarray:
    conditions = [np.isnan(computed) & (calls > 0), np.isnan(computed), np.isnan(invoiced), within]
    return np.select(conditions, ["unpriced", "only_invoiced", "only_computed", "matched"], "differs")


def _invoiced(invoice: Invoice, alias: Callable[[str], str | None], grain: Grain) -> pd.DataFrame:
    lines = invoice.lines
    known = _each(alias, lines["model"]) if invoice.named else {ALL_MODELS: ALL_MODELS}
    rows = pd.DataFrame(
        {
            "period": [_period(day, grain) for day in lines["period"]],
            "model": [known[name] or name for name in lines["model"]],
            "names": lines["model"], "mapped": [known[name] is not None for name in lines["model"]],
            "amount": lines["amount"],
        }
    )  # fmt: skip
    grouped = rows.groupby(["period", "model"], sort=True)
    return grouped.agg(
        names=("names", lambda names: sorted(set(names))), mapped=("mapped", "all"),
        invoiced_usd=("amount", lambda amounts: float(sum(amounts, Decimal(0)))),
    ).reset_index()  # fmt: skip


def _each(alias: Callable[[str], str | None], names: pd.Series[str]) -> dict[str, str | None]:
    """Asked once for each name."""
    return {name: alias(name) for name in names.unique()}


def _computed(
    computed: pd.DataFrame, alias: Callable[[str], str | None], invoice: Invoice, grain: Grain
) -> pd.DataFrame:
    model = computed["model"].fillna("unknown model").astype(str)
    known = _each(alias, model) if invoice.named else dict.fromkeys(model, ALL_MODELS)
    rows = pd.DataFrame(
        {
            "day": [_period(day, invoice.grain) for day in computed["day"]],
            "model": [known[name] or name for name in model],
            "models": computed["model"], "computed_usd": numbers(computed, "cost_usd"),
            "calls": computed["calls"], "unpriced_calls": computed["unpriced_calls"],
        }
    )  # fmt: skip
    rows = rows[rows["day"].between(invoice.lines["period"].min(), invoice.lines["period"].max())]
    grouped = rows.assign(period=[_period(day, grain) for day in rows["day"]]).groupby(["period", "model"], sort=True)
    sums = grouped[["calls", "unpriced_calls"]].sum()
    models = grouped["models"].agg(lambda names: sorted(set(names.dropna())))
    return sums.assign(computed_usd=grouped["computed_usd"].sum(min_count=1), models=models).reset_index()


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
    model: str  # empty: none
    amount: Decimal
    place: str = ""  # name of the column of models


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


Places = dict[str, list[int]]
"""Role of a column -> where it stands, first the one that is preferred."""


def _places(header: list[str]) -> Places:
    names = [re.sub(r"[\s_()-]+", "_", name.strip().lower()).strip("_") for name in header]
    found = {}
    for role, known in (COLUMNS | {"kind": KIND}).items():
        found[role] = [names.index(name) for name in known if name in names]
        if role in NEEDED and not found[role]:
            reason = (
                f"There is no column of the {role}. Accepted: {', '.join(known)}. The header has: {', '.join(names)}."
            )
            raise InvoiceError([Fault(1, "", "", reason)])
    return found | {"cents": [place for place in found["amount"] if names[place].endswith("_cents")]}


def _line(number: int, row: list[str], header: list[str], places: Places) -> _Line | None:
    """One line; null: it has a date and nothing else."""
    if len(row) != len(header):
        raise _FaultError(Fault(number, "", "", f"{len(row)} fields, and the header has {len(header)}."))
    fields = {role: _field(row, found) for role, found in places.items()}
    fields["amount"] = row[places["amount"][0]].strip()

    def refuse(role: str, reason: str) -> _FaultError:
        return _FaultError(Fault(number, header[places[role][0]].strip(), fields[role], reason))

    if not any(fields[role] for role in ("amount", "model", "currency")):
        return None
    if fields["currency"].upper() not in {"", "USD", "US$", "$"}:
        raise refuse("currency", "Only US dollars (USD) are compared; convert the amounts first.")
    amount = _amount(fields["amount"])
    if isinstance(amount, str):
        raise refuse("amount", amount)
    if places["amount"][0] in places["cents"]:
        amount /= 100
    if {re.sub(r"\s+", "_", fields[role].lower()) for role in ("date", "model")} & TOTALS:
        return _Line(number, None, "", amount)
    period = _dated(fields["date"])
    if period is None:
        raise refuse("date", "This is neither a day (2026-10-31) nor a month (2026-10).")
    if not _is_of(period, fields["end"]):
        raise refuse("end", f"The line began on {fields['date']}: it is of more than a day, and not of a month.")
    model = fields["model"] or fields["kind"]
    place = header[places["model"][0]].strip() if places["model"] else ""
    return _Line(number, _whole_month(period, fields["end"]), model, amount, place)


def _field(row: list[str], places: list[int]) -> str:
    """The first that is not empty."""
    return next((text for place in places if (text := row[place].strip())), "")


def _is_of(period: tuple[date, Grain], end: str) -> bool:
    """Whether the line ends within its day, at its end, or with the month that it begins."""
    last = _dated(end)
    if last is None or period[1] == "month" or last[1] == "month":
        return True
    return last[0] - period[0] <= timedelta(days=1) or _whole_month(period, end)[1] == "month"


def _whole_month(period: tuple[date, Grain], end: str) -> tuple[date, Grain]:
    """The period of a line that says its end: the month, if it goes from a first day to the last or the next first."""
    last, first = _dated(end), period[0]
    after = (first + timedelta(days=31)).replace(day=1)
    if first.day == 1 and last is not None and last[0] in {after, after - timedelta(days=1)}:
        return first, "month"
    return period


def _unnamed(read: list[_Line | None]) -> list[Fault]:
    """Lines without a model among lines with one; an invoice may also name none."""
    lines = [line for line in read if line is not None and line.period is not None]
    if not any(line.model for line in lines):
        return []
    reason = "There is no model, and other lines have one."
    return [Fault(line.number, line.place, "", reason) for line in lines if not line.model]


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


@lru_cache(maxsize=1 << 12)
def _dated(text: str) -> tuple[date, Grain] | None:
    for grain, formats in PERIODS.items():
        for form in formats:
            try:
                found = datetime.strptime(text, form).date()  # noqa: DTZ007  # a day of the invoice, of no zone
            except ValueError:
                continue
            return found, "month" if grain == "month" else "day"
    return _timed(text)


def _timed(text: str) -> tuple[date, Grain] | None:
    """The day in UTC of a time."""
    try:
        if SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC).date(), "day"
        at = datetime.fromisoformat(text) if TIMED.fullmatch(text) else None
    except ValueError:
        return None
    return None if at is None else ((at if at.tzinfo is None else at.astimezone(UTC)).date(), "day")


EXPORTS = {"openai": {"amount_value", "line_item"}, "anthropic": {"usage_date_utc", "token_type"}}
"""Provider -> columns that no other's export has together."""


def _exporter(header: list[str]) -> str | None:
    names = {name.strip().lower() for name in header}
    return next((provider for provider, own in EXPORTS.items() if own <= names), None)


def _invoice(read: list[_Line], provider: str | None) -> Invoice:
    lines = [(line, *line.period) for line in read if line.period is not None]
    if not read:
        raise InvoiceError([Fault(2, "", "", "No line of the invoice has an amount.")])
    if not lines:
        raise InvoiceError([Fault(read[0].number, "", "", "The invoice has totals alone.")])
    grain = lines[0][2]
    other = next((line for line, _, one in lines if one != grain), None)
    if other is not None:
        raise InvoiceError([Fault(other.number, "", "", f"The lines above have a {grain} each, and this one has not.")])
    sums: dict[tuple[date, str], Decimal] = {}
    for line, period, _ in lines:
        model = line.model or ALL_MODELS
        sums[period, model] = sums.get((period, model), Decimal(0)) + line.amount
    total = _total([line for line in read if line.period is None], sum(sums.values(), Decimal(0)))
    rows = [(period, model, amount) for (period, model), amount in sorted(sums.items())]
    named = any(line.model for line, _, _ in lines)
    return Invoice(pd.DataFrame(rows, columns=["period", "model", "amount"]), grain, total, named, provider)


def _total(stated: list[_Line], amount: Decimal) -> Decimal | None:
    for line in stated[-1:]:
        if abs(line.amount - amount) > Decimal("0.01"):
            raise InvoiceError(
                [Fault(line.number, "", "", f"The total is {line.amount}, and the lines add to {amount}.")]
            )
        return line.amount
    return None
