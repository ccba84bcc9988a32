"""An invoice against what we computed: the names of its models are read by the rules that find their prices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Any, cast

import pandas as pd

from analytics import invoice
from analytics.invoice import Grain, Invoice
from collectors.conventions.providers import provider_of, provider_of_model
from collectors.pricing.library import model_id
from server.core import NO_LIMIT, Core

MAX_DOCUMENT = 8_000_000  # letters: a month of a large team by day, model, key and class of tokens
ANY = ""  # of the provider: calls of all of them are compared
_CLASSES = re.compile(r"input|output|cache|token|reasoning|audio|image|training", re.IGNORECASE)
Row = dict[str, Any]


def biller(provider: str | None, bill: Invoice) -> str | None:
    """Whose calls an invoice is held against: the named provider's, else that whose export it is; null: all.

    An empty name means all too.
    """
    return bill.provider if provider is None else provider_of(provider) or (provider.strip().lower() or None)


def reconcile(core: Core, project: str, bill: Invoice, provider: str | None, grain: Grain | None = None) -> Row:
    """What was invoiced and what we computed for it: totals, and rows by period and model, by model, by period.

    Days are those of UTC, as providers count them. `provider`: OpenTelemetry's name; null: calls of all.
    """
    edges: dict[str, object] = {"since": _midnight(bill.since), "until": _midnight(bill.until)}
    daily = core.run("calls_cost_daily", project, edges, NO_LIMIT).table.to_pandas()
    if provider is not None:
        mine = [_bills(provider, *named) for named in zip(daily["provider"], daily["model"], strict=True)]
        daily = daily[pd.Series(mine, index=daily.index, dtype=bool)]  # a bare empty list would choose no columns
    found = invoice.reconcile(bill, daily, alias(provider, daily["model"].dropna().unique()), grain=grain)
    told = asdict(found) | {"calls": int(found.rows["calls"].sum()), "rows": _rows(found.rows)}
    sums = {f"{by}s": _rows(invoice.summed(found.rows, by)) for by in ("model", "period")}
    return {
        "provider": provider, "grain": "month" if "month" in {bill.grain, grain} else "day",
        "since": bill.since, "until": bill.until, "named": bill.named,
        "stated_total_usd": None if bill.stated_total is None else float(bill.stated_total), **told, **sums,
    }  # fmt: skip


def _midnight(day: Any) -> str:
    return datetime.combine(day, time(), UTC).isoformat()


def _bills(provider: str, told: str | None, model: str | None) -> bool:
    named = told if isinstance(told, str) else provider_of_model(model if isinstance(model, str) else None, None)
    return named == provider


def _rows(frame: pd.DataFrame) -> list[Row]:
    plain = frame.astype(object).where(frame.notna(), None)
    return cast("list[Row]", plain.to_dict("records"))


def alias(provider: str | None, computed: Iterable[str]) -> Callable[[str], str | None]:
    """The model that a name stands for: the price table's, else one of `computed` that is written alike, or null."""
    alike = {_plain(name): name for name in computed}

    def known(name: str) -> str | None:
        found = (model_id(provider, spelling) for spelling in spellings(name))
        return next((model for model in found if model), None) or alike.get(_plain(bare(name)))

    return known


def spellings(name: str) -> list[str]:
    """A name as it stands, without a class of tokens behind it, as an id: Claude Haiku 4.5 is claude-haiku-4-5."""
    short = bare(name)
    dashed = _plain(short)
    return list(dict.fromkeys((name, short, dashed, dashed.replace(".", "-"))))


def bare(name: str) -> str:
    """`gpt-4o-2024-08-06, cached input` is gpt-4o-2024-08-06; other names stay."""
    head, comma, rest = name.partition(",")
    return head.strip() if comma and _CLASSES.search(rest) else name.strip()


def _plain(name: str) -> str:
    return re.sub(r"\s+", "-", name.strip().lower())
