"""Where a span comes from: dialect, service, environment, release."""

from __future__ import annotations

from collectors.conventions.dialects import of_keys, of_scope
from collectors.conventions.values import plain
from collectors.conventions.view import Index, View
from collectors.facts import SpanFacts
from collectors.model import RawSpan, TextMap, service_of
from collectors.normalising.options import NormaliserOptions


def read_origin(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Dialect, service, environment and release."""
    origin = span.origin
    sdk, facts.service, environment, release = origin.once(_of_resource)
    facts.dialect = of_scope(origin.scope_name) or view.index.once(_dialect_by_keys, sdk == "openlit")
    facts.environment = view.text("environment") or environment
    facts.release = view.text("release") or release


def _of_resource(resource: TextMap) -> tuple[str | None, str | None, str | None, str | None]:
    """SDK, service, environment and release."""
    environment = (
        plain(resource.get("deployment.environment.name"))
        or plain(resource.get("deployment.environment"))
        or plain(resource.get("langfuse.environment"))
    )
    release = plain(resource.get("service.version") or resource.get("langfuse.release"))
    return resource.get("telemetry.sdk.name"), service_of(resource), environment, release


def _dialect_by_keys(index: Index, is_openlit: bool) -> str | None:
    return of_keys(index.keys, is_openlit)
