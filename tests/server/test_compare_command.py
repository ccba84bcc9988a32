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

from server.compare.directions import guessed

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
    first, second, third, *_ = done.stdout.splitlines()
    assert first.startswith("new answers 0.095 better than base (score, 95% CI ")
    assert first.endswith(", no difference found in latency; enough data.")
    assert second.startswith("other is not found to answer better or worse than base (score, 95% CI ")
    assert third.startswith("score: new is 0.095")
    assert "higher than base" in third
    assert "which is better (95% CI" in third
    assert "Variants are compared item by item, as they share 80 items" in done.stdout
    assert "Higher is better of score; lower is better of latency_ms:" in done.stdout


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
    assert (row["n_a"], row["missing_a"], row["failed_a"]) == (30, 2, 0)
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


def small(*values: str, columns: str = "variant,item,s") -> str:
    return "\n".join((columns, *values)) + "\n"


def of_two(a: Any, b: Any, name: str = "s", **more: Any) -> str:
    table = pd.DataFrame({"variant": ["a"] * len(a) + ["b"] * len(b), "item": [*range(len(a)), *range(len(b))]})
    return table.assign(**{name: [*a, *b]}, **more).to_csv(index=False)


@pytest.mark.parametrize(
    ("names", "better"),
    [
        pytest.param(
            "bias toxicity wer cer mae rmse mse perplexity brier loss edit_distance runtime elapsed refusals timeout "
            "failed failures retries hallucination hallucinations latencyMs WERScore ttft_s error-rate errors_per_hour "
            "seconds_per_token total_tokens",
            "lower",
            id="lower",
        ),
        pytest.param(
            "tokens_per_second tokensPerSecond tokens/s hallucination_free cost_savings no_error non-toxic throughput "
            "helpfulness exact_match isCorrect",
            "higher",
            id="higher",
        ),
        pytest.param("uptime score lossless terse not_relevant visits_per_hour", None, id="no-word-says"),
    ],
)
def test_which_is_better_is_guessed_by_whole_words(names: str, better: str | None) -> None:
    assert {name: guessed(name) for name in names.split()} == dict.fromkeys(names.split(), better)


