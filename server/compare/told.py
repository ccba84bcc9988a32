"""The answer of a comparison of runs or traffic as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FOUND = ("better", "worse", "higher", "lower")
"""Verdicts by which there is a difference."""


def sentences_of(found: Mapping[str, Any], *, few: bool = False) -> Iterator[str]:
    """The verdicts, the headlines first; then what is to be said beside them, each behind a dash.

    `few`: beside the headlines only differences that were found.
    """
    yield from (one["sentence"] for one in found["headlines"])
    for one in [*found["pairs"], *found["sliced"]]:
        if not few or one["verdict"] in FOUND:
            yield one["sentence"]
    refused = dict.fromkeys(one["why"] for one in found["refused"])
    for sentence in [*found["stated"], *refused, *found["paradoxes"], *found["notes"]]:
        yield f"- {sentence}"
