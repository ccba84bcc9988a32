"""What a run was made from, and in what that differs from its baseline's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data, data_runs, runs, suites, widgets
from app import format as fmt
from app.runs import Run


def section(told: Run) -> None:
    """The manifest, and in what it differs from the baseline's."""
    manifest = told["manifest"]
    if manifest is None or "dataset" not in manifest:
        return
    with st.expander("What it was made from"):
        widgets.fields(facts(manifest), columns=4)
        if told["document"]:
            st.caption("The suite as it was run")
            st.code(told["document"], language="yaml", height=260)
        st.caption("Versions of packages")
        st.text(", ".join(f"{name} {version}" for name, version in manifest.get("packages", {}).items()))
        st.page_link(
            "views/suites.py",
            label="The suite",
            icon=":material/checklist:",
            query_params={suites.CHOSEN: told["suite"]},
        )


def facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The manifest in words."""
    dataset, target, git = manifest["dataset"], manifest["target"], manifest.get("git") or {}
    commit = str(git.get("commit") or fmt.UNKNOWN)[:12] + (" with changes" if git.get("changed") else "")
    evaluators = ", ".join(f"{name} {one['version']}" for name, one in manifest["evaluators"].items())
    ended = (runs.at(manifest["ended_at"]) - runs.at(manifest["started_at"])).total_seconds()
    metadata = ", ".join(f"{key}={value}" for key, value in (manifest.get("metadata") or {}).items())
    pushed = {"Harness": fmt.clip(manifest.get("harness") or "", 100), "Metadata": fmt.clip(metadata, 300)}
    return {name: said for name, said in pushed.items() if said} | {
        "Dataset": f"{_dataset(dataset, target['kind'])}, {dataset['items']:,} items",
        "Items": f"{str(dataset['items_sha256'])[:12]}, {dataset['left_out']:,} rows left out",
        "Target": f"{target['kind']}, {'pinned' if target['pinned'] else 'not pinned'}",
        "Repeats, seed": f"{manifest['repeats']:,}, {manifest['seed']}",
        "Evaluators": fmt.clip(evaluators, 300), "Commit": commit, "Branch": str(git.get("branch") or "none"),
        "Took": fmt.duration(ended * 1e9), "Begun again": f"{manifest['resumed']:,} times",
        "Python": f"{manifest['python']}, {manifest['platform']}",
        "CI": fmt.clip(", ".join(manifest.get("ci", {}).values()) or "none", 200),
        "Results": str(manifest["results_sha256"])[:12],
    }  # fmt: skip


def _dataset(told: Mapping[str, Any], kind: str) -> str:
    """What the items are of."""
    stored = told.get("stored")
    if stored is None:
        return str(told["file"] or ("not told" if kind == "pushed" else "stored traces"))
    split = f", split {stored['split']}" if stored["split"] else ""
    return fmt.clip(f"{stored['name']} version {stored['version']}{split}", 200)


def against(told: Run) -> None:
    """In what the run differs from its baseline, where the store has that."""
    baseline = (told["summary"] or {}).get("baseline")
    if not baseline:
        return
    began = fmt.plain(str(baseline["started_at"])[:16])
    shared = (
        f"Compared with the run of {began}: {baseline['shared']:,} items hold the same, "
        f"{baseline['changed']:,} changed, {baseline['only_here']:,} only here, {baseline['only_there']:,} only there."
    )
    try:
        theirs = data_runs.run(baseline["run_id"])["manifest"]
    except data.ApiError:
        st.caption(f"{shared} That run is not stored, so what else differs is unknown.")
        return
    differs = ", ".join(differences(told["manifest"], theirs)) or "nothing that the manifest tells"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{shared} Differs from the baseline in: {fmt.plain(differs, 400)}.", width="content")
        link = {runs.CHOSEN: baseline["run_id"]}
        st.page_link("views/runs.py", label="The baseline", icon=":material/experiment:", query_params=link)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> list[str]:
    """Names of what two manifests do not have alike, of that which may change results."""
    if theirs is None or "dataset" not in theirs:
        return ["what is not known: the baseline has no manifest"]
    said = [
        words
        for words, path in (
            ("suite", ("suite_sha256",)), ("items", ("dataset", "items_sha256")), ("target", ("target", "ruler")),
            ("judges", ("judges",)), ("repeats", ("repeats",)), ("seed", ("seed",)), ("Python", ("python",)),
            ("commit", ("git", "commit")),
        )
        if _at(ours, path) != _at(theirs, path)
    ]  # fmt: skip
    for kind in ("evaluators", "packages"):
        mine, others = ours.get(kind) or {}, theirs.get(kind) or {}
        said += [
            f"{'evaluator ' if kind == 'evaluators' else ''}{name}"
            for name in sorted({*mine, *others})
            if mine.get(name) != others.get(name)
        ]
    return said


def _at(manifest: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = manifest
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
