"""Models asked side by side with one prompt, their answers told on as they stream. Nothing is stored."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evaluators.case import Case, Message
from evaluators.errors import EvaluatorError
from server import prompts
from server.judging import list_price, listed
from server.settings import Settings
from server.suites import may_ask_bedrock

if TYPE_CHECKING:
    from evaluators.targets.answer import Answer, Target
    from evaluators.targets.config import ModelSettings

Json = dict[str, Any]

MOST_COLUMNS = 4
MOST_AT_ONCE = 8  # requests of all users; each column has a thread
MOST_SENT = 1_000_000  # letters of a prompt that is filled in, and of the values that fill it
MOST_BYTES = 2 << 20  # of one answer, as it comes
MOST_NAMES = 1_000  # that are filled in while others wait: 0.3 s of Python
FILL_S = 20.0
ALIVE_S = 1.0  # between two signs of life, by which whoever waits notices that the other is gone
USUAL_S, LONGEST_S = 120.0, 600.0
USUAL_KEYS: Mapping[str, str] = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


class PlaygroundError(EvaluatorError):
    """What was asked cannot be sent; says what, and what to do."""


# What is sent.


def filled(content: Json, values: Json) -> Json:
    """The messages of a prompt, filled in: `messages`; else `problem`, and its `kind`. Plain, for another process."""
    found = prompts.problems(content)
    if found:
        return {"kind": "bad_prompt", "problem": "\n".join(one.sentence for one in found)}
    told = prompts.rendered(content, values)
    if "problem" in told:
        return {"kind": "bad_values", **told}
    messages = told.get("messages") or [{"role": "user", "content": told.get("text")}]
    letters = sum(len(one["content"]) for one in messages)
    if letters > MOST_SENT:
        said = f"The prompt has {letters:,} letters once it is filled in; {MOST_SENT:,} are the most. Let it say less."
        return {"kind": "bad_values", "problem": said}
    return {"messages": messages}


def is_work(content: Mapping[str, Any]) -> bool:
    """Whether filling it in may take long: a text has more than names, such as a loop or a filter, or so many names."""
    told = [content.get("text"), *(one.get("content") for one in content.get("messages") or ())]
    cut = [_NAMED.subn("", text) for text in told if isinstance(text, str)]
    return sum(names for _, names in cut) > MOST_NAMES or any(_MARKS.search(left) for left, _ in cut)


_NAMED = re.compile(r"\{\{\s*[A-Za-z_]\w*\s*\}\}|\{% raw %\}.*?\{% endraw %\}", re.DOTALL)
_MARKS = re.compile(r"\{[{%#]")


# Whom is asked.


def refusal(model: ModelSettings, settings: Settings) -> str | None:
    """Why a model that somebody typed must not be asked, or cannot be; null: nothing is against it."""
    if model.provider == "bedrock" and not may_ask_bedrock(settings):
        return (
            "A bedrock model is asked with the AWS credentials of this machine. Name the AWS_... variables that the "
            "playground may use in ASSAY_SUITES_ENV, and start the server anew."
        )
    if model.key_env is None:
        return _keyless(model)
    if model.key_env not in settings.suites_env:
        return (
            f"The environment variable {model.key_env} may not be used here: whoever types a model could send it "
            f"anywhere. Add it to ASSAY_SUITES_ENV, and start the server anew."
        )
    if not os.environ.get(model.key_env, "").strip():
        return f"The environment variable {model.key_env}, for the key, is not set. Set it where the server is started."
    return None


def _keyless(model: ModelSettings) -> str | None:
    usual = USUAL_KEYS.get(model.provider)
    if usual is None or model.base_url is not None:
        return None
    return (
        f"{model.provider} wants a key: choose its environment variable, such as {usual}. A server of your own, such "
        "as Ollama, wants none: type its base_url, such as http://127.0.0.1:11434/v1."
    )


def target_of(model: ModelSettings, settings: Settings) -> Target:
    """What asks the model. Raises PlaygroundError: it must not, or cannot."""
    from evaluators.targets.config import TargetSettings  # noqa: PLC0415 - only where somebody is asked

    problem = refusal(model, settings)
    if problem is not None:
        raise PlaygroundError(problem)
    return TargetSettings(model=model).make(Path(), list_price)


# What comes back.


@dataclass(slots=True)
class Playground:
    """The requests that are being answered."""

    playing: set[Playing] = field(default_factory=set)
    closing: set[asyncio.Task[None]] = field(default_factory=set)  # connections to models; held, or they are lost

    def begin(
        self, models: Sequence[ModelSettings], messages: Sequence[Mapping[str, str]], settings: Settings
    ) -> Playing:
        """One more. Raises PlaygroundError: there are too many."""
        if len(self.playing) >= MOST_AT_ONCE:
            raise PlaygroundError(
                f"{MOST_AT_ONCE} requests of the playground are being answered. Ask again when one has come to its end."
            )
        case = Case(messages=tuple(Message(one["role"], one["content"]) for one in messages))
        made = Playing(tuple(models), case, settings, self)
        self.playing.add(made)
        return made


@dataclass(eq=False, slots=True)
class Playing:
    """One request: its columns are asked at the same time, and each fails by itself."""

    models: Sequence[ModelSettings]
    case: Case
    settings: Settings
    of: Playground
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def events(self) -> AsyncIterator[list[Json]]:
        """What has come since the last look, in order; nothing: a sign of life. Ends when all columns have."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._tasks = [
            asyncio.create_task(self._column(place, model, queue)) for place, model in enumerate(self.models)
        ]
        left = len(self._tasks)
        while left:
            came = await _came(queue)
            left -= sum(one["kind"] in {"done", "error"} for one in came)
            yield came

    def end(self) -> None:
        """Give up what is not answered: the connections to the models are closed."""
        for task in self._tasks:
            task.cancel()
        self.of.playing.discard(self)

    async def _column(self, place: int, model: ModelSettings, queue: asyncio.Queue[Json]) -> None:
        """Ask one model, and put what becomes of it into the queue: the last is `done` or `error`."""

        def put(kind: str, **more: Any) -> None:
            queue.put_nowait({"column": place, "kind": kind, **more})

        try:
            target = await asyncio.to_thread(target_of, model, self.settings)  # it may import a provider's package
        except EvaluatorError as error:
            put("error", error_type="refused", reason=str(error))
            return
        try:
            await _asked(target, model, self.case, put)
        finally:
            # The request ends with its last event, often before this does: what is cut off here stays open.
            closing = asyncio.create_task(target.aclose())
            self.of.closing.add(closing)
            closing.add_done_callback(self.of.closing.discard)
            await asyncio.shield(closing)


