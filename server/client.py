"""The API from Python, synchronously: what the app and the command line ask the server through.

Imports neither the store nor the collectors, so that a page starts fast and cannot reach around the API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

import httpx

from server.client_datasets import DatasetsClient
from server.client_runs import RunsClient

if TYPE_CHECKING:  # a third of a second, which only who asks for frames pays
    import pandas as pd
    import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
LONG_S = 6 * 3600.0
ErrorKind = Literal["unreachable", "timeout", "refused", "failed"]
Param = str | int | float | bool | datetime | date | None


class ApiError(Exception):
    """The API gave no answer. `str()` of it is a sentence for a person.

    `kind`: `unreachable` (nobody listens), `timeout` (the server or its query took too long), `refused` (the question
    is wrong, asking again cannot help), `failed` (the server could not answer now).
    """

    def __init__(self, kind: ErrorKind, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status  # status: of HTTP; null: no answer came


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered query.

    `frame` has Arrow-backed columns, so that an integer with gaps stays an integer and null stays null; times are UTC
    and say so. `watermark` names the state of the data it was read from, `commit_seq-resolved_seq`.
    """

    frame: pd.DataFrame
    watermark: str
    truncated: bool  # true: there are more rows than these


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer in SQL, for a text: rows as JSON has them, and the names of their columns if there are no rows too."""

    rows: list[dict[str, Any]]
    columns: list[str]
    truncated: bool  # true: there are more rows than these


class Client(RunsClient, DatasetsClient):
    """One server, one project. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        project: str = "default",
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`base_url` as in `http://127.0.0.1:8420`; `timeout_s` bounds each call; `transport` replaces TCP."""
        self.base_url, self.project = base_url.rstrip("/"), project
        # Without the proxies of the environment: the server is a neighbour. Reading certificates that plain HTTP never
        # looks at would take 30 ms.
        plain = self.base_url.startswith("http://")
        self._http = httpx.Client(
            base_url=self.base_url, timeout=timeout_s, trust_env=False, transport=transport, verify=not plain
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def query(self, name: str, **params: Param) -> Answer:
        """Answer a named query; `queries()` lists them. Null parameters are left out, times without a zone are UTC.

        Raises:
            ApiError: see its kinds.
        """
        return self._frame(f"/api/query/{name}", params)

    def rows(self, name: str, **params: Param) -> list[dict[str, Any]]:
        """`query` as plain rows, as JSON has them: times are text."""
        found: list[dict[str, Any]] = self._json(f"/api/query/{name}", params | {"format": "json"})
        return found

    def traces(self, **params: Param) -> Answer:
        """The query `traces`, with the columns `input_preview` and `output_preview`: one line each, '' for none."""
        return self._frame("/api/traces", params)

    def latency(self, what: Literal["periods", "paths"], **params: Param) -> Answer:
        """`periods`: a measure now and in as much time before. `paths`: where the time of a sample of traces goes.

        The API's description of `/api/latency/...` tells the parameters and columns.
        """
        return self._frame(f"/api/latency/{what}", params)

    def integrity(self, **params: Param) -> list[dict[str, Any]]:
        """Reported against computed cost of each model, with its likely cause; see `GET /api/integrity/causes`."""
        found: list[dict[str, Any]] = self._json("/api/integrity/causes", params | {"format": "json"})
        return found

    def invoices(self) -> list[dict[str, Any]]:
        """The project's invoices, the last billed first; see `GET /api/invoices` for the fields."""
        found: list[dict[str, Any]] = self._json("/api/invoices")
        return found

    def invoice(self, name: str) -> dict[str, Any]:
        """One invoice with its `document`.

        Raises:
            ApiError: `refused` with status 404 when there is none of this name.
        """
        found: dict[str, Any] = self._json(_invoice_path(name))
        return found

    def keep_invoice(
        self, name: str, document: str, provider: str | None = None, author: str | None = None
    ) -> dict[str, Any]:
        """Keep an invoice (CSV text), in place of the one of this name. `provider`: empty: any; null: by its columns.

        Raises:
            ApiError: `refused` when it cannot be read; names line, column, value and rule.
        """
        body = {"document": document, "provider": provider, "author": author}
        found: dict[str, Any] = self._send("PUT", _invoice_path(name), {}, body=body).json()
        return found

    def forget_invoice(self, name: str) -> None:
        """Forget an invoice. Raises ApiError, `refused`, when there is none of this name."""
        self._send("DELETE", _invoice_path(name), {})

    def reconciliation(self, name: str, grain: str | None = None) -> dict[str, Any]:
        """A kept invoice against what was computed; see `POST /api/reconcile` for the answer."""
        found: dict[str, Any] = self._json(f"{_invoice_path(name)}/reconciliation", {"grain": grain})
        return found

    def reconcile(self, document: str, provider: str | None = None, grain: str | None = None) -> dict[str, Any]:
        """An invoice that is not kept against what was computed; see `POST /api/reconcile` for the answer."""
        body = {"document": document, "provider": provider, "grain": grain}
        found: dict[str, Any] = self._send("POST", "/api/reconcile", {}, body=body).json()
        return found

    def whatif(self, what: Literal["caching", "routing", "carbon"], **params: Param) -> dict[str, Any]:
        """What a cache, another model, or the hardware would have come to; see `GET /api/whatif/...` for the fields."""
        found: dict[str, Any] = self._json(f"/api/whatif/{what}", params)
        return found

    def parity(self, by: str, measure: str, **params: Param) -> dict[str, Any]:
        """One measure of each group of traffic against all others; see `GET /api/parity` for the fields."""
        found: dict[str, Any] = self._json("/api/parity", {"by": by, "measure": measure, **params})
        return found

    def hardware(self, **params: Param) -> Answer:
        """Calls priced by the hour, by model and price entry; see `GET /api/hardware` for parameters and columns."""
        return self._frame("/api/hardware", params)

    def span(self, trace_id: str, span_id: str, since: datetime | None = None) -> dict[str, Any]:
        """All of one span; the fields stand at `GET /api/spans/{trace_id}/{span_id}`.

        `input`, `output` and `system` are canonical messages. `since`: start of the trace, which makes it faster.

        Raises:
            ApiError: `refused` with status 404 when there is no such span.
        """
        found: dict[str, Any] = self._json(f"/api/spans/{trace_id}/{span_id}", {"since": since})
        return found

    def totals(
        self, since: datetime | None = None, until: datetime | None = None, trace_id: str | None = None
    ) -> list[dict[str, Any]]:
        """One object per trace that starts in [since, until), oldest first, settled. See `GET /api/totals`."""
        return list(self.totals_lines(since, until, trace_id))

    def totals_lines(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        trace_id: str | None = None,
        unsettled: Callable[[str], None] = lambda _: None,
    ) -> Iterator[dict[str, Any]]:
        """`totals`, one by one. `unsettled` is told why, when a full disk keeps the newest spans out of them."""
        params: dict[str, Param] = {"since": since, "until": until, "trace_id": trace_id, "format": "jsonl"}
        with self._stream("/api/totals", params) as answer:
            if why := answer.headers.get("x-assay-unsettled"):
                unsettled(why)
            yield from (json.loads(line) for line in answer.iter_lines() if line)

    def ledger(self, since: datetime | None = None, until: datetime | None = None) -> list[dict[str, Any]]:
        """Sums of the ledger per hour, source, service and signal: received = stored + duplicate + rejected.

        Whole hours: all that [since, until) touches.
        """
        rows: list[dict[str, Any]] = self._json("/api/ledger", {"since": since, "until": until})
        return rows

    def status(self) -> dict[str, Any]:
        """What `GET /api/status` says: version, addresses, counters, queue, disk."""
        found: dict[str, Any] = self._json("/api/status")
        return found

    def ready(self) -> tuple[bool, list[str]]:
        """Whether the server takes and answers, and, if not, why."""
        answer = self._send("GET", "/readyz", accept_status=(200, 503))
        found = answer.json()
        return answer.status_code == httpx.codes.OK, list(found.get("reasons", []))

    def watermark(self) -> str:
        """State of the data, `commit_seq-resolved_seq`: the same question has the same answer while it stands still."""
        return str(self._json("/api/watermark")["watermark"])

    def queries(self) -> list[dict[str, Any]]:
        """`name`, `doc` and `params` of every named query."""
        found: list[dict[str, Any]] = self._json("/api/queries")
        return found

    def projects(self) -> list[dict[str, Any]]:
        """`project_id` and `name` of every project, oldest first."""
        found: list[dict[str, Any]] = self._json("/api/projects")
        return found

    def add_project(self, name: str) -> dict[str, Any]:
        """Create a project; one that exists is returned as it is."""
        found: dict[str, Any] = self._send("POST", "/api/projects", body={"name": name}).json()
        return found

    def add_scores(self, scores: list[dict[str, Any]]) -> dict[str, Any]:
        """Store scores; see `POST /api/scores` for the fields. Returns `accepted` and `commit_seq`."""
        found: dict[str, Any] = self._send("POST", "/api/scores", body={"scores": scores}).json()
        return found

    def evaluators(self) -> list[dict[str, Any]]:
        """The card of every evaluator that the server knows; see `GET /api/evaluators` for the fields."""
        found: list[dict[str, Any]] = self._json("/api/evaluators")
        return found

    def try_evaluator(self, name: str, row: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """What an evaluator says of a row; see `POST /api/evaluators/{name}/try`.

        Raises:
            ApiError: `refused` when there is no such evaluator or option, or the row is none.
        """
        path, body = f"/api/evaluators/{quote(name, safe='')}/try", {"row": row, "options": options}
        found: dict[str, Any] = self._send("POST", path, body=body).json()
        return found

    def add_job(self, order: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Have stored traces scored; see `POST /api/jobs`. `dry_run`: only how many that would be.

        Raises:
            ApiError: `refused` when there is no such evaluator, option, filter.
        """
        body = {**order, "dry_run": dry_run}
        found: dict[str, Any] = self._send("POST", "/api/jobs", {}, body=body, timeout_s=600).json()
        return found

    def jobs(self) -> list[dict[str, Any]]:
        """The newest 100 jobs of the project; see `GET /api/jobs/{id}` for the fields."""
        found: list[dict[str, Any]] = self._json("/api/jobs")
        return found

    def job(self, job_id: str) -> dict[str, Any]:
        """One job. Raises ApiError, `refused`, when there is none of this id."""
        found: dict[str, Any] = self._json(f"/api/jobs/{job_id}")
        return found

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """End a job; what was scored stays."""
        found: dict[str, Any] = self._send("POST", f"/api/jobs/{job_id}/cancel", {}).json()
        return found

    def retry_job(self, job_id: str, budget_usd: float | None = None, *, unbounded: bool = False) -> dict[str, Any]:
        """Go on with what is not done of an ended job. `budget_usd`: in all; null: as it was, or `unbounded` none."""
        body = {"budget_usd": budget_usd, "unbounded": unbounded}
        found: dict[str, Any] = self._send("POST", f"/api/jobs/{job_id}/retry", {}, body=body).json()
        return found

    def rules(self) -> list[dict[str, Any]]:
        """The project's standing rules, by name; see `GET /api/rules/{name}` for the fields."""
        found: list[dict[str, Any]] = self._json("/api/rules")
        return found

    def rule(self, name: str) -> dict[str, Any]:
        """One rule. Raises ApiError, `refused`, when there is none of this name."""
        found: dict[str, Any] = self._json(_rule(name))
        return found

    def set_rule(self, name: str, terms: Mapping[str, Any], author: str | None = None) -> dict[str, Any]:
        """Set a rule; see `PUT /api/rules/{name}`. Answers as `rule`.

        Raises:
            ApiError: `refused` when an evaluator, an option or a filter is unknown; says which.
        """
        found: dict[str, Any] = self._send("PUT", _rule(name), {}, body={**terms, "author": author}).json()
        return found

    def delete_rule(self, name: str, author: str | None = None) -> None:
        """Take a rule away, with what waits of it; its scores stay."""
        self._send("DELETE", _rule(name), {"author": author})

    def rule_backlog(self, name: str, hours: int = 24) -> dict[str, Any]:
        """What waits of a rule, and what it did by the hour; see `GET /api/rules/{name}/backlog`."""
        found: dict[str, Any] = self._json(f"{_rule(name)}/backlog", {"hours": hours})
        return found

    def rule_queue(self, name: str, state: str | None = None) -> list[dict[str, Any]]:
        """Its parts: `waiting`, `working`, `failed`, `done`; see `GET /api/rules/{name}/queue`."""
        found: list[dict[str, Any]] = self._json(f"{_rule(name)}/queue", {"state": state})
        return found

    def rule_failures(self, name: str) -> dict[str, Any]:
        """Targets that are not scored, and why; see `GET /api/rules/{name}/failures`."""
        found: dict[str, Any] = self._json(f"{_rule(name)}/failures")
        return found

    def retry_failures(self, name: str, **chosen: str | None) -> int:
        """Have failures scored again; how many targets. `chosen`: see `POST /api/rules/{name}/retry`; none: all."""
        found: dict[str, Any] = self._send("POST", f"{_rule(name)}/retry", {}, body=chosen).json()
        return int(found["targets"])

    def backfill(
        self, name: str, since: datetime, until: datetime, *, dry_run: bool = False, **more: Any
    ) -> dict[str, Any]:
        """Have stored traces scored by a rule, or say what that would be; see `POST /api/rules/{name}/backfill`."""
        body = {"since": text(since), "until": text(until), "dry_run": dry_run, **more}
        found: dict[str, Any] = self._send("POST", f"{_rule(name)}/backfill", {}, body=body, timeout_s=600).json()
        return found

    def preview_rule(self, terms: Mapping[str, Any], count: int = 5) -> list[dict[str, Any]]:
        """What a rule's evaluators say of the newest that match; see `POST /api/rules/preview`."""
        body = {**terms, "count": count}
        found: list[dict[str, Any]] = self._send("POST", "/api/rules/preview", {}, body=body, timeout_s=120).json()
        return found

    def take_work(self, wait_s: float) -> dict[str, Any] | None:
        """For workers: the next targets to score; see `POST /api/worker/take`. Null: nothing came within `wait_s`."""
        answer = self._send("POST", "/api/worker/take", {}, body={"wait_s": wait_s}, timeout_s=wait_s + 60)
        found: dict[str, Any] | None = answer.json()
        return found

    def keep_work(self, job_id: str, lease: str) -> bool:
        """For workers: keep what was taken; false: stop."""
        answer = self._send("POST", f"/api/worker/{job_id}/renew", {}, body={"lease": lease})
        return bool(answer.json()["kept"])

    def finish_work(self, job_id: str, told: Mapping[str, Any]) -> bool:
        """For workers: the verdicts on what was taken; see `POST /api/worker/{id}/finish`."""
        answer = self._send("POST", f"/api/worker/{job_id}/finish", {}, body=told, timeout_s=120)
        return bool(answer.json()["closed"])

    def case(self, trace_id: str, span_id: str | None = None) -> dict[str, Any]:
        """A trace, or one of its spans, as evaluators see it; see `GET /api/cases/{trace_id}`."""
        found: dict[str, Any] = self._json(f"/api/cases/{trace_id}", {"span_id": span_id})
        return found

    def load_demo(self) -> dict[str, Any]:
        """Load the sample data, some seconds. Returns `traces`, `spans_accepted`, `logs_accepted`, `newest`, ..."""
        found: dict[str, Any] = self._send("POST", "/api/demo", body={}, timeout_s=600).json()
        return found

    def sql(self, statement: str) -> Answer:
        """Run one read-only SELECT through the guarded prompt."""
        return _answer(self._send("POST", "/api/sql", body={"sql": statement}, accept=ARROW))

    def sql_rows(self, statement: str) -> Rows:
        """`sql` as plain rows."""
        answer = self._send("POST", "/api/sql", body={"sql": statement})
        rows = answer.json()
        names = answer.headers.get("x-assay-columns")
        columns = json.loads(names) if names else list(rows[0]) if rows else []
        return Rows(rows, columns, answer.headers.get("x-assay-truncated") == "true")

    def export(self, folder: str, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
        """Have the server write Parquet files into a folder of its machine. Returns the manifest."""
        body = {"folder": folder, "since": since and text(since), "until": until and text(until)}
        found: dict[str, Any] = self._send("POST", "/api/export", body=body, timeout_s=LONG_S).json()
        return found

    def renormalise(self) -> dict[str, Any]:
        """Derive the columns of all stored spans anew; takes minutes on a large store. Returns `spans`, `changed`."""
        found: dict[str, Any] = self._send("POST", "/api/renormalise", body={}, timeout_s=LONG_S).json()
        return found

    def prices(self, version: int | None = None) -> dict[str, Any]:
        """The project's own prices: `version` (0: none), `document` (YAML), `entries`, `set_at`, `author`, ...

        Raises:
            ApiError: `refused` with status 404 when there is no such version.
        """
        found: dict[str, Any] = self._json("/api/prices", {"version": version})
        return found

    def set_prices(self, document: str, author: str | None = None) -> dict[str, Any]:
        """Set the project's own prices, a whole YAML document; stored calls keep their cost until `reprice`.

        Returns `version`, `entries` and `would_change`, which is what `reprice` would answer.

        Raises:
            ApiError: `refused` when the document breaks a rule; names the line, the key and the value.
        """
        body = {"document": document, "author": author}
        found: dict[str, Any] = self._send("PUT", "/api/prices", {}, body=body, timeout_s=LONG_S).json()
        return found

    def reprice(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        reason: str | None = None,
        author: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Price stored calls of traces that started in [since, until) anew; see `POST /api/reprice` for the answer."""
        body = {
            "since": since and text(since), "until": until and text(until), "reason": reason, "author": author,
            "dry_run": dry_run,
        }  # fmt: skip
        found: dict[str, Any] = self._send("POST", "/api/reprice", {}, body=body, timeout_s=LONG_S).json()
        return found

    def budgets(self, zone: str = "UTC", version: int | None = None) -> dict[str, Any]:
        """The project's budgets and how the calendar month of the zone goes; see `GET /api/budgets` for the fields.

        Raises:
            ApiError: `refused` for an unknown zone, and with status 404 when there is no such version.
        """
        found: dict[str, Any] = self._json("/api/budgets", {"zone": zone, "version": version})
        return found

    def set_budgets(self, document: str, author: str | None = None) -> dict[str, Any]:
        """Set the project's budgets, a whole YAML document. Returns `version` and `entries`.

        Raises:
            ApiError: `refused` when the document breaks a rule; names the line, the key and the value.
        """
        body = {"document": document, "author": author}
        found: dict[str, Any] = self._send("PUT", "/api/budgets", {}, body=body).json()
        return found

    def settle(self, timeout_s: float = 30.0) -> str:
        """Wait until everything committed so far is resolved into traces; returns the watermark."""
        found = self._send("POST", "/api/settle", body={"timeout_s": timeout_s}, timeout_s=timeout_s + 5).json()
        return str(found["watermark"])

    def _frame(self, path: str, params: Mapping[str, Param]) -> Answer:
        return _answer(self._send("GET", path, params, accept=ARROW))

    def _json(self, path: str, params: Mapping[str, Param] | None = None) -> Any:
        return self._send("GET", path, params).json()

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Param] | None = None,
        *,
        body: object = None,
        content: bytes | Iterable[bytes] | None = None,
        accept: str = "application/json",
        timeout_s: float | None = None,
        accept_status: tuple[int, ...] = (200, 201),
    ) -> httpx.Response:
        request = self._http.build_request(
            method,
            path,
            params=self._params(params),
            json=body,
            content=content,
            headers={"accept": accept},
            timeout=timeout_s or self._http.timeout,
        )
        with self._told():
            answer = self._http.send(request)
        if answer.status_code not in accept_status:
            raise _error(answer)
        return answer

    @contextmanager
    def _stream(self, path: str, params: Mapping[str, Param]) -> Iterator[httpx.Response]:
        with self._told(), self._http.stream("GET", path, params=self._params(params)) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _error(answer)
            yield answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            message = f"The server at {self.base_url} did not answer in time. Narrow the time range, or try again."
            raise ApiError("timeout", message) from error
        except httpx.TransportError as error:
            message = f"No server answers at {self.base_url} ({error}). Start it with `assay up` or `assay serve`."
            raise ApiError("unreachable", message) from error

    def _params(self, params: Mapping[str, Param] | None) -> dict[str, str]:
        given = {"project": self.project, **(params or {})}
        return {name: text(value) for name, value in given.items() if value is not None}


def invoice_text(data: bytes) -> str:
    """The letters of an invoice: UTF-8, else as spreadsheets write it where nobody tells them (Windows-1252)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _invoice_path(name: str) -> str:
    return f"/api/invoices/{quote(name, safe='')}"


def _rule(name: str) -> str:
    return f"/api/rules/{quote(name, safe='')}"


def text(value: Param) -> str:
    """A parameter as it stands in a URL: ISO 8601 in UTC, `true`, `false`, decimal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _answer(response: httpx.Response) -> Answer:
    import pandas as pd  # noqa: PLC0415 - see above
    import pyarrow as pa  # noqa: PLC0415

    table = pa.ipc.open_stream(response.content).read_all()
    return Answer(
        _in_utc(table).to_pandas(types_mapper=pd.ArrowDtype),
        response.headers.get("x-assay-watermark", ""),
        response.headers.get("x-assay-truncated") == "true",
    )


def _in_utc(table: pa.Table) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            aware = table.column(index).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(index, field.name, aware)
    return table


def _error(response: httpx.Response) -> ApiError:
    try:
        told = response.json()
        message = str(told.get("detail") or told["title"])
    except (json.JSONDecodeError, AttributeError, KeyError):
        message = f"{response.url} answered {response.status_code}, and not as the API of this program does."
    return ApiError(_kind(response.status_code), message, response.status_code)


def _kind(status: int) -> ErrorKind:
    if status == httpx.codes.GATEWAY_TIMEOUT:
        return "timeout"
    return "refused" if httpx.codes.is_client_error(status) and status != httpx.codes.TOO_MANY_REQUESTS else "failed"
