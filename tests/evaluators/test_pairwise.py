"""Pairwise judging: both orders asked, what the order decides is a tie; recorded judges give published figures."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, FakeOpenAI, good

from evaluators.case import Case
from evaluators.judges.judge import Judge
from evaluators.judges.pairwise import Comparison, Pairwise, Place, Side, read_place, replay, turns
from evaluators.judges.settings import JudgeSettings
from evaluators.scoring import judged
from evaluators.verdict import Verdict

LLMBAR = Path(__file__).parent / "data" / "llmbar" / "vanilla.jsonl.gz"
ROWS = [json.loads(line) for line in gzip.decompress(LLMBAR.read_bytes()).splitlines()]

# research figures of the data set, and what the recorded winners say: accuracy and consistency in percent.
PUBLISHED = [
    ("Natural", "GPT-4", 95.5, 95.0), ("Neighbor", "GPT-4", 78.7, 93.3),
    ("Natural", "ChatGPT", 81.5, 71.0), ("Neighbor", "ChatGPT", 19.4, 71.6),
]  # fmt: skip


def compared(part: str, judge: str) -> list[tuple[Comparison, Side]]:
    rows = [row for row in ROWS if row["id"].startswith(part)]
    return [
        (Comparison(*(read_place(text) for text, _ in row["judges"][f"{judge}/Vanilla"])), "ab"[row["label"] - 1])
        for row in rows
    ]  # fmt: skip


@pytest.mark.parametrize(("part", "judge", "accuracy", "consistency"), PUBLISHED)
def test_recorded_judges_give_their_published_figures(
    part: str, judge: str, accuracy: float, consistency: float
) -> None:
    found = replay(compared(part, judge))
    assert (round(100 * found.accuracy, 1), round(100 * found.consistency, 1)) == (accuracy, consistency)
    assert found.n == {"Natural": 100, "Neighbor": 134}[part]


@pytest.mark.parametrize("judge", ["GPT-4", "ChatGPT", "PaLM2", "LLaMA2"])
def test_what_is_read_is_what_the_authors_read(judge: str) -> None:
    winners: dict[Side | None, str | None] = {"a": "1", "b": "2", None: None}
    for row in ROWS:
        recorded = row["judges"][f"{judge}/Vanilla"]
        sides = Comparison(*(read_place(text) for text, _ in recorded)).sides
        assert [winners[side] for side in sides] == [winner for _, winner in recorded], row["id"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Output (a)", "first"),
        ("output b.", "second"),
        ("Output (a) is shorter. Therefore, Output (b) is better.", "second"),
        ("At first Output (a) is better. In the end Output (b) is better.", "second"),
        ("Output (b) is not better than Output (a)", None),
        ("Both Output (a) and Output (b) are good.", None),
        ("Output (about) that", None),
        ("", None),
    ],
)
def test_places_in_words(text: str, place: Place | None) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    ("straight", "swapped", "winner", "consistent"),
    [
        ("first", "second", "a", True), ("second", "first", "b", True), ("tie", "tie", "tie", True),
        ("first", "first", "tie", False), ("first", "tie", "tie", False), (None, "first", None, False),
        (None, None, None, False),
    ],
)  # fmt: skip
def test_what_the_order_decides_is_a_tie(straight: Any, swapped: Any, winner: Any, consistent: bool) -> None:
    found = Comparison(straight, swapped)
    assert (found.winner, found.consistent) == (winner, consistent)


def asked(*acts: Act) -> tuple[Verdict, FakeOpenAI]:
    async def go() -> tuple[Verdict, FakeOpenAI]:
        async with FakeOpenAI(list(acts)) as fake:
            judge = Judge(JudgeSettings(name="j", base_url=fake.url, model="m"))
            verdict = await judged(Pairwise(judge), Case(question="q", answer="mine", reference="theirs"))
            await judge.aclose()
            return verdict, fake

    return asyncio.run(go())


def test_both_orders_are_asked_and_both_reasons_kept() -> None:
    verdict, fake = asked(good(reason="one", better="first"), good(reason="two", better="second"))
    assert (verdict.value, verdict.label, verdict.details["consistent"]) == (1.0, "better", True)
    assert verdict.details["reasons"] == ["one", "two"]
    told = [one["messages"][1]["content"] for one in fake.requests]
    assert told[0].index("mine") < told[0].index("theirs")
    assert told[1].index("mine") > told[1].index("theirs")


def test_an_inconsistent_judge_gives_a_tie_and_half_a_judge_nothing() -> None:
    leaning, _ = asked(good(reason="one", better="first"))
    assert (leaning.value, leaning.label, leaning.details["consistent"]) == (0.5, "tie", False)
    assert "The order decides" in leaning.reason
    half, _ = asked(good(reason="one", better="first"), Act(status=401))
    assert (half.error_type, half.value) == ("auth", None)


def test_the_two_orders_differ_in_the_order_alone() -> None:
    one, other = (turns("q", *pair)[1].text.splitlines() for pair in (("a1", "b1"), ("b1", "a1")))
    assert sorted(one) == sorted(other)


def test_replay_needs_something() -> None:
    with pytest.raises(ValueError, match="no comparisons"):
        replay([])
