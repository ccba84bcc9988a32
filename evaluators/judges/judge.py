"""A judge: one model, asked with limits, retries, a budget and a cache, and every answer checked."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from evaluators.case import Case, Json
from evaluators.judges.budget import Budget
from evaluators.judges.client import client_for
from evaluators.judges.model import REASKED, RETRIED, AskError, ModelClient, Price, Reply, Request, Turn, Usage
from evaluators.judges.pace import Pace
from evaluators.judges.reply import read, schema_of
from evaluators.judges.settings import JudgeSettings
from evaluators.judges.tracing import PROVIDERS, call_span, tell_reply, tell_verdict, verdict_span
from evaluators.kept import Kept, key_of
from evaluators.protocol import Card
from evaluators.scoring import REPEAT, fault
from evaluators.verdict import Spent, Verdict, failed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Shape = TypeVar("Shape", bound=BaseModel)
Told = TypeVar("Told")
Check = Callable[[Any], None]
"""Looks at an answer that has its shape, and raises AskError, with a sentence to the model, where it does not do."""

REFUSALS = 5  # of its key, one after the other, after which a judge is not asked any more
ASSUMED_OUTPUT = 4096  # tokens that a call may make where no parameter limits them
LETTERS_A_TOKEN = 3  # fewer than in most texts: the worst cost shall be the worst


class Judge:
    """One model of `JudgeSettings`. Many verdicts at once may share it, in several event loops.

    Its text is what of it changes a verdict, so that it stands in the ruler of the evaluator that it belongs to.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        *,
        budget: Budget | None = None,
        cache: Kept | None = None,
        price: Price | None = None,
        tracer: Tracer | None = None,
        connect: Callable[[JudgeSettings], ModelClient] = client_for,
    ) -> None:
        self.settings, self.budget, self.cache, self.tracer = settings, budget or Budget(), cache, tracer
        self.price, self._connect = price, connect
        self.refusals = 0  # of its key, since the last answer
        # The SDKs' connections belong to an event loop, and fail in the next one.
        self._bound: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[ModelClient, Pace]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return json.dumps(self.settings.identity, sort_keys=True)

    def bound(self) -> tuple[ModelClient, Pace]:
        """The client and the pace of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._bound:
            self._bound[loop] = self._connect(self.settings), Pace(self.settings.concurrency)
        return self._bound[loop]

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        held = self._bound.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held[0].close()

    def cost(self, usage: Usage) -> float | None:
        """US dollars of a call: by the judge's own price, else the list price; null: unknown."""
        own = self.settings.price
        if own is None:
            provider = PROVIDERS[self.settings.provider]
            return None if self.price is None else self.price(provider, self.settings.model, usage)
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        return (usage.input_tokens * own.input + usage.output_tokens * own.output) / 1e6

    async def verdict(self, card: Card, case: Case, work: Callable[[Asking], Awaitable[Verdict]]) -> Verdict:
        """The verdict that the work comes to, with what it spent and who said it; failures of the judge as errors."""
        asking = Asking(self, REPEAT.get())
        with verdict_span(self.tracer, card.name, card.version, case.id) as span:
            try:
                said = await work(asking)
            except AskError as error:
                said = failed(error.kind, str(error))
            except Exception as error:  # noqa: BLE001 - of a library between us and the model; what it spent is told all the same
                said = fault(error)
            said = replace(said, spent=asking.spent(), details={**said.details, "judge": asking.told()})
            tell_verdict(span, card.name, card.version, said.on(card.scale))
        return said


