"""Spend by calendar day, against pandas over the same rows, and versions of documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from store import documents
from store.errors import UnknownQueryError

START = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks of Berlin go forward on the 29th
WINDOW = {"since": START, "until": START + timedelta(days=20)}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng, count = np.random.default_rng(5), 900
    return pd.DataFrame({
        "project_id": 1, "trace_id": [UUID(int=n + 1) for n in range(count)], "span_id": 1, "kind": "llm",
        "start_time": [START + timedelta(minutes=float(m)) for m in rng.uniform(-600, 20 * 1440 + 600, count)],
        "usage_role": np.where(rng.random(count) < 0.2, "duplicate", "leaf"), "failed": rng.random(count) < 0.3,
        "input_tokens": np.where(rng.random(count) < 0.7, 10, None), "service": rng.choice(["a", "b", "c"], count),
        "cost_usd": np.where(rng.random(count) < 0.7, np.round(rng.gamma(1, 1, count), 6), np.nan),
        "price_status": "priced", "tags": [[]] * count,
    })  # fmt: skip


@pytest.fixture(scope="module", params=["calls", "sums"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_class: Any, rows: pd.DataFrame
) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("spend"))
    opened.add_calls(rows)
    if request.param == "sums":
        opened.sum_calls()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Los_Angeles", "Australia/Lord_Howe"]
)
def test_days_are_those_of_the_zone(filled: Any, rows: pd.DataFrame, zone: str) -> None:
    frame = rows[(rows["usage_role"] == "leaf") & rows["start_time"].between(*WINDOW.values(), inclusive="left")]
    silent = frame["failed"] & frame["input_tokens"].isna()
    frame = frame.assign(
        day=frame["start_time"].dt.tz_convert(zone).dt.date, unpriced=frame["cost_usd"].isna() & ~silent
    )  # fmt: skip
    for dimension, values, keys in ((None, None, ["day"]), ("service", ["a", "c", "nobody"], ["day", "service"])):
        asked = WINDOW | {"zone": zone, "dimension": dimension, "values": values}
        found = filled.readers.run("spend_by_day", 1, asked).table.to_pandas()
        part = frame if values is None else frame[frame["service"].isin(values)]
        wanted = part.groupby(keys, as_index=False).agg(
            cost_usd=("cost_usd", "sum"), calls=("kind", "size"), priced=("cost_usd", "count"),
            unpriced=("unpriced", "sum"),
        )  # fmt: skip
        found = found.sort_values(["day", "value"]).reset_index(drop=True)
        assert list(found["day"]) == list(wanted["day"])
        assert found["cost_usd"].fillna(0).to_numpy() == pytest.approx(wanted["cost_usd"].to_numpy(), rel=1e-12)
        for name in ("calls", "priced", "unpriced"):
            assert list(found[name]) == list(wanted[name])
        assert values is None or list(found["value"]) == list(wanted["service"])


def test_a_day_without_a_price_is_unknown(filled: Any, rows: pd.DataFrame) -> None:
    call = rows[(rows["usage_role"] == "leaf") & rows["cost_usd"].isna()].iloc[0]["start_time"]
    since = call.floor("us").to_pydatetime()
    narrow = {"since": since, "until": since + timedelta(microseconds=1)}
    (found,) = filled.readers.run("spend_by_day", 1, narrow).table.to_pylist()
    assert (found["cost_usd"], found["priced"], found["calls"]) == (None, 0, 1)


def test_no_call_has_no_day(store: Any) -> None:
    found = store.readers.run("spend_by_day", 1, WINDOW).table
    assert found.num_rows == 0
    assert set(found.column_names) == {"day", "value", "cost_usd", "calls", "priced", "unpriced"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "Europe", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_named(store: Any, zone: str) -> None:
    with pytest.raises(UnknownQueryError, match=r"no time zone .*Europe/Berlin"):
        store.readers.run("spend_by_day", 1, WINDOW | {"zone": zone})


@pytest.mark.parametrize("table", ["own_prices", "budgets"])
def test_a_document_gets_a_version_when_it_changes(store: Any, table: Any) -> None:
    for text, author in (("a: 1", "ann"), ("a: 1", "bob"), ("", None), ("a: 1", None)):
        store.writer.call(lambda cursor, t=text, a=author: documents.add(cursor, table, 1, t, 1, a)).result()
    with store.readers.read() as cursor:
        assert documents.read(cursor, table, 2) == documents.NOTHING
        assert documents.read(cursor, table, 1, 9) is None
        told = [documents.read(cursor, table, 1, version) for version in (1, 2, 3, None)]
    assert [(one.version, one.document, one.author) for one in told] == [
        (1, "a: 1", "ann"), (2, "", None), (3, "a: 1", None), (3, "a: 1", None),
    ]  # fmt: skip
