"""A server of OpenAI's protocol on a free port that answers as its script says: well, badly, late or not at all."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from threads import in_a_thread

Script = Callable[[dict[str, Any]], "Act"]


@dataclass(frozen=True)
class Act:
    """What one request gets."""

    text: str | None = None  # of the message
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # in place of a completion
    wait_s: float = 0.0
    finish: str = "stop"
    drop: bool = False  # the connection, in place of an answer
    stall: bool = False  # half way through the answer
    usage: tuple[int, int] | None = (100, 20)


def good(**answer: Any) -> Act:
    """A message that holds the JSON."""
    return Act(json.dumps(answer))


class FakeOpenAI:
    """Plays acts in order, the last one for ever; or asks a function for each."""

    def __init__(self, script: Sequence[Act] | Script, vector: Callable[[str], list[float]] | None = None) -> None:
        self._script, self._vector = script, vector
        self.requests: list[dict[str, Any]] = []  # their bodies
        self.headers: list[dict[str, str]] = []
        self.busy = self.most_busy = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def calls(self) -> int:
        return len(self.requests)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is gone
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        self.requests.append(body)
        self.headers.append(headers)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            act = self._act(body, head[0])
            await asyncio.sleep(act.wait_s)
        finally:
            self.busy -= 1
        if act.drop:
            writer.transport.abort()
            return False
        answer = self._answer(act, body)
        writer.write(answer[: -len(answer) // 4] if act.stall else answer)
        await writer.drain()
        return True

    def _act(self, body: dict[str, Any], request_line: str) -> Act:
        if "/embeddings" in request_line:
            return Act(body=json.dumps(self._embedded(body)))
        if callable(self._script):
            return self._script(body)
        return self._script[min(self.calls, len(self._script)) - 1]

    def _embedded(self, body: dict[str, Any]) -> dict[str, Any]:
        assert self._vector is not None
        data = [{"index": place, "embedding": self._vector(text)} for place, text in enumerate(body["input"])]
        return {"data": data, "model": body["model"], "usage": {"prompt_tokens": 7, "total_tokens": 7}}

    def _answer(self, act: Act, body: dict[str, Any]) -> bytes:
        if act.body is not None:
            text = act.body
        elif act.status != 200:
            text = json.dumps({"error": {"message": f"fake {act.status}"}})
        else:
            text = json.dumps(self._completion(act, body))
        told = {"content-type": "application/json", "content-length": str(len(text.encode())), **act.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {act.status} Fake\r\n{head}\r\n{text}".encode()

    def _completion(self, act: Act, body: dict[str, Any]) -> dict[str, Any]:
        usage = None
        if act.usage is not None:
            usage = dict(zip(("prompt_tokens", "completion_tokens"), act.usage, strict=True))
        message = {"role": "assistant", "content": act.text}
        return {
            "id": f"chatcmpl-{self.calls}", "object": "chat.completion", "created": 1, "model": f"{body['model']}-0613",
            "choices": [{"index": 0, "message": message, "finish_reason": act.finish}], "usage": usage,
        }  # fmt: skip


def beside(
    script: Sequence[Act] | Script, vector: Callable[[str], list[float]] | None = None
) -> AbstractContextManager[FakeOpenAI]:
    """One in a thread of its own, for tests that are no coroutines."""
    return in_a_thread(FakeOpenAI(script, vector))
