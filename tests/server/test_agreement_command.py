"""`assay agreement` as a shell runs it: its fields, slices, pairs, gold, consensus, and what cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shell

from server.exit_codes import USER_ERROR

PANDALM = Path(__file__).resolve().parents[1] / "analytics/data/pandalm/labels.csv"
FIELDS = ["coefficient", "value", "ci_low", "ci_high", "n_items", "n_labellers"]
NAMES = [
    "percent_agreement", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha_nominal", "krippendorff_alpha_ordinal",
    "krippendorff_alpha_interval", "gwet_ac1",
]  # fmt: skip
PEOPLE = ["annotator1", "annotator2", "annotator3"]


def run(folder: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, ("agreement", *arguments), kept, stdin)


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(*rows: tuple[object, ...], header: str = "item,labeller,label") -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture(scope="module")
def pandalm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of three people and a recorded judge, the language model that won as a slice."""
    with PANDALM.open(encoding="utf-8") as lines:
        told = list(csv.DictReader(lines))
    rows = [(row["item"], name, row[name], row["pair"][:4]) for row in told for name in [*PEOPLE, "pandalm7b"]]
    folder = tmp_path_factory.mktemp("pandalm")
    (folder / "all.csv").write_text(table(*rows, header="item,labeller,label,pair"))
    (folder / "people.csv").write_text(table(*(row[:3] for row in rows if row[1] in PEOPLE)))
    return folder


def test_one_object_a_coefficient(pandalm: Path) -> None:
    rows = rows_of(run(pandalm, "people.csv", "--json"))
    assert [row["coefficient"] for row in rows] == NAMES
    assert all(list(row)[:6] == FIELDS for row in rows)
    assert all(row["ci_low"] < row["value"] < row["ci_high"] for row in rows)
    assert {(row["n_items"], row["n_labellers"]) for row in rows} == {(553, 3)}
    assert 0.85 < rows[1]["value"] < 0.88


def test_every_pair_of_people_agrees_as_published(pandalm: Path) -> None:
    rows = rows_of(run(pandalm, "people.csv", "--json", "--pairs"))
    kappas = {
        tuple(row["labellers"]): row["value"]
        for row in rows
        if row["coefficient"] == "cohen_kappa" and row["labellers"]
    }
    assert len(kappas) == 3
    assert all(0.85 <= value <= 0.88 for value in kappas.values())


def test_jsonl_and_parquet_say_the_same_as_csv(pandalm: Path) -> None:
    with (pandalm / "people.csv").open() as lines:
        told = list(csv.DictReader(lines))
    expected = run(pandalm, "people.csv", "--json").stdout
    as_json = "".join(json.dumps(row | {"label": int(row["label"])}) + "\n" for row in told)
    assert run(pandalm, "-", "--json", stdin=as_json).stdout == expected
    columns = {"item": [int(row["item"]) for row in told], "labeller": [row["labeller"] for row in told],
               "label": [int(row["label"]) for row in told]}  # fmt: skip
    pq.write_table(pa.table(columns), pandalm / "people.parquet")
    assert run(pandalm, "people.parquet", "--json").stdout == expected


def test_slices_follow_the_total(pandalm: Path) -> None:
    rows = rows_of(run(pandalm, "all.csv", "--json", "--by", "pair"))
    slices = list(dict.fromkeys(row["slice"] for row in rows))
    assert slices[0] is None
    assert slices[1:] == sorted(slices[1:])
    assert sum(row["n_items"] for row in rows if row["coefficient"] == "cohen_kappa" and row["slice"]) == 553


@pytest.mark.parametrize("how", ["labeller", "column"])
def test_accuracy_by_gold(tmp_path: Path, how: str) -> None:
    gold = ["x", "y", "x", "y", ""]
    said = {"ann": "xyxxx", "bob": "xxxyy"}
    rows = [(at, who, label, gold[at]) for who, labels in said.items() for at, label in enumerate(labels)]
    if how == "labeller":
        rows = [(*row[:3], "") for row in rows] + [(at, "truth", mark, "") for at, mark in enumerate(gold) if mark]
    words = ("-", "--json", "--gold", "truth" if how == "labeller" else "right")
    told = rows_of(run(tmp_path, *words, stdin=table(*rows, header="item,labeller,label,right")))
    golds = [row for row in told if row["coefficient"] == "gold_accuracy"]
    assert [(row["labellers"], row["value"], row["n_items"]) for row in golds] == [
        (None, 0.75, 4), (["ann"], 0.75, 4), (["bob"], 0.75, 4),
    ]  # fmt: skip
    # Right labels are in no coefficient of agreement.
    assert {row["n_labellers"] for row in told[:7]} == {2}


