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

from evaluators.suites.items import DatasetError, Items, Metadata, file_rows, items_of
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


PLAIN = Metadata()


def items(path: Path, seed: int = 0, metadata: Metadata = PLAIN, **told: Any) -> Items:
    dataset = Dataset.model_validate({"file": path.name, **told})
    return items_of(file_rows(path, dataset.fields), dataset, seed, path.name, metadata)


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


@settings(max_examples=30)
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
        pytest.param(
            ['{"id": 1}', '{"id": 1}'],
            "line 2: its id (its number, where it has none) '1' is that of line 1",
            id="twice",
        ),
        pytest.param(['{"id": 1}', "[1]"], "line 2: A row is an object, not [1].", id="list"),
        pytest.param(['{"id": 1, "contexts": 7}'], "line 1: ", id="shape"),
        pytest.param([], "items.jsonl has no rows.", id="empty"),
        pytest.param(['{"id": 1}', '{"id": 2, "a": NaN}'], "line 2: It is not JSON: NaN is no number there", id="nan"),
        pytest.param(['{"id": 1, "a": [-Infinity]}'], "line 1: It is not JSON: -Infinity is no number", id="infinity"),
        pytest.param(['{"id": 1, "a": 1e999}'], "line 1: It is not JSON: the number 1e999 is larger", id="too-large"),
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
        ("items.jsonl.gz", gzip.compress(b'{"id": 1}', mtime=0)[:-9]),
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("id,question\n1,a\n2\n", "line 3: It has fewer cells than the header has columns.", id="fewer"),
        pytest.param("id,question\n1,a,b\n", "line 2: It has more cells than the header has columns.", id="more"),
        pytest.param("id,a,a\n1,x,y\n", "its header names the column 'a' twice", id="header"),
        pytest.param("", "items.csv has no rows.", id="empty"),
        pytest.param("id,question\n", "items.csv has no rows.", id="header-alone"),
    ],
)
def test_a_csv_file_that_is_cut_or_ambiguous_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(DatasetError) as error:
        items(path)
    assert told in str(error.value)


def test_cells_that_are_no_json_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,contexts\n1,[NaN]\n2,\n3," + "[" * 100_000 + "\n", "utf-8")
    found = [one.case.contexts for one in items(path)]
    assert found == [("[NaN]",), None, ("[" * 100_000,)]


def test_where_that_leaves_out_everything_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="`where` leaves out all 3 rows"):
        items(written(tmp_path, ROWS, ".jsonl"), where={"id": "d"})


def test_nan_of_a_parquet_file_is_null_and_whole_ids_are_integers(tmp_path: Path) -> None:
    rows = [{"id": 7.0, "score": float("nan"), "deep": [{"a": float("nan")}]}, {"id": float("nan"), "score": 2.5}]
    first, second = items(written(tmp_path, rows, ".parquet"))
    assert (first.id, first.case.metadata["score"], first.case.metadata["deep"]) == ("7", None, [{"a": None}])
    assert (second.place, second.case.metadata["score"]) == (1, 2.5)


def test_an_infinite_number_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    rows = [{"id": 1, "deep": [{"a": 1.0}]}, {"id": 2, "deep": [{"a": float("-inf")}]}]
    with pytest.raises(DatasetError, match="row 2: Its 'deep' holds an infinite number"):
        items(written(tmp_path, rows, ".parquet"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("no.jsonl", "no.jsonl is no file", id="none"),
        pytest.param("a\0b.jsonl", "is no file|cannot be read", id="nul"),
        pytest.param("x" * 5000 + ".jsonl", "cannot be read: File name too long", id="too-long"),
    ],
)
def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(DatasetError, match=told) as error:
        file_rows(tmp_path / name, {})
    assert len(str(error.value)) < 400


SAID = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me."}]


@pytest.mark.parametrize(
    ("change", "metadata", "same"),
    [
        pytest.param({"key": 2}, Metadata(), True, id="metadata-that-none-reads"),
        pytest.param({"key": 2}, Metadata(counts=True), False, id="metadata-that-one-reads"),
        pytest.param({"key": 2}, Metadata(True, frozenset({"key"})), True, id="an-outcome"),
        pytest.param({"tools": ["a", "b"]}, Metadata(), False, id="tools"),
        pytest.param({"answer": "O", "contexts": ["c"]}, Metadata(True), True, id="what-was-answered"),
        pytest.param({"messages": [SAID[0], {"role": "assistant", "content": "It."}]}, Metadata(), True, id="answered"),
        pytest.param({"messages": [{"role": "system", "content": "Be."}, *SAID]}, Metadata(), False, id="said-before"),
        pytest.param({"messages": [{"role": "user", "content": "Why?"}]}, Metadata(), False, id="another-talk"),
    ],
)  # fmt: skip
def test_an_item_is_the_same_when_it_asks_and_expects_the_same(
    tmp_path: Path, change: dict[str, Any], metadata: Metadata, same: bool
) -> None:
    row: dict[str, Any] = {"id": 1, "question": "Who?", "messages": SAID, "tools": ["a"], "key": 1, "answer": "I"}
    for base in (row, {name: held for name, held in row.items() if name != "question"}):
        (one,) = items(written(tmp_path, [base], ".jsonl"), metadata=metadata)
        (other,) = items(written(tmp_path, [base | change], ".jsonl"), metadata=metadata)
        assert (one.content == other.content) is same
