"""Invoices as providers write them, what is refused and how it is told, and sums that must agree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import invoice

NAMES = {"GPT-5 mini": "gpt-5-mini", "gpt-5-mini-2025-08-07": "gpt-5-mini", "Claude Sonnet 4.5": "claude-sonnet-4-5"}


def lines(text: str) -> list[tuple[date, str, Decimal]]:
    return list(invoice.read_csv(text).lines.itertuples(index=False, name=None))


def computed(*rows: tuple[str, str | None, float | None, int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["day", "model", "cost_usd", "calls", "unpriced_calls"])
    return frame.assign(day=[date.fromisoformat(day) for day in frame["day"]])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("date,model,amount_usd\n2026-10-01,m,1234.5\n", id="plain"),
        pytest.param("\ufeffDate;Model Name;Cost (USD)\r\n2026/10/01;m;$1,234.50\r\n", id="excel"),
        pytest.param("usage_date\tsku\tcost\tcurrency\n20261001\tm\t1234.50 USD\tusd\n", id="tabs-and-currency"),
        pytest.param('model,notes,day,amount\nm,"a, ""b""\nc",2026-10-01T00:00:00Z,"US$1,234.50"\n', id="quoted"),
        pytest.param("date,model,amount\n2026-10-01,m,1200\n\n2026-10-01,m,34.5\n,,\n", id="added-up-blank-lines"),
        pytest.param(
            "date,model,amount\n2026-10-01,m,1300\n2026-10-01,m,(65.50)\nTotal,,1234.50\n", id="credit-and-total"
        ),
        pytest.param("date,model,amount\n2026-10-01,m,1.2345e3\n2026-10-01,m,-$5\n2026-10-01,m,$ 5\n", id="exponent"),
        pytest.param("date,model,amount_cents\n2026-10-01,m,123450\n", id="cents"),
        pytest.param("start_time,end_time,model,cost\n1790812800,1790899200,m,1234.5\n", id="seconds-since-1970"),
        pytest.param("starting_at,ending_at,model,cost\n2026-10-01T02:00+02:00,2026-10-02,m,1234.5\n", id="zone"),
    ],
)
def test_invoices_are_read(text: str) -> None:
    assert lines(text) == [(date(2026, 10, 1), "m", Decimal("1234.5"))]
    assert invoice.read_csv(text).grain == "day"


@pytest.mark.parametrize("month", ["2026-10", "2026/10", "Oct 2026", "October 2026"])
def test_months_are_read(month: str) -> None:
    found = invoice.read_csv(f"month,model,usd\n{month},m,5\n")
    assert (found.grain, found.lines["period"].tolist()) == ("month", [date(2026, 10, 1)])


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        pytest.param("2026-10-01,m,€12.00", "amount", "€12.00", "US dollars", id="euro"),
        pytest.param("2026-10-01,m,12 EUR", "amount", "12 EUR", "US dollars", id="euro-by-name"),
        pytest.param('2026-10-01,m,"12,5"', "amount", "12,5", "decimal point", id="decimal-comma"),
        pytest.param('2026-10-01,m,"1.234,50"', "amount", "1.234,50", "decimal point", id="decimal-comma-thousands"),
        pytest.param('2026-10-01,m,"12,34,567"', "amount", "12,34,567", "decimal point", id="other-thousands"),
        pytest.param("2026-10-01,m,", "amount", "", "no amount", id="empty-amount"),
        pytest.param("2026-10-01,m,n/a", "amount", "n/a", "US dollars", id="not-an-amount"),
        pytest.param("2026-10-01,m,nan", "amount", "nan", "US dollars", id="nan"),
        pytest.param("2026-10-01,,5", "model", "", "no model", id="no-model"),
        pytest.param("03/04/2026,m,5", "date", "03/04/2026", "neither a day", id="ambiguous-date"),
        pytest.param("2026-02-30,m,5", "date", "2026-02-30", "neither a day", id="no-such-day"),
        pytest.param("2026-10-01,m", "", "", "2 fields", id="short-line"),
        pytest.param("2026-10,m,5", "", "", "a day each", id="a-month-among-days"),
        pytest.param("total,,99", "", "", "The total is 99, and the lines add to 1", id="wrong-total"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(row: str, column: str, value: str, reason: str) -> None:
    with pytest.raises(invoice.InvoiceError, match=reason) as caught:
        invoice.read_csv(f"date,model,amount\n2026-10-01,m,1\n{row}\n")
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.value) == (3, column, value)
    assert "Line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "no lines", id="empty"),
        pytest.param("date,model,amount\n", "no lines", id="header-alone"),
        pytest.param("day,model\n2026-10-01,5\n", "no column of the amount. Accepted: amount_usd, ", id="no-amount"),
        pytest.param("start_time,amount_value,line_item\n1790467200,,\n", "No line of the", id="days-without-a-cost"),
        pytest.param("date,model,amount\ntotal,,5\n", "totals alone", id="totals-alone"),
        pytest.param('date,model,amount\n2026-10-01,"m,5\n', "not CSV", id="open-quote"),
        pytest.param("date,model,amount,currency\n2026-10-01,m,5,GBP\n", "Only US dollars", id="pounds"),
    ],
)
def test_texts_that_are_no_invoices_are_refused(text: str, reason: str) -> None:
    with pytest.raises(invoice.InvoiceError, match=reason):
        invoice.read_csv(text)


OPENAI = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_name
1790812800,1790899200,2026-10-01T00:00:00+00:00,2026-10-02T00:00:00+00:00,,,,,
1790899200,1790985600,2026-10-02T00:00:00+00:00,2026-10-03T00:00:00+00:00,0.5000000000,usd,"m-2026, input",proj_a,Org
1790899200,1790985600,2026-10-02T00:00:00+00:00,2026-10-03T00:00:00+00:00,0.2500000000,usd,"m-2026, output",proj_a,Org
"""
ANTHROPIC = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type
2026-10-02,Claude Haiku 4.5,Default,key,message,≤ 200k,input_no_cache,0.05,0.50,token
2026-10-02,Claude Haiku 4.5,Default,key,message,≤ 200k,output,0.02,0.20,token
2026-10-03,,Default,key,,,,0.01,0.01,web_search
"""


def test_an_export_of_openai_is_read_as_it_comes() -> None:
    assert lines(OPENAI) == [
        (date(2026, 10, 2), "m-2026, input", Decimal("0.5")), (date(2026, 10, 2), "m-2026, output", Decimal("0.25")),
    ]  # fmt: skip


def test_an_export_of_anthropic_is_read_as_it_comes() -> None:
    """What was paid, not the list price; a search has no model, and is told by its kind."""
    assert lines(ANTHROPIC) == [
        (date(2026, 10, 2), "Claude Haiku 4.5", Decimal("0.07")), (date(2026, 10, 3), "web_search", Decimal("0.01")),
    ]  # fmt: skip


@pytest.mark.parametrize("header", ["date,amount", "date,amount,model"])
def test_an_invoice_without_models_is_compared_by_day_alone(header: str) -> None:
    empty = "," * (header.count(",") - 1)
    bill = invoice.read_csv(f"{header}\n2026-10-01,3{empty}\n2026-10-02,4{empty}\n")
    assert (bill.named, bill.lines["model"].unique().tolist()) == (False, [invoice.ALL_MODELS])
    ours = computed(("2026-10-01", "a", 1.0, 1, 0), ("2026-10-01", "b", 2.0, 1, 0), ("2026-10-02", None, 4.0, 1, 0))
    found = invoice.reconcile(bill, ours, NAMES.get).rows
    assert found["status"].tolist() == ["matched", "matched"]
    assert found["models"].tolist() == [["a", "b"], []]


@pytest.mark.parametrize("last", ["2026-02-28", "2026-03-01"])
def test_a_first_and_a_last_day_are_a_month(last: str) -> None:
    bill = invoice.read_csv(f"start_date,end_date,model,amount\n2026-02-01,{last},m,5\n")
    assert (bill.grain, bill.since, bill.until) == ("month", date(2026, 2, 1), date(2026, 3, 1))


def test_days_that_are_neither_one_nor_a_month_are_refused() -> None:
    with pytest.raises(invoice.InvoiceError, match="Line 2, column 'end_date': '2026-02-08': The line began") as caught:
        invoice.read_csv("start_date,end_date,model,amount\n2026-02-01,2026-02-08,m,5\n")
    assert "of more than a day, and not of a month" in str(caught.value)


def test_days_are_added_up_to_months_and_models_over_days() -> None:
    """Ours has the money a day later: no day matches, and the month does."""
    bill = invoice.read_csv("date,model,amount\n2026-10-01,GPT-5 mini,3\n2026-10-02,GPT-5 mini,4\n")
    ours = computed(("2026-10-01", "gpt-5-mini", 0.5, 1, 0), ("2026-10-02", "gpt-5-mini", 6.5, 2, 1))
    days = invoice.reconcile(bill, ours, NAMES.get)
    assert days.rows["status"].tolist() == ["differs", "differs"]
    months = invoice.reconcile(bill, ours, NAMES.get, grain="month")
    assert months.rows[["period", "status", "calls"]].to_numpy().tolist() == [[date(2026, 10, 1), "matched", 3]]
    (model,) = invoice.summed(days.rows, "model").to_dict("records")
    assert (model["status"], model["invoiced_usd"], model["computed_usd"]) == ("matched", 7, 7)
    assert (model["names"], model["models"], model["unpriced_calls"]) == (["GPT-5 mini"], ["gpt-5-mini"], 1)
    by_day = invoice.summed(days.rows, "period")
    assert by_day["difference_usd"].tolist() == [-2.5, 2.5]


def test_many_faults_are_told_at_once_but_not_all() -> None:
    with pytest.raises(invoice.InvoiceError) as caught:
        invoice.read_csv("date,model,amount\n" + "2026-10-01,m,x\n" * 25)
    assert len(caught.value.faults) == 10
    assert str(caught.value).endswith("and 15 more.")


def test_the_line_of_a_fault_counts_lines_within_quotes() -> None:
    with pytest.raises(invoice.InvoiceError, match="Line 4, column 'amount'"):
        invoice.read_csv('date,model,amount\n2026-10-01,"a\nb",1\n2026-10-01,m,x\n')


def test_models_and_days_are_matched_by_hand() -> None:
    bill = invoice.read_csv(
        "date,model,amount\n"
        "2026-10-01,GPT-5 mini,10.00\n"  # ours: 6 + 3.95 = 9.95, within 1 %
        "2026-10-01,Claude Sonnet 4.5,20\n"  # ours: 15
        "2026-10-02,GPT-5 mini,3\n"  # nothing of ours
        "2026-10-02,mystery,1\n"  # calls of unknown cost
        "2026-10-03,GPT-5 mini,0.02\n"  # ours: 0.01, within a cent
    )
    ours = computed(
        ("2026-10-01", "gpt-5-mini", 6.0, 10, 0),
        ("2026-10-01", "gpt-5-mini-2025-08-07", 3.95, 5, 1),
        ("2026-10-01", "claude-sonnet-4-5", 15.0, 7, 0),
        ("2026-10-02", "claude-sonnet-4-5", 2.0, 1, 0),
        ("2026-10-02", "mystery", None, 4, 4),
        ("2026-10-03", "gpt-5-mini", 0.01, 1, 0),
        ("2026-09-30", "gpt-5-mini", 50.0, 9, 0),  # before the invoice
    )
    found = invoice.reconcile(bill, ours, NAMES.get)
    rows = {(row.period.day, row.model): row for row in found.rows.itertuples()}
    assert {key: row.status for key, row in rows.items()} == {
        (1, "gpt-5-mini"): "matched", (1, "claude-sonnet-4-5"): "differs", (2, "gpt-5-mini"): "only_invoiced",
        (2, "claude-sonnet-4-5"): "only_computed", (2, "mystery"): "unpriced", (3, "gpt-5-mini"): "matched",
    }  # fmt: skip
    first = rows[1, "gpt-5-mini"]
    assert (first.invoiced_usd, first.computed_usd, first.calls, first.unpriced_calls) == (10, 9.95, 15, 1)
    assert (first.difference_usd, first.difference_relative) == (pytest.approx(-0.05), pytest.approx(-0.005))
    assert (first.names, first.mapped) == (["GPT-5 mini"], True)
    assert (rows[2, "mystery"].names, rows[2, "mystery"].mapped) == (["mystery"], False)
    assert pd.isna(rows[2, "claude-sonnet-4-5"].difference_relative)
    # 34.02 invoiced; 9.95 + 15 + 2 + 0.01 = 26.96 computed.
    assert (found.invoiced_usd, found.computed_usd) == (pytest.approx(34.02), pytest.approx(26.96))
    assert found.difference_usd == pytest.approx(26.96 - 34.02)
    assert found.difference_relative == pytest.approx((26.96 - 34.02) / 34.02)
    assert (found.matched_usd, found.unpriced_calls) == (pytest.approx(10.02), 5)


def test_a_monthly_invoice_is_compared_by_month() -> None:
    bill = invoice.read_csv("month,model,amount\n2026-10,GPT-5 mini,5\n")
    ours = computed(
        ("2026-10-01", "gpt-5-mini", 2.0, 1, 0), ("2026-10-31", "gpt-5-mini", 3.0, 1, 0),
        ("2026-11-01", "gpt-5-mini", 9.0, 1, 0),
    )  # fmt: skip
    found = invoice.reconcile(bill, ours, NAMES.get)
    assert found.rows[["period", "computed_usd", "status"]].to_numpy().tolist() == [[date(2026, 10, 1), 5.0, "matched"]]


def test_nothing_computed_leaves_all_invoiced_alone() -> None:
    found = invoice.reconcile(invoice.read_csv("month,model,amount\n2026-10,m,5\n"), computed(), NAMES.get)
    assert found.rows["status"].tolist() == ["only_invoiced"]
    assert (found.difference_usd, found.difference_relative) == (-5, -1)


MODELS = st.sampled_from(["a", "b", "A x", "c"])
DAYS = st.integers(1, 5)


@given(
    billed=st.lists(st.tuples(DAYS, MODELS, st.decimals(-100, 1000, places=4)), min_size=1, max_size=20),
    ours=st.lists(st.tuples(DAYS, MODELS, st.none() | st.floats(0, 1000)), max_size=20),
)
def test_differences_add_up_and_every_line_is_there_once(
    billed: list[tuple[int, str, Decimal]], ours: list[tuple[int, str, float | None]]
) -> None:
    text = "date,model,amount\n" + "".join(f"2026-10-{day:02},{model},{amount}\n" for day, model, amount in billed)
    bill = invoice.read_csv(text)
    assert sum(bill.lines["amount"]) == sum(amount for _, _, amount in billed)
    frame = computed(*((f"2026-10-{day:02}", model, usd, 1, int(usd is None)) for day, model, usd in ours))
    found = invoice.reconcile(bill, frame, {"A x": "a"}.get)
    assert found.rows["difference_usd"].sum() == pytest.approx(found.computed_usd - found.invoiced_usd, abs=1e-6)
    assert found.invoiced_usd == pytest.approx(float(sum(amount for _, _, amount in billed)), abs=1e-6)
    assert not found.rows.duplicated(["period", "model"]).any()
    span = [day for day, _, _ in billed]
    assert found.rows["calls"].sum() == sum(min(span) <= day <= max(span) for day, _, _ in ours)
