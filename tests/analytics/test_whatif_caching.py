"""Caches replayed by hand, a public trace of prefix blocks, and what must hold for any calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics import intervals
from analytics import whatif_caching as caching

SECOND = 1_000_000_000
BEGIN = pd.Timestamp("2026-10-01")


def calls(rows: Sequence[tuple[str | None, float, float | None]], **columns: object) -> pd.DataFrame:
    """Rows of prompt, start and duration in seconds; each call costs a cent and has 100 + 10 tokens."""
    frame = pd.DataFrame(
        {
            "prompt_hash": pd.Series([prompt for prompt, _, _ in rows], dtype="str"),
            "start_time": pd.Series([BEGIN + pd.Timedelta(seconds=at) for _, at, _ in rows], dtype="datetime64[us]"),
            "duration_ns": pd.array([None if d is None else int(d * SECOND) for _, _, d in rows], dtype="Int64"),
            "failed": False, "cost_usd": 0.01, "input_tokens": 100, "output_tokens": 10,
        }
    )  # fmt: skip
    return frame.assign(**columns)


@pytest.mark.parametrize(
    ("rows", "sliding", "hits"),
    [
        pytest.param([("a", 0, 1), ("a", 5, 1), ("b", 6, 1)], False, 1, id="one-repeat"),
        pytest.param([("a", 0, 1), ("a", 61, 1)], False, 1, id="at-the-end-of-the-window"),  # ends at 1, kept to 61
        pytest.param([("a", 0, 1), ("a", 61.5, 1)], False, 0, id="after-the-window"),
        pytest.param([("a", 0, 10), ("a", 5, 1), ("a", 9, 1), ("a", 10, 1)], False, 1, id="while-the-first-runs"),
        pytest.param([("a", 0, 0), ("a", 50, 0), ("a", 100, 0)], False, 1, id="fixed-window"),
        pytest.param([("a", 0, 0), ("a", 50, 0), ("a", 100, 0)], True, 2, id="sliding-window"),
        pytest.param([("a", 0, None), ("a", 5, 1), ("a", 7, 1)], False, 1, id="an-answer-of-unknown-end-is-not-kept"),
        pytest.param([("a", 5, 1), ("a", 0, 1)], False, 1, id="any-order"),
        pytest.param([(None, 0, 1), (None, 5, 1)], False, 0, id="unknown-prompts-are-not-alike"),
        pytest.param([], False, 0, id="none"),
    ],
)
def test_exact_repeats_by_hand(rows: list[tuple[str | None, float, float | None]], sliding: bool, hits: int) -> None:
    found = caching.exact_repeats(calls(rows), 60 * SECOND, sliding=sliding)
    assert found.saving.calls == hits
    assert found.saving.usd == pytest.approx(hits * 0.01)
    assert (found.saving.input_tokens, found.saving.output_tokens) == (hits * 100, hits * 10)


def test_failed_calls_neither_store_nor_hit_and_unknowns_are_counted() -> None:
    rows = [("a", at, 2.0) for at in (0, 10, 20, 30)] + [(None, 40.0, 1.0)]
    frame = calls(rows, failed=[True, False, False, True, False], cost_usd=[1, 1, np.nan, 1, 1])
    found = caching.exact_repeats(frame, 60 * SECOND, lookup_ns=SECOND // 2)
    assert (found.calls, found.failed, found.unknown) == (2, 2, 1)
    assert (found.saving.calls, found.saving.usd, found.saving.unpriced) == (1, 0, 1)
    assert found.saving.duration_ns == 1.5 * SECOND


def test_the_share_of_repeats_is_a_ratio_over_prompts() -> None:
    rows = [(prompt, 10.0 * at, 1.0) for at, prompt in enumerate("aaabbcdaab")]
    found = caching.exact_repeats(calls(rows), 1000 * SECOND)
    expected = intervals.ratio([4, 2, 0, 0], [5, 3, 1, 1])  # a, b, c, d
    assert found.share.value == 0.6
    assert (found.share.low, found.share.high) == (
        pytest.approx(max(0, expected.low or 0)), pytest.approx(min(1, expected.high or 0)),
    )  # fmt: skip
    assert found.share.n == 4
    assert caching.exact_repeats(calls([]), SECOND).share.value is None


@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 300), st.floats(0, 20)), max_size=30),
    window=st.integers(0, 200), sliding=st.booleans(),
)  # fmt: skip
def test_a_cache_never_answers_a_first_call_and_an_endless_one_answers_most(
    rows: list[tuple[str, float, float]], window: int, sliding: bool
) -> None:
    frame = calls(rows)
    endless = caching.exact_repeats(frame, 10**6 * SECOND).saving.calls
    assert caching.exact_repeats(frame, window * SECOND, sliding=sliding).saving.calls <= endless
    assert endless <= len(rows) - frame["prompt_hash"].nunique()


def prompts(rows: Sequence[tuple[float, str, int]], **columns: object) -> pd.DataFrame:
    """Rows of start in seconds, blocks (a letter each; its prefix is its hash) and input tokens."""
    frame = calls([(None, at, 1) for at, _, _ in rows])
    blocks = [[text[: end + 1] for end in range(len(text))] for _, text, _ in rows]
    return frame.assign(
        scope="m", ttft_ns=pd.array([pd.NA] * len(rows), dtype="Int64"), blocks=pd.Series(blocks, dtype=object),
        input_tokens=[tokens for _, _, tokens in rows], cache_read_tokens=0, cache_write_tokens=0,
    ).assign(**columns)  # fmt: skip


def rates(frame: pd.DataFrame, write: float = 1.25) -> pd.DataFrame:
    return pd.DataFrame({"input": 1.0, "cache_read": 0.1, "cache_write": write}, index=frame.index)


def test_prefixes_by_hand() -> None:
    """Blocks of 1000. First: 3000 written, 200 plain. Second: 2000 read, 1000 written. Third, 10 minutes on: anew."""
    frame = prompts([(0, "abc", 3200), (60, "abd", 3000), (660, "abc", 3200)])
    found = caching.prefix_caching(frame, rates(frame), block_tokens=1000, ttl_ns=300 * SECOND)
    assert (found.input_tokens, found.read_tokens, found.written_tokens) == (9400, 2000, 3000 + 1000 + 3000)
    assert found.actual_usd == 9400
    assert found.cached_usd == pytest.approx(400 + 0.1 * 2000 + 1.25 * 7000)
    assert found.write_premium_usd == pytest.approx(0.25 * 7000)
    assert found.net_usd == pytest.approx(9400 - 9350)
    kept = caching.prefix_caching(frame, rates(frame), block_tokens=1000, ttl_ns=3600 * SECOND)
    assert (kept.read_tokens, kept.written_tokens) == (2000 + 3000, 3000 + 1000)


@pytest.mark.parametrize(
    ("rows", "columns", "read"),
    [
        pytest.param([(0, "a", 1000), (60, "a", 1000)], {}, 0, id="below-the-minimum"),
        pytest.param([(0, "ab", 2000), (60, "ac", 2000)], {}, 0, id="what-is-shared-is-below-the-minimum"),
        pytest.param([(0, "abc", 3000), (0.5, "abc", 3000)], {}, 0, id="not-there-yet"),
        pytest.param([(0, "abc", 3000), (60, "abc", 3000)], {"scope": ["m", "n"]}, 0, id="another-model"),
        pytest.param([(0, "abc", 3000), (60, "abc", 3000)], {"failed": [True, False]}, 0, id="the-first-failed"),
        pytest.param([(0, "ab", 2000), (200, "ab", 2000), (400, "ab", 2000)], {}, 4000, id="use-keeps-it"),
        pytest.param(
            [(0, "abc", 3000), (0.5, "abc", 3000)],
            {"ttft_ns": pd.array([SECOND // 4, None], dtype="Int64")}, 3000, id="there-from-the-first-token",
        ),
    ],
)  # fmt: skip
def test_when_a_prefix_is_read(rows: list[tuple[float, str, int]], columns: dict[str, object], read: int) -> None:
    frame = prompts(rows, **columns)
    assert caching.prefix_caching(frame, rates(frame), block_tokens=1000, ttl_ns=300 * SECOND).read_tokens == read


def test_what_is_cached_already_is_not_saved_again_and_unknown_rates_are_counted() -> None:
    frame = prompts([(0, "ab", 2000), (60, "ab", 2000), (70, "ab", 2000)])
    frame["cache_write_tokens"], frame["cache_read_tokens"] = [2000, 0, 0], [0, 2000, 2000]
    paid = rates(frame)
    paid.loc[2, "input"] = np.nan
    found = caching.prefix_caching(frame, paid, block_tokens=1000, ttl_ns=300 * SECOND)
    assert (found.calls, found.unknown) == (2, 1)
    assert found.net_usd == pytest.approx(0)
    nothing = caching.prefix_caching(frame.iloc[:0], paid.iloc[:0], block_tokens=1000, ttl_ns=300 * SECOND)
    assert (nothing.calls, nothing.share.value, nothing.net_usd) == (0, None, 0)


def test_the_share_of_prefixes_is_a_ratio_over_sessions_and_calls_without() -> None:
    frame = prompts([(60.0 * at, "ab", 2000) for at in range(5)])
    frame["session_id"] = ["s", "s", "t", None, None]
    found = caching.prefix_caching(frame, rates(frame), block_tokens=1000, ttl_ns=300 * SECOND).share
    expected = intervals.ratio([2000, 2000, 2000, 2000], [4000, 2000, 2000, 2000])
    assert (found.value, found.n) == (0.8, 4)
    assert found.low == pytest.approx(expected.low)
    alone = caching.prefix_caching(
        frame.drop(columns="session_id"), rates(frame), block_tokens=1000, ttl_ns=300 * SECOND
    )
    assert alone.share.n == 5


def test_writes_that_nobody_reads_cost_more_than_they_save() -> None:
    frame = prompts([(0, "ab", 2000), (60, "cd", 2000)])
    assert caching.prefix_caching(frame, rates(frame), block_tokens=1000, ttl_ns=300 * SECOND).net_usd == pytest.approx(
        -0.25 * 4000
    )


def test_an_endless_cache_reads_every_block_that_came_before() -> None:
    """Oracle: the definition of a prefix hit, over sets, for requests one after the other as in public block traces."""
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("ab"), rng.integers(1, 9))) for _ in range(200)]
    frame = prompts([(10.0 * at, text, 512 * len(text)) for at, text in enumerate(texts)])
    seen: set[str] = set()
    expected = 0
    for text in texts:
        expected += next((n for n in range(len(text), 0, -1) if text[:n] in seen), 0)
        seen.update(text[: n + 1] for n in range(len(text)))
    found = caching.prefix_caching(frame, rates(frame), block_tokens=512, ttl_ns=10**6 * SECOND, minimum_tokens=0)
    assert found.read_tokens == 512 * expected
    assert found.read_tokens + found.written_tokens == found.input_tokens


def test_near_repeats_by_hand() -> None:
    pairs = calls([("x", at, 2) for at in range(6)]).assign(
        similarity=[np.nan, 0.99, 0.95, 0.9, 0.8, 0.97],
        same_answer=pd.array([None, True, False, None, False, True], dtype="boolean"),
    )
    found = caching.near_repeats(pairs, [0.9, 0.96, 1.0]).set_index("threshold")
    assert found["hits"].tolist() == [4, 2, 0]
    assert found["usd"].tolist() == pytest.approx([0.04, 0.02, 0])
    assert found["judged"].tolist() == [3, 2, 0]
    risk = intervals.rate(1, 3)
    assert found.loc[0.9, ["false_share", "false_low", "false_high"]].tolist() == [risk.value, risk.low, risk.high]
    assert found.loc[0.9, "share"] == pytest.approx(4 / 6)
    none_false = found.loc[0.96]
    assert none_false["false_share"] == 0
    assert none_false["false_high"] == pytest.approx(intervals.rate(0, 2).high)
    assert found.loc[1.0, ["false_share", "false_low", "false_high"]].isna().all()


def test_times_of_arrow_and_of_zones_are_read_alike() -> None:
    frame = calls([("a", 0, 1), ("a", 5, 1)])
    zoned = frame.assign(start_time=frame["start_time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    arrow = frame.assign(start_time=frame["start_time"].astype("timestamp[us][pyarrow]"))
    assert caching.exact_repeats(zoned, 60 * SECOND) == caching.exact_repeats(arrow, 60 * SECOND)


def test_hits_stand_in_the_order_of_the_calls() -> None:
    frame = calls([("a", 30, 1), ("b", 0, 1), ("a", 0, 1)])
    assert caching.exact_hits(frame, 60 * SECOND).tolist() == [True, False, False]


def test_blocks_of_each_calls_own_size() -> None:
    """Two blocks of 700.5 tokens each, and a rest: 1,401 are written, then read."""
    frame = prompts([(0, "ab", 1500), (60, "ab", 1500)]).assign(block_tokens=700.5)
    done = caching.prefix_tokens(frame, ttl_ns=300 * SECOND)
    assert done["read"].tolist() == [0, 1401]
    assert done["written"].tolist() == [1401, 0]
    usd = caching.prefix_usd(frame, rates(frame), done)
    assert usd["saved"].tolist() == pytest.approx([-0.25 * 1401, 0.9 * 1401])
    assert usd["saved"].tolist() == pytest.approx((usd["actual"] - usd["cached"]).tolist())


def test_a_sample_is_scaled_by_its_ratio() -> None:
    """Oracle: `intervals.ratio` over the slices, times the whole."""
    part, whole = np.array([1.0, 2, 0, np.nan, 4]), np.array([10.0, 10, 10, 10, np.nan])
    found = caching.scaled(part, whole, np.array([0, 0, 1, 1, 2]), 500)
    wanted = intervals.ratio([3, 0], [20, 10])
    assert (found.value, found.n) == (pytest.approx(50), 2)
    assert found.high == pytest.approx(500 * (wanted.high or 0))
    nothing = caching.scaled(np.zeros(4), np.ones(4), np.arange(4), 500)
    assert (nothing.value, nothing.low, nothing.high) == (0, None, None)
    assert caching.scaled(np.empty(0), np.empty(0), np.empty(0), 5).value is None


def test_what_a_token_adds_to_the_wait() -> None:
    """Oracle: scipy's line through the calls of one model; with another model it is the slope within each."""
    rng = np.random.default_rng(2)
    tokens = rng.integers(100, 5000, 80)
    frame = pd.DataFrame({
        "scope": "m", "input_tokens": tokens, "cache_read_tokens": pd.array([None] * 80, "Int64"),
        "ttft_ns": 1e8 + 50_000 * tokens + rng.normal(0, 1e7, 80),
    })  # fmt: skip
    line = stats.linregress(tokens, frame["ttft_ns"])
    reach = stats.t.ppf(0.975, 78) * line.stderr
    found = caching.wait_per_token(frame)
    assert (found.value, found.low, found.high) == (
        pytest.approx(line.slope), pytest.approx(line.slope - reach), pytest.approx(line.slope + reach),
    )  # fmt: skip
    slower = frame.assign(scope="n", ttft_ns=frame["ttft_ns"] + 1e10)
    assert caching.wait_per_token(pd.concat([frame, slower])).value == pytest.approx(line.slope)
    assert caching.wait_per_token(frame.head(29)).value is None
    assert caching.wait_per_token(frame.assign(input_tokens=7)).value is None
