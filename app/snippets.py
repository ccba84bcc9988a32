"""Exporter set-ups to copy, with this server's addresses filled in."""

from __future__ import annotations

TITLES = ("Python", "JavaScript", "OTel Collector", "Any SDK")

_PYTHON = """\
# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({{"service.name": "my-agent"}}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="{http}/v1/traces"{python})))
trace.set_tracer_provider(provider)
# Then switch on the instrumentation of your library: OpenInference, OpenLLMetry, OTel GenAI, Logfire, ...
"""

_JAVASCRIPT = """\
// npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto
import {{ NodeSDK }} from "@opentelemetry/sdk-node";
import {{ OTLPTraceExporter }} from "@opentelemetry/exporter-trace-otlp-proto";

const sdk = new NodeSDK({{
  serviceName: "my-agent",
  traceExporter: new OTLPTraceExporter({{ url: "{http}/v1/traces"{javascript} }}),
}});
sdk.start();
"""

_COLLECTOR = """\
exporters:
  otlp_http/assayline:
    endpoint: {http}{yaml}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [otlp_http/assayline]}}
    logs: {{receivers: [otlp], processors: [batch], exporters: [otlp_http/assayline]}}
"""

_ENVIRONMENT = """\
export OTEL_EXPORTER_OTLP_ENDPOINT={http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf{bash}
# or over gRPC:
# export OTEL_EXPORTER_OTLP_ENDPOINT={grpc}
# export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
"""


_HEADER = {
    "python": ', headers={{"x-assayline-project": "{project}"}}',
    "javascript": ', headers: {{ "x-assayline-project": "{project}" }}',
    "yaml": "\n    headers: {{x-assayline-project: {project}}}",
    "bash": "\nexport OTEL_EXPORTER_OTLP_HEADERS=x-assayline-project={project}",
}


def filled(http: str, grpc: str, project: str | None = None) -> tuple[tuple[str, str], ...]:
    """(language, code) in the order of TITLES. `http` and `grpc` are base addresses such as `http://127.0.0.1:4318`.

    `project`: named in a header; null: the default one, which needs none.
    """
    texts = (("python", _PYTHON), ("javascript", _JAVASCRIPT), ("yaml", _COLLECTOR), ("bash", _ENVIRONMENT))
    told = {name: "" if project is None else text.format(project=project) for name, text in _HEADER.items()}
    return tuple((language, text.format(http=http, grpc=grpc, **told)) for language, text in texts)
