"""Requests over HTTP: sent and read within limits, timed as pieces come, tried again where the fault passes."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from weakref import WeakKeyDictionary

from evaluators.errors import EvaluatorError
from evaluators.judges.client import retry_after
from evaluators.targets.answer import Answer, Asking, TargetError, each_text, no_answer
from evaluators.targets.pieces import Inflating

KINDS = {401: "auth", 403: "auth", 429: "rate_limited"}  # of statuses; all others are http_status
PASSING = frozenset({408, 429, 502, 503, 504})  # statuses that another try may not get
_REFUSAL = 1 << 14  # bytes of a refusal that are read
_DRAIN_S, _DRAIN = 0.1, 1 << 16  # seconds and bytes in which a stream has to end after its last part
# Letters from which on a value of a header is masked: in errors, and in answers, where a short one may be any word.
_MASK_ERROR, _MASK_ANSWER = 4, 12

Told = TypeVar("Told")


class Limits(Protocol):
    """What settings of targets that are asked over a network have in common."""

    @property
    def timeout_s(self) -> float: ...
    @property
    def tries(self) -> int: ...
    @property
    def backoff_s(self) -> float: ...
    @property
    def max_bytes(self) -> int: ...


class Tries:
    """The tries of one answer, with the time that they have together."""

    def __init__(self, limits: Limits, asking: Asking) -> None:
        self._limits = limits
        # No secret: the same asking pauses alike each time.
        self._drawn = random.Random(f"{asking.seed}/{asking.repeat}")  # noqa: S311
        self._ends: float | None = None
        self.calls = 0  # that were sent
        self.billed = False  # a try failed that the other side may bill, and nobody knows how much

    def left(self) -> float:
        """Seconds. They run from the first look on."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self._limits.timeout_s
        return max(0.001, self._ends - now)

    @property
    def begun(self) -> bool:
        """Whether the time runs."""
        return self._ends is not None

    async def run(self, once: Callable[[], Awaitable[Told]]) -> Told:
        """What one of the tries gives. Raises TargetError: that of the last."""
        for attempt in range(self._limits.tries):
            try:
                return await once()
            except TargetError as error:
                self.billed |= error.billed
                if not error.passes or attempt == self._limits.tries - 1:
                    raise
                pause = self._pause(error, attempt)
                if pause >= self.left():
                    told = f"{error.reason} (another try is {pause:.3g} s off, and {self.left():.3g} s are left)"
                    raise TargetError(error.error_type, told, shows=error.shows) from error
                await asyncio.sleep(pause)
        raise AssertionError("the last try is returned or raised")

    def failed(self, error: TargetError, masked: Callable[[str], str]) -> Answer:
        """The answer that is none."""
        return no_answer(error.error_type, error.told(masked), calls=self.calls, cost_usd=None if self.billed else 0.0)

    def _pause(self, error: TargetError, attempt: int) -> float:
        """Seconds before the next try: what the other side asks, else a drawn share of what doubles each time."""
        if error.retry_after_s is not None:
            return error.retry_after_s
        return float(self._limits.backoff_s * 2**attempt * self._drawn.uniform(0.5, 1))


