"""What the client asks of suites and runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx

ROWS, BYTES = 1_000, 4 * 1024 * 1024  # that one request tells at most
LONG_S = 600.0

Json = dict[str, Any]


class RunsClient:
    """Suites and runs, as a part of `server.client.Client`."""

    if TYPE_CHECKING:  # of the client

        def _json(self, path: str, params: Mapping[str, Any] | None = None) -> Any: ...

        def _send(
            self, method: str, path: str, params: Mapping[str, Any] | None = None, *, body: object = None,
            content: bytes | Iterable[bytes] | None = None, accept: str = "application/json",
            timeout_s: float | None = None, accept_status: tuple[int, ...] = (200, 201),
        ) -> httpx.Response: ...  # fmt: skip

        def _stream(self, path: str, params: Mapping[str, Any]) -> AbstractContextManager[httpx.Response]: ...

    def suites(self) -> Json:
        """`folder` and `suites`, each with its newest run; see `GET /api/suites`."""
        found: Json = self._json("/api/suites")
        return found

    def suite_templates(self) -> list[Json]:
        """Suites to begin with: `name`, `document`."""
        found: list[Json] = self._json("/api/suite-templates")
        return found

    def suite(self, name: str, version: int | None = None) -> Json:
        """One suite with `document` and `versions`. Raises ApiError, `refused`, when there is none of this name."""
        found: Json = self._json(_suite(name), {"version": version})
        return found

    def set_suite(self, name: str, document: str, author: str | None = None) -> Json:
        """Set a suite: a new version. Raises ApiError, `refused`, naming line, key and value of what cannot be."""
        body = {"document": document, "author": author}
        found: Json = self._send("PUT", _suite(name), {}, body=body, timeout_s=LONG_S).json()
        return found

    def forget_suite(self, name: str) -> None:
        """Take a stored suite away; its versions and runs stay."""
        self._send("DELETE", _suite(name), {})

    def check_suite(self, document: str, name: str | None = None) -> Json:
        """What `assay eval check` says of a text; see `POST /api/suites/check`. `name`: whose place it would take."""
        body = {"document": document, "name": name}
        found: Json = self._send("POST", "/api/suites/check", {}, body=body, timeout_s=LONG_S).json()
        return found

    def run_suite(self, name: str, wish: Mapping[str, Any]) -> Json:
        """Have a suite run by a worker; see `POST /api/suites/{name}/run` for the wish and the answer."""
        found: Json = self._send("POST", f"{_suite(name)}/run", {}, body=dict(wish), timeout_s=LONG_S).json()
        return found

    def runs(self, **params: Any) -> list[Json]:
        """Runs, the newest first; see `GET /api/runs` for parameters and fields."""
        found: list[Json] = self._json("/api/runs", params)
        return found

    def run(self, run_id: str) -> Json:
        """One run whole. Raises ApiError, `refused`, when there is none of this id."""
        found: Json = self._json(f"/api/runs/{run_id}")
        return found

    def run_rows(self, run_id: str, **params: Any) -> Json:
        """Rows of a run: `rows`, `matching`, `next`; see `GET /api/runs/{id}/rows` for the filters."""
        found: Json = self._json(f"/api/runs/{run_id}/rows", params)
        return found

    def run_lines(self, run_id: str) -> Iterator[str]:
        """The lines of its results.jsonl, in order."""
        with self._stream(f"/api/runs/{run_id}/results", {}) as answer:
            yield from (line for line in answer.iter_lines() if line)

    def run_report(self, run_id: str) -> str:
        """Its report.html: a page that stands alone."""
        return str(self._send("GET", f"/api/runs/{run_id}/report", {}, accept="text/html", timeout_s=LONG_S).text)

    def run_results(self, run_id: str) -> Iterator[Json]:
        """Its rows, in order."""
        return map(json.loads, self.run_lines(run_id))

    def begin_run(self, told: Mapping[str, Any]) -> bool:
        """Tell of a run that begins; see `POST /api/runs`. False: it was cancelled."""
        return bool(self._send("POST", "/api/runs", {}, body=dict(told)).json()["wanted"])

    def tell_run(self, run_id: str, far: Mapping[str, Any]) -> bool:
        """Tell how far a run is; false: it is over, or was cancelled."""
        return bool(self._send("POST", f"/api/runs/{run_id}/progress", {}, body=dict(far)).json()["wanted"])

    def add_run_rows(self, run_id: str, lines: Iterable[bytes]) -> int:
        """Tell rows, lines of results.jsonl; returns how many. What is told again takes the place of the first."""
        told = 0
        for part in _parts(lines):
            path = f"/api/runs/{run_id}/rows"
            told += int(self._send("POST", path, {}, content=part, timeout_s=LONG_S).json()["rows"])
        return told

    def end_run(
        self,
        run_id: str,
        summary: Mapping[str, Any] | None,
        manifest: Mapping[str, Any] | None,
        fault: str | None = None,
    ) -> Json:
        """End a run; without a summary it was cut off, or with `fault` failed. Answers as `run` without its texts."""
        body = {"summary": summary, "manifest": manifest, "fault": fault}
        found: Json = self._send("POST", f"/api/runs/{run_id}/end", {}, body=body, timeout_s=LONG_S).json()
        return found

    def forget_run(self, run_id: str) -> None:
        """Forget a run and its rows."""
        self._send("DELETE", f"/api/runs/{run_id}", {}, timeout_s=LONG_S)

    def cancel_run(self, run_id: str) -> Json:
        """End a run that was ordered in the app; what was answered is kept."""
        found: Json = self._send("POST", f"/api/runs/{run_id}/cancel", {}).json()
        return found

    def take_run(self, wait_s: float, lease_s: float = 30.0) -> Json | None:
        """For workers: the next run to carry out; null: there was none within `wait_s`."""
        answer = self._send(
            "POST", "/api/worker/run/take", {}, body={"wait_s": wait_s, "lease_s": lease_s}, timeout_s=wait_s + 60
        )
        found: Json | None = answer.json()
        return found

    def keep_run(self, run_id: str, lease: str, lease_s: float = 30.0) -> bool:
        """For workers: keep a run; false: stop."""
        answer = self._send("POST", f"/api/worker/run/{run_id}/progress", {}, body={"lease": lease, "lease_s": lease_s})
        return bool(answer.json()["kept"])

    def let_run(self, run_id: str, lease: str, fault: str | None) -> bool:
        """For workers: let go of a run; null for `fault`: another is to go on with it."""
        answer = self._send("POST", f"/api/worker/run/{run_id}/let", {}, body={"lease": lease, "fault": fault})
        return bool(answer.json()["let"])


def _suite(name: str) -> str:
    return f"/api/suites/{quote(name, safe='')}"


def _parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and (len(part) == ROWS or size + len(line) > BYTES):
            yield b"".join(part)
            part, size = [], 0
        part.append(line if line.endswith(b"\n") else line + b"\n")
        size += len(line)
    if part:
        yield b"".join(part)
