"""What failed, and how."""

from __future__ import annotations

import re

from collectors.conventions.values import plain, whole
from collectors.conventions.view import Index, View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.options import NormaliserOptions

_STATUS_CODE = re.compile(r"(?:error code|status[_ ]?code|status|http)\D{0,3}(\d{3})\b", re.IGNORECASE)

_ERROR_NAME = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Timeout|Failure))\s*[:(]")


def read_errors(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """What failed: type, message and HTTP status."""
    if span.status != "error" and facts.finish_reason != "error" and not view.index.once(_tells_errors):
        return
    attributes = span.attributes
    facts.http_status = _http_status(view.read("http_status", whole))
    kind = view.text("error_type")
    level = (attributes.get("langfuse.observation.level") or "").strip('"').upper()
    tool_failed = (attributes.get("gen_ai.tool.status") or "").lower() in {"error", "failed"}
    if (
        span.status != "error"
        and kind is None
        and level != "ERROR"
        and not tool_failed
        and facts.finish_reason != "error"
    ):
        return
    raised = next((event for event in reversed(span.events) if event.name == "exception"), None)
    details = raised.attributes if raised else {}
    message = span.status_message or plain(details.get("exception.message")) or view.text("error_message")
    facts.error_message = message
    named = _ERROR_NAME.match(message or "")
    facts.error_type = kind or plain(details.get("exception.type")) or (named.group(1) if named else None) or "_OTHER"
    if facts.http_status is None or facts.http_status < 400:
        facts.http_status = _told_status(facts.error_type, message) or facts.http_status


def _tells_errors(index: Index) -> bool:
    return index.any(_ERRORS) or not {"langfuse.observation.level", "gen_ai.tool.status"}.isdisjoint(index.keys)


_ERRORS = frozenset({"http_status", "error_type"})


def _http_status(code: int | None) -> int | None:
    return code if code is not None and 100 <= code <= 599 else None


def _told_status(kind: str, message: str | None) -> int | None:
    if kind.isdecimal():
        return _http_status(int(kind[:9]))
    found = _STATUS_CODE.search(message or "")
    return _http_status(int(found.group(1))) if found else None
