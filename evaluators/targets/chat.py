"""Chat completions of OpenAI's protocol, as one JSON body or as a stream, whichever the server sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.case import Usage
from evaluators.judges.model import Usage as Tokens
from evaluators.targets.answer import Answer, TargetError, whole
from evaluators.targets.hearing import Hearing
from evaluators.targets.pieces import Events
from evaluators.targets.told import as_json, checked, parsed, parts_of, usage_of
from evaluators.targets.wire import Timed


class ChatReader:
    """Reads one answer. A server may send a body though a stream was asked for, under any content type."""

    def __init__(self, hearing: Hearing | None = None) -> None:
        """`hearing` is told the text as it comes; null: nobody is."""
        self._body: list[bytes] = []
        self._events, self._event_count = Events(), 0
        self._is_stream: bool | None = None  # null: nothing has come that tells
        self._hearing, self._said = hearing, _Said(hearing)
        self._ended = False  # the stream said so
        self._first: float | None = None
        self._last = 0.0

    def feed(self, piece: bytes, at: float) -> bool:
        """Take a piece. True: the stream said that it ends."""
        if self._is_stream is None:
            start = piece.lstrip(b"\r\n\t \xef\xbb\xbf")
            if start:
                self._is_stream = not start.startswith((b"{", b"["))  # no field of an event begins like that
        if not self._is_stream or not self._event_count:  # of a stream its start, in case that it is none
            self._body.append(piece)
        if not self._is_stream:
            return False
        self._last = at
        return any(self._take(data, at) for data in self._events.feed(piece))

    def _take(self, data: str, at: float) -> bool:
        self._event_count += 1
        if data.strip() == "[DONE]":
            self._ended = True
            return True
        if self._said.take(parsed(data, "An event of the stream")) and self._first is None:
            self._first = at
        return False

    def end(self, timed: Timed) -> Answer:
        """The answer. Raises TargetError: it is none, or was not told to its end."""
        if self._is_stream:
            for data in self._events.rest():
                self._take(data, self._last)
            if not self._event_count:
                shows = b"".join(self._body).decode("utf-8", "replace")
                told = "What came is neither JSON nor a stream of events:"
                raise TargetError("bad_answer", told, shows=shows, billed=True)
            if not self._ended and self._said.finish is None:
                told = "The stream ended before the answer did: neither a finish_reason nor [DONE] came."
                raise TargetError("unreachable", told, passes=True, billed=True)
        else:
            self._said.take(parsed(b"".join(self._body), "The body"))
        if self._hearing is not None:
            self._hearing.end()
        return self._said.answer(timed, self._first)


class _Said:
    """What a completion, or the chunks of one, say together."""

    def __init__(self, hearing: Hearing | None) -> None:
        self._hearing = hearing
        self.finish: str | None = None
        self._tokens = Tokens()
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._choices = 0
        self._other: Any = None

    def take(self, data: Any) -> bool:
        """Take a completion or a chunk of one. Returns whether it says something of the answer."""
        if not isinstance(data, dict):
            raise TargetError("bad_answer", "What came is no JSON object but:", shows=as_json(data), billed=True)
        if data.get("error"):
            raise TargetError("target", "The endpoint told an error:", shows=_error(data["error"]), billed=True)
        usage = data.get("usage")
        if isinstance(usage, dict):
            found = usage_of(usage)
            self._tokens = Tokens(found.input_tokens, found.output_tokens)
        choices = data.get("choices")
        if not isinstance(choices, list):
            self._other = data if self._other is None else self._other  # of a stream: a sign of life, or usage alone
            return False
        told = [self._choice(one) for one in choices if isinstance(one, dict) and one.get("index", 0) == 0]
        return any(told)

    def _choice(self, choice: Mapping[str, Any]) -> bool:
        self._choices += 1
        finish = choice.get("finish_reason")
        if isinstance(finish, str):
            self.finish = finish
        held = choice.get("delta", choice.get("message"))
        if not isinstance(held, dict):
            return False
        text, refusal = _text(held.get("content")), held.get("refusal")
        self._texts.append(text)
        if text and self._hearing is not None:
            self._hearing.feed(text)
        if isinstance(refusal, str):
            self._refusals.append(refusal)
        calls = held.get("tool_calls")
        listed = [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []
        for place, call in enumerate(listed):
            self._call(call, place)
        return bool(text or refusal or listed)

    def _call(self, call: Mapping[str, Any], place: int) -> None:
        """Part of a tool call: its arguments come in pieces."""
        index, function = call.get("index"), call.get("function")
        held = self._calls.setdefault(index if isinstance(index, int) else place, {"name": "", "arguments": ""})
        if isinstance(call.get("id"), str):
            held["id"] = call["id"]
        for name in ("name", "arguments"):
            told = function.get(name) if isinstance(function, dict) else None
            if told is not None:
                held[name] += told if isinstance(told, str) else as_json(told)

    def answer(self, timed: Timed, first: float | None) -> Answer:
        """The whole answer, without its cost. Raises TargetError: it says nothing."""
        if not self._choices:
            raise TargetError("bad_answer", "What came has no choices:", shows=as_json(self._other), billed=True)
        calls = [call for _, call in sorted(self._calls.items()) if call["name"]]
        usage = Usage(
            timed.latency_ms, timed.ttft_ms(first), None, self._tokens.input_tokens, self._tokens.output_tokens
        )
        said = Answer(
            "ok", whole("".join(self._texts) or "".join(self._refusals)), usage=usage,
            tool_calls=parts_of({"tool_calls": calls or None}).tool_calls,
            held_back=bool(self._refusals) or self.finish == "content_filter", cut=self.finish == "length",
        )  # fmt: skip
        return checked(said, "The answer")


def _error(told: Any) -> str:
    message = told.get("message") if isinstance(told, dict) else told
    return message if isinstance(message, str) else as_json(told)


def _text(content: Any) -> str:
    """Text, or the text parts of a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
