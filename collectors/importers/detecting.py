"""What format a file has, by its first bytes: never by its name, which anybody may give."""

from __future__ import annotations

from pathlib import Path

from collectors.importers.opening import opened
from collectors.importers.pieces import FORMATS, Format, ImportFileError
from collectors.importers.protofile import framing_of

_OTLP = (b'"resourceSpans"', b'"resourceLogs"', b'"resourceMetrics"')


def detected(path: Path) -> Format:
    """The format of a file.

    Raises:
        ImportFileError: it cannot be read, is empty, or looks like nothing that is imported.
    """
    with opened(path) as file:
        head = file.head()
    if not head:
        raise ImportFileError(f"{path} is empty.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        if any(name in head for name in _OTLP):
            return "otlp"
    elif framing_of(head) is not None:
        return "otlp"
    message = f"{path} looks like no format that is imported. Name one with --format: {', '.join(FORMATS)}."
    raise ImportFileError(message)