def test_both_directions_are_told(folder: Path) -> None:
    asked = ("compare", "results.csv", *ASKED, "--metric", "score,latency_ms")
    both = "Higher is better of score; lower is better of latency_ms: --lower-is-better and --higher-is-better say"
    assert both in run(folder, *asked).stdout
    said = run(folder, *asked, "--higher-is-better", "latency_ms").stdout
    assert "Higher is better of score, latency_ms: --lower-is-better says otherwise." in said


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        pytest.param(
            small("a,1,1", "b,1,2"), (), "such as --metric s. Columns of numbers: s.", id="items-are-no-metric"
        ),
        pytest.param(
            small("a,1", "b,2", columns="variant,s"),
            ("--metric", "s", "--paired"),
            "--paired needs --item, the column that names the items. Columns: variant, s.",
            id="paired-without-items",
        ),
        pytest.param(
            small("a,q1,1", "a,q2,1", "b,x1,2", "b,x2,3"),
            ("--metric", "s", "--paired"),
            "no two have one in column 'item': a has 'q1', b has 'x1'.",
            id="paired-with-no-shared-item",
        ),
        pytest.param(
            small("a,1,1_000", "b,1,2"), ("--metric", "s"), "Column 's', line 2: '1_000' is no number", id="underscore"
        ),
        pytest.param(
            small("a,1,1", "b,1,-1e200"), ("--metric", "s"), "line 3: -1e+200 is beyond 1e+60, up to", id="huge"
        ),
        pytest.param(
            small("a,1,0", "b,1,1e-200"), ("--metric", "s"), "no value is larger than 1e-200, and the", id="tiny"
        ),
        pytest.param(
            small(
                *(f"{v},{i},{(i * i + i * (v == 'b')) % 7}e59,{i % 9 + 1}e-59" for v in "ab" for i in range(30)),
                columns="variant,item,s,t",
            ),
            ("--ratio", "s/t"),
            "Figures of s/t leave the range of numbers",
            id="huge-ratio",
        ),
        pytest.param(
            small("a,1,1", "b,1,2"),
            ("--metric", "s", "--quantile", "s=0.5", "--quantile", "s=0.9", "--margin", "t=1"),
            "There is no column 't'. Columns: s, s p50, s p90.",
            id="margin-of-what",
        ),
        pytest.param(
            small("a,1,1", "b,1,2"),
            ("--quantile", "s=0.5", "--quantile", "s=0.9", "--margin", "s=1"),
            "Say of which a margin is: --margin 's p50'=1.",
            id="margin-of-two",
        ),
        pytest.param(
            small("a,1,1", "b,1,2"),
            ("--metric", "s", "--lower-is-better", "s", "--higher-is-better", "s"),
            "not both",
            id="both-directions",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(folder: Path, text: str, arguments: tuple[str, ...], said: str) -> None:
    done = run(folder, *written(folder, text), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_metric_named_twice_is_compared_once(folder: Path) -> None:
    assert len(rows(folder, "compare", "results.csv", *ASKED, "--metric", "score,score", "--baseline", "base")) == 2


def test_a_mean_and_quantiles_of_one_column_are_told_apart(folder: Path) -> None:
    asked = (*ASKED, "--metric", "score", "--quantile", "score=0.5", "--quantile", "score=0.8", "--margin", "score=1")
    found = rows(folder, "compare", "results.csv", *asked, "--margin", "score p80=2", "--baseline", "base")
    assert [(row["statistic"], row["margin"]) for row in found[::2]] == [("mean", 1), ("p50", None), ("p80", 2)]


@pytest.mark.parametrize("metrics", ["s", "s,t"])
def test_a_word_for_a_failure_is_no_value_of_its_own_metric(folder: Path, metrics: str) -> None:
    text = small(*(f"{v},{i},{'error' if i == 3 else i * 1.5},{i}" for v in "ab" for i in range(6)),
                 columns="variant,item,s,t")  # fmt: skip
    done = run(folder, *written(folder, text), "--metric", metrics, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["n_a"], row["missing_a"], row["failed_a"]) for row in found] == [(5, 1, 0), (6, 0, 0)][: len(found)]
    assert "s: 2 cells say error, failed or timeout, and count as without a value." in done.stderr


def test_numbers_of_items_are_the_same_with_a_point(folder: Path) -> None:
    text = small("a,1,1.5", "a,2,2.5", "a,03,1", "b,1.0,1.5", "b,2.0,2.6", "b,03,1")
    [row] = rows(folder, *written(folder, text), "--metric", "s")
    assert (row["paired"], row["n_a"], row["shared"]) == (True, 3, 3)
    [row] = rows(folder, *written(folder, small("1.0,1,2", "2.0,1,3")), "--metric", "s", "--baseline", "2.0")
    assert (row["a"], row["b"]) == ("2", "1")


def test_marks_within_quotes_part_no_columns() -> None:
    from server.compare.reading import read  # noqa: PLC0415

    table = read(io.BytesIO(b'variant;"item, id, or a, b";s\na;1;1.5\n'))
    assert list(table.columns) == ["variant", "item, id, or a, b", "s"]


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        pytest.param(0, "as they share no item, and pairs take two", id="none"),
        pytest.param(1, "as they share one item, and pairs take two", id="one"),
        pytest.param(2, "as they share fewer than half of their items", id="few"),
    ],
)
def test_why_variants_are_not_paired(folder: Path, shared: int, said: str) -> None:
    text = small(*(f"a,{i},{i}" for i in range(9)), *(f"b,{i + 9 - shared},{i}" for i in range(9)))
    assert said in run(folder, *written(folder, text), "--metric", "s").stdout


