"""Cached doors to the server: one function per question, named as the query. Pages get frames from here alone.

An answer is cached by server, project, query, parameters and the store's watermark, so a rerun costs one small request
for the watermark until new data arrives. The project is the one that the URL names.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import state
from server.client import ApiError, Client
from server.client_base import Answer, Param
from server.settings import Settings

__all__ = ["Answer", "ApiError", "Param"]

Filters = Mapping[str, str]
Params = tuple[tuple[str, Param], ...]

_SHORT_S = 1.0  # for what stands in the title row: the page's outline waits for it
_KEPT = 256  # answers; the largest is one page of traces or one trace's spans


Place = tuple[str, str]
"""Address of the server, and project."""


@st.cache_resource(show_spinner=False)
def _client(place: Place) -> Client:
    return Client(*place)


def client() -> Client:
    """The client of the server that the settings name and the page's project; one for each."""
    return _client(_place())


def _place() -> Place:
    settings = Settings()
    return str(settings.api_url or f"http://{settings.host}:{settings.api_port}").rstrip("/"), project()


def place() -> Place:
    """The server that the settings name, and the page's project."""
    return _place()


def client_of(place: Place) -> Client:
    """The client of a place, for doors in other modules."""
    return _client(place)


def project() -> str:
    """Which project the page is about: what the widget says, or the URL while it is not drawn."""
    return str(st.session_state.get(state.PROJECT) or st.query_params.get(state.PROJECT) or state.DEFAULT_PROJECT)


def projects(*, anew: bool = False) -> list[str]:
    """The names of all projects, oldest first, some seconds old; while the server is silent those known before."""
    known = "projects-known"
    if anew:
        _projects.clear()
    with suppress(ApiError):
        st.session_state[known] = _projects(_place()[0])
    found: list[str] = st.session_state.get(known, [])
    return found


@st.cache_data(max_entries=8, ttl=timedelta(seconds=10), show_spinner=False)
def _projects(url: str) -> list[str]:
    with Client(url, timeout_s=_SHORT_S) as door:
        return [str(one["name"]) for one in door.projects()]


def calls_totals_of(project: str, since: datetime, until: datetime, filters: Filters) -> pd.Series:
    """`calls_totals` of another project."""
    return _of(project, "calls_totals", since=since, until=until, **filters)


def calls_cost_per_of(project: str, since: datetime, until: datetime, filters: Filters) -> pd.Series:
    """`calls_cost_per` trace, of another project."""
    return _of(project, "calls_cost_per", since=since, until=until, unit="trace", **filters)


def _of(project: str, name: str, **params: Param) -> pd.Series:
    place = (_place()[0], project)
    return _answer(place, name, client().watermark(), tuple(sorted(params.items()))).frame.iloc[0]


def forget() -> None:
    """Ask anew on the next run, whatever is cached."""
    for cache in (
        _answer,
        _slow_answer,
        _latency,
        _budgets,
        _hardware,
        _whatif,
        _causes,
        _reconciliation,
        _traces,
        _span,
        _case,
        _ledger,
        _projects,
        _evaluators,
    ):
        cache.clear()


def ask(name: str, **params: Param) -> Answer:
    """One named query. Raises ApiError when the server does not answer it."""
    door = client()
    return _answer(_place(), name, door.watermark(), tuple(sorted(params.items())))


def watermark() -> str:
    """State of the data, `commit_seq-resolved_seq`."""
    return client().watermark()


def status() -> dict[str, Any]:
    return client().status()


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _answer(place: Place, name: str, mark: str, params: Params) -> Answer:  # noqa: ARG001 - `mark` keys the cache
    return _client(place).query(name, **dict(params))


