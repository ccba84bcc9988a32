"""Samples of what monitors watch, against streams of the same and against what was sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from shops import Arrival, Shop, arrivals, filled, opening

from analytics import similarity
from analytics.drift import drift
from analytics.drifted import Options
from server.monitors.sampled import (
    ATTRIBUTES,
    NotSampledError,
    OtherRulerError,
    Rows,
    Sampled,
    Wanted,
    clusters_of,
    directions,
    paired,
    run_sample,
    sampled,
    units_of,
)
from server.monitors.series import Stream, series
from server.monitors.signals import SIGNALS

START = datetime(2026, 3, 2)  # noqa: DTZ001 - UTC without a zone is what the store holds
END = START + timedelta(days=3)
ALONE = [
    Wanted(name, "quality" if one.named else None) for name, one in SIGNALS.items() if one.alone
]  # fmt: skip
MEANS = [one for one in ALONE if SIGNALS[one.signal].stream and not SIGNALS[one.signal].quantile]
WHERE = {"service": "svc1"}


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory, telling: Any) -> Iterator[Callable[[], Shop]]:
    yield from opening(tmp_path_factory, telling)


@pytest.fixture(scope="module")
def traffic(open_shop: Callable[[], Shop]) -> tuple[Shop, list[Arrival]]:
    return filled(open_shop(), 3)


@pytest.mark.parametrize("where", [{}, WHERE], ids=["all", "service"])
def test_a_whole_sample_has_the_mean_of_its_stream(traffic: Any, where: dict[str, Any]) -> None:
    shop, _ = traffic
    drawn = sampled(shop.ask, MEANS, where, START, END)
    streams = series(shop.ask, [Stream(one.signal, where, one.score) for one in MEANS], START, END)
    for one, stream in zip(MEANS, streams, strict=True):
        rows = drawn.rows[one]
        if one.signal == "score":
            rows = paired(drawn, drawn, one)[0]
        values = rows.values[~np.isnan(rows.values)]
        assert len(values) == stream.weights.sum() > 10, one
        if one.signal != "cache_hit_share":  # of a stream it is a share of tokens
            told = stream.weights > 0
            assert values.mean() == pytest.approx(np.average(stream.values[told], weights=stream.weights[told])), one


def test_items_have_what_tells_them_apart(traffic: Any) -> None:
    shop, many = traffic
    drawn = sampled(shop.ask, ALONE, {}, START, END)
    by_number = {one.number: one for one in many}
    for one in ALONE:
        rows = drawn.rows[one]
        assert set(rows.labels) == set(ATTRIBUTES), one
        for trace, at, service, cluster in zip(
            rows.trace_ids, rows.times, rows.labels["service"], rows.clusters, strict=True
        ):
            own = by_number[UUID(str(trace)).int]
            assert abs(np.datetime64(own.at) - at) < np.timedelta64(1, "s")
            assert service == own.service
            assert cluster is not None
        assert len(rows.values) == len(rows.failed) == len(rows.rulers) == len(rows.clusters)
    clusters = {}
    for trace, cluster in zip(
        *(getattr(drawn.rows[Wanted("cost")], name) for name in ("trace_ids", "clusters")), strict=True
    ):
        own = by_number[UUID(str(trace)).int]
        clusters.setdefault(own.session or own.number, set()).add(cluster)
    assert {len(one) for one in clusters.values()} == {1}


def test_categories_are_names(traffic: Any) -> None:
    shop, many = traffic
    wanted = [Wanted(name) for name in ("tool_mix", "model_mix", "finish_reasons", "language")]
    tools, models, ends, languages = (sampled(shop.ask, wanted, {}, START, END).rows[one] for one in wanted)
    assert Counter(tools.values.tolist()) == Counter(one.tool for one in many if one.tool)
    assert set(models.values.tolist()) == {"gpt-4o"}
    assert Counter(ends.values.tolist()) == Counter(one.finish for one in many)
    assert set(languages.values.tolist()) == {"en"}


def test_failed_items_are_told_apart_from_unknown_ones(traffic: Any) -> None:
    shop, many = traffic
    rows = sampled(shop.ask, [Wanted("unknown_usage_rate"), Wanted("cost")], {}, START, END).rows
    failed = rows[Wanted("unknown_usage_rate")]
    assert failed.failed.tolist() == np.isnan(failed.values).tolist()
    assert failed.failed.sum() == sum(one.failed for one in many)
    cost = rows[Wanted("cost")]
    assert cost.failed.sum() == sum(one.failed and one.tokens is None for one in many)


def test_the_same_items_are_drawn_of_the_same_traces(traffic: Any) -> None:
    shop, many = traffic
    few = sampled(shop.ask, [Wanted("cost")], {}, START, END, most=100).rows[Wanted("cost")]
    again = sampled(shop.ask, [Wanted("duration")], {}, START, END, most=100).rows[Wanted("duration")]
    assert few.total == len(many)
    assert 60 < len(few) < 140
    assert few.trace_ids == again.trace_ids


def test_a_sum_over_time_has_no_sample(traffic: Any) -> None:
    with pytest.raises(NotSampledError, match="volume has no value of a single call"):
        sampled(traffic[0].ask, [Wanted("volume")], {}, START, END)


# Two samples.


def test_both_samples_are_tested_as_drift_takes_them(traffic: Any) -> None:
    """Halves of one traffic: nothing moved; a column of each kind."""
    shop, _ = traffic
    middle = START + timedelta(hours=36)
    a, b = (sampled(shop.ask, ALONE, {}, since, until) for since, until in ((START, middle), (middle, END)))
    for one in map(Wanted, ("error_rate", "duration", "finish_reasons", "output_embedding")):
        (found,) = drift({one.signal: units_of(a, b, one)}, clusters_of(a, b, one), Options(alpha=0.001))
        assert found.type == SIGNALS[one.signal].kind
        assert found.verdict != "drift", found


def texts(words: list[str], count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{rng.choice(words)} {rng.choice(words)} please {rng.choice(words)} {n % 7}" for n in range(count)]


def of_texts(told: list[str], signal: str) -> Sampled:
    """A sample of these texts, each in a session of its own."""
    values = np.empty(len(told), dtype=object)
    values[:] = told
    n = len(told)
    times = np.full(n, np.datetime64(START))
    rows = Rows(SIGNALS[signal].kind, values, np.zeros(n, bool), range(n), [None] * n, times, {}, n, [None] * n)
    return Sampled({Wanted(signal): rows})


@pytest.mark.parametrize("signal", ["topics", "input_embedding"])
def test_other_questions_are_drift_and_the_same_are_none(signal: str) -> None:
    parcels, refunds = ["parcel", "warehouse", "delivery", "courier"], ["refund", "invoice", "payment", "card"]
    mixed = of_texts(texts(parcels, 150, 1) + texts(refunds, 50, 2), signal)
    alike = of_texts(texts(parcels, 150, 3) + texts(refunds, 50, 4), signal)
    moved = of_texts(texts(parcels, 50, 5) + texts(refunds, 150, 6), signal)
    for other, verdict in ((alike, "no drift"), (moved, "drift")):
        assert drift({signal: units_of(mixed, other, Wanted(signal))})[0].verdict == verdict


@pytest.mark.parametrize("texts_of_a_side", [3, 30, 520], ids=["fewer-than-directions", "few", "more-than-words"])
def test_directions_keep_how_far_texts_are_apart(texts_of_a_side: int) -> None:
    """All directions together are the folded vectors, turned; a missing text has none."""
    told = [f"{n} {n % 7} {'red' if n % 3 else 'blue'} shoes of size {n % 50}" for n in range(2 * texts_of_a_side)]
    first: list[str | None] = [*told[:texts_of_a_side], None]
    a, b = directions(first, told[texts_of_a_side:], similarity.WIDTH)
    assert np.isnan(a[-1]).all()
    turned, plain = np.concatenate([a[:-1], b]), similarity.folded([similarity.counts(one) for one in told])
    for one, other in ((0, 1), (2, 5), (1, len(told) - 1)):
        far = np.linalg.norm(plain[one].astype(float) - plain[other])
        assert np.linalg.norm(turned[one] - turned[other]) == pytest.approx(far, abs=1e-5)
    spread = turned.var(axis=0)
    assert (np.diff(spread) <= 1e-5).all()


def scored(shop: Any, hours: tuple[int, int], version: str, count: int = 40, first: int = 0) -> None:
    """Scores of sessions' traces by this version, of traces that began in these hours."""
    rows = shop.rows(
        """select trace_id from trace_summaries where start_time >= ? and start_time < ?
        order by start_time offset ? limit ?""",
        *(START + timedelta(hours=hour) for hour in hours), first, count,
    )  # fmt: skip
    shop.score(*(
        {"trace_id": trace.bytes, "name": "tone", "value": 0.5, "evaluator": "tone", "evaluator_version": version}
        for (trace,) in rows
    ))  # fmt: skip