def test_an_interval_and_a_test_that_disagree_are_told(folder: Path) -> None:
    done = run(folder, *written(folder, of_two([0] * 5 + [1] * 35, [1] * 40)), "--metric", "s", "--json")
    row = json.loads(done.stdout)
    assert (row["p"], row["verdict"]) == (0.0625, "no difference found")
    assert row["ci_low"] > 0
    [note] = row["notes"]
    assert note == (
        "The interval leaves 0 out, and the test finds no difference (exact McNemar test, p 0.062): it is approximate. "
        "The test decides."
    )


def test_a_test_that_is_not_taken_is_told(folder: Path) -> None:
    asked = (*ASKED, "--quantile", "score=0.5", "--ratio", "latency_ms/correct", "--metric", "correct")
    done = run(folder, "compare", "results.csv", *asked, "--test", "bootstrap", "--draws", "200")
    assert "--test bootstrap is of means: score p50, latency_ms/correct have their own method." in done.stdout
    assert "--test" not in run(folder, "compare", "results.csv", *asked, "--draws", "200").stdout


def test_slices_that_all_point_the_other_way_are_told_softly(folder: Path) -> None:
    """Kidney stones (Charig and others 1986): 81 of 87 and 192 of 263 against 234 of 270 and 55 of 80."""
    counts = (("a", "small", 81, 87), ("a", "large", 192, 263), ("b", "small", 234, 270), ("b", "large", 55, 80))
    lines = [f"{name},{size},{int(at < right)}" for name, size, right, all_ in counts for at in range(all_)]
    asked = written(folder, small(*lines, columns="variant,size,ok"))
    done = run(folder, *asked, "--metric", "ok", "--slice", "size")
    assert "and lower in all 2 slices" in done.stdout
    assert "though not surely at this size" in done.stdout
    assert rows(folder, *asked, "--metric", "ok", "--slice", "size")[0]["simpson"]["clear"] is False


# Plans

PILOT = ("--pilot", "results.csv", *ASKED, "--metric", "score")