def test_consensus_goes_to_a_file(tmp_path: Path) -> None:
    rows = [("i1", "ann", "x"), ("i1", "bob", "x"), ("i1", "eve", "y"), ("i2", "ann", "y"), ("i2", "bob", "x")]
    told = rows_of(run(tmp_path, "-", "--json", "--consensus", "out.jsonl", stdin=table(*rows)))
    items = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(one["item"], one["majority"], one["tied"], one["n_labels"]) for one in items] == [
        ("i1", "x", [], 3), ("i2", None, ["x", "y"], 2),
    ]  # fmt: skip
    assert all(sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5) for one in items)
    people = [row for row in told if row["coefficient"] == "dawid_skene_accuracy"]
    assert [row["labellers"] for row in people] == [["ann"], ["bob"], ["eve"]]
    assert {row["true"] for row in people[0]["confusion"]} == {"x", "y"}


def test_missing_labels_and_repeats_are_told(tmp_path: Path) -> None:
    rows = [
        (1, "a", "yes"),
        (1, "b", "yes"),
        (1, "b", "yes"),
        (2, "a", "no"),
        (2, "b", ""),
        (3, "a", "NA"),
        (3, "b", "none"),
    ]
    done = run(tmp_path, "-", "--json", stdin=table(*rows))
    [percent] = [row for row in rows_of(done) if row["coefficient"] == "percent_agreement"]
    assert (percent["n_items"], percent["n_single"], percent["categories"]) == (1, 2, 3)
    assert "2 rows without a label are left out" in done.stderr
    assert "1 row repeated an item and labeller: with the same label, which counts once" in done.stderr


def test_the_newest_label_counts_where_times_are_named(tmp_path: Path) -> None:
    rows = [(at, who, "yes", "2026-11-01") for at in range(3) for who in "ab"]
    rows += [(0, "b", "no", "2026-11-03T10:00Z"), (0, "b", "maybe", "2026-11-02")]
    text = table(*rows, header="item,labeller,label,at")
    [percent, *_] = rows_of(run(tmp_path, "-", "--json", "--time", "at", stdin=text))
    assert (percent["value"], percent["categories"]) == (pytest.approx(2 / 3), 2)


def test_people_get_a_sentence_a_coefficient(tmp_path: Path) -> None:
    rows = [(at, who, "yes") for at in range(12) for who in "ab"]
    said = run(tmp_path, "-", stdin=table(*rows)).stdout.splitlines()
    assert said[0].startswith("Percent agreement: 1 (95% CI 0.7")
    assert said[0].endswith("over 12 items and 2 labellers.")
    assert said[1].startswith("Cohen's kappa: not defined, as all labels are 'yes'")


TWICE = table((1, "a", "x"), (1, "a", "y"), (1, "b", "x"))


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        pytest.param([], "item,rater,label\n1,a,x\n", "no column 'labeller' (--labeller)", id="column"),
        pytest.param([], TWICE, "a labels item 1 'x' (line 2) and 'y' (line 3)", id="two-labels"),
        pytest.param([], table(("", "a", "x")), "line 2: the item is missing", id="no-item"),
        pytest.param([], table((1, "a", "")), "has no label", id="no-label"),
        pytest.param(["--order", "y,z"], table((1, "a", "x")), "'x' is not in the order y, z", id="order"),
        pytest.param(["--weights", "linear"], table((1, "a", "x")), "takes labels with an order", id="weights"),
        pytest.param(["--gold", "zoe"], table((1, "a", "x")), "neither a column nor a labeller", id="gold"),
        pytest.param(["--gold", "a"], table((1, "a", "x")), "there is no other labeller", id="gold-alone"),
        pytest.param(["--by", "topic"], table((1, "a", "x")), "no column 'topic'", id="slice"),
        pytest.param(["--consensus", "no/such/file"], table((1, "a", "x")), "cannot be written", id="consensus"),
        pytest.param([], "", "The file is empty", id="empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(tmp_path: Path, words: list[str], text: str, why: str) -> None:
    done = run(tmp_path, "-", *words, stdin=text)
    assert done.returncode == USER_ERROR
    assert why in done.stderr
    assert done.stdout == ""
