"""An endpoint that is asked over HTTP: a request filled from the item, an answer found in what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from evaluators.case import Case
from evaluators.judges.budget import Budget
from evaluators.kept import key_of
from evaluators.targets.answer import Answer, Asking, TargetError, whole
from evaluators.targets.config import HttpSettings
from evaluators.targets.paths import JsonPath
from evaluators.targets.pieces import Events, TextLines
from evaluators.targets.spending import Spending
from evaluators.targets.templates import Template, Templates, values_of
from evaluators.targets.told import checked, parsed, parts_of, text_of, usage_of
from evaluators.targets.wire import Sending, Timed, Tries, Wire, secret_of

_FOUND = ("contexts", "tool_calls", "input_tokens", "output_tokens", "cost_usd", "session")


class HttpTarget:
    """As `HttpSettings` say. Many answers at once may share it, in several event loops."""

    def __init__(self, settings: HttpSettings, budget: Budget | None = None) -> None:
        """Raises EvaluatorError: a variable of `headers_env` is not set, or holds what no header can."""
        self._settings, self._spending = settings, Spending(budget)
        self._url = Template(settings.url, "url")
        self._headers = {name: Template(text, f"headers.{name}") for name, text in settings.headers.items()}
        self._body = None if settings.body is None else Templates(settings.body)
        self._paths = {name: JsonPath(path) for name in _FOUND if (path := getattr(settings, name)) is not None}
        self._answer = None if settings.answer is None else JsonPath(settings.answer)
        self._wire = Wire(
            {name: secret_of(variable, f"the header {name!r}") for name, variable in settings.headers_env.items()}
        )

    @property
    def ruler(self) -> str:
        """Without limits, and without the variables of the headers and their values."""
        held = self._settings
        return key_of(
            "http", held.method, held.url, dict(held.headers), sorted(held.headers_env), held.body, held.answer,
            held.contexts, held.tool_calls, held.stream, held.version,
        )  # fmt: skip

    @property
    def pinned(self) -> bool:
        """Whether a version is declared."""
        return self._settings.version is not None

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """What the endpoint answers."""
        tries = Tries(self._settings, asking)
        try:
            sending = self._sending(case, asking)
            answer = await self._spending.on(lambda: tries.run(lambda: self._once(sending, tries)))
        except TargetError as error:
            return tries.failed(error, self._wire.masked)
        return self._wire.clean(replace(answer, calls=tries.calls))

    async def aclose(self) -> None:
        """Close its connections."""
        await self._wire.aclose()

    def _sending(self, case: Case, asking: Asking) -> Sending:
        values = values_of(case, asking)
        url = self._url.text(values)
        if not url.isprintable() or " " in url:
            raise TargetError("bad_request", "url: the item puts in what no address has: fill it in by `| urlencode`.")
        headers = {name.lower(): _header(name, template.text(values)) for name, template in self._headers.items()}
        if asking.traceparent is not None:
            headers.setdefault("traceparent", asking.traceparent)
        if self._body is None:
            return Sending(self._settings.method, url, headers)
        headers.setdefault("content-type", "application/json")
        return Sending(self._settings.method, url, headers, json.dumps(self._body.value(values)).encode())

    async def _once(self, sending: Sending, tries: Tries) -> Answer:
        reader = _reader(self._settings.stream, self._answer, self._paths)
        tries.calls += 1
        return reader.end(await self._wire.exchange(sending, reader, tries.left(), self._settings.max_bytes))


def _header(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    raise TargetError("bad_request", f"headers.{name}: the item puts in letters that no header can hold.")


class _Found:
    """What the paths find in one JSON value after another; of all but the answer the last counts."""

    def __init__(self, answer: JsonPath | None, paths: Mapping[str, JsonPath]) -> None:
        self._answer, self._paths = answer, paths
        self._held: dict[str, list[Any]] = {}

    def texts(self, data: Any) -> list[Any]:
        """What the answer's path finds; what the others find is kept."""
        for name, path in self._paths.items():
            if found := path.found(data):
                self._held[name] = found
        return [] if self._answer is None else self._answer.found(data)

    def answer(self, text: str, timed: Timed, first: float | None) -> Answer:
        """The whole answer. Raises TargetError: something found has another shape than it must have."""
        told = {name: _listed(self._held.get(name)) for name in ("contexts", "tool_calls")}
        held, one = parts_of(told), {name: found[0] for name, found in self._held.items()}
        usage, session = usage_of(one), one.get("session")
        said = Answer(
            "ok", whole(text), contexts=held.contexts, tool_calls=held.tool_calls,
            usage=replace(usage, latency_ms=timed.latency_ms, ttft_ms=timed.ttft_ms(first)),
            session=None if session is None else text_of(session, "Its `session`"),
        )  # fmt: skip
        return checked(said, "Its answer")


