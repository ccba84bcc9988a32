"""Traces of judges: what they asked and answered, sent to our own server into a project of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from server.client import Client

if TYPE_CHECKING:  # half a second, and only where judges are traced
    from opentelemetry.trace import Tracer

PROJECT = "judges"
SERVICE = "assayline-judges"


@contextmanager
def traced(url: str) -> Iterator[Tracer]:
    """A tracer whose spans the server at `url` (of its API) keeps in the project `judges`; all are sent at the end.

    Raises:
        ApiError: the server does not answer.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from evaluators.judges.tracing import tracer_of  # noqa: PLC0415

    with Client(url) as client:
        client.add_project(PROJECT)
        endpoint = f"{client.status()['addresses']['otlp_http']}/v1/traces"
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=endpoint, headers={"x-assayline-project": PROJECT})
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield tracer_of(provider)
    finally:
        provider.shutdown()
