"""A model that is asked at its provider, with the pace, the budget and the prices of judges."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from evaluators.case import Case, Json, Message, Usage
from evaluators.judges.budget import Budget
from evaluators.judges.client import NO_KEY, client_for, sdk_of
from evaluators.judges.judge import ASSUMED_OUTPUT, LETTERS_A_TOKEN, Judge
from evaluators.judges.model import AskError, ModelClient, Price, Reply, Request, Turn
from evaluators.judges.model import Usage as Tokens
from evaluators.judges.pace import Pace
from evaluators.judges.settings import JudgeSettings
from evaluators.judges.tracing import PROVIDERS
from evaluators.kept import Kept, key_of
from evaluators.targets.answer import Answer, Asking, TargetError, answer_row, read_answer_row, whole
from evaluators.targets.chat import ChatReader
from evaluators.targets.config import ModelSettings
from evaluators.targets.hearing import Hearing
from evaluators.targets.templates import Template, values_of
from evaluators.targets.told import checked
from evaluators.targets.wire import KINDS, PASSING, Sending, StatusError, Timed, Tries, Wire, secret_of

_OPENAI = "https://api.openai.com/v1"
_UNKNOWN = frozenset({400, 422})  # statuses of servers that do not know a part of what they are sent

Cost = Callable[[Tokens], float | None]


class ModelTarget:
    """As `ModelSettings` say. Many answers at once may share it, in several event loops."""

    def __init__(
        self,
        settings: ModelSettings,
        *,
        price: Price | None = None,
        budget: Budget | None = None,
        cache: Kept | None = None,
    ) -> None:
        """Raises EvaluatorError: its key is not set, or holds what no header can; its SDK is not installed."""
        self._settings, self._price = settings, price
        self._budget, self._cache = budget or Budget(), cache
        self._prompt = _Prompt(settings)
        self._asks = _OpenAI(settings) if settings.provider == "openai" else _Provider(settings)
        self._paces: WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = WeakKeyDictionary()

    @property
    def ruler(self) -> str:
        """Without limits, prices, whether it streams, and the variable of the key and its value."""
        held = self._settings
        return key_of(
            "model", held.provider, held.base_url, held.region, held.model, self._prompt.identity,
            dict(held.parameters), held.version,
        )  # fmt: skip

    @property
    def pinned(self) -> bool:
        """Whether a version is declared: of a model's name nobody knows what stands behind it tomorrow."""
        return self._settings.version is not None

    def cost(self, tokens: Tokens) -> float | None:
        """US dollars: by its own price, else the list price; null: unknown."""
        own = self._settings.price
        if own is None:
            known = self._price
            return None if known is None else known(PROVIDERS[self._settings.provider], self._settings.model, tokens)
        if tokens.input_tokens is None or tokens.output_tokens is None:
            return None
        return (tokens.input_tokens * own.input + tokens.output_tokens * own.output) / 1e6

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """What the model answers; one that its provider held back is an answer too."""
        tries = Tries(self._settings, asking)
        try:
            turns = self._prompt.turns(case, asking)
            key = key_of("target", self.ruler, asking.repeat, [[turn.role, turn.text] for turn in turns])
            kept = self._kept(key)
            if kept is not None:
                return kept
            answer = await tries.run(lambda: self._once(turns, asking, tries))
        except TargetError as error:
            return tries.failed(error, self._asks.masked)
        answer = self._asks.clean(replace(answer, calls=tries.calls))
        if tries.billed and answer.usage is not None:  # an earlier try may have cost something too
            answer = replace(answer, usage=replace(answer.usage, cost_usd=None))
        if self._cache is not None:
            self._cache.put(key, json.dumps(answer_row(answer)))
        return answer

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        self._paces.pop(asyncio.get_running_loop(), None)
        await self._asks.aclose()

    def _kept(self, key: str) -> Answer | None:
        text = None if self._cache is None else self._cache.get(key)
        if text is None:
            return None
        try:
            kept = read_answer_row(json.loads(text))
        except (ValueError, TypeError, KeyError):  # not as we wrote it: asked anew
            return None
        told = kept.usage or Usage()
        # Nobody was asked now, and how long it took then is not how long it takes.
        usage = Usage(cost_usd=0.0, input_tokens=told.input_tokens, output_tokens=told.output_tokens)
        return replace(kept, usage=usage, calls=0, cached=True)

    async def _once(self, turns: Sequence[Turn], asking: Asking, tries: Tries) -> Answer:
        """One try, once there is room and money for it."""
        pace = self._paces.setdefault(asyncio.get_running_loop(), Pace(self._settings.concurrency))
        entered = await _entered(pace, tries)
        try:
            parameters = self._parameters(asking)
            taken = await self._taken(turns, parameters)
            spent: float | None = None  # also when the call is cancelled: nobody knows
            try:
                answer = await self._asks.ask(turns, parameters, asking, tries)
                usage = answer.usage or Usage()
                spent = self.cost(Tokens(usage.input_tokens, usage.output_tokens))
            except TargetError as error:
                spent = None if error.billed else 0.0
                if error.error_type == "rate_limited":
                    pace.limited(entered, error.retry_after_s)
                raise
            finally:
                self._budget.settle(taken, spent)
            pace.succeeded()
            return replace(answer, usage=replace(usage, cost_usd=spent))
        finally:
            pace.leave()

    async def _taken(self, turns: Sequence[Turn], parameters: dict[str, Json]) -> float:
        most = parameters.get("max_tokens", parameters.get("max_completion_tokens"))
        letters = sum(len(turn.text) for turn in turns)
        output = most if isinstance(most, int) else ASSUMED_OUTPUT
        try:
            return await self._budget.take(self.cost(Tokens(letters // LETTERS_A_TOKEN + 1, output)))
        except AskError as error:
            raise TargetError("budget", str(error)) from error

    def _parameters(self, asking: Asking) -> dict[str, Json]:
        """With a seed of its own for each repeat: the same one would give the same answer."""
        held: dict[str, Json] = dict(self._settings.parameters)
        seed = held.get("seed")
        if isinstance(seed, int):
            held["seed"] = seed + asking.repeat
        return held


async def _entered(pace: Pace, tries: Tries) -> float:
    """Room for one request. Its wait counts for the answer's time from the second try on."""
    try:
        async with asyncio.timeout(tries.left() if tries.begun else None):
            entered = await pace.enter()
    except TimeoutError:
        raise TargetError("rate_limited", "The endpoint's pauses left no time for another try.") from None
    tries.left()
    return entered


class _Prompt:
    """The messages of an item."""

    def __init__(self, settings: ModelSettings) -> None:
        told = settings.messages
        if told is not None:
            held = [(one.role, one.content) for one in told]
            self._turns = [
                (role, Template(text, f"messages.{place}.content")) for place, (role, text) in enumerate(held)
            ]
        else:
            prompt = settings.prompt if isinstance(settings.prompt, str) else "{{ question }}"
            held = [("user", prompt)]
            if settings.system is not None:
                held.insert(0, ("system", settings.system))
            keys = {"user": "prompt", "system": "system"}
            self._turns = [(role, Template(text, keys[role])) for role, text in held]
        self._own_prompt = told is None and settings.prompt is None
        self._own_system = told is None and settings.system is None
        self.identity: Json = [self._own_prompt, self._own_system, [[role, text] for role, text in held]]

    def turns(self, case: Case, asking: Asking) -> list[Turn]:
        """As they are sent. Raises TargetError: the item lacks a field that a template needs."""
        own = [Turn("system", case.system)] if self._own_system and case.system else []
        if self._own_prompt and case.question is None and case.messages:
            said = _conversation(case.messages)
            return said if any(turn.role == "system" for turn in said) else [*own, *said]
        values = values_of(case, asking)
        return [*own, *(Turn(role, template.text(values)) for role, template in self._turns)]


def _conversation(messages: Sequence[Message]) -> list[Turn]:
    """Messages as they are sent. Raises TargetError: one is of a tool, or of a role of somebody's own."""
    said = []
    for place, one in enumerate(messages):
        if one.role not in {"system", "user", "assistant"}:
            raise TargetError("bad_request", f"messages.{place}: one of the role {one.role!r} cannot be sent.")
        said.append(Turn(cast("Any", one.role), one.text))
    return said


class _OpenAI:
    """Any endpoint that speaks OpenAI's protocol."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        key = NO_KEY if settings.key_env is None else secret_of(settings.key_env, "the key of the target's model")
        self._wire = Wire({"authorization": f"Bearer {key}"})
        self._tells_usage: bool | None = None  # whether it knows `stream_options`; null: nobody has asked it yet

    def masked(self, text: str) -> str:
        return self._wire.masked(text) if self._settings.key_env is not None else text

    def clean(self, answer: Answer) -> Answer:
        return self._wire.clean(answer) if self._settings.key_env is not None else answer

    async def ask(self, turns: Sequence[Turn], parameters: dict[str, Json], asking: Asking, tries: Tries) -> Answer:
        """One completion. A server that does not know `stream_options` is asked again without, and from then on."""
        send = partial(self._sent, turns, parameters, asking, tries)
        if not self._settings.stream or self._tells_usage is False:
            return await send(options=False)
        try:
            answer = await send(options=True)
        except StatusError as error:
            if self._tells_usage or error.status not in _UNKNOWN:
                raise
            try:
                answer = await send(options=False)
            except StatusError as other:
                raise (error if other.status in _UNKNOWN else other) from None  # it was not that
            self._tells_usage = False
            return answer
        self._tells_usage = True
        return answer

    async def _sent(
        self,
        turns: Sequence[Turn],
        parameters: dict[str, Json],
        asking: Asking,
        tries: Tries,
        *,
        options: bool,
    ) -> Answer:
        stream: dict[str, Json] = {"stream": True} if self._settings.stream else {}
        if options:
            stream["stream_options"] = {"include_usage": True}
        messages: list[Json] = [{"role": turn.role, "content": turn.text} for turn in turns]
        body = {"model": self._settings.model, "messages": messages, **parameters, **stream}
        headers = {"content-type": "application/json"} | _traced(asking)
        url = f"{self._settings.base_url or _OPENAI}/chat/completions"
        reader = ChatReader(self._hearing(asking))
        tries.calls += 1
        sending = Sending("POST", url, headers, json.dumps(body).encode())
        return reader.end(await self._wire.exchange(sending, reader, tries.left(), self._settings.max_bytes))

    def _hearing(self, asking: Asking) -> Hearing | None:
        secrets = () if self._settings.key_env is None else self._wire.secrets()
        return None if asking.hears is None else Hearing(asking.hears, secrets)

    async def aclose(self) -> None:
        await self._wire.aclose()


class _Provider:
    """A provider that is asked through its own client, as judges ask it: without streaming."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._judge = JudgeSettings(
            name=settings.model, provider=settings.provider, base_url=settings.base_url, model=settings.model,
            key_env=settings.key_env, region=settings.region, call_timeout_s=settings.timeout_s,
            concurrency=settings.concurrency,
        )  # fmt: skip
        sdk_of({"anthropic": "anthropic", "bedrock": "boto3"}[settings.provider], settings.provider)
        self._key = None if settings.key_env is None else secret_of(settings.key_env, "the key of the target's model")
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, ModelClient] = WeakKeyDictionary()

    def masked(self, text: str) -> str:
        """Without the key, also where an error's end cuts it."""
        if not self._key:
            return text
        text = text.replace(self._key, "***")
        cut = next((n for n in range(len(self._key) - 1, 3, -1) if text.endswith(self._key[:n])), 0)
        return f"{text[:-cut]}***" if cut else text

    def clean(self, answer: Answer) -> Answer:
        return replace(answer, text=(answer.text or "").replace(self._key, "***")) if self._key else answer

    async def ask(self, turns: Sequence[Turn], parameters: dict[str, Json], asking: Asking, tries: Tries) -> Answer:
        """One completion."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = client_for(self._judge)
        left = tries.left()
        request = Request(self._settings.model, turns, parameters, timeout_s=left, headers=_traced(asking))
        tries.calls += 1
        sent = time.perf_counter()
        try:
            async with asyncio.timeout(left):
                reply = await self._clients[loop].complete(request)
        except TimeoutError:
            raise TargetError("timeout", f"The model did not answer within {left:.1f} s.", billed=True) from None
        except AskError as error:
            raise _told(error) from error
        return _answer(reply, Timed(sent, time.perf_counter()))

    async def aclose(self) -> None:
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


def _traced(asking: Asking) -> dict[str, str]:
    return {} if asking.traceparent is None else {"traceparent": asking.traceparent}


def _told(error: AskError) -> TargetError:
    """The error of a judge's client as that of a target."""
    if error.status is not None:
        kind = KINDS.get(error.status, "http_status")
        return TargetError(kind, str(error), passes=error.status in PASSING, retry_after_s=error.retry_after_s)
    if error.body is not None:
        return TargetError("too_large" if error.body == "too_large" else "bad_answer", str(error), billed=True)
    kind = "unreachable" if error.kind == "server" else error.kind
    return TargetError(kind, str(error), passes=kind == "unreachable", billed=error.billed)


def _answer(reply: Reply, timed: Timed) -> Answer:
    usage = Usage(timed.latency_ms, None, None, reply.usage.input_tokens, reply.usage.output_tokens)
    said = Answer(
        "ok", whole(reply.text), usage=usage, held_back=reply.finish == "refused", cut=reply.finish == "length"
    )
    return checked(said, "The answer")


def as_target(judge: Judge) -> ModelTarget:
    """The model of a judge as a target: asked as the judge is, with its budget, its cache and its prices."""
    held = judge.settings
    settings = ModelSettings(
        provider=held.provider, base_url=held.base_url, model=held.model, key_env=held.key_env, region=held.region,
        parameters=held.sent, concurrency=held.concurrency, tries=held.tries, backoff_s=held.backoff_s,
        timeout_s=held.timeout_s, price=held.price,
    )  # fmt: skip
    return ModelTarget(settings, price=judge.price, budget=judge.budget, cache=judge.cache)
