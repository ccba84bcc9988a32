"""Judges against people in rows and sentences of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.calibration import words
from server.evals.figures import interval

Row = Mapping[str, Any]


def row(one: Row) -> dict[str, Any]:
    """A line of `assay judges list`."""
    kappa = one.get("kappa") or {}
    return {
        "score": one["score"], "evaluator": one["evaluator"], "version": one["version"], "model": one["model"],
        "trust": one["badge"], "kappa": interval(kappa["value"], kappa["ci_low"], kappa["ci_high"]) if kappa else "",
        "labelled": one["n"], "scores": one["scores"], "last_scored": str(one["last_at"])[:16],
    }  # fmt: skip


def sentences(found: Row) -> Iterator[str]:
    """A card: whose, whether it holds, its figures, its slices, what is left out."""
    version = f" {found['version']}" if found["version"] else ""
    yield f"{found['score']} by {found['evaluator'] or 'an unnamed evaluator'}{version}: {found['badge']}."
    yield found["sentence"]
    yield ""
    yield from words.of_card(found["card"])
    for one in found["slices"]:
        yield ""
        yield from words.of_card(one)
    if found["notes"]:
        yield ""
        yield from (f"- {note}" for note in found["notes"])
