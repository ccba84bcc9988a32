"""`assay drift` as a shell runs it: its fields, LLMDrift March against June and against itself, what cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell

from server.exit_codes import USER_ERROR

ANSWERS = Path(__file__).resolve().parents[2] / "datasets/llmdrift/answers.jsonl.gz"
FIELDS = ["column", "type", "test", "statistic", "effect", "p", "p_adjusted", "n_reference", "n_current", "verdict"]
SIGNALS = ["Response Rate", "latency", "cost", "answer_token"]


def run(folder: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, ("drift", *arguments), kept, stdin)


def found(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return {one["column"]: one for one in map(json.loads, done.stdout.splitlines())}


def answers(model: str, task: str) -> list[dict[str, Any]]:
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["model"].endswith(model) and row["dataset"] == task]


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def table(**columns: list[object]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def test_march_against_june_is_drift_of_what_moved(tmp_path: Path) -> None:
    """GPT-4 answered 21 of 100 sensitive questions in March 2023 and 5 in June, and shorter."""
    (tmp_path / "march.jsonl").write_text(lines(answers("gpt-4-0314", "sensitiveq")))
    june = lines(answers("gpt-4-0613", "sensitiveq"))
    columns = [word for name in SIGNALS for word in ("--columns", name)]
    rows = found(run(tmp_path, "march.jsonl", "-", *columns, "--cluster", "id", "--json", stdin=june))
    assert list(rows) == SIGNALS
    assert list(rows["latency"])[:10] == FIELDS
    assert {one["verdict"] for one in rows.values()} == {"drift"}
    rate = rows["Response Rate"]
    assert (rate["type"], rate["reference"], rate["current"]) == ("rate", 0.21, 0.05)
    assert rate["effect"] == pytest.approx(-0.16)
    assert rate["ci_low"] < -0.16 < rate["ci_high"] < 0


@pytest.mark.parametrize("model", ["gpt-4-0314", "gpt-4-0613", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613"])
def test_halves_of_one_snapshot_are_not(tmp_path: Path, model: str) -> None:
    rows = answers(model, "sensitiveq")
    order = np.random.default_rng(1).permutation(len(rows))
    (tmp_path / "one.jsonl").write_text(lines([rows[at] for at in order[:50]]))
    other = lines([rows[at] for at in order[50:]])
    done = found(run(tmp_path, "one.jsonl", "-", "--columns", ",".join(SIGNALS), "--json", stdin=other))
    assert {one["verdict"] for one in done.values()} == {"no drift"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A column of each type; `flag` and `x` moved, a fifth of the current `score` is gone, `name` is free text."""
    rng = np.random.default_rng(2)
    for name, moved, rows in (("a.csv", 0.0, 120), ("b.csv", 1.0, 100)):
        text = table(
            flag=["yes" if one else "no" for one in rng.random(rows) < 0.2 + 0.3 * moved],
            x=list(rng.normal(moved, 1, rows)),
            score=["error" if moved and at % 5 == 0 else round(rng.random(), 3) for at in range(rows)],
            tool=list(rng.choice(["search", "mail", "none"], rows)),
            vector=[json.dumps(rng.normal(0, 1, 3).round(3).tolist()) for _ in range(rows)],
            name=[f"{name} {at}" for at in range(rows)],
        )
        (tmp_path / name).write_text(text)
    return tmp_path


def test_types_are_guessed_and_free_text_is_left_out(files: Path) -> None:
    done = run(files, "a.csv", "b.csv", "--json")
    rows = found(done)
    assert {name: (one["type"], one["verdict"]) for name, one in rows.items()} == {
        "flag": ("rate", "drift"), "x": ("numeric", "drift"), "score": ("numeric", "no drift"),
        "tool": ("categorical", "no drift"), "vector": ("embedding", "no drift"),
    }  # fmt: skip
    assert "name is left out: most of its values differ" in done.stderr
    gaps = rows["score"]["gaps"]
    assert (gaps["verdict"], gaps["current"], gaps["failed_current"]) == ("drift", 0.2, 20)
    assert rows["score"]["n_current"] == 80


