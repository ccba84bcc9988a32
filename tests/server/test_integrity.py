"""Reports held against our sums, and invoices, over a real server: by list prices that were looked up by hand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.client import ApiError, Client
from server.client_invoices import invoice_text
from server.invoices import alias, spellings

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = {"since": AT - timedelta(days=3), "until": AT + timedelta(days=3)}
Command = Callable[..., subprocess.CompletedProcess[str]]
Usage = dict[str, int]
OWN = "prices:\n- {model: gpt-4.1, usd_per_million: {input: 1.1, output: 5}}\n"

# Dollars per million tokens, from the providers' pages: input, cached input, output.
PRICES = {
    "gpt-4o": (2.5, 1.25, 10), "gpt-4o-mini": (0.15, 0.075, 0.6), "o3": (2, 0.5, 8), "gpt-5.6-sol": (4, 0.4, 20),
    "gpt-4.1-mini": (0.4, 0.1, 1.6),
}  # fmt: skip


def bill(usage: Usage, prices: tuple[float, float, float]) -> float:
    return (
        (usage["input"] - usage["cached"]) * prices[0] + usage["cached"] * prices[1] + usage["output"] * prices[2]
    ) / 1e6


SENDERS: dict[str, tuple[str, Callable[[Usage], float]]] = {
    "gpt-4o": ("agrees", lambda usage: bill(usage, (2.5, 1.25, 10))),
    "gpt-4o-mini": ("cache_read_not_discounted", lambda usage: bill(usage, (0.15, 0.15, 0.6))),
    "o3": ("candidate", lambda usage: bill(usage, (10, 0.5, 40))),  # until 2025-06-10
    "gpt-5.6-sol": ("candidate", lambda usage: bill(usage, (5, 0.5, 30))),  # until 2026-08-21
    "gpt-4.1": ("candidate", lambda usage: bill(usage, (2, 0.5, 8))),  # the list's, where the project has its own
    "gpt-4.1-mini": ("reported_twice", lambda usage: 2 * bill(usage, (0.4, 0.1, 1.6))),
}
"""Model -> the cause, and what a sender with this fault reports."""


@pytest.fixture(scope="module")
def client(shared: Any, telling: Any) -> Iterator[Client]:
    """Forty calls of each model in November 2026; a price of our own for gpt-4.1."""
    made = shared.client("sums")
    made.add_project("sums")
    made.set_prices(OWN)
    for number in range(40):
        trace = telling((number + 1).to_bytes(16, "big"), int((AT + timedelta(minutes=number)).timestamp()) * 10**9)
        for place, (model, (_, report)) in enumerate(SENDERS.items(), 1):
            cached = 0 if model == "gpt-4.1" else 300 * (number % 7)
            usage = {"input": 5000 + 137 * number, "cached": cached, "output": 90 + 7 * number}
            trace.span(
                place, "chat", 10 * place, 5, gen_ai__operation__name="chat", gen_ai__provider__name="openai",
                gen_ai__request__model=model, gen_ai__usage__input_tokens=usage["input"],
                gen_ai__usage__cache_read__input_tokens=usage["cached"], gen_ai__usage__output_tokens=usage["output"],
            )  # fmt: skip
            trace._spans.spans[-1].attributes.add(key="gen_ai.usage.cost").value.double_value = report(usage)
        answer = shared.post(trace.body(), **{"x-assayline-project": "sums"})
        assert answer.status_code == 200
    made.settle()
    yield made
    made.close()


@pytest.mark.parametrize("model", SENDERS)
def test_each_fault_of_a_sender_is_recognised(client: Client, model: str) -> None:
    (row,) = [row for row in client.integrity(**WINDOW) if row["value"] == model]
    assert (row["compared"], row["sampled"]) == (40, 40)
    assert row["cause"] == SENDERS[model][0]
    if row["cause"] == "agrees":
        assert (row["off"], row["parts"]) == (0, [])
        return
    assert row["share"] == 1
    assert 0.9 < row["share_low"] < 1
    gap = row["compared_reported_usd"] - row["compared_computed_usd"]
    assert row["explained_usd"] == pytest.approx(gap)
    assert row["deviation"] == pytest.approx(gap / row["compared_computed_usd"])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("o3", "stale price: of before 2025-06-10"), ("gpt-5.6-sol", "stale price: of before 2026-08-21"),
        ("gpt-4.1", "the list price, not the project's own"), ("gpt-4.1-mini", "double count: twice our cost"),
    ],
)  # fmt: skip
def test_a_cause_is_told_in_words(client: Client, model: str, says: str) -> None:
    (row,) = [row for row in client.integrity(**WINDOW) if row["value"] == model]
    assert row["said"] == says


def test_models_beyond_those_looked_at_have_sums_and_no_cause(client: Client) -> None:
    rows = client.integrity(**WINDOW, models=1)
    assert len(rows) == len(SENDERS)
    assert [row["sampled"] for row in rows] == [40, 0, 0, 0, 0, 0]
    assert all(row["cause"] is None and row["compared"] == 40 for row in rows[1:])


def test_the_routes_are_described(client: Client) -> None:
    told = httpx.get(f"{client.base_url}/openapi.json", trust_env=False).json()["paths"]
    rights = {
        (path, method): operation["x-assay-right"]
        for path, operations in told.items() for method, operation in operations.items()
        if path.startswith(("/api/invoices", "/api/reconcile", "/api/integrity"))
    }  # fmt: skip
    assert rights == {
        ("/api/invoices", "get"): "read", ("/api/invoices/{name}", "get"): "read",
        ("/api/invoices/{name}", "put"): "edit", ("/api/invoices/{name}", "delete"): "edit",
        ("/api/invoices/{name}/reconciliation", "get"): "read", ("/api/reconcile", "post"): "read",
        ("/api/integrity/causes", "get"): "read",
    }  # fmt: skip
    assert "integrity_sample" not in told["/api/integrity/causes"]["get"]["description"].split("\n")[0]


def exported() -> str:
    """An OpenAI export of the day, by dated names and classes; o3 is billed at twice our cost."""
    lines = ["start_time_iso,end_time_iso,amount_value,amount_currency,line_item"]
    for model, factor in (("gpt-4o", 1.0), ("gpt-4o-mini", 1.0), ("o3", 2.0)):
        prices, share = PRICES[model], factor / 1e6
        calls = [(5000 + 137 * n, 300 * (n % 7), 90 + 7 * n) for n in range(40)]
        sums = {
            "input": sum(sent - cached for sent, cached, _ in calls) * prices[0],
            "cached input": sum(cached for _, cached, _ in calls) * float(prices[1] or 0),
            "output": sum(said for _, _, said in calls) * prices[2],
        }
        dated = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18", "o3": "o3-2025-04-16"}[model]
        lines += [
            f'2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,{usd * share:.12f},usd,"{dated}, {token}"'
            for token, usd in sums.items()
        ]
    return "\n".join(lines) + "\n"


def test_an_export_of_openai_matches_our_sums_by_model(client: Client) -> None:
    found = client.reconcile(exported())
    assert (found["provider"], found["grain"], found["named"]) == ("openai", "day", True)
    rows = {row["model"]: row for row in found["rows"]}
    assert {model: row["status"] for model, row in rows.items()} == {
        "gpt-4o": "matched", "gpt-4o-mini": "matched", "o3": "differs",
        "gpt-4.1": "only_computed", "gpt-4.1-mini": "only_computed", "gpt-5.6-sol": "only_computed",
    }  # fmt: skip
    assert rows["gpt-4o"]["difference_usd"] == pytest.approx(0, abs=1e-9)
    assert rows["o3"]["difference_relative"] == pytest.approx(-0.5)
    assert rows["gpt-4o"]["names"] == [f"gpt-4o-2024-08-06, {token}" for token in ("cached input", "input", "output")]
    assert (rows["gpt-4o"]["models"], rows["gpt-4o"]["calls"]) == (["gpt-4o"], 40)
    assert found["difference_usd"] == pytest.approx(found["computed_usd"] - found["invoiced_usd"])
    assert sum(row["difference_usd"] for row in found["models"]) == pytest.approx(found["difference_usd"])
    assert [row["period"] for row in found["periods"]] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("provider", "calls"),
    [("openai", 240), ("OpenAI", 240), ("", 240), ("anthropic", 0), ("azure", 0), (None, 240)],
)  # fmt: skip
def test_calls_of_other_providers_are_left_out(client: Client, provider: str | None, calls: int) -> None:
    assert client.reconcile("month,amount\n2026-11,5\n", provider)["calls"] == calls


@pytest.mark.parametrize("provider", [None, "openai"])
def test_an_invoice_of_days_without_a_call_is_alone(client: Client, provider: str | None) -> None:
    found = client.reconcile("month,model,amount\n2031-02,gpt-4o,5\n", provider)
    assert [(row["model"], row["status"]) for row in found["rows"]] == [("gpt-4o", "only_invoiced")]
    assert (found["since"], found["until"], found["calls"]) == ("2031-02-01", "2031-03-01", 0)
    assert (found["difference_usd"], found["difference_relative"]) == (-5, -1)


def test_an_invoice_is_kept_replaced_listed_and_forgotten(client: Client) -> None:
    first = client.keep_invoice("November (draft)", exported(), author="ann")
    assert (first["provider"], first["grain"], first["since"], first["until"], first["lines"]) == (
        "openai", "day", "2026-11-20", "2026-11-21", 9,
    )  # fmt: skip
    assert client.keep_invoice("November (draft)", "month,usd\n2026-11,7\n", "")["invoiced_usd"] == 7
    client.keep_invoice("October", "month,usd\n2026-10,7\n")
    listed = client.invoices()
    assert [(row["name"], row["provider"], row["author"]) for row in listed] == [
        ("November (draft)", None, None), ("October", None, None),
    ]  # fmt: skip
    assert client.invoice("November (draft)")["document"] == "month,usd\n2026-11,7\n"
    found = client.reconciliation("November (draft)")
    assert (found["name"], found["invoiced_usd"], found["calls"]) == ("November (draft)", 7, 240)
    for name in ("November (draft)", "October"):
        client.forget_invoice(name)
    assert client.invoices() == []


def test_invoices_are_those_of_their_project(client: Client, shared: Any) -> None:
    client.keep_invoice("mine", "month,usd\n2026-11,7\n")
    with shared.client() as other:
        assert other.invoices() == []
    client.forget_invoice("mine")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda client: client.invoice("nothing"), "No invoice is named 'nothing'. GET /api/invoices lists"),
        (lambda client: client.forget_invoice("nothing"), "No invoice is named 'nothing'."),
        (lambda client: client.reconciliation("nothing"), "No invoice is named 'nothing'."),
        (lambda client: client.keep_invoice("bad", "date,amount\n2026-11-20,12 EUR\n"),
         "Line 2, column 'amount': '12 EUR': Only amounts in US dollars are read"),
        (lambda client: client.reconcile("when,amount\n1,2\n"),
         "There is no column of the date. Accepted: date, day"),
        (lambda client: client.keep_invoice(".hidden", "month,usd\n2026-11,7\n"), "name: String should match pattern"),
        (lambda client: client.reconciliation("nothing", "week"), "Input should be 'day' or 'month'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(client: Client, ask: Callable[[Client], Any], says: str) -> None:
    with pytest.raises(ApiError) as caught:
        ask(client)
    assert says in str(caught.value)
    assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4o-2024-08-06, cached input", "gpt-4o"), ("GPT-4o mini", "gpt-4o-mini"), ("Claude Haiku 4.5",
         "claude-haiku-4-5"), ("claude-haiku-4-5-20251001", "claude-haiku-4-5"), ("My Llama", "my-llama"),
        ("web search tool calls", None), ("mystery, input", None),
    ],
)  # fmt: skip
def test_names_of_invoices_are_read_as_those_of_calls(name: str, model: str | None) -> None:
    assert alias(None, ["my-llama"])(name) == model


def test_a_comma_that_tells_no_class_of_tokens_stays() -> None:
    assert spellings("rent, office")[0] == "rent, office"
    assert "rent" not in spellings("rent, office")
    assert spellings("o3, output")[1] == "o3"


def test_invoices_of_spreadsheets_are_read() -> None:
    assert invoice_text("\ufeffdate,amount\n".encode()) == "date,amount\n"
    assert invoice_text("date,Betrag (\u20ac)\n".encode("cp1252")) == "date,Betrag (\u20ac)\n"


def told(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_shell_answers_with_and_without_a_server(
    start: Any, telling: Any, command: Command, tmp_path: Path
) -> None:
    serving = start()
    trace = telling(bytes([1]) * 16, int(AT.timestamp()) * 10**9)
    usage = {"gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}
    call = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o"}
    trace.span(1, "chat", 0, 5, **call, **usage)
    trace._spans.spans[-1].attributes.add(key="gen_ai.usage.cost").value.double_value = 5.0
    trace.span(2, "chat", 10, 5, **(call | {"gen_ai__request__model": "mine"}), **usage)
    trace.span(3, "chat", 20, 5, **call)
    serving.post(trace.body())
    with serving.client() as client:
        client.settle()
    file = tmp_path / "november.csv"
    file.write_text("date,model,amount\n2026-11-20,gpt-4o-2024-08-06,2.5\n")
    questions = [
        ("integrity", "--json"),
        ("reconcile", str(file), "--json"),
        ("reconcile", str(file), "--json", "--by", "month"),
    ]
    with_server = [told(command(serving.folder, *question)) for question in questions]
    kept = command(serving.folder, "reconcile", str(file), "--keep", "november", "--author", "ada")
    assert "2.50 US dollars invoiced for 2026-11-20 up to 2026-11-21, 2.50 computed: +0.00" in kept.stderr
    with serving.client() as client:
        assert [(row["name"], row["author"]) for row in client.invoices()] == [("november", "ada")]
    assert serving.end() == 0
    assert [told(command(serving.folder, *question)) for question in questions] == with_server
    sums, rows, months = with_server
    assert [row["what"] for row in sums] == ["reported", "reported", "untold", "unpriced", "unpriced"]
    assert (sums[0]["value"], sums[0]["deviation"], sums[0]["cause"]) == ("gpt-4o", 1.0, "reported_twice")
    assert [(row["model"], row["status"]) for row in rows] == [
        ("gpt-4o", "matched"),
        ("mine", "unpriced"),
        (None, "total"),
    ]
    assert (rows[-1]["invoiced_usd"], rows[-1]["computed_usd"], rows[-1]["calls"]) == (2.5, 2.5, 3)
    assert [row["period"] for row in months] == ["2026-11-01", "2026-11-01", None]
    shown = command(serving.folder, "integrity")
    assert "Not counted: duplicates and aggregates" in shown.stdout
    assert "Nothing was told twice." in shown.stdout


def test_a_file_that_is_no_invoice_is_refused_before_a_server_is_asked(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("date,model,amount\n2026-11-20,m,twelve\n")
    said = command(tmp_path / "nowhere", "reconcile", str(file))
    assert said.returncode == 2
    assert "bad.csv cannot be read as an invoice.\nLine 2, column 'amount': 'twelve'" in said.stderr
    assert command(tmp_path / "nowhere", "reconcile", str(tmp_path / "gone.csv")).returncode == 2
    week = command(tmp_path / "nowhere", "reconcile", str(file), "--by", "week")
    assert (week.returncode, "'week' is neither day nor month." in week.stderr) == (2, True)
