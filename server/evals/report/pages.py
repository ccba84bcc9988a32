"""Markdown and HTML of a run, from templates. Whatever a model said is escaped; nothing is fetched by the page."""

from __future__ import annotations

import functools
import re
from html import escape
from typing import Any

from server.evals.report.rows import Failing, failed_of, value_text

NAMED = 10  # failing rows that the Markdown names
SHORT = 160
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def markdown(summary: dict[str, Any], manifest: dict[str, Any], found: Failing) -> str:
    """The summary of a pull request."""
    return _rendered("report.md.jinja", summary, manifest, found, most=NAMED)


def html(summary: dict[str, Any], manifest: dict[str, Any], found: Failing) -> str:
    """A page that stands alone: styles within, no scripts, no addresses."""
    return _rendered("report.html.jinja", summary, manifest, found, most=len(found.rows))


def _rendered(name: str, summary: dict[str, Any], manifest: dict[str, Any], found: Failing, *, most: int) -> str:
    rows = [{**row, "failed": failed_of(row)} for row in found.rows[:most]]
    template = _environment().get_template(name)
    return str(template.render(summary=summary, manifest=manifest, rows=rows, found=found))


@functools.cache
def _environment() -> Any:
    import jinja2  # noqa: PLC0415 - 60 ms, and only where a report is written

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("server.evals.report", "templates"), trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
        autoescape=jinja2.select_autoescape(["html.jinja"]),
    )  # fmt: skip
    made.filters |= {
        "md": markdown_text, "estimate": estimate, "number": number, "value": value_text, "marked": marked,
        "share": share, "times": _times,
    }  # fmt: skip
    return made


def markdown_text(text: object, most: int = SHORT) -> str:
    """A text as one line of Markdown that says what it says."""
    flat = " ".join(str(text).split())
    return _MARKDOWN.sub(r"\\\1", flat if len(flat) <= most else f"{flat[: most - 1]}…")


def number(value: float | None) -> str:
    """Four significant digits; null is unknown."""
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def estimate(told: dict[str, Any] | None) -> str:
    """A number with its 95 % interval."""
    if told is None or told["value"] is None:
        return "unknown"
    if told["low"] is None and told["high"] is None:
        return number(told["value"])
    ends = ["?" if told[end] is None else number(told[end]) for end in ("low", "high")]
    return f"{number(told['value'])} [{ends[0]}, {ends[1]}]"


def share(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.3g} %"


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def marked(text: str | None, highlights: list[dict[str, Any]], field: str = "answer") -> str:
    """HTML of a text with the stretches of the field marked that verdicts rest on; the text is escaped whole."""
    import markupsafe  # noqa: PLC0415 - with jinja2

    text = text or ""
    edges = [False] * (len(text) + 1)
    for one in highlights:
        if one.get("field", "answer") == field:
            start, end = (min(max(one[name], 0), len(text)) for name in ("start", "end"))
            edges[start:end] = [True] * max(end - start, 0)
    parts, at = [], 0
    while at < len(text):
        end = at
        while end < len(text) and edges[end] == edges[at]:
            end += 1
        piece = escape(text[at:end])
        parts.append(f"<mark>{piece}</mark>" if edges[at] else piece)
        at = end
    return markupsafe.Markup("".join(parts))  # noqa: S704 - escaped piece by piece