def secret_of(variable: str, what: str) -> str:
    """A variable's value, for a header. Raises EvaluatorError: it is not set, or holds what no header can."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise EvaluatorError(f"The environment variable {variable}, for {what}, is not set.")
    if not (value.isascii() and value.isprintable()):
        raise EvaluatorError(f"The environment variable {variable}, for {what}, holds letters that no header can.")
    return value


@dataclass(frozen=True, slots=True)
class Sending:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = None

    @property
    def where(self) -> str:
        """Its address for errors, without what stands behind the path."""
        return self.url.partition("?")[0].partition("#")[0][:200]


class Reader(Protocol):
    """Takes what comes."""

    def feed(self, piece: bytes, at: float) -> bool:
        """Take a piece that came at that time (`time.perf_counter`). True: what follows is of no more use.

        Raises:
            TargetError: it is not of the shape that was agreed.
        """


@dataclass(frozen=True, slots=True)
class Timed:
    """When something was sent and when its last byte came, in seconds of `time.perf_counter`."""

    sent: float
    ended: float

    @property
    def latency_ms(self) -> float:
        """From the sending to the end."""
        return (self.ended - self.sent) * 1000

    def ttft_ms(self, first: float | None) -> float | None:
        """From the sending to the first piece with content; null: there was none, or nobody streamed."""
        return None if first is None else (first - self.sent) * 1000


class Wire:
    """The connections of a target, for each event loop its own."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """`secrets` are headers of every request whose values must not be told."""
        self._secrets = {name.lower(): value for name, value in secrets.items()}
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def masked(self, text: str, least: int = _MASK_ERROR) -> str:
        """The text without the secrets: an endpoint may tell what it was sent."""
        for secret in self.secrets(least):
            text = text.replace(secret, "***")
        return text

    def secrets(self, least: int = _MASK_ANSWER) -> list[str]:
        """What must not be told and has so many letters; also without the word before it, such as Bearer."""
        every = (told for value in self._secrets.values() for told in (value, value.rpartition(" ")[2]))
        return [told for told in every if len(told) >= least]

    def clean(self, answer: Answer) -> Answer:
        """The answer without the secrets."""
        return each_text(answer, lambda text: self.masked(text, _MASK_ANSWER)) if self._secrets else answer

    async def exchange(self, sending: Sending, reader: Reader, timeout_s: float, max_bytes: int) -> Timed:
        """Send it, and have the reader take what comes.

        Raises:
            TargetError: nothing came, not in time, too much, or with a status that is none of success.
        """
        import aiohttp  # noqa: PLC0415 - only where something is sent

        session = self._session(aiohttp)
        reading = _Reading(sending.where, reader, max_bytes)
        try:
            async with asyncio.timeout(timeout_s):
                sent = time.perf_counter()
                address, headers = _address(sending.url), {**sending.headers, **self._secrets}
                async with session.request(
                    sending.method, address, headers=headers, data=sending.content, allow_redirects=False
                ) as response:  # fmt: skip
                    return Timed(sent, await reading.read(response))
        except TimeoutError:
            told = f"{sending.where} did not answer within {timeout_s:.1f} s{reading.came()}."
            raise TargetError("timeout", told, billed=True) from None
        except ValueError as error:  # of addresses and headers
            told = f"The request cannot be sent: {self.masked(str(error)) or type(error).__name__}."
            raise TargetError("bad_request", told) from None  # its cause may hold a secret
        except aiohttp.ClientConnectorError as error:
            told = f"{sending.where} cannot be reached: {error or type(error).__name__}."
            raise TargetError("unreachable", told, passes=True) from error
        except (aiohttp.ClientError, OSError) as error:
            told = f"{sending.where} broke the connection off{reading.came()}: {error or type(error).__name__}."
            raise TargetError("unreachable", told, passes=True, billed=True) from error

    def _session(self, aiohttp: Any) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:
            self._sessions[loop] = aiohttp.ClientSession(
                # Not compressed: pieces then come when they are written, and a limit of bytes is one of the answer.
                headers={"accept-encoding": "identity", "user-agent": "assayline"},
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),  # one item must not be known by what another was told
                auto_decompress=False,
            )
        return self._sessions[loop]

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()


_KEPT = "%/:?#[]@!$&'()*+,;=~"  # what an address may hold as it is (RFC 3986), beside letters, digits and -._


def _address(text: str) -> Any:
    """The address as it stands, with what no address may hold encoded. The library by itself takes `%3F` for `?`.

    Raises:
        ValueError: it is none.
    """
    import yarl  # noqa: PLC0415 - with aiohttp, which the caller has loaded

    scheme, slashes, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return yarl.URL(f"{scheme}{slashes}{host}{slash}{quote(path, _KEPT)}", encoded=host.isascii())


class _Reading:
    """One response, read within its limit."""

    def __init__(self, where: str, reader: Reader, max_bytes: int) -> None:
        self._where, self._reader, self._most = where, reader, max_bytes
        self._bytes = 0

    def came(self) -> str:
        """How much had come, for an error."""
        return f", after {self._bytes:,} bytes of an answer" if self._bytes else ""

    async def read(self, response: Any) -> float:
        """Have the reader take it. Returns when its last byte came."""
        if not 200 <= response.status < 300:
            raise await self._refusal(response)
        inflating = Inflating(response.headers.get("content-encoding", "").strip().lower())
        pieces = response.content.iter_any()
        async for piece in pieces:
            at = time.perf_counter()  # before anything is done with it
            for step in inflating.steps(piece):
                if self._take(step, at):
                    await _drained(pieces)
                    return at
        ended = time.perf_counter()
        if not inflating.whole:
            raise TargetError(
                "unreachable", f"{self._where} broke its answer off{self.came()}.", passes=True, billed=True
            )
        return ended

    def _take(self, piece: bytes, at: float) -> bool:
        self._bytes += len(piece)
        if self._bytes > self._most:
            told = f"{self._where} sent more than {self._most:,} bytes, the limit of max_bytes; the rest was not read."
            raise TargetError("too_large", told, billed=True)
        return self._reader.feed(piece, at)

    async def _refusal(self, response: Any) -> TargetError:
        start = b""
        async for piece in response.content.iter_any():
            start += piece
            if len(start) >= _REFUSAL:
                break
        said = start[:_REFUSAL].decode("utf-8", "replace").strip()
        return refused(self._where, response.status, response.headers, said)


async def _drained(pieces: AsyncIterator[bytes]) -> None:
    """Let the body end, so that its connection can be used again; one that does not is given up."""
    import aiohttp  # noqa: PLC0415 - loaded already

    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(_DRAIN_S):
            count = 0
            async for piece in pieces:
                count += len(piece)
                if count > _DRAIN:
                    return


def refused(where: str, status: int, headers: Mapping[str, str], said: str) -> StatusError:
    """The error of a status that is none of success."""
    return StatusError(
        KINDS.get(status, "http_status"),
        f"{where} answered {status}:",
        status,
        said or "nothing more",
        retry_after(headers),
    )


class StatusError(TargetError):
    """A status that is none of success."""

    def __init__(self, error_type: str, reason: str, status: int, said: str, retry_after_s: float | None) -> None:
        self.status = status
        super().__init__(error_type, reason, passes=status in PASSING, retry_after_s=retry_after_s, shows=said)
