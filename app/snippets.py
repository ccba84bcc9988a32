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
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="{http}/v1/traces")))
trace.set_tracer_provider(provider)
# Then switch on the instrumentation of your library: OpenInference, OpenLLMetry, OTel GenAI, Logfire, ...
"""

_JAVASCRIPT = """\
// npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto
import {{ NodeSDK }} from "@opentelemetry/sdk-node";
import {{ OTLPTraceExporter }} from "@opentelemetry/exporter-trace-otlp-proto";

const sdk = new NodeSDK({{
  serviceName: "my-agent",
  traceExporter: new OTLPTraceExporter({{ url: "{http}/v1/traces" }}),
}});
sdk.start();
"""

_COLLECTOR = """\
exporters:
  otlp_http/assayline:
    endpoint: {http}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [otlp_http/assayline]}}
    logs: {{receivers: [otlp], processors: [batch], exporters: [otlp_http/assayline]}}
"""

_ENVIRONMENT = """\
export OTEL_EXPORTER_OTLP_ENDPOINT={http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
# or over gRPC:
# export OTEL_EXPORTER_OTLP_ENDPOINT={grpc}
# export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
"""


def filled(http: str, grpc: str) -> tuple[tuple[str, str], ...]:
    """(language, code) in the order of TITLES. `http` and `grpc` are base addresses such as `http://127.0.0.1:4318`."""
    texts = (("python", _PYTHON), ("javascript", _JAVASCRIPT), ("yaml", _COLLECTOR), ("bash", _ENVIRONMENT))
    return tuple((language, text.format(http=http, grpc=grpc)) for language, text in texts)