class Asking:
    """What one verdict asks of a judge: its calls, its time, its spending."""

    def __init__(self, judge: Judge, repeat: int) -> None:
        self._judge, self._settings, self._repeat = judge, judge.settings, repeat
        self._ends: float | None = None  # set by the first call: waiting for room at first is not the judge's fault
        self._sent = self._cached = 0
        self._usages: list[Usage] = []
        self._cost: float | None = 0.0
        self._model: str | None = None
        self._prompts: list[str] = []

    def spent(self) -> Spent:
        """What it took so far, with calls that failed."""
        given, made = ([getattr(one, name) for one in self._usages] for name in ("input_tokens", "output_tokens"))
        return Spent(self._sent, self._cached, _sum(given), _sum(made), self._cost)

    def told(self) -> dict[str, Json]:
        """Who was asked and how, for the stored verdict."""
        sent = self._settings.sent
        return {
            "name": self._settings.name, "provider": self._settings.provider, "model": self._settings.model,
            "answered_by": self._model, "temperature": sent.get("temperature"), "seed": self._params().get("seed"),
            "max_tokens": sent.get("max_tokens", sent.get("max_completion_tokens")), "repeat": self._repeat,
            "prompt_sha256": key_of(*self._prompts) if self._prompts else None,
        }  # fmt: skip

    async def ask(self, turns: Sequence[Turn], shape: type[Shape], check: Check | None = None) -> Shape:
        """The judge's answer in this shape. One that does not fit is asked for once more, with what is wrong with it.

        Raises:
            AskError: there is none.
        """
        schema = schema_of(shape)
        prompt: list[Json] = [[turn.role, turn.text] for turn in turns]
        self._prompts.append(key_of(prompt, schema))
        key = self._key("chat", prompt, schema)
        kept = self._kept(key, lambda held: read(Reply(held["text"]), shape))
        if kept is not None:
            return kept
        told = list(turns)
        for last in (False, True):
            reply = await self._complete(told, schema)
            try:
                answer = _checked(reply, shape, check)
            except AskError as error:
                if last or error.kind not in REASKED:
                    raise
                told = [*turns, *_correction(reply, error)]
            else:
                self._keep(key, {"text": reply.text, "model": reply.model})
                return answer
        raise AssertionError("the second answer is returned or raised")

    async def say(self, turns: Sequence[Turn]) -> Reply:
        """What the model answers, as it is, for who asks it as a model and not for a judgement.

        Raises:
            AskError: there is no answer, or an empty one.
        """
        prompt: list[Json] = [[turn.role, turn.text] for turn in turns]
        self._prompts.append(key_of(prompt))
        key = self._key("text", prompt)
        kept = self._kept(key, lambda held: Reply(held["text"], held["finish"]))
        if kept is not None:
            return kept
        reply = await self._complete(turns, None)
        if not reply.text.strip() and reply.finish != "refused":
            raise AskError("empty", "The model's answer is empty.")
        self._keep(key, {"text": reply.text, "finish": reply.finish, "model": reply.model})
        return reply

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The embeddings of the texts, by the judge's model of embeddings.

        Raises:
            AskError: there are none.
        """
        model = self._settings.embeddings
        if model is None:
            raise AskError("bad_request", f"Judge {self._settings.name!r} names no model of embeddings.")
        key = self._key("embed", model, list(texts))
        kept = self._kept(key, lambda held: [list(one) for one in held["vectors"]])
        if kept is not None:
            return kept

        async def call(client: ModelClient, timeout_s: float) -> tuple[list[list[float]], Usage]:
            said = await client.embed(model, texts, timeout_s)
            return [list(one) for one in said.vectors], said.usage

        # A model of embeddings costs less than the judge, so the judge's price is its worst.
        vectors = await self._tried(call, sum(map(len, texts)), 0, self._no_cost)
        self._keep(key, {"vectors": vectors})
        return vectors

    def _no_cost(self, _usage: Usage) -> float | None:
        return None  # the price of embeddings is another's than the judge's, and is not known here

    async def _complete(self, turns: Sequence[Turn], schema: Mapping[str, Any] | None) -> Reply:
        params = self._params()

        async def call(client: ModelClient, timeout_s: float) -> tuple[Reply, Usage]:
            request = Request(self._settings.model, turns, params, schema, timeout_s)
            with call_span(self._judge.tracer, self._settings, request) as span:
                reply = await client.complete(request)
                tell_reply(span, reply)
            self._model = reply.model
            return reply, reply.usage

        most = params.get("max_tokens", params.get("max_completion_tokens"))
        output = most if isinstance(most, int) else ASSUMED_OUTPUT
        return await self._tried(call, sum(len(turn.text) for turn in turns), output, self._judge.cost)

    def _params(self) -> dict[str, Json]:
        """With a seed of its own for each repeat: the same one would give the same answer."""
        params = self._settings.sent
        seed = params.get("seed")
        return {**params, "seed": seed + self._repeat} if isinstance(seed, int) else params

    async def _tried(
        self,
        call: Callable[[ModelClient, float], Awaitable[tuple[Told, Usage]]],
        letters: int,
        output: int,
        cost: Callable[[Usage], float | None],
    ) -> Told:
        """The call's answer, tried again while its endpoint fails in passing and time is left."""
        worst = self._judge.cost(Usage(letters // LETTERS_A_TOKEN + 1, output))
        for attempt in range(self._settings.tries):
            try:
                return await self._once(call, worst, cost)
            except AskError as error:
                pause = self._pause(error, attempt)
                if error.kind not in RETRIED or attempt == self._settings.tries - 1 or pause >= self._left():
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try is returned or raised")

    def _pause(self, error: AskError, attempt: int) -> float:
        """Seconds before the next try: what the endpoint asks, else a random share of what doubles each time."""
        if error.retry_after_s is not None:
            return error.retry_after_s
        return float(self._settings.backoff_s * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _once(
        self,
        call: Callable[[ModelClient, float], Awaitable[tuple[Told, Usage]]],
        worst: float | None,
        cost: Callable[[Usage], float | None],
    ) -> Told:
        client, pace = self._judge.bound()
        entered = await self._entered(pace)
        try:
            if self._judge.refusals >= REFUSALS:
                raise AskError("auth", f"The judge refused its key {REFUSALS} times, and is not asked any more.")
            taken = await self._judge.budget.take(worst)
            spent: float | None = None  # also when the call is cancelled: nobody knows
            self._sent += 1
            try:
                timeout_s = min(self._settings.call_timeout_s, self._left())
                said, usage = await _within(timeout_s, call(client, timeout_s))
                spent = cost(usage)
                self._usages.append(usage)
            except AskError as error:
                spent = None if error.billed else 0.0
                self._judge.refusals += error.kind == "auth"
                if error.kind == "rate_limited":
                    pace.limited(entered, error.retry_after_s)
                raise
            finally:
                self._judge.budget.settle(taken, spent)
                self._cost = None if spent is None or self._cost is None else self._cost + spent
            pace.succeeded()
            self._judge.refusals = 0
            return said
        finally:
            pace.leave()

    async def _entered(self, pace: Pace) -> float:
        """Room for one call. Its wait counts for the verdict's time from the second call on."""
        try:
            async with asyncio.timeout(None if self._ends is None else self._left()):
                entered = await pace.enter()
        except TimeoutError:
            raise AskError("timeout", f"The verdict took longer than {self._settings.timeout_s:g} s.") from None
        if self._ends is None:
            self._ends = entered + self._settings.timeout_s
        return entered

    def _left(self) -> float:
        """Seconds."""
        return self._settings.timeout_s if self._ends is None else max(0.001, self._ends - time.monotonic())

    def _key(self, *asked: object) -> str:
        return key_of(self._settings.identity, self._repeat, *asked)

    def _kept(self, key: str, use: Callable[[Any], Told]) -> Told | None:
        """What the cache has of this question; null: nothing that can be used."""
        text = None if self._judge.cache is None else self._judge.cache.get(key)
        if text is None:
            return None
        try:
            held = json.loads(text)
            used = use(held)
        except (ValueError, TypeError, KeyError, AskError):  # not as we wrote it: asked anew
            return None
        self._cached += 1
        self._model = held.get("model", self._model)
        return used

    def _keep(self, key: str, held: dict[str, Any]) -> None:
        if self._judge.cache is not None:
            self._judge.cache.put(key, json.dumps(held))


async def _within(timeout_s: float, call: Awaitable[Told]) -> Told:
    """The SDK's own limit is for each read, so that an endpoint which drips would never meet it."""
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except TimeoutError:
        raise AskError("timeout", f"The judge did not answer within {timeout_s:.3g} s.", billed=True) from None


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _checked(reply: Reply, shape: type[Shape], check: Check | None) -> Shape:
    answer = read(reply, shape)
    if check is not None:
        check(answer)
    return answer


def _correction(reply: Reply, error: AskError) -> list[Turn]:
    """What the judge said, cut, and what is wrong with it."""
    said = [Turn("assistant", reply.text[:4000])] if reply.text.strip() else []
    told = f"This answer cannot be used: {error} Answer again, with one JSON object of the schema and nothing else."
    return [*said, Turn("user", told)]
