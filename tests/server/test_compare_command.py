"""`assay compare` and `assay plan` as a shell runs them."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shell
from scipy import stats

RNG = np.random.default_rng(5)
N = 80
ITEM = np.arange(N)
BASE = RNG.normal(0.6, 0.2, N)
TABLE = pd.DataFrame(
    {
        "model": np.repeat(["base", "new", "other"], N),
        "question": np.tile(ITEM, 3),
        "score": np.r_[BASE, BASE + RNG.normal(0.1, 0.1, N), BASE + RNG.normal(0, 0.1, N)].round(4),
        "correct": RNG.random(3 * N) < np.repeat([0.5, 0.8, 0.5], N),
        "latency_ms": RNG.lognormal(5, 0.4, 3 * N).round(1),
        "topic": np.tile(ITEM % 16, 3),
    }
)
ASKED = ("--variant", "model", "--item", "question")
FIRST = (
    "metric a b n_a n_b mean_a mean_b difference ci_low ci_high test p p_adjusted effect mde verdict".split()  # noqa: SIM905 - one line
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare")
    TABLE.to_csv(made / "results.csv", index=False)
    TABLE.to_json(made / "results.jsonl", orient="records", lines=True)
    TABLE.to_parquet(made / "results.parquet")
    (made / "results.csv.gz").write_bytes(gzip.compress((made / "results.csv").read_bytes()))
    TABLE.to_csv(made / "results.tsv", index=False, sep="\t")
    return made


def run(folder: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, arguments, kept, stdin)


def rows(folder: Path, *arguments: str, stdin: str | None = None) -> list[dict[str, Any]]:
    done = run(folder, *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "small.csv").write_text(text)
    return ("compare", "small.csv")


def test_one_object_per_metric_and_pair(folder: Path) -> None:
    found = rows(folder, "compare", "results.csv", *ASKED, "--metric", "score,correct")
    assert [(row["metric"], row["a"], row["b"]) for row in found] == [
        (metric, a, b)
        for metric in ("score", "correct")
        for a, b in (("base", "new"), ("base", "other"), ("new", "other"))
    ]
    assert list(found[0])[: len(FIRST)] == FIRST
    base, new = (TABLE["score"][TABLE["model"] == name].to_numpy() for name in ("base", "new"))
    expected = stats.ttest_rel(new, base)
    assert found[0]["p"] == pytest.approx(expected.pvalue)
    assert (found[0]["ci_low"], found[0]["ci_high"]) == pytest.approx(tuple(expected.confidence_interval()))
    assert found[0]["difference"] == pytest.approx(found[0]["mean_b"] - found[0]["mean_a"])
    assert (found[0]["verdict"], found[0]["paired"]) == ("better", True)
    assert found[3]["test"] == "exact McNemar test"


@pytest.mark.parametrize("name", ["results.jsonl", "results.parquet", "results.csv.gz", "results.tsv"])
def test_every_kind_of_file_says_the_same(folder: Path, name: str) -> None:
    asked = (*ASKED, "--metric", "correct")
    assert rows(folder, "compare", name, *asked) == rows(folder, "compare", "results.csv", *asked)


def test_standard_input(folder: Path) -> None:
    asked = (*ASKED, "--metric", "score")
    text = TABLE.to_csv(index=False)
    assert rows(folder, "compare", "-", *asked, stdin=text) == rows(folder, "compare", "results.csv", *asked)


def test_people_are_told_the_verdict_first(folder: Path) -> None:
    done = run(
        folder, "compare", "results.csv", *ASKED, "--metric", "score", "--metric", "latency_ms", "--baseline", "base"
    )
    assert done.returncode == 0
    assert done.stdout.startswith("score: new is 0.095")
    assert "higher than base" in done.stdout.splitlines()[0]
    assert "which is better (95% CI" in done.stdout.splitlines()[0]
    assert "Variants are compared item by item, as they share 80 items" in done.stdout
    assert "Lower is better of latency_ms" in done.stdout


def test_unpaired_and_clusters_and_levels(folder: Path) -> None:
    [apart] = rows(
        folder,
        "compare",
        "results.csv",
        *ASKED,
        "--metric",
        "score",
        "--unpaired",
        "--baseline",
        "base",
        "--level",
        "0.9",
    )[:1]
    base, new = (TABLE["score"][TABLE["model"] == name] for name in ("base", "new"))
    expected = stats.ttest_ind(new, base, equal_var=False)
    assert (apart["test"], apart["p"]) == ("Welch's t test", pytest.approx(expected.pvalue))
    assert (apart["ci_low"], apart["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    [clustered] = rows(folder, "compare", "results.csv", *ASKED, "--metric", "score", "--cluster", "topic")[:1]
    sums = (new.to_numpy() - base.to_numpy()).reshape(5, 16).mean(axis=0)
    assert (clustered["test"], clustered["clusters_a"]) == ("cluster-robust paired t test", 16)
    assert clustered["p"] == pytest.approx(stats.ttest_1samp(sums, 0).pvalue)


def test_quantiles_ratios_margins(folder: Path) -> None:
    [p95, *_] = rows(folder, "compare", "results.csv", *ASKED, "--quantile", "latency_ms=0.5", "--baseline", "base")
    base, new = (TABLE["latency_ms"][TABLE["model"] == name] for name in ("base", "new"))
    assert (p95["statistic"], p95["difference"]) == ("p50", pytest.approx(new.median() - base.median()))
    [ratio, *_] = rows(folder, "compare", "results.csv", *ASKED, "--ratio", "latency_ms/correct", "--baseline", "base")
    assert (ratio["metric"], ratio["better"]) == ("latency_ms/correct", "lower")
    assert ratio["mean_b"] == pytest.approx(new.sum() / TABLE["correct"][TABLE["model"] == "new"].sum())
    asked = (*ASKED, "--metric", "score", "--baseline", "base", "--margin", "0.05")
    found = rows(folder, "compare", "results.csv", *asked)
    assert [row["verdict"] for row in found] == ["better", "non-inferior"]
    found = rows(folder, "compare", "results.csv", *asked, "--equivalence")
    assert [row["verdict"] for row in found] == ["better", "equivalent"]


def test_slices(folder: Path) -> None:
    found = rows(
        folder, "compare", "results.csv", *ASKED, "--metric", "score", "--baseline", "base", "--slice", "topic"
    )
    assert [row["slice"] for row in found[:2]] == [None, None]
    assert {row["slice"] for row in found} == {None, *map(str, range(16))}
    assert all(row["p_adjusted"] >= row["p"] for row in found if row["p"] is not None)
    assert found[0]["simpson"] is None


def test_missing_values_and_failed_rows_are_told_and_are_no_zeros(folder: Path) -> None:
    text = "variant,item,score,failed\n" + "".join(
        f"{name},{at},{'' if at == 3 else at + bonus},{'true' if at == 5 and name == 'b' else ''}\n"
        for name, bonus in (("a", 0), ("b", 1))
        for at in range(20)
    )
    done = run(folder, *written(folder, text), "--metric", "score", "--json")
    [row] = map(json.loads, done.stdout.splitlines())
    assert (row["n_a"], row["missing_a"], row["missing_b"], row["failed_b"], row["unpaired_a"]) == (18, 1, 1, 1, 1)
    assert (row["difference"], row["verdict"]) == (1, "better")
    assert "1 row failed, and are in no figure." in done.stderr
    assert "left out are 1 row without a value, 1 item that the other lacks of a" in done.stderr


def test_words_for_failures_among_numbers(folder: Path) -> None:
    text = "variant,score\n" + "".join(f"{name},{value}\n" for name in "ab" for value in (*range(30), "error", "NA"))
    [row] = rows(folder, *written(folder, text), "--metric", "score")
    assert (row["n_a"], row["missing_a"], row["failed_a"]) == (30, 1, 1)
    assert "as no column names the items" in run(folder, *written(folder, text), "--metric", "score").stdout


def test_words_for_yes_and_no(folder: Path) -> None:
    text = "variant,score\n" + "".join(
        f"{name},{'Passed' if at % 3 else 'failed'}\n" for name in "ab" for at in range(30)
    )
    [row] = rows(folder, *written(folder, text), "--metric", "score")
    assert (row["statistic"], row["mean_a"], row["failed_a"]) == ("share", pytest.approx(2 / 3), 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--metric", "scor"), "no column 'scor'. Did you mean 'score'? Columns: model,", id="column"),
        pytest.param(("--metric", "score", "--cluster", "Topics"), "Did you mean 'topic'?", id="cluster"),
        pytest.param((), "Name what to compare, such as --metric score. Columns of numbers:", id="nothing"),
        pytest.param(("--metric", "model"), "Column 'model', line 2: 'base' is no number", id="text"),
        pytest.param(("--metric", "score", "--baseline", "bas"), "No variant is named 'bas'.", id="baseline"),
        pytest.param(("--metric", "score", "--quantile", "95"), "between 0 and 1, such as 0.95", id="quantile"),
        pytest.param(("--metric", "score", "--margin", "-1"), "A margin is above 0", id="margin"),
        pytest.param(
            ("--metric", "score", "--lower-is-better", "correct"), "'correct' is not compared", id="direction"
        ),
        pytest.param(("--ratio", "score"), "A ratio is two columns, such as cost/success", id="ratio"),
        pytest.param(("--metric", "score", "--equivalence"), "equivalence is of a margin", id="equivalence"),
    ],
)
def test_bad_input_is_told(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(folder, "compare", "results.csv", *ASKED, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "The file is empty", id="empty"),
        pytest.param("variant,score\na,1\n", "names one variant or none ('a')", id="one-variant"),
        pytest.param("variant,score\na,1\nb\n", "Line 3 has 1 cells, and the header has 2 columns.", id="short-row"),
        pytest.param("variant,score\na,1\nb,high\n", "Column 'score', line 3: 'high' is no number", id="word"),
        pytest.param("variant,score\na,1\nb,inf\n", "Column 'score', line 3: the value is infinite", id="infinite"),
        pytest.param('{"variant": "a", "score": 1}\n{"variant"\n', "Line 2 is no JSON", id="json"),
        pytest.param("variant,score,score\n", "names the column 'score' twice", id="twice"),
    ],
)
def test_bad_files_are_told(folder: Path, text: str, said: str) -> None:
    done = run(folder, *written(folder, text), "--metric", "score")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_objects_within_objects_are_columns(folder: Path) -> None:
    text = "".join(
        json.dumps({"variant": name, "item": at, "scores": {"quality": at + bonus}}) + "\n"
        for name, bonus in (("a", 0), ("b", 1))
        for at in range(20)
    )
    [row] = rows(folder, "compare", "-", "--metric", "scores.quality", stdin=text)
    assert row["difference"] == 1


def test_a_file_of_bytes_is_told(folder: Path) -> None:
    (folder / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    assert "no text in UTF-8" in run(folder, "compare", "bytes.csv", "--metric", "score").stderr


# Plans


@pytest.mark.parametrize(
    ("arguments", "items"),
    [
        pytest.param(("--delta", "0.03", "--omega2", str(1 / 9)), 969, id="miller"),
        pytest.param(
            ("--delta", "0.03", "--omega2", str(1 / 9), "--sigma2", str(1 / 6), "--repeats", "10"), 1260, id="repeats"
        ),
        pytest.param(("--effect", "0.3"), 90, id="paired-t"),
        pytest.param(("--effect", "0.5", "--unpaired"), 64, id="unpaired-t"),
        pytest.param(("--rate", "0.8", "--delta", "0.05"), 906, id="shares"),
        pytest.param(("--rate", "0.8", "--delta", "0.05", "--discordant", "0.2"), 626, id="mcnemar"),
        pytest.param(("--rate", "0.8", "--delta", "0.05", "--cluster-size", "5", "--icc", "0.3"), 1992, id="clusters"),
    ],
)
def test_plans(folder: Path, arguments: tuple[str, ...], items: int) -> None:
    [row] = rows(folder, "plan", *arguments)
    assert row["items"] == items
    assert f"{items:,} items" in run(folder, "plan", *arguments).stdout


def test_what_so_many_items_find(folder: Path) -> None:
    [row] = rows(folder, "plan", "--items", "969", "--omega2", str(1 / 9))
    assert row["delta"] == pytest.approx(0.03, abs=1e-5)


def test_a_plan_from_a_pilot(folder: Path) -> None:
    asked = ("--pilot", "results.csv", *ASKED, "--metric", "score", "--delta", "0.01")
    [row, *_] = rows(folder, "plan", *asked)
    gaps = np.diff([TABLE["score"][TABLE["model"] == name] for name in ("base", "new")], axis=0)
    assert row["items_exact"] == pytest.approx((1.959964 + 0.841621) ** 2 * gaps.var(ddof=1) / 0.01**2, rel=1e-5)
    assert (row["a"], row["b"], row["pilot_items"]) == ("base", "new", N)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "Say --delta, the difference to find", id="nothing"),
        pytest.param(("--delta", "0.1"), "Say how values spread", id="no-spread"),
        pytest.param(("--delta", "0.1", "--sd", "1", "--rate", "0.5"), "not from both", id="both"),
        pytest.param(("--delta", "0.3", "--rate", "0.9"), "leaves the range from 0 to 1", id="range"),
        pytest.param(("--delta", "0", "--sd", "1"), "A difference of 0 is found by no number of items", id="zero"),
    ],
)
def test_plans_that_cannot_be_made(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(folder, "plan", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_reading_is_of_bytes() -> None:
    from server.compare.reading import numbers, read  # noqa: PLC0415

    table = read(io.BytesIO("\ufeffvariant;score\na;true\nb;0.5\n".encode()))
    assert list(table.columns) == ["variant", "score"]
    assert numbers(table, "score")[0].tolist() == [1.0, 0.5]
