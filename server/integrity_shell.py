"""How the command line tells whether our sums agree with what was reported and billed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from analytics.invoice import InvoiceError, read_csv
from collectors.errors import CollectorError
from server.client_invoices import invoice_text
from server.price_shell import EARLIEST, LATEST

if TYPE_CHECKING:
    from server.client import Client

Row = dict[str, Any]
HEADINGS = {
    "reported": "Reported against computed cost, by model",
    "excluded": "Not counted: duplicates and aggregates, and what counting them would have added",
    "untold": "Calls that ended well without telling their usage",
    "unpriced": "Calls without a price",
}
NONE = {
    "reported": "No model calls.",
    "excluded": "Nothing was told twice.",
    "untold": "Every call that ended well told its usage.",
    "unpriced": "Every call that tells its usage has a cost.",
}
_SHOWN = {
    "reported": (
        "value", "calls", "compared", "compared_reported_usd", "compared_computed_usd", "deviation", "deviation_low",
        "deviation_high", "said", "share", "sampled",
    ),
    "excluded": ("usage_role", "model", "calls", "input_tokens", "output_tokens", "cost_usd", "reported_usd"),
    "untold": ("model", "calls", "untold", "half_told", "silent_failures"),
    "unpriced": ("provider", "model", "price_status", "calls", "input_tokens", "output_tokens"),
}  # fmt: skip


def integrity(client: Client, since: datetime | None, until: datetime | None) -> dict[str, list[Row]]:
    """All that the page shows, by its part; null bounds are open."""
    client.settle()
    window: dict[str, Any] = {"since": since or EARLIEST, "until": until or LATEST}
    return {
        "reported": client.integrity(**window),
        "excluded": client.rows("integrity_excluded", **window),
        "untold": client.rows("integrity_untold", **window),
        "unpriced": client.rows("unpriced_models", **window),
    }


def shown(what: str, row: Row) -> Row:
    """The columns for people."""
    return {name: _short(row[name]) for name in _SHOWN[what]}


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read_invoice(data: bytes, origin: str) -> str:
    """The text of an invoice, read once to say before any server is asked what is wrong with it.

    Raises:
        UnreadableInvoiceError: with line, column, value and rule of what cannot be read.
    """
    text = invoice_text(data)
    try:
        read_csv(text)
    except InvoiceError as error:
        raise UnreadableInvoiceError(f"{origin} cannot be read as an invoice.\n{error}") from error
    return text


class UnreadableInvoiceError(CollectorError):
    """The file is no invoice that can be read; says why."""


def reconciled(found: Row) -> list[Row]:
    """The rows by period and model, and one of the same columns over all, with neither."""
    total = dict.fromkeys(found["rows"][0]) | {
        "names": [], "models": [], "status": "total", "mapped": all(row["mapped"] for row in found["rows"]),
    }  # fmt: skip
    sums = ("invoiced_usd", "computed_usd", "difference_usd", "difference_relative", "calls", "unpriced_calls")
    return [*found["rows"], total | {name: found[name] for name in sums}]


def compared(row: Row) -> Row:
    """The columns for people."""
    names = ("period", "model", "invoiced_usd", "computed_usd", "difference_usd", "difference_relative", "calls")
    return {name: _short(row[name]) for name in names} | {"status": row["status"].replace("_", " ")}


def sentence(found: Row) -> str:
    """What it comes to, in one sentence for people."""
    relative = found["difference_relative"]
    apart = "" if relative is None else f" ({relative:+.2%})"
    last = f"{found['unpriced_calls']} calls have no price" if found["unpriced_calls"] else "every call has a price"
    whose = f" of {found['provider']}" if found["provider"] else ""
    return (
        f"{found['invoiced_usd']:.2f} US dollars invoiced for {found['since']} up to {found['until']}, "
        f"{found['computed_usd']:.2f} computed{whose}: {found['difference_usd']:+.2f}{apart}; {last}."
    )
