"""Markdown and HTML of a run, from templates. Whatever a model said is escaped; nothing is fetched by the page."""

from __future__ import annotations

import functools
import re
from html import escape
from typing import Any

from server.evals.figures import counted, interval, number
from server.evals.report.rows import Failing, failed_of, value_text
from server.evals.summary import outcome_line

NAMED = 10  # failing rows that the Markdown names
SHORT = 160
MOST = 20_000  # letters of a text in the HTML
CUT = " (cut; all of it stands in results.jsonl)"
CONTEXTS = 50  # of a row in the HTML
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u2060"
"""Nobody sees it. A backslash stops no mention: forges look for mentions and addresses in the text that comes out."""
_LINKING = re.compile(r"[@#!](?=[\w.-])|:(?=//)|\bwww(?=\.)", re.IGNORECASE)


def markdown(summary: dict[str, Any], manifest: dict[str, Any], found: Failing) -> str:
    """The summary of a pull request."""
    return _rendered("report.md.jinja", summary, manifest, found, most=NAMED)


def html(summary: dict[str, Any], manifest: dict[str, Any], found: Failing) -> str:
    """A page that stands alone: styles within, no scripts, no addresses."""
    return _rendered("report.html.jinja", summary, manifest, found, most=len(found.rows))


def _rendered(name: str, summary: dict[str, Any], manifest: dict[str, Any], found: Failing, *, most: int) -> str:
    rows = [{**row, "failed": failed_of(row)} for row in found.rows[:most]]
    template = _environment().get_template(name)
    return str(
        template.render(summary=summary, manifest=manifest, rows=rows, found=found, outcome=outcome_line(summary))
    )


def environment(package: str) -> Any:
    """Jinja's, for the `templates` of a package: HTML is escaped, and a name that is not given is an error."""
    import jinja2  # noqa: PLC0415 - 60 ms, and only where a report is written

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"), trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
        autoescape=jinja2.select_autoescape(["html.jinja"]),
    )  # fmt: skip


@functools.cache
def _environment() -> Any:
    made = environment("server.evals.report")
    made.filters |= {
        "md": markdown_text, "estimate": estimate, "number": number, "value": value_text, "marked": marked,
        "share": share, "times": counted, "cut": cut, "contexts": contexts,
    }  # fmt: skip
    return made


def markdown_text(text: object, most: int = SHORT) -> str:
    """A text as one line of Markdown that says what it says: it calls nobody, links and turns nothing."""
    flat = _TURNING.sub("\ufffd", " ".join(str(text).split()))
    short = flat if len(flat) <= most else f"{flat[: most - 1]}…"
    return _MARKDOWN.sub(r"\\\1", _LINKING.sub(f"\\g<0>{_JOINER}", short))


def estimate(told: dict[str, Any] | None) -> str:
    """A number with its interval."""
    return "unknown" if told is None else interval(told["value"], told["low"], told["high"])


def share(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.3g} %"


def is_cut(text: object) -> bool:
    """Whether a text is too long for the page."""
    return len(str(text or "")) > MOST


def contexts(row: dict[str, Any]) -> list[str]:
    """What the answer was given to go by, as the target told it, else as the item has it; a line says what is left."""
    told = row.get("told") or {}
    found = (told if "contexts" in told else row["case"]).get("contexts") or []
    left = len(found) - CONTEXTS
    return [*(cut(one) for one in found[:CONTEXTS]), *([f"And {left:,} more{CUT}."] if left > 0 else [])]


def cut(text: object) -> str:
    """The beginning of a text, which says so where it was cut."""
    whole = str(text)
    return f"{whole[:MOST]}…{CUT}" if is_cut(text) else whole


def marked(text: str | None, highlights: list[dict[str, Any]], field: str = "answer") -> str:
    """HTML of a text, cut as `cut`, with the stretches of the field marked that verdicts rest on; all is escaped."""
    import markupsafe  # noqa: PLC0415 - with jinja2

    long, text = is_cut(text), (text or "")[:MOST]
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
    parts += [f"…{CUT}"] if long else []
    return markupsafe.Markup("".join(parts))  # noqa: S704 - escaped piece by piece
