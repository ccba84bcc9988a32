"""LLMDrift's answers on prime numbers, one an hour: the change of June 2023 fires, halves of a snapshot do not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from watched import HOUR

ANSWERS = Path(__file__).resolve().parents[3] / "datasets/llmdrift/answers.jsonl.gz"
START = datetime(2026, 10, 5)  # noqa: DTZ001 - a Monday; UTC without a zone, as the store holds times
SNAPSHOTS = ["gpt-4-0314", "gpt-4-0613", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613"]


def hours(snapshot: str, release: str, seed: int = 0) -> list[dict[str, Any]]:
    """Each answer of a snapshot as an hour's call, in an order of chance."""
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["model"].endswith(snapshot) and row["ref_answer"]]
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    return [
        {"n": 1, "told": {"output_tokens": int(rows[at]["answer_token"]), "release": release}} for at in order
    ]  # fmt: skip


def watched(world: Any, told: Sequence[dict[str, Any]], until: datetime) -> Any:
    """A monitor of the answers' tokens, set after all is there, with a reference that ends then."""
    world.calls("llmdrift", START, told)
    end = START + len(told) * HOUR + timedelta(minutes=3)
    against = {"since": START.isoformat(), "until": until.isoformat()}
    world.set(
        "tokens", end, signal="output_tokens", where={"service": "llmdrift"}, against=against, window="1d",
        alert={"kind": "drift", "least": 20, "alpha": 0.001},
    )  # fmt: skip
    world.turns(end, end)
    return world.one("tokens")


def test_the_change_of_june_fires_and_names_its_time(world: Any) -> None:
    """GPT-4's answers went from 222 tokens on average to 3."""
    march, june = SNAPSHOTS[:2]
    before = hours(march, "2023-03")
    turn = START + len(before) * HOUR
    assert watched(world, [*before, *hours(june, "2023-06")], turn).state == "firing"
    (alert,) = world.alerts("tokens")
    assert alert.since_low - HOUR <= turn <= alert.since_high
    assert alert.since_high - alert.since_low < timedelta(days=2)
    assert alert.cause == "release:2023-06"
    looks = world.looks("tokens")
    first = next(look.ended_at for look in looks if look.state == "firing")
    assert (min(look.ended_at for look in looks), first <= turn + timedelta(days=2)) == (turn + timedelta(days=1), True)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_halves_of_one_snapshot_do_not(world: Any, snapshot: str) -> None:
    told = hours(snapshot, "one", seed=1)
    assert watched(world, told, START + len(told) // 2 * HOUR).state == "ok"
    assert not world.alerts("tokens")
    assert not any(look.state == "firing" for look in world.looks("tokens"))


def test_what_was_over_before_a_monitor_was_set_is_no_alert(world: Any) -> None:
    march, june = (hours(one, "any") for one in SNAPSHOTS[:2])
    assert watched(world, [*march[:200], *june[:50], *march[200:]], START + 200 * HOUR).state == "ok"
    assert any(look.state == "firing" for look in world.looks("tokens"))
    assert not world.alerts("tokens")
