"""What the store has seen of a live A/B test: scores of the names that it asks for, and traces of its variants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

from server.ab_tests import SCORE, UNITS_OF, Registered, Terms
from server.core import Core
from server.when import utc

EVER = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, as the store's times
NAMED = 5  # names that a warning lists


def score_names(core: Core, project: str) -> list[str]:
    """Names of the scores of a project, the most frequent first."""
    names: list[str] = core.run("score_names", project, {"since": EVER}).table["name"].to_pylist()
    return names


def unseen(terms: Terms, seen: Sequence[str]) -> list[str]:
    """A sentence for each score that a test asks for and that none was seen of, with the nearest name."""
    asked = [measure.removeprefix(SCORE) for measure in terms.measures if measure not in UNITS_OF]
    return [_unseen(name, seen) for name in asked if name not in seen]


def _unseen(name: str, seen: Sequence[str]) -> str:
    close = get_close_matches(name, [*seen, *UNITS_OF], n=1)
    if close:
        return f"No score named {name!r} was seen; did you mean {close[0]!r}?"
    known = f"Seen: {', '.join(seen[:NAMED])}." if seen else "The project has no scores yet."
    return f"No score named {name!r} was seen. {known}"


def warnings(core: Core, project: str, terms: Terms) -> list[str]:
    """What may be misspelt in a test."""
    scored = any(measure not in UNITS_OF for measure in terms.measures)
    return unseen(terms, score_names(core, project)) if scored else []


def exposed(core: Core, project: str, test: Registered, now: datetime) -> bool:
    """Whether a trace that carries one of the test's variants started since it began."""
    terms = test.terms
    if terms.start is None or terms.start >= now:
        return False
    asked: dict[str, object] = {
        "since": utc(terms.start), "until": utc(now), "unit": terms.unit,
        "labels": [one.label(test.name) for one in terms.variants],
    }  # fmt: skip
    return bool(core.run("ab_units", project, asked).table["traces"][0].as_py())
