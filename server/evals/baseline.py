"""The run of a folder as the one that gates compare with; it is read whole, and checked against its digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evaluators.suites.results import verified_rows
from server.evals.columns import columns_of
from server.evals.folder import MANIFEST, RESULTS
from server.evals.gating import Baseline
from server.evals.preparing import SuiteError

_TEXTS = ("run_id", "started_at", "results_sha256")


def folder_baseline(path: Path) -> Baseline:
    """The run of a folder of results.

    Raises:
        EvaluatorError: there is none, or its results are not those that its manifest tells of.
    """
    manifest = _manifest(path)
    return Baseline(manifest, columns_of(verified_rows(path / RESULTS, manifest["results_sha256"])))


def _manifest(path: Path) -> dict[str, Any]:
    try:
        told = json.loads((path / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteError(f"The baseline {path} has no {MANIFEST} of a run: {error}") from error
    if not isinstance(told, dict):
        raise SuiteError(f"The baseline {path} has no {MANIFEST} of a run: it is no object.")
    lacking = [name for name in _TEXTS if not isinstance(told.get(name), str)]
    lacking += [] if _has_evaluators(told.get("evaluators")) else ["evaluators"]
    if lacking:
        raise SuiteError(
            f"The baseline {path} has a {MANIFEST} without {' and '.join(lacking)}: it is damaged. Run it again."
        )
    return told


def _has_evaluators(told: Any) -> bool:
    return isinstance(told, dict) and all(
        isinstance(one, dict) and {"evaluator", "version", "pass"} <= one.keys() for one in told.values()
    )