@st.cache_data(max_entries=_KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _slow_answer(place: Place, name: str, params: Params) -> Answer:
    return _client(place).query(name, **dict(params))


def home_totals(since: datetime, until: datetime) -> pd.Series:
    """One record: see query `home_totals`."""
    return ask("home_totals", since=since, until=until).frame.iloc[0]


def home_series(since: datetime, until: datetime, bucket: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket with traces; see query `home_series`. `offset`: of the viewer's zone from UTC."""
    return ask("home_series", since=since, until=until, bucket_us=_micros(bucket), offset_us=_micros(offset)).frame


def home_latency(since: datetime, until: datetime, bucket: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket with model calls that ended well; buckets as in `home_series`."""
    return ask("home_latency", since=since, until=until, bucket_us=_micros(bucket), offset_us=_micros(offset)).frame


def home_latency_total(since: datetime, until: datetime) -> pd.Series:
    """One record: calls, p50_ns, p95_ns."""
    return ask("home_latency_total", since=since, until=until).frame.iloc[0]


def home_problems(since: datetime, until: datetime) -> pd.DataFrame:
    """One row per kind of failure, most recently seen first."""
    return ask("home_problems", since=since, until=until).frame


def home_newest() -> pd.Series:
    """One record: traces, oldest, newest, sample. Times are null over an empty store."""
    record = ask("home_newest").frame.iloc[0].astype(object)
    return record.where(record.notna(), None)  # NA has no truth value


def calls_totals(since: datetime, until: datetime, filters: Filters) -> pd.Series:
    """One record of sums over the calls of the window; see query `calls_totals`."""
    return ask("calls_totals", since=since, until=until, **filters).frame.iloc[0]


def calls_cost_per(since: datetime, until: datetime, unit: str, filters: Filters) -> pd.Series:
    """One record: n, mean, low, high in US dollars; `unit`: trace or session."""
    return ask("calls_cost_per", since=since, until=until, unit=unit, **filters).frame.iloc[0]


def calls_cost_series(  # noqa: PLR0917 - as the query
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, dimension: str, filters: Filters
) -> pd.DataFrame:
    """One row per bucket and value of the dimension; see query `calls_cost_series`."""
    steps = {"bucket_us": _micros(bucket), "offset_us": _micros(offset)}
    return ask("calls_cost_series", since=since, until=until, dimension=dimension, **steps, **filters).frame


def calls_cost_classes(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: Filters
) -> pd.DataFrame:
    """One row per bucket: cost by class of tokens."""
    steps = {"bucket_us": _micros(bucket), "offset_us": _micros(offset)}
    return ask("calls_cost_classes", since=since, until=until, **steps, **filters).frame


def calls_cost_by(since: datetime, until: datetime, dimension: str, filters: Filters) -> pd.DataFrame:
    """One row per value of the dimension, dearest first; see query `calls_cost_by`."""
    return ask("calls_cost_by", since=since, until=until, dimension=dimension, **filters).frame


def score_names(since: datetime) -> pd.DataFrame:
    """One row per name of scores told from `since` on, most scores first; at most a minute old."""
    return _slow_answer(_place(), "score_names", (("since", since),)).frame


def cost_per_success(since: datetime, until: datetime, filters: Filters, **rule: Param) -> pd.DataFrame:
    """One row, or one per value of `dimension`, dearest first; see query `cost_per_success`; `rule`: its parameters."""
    return ask("cost_per_success", since=since, until=until, **rule, **filters).frame


def unpriced_models(since: datetime, until: datetime) -> pd.DataFrame:
    """One row per model whose calls have no cost, most calls first."""
    return ask("unpriced_models", since=since, until=until).frame


def integrity_reported(since: datetime, until: datetime, filters: Filters) -> pd.Series | None:
    """Reported against computed cost over all calls, one record; null: there is no call."""
    frame = ask("integrity_reported", since=since, until=until, **filters).frame
    return None if frame.empty else frame.iloc[0]


def integrity_causes(since: datetime, until: datetime, filters: Filters) -> list[dict[str, Any]]:
    """Reported against computed cost of each model with its likely cause; see the API's `/api/integrity/causes`."""
    door = client()
    params: dict[str, Param] = {"since": since, "until": until, **filters}
    return _causes(_place(), door.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _causes(place: Place, mark: str, params: Params) -> list[dict[str, Any]]:  # noqa: ARG001
    return _client(place).integrity(**dict(params))


def integrity_excluded(since: datetime, until: datetime, filters: Filters) -> pd.DataFrame:
    """What no sum counts: one row per usage role and model."""
    return ask("integrity_excluded", since=since, until=until, **filters).frame


def integrity_untold(since: datetime, until: datetime, filters: Filters) -> pd.DataFrame:
    """Models with calls that ended well and did not tell their usage."""
    return ask("integrity_untold", since=since, until=until, **filters).frame


def integrity_calls(since: datetime, until: datetime, what: str, filters: Filters) -> pd.DataFrame:
    """The calls behind a figure, at most 100; `what`: compared, duplicate, aggregate, untold."""
    return ask("integrity_calls", since=since, until=until, what=what, **filters).frame


def invoices() -> list[dict[str, Any]]:
    """The invoices that are kept, the last billed first; never cached."""
    return client().invoices()


def keep_invoice(name: str, document: str, provider: str | None) -> dict[str, Any]:
    """Keep an invoice; raises ApiError, `refused`, with the line, column, value and rule of what cannot be read."""
    return client().keep_invoice(name, document, provider)


def forget_invoice(name: str) -> None:
    """Forget an invoice."""
    client().forget_invoice(name)


def reconciliation(name: str, kept_at: str, grain: str) -> dict[str, Any]:
    """A kept invoice against what was computed; `kept_at` tells it from an earlier one of the same name."""
    door = client()
    return _reconciliation(_place(), door.watermark(), name, kept_at, grain)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _reconciliation(place: Place, mark: str, name: str, kept_at: str, grain: str) -> dict[str, Any]:  # noqa: ARG001
    return _client(place).reconciliation(name, grain)


def price_versions() -> pd.DataFrame:
    """Every version of the project's own prices, newest first."""
    return ask("price_versions").frame


def repricings() -> pd.DataFrame:
    """Every repricing, newest first."""
    return ask("repricings").frame


def prices() -> dict[str, Any]:
    """The project's own prices of now, never cached: `version` (0: none), `document`, `entries`, `list_version`, ..."""
    return client().prices()


def set_prices(document: str) -> dict[str, Any]:
    """Set the own prices; raises ApiError, `refused`, with the line, key and value that break a rule."""
    answer = client().set_prices(document)
    forget()
    return answer


def reprice(since: datetime, until: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Price the calls of traces that started in the window anew, or say what that would change."""
    answer = client().reprice(since, until, reason="on the Cost page", dry_run=dry_run)
    if not dry_run:
        forget()
    return answer


def hardware(since: datetime, until: datetime, filters: Filters) -> pd.DataFrame:
    """One row per model and price entry by the hour, most calls first; see `GET /api/hardware`."""
    door = client()
    params: dict[str, Param] = {"since": since, "until": until, **filters}
    return _hardware(_place(), door.watermark(), tuple(sorted(params.items()))).frame


@st.cache_data(max_entries=_KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _hardware(place: Place, mark: str, params: Params) -> Answer:  # noqa: ARG001
    return _client(place).hardware(**dict(params))


def budgets(zone: str) -> dict[str, Any]:
    """The project's budgets and how the calendar month of the zone goes, a minute old at most."""
    door = client()
    return _budgets(_place(), door.watermark(), zone)


@st.cache_data(max_entries=8, ttl=timedelta(minutes=1), show_spinner=False)
def _budgets(place: Place, mark: str, zone: str) -> dict[str, Any]:  # noqa: ARG001
    return _client(place).budgets(zone)


def set_budgets(document: str) -> dict[str, Any]:
    """Set the budgets; raises ApiError, `refused`, with the line, key and value that break a rule."""
    answer = client().set_budgets(document)
    _budgets.clear()
    return answer


def latency_periods(since: datetime, until: datetime, measure: str, filters: Filters) -> pd.DataFrame:
    """A measure in the window and in as much time before: a row per quantile; see the API's `/api/latency/periods`."""
    return _of_latency("periods", since=since, until=until, measure=measure, **filters)


def latency_paths(since: datetime, until: datetime, filters: Filters) -> pd.DataFrame:
    """Share of each kind of span on the critical path of a sample of traces; see the API's `/api/latency/paths`."""
    return _of_latency("paths", since=since, until=until, **filters)


def latency_series(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: Filters
) -> pd.DataFrame:
    """One row per bucket with calls that ended well: n, p50 and p95 of the duration (ns) with their intervals."""
    steps = {"bucket_us": _micros(bucket), "offset_us": _micros(offset)}
    return ask("latency_series", since=since, until=until, **steps, **filters).frame


def latency_heat(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: Filters
) -> pd.DataFrame:
    """Calls per bucket and bin of their duration; see query `latency_heat`."""
    steps = {"bucket_us": _micros(bucket), "offset_us": _micros(offset)}
    return ask("latency_heat", since=since, until=until, **steps, **filters).frame


def latency_by(since: datetime, until: datetime, dimension: str, measure: str, filters: Filters) -> pd.DataFrame:
    """One row per value of the dimension, most calls first; see query `latency_by`."""
    return ask("latency_by", since=since, until=until, dimension=dimension, measure=measure, **filters).frame


def latency_marks(since: datetime, until: datetime, filters: Filters) -> pd.DataFrame:
    """Releases and prompt versions that replaced another one in the window, by time."""
    return ask("latency_marks", since=since, until=until, **filters).frame


def whatif_scores() -> pd.DataFrame:
    """One row per name of scores of calls and traces, most scores first; see query `whatif_scores`."""
    return ask("whatif_scores").frame


def whatif(
    what: Literal["caching", "routing", "carbon"], since: datetime, until: datetime, filters: Filters, **own: Param
) -> dict[str, Any]:
    """What other choices would have come to, see the API's `/api/whatif/...`; at most a minute old: it is slow."""
    params = {"since": since, "until": until, **filters, **own}
    return _whatif(_place(), what, tuple(sorted(params.items())))


@st.cache_data(max_entries=_KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _whatif(place: Place, what: Literal["caching", "routing", "carbon"], params: Params) -> dict[str, Any]:
    return _client(place).whatif(what, **dict(params))


def _of_latency(what: Literal["periods", "paths"], **params: Param) -> pd.DataFrame:
    door = client()
    return _latency(_place(), what, door.watermark(), tuple(sorted(params.items()))).frame


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _latency(place: Place, what: Literal["periods", "paths"], mark: str, params: Params) -> Answer:  # noqa: ARG001
    return _client(place).latency(what, **dict(params))


def offers(name: Literal["trace_filters", "calls_filters"], since: datetime, until: datetime) -> pd.DataFrame:
    """What each filter can offer, see the query; at most a minute old, since the lists change slowly."""
    return _slow_answer(_place(), name, (("since", since), ("until", until))).frame


def traces(**params: Param) -> Answer:
    """One page of traces; see query `traces`. Has `input_preview` and `output_preview` too, one line each."""
    door = client()
    return _traces(_place(), door.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _traces(place: Place, mark: str, params: Params) -> Answer:  # noqa: ARG001
    return _client(place).traces(**dict(params))


def trace_summary(trace_id: str) -> pd.Series | None:
    """The summary of one trace; null when it is unknown or not resolved yet."""
    frame = ask("trace_summary", trace_id=trace_id).frame
    return None if frame.empty else frame.iloc[0]


def trace_spans(trace_id: str, since: datetime, until: datetime) -> Answer:
    """The spans that a waterfall draws, in order of start."""
    return ask("trace_spans", trace_id=trace_id, since=since, until=until)


def trace_logs(trace_id: str) -> pd.DataFrame:
    """Log records, oldest first."""
    return ask("trace_logs", trace_id=trace_id).frame


def trace_scores(trace_id: str) -> pd.DataFrame:
    """Scores of the trace, its spans and its model calls, newest first."""
    return ask("trace_scores", trace_id=trace_id).frame


def case(trace_id: str, span_id: str | None = None) -> dict[str, Any]:
    """The trace, or one of its spans, as evaluators see it; see `GET /api/cases/{trace_id}`."""
    door = client()
    return _case(_place(), door.watermark(), trace_id, span_id)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _case(place: Place, mark: str, trace_id: str, span_id: str | None) -> dict[str, Any]:  # noqa: ARG001
    return _client(place).case(trace_id, span_id)


def evaluators() -> list[dict[str, Any]]:
    """The card of every installed evaluator, by family and name; at most a minute old: they change with the program."""
    return [card for card in _evaluators(_place()) if card["problem"] is None]


def broken_evaluators() -> dict[str, str]:
    """Why an evaluator cannot be imported, by name."""
    return {card["name"]: card["problem"] for card in _evaluators(_place()) if card["problem"] is not None}


@st.cache_data(max_entries=8, ttl=timedelta(minutes=1), show_spinner=False)
def _evaluators(place: Place) -> list[dict[str, Any]]:
    return _client(place).evaluators()


def try_evaluator(name: str, row: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What an evaluator says of a row; never cached. Raises ApiError, `refused`, for a row or option that is none."""
    return client().try_evaluator(name, row, options)


def score_targets(order: Mapping[str, Any]) -> dict[str, Any]:
    """How many `targets` an order to score has, of `matching` traces. Raises ApiError, `refused`, where it is none."""
    return client().add_job(order, dry_run=True)


def add_job(order: Mapping[str, Any]) -> dict[str, Any]:
    """Have stored traces scored; answers as `job`."""
    return client().add_job(order)


def jobs() -> list[dict[str, Any]]:
    """The newest 100 orders to score, newest first; never cached: they move without any new data."""
    return client().jobs()


def job(job_id: str) -> dict[str, Any]:
    """One order and how far it is; never cached."""
    return client().job(job_id)


def cancel_job(job_id: str) -> dict[str, Any]:
    """End an order; what was scored stays."""
    return client().cancel_job(job_id)


def retry_job(job_id: str, budget_usd: float | None) -> dict[str, Any]:
    """Go on with what is not done of an ended order; `budget_usd`: of all of it; null: as it was."""
    return client().retry_job(job_id, budget_usd)


def rules() -> list[dict[str, Any]]:
    """The project's standing rules with their backlogs, by name; never cached, as jobs."""
    return client().rules()


def set_rule(name: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Set a rule. Raises ApiError, `refused`, where it cannot be carried out."""
    return client().set_rule(name, terms)


def delete_rule(name: str) -> None:
    """Take a rule away, with what waits of it; its scores stay."""
    client().delete_rule(name)


def rule_backlog(name: str, hours: int) -> dict[str, Any]:
    """What waits of a rule, and what it did by the hour; never cached."""
    return client().rule_backlog(name, hours)


def rule_queue(name: str) -> list[dict[str, Any]]:
    """Its parts, those that come next first; never cached."""
    return client().rule_queue(name)


def rule_failures(name: str) -> dict[str, Any]:
    """Targets that are not scored, and why; never cached."""
    return client().rule_failures(name)


def retry_failures(name: str, chosen: Mapping[str, str | None]) -> int:
    """Have failures scored again; how many targets."""
    return client().retry_failures(name, **chosen)


def backfill(name: str, since: datetime, until: datetime, *, dry_run: bool, **more: Any) -> dict[str, Any]:
    """Have stored traces scored by a rule, or what that would be."""
    return client().backfill(name, since, until, dry_run=dry_run, **more)


def preview_rule(terms: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """What a rule's evaluators say of the newest that match; nothing is stored."""
    return client().preview_rule(terms, count)


def ledger_total() -> pd.DataFrame:
    """One row per signal and a last one over all, with `balanced`; see query `ledger_total`."""
    return ask("ledger_total").frame


def span(trace_id: str, span_id: str, since: datetime | None) -> dict[str, Any]:
    """All of one span; `input`, `output` and `system` are canonical messages."""
    door = client()
    return _span(_place(), door.watermark(), trace_id, span_id, since)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _span(place: Place, mark: str, trace_id: str, span_id: str, since: datetime | None) -> dict[str, Any]:  # noqa: ARG001
    return _client(place).span(trace_id, span_id, since)


def ledger() -> pd.DataFrame:
    """Sums per hour, source, service and signal, over all time."""
    door = client()
    return _ledger(_place(), door.watermark())


@st.cache_data(max_entries=8, show_spinner=False)
def _ledger(place: Place, mark: str) -> pd.DataFrame:  # noqa: ARG001
    return pd.DataFrame(_client(place).ledger())


def load_demo() -> dict[str, Any]:
    """Have the server send itself the sample data; half a minute."""
    return client().load_demo()


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