@pytest.mark.parametrize(
    ("cells", "type_or_why"),
    [
        pytest.param(lambda at: at % 2, "rate", id="zero-one"),
        pytest.param(lambda at: ["True", "False"][at % 2], "rate", id="true-false"),
        pytest.param(lambda at: at % 5, "numeric", id="few-whole-numbers"),
        pytest.param(lambda at: f"{at % 3 + 0.5} ", "numeric", id="text-of-numbers"),
        pytest.param(lambda at: f"0{at % 7}", "categorical", id="leading-zeros-are-codes"),
        pytest.param(lambda at: ["7", "eight", "nine"][at % 3], "categorical", id="mixed"),
        pytest.param(lambda at: f"2026-03-{at % 20 + 1:02}T09:00Z", "of times, which go on", id="times"),
        pytest.param(lambda at: 500 + at, "it counts rows", id="numbers-of-rows"),
        pytest.param(lambda at: f"user {at}", "most of its values differ", id="names"),
        pytest.param(lambda at: "inf" if at == 3 else at / 7, "line 5: the value is infinite", id="infinite"),
        pytest.param(lambda at: "oops" if at == 3 else at / 7, "line 5: 'oops' is no number", id="one-mistake"),
    ],
)  # fmt: skip
def test_a_type_is_guessed_or_a_column_left_out(tmp_path: Path, cells: Any, type_or_why: str) -> None:
    (tmp_path / "a.csv").write_text(table(y=[0.5] * 60, x=[cells(at) for at in range(60)]))
    done = run(tmp_path, "a.csv", "-", "--json", stdin=table(y=[0.5] * 60, x=[cells(at + 60) for at in range(60)]))
    rows = found(done)
    if type_or_why in {"rate", "numeric", "categorical"}:
        assert (rows["x"]["type"], rows["x"]["verdict"]) == (type_or_why, "no drift")
    else:
        assert list(rows) == ["y"]
        assert type_or_why in next(line for line in done.stderr.splitlines() if "x is left out" in line)


def test_people_get_a_sentence_a_column(files: Path) -> None:
    said = run(files, "a.csv", "b.csv", "--columns", "flag,score,tool", "--min-effect", "tool=0.2").stdout
    told = said.splitlines()
    assert told[0].startswith("flag: drift: the share went from ")
    assert " points up (95 % CI " in told[0]
    assert told[1].startswith("score: no drift found: values moved by ")
    assert told[2].startswith(
        "score: drift: the share of rows without a value went from 0.0 % to 20.0 %, 20.0 points up"
    )
    assert told[2].endswith("20 failed rows among them.")
    assert told[3].startswith("tool: no drift found: shares of categories are a Jensen-Shannon distance of ")
    assert "- Drift is an effect of the least size or more, with a p-value below 0.05" in said


def test_too_little_is_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(x=[1, 2, 3]))
    done = run(tmp_path, "a.csv", "-", stdin=table(x=[1, 2, 9]))
    assert done.stdout.startswith(
        "x: insufficient data: the reference sample has 3 rows with a value, and 30 are the least."
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("a.csv", "b.csv", "--columns", "flog"), "no column 'flog'. Did you mean 'flag'?", id="column"),
        pytest.param(("a.csv", "b.csv", "--type", "x=number"), "A type is COL=TYPE, of rate, numeric,", id="type"),
        pytest.param(("a.csv", "b.csv", "--type", "x=rate"), "is neither 0 nor 1, as a rate's", id="no-rate"),
        pytest.param(("a.csv", "b.csv", "--type", "tool=numeric"), "Column 'tool', reference, line 2:", id="no-number"),
        pytest.param(("a.csv", "b.csv", "--min-effect", "x=-1"), "A least effect is a number, 0 or more", id="effect"),
        pytest.param(("a.csv", "b.csv", "--cluster", "sesion"), "There is no column 'sesion'.", id="cluster"),
        pytest.param(("-", "-"), "standard input is one file", id="twice-stdin"),
        pytest.param(("a.csv", "none.csv"), "none.csv cannot be read", id="no-file"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_told(files: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(files, *arguments)
    assert (done.returncode, done.stdout) == (USER_ERROR, "")
    assert says in done.stderr
