"""Reports of comparisons that stand alone: HTML and Markdown, from the answer and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from server.compare import figures
from server.evals.figures import interval, number
from server.evals.report.pages import environment, markdown_text

Json = Mapping[str, Any]


def markdown(found: Json) -> str:
    """For a pull request or a mail."""
    return _rendered("compare.md.jinja", found)


def html(found: Json) -> str:
    """A page that stands alone: styles and figures within, no scripts, no addresses."""
    return _rendered("compare.html.jinja", found)


def _rendered(name: str, found: Json) -> str:
    own = {(one["measure"], one["variant"]): one for one in found["own"]}
    words = {one["key"]: one for one in found["measures"]}
    return str(_environment().get_template(name).render(found=found, own=own, words=words))


@functools.cache
def _environment() -> Any:
    made = environment("server.compare.report")
    made.filters |= {"md": markdown_text, "number": number, "bar": bar, "p": p_text, "name": name}
    made.globals |= {"interval": interval}
    return made


def name(measure: Json) -> str:
    """What is compared, with its unit and statistic."""
    unit = f" ({measure['unit']})" if measure["unit"] else ""
    return f"{measure['title']}{unit}" + (f" {measure['statistic']}" if measure["q"] is not None else "")


def p_text(p: float | None) -> str:
    """An adjusted p-value."""
    return "unknown" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def bar(one: Json) -> Sequence[float] | None:
    """A difference and its interval as percent of a bar's width, 0 in the middle; null: it has no interval."""
    return figures.placed(one["difference"], one["ci_low"], one["ci_high"])
