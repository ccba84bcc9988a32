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
    for one in found["headlines"]:
        yield f"{one['sentence']} {one['beside']}"
    headed = {(one["variant"], found["quality"]) for one in found["headlines"]}
    for one in [*found["pairs"], *found["sliced"]]:
        if few and one["verdict"] not in FOUND:
            continue
        if one["slice"] is not None or (one["b"], one["metric"]) not in headed:
            yield one["sentence"]
    for sentence in [*dict.fromkeys(one["why"] for one in found["refused"]), *found["paradoxes"], *found["notes"]]:
        yield f"- {sentence}"
