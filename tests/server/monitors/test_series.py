"""Streams of values, against plain counts of what was sent, and plain SQL where the store adds something of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from shops import Arrival, Shop, arrivals, filled, opening

from server.monitors import rulers
from server.monitors.series import NoStreamError, Series, Stream, key, series
from server.monitors.signals import SIGNALS
from server.monitors.terms import Terms

START = datetime(2026, 3, 2)  # noqa: DTZ001 - UTC without a zone is what the store holds
END = START + timedelta(days=3)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
STREAMS = [name for name, signal in SIGNALS.items() if signal.stream]
Value = tuple[float | None, float]
SLICES = {"all": {}, "service": {"service": "svc1"}}


def stream(signal: str, where: dict[str, Any] | None = None, bucket: timedelta = HOUR) -> Stream:
    return Stream(signal, where or {}, "quality" if SIGNALS[signal].named else None, None, bucket)


def mean(values: Iterable[float]) -> Value:
    told = list(values)
    return (math.fsum(told) / len(told) if told else None, len(told))


def ratio(pairs: Iterable[tuple[float, float]]) -> Value:
    told = list(pairs)
    under = sum(one for _, one in told)
    return (sum(one for one, _ in told) / under, len(told)) if under else (None, 0)


def well(many: Any) -> list[Any]:
    return [one for one in many if not one.failed]


EXPECTED: dict[str, Callable[[list[Any]], Value]] = {
    "error_rate": lambda many: mean(float(one.failed) for one in many),
    "refusal_rate": lambda many: mean(
        float(one.finish == "content_filter" or one.answer.startswith("I'm sorry"))
        for one in many
        if not one.failed or one.finish == "content_filter"
    ),
    "unknown_usage_rate": lambda many: mean(float(one.tokens is None) for one in well(many)),
    "cache_hit_share": lambda many: ratio((one.cached, one.tokens[0]) for one in many if one.cached is not None),
    "duration": lambda many: (
        (float(np.median([one.lasts_ms for one in well(many)])), len(well(many))) if well(many) else (None, 0)
    ),
    "ttft": lambda _: (None, 0),
    "input_tokens": lambda many: mean(one.tokens[0] for one in many if one.tokens),
    "output_tokens": lambda many: mean(one.tokens[1] for one in many if one.tokens),
    "score": lambda many: mean(
        one.number % 10 / 10 for one in many if one.number % 3 == 0 and one.number % 5
    ),
    "score_failures": lambda many: mean(float(one.number % 5 == 0) for one in many if one.number % 3 == 0),
    "retrieval_score": lambda many: mean(
        math.fsum(one.documents) / len(one.documents) for one in many if one.documents
    ),
    "retrieved_documents": lambda many: mean(len(one.documents) for one in many if one.documents),
}  # fmt: skip


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory, telling: Any) -> Iterator[Callable[[], Shop]]:
    yield from opening(tmp_path_factory, telling)


@pytest.fixture(scope="module", params=[1, 2])
def traffic(request: pytest.FixtureRequest, open_shop: Callable[[], Shop]) -> tuple[Shop, list[Arrival]]:
    return filled(open_shop(), request.param)


@pytest.mark.parametrize("bucket", [HOUR, QUARTER], ids=["hour", "quarter"])
@pytest.mark.parametrize("where", SLICES.values(), ids=SLICES)
def test_streams_are_what_was_sent(traffic: Any, where: dict[str, Any], bucket: timedelta) -> None:
    shop, many = traffic
    found = series(shop.ask, [stream(name, where, bucket) for name in EXPECTED], START, END)
    own = [one for one in many if not where or one.service == "svc1"]
    buckets: dict[int, list[Any]] = {}
    for one in own:
        buckets.setdefault((one.at - START) // bucket, []).append(one)
    for name, stream_found in zip(EXPECTED, found, strict=True):
        expected = [EXPECTED[name](buckets.get(place, [])) for place in range(len(stream_found.values))]
        same(stream_found, expected, name)
        assert (stream_found.since, stream_found.bucket, len(expected)) == (START, bucket, timedelta(days=3) // bucket)


def same(found: Series, expected: list[Value], name: str) -> None:
    values = np.array([math.nan if value is None else value for value, _ in expected])
    assert found.values == pytest.approx(values, nan_ok=True), name
    assert found.weights.tolist() == [n for _, n in expected], name


def test_the_rest_is_what_the_store_says(traffic: Any) -> None:
    """Costs, retries, lengths and pairs of scores: by plain SQL over the tables of the resolver."""
    shop, many = traffic
    names = ["cost", "spend", "volume", "retry_rate", "input_length", "output_length"]
    found = dict(zip(names, series(shop.ask, [stream(name) for name in names], START, END), strict=True))
    rows = shop.rows(
        """select epoch(c.start_time)::bigint // 3600 - epoch(?::timestamp)::bigint // 3600, count(*),
        count(c.cost_usd), sum(c.cost_usd), count(c.retry), sum(c.retry::int), avg(length(s.input)),
        avg(length(s.output)), count(*) filter (where c.cost_usd is null and not (
            c.failed and coalesce(c.input_tokens, c.output_tokens) is null))
        from calls c join spans s using (trace_id, span_id) where c.usage_role = 'leaf' group by 1""",
        START,
    )
    assert sum(row[1] for row in rows) == len(many)
    for hour, calls, priced, usd, asked, retries, inputs, outputs, unpriced in rows:
        assert found["volume"].values[hour] == calls
        assert (found["cost"].weights[hour], found["spend"].weights[hour]) == (priced, int(priced > 0 or not unpriced))
        if priced:
            assert found["cost"].values[hour] == pytest.approx(usd / priced)
            assert found["spend"].values[hour] == pytest.approx(usd)
        else:
            assert np.isnan(found["cost"].values[hour])
            assert found["spend"].values[hour] == 0 or unpriced
        assert found["retry_rate"].weights[hour] == asked
        assert not asked or found["retry_rate"].values[hour] == retries / asked
        assert found["input_length"].values[hour] == pytest.approx(inputs)
        assert found["output_length"].values[hour] == pytest.approx(outputs)
        assert str(found["input_length"].rulers[hour]).startswith("normaliser ")
    empty = sorted(set(range(72)) - {row[0] for row in rows})
    assert all(found["volume"].values[hour] == 0 and found["volume"].weights[hour] == 1 for hour in empty)


def test_agreement_of_judge_and_people(traffic: Any) -> None:
    """Both were given at one time: the hour of that has all pairs."""
    shop, many = traffic
    (found,) = series(shop.ask, [stream("judge_agreement")], START, END)
    pairs = [
        (one.number % 10 / 10 >= 0.5) == (one.number % 2 >= 0.5)
        for one in many
        if one.number % 12 == 0 and one.number % 5
    ]
    assert found.weights.tolist() == [len(pairs)] + [0] * 71
    assert found.values[0] == sum(pairs) / len(pairs)
    assert found.rulers[0] == "relevance 1"


def test_pieces_of_a_stream_are_the_whole(traffic: Any) -> None:
    """So that buckets can be kept, and only new ones read."""
    shop, _ = traffic
    every = [stream(name, SLICES["service"]) for name in STREAMS if name != "ledger_losses"]
    whole = series(shop.ask, every, START, END)
    middle = START + timedelta(hours=29)
    parts = [series(shop.ask, every, since, until) for since, until in ((START, middle), (middle, END))]
    for one, first, second, told in zip(whole, *parts, every, strict=True):
        assert np.concatenate([first.values, second.values]) == pytest.approx(one.values, nan_ok=True), told
        assert np.concatenate([first.weights, second.weights]).tolist() == one.weights.tolist(), told
        assert [*first.rulers, *second.rulers] == list(one.rulers), told


def test_streams_of_one_slice_are_read_together(traffic: Any) -> None:
    shop, _ = traffic
    asked: list[str] = []

    def ask(name: str, **params: object) -> Any:
        asked.append(name)
        return shop.ask(name, **params)

    many = [stream(name) for name in STREAMS if name != "ledger_losses"] + [Stream("duration", quantile=0.95)]
    series(ask, many, START, END)
    assert sorted(asked) == [
        "monitor_agreement", "monitor_calls", "monitor_quantiles", "monitor_quantiles", "monitor_retrievals",
        "monitor_scores", "monitor_texts", "monitor_tokens",
    ]  # fmt: skip
    series(ask, [stream(name, where) for name in ("error_rate", "cost") for where in SLICES.values()], START, END)
    assert asked[8:] == ["monitor_calls", "monitor_calls"]


def test_only_whole_buckets_are_told(traffic: Any) -> None:
    shop, _ = traffic
    minutes = timedelta(minutes=20)
    (found,) = series(shop.ask, [stream("volume")], START + minutes, START + 3 * HOUR + minutes)
    (whole,) = series(shop.ask, [stream("volume")], START, START + 3 * HOUR)
    assert (found.since, found.values.tolist()) == (START, whole.values.tolist())
    for none in series(shop.ask, [stream(name) for name in STREAMS], START, START + minutes):
        assert (none.values.tolist(), none.weights.tolist(), list(none.rulers)) == ([], [], [])


def test_before_the_first_call_nobody_could_call(traffic: Any) -> None:
    """Neither calls nor money are 0 before a slice is there; while nobody calls they are."""
    shop, many = traffic
    names = ("volume", "spend", "error_rate")
    found = series(shop.ask, [stream(name) for name in names], START - 5 * HOUR, END + 5 * HOUR)
    first = (many[0].at - START) // HOUR
    for one in found[:2]:
        assert np.isnan(one.values[: 5 + first]).all()
        assert one.weights[: 5 + first].tolist() == [0] * (5 + first)
        assert one.values[-5:].tolist() == [0] * 5
    assert found[2].weights[-5:].tolist() == [0] * 5
    (nobody,) = series(shop.ask, [stream("volume", {"service": "nobody"})], START, END)
    assert nobody.weights.tolist() == [0] * 72


def test_losses_of_the_books_are_of_the_hour(open_shop: Any) -> None:
    shop = open_shop()
    shop.send(*arrivals(1, 3))
    shop.writer.call(
        lambda con: con.execute(
            """insert into ledger_entries values (1, 9, ?, 'grpc', 'shop', 'traces', 40, 30, 0, 10, 'bad_id', 'x'),
            (1, 9, ?, 'grpc', 'shop', 'metrics', 40, 0, 0, 40, 'unsupported', 'x')""",
            [START, START],
        )
    ).result()
    (hours,) = series(shop.ask, [stream("ledger_losses")], START, START + 2 * HOUR)
    assert (hours.values[0], hours.weights.tolist()) == (0.25, [40, 0])
    (quarters,) = series(
        shop.ask, [stream("ledger_losses", {"service": "shop"}, QUARTER)], START + QUARTER, START + HOUR
    )
    assert (quarters.values.tolist(), quarters.weights.tolist()) == ([0.25] * 3, [10] * 3)
    with pytest.raises(NoStreamError, match="Leave model out"):
        series(shop.ask, [stream("ledger_losses", {"model": "m"})], START, END)


def test_a_mix_has_no_stream(traffic: Any) -> None:
    with pytest.raises(NoStreamError, match="tool_mix has no value a bucket"):
        series(traffic[0].ask, [Stream("tool_mix")], START, END)


def test_what_has_the_same_values_is_kept_once() -> None:
    terms = Terms(signal="duration", where={"service": "shop", "model": None}, every="15m", window="1h")
    same_values = [
        terms, Stream("duration", {"service": "shop"}, bucket=QUARTER),
        Stream("duration", {"service": "shop"}, None, 0.5, QUARTER),
    ]  # fmt: skip
    others = [
        Stream("duration", {"service": "shop"}), Stream("duration", {"service": "shop"}, None, 0.95, QUARTER),
        Stream("duration", {"service": "mail"}, bucket=QUARTER), Stream("ttft", {"service": "shop"}, bucket=QUARTER),
        Stream("score", {"service": "shop"}, "a", None, QUARTER),
        Stream("score", {"service": "shop"}, "b", None, QUARTER),
    ]  # fmt: skip
    assert len({key(one) for one in same_values}) == 1
    assert len({key(one) for one in (*same_values, *others)}) == 1 + len(others)
    assert key(Stream("cost", {"service": "shop", "model": "m"})) == key(
        Stream("cost", {"model": "m", "service": "shop"})
    )


# Whose scores a stream shows.


def row(hour: int, ruler: str, n: int) -> dict[str, Any]:
    at = START + hour * HOUR
    return {"bucket": at, "ruler": ruler, "n": n, "newest": at, "of_person": ruler == "a person"}


RULERS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "none": ([], []),
    "one": ([row(0, "a 1", 5), row(1, "a 1", 5)], ["a 1", "a 1"]),
    "changed": (
        [row(0, "a 1", 9), row(30, "a 1", 4), row(30, "a 2", 6), row(31, "a 2", 9)], ["a 1", "a 2", "a 2"],
    ),
    "a-few-tried": ([row(n, one, many) for n in (0, 1) for one, many in (("a 1", 90), ("a 2", 1))], ["a 1", "a 1"]),
    "side-by-side": ([row(n, one, 50 + n % 2 * (one == "b")) for n in range(4) for one in ("a", "b")], ["b"] * 4),
    "people-beside-a-judge": ([row(0, "a person", 90), row(0, "a 1", 1), row(1, "a person", 9)], ["a 1"]),
    "end-users-beside-people": ([row(0, "an end user", 90), row(0, "a person", 1)], ["a person"]),
    "end-users-alone": ([row(0, "an end user", 3)], ["an end user"]),
    "people-alone": ([row(0, "a person", 3), row(1, "a person", 2)], ["a person"] * 2),
    "taken-back": ([row(0, "a 2", 9), row(40, "a 1", 9)], ["a 2", "a 1"]),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), RULERS.values(), ids=RULERS)
def test_a_stream_shows_the_ruler_of_most_scores(rows: list[dict[str, Any]], expected: list[str]) -> None:
    assert [one["ruler"] for one in rulers.chosen(rows)] == expected
    assert rulers.chosen(rows[::-1]) == rulers.chosen(rows)


@given(some.dictionaries(some.tuples(some.integers(0, 60), some.sampled_from("abc")), some.integers(1, 9), min_size=1))
def test_every_bucket_shows_a_ruler_of_its_own(counts: dict[tuple[int, str], int]) -> None:
    """One a bucket, in order, that has half of the most scores there; and where all are of one, that one."""
    rows = [row(hour, ruler, n) for (hour, ruler), n in counts.items()]
    chosen = rulers.chosen(rows)
    assert [one["bucket"] for one in chosen] == sorted({one["bucket"] for one in rows})
    for one in chosen:
        assert one in rows
        assert 2 * one["n"] >= max(other["n"] for other in rows if other["bucket"] == one["bucket"])