async def _came(queue: asyncio.Queue[Json]) -> list[Json]:
    """All that waits in the queue, once there is something or `ALIVE_S` have passed; texts of a column are joined."""
    try:
        async with asyncio.timeout(ALIVE_S):
            came = [await queue.get()]
    except TimeoutError:
        return []
    while not queue.empty():
        one, last = queue.get_nowait(), came[-1]
        if one["kind"] == last["kind"] == "text" and one["column"] == last["column"]:
            last["text"] += one["text"]
        else:
            came.append(one)
    return came


async def _asked(target: Target, model: ModelSettings, case: Case, put: Callable[..., None]) -> None:
    """Tell what the model says as it comes, at last all of it, or why there is nothing."""
    from evaluators.targets.answer import Asking  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    try:
        put("start", model=model.model)
        answer = await target(case, Asking(hears=lambda text: _later(loop, put, text)))
        for event in _told(model, answer):
            put(**event)
    except Exception as error:  # noqa: BLE001 - the other columns go on, and this one must end
        put("error", error_type="bug", reason=f"The server failed on this model: {type(error).__name__}: {error}")


def _later(loop: asyncio.AbstractEventLoop, put: Any, text: str) -> None:
    """From the target's thread."""
    loop.call_soon_threadsafe(lambda: put("text", text=text))


def _told(model: ModelSettings, answer: Answer) -> list[Json]:
    if answer.status == "error":
        return [{"kind": "error", "error_type": answer.error_type, "reason": answer.reason}]
    calls = [
        {"kind": "tool_call", "name": one.name, "arguments": one.arguments, "id": one.id}
        for one in answer.tool_calls or ()
    ]
    return [
        *calls,
        {"kind": "done", "text": answer.text or "", "finish_reason": _finish(answer), **_spent(model, answer)},
    ]


Finish = Literal["stop", "length", "content_filter", "tool_calls"]


def _finish(answer: Answer) -> Finish:
    if answer.held_back:
        return "content_filter"
    if answer.cut:
        return "length"
    return "tool_calls" if answer.tool_calls else "stop"


def _spent(model: ModelSettings, answer: Answer) -> Json:
    """Times, tokens and cost; null: unknown. A cost has its price's source, or else a note why there is none."""
    from evaluators.judges.model import Usage as Tokens  # noqa: PLC0415 - as above
    from evaluators.judges.tracing import PROVIDERS  # noqa: PLC0415

    usage = answer.usage
    tokens = Tokens() if usage is None else Tokens(usage.input_tokens, usage.output_tokens)
    cost = listed(PROVIDERS[model.provider], model.model, tokens)
    return {
        "latency_ms": usage and usage.latency_ms, "ttft_ms": usage and usage.ttft_ms,
        "input_tokens": tokens.input_tokens, "output_tokens": tokens.output_tokens,
        "cost_usd": None if cost.usd is None else float(cost.usd), "price_source": cost.source,
        "price_version": cost.version, "price_note": cost.note,
    }  # fmt: skip