def _listed(found: list[Any] | None) -> Any:
    """A list that was found, or the list of all that was."""
    return found[0] if found and len(found) == 1 and isinstance(found[0], list | str) else found


class _Body:
    """Reads one body."""

    def __init__(self, answer: JsonPath | None, paths: Mapping[str, JsonPath]) -> None:
        self._path, self._found = answer, _Found(answer, paths)
        self._is_json = answer is not None or bool(paths)
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes, at: float) -> bool:
        """Keep it."""
        del at
        self._pieces.append(piece)
        return False

    def end(self, timed: Timed) -> Answer:
        """The answer. Raises TargetError: there is none, or several."""
        body = b"".join(self._pieces)
        found = self._found.texts(parsed(body, "The body")) if self._is_json else []
        whole_body = body.decode("utf-8", "replace")
        if self._path is None:
            text = whole_body
        elif len(found) == 1:
            text = text_of(found[0], f"What {self._path.text} finds")
        else:
            what = f"{len(found)} values where one is the answer" if found else "nothing"
            raise TargetError("bad_answer", f"{self._path.text} finds {what} in:", shows=whole_body, billed=True)
        return self._found.answer(text, timed, None)


class _Splits(Protocol):
    def feed(self, piece: bytes) -> list[str]: ...
    def rest(self) -> list[str]: ...


class _Stream:
    """Reads a stream: each part is JSON, and what the path finds in all of them is the answer."""

    def __init__(self, answer: JsonPath | None, paths: Mapping[str, JsonPath], splits: _Splits, joint: str) -> None:
        self._path, self._found = answer, _Found(answer, paths)
        self._is_json = answer is not None or bool(paths)
        self._splits, self._joint = splits, "" if answer is not None else joint
        self._texts: list[str] = []
        self._parts = 0
        self._first: float | None = None
        self._last = 0.0

    def feed(self, piece: bytes, at: float) -> bool:
        """Take the parts that the piece ends. True: the last one is there."""
        self._last = at
        return any(self._take(part, at) for part in self._splits.feed(piece))

    def end(self, timed: Timed) -> Answer:
        """The answer. Raises TargetError: no part has any of it."""
        for part in self._splits.rest():
            self._take(part, self._last)
        if not self._texts:
            finds = "" if self._path is None else f"{self._path.text} finds nothing: "
            raise TargetError("bad_answer", f"{finds}the stream has {self._parts} parts, and no text.", billed=True)
        return self._found.answer(self._joint.join(self._texts), timed, self._first)

    def _take(self, part: str, at: float) -> bool:
        if part.strip() == "[DONE]":
            return True
        if not part.strip() and self._is_json:
            return False
        self._parts += 1
        for text in self._said(part):
            if text and self._first is None:
                self._first = at
            self._texts.append(text)
        return False

    def _said(self, part: str) -> list[str]:
        whose = f"Part {self._parts} of the stream"
        found = self._found.texts(parsed(part, whose)) if self._is_json else []
        if self._path is None:
            return [part]
        if len(found) > 1:
            told = f"{self._path.text} finds {len(found)} values where one is the answer, in part {self._parts}:"
            raise TargetError("bad_answer", told, shows=part, billed=True)
        return [_piece(value, f"What {self._path.text} finds") for value in found if value is not None]


def _piece(value: Any, whose: str) -> str:
    """One piece of a text: halves of letters stay as they came, since the other half may be in the next."""
    return value if isinstance(value, str) else text_of(value, whose)


def _reader(stream: str, answer: JsonPath | None, paths: Mapping[str, JsonPath]) -> _Body | _Stream:
    if stream == "none":
        return _Body(answer, paths)
    if stream == "sse":
        return _Stream(answer, paths, Events(), "")
    return _Stream(answer, paths, TextLines(), "\n")
