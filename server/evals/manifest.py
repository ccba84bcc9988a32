"""What a run was made from: versions, hashes, commit, environment. Equal manifests and digests mean equal results."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evaluators.targets.config import WAYS, TargetSettings
from server.evals.gating import passing_of
from server.evals.preparing import Prepared

PACKAGES = (
    "assayline", "numpy", "scipy", "pandas", "pyarrow", "pydantic", "jinja2", "openai", "anthropic", "httpx", "ragas",
    "regex", "jsonschema", "sacrebleu", "rouge-score", "snowballstemmer",
)  # fmt: skip
"""Those that a result may depend on."""
CI = (
    "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "CI_PROJECT_PATH",
    "CI_COMMIT_REF_NAME", "CI_COMMIT_SHA", "CI_PIPELINE_ID", "BUILD_TAG",
)  # fmt: skip
"""Variables by which GitHub, GitLab and Jenkins tell what they run. No other variable is looked at."""
GIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Commit:
    """What git says of the suite's folder."""

    commit: str
    branch: str | None  # null: detached
    changed: bool  # files that git tracks differ from the commit


def inputs(prepared: Prepared) -> dict[str, Any]:
    """All that decides the results, without times."""
    read, suite = prepared.read, prepared.read.suite
    return {
        "suite": suite.name, "suite_sha256": hashlib.sha256(read.text.encode()).hexdigest(),
        "dataset": {
            "file": suite.dataset.file, "sha256": prepared.dataset_digest, "items": prepared.items.count,
            "left_out": prepared.items.left_out, "clusters": prepared.items.clusters,
            "items_sha256": prepared.items.digest, "sample": suite.dataset.sample,
        }
        | stored_of(prepared),
        "target": {"kind": kind_of(suite.target), "ruler": prepared.target.ruler, "pinned": prepared.target.pinned}
        | ({} if prepared.prompt is None else {"prompt": dict(prepared.prompt)}),
        "evaluators": {
            one.use.called: {
                "evaluator": one.evaluator.card.name, "version": one.ruler, "cost": one.evaluator.card.cost,
                "options": dict(one.use.options), "pass": passing_of(one),
            }
            for one in prepared.scorers
        },
        "judges": {name: judge.settings.identity for name, judge in prepared.bench.judges.items()},
        "seed": suite.seed, "repeats": suite.repeats, "packages": packages(), "python": platform.python_version(),
    }  # fmt: skip


def stored_of(prepared: Prepared) -> dict[str, Any]:
    """Which version of a stored dataset was read; nothing of other items."""
    if (found := prepared.stored) is None:
        return {}
    told = {"project": found.project, "name": found.name, "version": found.version}
    return {"stored": told | {"split": prepared.read.suite.dataset.split}}


def kind_of(target: TargetSettings) -> str:
    """Which of the five ways it is."""
    return next(way for way in WAYS if getattr(target, way) is not None)


def packages() -> dict[str, str]:
    """Versions of the packages that a result may depend on; those that are not installed are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def surroundings(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Where a run took place: what may differ while the results do not."""
    commit = commit_of(folder)
    return {
        "git": None
        if commit is None
        else {"commit": commit.commit, "branch": commit.branch, "changed": commit.changed},
        "ci": {name: environment[name] for name in CI if environment.get(name)},
        "platform": f"{sys.platform} {platform.machine()}",
    }


def commit_of(folder: Path) -> Commit | None:
    """The commit of the repository that a folder stands in; null: it is in none, or there is no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    branch = _git(folder, "symbolic-ref", "--short", "-q", "HEAD")
    return Commit(commit, branch or None, bool(_git(folder, "status", "--porcelain", "--untracked-files=no")))


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_S, check=False)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