@pytest.mark.parametrize(
    ("arguments", "items"),
    [
        pytest.param(("--delta", "0.03", "--omega2", str(1 / 9)), 969, id="miller"),
        pytest.param(
            ("--delta", "0.03", "--omega2", str(1 / 9), "--sigma2", str(1 / 6), "--repeats", "10"), 1260, id="repeats"
        ),
        pytest.param(("--effect", "0.3"), 90, id="paired-t"),
        pytest.param(("--effect", "0.5", "--unpaired"), 64, id="unpaired-t"),
        pytest.param(("--rate", "0.8", "--delta", "0.05", "--unpaired"), 906, id="shares"),
        pytest.param(("--rate", "0.8", "--delta", "0.05", "--discordant", "0.2"), 626, id="mcnemar"),
        pytest.param(("--delta", "0.05", "--discordant", "0.2"), 626, id="mcnemar-without-a-rate"),
        pytest.param(
            ("--rate", "0.8", "--delta", "0.05", "--unpaired", "--cluster-size", "5", "--icc", "0.3"),
            1992,
            id="clusters",
        ),
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
    reach = stats.t.isf(0.025, row["items_exact"] - 1)
    centre = 0.01 / gaps.std(ddof=1) * row["items_exact"] ** 0.5
    assert stats.nct.sf(reach, row["items_exact"] - 1, centre) == pytest.approx(0.8, abs=1e-6)
    assert (row["a"], row["b"], row["pilot_items"]) == ("base", "new", N)


def test_a_pilot_and_its_deviation_say_the_same(folder: Path) -> None:
    gaps = RNG.normal(size=50)
    gaps = (gaps - gaps.mean()) / gaps.std(ddof=1)
    (folder / "pilot.csv").write_text(of_two(np.zeros(50), gaps))
    [piloted] = rows(folder, "plan", "--pilot", "pilot.csv", "--metric", "s", "--delta", "0.3")
    [told] = rows(folder, "plan", "--sd", "1", "--delta", "0.3")
    assert (piloted["items"], piloted["method"]) == (told["items"], told["method"]) == (90, "paired t test")
    [apart] = rows(folder, "plan", "--pilot", "pilot.csv", "--metric", "s", "--delta", "0.3", "--unpaired")
    [told] = rows(folder, "plan", "--sd", str(0.5**0.5), "--delta", "0.3", "--unpaired")
    assert (apart["items"], apart["method"]) == (told["items"], told["method"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "Say --delta, the difference to find", id="nothing"),
        pytest.param(("--delta", "0.1"), "Say how values spread", id="no-spread"),
        pytest.param(("--delta", "0.1", "--sd", "1", "--rate", "0.5"), "not from both", id="both"),
        pytest.param(("--delta", "0.3", "--rate", "0.9", "--unpaired"), "leaves the range from 0 to 1", id="range"),
        pytest.param(
            ("--delta", "0.3", "--rate", "0.9", "--discordant", "0.4"),
            "leaves the range from 0 to 1",
            id="paired-range",
        ),
        pytest.param(("--delta", "0.05", "--rate", "0.9"), "Say --discordant, of pairs the share", id="rate-of-pairs"),
        *(
            pytest.param((*way, "--delta", "0"), "--delta is 0, and no number of items finds that", id=f"zero-{way[0]}")
            for way in (("--sd", "1"), ("--omega2", "1"), ("--discordant", "0.2"), PILOT)
        ),
        pytest.param(("--effect", "0"), "--effect is 0, and no number", id="no-effect"),
        *(
            pytest.param((name, text, *more), f"{name} is {text}, and is to be a finite number", id=f"{text}{name}")
            for text in ("nan", "inf")
            for name, more in (("--delta", ("--sd", "1")), ("--effect", ()))
        ),
        pytest.param(("--delta", "1", "--sd", "inf"), "--sd is inf, and is to be a finite number", id="inf--sd"),
        pytest.param(("--items", "30", "--omega2", "0"), "A variance of 0 needs no test", id="no-variance"),
        pytest.param(("--items", "30", "--discordant", "0"), "--discordant is 0: of pairs", id="no-discordance"),
        pytest.param(("--delta", "1e-300", "--omega2", "1"), "--delta is 1e-300, and figures", id="tiny"),
        pytest.param(
            ("--delta", "-1.5", "--discordant", "1"), "--delta is -1.5, and a difference of shares", id="share"
        ),
        *(
            pytest.param(arguments, said, id=f"unused-{at}")
            for at, (arguments, said) in enumerate(
                (
                    (
                        ("--delta", "1", "--sd", "1", "--repeats", "5"),
                        "--repeats goes with --omega2 or --pilot, and is",
                    ),
                    (("--delta", "1", "--sd", "1", "--sigma2", "5"), "--sigma2 goes with --omega2, and is not used"),
                    (("--effect", "1", "--items", "30"), "--items goes with --sd, --rate, --discordant, --omega2 or"),
                    (("--effect", "1", "--delta", "1"), "--delta goes with"),
                    (("--delta", "1", "--omega2", "1", "--unpaired"), "--unpaired goes with --sd, --effect, --rate or"),
                    (("--delta", ".1", "--discordant", ".2", "--unpaired"), "--unpaired goes with"),
                    (("--delta", ".1", "--rate", ".2", "--discordant", ".2", "--unpaired"), "--discordant goes with"),
                    (("--delta", "1", "--sd", "1", "--icc", "0.5"), "--icc goes with --cluster-size, and is not"),
                    (("--delta", "1", "--sd", "1", "--cluster-size", "5"), "--cluster-size goes with --icc, and is"),
                    (("--delta", "1", "--sd", "1", "--metric", "score"), "--metric goes with --pilot, and is not used"),
                    ((*PILOT, "--delta", "1", "--sd", "1"), "not from both"),
                    ((*PILOT, "--delta", "1", "--icc", "0.5", "--cluster-size", "3"), "--cluster-size goes with"),
                    ((*PILOT, "--delta", "1", "--repeats", "2"), "The pilot has one answer an item"),
                )
            )
        ),
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
