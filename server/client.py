"""The API from Python, synchronously: what the app and the command line ask the server through.

What can be asked stands in `client_*`, a part per noun. Imports neither the store nor the collectors, so that a page
starts fast and cannot reach around the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Self

import httpx

from server.client_ab_tests import AbTestsClient
from server.client_agreement import AgreementClient
from server.client_alerts import AlertsClient
from server.client_analyses import AnalysesClient
from server.client_base import Param, text
from server.client_channels import ChannelsClient
from server.client_compare import CompareClient
from server.client_dashboards import DashboardsClient
from server.client_datasets import DatasetsClient
from server.client_drift import DriftClient
from server.client_evaluators import EvaluatorsClient
from server.client_experiments import ExperimentsClient
from server.client_feedback import FeedbackClient
from server.client_finding import FindingClient
from server.client_imports import ImportsClient
from server.client_invoices import InvoicesClient
from server.client_jobs import JobsClient
from server.client_judges import JudgesClient
from server.client_monitor_suggestions import MonitorSuggestionsClient
from server.client_monitors import MonitorsClient
from server.client_pairs import PairsClient
from server.client_plan import PlanClient
from server.client_playground import PlaygroundClient
from server.client_prompts import PromptsClient
from server.client_queries import QueriesClient
from server.client_queue_fill import QueueFillClient
from server.client_queues import QueuesClient
from server.client_rank import RankClient
from server.client_rules import RulesClient
from server.client_runs import RunsClient
from server.client_sessions import SessionsClient
from server.client_spending import SpendingClient
from server.client_store import StoreClient
from server.client_trace import TraceClient
from server.client_trace_views import TraceViewsClient
from server.client_traces import TracesClient
from server.client_training import TrainingClient

ErrorKind = Literal["unreachable", "timeout", "refused", "failed"]


class ApiError(Exception):
    """The API gave no answer. `str()` of it is a sentence for a person.

    `kind`: `unreachable` (nobody listens), `timeout` (the server or its query took too long), `refused` (the question
    is wrong, asking again cannot help), `failed` (the server could not answer now).
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        status: int | None = None,
        at: int | None = None,
        length: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status  # status: of HTTP; null: no answer came
        self.at, self.length = at, length  # of what is wrong in the text that was sent, from 0; null: nowhere in it


class Client(
    StoreClient,
    QueriesClient,
    DashboardsClient,
    TracesClient,
    SessionsClient,
    PairsClient,
    TraceClient,
    FindingClient,
    TraceViewsClient,
    AnalysesClient,
    SpendingClient,
    InvoicesClient,
    EvaluatorsClient,
    JobsClient,
    JudgesClient,
    RulesClient,
    MonitorsClient,
    RunsClient,
    ExperimentsClient,
    FeedbackClient,
    CompareClient,
    PlanClient,
    RankClient,
    PromptsClient,
    PlaygroundClient,
    DatasetsClient,
    QueueFillClient,
    QueuesClient,
    TrainingClient,
    AbTestsClient,
    MonitorSuggestionsClient,
    AlertsClient,
    ChannelsClient,
    DriftClient,
    AgreementClient,
    ImportsClient,
):
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
        with self._told(params):
            answer = self._http.send(request)
        if answer.status_code not in accept_status:
            raise _error(answer)
        return answer

    @contextmanager
    def _stream(
        self, path: str, params: Mapping[str, Param], *, method: str = "GET", body: object = None
    ) -> Iterator[httpx.Response]:
        asked = self._http.stream(method, path, params=self._params(params), json=body)
        with self._told(params), asked as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _error(answer)
            yield answer

    @contextmanager
    def _told(self, params: Mapping[str, Param] | None) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            narrower = "since" in (params or {})  # else a narrower range would ask for no less
            advice = "Narrow the time range, or try again." if narrower else "It may be busy or hang: try again."
            message = f"The server at {self.base_url} did not answer in time. {advice}"
            raise ApiError("timeout", message) from error
        except httpx.TransportError as error:
            message = f"No server answers at {self.base_url} ({error}). Start it with `assay up` or `assay serve`."
            raise ApiError("unreachable", message) from error

    def _params(self, params: Mapping[str, Param] | None) -> dict[str, str]:
        given = {"project": self.project, **(params or {})}
        return {name: text(value) for name, value in given.items() if value is not None}


def _error(response: httpx.Response) -> ApiError:
    try:
        told = response.json()
        message, at, length = str(told.get("detail") or told["title"]), told.get("at"), told.get("length")
    except (json.JSONDecodeError, AttributeError, KeyError):
        message = f"{response.url} answered {response.status_code}, and not as the API of this program does."
        at = length = None
    return ApiError(_kind(response.status_code), message, response.status_code, at, length)


def _kind(status: int) -> ErrorKind:
    if status == httpx.codes.GATEWAY_TIMEOUT:
        return "timeout"
    return "refused" if httpx.codes.is_client_error(status) and status != httpx.codes.TOO_MANY_REQUESTS else "failed"
