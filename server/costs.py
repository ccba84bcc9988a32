"""The calls of some traces with what each costs: what the resolver has to say of prices."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from collectors.pricing.bulk import price_columns
from collectors.pricing.own import OwnPrice


def with_costs(calls: pa.Table, own: Sequence[OwnPrice]) -> pa.Table:
    """The calls with the columns that a price fills: the list price of the day, unless an own price goes before it."""
    costs = price_columns(calls, own)
    return pa.Table.from_arrays([*calls.columns, *costs.columns], names=[*calls.column_names, *costs.column_names])
