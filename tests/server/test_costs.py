"""What calls cost, over a real server: by the day's price, by a project's own, and priced anew."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from genai_prices import Usage, calc_price

from server.client import ApiError, Client

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALWAYS = {"since": datetime(1970, 1, 1, tzinfo=UTC), "until": datetime(9999, 1, 1, tzinfo=UTC)}
COLUMNS = (
    "span_id, usage_role, cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, other_usd, price_status, "
    "price_source, price_version, price_model, price_note"
)
OWN = """\
prices:
  - {model: my-llama, usd_per_million: {input: 1, output: 2}}
  - {model: "gpt-4o*", discount_percent: 50, valid_from: 2026-11-01}
"""

Tell = Callable[..., Any]


class Site:
    """One project of the shared server."""

    def __init__(self, served: Any, name: str, telling: Tell) -> None:
        self._served, self._name, self._telling = served, name, telling
        self.client: Client = served.client(name)
        self.client.add_project(name)
        self._numbers = itertools.count(1)

    def trace(self, at: datetime = NOVEMBER, number: int | None = None, **resource: str) -> Any:
        trace_id = (number or next(self._numbers)).to_bytes(16, "big")
        return self._telling(trace_id, int(at.timestamp()) * 10**9, resource=resource)

    def send(self, *traces: Any) -> None:
        for trace in traces:
            answer = self._served.post(trace.body(), **{"x-assayline-project": self._name})
            assert answer.status_code == 200, answer.text
        self.client.settle()

    def calls(self) -> list[dict[str, Any]]:
        """Rows of `calls`, by start and id."""
        mine = f"project_id = (select project_id from projects where name = '{self._name}')"
        return self.client.sql_rows(f"select {COLUMNS} from main.calls where {mine} order by start_time, span_id").rows

    def cost(self) -> tuple[float | None, int]:
        """(cost, calls without one) over all traces."""
        rows = self.client.totals()
        costs = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
        return sum(costs) if costs else None, sum(row["unpriced_calls"] for row in rows)


@pytest.fixture
def site(shared: Any, telling: Tell, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(shared, request.node.name.replace("[", "-").replace("]", "")[:100], telling)
    yield made
    made.client.close()


def call(model: str | None = "gpt-4o", sent: int | None = 1000, said: int | None = 100, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"} | more
    if model is not None:
        told["gen_ai__request__model"] = model
    counts = {"gen_ai__usage__input_tokens": sent, "gen_ai__usage__output_tokens": said}
    return told | {name: count for name, count in counts.items() if count is not None}


def listed(model: str, at: datetime = NOVEMBER, provider: str = "openai", **usage: int) -> float:
    """What the library itself says."""
    usage = {"input_tokens": 1000, "output_tokens": 100} | usage
    return float(calc_price(Usage(**usage), model, provider_id=provider, genai_request_timestamp=at).total_price)


def test_a_call_is_priced_by_its_day(site: Site) -> None:
    before, after = datetime(2025, 6, 9, 23, tzinfo=UTC), datetime(2025, 6, 10, 1, tzinfo=UTC)
    site.send(*(site.trace(at).span(1, "chat", 0, 500, **call("o3")) for at in (before, after)))
    assert [row["cost_usd"] for row in site.calls()] == pytest.approx([listed("o3", before), listed("o3", after)])
    assert site.calls()[0]["cost_usd"] == pytest.approx((1000 * 10 + 100 * 40) / 1e6)
    assert site.cost() == (pytest.approx(listed("o3", before) + listed("o3", after)), 0)


def test_each_row_says_by_which_price(site: Site) -> None:
    site.send(site.trace().span(1, "chat", 0, 500, **call(gen_ai__usage__cache_read__input_tokens=600)))
    (row,) = site.calls()
    assert (row["price_status"], row["price_source"], row["price_model"]) == ("priced", "genai-prices", "gpt-4o")
    assert row["price_version"] == site.client.prices()["list_version"]
    parts = [row[f"{name}_usd"] for name in ("input", "cache_read", "cache_write", "output", "other")]
    assert parts == pytest.approx([400 * 2.5e-6, 600 * 1.25e-6, 0, 100 * 10e-6, 0])
    assert sum(parts) == pytest.approx(row["cost_usd"])


def test_sums_are_the_librarys(site: Site) -> None:
    named = [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"), ("gcp.gemini", "gemini-2.5-flash"),
             ("deepseek", "deepseek-chat"), ("mistral_ai", "mistral-large-latest")]  # fmt: skip
    ids = {"gcp.gemini": "google", "mistral_ai": "mistral"}
    trace, expected = site.trace(), 0.0
    for number in range(2, 60):
        provider, model = named[number % len(named)]
        usage = {"input_tokens": 900 * number, "output_tokens": 7 * number, "cache_read_tokens": 100 * (number % 3)}
        told = call(
            model, usage["input_tokens"], usage["output_tokens"], gen_ai__provider__name=provider,
            gen_ai__usage__cache_read__input_tokens=usage["cache_read_tokens"],
        )  # fmt: skip
        trace.span(number, "chat", number, 1, **told)
        expected += listed(model, NOVEMBER, ids.get(provider, provider), **usage)
    site.send(trace)
    assert site.cost() == (pytest.approx(expected, rel=1e-12), 0)


def test_what_else_a_price_depends_on(site: Site) -> None:
    site.send(
        site.trace()
        .span(1, "chat", 0, 5, **call("gpt-4o", gen_ai__openai__response__service_tier="priority"))
        .span(2, "chat", 10, 5, **call("gpt-4o-audio-preview", gen_ai__usage__audio__input_tokens=1000))
    )
    tiered, spoken = site.calls()
    assert tiered["cost_usd"] == pytest.approx(
        float(
            calc_price(
                Usage(input_tokens=1000, output_tokens=100), "gpt-4o", provider_id="openai",
                genai_request_timestamp=NOVEMBER, price_context={"service_tier": "priority"},
            ).total_price
        )
    )  # fmt: skip
    assert tiered["cost_usd"] > listed("gpt-4o")
    assert spoken["cost_usd"] == pytest.approx(listed("gpt-4o-audio-preview", input_audio_tokens=1000))


def test_an_unknown_model_has_no_cost_and_is_counted(site: Site) -> None:
    site.send(
        site.trace()
        .span(1, "chat", 0, 5, **call("nobody-knows-it"))
        .span(2, "chat", 10, 5, **call())
        .span(3, "chat", 20, 5, **call(sent=None))
        .span(4, "chat", 30, 5, error="refused", **call("nobody-knows-it", None, None)),
        site.trace().span(1, "chat", 0, 5, **call("nobody-knows-it")),
    )
    assert [row["cost_usd"] is None for row in site.calls()] == [True, True, False, True, True]
    totals = site.client.totals()
    assert [(row["cost_usd"], row["unpriced_calls"]) for row in totals] == [
        (pytest.approx(listed("gpt-4o")), 2),
        (None, 1),
    ]
    found = site.client.rows("unpriced_models", **ALWAYS)
    assert [(row["model"], row["price_status"], row["calls"]) for row in found] == [
        ("nobody-knows-it", "unknown_model", 2), ("gpt-4o", "unknown_usage", 1),
    ]  # fmt: skip
    assert "nobody-knows-it" in found[0]["note"]


def test_what_was_told_twice_or_summed_up_is_priced_and_not_added(site: Site) -> None:
    trace = site.trace()
    trace.span(1, "agent", 0, 900, **call(sent=2000, said=200) | {"gen_ai__operation__name": "invoke_agent"})
    trace.span(2, "chat", 10, 100, parent=1, **call(gen_ai__response__id="chatcmpl-1"))
    trace.span(3, "chat again", 10, 100, parent=2, **call(gen_ai__response__id="chatcmpl-1"))
    trace.span(4, "chat", 200, 100, parent=1, **call(gen_ai__response__id="chatcmpl-2"))
    site.send(trace)
    assert sorted(row["usage_role"] for row in site.calls()) == ["aggregate", "duplicate", "leaf", "leaf"]
    assert all(row["cost_usd"] for row in site.calls())
    assert site.cost() == (pytest.approx(2 * listed("gpt-4o")), 0)


def test_a_late_span_takes_its_place_in_the_sum(site: Site) -> None:
    site.send(site.trace(number=7).span(1, "chat", 0, 100, **call(gen_ai__response__id="chatcmpl-1")))
    site.send(site.trace(number=7).span(2, "chat", 500, 100, **call("gpt-4o-mini")))
    assert site.cost() == (pytest.approx(listed("gpt-4o") + listed("gpt-4o-mini")), 0)
    site.send(site.trace(number=7).span(3, "outer", 0, 110, **call(gen_ai__response__id="chatcmpl-1")))
    assert sorted(row["usage_role"] for row in site.calls()) == ["duplicate", "leaf", "leaf"]
    assert site.cost() == (pytest.approx(listed("gpt-4o") + listed("gpt-4o-mini")), 0)
    assert site.client.rows("replaced_costs") == []


def test_own_prices_go_before_the_list_from_their_day_on(site: Site) -> None:
    site.client.set_prices(OWN, "ada")
    days = (datetime(2026, 10, 31, 23, tzinfo=UTC), NOVEMBER)
    site.send(*(site.trace(day).span(1, "chat", 0, 5, **call()) for day in days))
    old, new = site.calls()
    assert (old["price_source"], old["cost_usd"]) == ("genai-prices", pytest.approx(listed("gpt-4o")))
    assert (new["price_source"], new["cost_usd"]) == ("own", pytest.approx(listed("gpt-4o") / 2))


def test_prices_are_kept_by_version(site: Site) -> None:
    assert (site.client.prices()["version"], site.client.prices()["document"]) == (0, "")
    assert site.client.set_prices(OWN, "ada")["version"] == 1
    assert site.client.set_prices(OWN, "bob")["version"] == 1, "the same list is no new version"
    assert site.client.set_prices("")["version"] == 2
    found = site.client.prices(1)
    assert (found["document"], found["author"]) == (OWN, "ada")
    assert [entry["model"] for entry in found["entries"]] == ["my-llama", "gpt-4o*"]
    assert [(row["version"], row["entries"]) for row in site.client.rows("price_versions")] == [(2, 0), (1, 2)]
    with pytest.raises(ApiError, match="no version 9"):
        site.client.prices(9)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        pytest.param("prices: [", "no YAML", id="no-yaml"),
        pytest.param("price: []", "needs a list called 'prices'", id="another-key"),
        pytest.param(
            "prices:\n  - {model: a, discount_percent: 5}\n  - model: b\n    usd_per_million:\n      input: -3\n",
            "line 5, entry 2: usd_per_million.input: .* greater than or equal to 0; got -3", id="value",
        ),
        pytest.param(
            "prices:\n- model: a\n  usd: 3\n  discount_percent: 5\n", "line 3, entry 1: usd: .*; got 3", id="key"
        ),
        pytest.param("prices:\n- model: a\n", "line 2, entry 1: .*exactly one of", id="no-price"),
        pytest.param("[" * 5000, "no YAML", id="deep"),
    ],
)  # fmt: skip
def test_a_list_that_breaks_a_rule_is_refused_with_its_place(site: Site, document: str, told: str) -> None:
    with pytest.raises(ApiError, match=told) as refused:
        site.client.set_prices(document)
    assert (refused.value.kind, refused.value.status) == ("refused", 422)
    assert site.client.prices()["version"] == 0


def test_setting_prices_says_what_would_change_and_changes_no_stored_call(site: Site) -> None:
    site.send(site.trace().span(1, "chat", 0, 5, **call("my-llama")).span(2, "chat", 10, 5, **call("gpt-4.1")))
    before = site.calls()
    report = site.client.set_prices(OWN)
    assert (report["version"], report["entries"]) == (1, 2)
    would = report["would_change"]
    assert (would["calls"], would["changed"], would["unpriced_before"], would["unpriced_after"]) == (2, 1, 1, 0)
    assert site.calls() == before
    assert site.client.rows("repricings") == []


def test_repricing_keeps_the_old_figures(site: Site) -> None:
    site.send(
        site.trace().span(1, "chat", 0, 5, **call()).span(2, "chat", 10, 5, **call("my-llama")),
        site.trace(NOVEMBER - timedelta(days=3)).span(1, "chat", 0, 5, **call()),
    )
    before, mark = site.calls(), site.client.watermark()
    site.client.set_prices(OWN, "ada")
    dry = site.client.reprice(dry_run=True)
    assert (dry["changed"], dry["repricing_id"], site.calls()) == (3, None, before)
    done = site.client.reprice(since=NOVEMBER - timedelta(days=1), reason="the contract", author="ada")
    assert (done["repricing_id"], done["calls"], done["changed"], done["traces"]) == (1, 2, 2, 1)
    assert done["sum_before"] == pytest.approx(listed("gpt-4o"))
    assert done["sum_after"] == pytest.approx(listed("gpt-4o") / 2 + 1000e-6 + 200e-6)
    assert site.cost() == (pytest.approx(listed("gpt-4o") * 1.5 + 1200e-6), 0)
    assert site.client.watermark() != mark, "pages would keep what they cached"
    kept = site.client.rows("replaced_costs", repricing_id=1)
    assert sorted((row["span_id"], row["cost_usd"], row["price_source"]) for row in kept) == [
        (f"{1:016x}", pytest.approx(listed("gpt-4o")), "genai-prices"), (f"{2:016x}", None, None),
    ]  # fmt: skip
    assert all(row["source_now"] == "own" for row in kept)
    (booked,) = site.client.rows("repricings")
    assert (booked["reason"], booked["author"], booked["own_version"], booked["changed"]) == (
        "the contract",
        "ada",
        1,
        2,
    )
    assert (booked["sum_before"], booked["sum_after"]) == (done["sum_before"], done["sum_after"])
    assert booked["finished_at"] is not None


def test_repricing_again_changes_nothing(site: Site) -> None:
    site.send(*(site.trace(NOVEMBER + timedelta(hours=n)).span(1, "chat", 0, 5, **call()) for n in range(5)))
    site.client.set_prices(OWN)
    assert site.client.reprice()["changed"] == 5
    once = site.calls()
    again = site.client.reprice()
    assert (again["changed"], again["traces"], again["repricing_id"]) == (0, 0, None)
    assert site.calls() == once
    assert len(site.client.rows("replaced_costs")) == 5


def test_a_late_span_prices_its_trace_by_the_prices_of_now_and_leaves_a_trail(site: Site) -> None:
    site.send(site.trace(number=7).span(1, "chat", 0, 100, **call()))
    site.client.set_prices(OWN)
    assert site.cost() == (pytest.approx(listed("gpt-4o")), 0)
    site.send(site.trace(number=7).span(2, "step", 500, 100))
    assert site.cost() == (pytest.approx(listed("gpt-4o") / 2), 0)
    (kept,) = site.client.rows("replaced_costs")
    assert (kept["repricing_id"], kept["cost_usd"]) == (None, pytest.approx(listed("gpt-4o")))


def test_prices_that_are_taken_back_give_the_list_price_again(site: Site) -> None:
    site.client.set_prices(OWN)
    site.send(site.trace().span(1, "chat", 0, 5, **call()))
    site.client.set_prices("prices: []")
    site.client.reprice()
    assert site.calls()[0]["price_source"] == "genai-prices"
    assert site.cost() == (pytest.approx(listed("gpt-4o")), 0)


def test_hardware_is_paid_by_the_time_of_the_call(site: Site) -> None:
    site.client.set_prices("prices: [{model: my-llama, gpu: {usd_per_hour: 3.6, count: 2, concurrency: 4}}]")
    site.send(site.trace().span(1, "chat", 0, 2000, **call("my-llama", None, None)))
    assert site.cost() == (pytest.approx(2 * 2 * 0.001 / 4), 0)
    assert site.calls()[0]["other_usd"] == site.calls()[0]["cost_usd"]


def test_a_project_has_prices_of_its_own(site: Site, shared: Any, telling: Tell) -> None:
    site.client.set_prices(OWN)
    other = Site(shared, "another-project", telling)
    other.send(other.trace().span(1, "chat", 0, 5, **call()))
    assert other.cost() == (pytest.approx(listed("gpt-4o")), 0)
    assert other.client.prices()["version"] == 0
    other.client.close()


def test_the_queries_of_pages_tell_the_cost(site: Site) -> None:
    site.send(site.trace(number=3).span(1, "chat", 0, 5, **call()).span(2, "chat", 10, 5, **call("nobody-knows-it")))
    (row,) = site.client.rows("traces", **ALWAYS)
    assert (row["cost_usd"], row["unpriced_calls"]) == (pytest.approx(listed("gpt-4o")), 1)
    (total,) = site.client.rows("home_totals", **ALWAYS)
    assert (total["cost_usd"], total["unpriced_calls"]) == (pytest.approx(listed("gpt-4o")), 1)
    trace_id = f"{3:032x}"
    spans = site.client.rows("trace_spans", trace_id=trace_id, **ALWAYS)
    assert [(span["cost_usd"], span["price_status"]) for span in spans] == [
        (pytest.approx(listed("gpt-4o")), "priced"), (None, "unknown_model"),
    ]  # fmt: skip
    found = site.client.span(trace_id, f"{1:016x}")
    assert (found["cost_usd"], found["price_model"]) == (pytest.approx(listed("gpt-4o")), "gpt-4o")