def test_scores_of_one_ruler_are_compared(open_shop: Any) -> None:
    shop = open_shop()
    shop.send(*arrivals(5))
    shop.resolve()
    wanted = Wanted("score", "tone")

    def both() -> tuple[Sampled, Sampled]:
        middle = START + timedelta(hours=36)
        first, second = (sampled(shop.ask, [wanted], {}, *ends) for ends in ((START, middle), (middle, END)))
        return first, second

    scored(shop, (0, 36), "1")
    scored(shop, (36, 72), "2")
    with pytest.raises(OtherRulerError, match="tone is of tone 1 in the reference and of tone 2 now"):
        units_of(*both(), wanted)
    scored(shop, (36, 72), "1", 30)
    a, b = paired(*both(), wanted)
    assert ({*a.rulers}, len(a), {*b.rulers}, len(b)) == ({"tone 1"}, 40, {"tone 1"}, 30)
    column, clusters = units_of(*both(), wanted), clusters_of(*both(), wanted)
    assert [len(side) for side in column.values] == [len(side) for side in clusters] == [40, 30]


def test_a_run_has_its_rows(open_shop: Any) -> None:
    shop = open_shop()
    shop.send(*arrivals(5, 60))
    shop.resolve()
    run = UUID(int=5)
    manifest = json.dumps({"evaluators": {"tone": {"evaluator": "tone", "version": "1"}}})
    rows = [
        [
            place,
            f"i{place}",
            f"c{place // 2}",
            {} if place % 4 == 0 else {"tone": 0.5},
            ["tone"] if place % 4 == 0 else [],
        ]
        for place in range(40)
    ]

    def write(con: Any) -> None:
        con.execute(
            """insert into runs (project_id, run_id, suite, source, created_at, state, answers_done, attempts, manifest)
            values (1, ?, 's', 'cli', ?, 'done', 0, 0, ?)""",
            [run, START, manifest],
        )
        con.executemany(
            f"""insert into run_rows (project_id, run_id, place, repeat, item, cluster, content, fails, status, numbers,
            passed, failed, line)
            values (1, '{run}', ?, 0, ?, ?, '', false, 'ok', ?::map(varchar, double), map {{}}, ?, '')""",
            rows,
        )

    shop.writer.call(write).result()
    drawn = run_sample(shop.ask, run, "tone")
    own = drawn.rows[Wanted("score", "tone")]
    assert (len(own), own.total, np.isnan(own.values).sum(), own.failed.sum(), {*own.rulers}) == (
        40,
        40,
        10,
        10,
        {"tone 1"},
    )
    assert len({*own.clusters}) == 20
    scored(shop, (0, 72), "1")
    live = sampled(shop.ask, [Wanted("score", "tone")], {}, START, END)
    (found,) = drift({"tone": units_of(drawn, live, Wanted("score", "tone"))})
    assert (found.n_reference, found.n_current, found.verdict) == (30, 40, "no drift")
    assert len(run_sample(shop.ask, UUID(int=6), "tone").rows[Wanted("score", "tone")]) == 0
