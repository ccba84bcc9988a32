"""Evaluators of the user's own: a function in their Python, a command, an HTTP endpoint, or a prompt.

All of them get a row as `rows.py` names it and answer with {value, label, reason, spans, status}. Programs read a
JSON line a row from standard input and write one a verdict to standard output. What they do wrong becomes a row.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from evaluators.case import Case
from evaluators.errors import EvaluatorError
from evaluators.processes import Processes, ProgramError, Running
from evaluators.protocol import Card
from evaluators.rows import case_row
from evaluators.verdict import Highlight, Verdict, failed, not_applicable, verdict


class _AnswerError(Exception):
    """What came is no verdict."""


def read_answer(told: Any) -> Verdict:
    """The verdict of an answer. An answer that is none is an error of the type `bad_answer`."""
    try:
        return _read(told)
    except _AnswerError as error:
        return failed("bad_answer", f"{error} It was: {json.dumps(told, default=str)[:300]}")


def _read(told: Any) -> Verdict:
    if not isinstance(told, dict):
        raise _AnswerError("The answer is no JSON object.")
    status, reason = told.get("status", "ok"), str(told.get("reason") or "The evaluator gave no reason.")
    if status == "not_applicable":
        return not_applicable(reason)
    if status == "error":
        return failed(str(told.get("error_type") or "evaluator"), reason)
    if status != "ok":
        raise _AnswerError(f"The status {status!r} is none of ok, not_applicable, error.")
    value, label = told.get("value"), told.get("label")
    if value is not None and (not isinstance(value, int | float) or not math.isfinite(value)):
        raise _AnswerError("The value is no number.")
    if label is not None and not isinstance(label, str):
        raise _AnswerError("The label is no text.")
    spans = told.get("spans") or []
    if not isinstance(spans, list):
        raise _AnswerError("The spans are no list.")
    details = told.get("details")
    return verdict(
        None if value is None else float(value), reason, label=label, spans=tuple(_span(one) for one in spans),
        details=details if isinstance(details, dict) else None,
    )  # fmt: skip


def _span(told: Any) -> Highlight:
    """[start, end], or {start, end, why, field}."""
    held = dict(zip(("start", "end"), told, strict=False)) if isinstance(told, list) else told
    if not isinstance(held, dict) or not all(type(held.get(end)) is int for end in ("start", "end")):
        raise _AnswerError("A span is [start, end], in characters of the answer.")
    if not 0 <= held["start"] <= held["end"]:
        raise _AnswerError("A span's start lies before its end, and neither before 0.")
    return Highlight(held["start"], held["end"], str(held.get("why") or ""), str(held.get("field") or "answer"))


_MECHANICS = {"ruler": False}  # fields that change no score


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the user's that scores rows: kept running, asked line by line, and started again when it fails."""

    card: Card = field(metadata=_MECHANICS)
    command: tuple[str, ...] = field(metadata=_MECHANICS)  # with paths of this machine
    asked: tuple[str, ...] = ()  # what of it tells one ruler from another
    folder: Path | None = field(default=None, metadata=_MECHANICS)  # that it is started in; null: the current one
    timeout_s: float = field(default=30.0, metadata=_MECHANICS)  # for one row
    start_s: float = field(default=60.0, metadata=_MECHANICS)  # for starting, of one that says when it is ready
    memory_mb: int | None = field(default=None, metadata=_MECHANICS)  # of address space; null: no limit
    processes: int = field(default=1, metadata=_MECHANICS)  # that are asked at once
    says_ready: bool = field(default=False, metadata=_MECHANICS)
    read: Callable[[Any], Verdict] = field(default=read_answer, metadata=_MECHANICS)  # of what it answers
    _held: list[Processes] = field(default_factory=list, init=False, repr=False, compare=False)  # once it is asked

    async def __call__(self, case: Case) -> Verdict:
        """Its answer."""
        try:
            return self.read((await self._processes().ask(case_row(case))).told)
        except ProgramError as error:
            return failed(error.error_type, str(error))

    def _processes(self) -> Processes:
        if not self._held:
            self._held.append(Processes(Running(
                self.command, self.folder, self.timeout_s, self.start_s, self.memory_mb, self.processes, self.says_ready
            )))  # fmt: skip
        return self._held[0]

    async def aclose(self) -> None:
        """End its processes."""
        for one in self._held:
            await one.aclose()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP endpoint of the user's that scores a row: POST of a JSON object, answered with one."""

    card: Card = field(metadata=_MECHANICS)
    url: str
    timeout_s: float = field(default=30.0, metadata=_MECHANICS)
    headers_env: Mapping[str, str] = field(default_factory=dict, metadata=_MECHANICS)  # header -> variable of its value
    _clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    async def __call__(self, case: Case) -> Verdict:
        """Its answer."""
        import httpx  # noqa: PLC0415 - only where an endpoint is asked

        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self._client(httpx).post(self.url, json=case_row(case))
        except (TimeoutError, httpx.TimeoutException):
            return failed("timeout", f"{self.url} did not answer within {self.timeout_s:g} s.")
        except httpx.HTTPError as error:
            return failed("unreachable", f"{self.url} cannot be reached: {error or type(error).__name__}.")
        if response.status_code != httpx.codes.OK:
            return failed("http_status", f"{self.url} answered {response.status_code}: {response.text[:300]}")
        try:
            return read_answer(response.json())
        except ValueError:
            return failed("bad_answer", f"{self.url} answered no JSON: {response.text[:300]}")

    def _client(self, httpx: Any) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            headers = {name: _from_environment(variable) for name, variable in self.headers_env.items()}
            self._clients[loop] = httpx.AsyncClient(headers=headers, timeout=self.timeout_s)
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close its connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise EvaluatorError(f"The environment variable {variable}, which a header is taken from, is not set.")
    return value
