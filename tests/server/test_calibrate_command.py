"""`assay calibrate` as a shell runs it: the card, corrected estimates, variants, plans, and what cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell

from server.exit_codes import USER_ERROR

LABELS, SCORES = ["1", "0", "1", "1"], [0.9, 0.2, 0.8, 0.6, 0.5, 0.7, 0.9, 0.3, 0.6, 0.8]


def run(folder: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, ("calibrate", *arguments), kept, stdin)


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(**columns: list[Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def methods(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["method"]: one for one in row["estimates"]}


def test_the_published_ppi_estimate(tmp_path: Path) -> None:
    text = table(item=list(range(10)), judge=SCORES, human=[*LABELS, *[""] * 6])
    [row] = rows_of(run(tmp_path, "-", "--json", "--lambda", "1", "--normal", stdin=text))
    found = methods(row)["ppi"]
    assert found["value"] == pytest.approx(0.758333, abs=1e-6)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((0.493918, 1.022749), abs=1e-6)
    assert (row["n"], row["n_unlabelled"]) == (4, 6)


def test_the_published_rogan_gladen_estimate(tmp_path: Path) -> None:
    """1,000 rows of which the judge says .75; of 200 labelled ones specificity is .85 and sensitivity .9."""
    judge = [1] * 750 + [0] * 250 + [0] * 85 + [1] * 15 + [1] * 90 + [0] * 10
    human = [""] * 1000 + ["no"] * 100 + ["yes"] * 100
    [row] = rows_of(run(tmp_path, "-", "--json", stdin=table(item=list(range(1200)), judge=judge, human=human)))
    found = methods(row)["rogan_gladen"]
    assert found["value"] == pytest.approx(0.8)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((0.731632, 0.886894), abs=1e-6)
    assert (row["sensitivity"]["value"], row["specificity"]["value"]) == (0.9, 0.85)
    # Half of the labelled rows are a yes by people, and two thirds of the others: no random sample, and it is said.
    assert row["labelled_differ"]["differ"]
    assert "they are no random sample" in row["sentence"]


@pytest.fixture(scope="module")
def answers() -> dict[str, list[Any]]:
    """Two variants of 900 items in two topics; a judge whose scores are kind to long answers that stood first."""
    rng = np.random.default_rng(3)
    n = 900
    columns: dict[str, list[Any]] = {
        name: [] for name in ("item", "judge", "human", "model", "topic", "chars", "place", "session")
    }
    for model, rate in (("new", 0.7), ("old", 0.55)):
        truth = rng.random(n) < rate
        chars, first = rng.integers(50, 2000, n), rng.random(n) < 0.5
        leaning = 0.4 * np.log2(chars / 300) + 0.8 * first
        score = 1 / (1 + np.exp(-(2 * truth - 1.6 + leaning + rng.normal(0, 1, n))))
        columns["item"] += list(range(n))
        columns["judge"] += score.round(3).tolist()
        columns["human"] += [("yes" if one else "no") if at % 6 == 0 else "" for at, one in enumerate(truth)]
        columns["model"] += [model] * n
        columns["topic"] += ["law" if one else "tax" for one in rng.random(n) < 0.5]
        columns["chars"] += chars.tolist()
        columns["place"] += ["first" if one else "second" for one in first]
        columns["session"] += [at // 3 for at in range(n)]
    return columns


def test_the_card(tmp_path: Path, answers: dict[str, list[Any]]) -> None:
    words = shlex.split("--json --length chars --position place --by topic --strata topic --width 0.06")
    done = run(tmp_path, "-", *words, stdin=table(**answers))
    rows = rows_of(done)
    assert [(row["kind"], row["slice"]) for row in rows] == [("card", None), ("card", "law"), ("card", "tax")]
    whole = rows[0]
    assert (whole["n"], whole["n_rows"], whole["measure"]) == (300, 1800, "rate")
    assert sum(row["n"] for row in rows[1:]) == 300
    for name in ("sensitivity", "specificity", "agreement", "kappa", "gwet_ac1", "threshold"):
        assert whole[name]["ci_low"] <= whole[name]["value"] <= whole[name]["ci_high"], name
    assert len(whole["reliability"]) == 10
    assert whole["length_bias"]["ci_low"] > 0
    assert whole["position_bias"]["p_value"] < 0.01
    assert whole["trust"] in {"high", "moderate", "unsure", "low"}
    assert list(methods(whole)) == ["judge_only", "human_only", "ppi", "ppi_stratified", "rogan_gladen"]
    assert sum(one["labels"] for one in whole["plan"]["strata"]) == whole["plan"]["more"]
    assert "The judge says yes from a score of 0.5 on" in done.stderr


def test_variants_are_compared_as_people_would(tmp_path: Path, answers: dict[str, list[Any]]) -> None:
    rows = rows_of(run(tmp_path, "-", "--json", "--variant", "model", stdin=table(**answers)))
    assert [row["kind"] for row in rows] == ["card", "card", "card", "difference"]
    new, old = (methods(row)["ppi"] for row in rows[1:3])
    apart = methods(rows[3])
    assert (rows[3]["a"], rows[3]["b"]) == ("new", "old")
    assert apart["ppi"]["value"] == pytest.approx(old["value"] - new["value"])
    assert apart["ppi"]["ci_low"] < apart["ppi"]["value"] < apart["ppi"]["ci_high"] < 0
    assert apart["human_only"]["ci_high"] - apart["human_only"]["ci_low"] > 1.1 * (
        apart["ppi"]["ci_high"] - apart["ppi"]["ci_low"]
    )
    assert apart["rogan_gladen"]["ci_low"] is not None


def test_clusters_take_rogan_gladens_interval_away(tmp_path: Path, answers: dict[str, list[Any]]) -> None:
    [row] = rows_of(run(tmp_path, "-", "--json", "--cluster", "session", stdin=table(**answers)))
    found = methods(row)["rogan_gladen"]
    assert found["ci_low"] is None
    assert "depend on one another" in found["why"]


def test_people_get_sentences(tmp_path: Path, answers: dict[str, list[Any]]) -> None:
    said = run(tmp_path, "-", "--variant", "model", stdin=table(**answers)).stdout
    assert said.startswith("All rows: 300 labelled rows of 1,800.\nSensitivity 0.")
    assert "\nThe rate by prediction-powered (PPI++) is 0." in said
    assert "\nold less new:\nThe difference of rates by the judge alone is -0." in said
    assert "\n- The judge says yes from a score of 0.5 on" in said


@pytest.mark.parametrize(
    ("words", "judge", "human", "known", "unknown"),
    [
        pytest.param([], [1, 5, 3, 4, 2, 5], [2, 5, 3, 4, 1, ""], "ppi", "kappa", id="scores-of-both"),
        pytest.param(["--threshold", "4", "--human-threshold", "4"], [1, 5, 3, 4, 2, 5], [2, 5, 3, 4, 1, ""], "kappa",
                     None, id="thresholds"),
        pytest.param([], [1, 5, 3, 4, 2, 5], [0, 1, 0, 1, 0, ""], "threshold", "kappa", id="scores-of-the-judge"),
        pytest.param(["--positive", "good"], ["good", "bad", "good", "bad", "good", ""],
                     ["good", "bad", "bad", "bad", "good", "good"], "kappa", None, id="words"),
    ],
)  # fmt: skip
def test_what_scores_allow(
    tmp_path: Path, words: list[str], judge: list[Any], human: list[Any], known: str, unknown: str | None
) -> None:
    [row] = rows_of(run(tmp_path, "-", "--json", *words, stdin=table(judge=judge, human=human)))
    assert row["n"] == 5
    if known == "ppi":
        assert row["measure"] == "mean"
        assert methods(row)["ppi"]["value"] is not None
    else:
        assert row[known]["value"] is not None
    assert unknown is None or unknown not in row


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        pytest.param([], "item,score,human\n1,1,1\n", "no column 'judge'", id="column"),
        pytest.param([], table(judge=[1, 0], human=["", ""]), "label some rows first", id="no-label"),
        pytest.param([], table(judge=["good", "bad"], human=["good", "bad"]), "--positive good", id="words"),
        pytest.param(["--positive", "fine"], table(judge=["a"], human=["b"]), "--positive fine is in", id="positive"),
        pytest.param(["--variant", "v"], table(judge=[1], human=[1], v=["a"]), "the column has 1", id="variants"),
        pytest.param(["--strata", "s"], table(judge=[1, 0], human=[1, 0]), "no column 's'", id="strata"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(tmp_path: Path, words: list[str], text: str, why: str) -> None:
    done = run(tmp_path, "-", *words, stdin=text)
    assert done.returncode == USER_ERROR
    assert why in done.stderr
    assert done.stdout == ""
