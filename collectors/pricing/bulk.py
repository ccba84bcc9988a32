"""Costs of many calls at once, as columns: what `price` says of each, at a twentieth of the time.

Calls repeat their model and day, and most tell plain counts only: input, cache read and write, output, reasoning. Their
prices are looked up once, and the costs of all of them are a few products of columns. Other calls take the long way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.pricing import library
from collectors.pricing.counts import whole_of
from collectors.pricing.own import OwnPrice
from collectors.pricing.price import Call, Cost, Status, find_card, price
from collectors.pricing.rates import Line, RateCard, dimensions

INPUT, READ, WRITE, OUTPUT, REASONING = UNITS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens",
)  # fmt: skip
COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
"""The columns that tell them."""
KEYS = ("provider", "request_model", "response_model", "service_tier")
NEEDED = ("start_time", *KEYS, *COUNTS, "usage_details", "duration_ns")
"""The columns of `calls` that a price depends on."""
_PLAIN = frozenset(UNITS)
_DAY_US, _MINUTE_US = 86_400_000_000, 60_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]


class Named(NamedTuple):
    """What a price says of a call besides amounts."""

    price_status: Status
    price_source: str | None
    price_version: str | None
    price_model: str | None
    price_note: str | None


class Amounts(NamedTuple):
    """US dollars; the five add up to the first."""

    cost_usd: float
    input_usd: float  # of input that was neither read from a cache nor written to one
    cache_read_usd: float
    cache_write_usd: float
    output_usd: float  # reasoning included
    other_usd: float  # searches, requests, hardware


COLUMNS = pa.schema(
    [*((name, pa.float64()) for name in Amounts._fields), *((name, pa.string()) for name in Named._fields)]
)
"""The columns of `calls` that a price fills; amounts are null where there is no cost."""


def price_columns(calls: pa.Table, own: Sequence[OwnPrice] = ()) -> pa.Table:
    """The costs of calls, in their order; `calls` has the columns `NEEDED`, times in UTC without a zone."""
    groups, group_of = _grouped(calls, own)
    counts, known = _counts(calls)
    amounts = _amounts(groups, group_of, counts)
    plain = np.asarray(calls["usage_details"].is_null())
    ready = plain & _well_told(groups, group_of, counts, known)
    ready |= plain & np.array([group.refused is not None for group in groups], np.bool_)[group_of]
    priced = np.array([group.refused is None for group in groups], np.bool_)[group_of]
    named: list[Named] = [group.named for group in groups]
    slow = np.flatnonzero(~ready)
    for place, row in zip(slow, calls.select(NEEDED).take(pa.array(slow)).to_pylist(), strict=True):
        cost = price(_call(row), own)
        told = _told(cost)
        priced[place] = told is not None
        for column, value in zip(amounts, told or repeat(0.0), strict=False):
            column[place] = value
        group_of[place] = len(named)
        named.append(_named(cost))
    return pa.Table.from_arrays([*_money(amounts, priced), *_texts(named, group_of)], schema=COLUMNS)


@dataclass(frozen=True, slots=True)
class _Group:
    """Calls of one provider, model, tier and day (or minute). `card` null and `refused` null: the long way."""

    named: Named
    card: RateCard | None = None
    rates: tuple[float, ...] = (0.0,) * len(UNITS)  # US dollars a token
    refused: Cost | None = None  # why none of them has a cost


def _grouped(calls: pa.Table, own: Sequence[OwnPrice]) -> tuple[list[_Group], _Ints]:
    """The groups, and of each call the place of its group."""
    starts = calls["start_time"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    codes, keys = _key_codes(calls)
    within = np.array([any(library.within_a_day(key[0], model) for model in key[1:3] if model) for key in keys])
    step = np.where(within[codes], _MINUTE_US, _DAY_US) if len(keys) else np.empty(0, np.int64)
    minutes = starts // step * step // _MINUTE_US  # less than 2^32 of them reach to the year 10000
    found, group_of = np.unique((codes << 32) + minutes, return_inverse=True)
    groups = [_group(keys[code >> 32], int(code & 0xFFFFFFFF) * _MINUTE_US, own) for code in found]
    return groups, np.asarray(group_of, np.int64)


def _key_codes(calls: pa.Table) -> tuple[_Ints, list[tuple[str | None, ...]]]:
    """Of each call the place of its (provider, models, tier) among the distinct ones, and these."""
    codes = np.zeros(calls.num_rows, np.int64)
    values: list[list[str | None]] = []
    for name in KEYS:
        encoded = calls[name].combine_chunks().dictionary_encode(null_encoding="encode")
        values.append(encoded.dictionary.to_pylist())
        codes = codes * max(len(values[-1]), 1) + encoded.indices.to_numpy()
    distinct, places = np.unique(codes, return_inverse=True)
    return np.asarray(places, np.int64), [_key(int(code), values) for code in distinct]


def _key(code: int, values: Sequence[Sequence[str | None]]) -> tuple[str | None, ...]:
    key: list[str | None] = []
    for known in reversed(values):
        code, place = divmod(code, max(len(known), 1))
        key.append(known[place])
    return tuple(reversed(key))


def _group(key: tuple[str | None, ...], moment_us: int, own: Sequence[OwnPrice]) -> _Group:
    provider, asked, answered, tier = key
    found = find_card(Call(_EPOCH + timedelta(microseconds=moment_us), {}, provider, asked, answered, tier), own)
    if isinstance(found, Cost):
        hourly = found.source is not None  # it may lack no more than the call's duration
        return _Group(_named(found), refused=None if hourly else found)
    status: Status = "estimated" if found.note else "priced"
    named = Named(status, found.source, found.version, found.model, found.note)
    if not found.rates.keys() <= _KNOWN or any(rate.steps for rate in found.rates.values()):
        return _Group(named)
    return _Group(named, found, tuple(_per_token(found, unit) for unit in UNITS))


_KNOWN = _PLAIN | {
    f"{side}_{kind}_tokens" for side in ("input", "output") for kind in ("audio", "image", "video")
} | {f"cache_{kind}_read_tokens" for kind in ("audio", "image", "video")} | {
    "cache_write_5m_tokens", "cache_write_1h_tokens", "web_searches", "storage_searches", "social_searches",
    "code_executions",
}  # fmt: skip
"""Units that a call with plain counts has none of; a price for any other, such as each request, needs the long way."""


def _per_token(card: RateCard, unit: str) -> float:
    """The price of a class, or of the wider one that it is paid as."""
    rate = card.rates.get(unit) or card.rates.get(OUTPUT if unit == REASONING else INPUT if unit != OUTPUT else unit)
    return 0.0 if rate is None else float(rate.usd / rate.per)


def _counts(calls: pa.Table) -> tuple[list[_Ints], list[_Mask]]:
    """The five counts (0 where unknown), and which of them are known."""
    columns = [calls[name] for name in COUNTS]
    return (
        [pc.fill_null(column, 0).to_numpy().astype(np.int64) for column in columns],
        [np.asarray(column.is_valid()) for column in columns],
    )


def _amounts(groups: Sequence[_Group], group_of: _Ints, counts: Sequence[_Ints]) -> list[_Floats]:
    """The columns of `Amounts`, as if every call told plain counts."""
    rates = np.array([group.rates for group in groups], np.float64).reshape(-1, len(UNITS))[group_of].T
    sent, read, write, generated, reasoning = counts
    parts = [
        (sent - read - write) * rates[0],
        read * rates[1],
        write * rates[2],
        (generated - reasoning) * rates[3] + reasoning * rates[4],
        np.zeros(len(group_of)),
    ]
    return [parts[0] + parts[1] + parts[2] + parts[3], *parts]


def _well_told(groups: Sequence[_Group], group_of: _Ints, counts: Sequence[_Ints], known: Sequence[_Mask]) -> _Mask:
    """Where no count that the price needs lacks, and none contradicts another."""
    cards = [group.card for group in groups]
    ready = np.array([card is not None for card in cards], np.bool_)[group_of]
    for unit in (INPUT, OUTPUT):
        needed = np.array([card is not None and unit in card.needs for card in cards], np.bool_)[group_of]
        ready &= known[UNITS.index(unit)] | ~needed
    sent, read, write, generated, reasoning = counts
    return ready & (sent >= read + write) & (generated >= reasoning)


def _call(row: Mapping[str, Any]) -> Call:
    usage = {unit: row[name] for name, unit in zip(COUNTS, UNITS, strict=True) if row[name] is not None}
    if row["usage_details"]:
        usage = whole_of(usage | orjson.loads(row["usage_details"]))
    lasts = row["duration_ns"]
    return Call(
        at=row["start_time"],
        usage=usage,
        provider=row["provider"],
        request_model=row["request_model"],
        response_model=row["response_model"],
        tier=row["service_tier"],
        duration_s=None if lasts is None else lasts / 1e9,
    )


def _named(cost: Cost) -> Named:
    return Named(cost.status, cost.source, cost.version, cost.model, cost.note)


def _told(cost: Cost) -> Amounts | None:
    if cost.usd is None:
        return None
    sums = dict.fromkeys(("input", "cache_read", "cache_write", "output", "other"), 0.0)
    for line in cost.lines:
        sums[_class_of(line)] += float(line.usd)
    return Amounts(float(cost.usd), *sums.values())


def _class_of(line: Line) -> str:
    told = dimensions(line.unit)
    if told["family"] != "tokens":
        return "other"
    kind = told.get("token_type", "")
    return kind if kind.startswith("cache_") else told.get("direction", "other")


def _money(amounts: Sequence[_Floats], priced: _Mask) -> Iterator[pa.Array]:
    for column in amounts:
        yield pa.array(column, pa.float64(), mask=~priced)


def _texts(named: Sequence[Named], places: _Ints) -> Iterator[pa.Array]:
    indices = pa.array(places)
    for number in range(len(Named._fields)):
        yield pa.array([row[number] for row in named], pa.string()).take(indices)
