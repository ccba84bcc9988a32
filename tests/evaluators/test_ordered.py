"""Work in order: laws over random delays, bounds, faults and what is left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest

from evaluators.ordered import Done, begun_in_order, in_order


async def collected(results: Any) -> list[Any]:
    async with aclosing(results) as held:
        return [one async for one in held]


@pytest.mark.parametrize("ahead", [1, 2, 7, 100])
def test_results_come_in_order_and_no_more_are_begun_than_may_be(ahead: int) -> None:
    rng, running, most = random.Random(ahead), 0, 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(rng.random() / 500)
        running -= 1
        return number * 2

    assert asyncio.run(collected(in_order(range(60), work, ahead))) == [2 * number for number in range(60)]
    assert most == min(ahead, 60)


def test_a_slow_one_holds_up_only_what_is_behind_its_bound() -> None:
    begun: list[int] = []

    async def go() -> None:
        held = asyncio.Event()

        async def work(number: int) -> int:
            begun.append(number)
            if number == 0:
                await held.wait()
            return number

        async with aclosing(in_order(count(), work, 5)) as results:
            first = asyncio.create_task(anext(results))
            while len(begun) < 5:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            assert begun == [0, 1, 2, 3, 4]
            held.set()
            assert await first == 0
            assert await anext(results) == 1

    asyncio.run(go())


async def numbers(upto: int) -> AsyncIterator[int]:
    for number in range(upto):
        await asyncio.sleep(0)
        yield number


def test_things_may_come_slowly_and_there_may_be_none() -> None:
    async def work(number: int) -> int:
        return number

    assert asyncio.run(collected(in_order(numbers(5), work, 3))) == [0, 1, 2, 3, 4]
    assert asyncio.run(collected(in_order([], work, 3))) == []
    assert asyncio.run(collected(in_order(numbers(0), work, 3))) == []


def test_a_thing_may_begin_any_number_of_results_some_of_them_done() -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0.001)
        return text

    def begin(number: int) -> list[Any]:
        return [Done(f"{number}.{n}") if n % 2 else asyncio.create_task(later(f"{number}.{n}")) for n in range(number)]

    async def go() -> list[str]:
        return await collected(begun_in_order(range(6), begin, 4, 2))

    assert asyncio.run(go()) == [f"{number}.{n}" for number in range(6) for n in range(number)]


def test_what_work_raises_is_raised_in_its_place_and_ends_the_rest() -> None:
    said: list[int] = []

    async def work(number: int) -> int:
        if number == 3:
            raise KeyError(number)
        await asyncio.sleep(9 if number > 3 else 0)
        return number

    async def go() -> None:
        async with aclosing(in_order(count(), work, 8)) as results:
            async for one in results:
                said.append(one)  # noqa: PERF401 - what came before it raises counts

    with pytest.raises(KeyError):
        asyncio.run(go())
    assert said == [0, 1, 2]


def test_what_reading_raises_comes_after_what_was_read() -> None:
    def things() -> Iterator[int]:
        yield from range(3)
        raise OSError("gone")

    said: list[int] = []

    async def work(number: int) -> int:
        return number

    async def go() -> None:
        async with aclosing(in_order(things(), work, 8)) as results:
            async for one in results:
                said.append(one)  # noqa: PERF401 - what came before it raises counts

    with pytest.raises(OSError, match="gone"):
        asyncio.run(go())
    assert said == [0, 1, 2]


def test_closing_leaves_no_task() -> None:
    async def go() -> None:
        async def work(number: int) -> int:
            await asyncio.sleep(9 if number else 0)
            return number

        async with aclosing(in_order(count(), work, 20)) as results:
            assert await anext(results) == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(go())
