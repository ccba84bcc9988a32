"""Items of suites: read from files in three formats alike, packed or not, checked whole, sampled the same each time."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.suites.items import DatasetError, Items, file_rows, items_of
from evaluators.suites.suite import Dataset

ROWS: list[dict[str, Any]] = [
    {"id": "a", "prompt": "Who?", "contexts": ["one", "two"], "team": {"name": "x"}, "answer": "Me."},
    {"id": "b", "prompt": 'Why, "so"?\nNow', "contexts": [], "team": {"name": "x"}, "answer": "[sic]"},
    {"id": "c", "prompt": "Where?", "contexts": ["three"], "team": {"name": "y"}, "answer": "Ω"},
]  # fmt: skip


def written(folder: Path, rows: list[Any], ending: str) -> Path:
    path = folder / f"items{ending}"
    if ending.endswith(".gz"):
        path.write_bytes(gzip.compress(written(folder, rows, ending.removesuffix(".gz")).read_bytes()))
        return path
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ending == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(
                {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in row.items()}
                for row in rows
            )
    else:
        path.write_text("\n\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def items(path: Path, seed: int = 0, **told: Any) -> Items:
    dataset = Dataset.model_validate({"file": path.name, **told})
    return items_of(file_rows(path, dataset.fields), dataset, seed, path.name)


def test_three_formats_give_the_same_cases(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "team"} for row in ROWS]
    found = {
        ending: [
            (one.id, one.place, one.content, one.case.question, one.case.contexts, one.case.answer)
            for one in items(written(tmp_path, rows, ending), fields={"question": "prompt"})
        ]
        for ending in (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")
    }
    assert all(one == found[".jsonl"] for one in found.values())
    assert found[".jsonl"][1][3:] == ('Why, "so"?\nNow', (), "[sic]")


def test_clusters_and_where_reach_into_objects(tmp_path: Path) -> None:
    found = items(written(tmp_path, ROWS, ".jsonl"), cluster="team.name", where={"team.name": "x"})
    assert [(one.id, one.cluster) for one in found] == [("a", "x"), ("b", "x")]
    assert (found.count, found.left_out, found.clusters) == (2, 1, 1)


def test_rows_without_an_id_are_called_by_their_place(tmp_path: Path) -> None:
    found = items(written(tmp_path, [{"question": "1"}, {"question": "2"}], ".jsonl"))
    assert [one.id for one in found] == ["0", "1"]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(0, 5), st.integers(0, 2**20))
def test_a_sample_is_stable_and_grows(
    tmp_path_factory: pytest.TempPathFactory, size: int, more: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [{"id": f"i{n}", "question": str(n)} for n in range(30)]
    few = [one.id for one in items(written(folder, rows, ".jsonl"), seed, sample=size)]
    backwards = [one.id for one in items(written(folder, rows[::-1], ".jsonl"), seed, sample=size)]
    many = [one.id for one in items(written(folder, rows, ".jsonl"), seed, sample=size + more)]
    assert len(few) == size
    assert set(few) == set(backwards)  # whatever the order of the rows
    assert set(few) <= set(many)
    assert few == sorted(few, key=lambda name: int(name[1:]))  # in the order of the file


def test_another_seed_draws_others(tmp_path: Path) -> None:
    path = written(tmp_path, [{"id": n, "question": str(n)} for n in range(200)], ".jsonl")
    drawn = [{one.id for one in items(path, seed, sample=20)} for seed in range(3)]
    assert drawn[0] != drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param(['{"id": 1', "{}"], "line 1: It is not JSON", id="no-json"),
        pytest.param(['{"id": 1}', '{"id": 1}'], "line 2: its id '1' is that of line 1", id="twice"),
        pytest.param(['{"id": 1}', "[1]"], "line 2: A row is an object, not [1].", id="list"),
        pytest.param(['{"id": 1, "contexts": 7}'], "line 1: ", id="shape"),
        pytest.param([], "has no row that the suite takes, of 0", id="empty"),
        pytest.param(["{"] * 9, "9 rows cannot be used. And 4 more.", id="many"),
    ],
)
def test_a_dataset_that_cannot_be_used_says_where(tmp_path: Path, lines: list[str], told: str) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(DatasetError) as error:
        items(path)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("items.csv", b"id,question\n1,\xff\n"),
        ("items.parquet", b"PAR1 no"),
        ("items.csv", b'id\n"1\n'),
        ("items.jsonl.gz", b'{"id": 1}'),
        ("items.jsonl.gz", gzip.compress(b'{"id": 1}')[:-9]),
        ("items.csv.gz", b"id\n"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=name):
        items(path)


def test_a_row_without_its_cluster_or_id_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS, ".jsonl")
    with pytest.raises(DatasetError, match="It has no 'customer', which the suite clusters by"):
        items(path, cluster="customer")
    with pytest.raises(DatasetError, match="It has no 'key', which the suite takes for its id"):
        items(path, fields={"id": "key"})


def test_the_digest_tells_whether_items_are_the_same(tmp_path: Path) -> None:
    same = items(written(tmp_path, ROWS, ".jsonl")).digest
    assert items(written(tmp_path, ROWS, ".jsonl")).digest == same
    other = [*ROWS[:2], {**ROWS[2], "answer": "O"}]
    assert items(written(tmp_path, other, ".jsonl")).digest != same
    assert items(written(tmp_path, ROWS, ".jsonl"), cluster="team.name").digest != same
