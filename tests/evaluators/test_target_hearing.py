"""Pieces of an answer as they are told on: all of the text, no secret, no half of a letter."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from scripted import Scripted, streamed, whole

from evaluators.case import Case, Message
from evaluators.targets.answer import Answer, Asking
from evaluators.targets.config import ModelSettings
from evaluators.targets.hearing import Hearing

KEY = "sk-0123456789"


def told(pieces: list[str], *secrets: str) -> list[str]:
    heard: list[str] = []
    hearing = Hearing(heard.append, secrets)
    for piece in pieces:
        hearing.feed(piece)
    hearing.end()
    return heard


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(["Be", "cause"], ["Be", "cause"], id="as-they-come"),
        pytest.param(["it is ", "sk-01", "23456789", "."], ["it is ", "***", "."], id="a-secret-in-pieces"),
        pytest.param(["a sk-0123456789 b"], ["a *** b"], id="a-secret-whole"),
        pytest.param(["ask", "-me"], ["a", "sk-me"], id="the-start-of-one-that-is-none"),
        pytest.param(["as"], ["a", "s"], id="the-start-at-the-end"),
        pytest.param(["\ud83d", "\ude00!"], ["\ud83d\ude00!"], id="halves"),
        pytest.param(["", ""], [], id="nothing"),
    ],
)
def test_pieces(pieces: list[str], expected: list[str]) -> None:
    assert told(pieces, KEY) == expected


@given(some.lists(some.text("sk-0123456789 a", max_size=9), max_size=8))
def test_all_is_told_once_and_no_secret_ever(pieces: list[str]) -> None:
    said = "".join(told(pieces, KEY))
    assert KEY not in said
    assert said == "".join(pieces).replace(KEY, "***")


def delta(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def ask(moves: Any, **settings: Any) -> tuple[Answer, list[str]]:
    async def go() -> tuple[Answer, list[str]]:
        heard: list[str] = []
        async with Scripted([moves]) as server:
            target = ModelSettings(base_url=server.url, model="m", **settings).make(Path())
            answer = await target(Case(messages=(Message("user", "{{ as it is }}"),)), Asking(hears=heard.append))
            await target.aclose()
            assert server.seen[0].json["messages"] == [{"role": "user", "content": "{{ as it is }}"}]
            return answer, heard

    return asyncio.run(go())


def test_a_model_is_heard_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", KEY)
    moves = streamed(delta("Your key "), delta("sk-012345"), delta("6789."), delta("", "stop"), "[DONE]")
    answer, heard = ask(moves, key_env="THEIR_KEY")
    assert heard == ["Your key ", "***."]
    assert answer.text == "Your key ***."


def test_one_that_does_not_stream_is_heard_at_once() -> None:
    body = {"choices": [{"index": 0, "message": {"content": "Because"}, "finish_reason": "stop"}]}
    answer, heard = ask(whole(body), stream=False)
    assert (answer.text, heard) == ("Because", ["Because"])
