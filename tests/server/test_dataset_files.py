"""Items in and out of files, what OpenAI trains on, and checks: functions of files, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.errors import EvaluatorError, UnreadableCaseError
from server import finetuning
from server.dataset_checks import Order as CheckOrder
from server.dataset_checks import checked
from server.dataset_files import Leaving, Order, exported, prepared, read, write
from server.dataset_items import held_of, item_of, shown, table_of

Row = dict[str, Any]


def keys_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    items = [item_of(dict(row)) for row in rows]
    held = pa.array([held_of(one) for one in items], pa.list_(pa.string()))
    return table_of(items).select(["item", "whole", "same"]).append_column("held", held)


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., tuple[Row, list[Row]]]:
    """Import a file beside items that are there; returns what is told and what is set."""

    def taken(name: str, content: str | bytes, there: Sequence[Row] = (), **order: Any) -> tuple[Row, list[Row]]:
        file, keys, out = tmp_path / name, tmp_path / "keys.arrow", tmp_path / "out.arrow"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        write(keys_of(there), str(keys))
        told = prepared(Order(str(file), name, str(keys), str(out), **order))
        return told, [shown(row) for row in read(str(out)).to_pylist()]

    return taken


def lines(*rows: Row) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"input": "Q?", "expected": "A"}, {"question": "Q?", "reference": "A"}, id="input-expected"),
        pytest.param({"prompt": "Q?", "context": "one"}, {"question": "Q?", "contexts": ["one"]}, id="one-context"),
        pytest.param(
            {"question": "Q?", "level": 3, "metadata": {"doc": "d"}},
            {"question": "Q?", "metadata": {"level": 3, "doc": "d"}}, id="others-are-metadata",
        ),
        pytest.param({"question": "Q?", "tags": "b, a,b"}, {"question": "Q?", "tags": ["a", "b"]}, id="tags-as-text"),
        pytest.param({"question": "Q?", "tags": '["a"]'}, {"question": "Q?", "tags": ["a"]}, id="tags-as-json"),
        pytest.param({"question": "Q?", "split": "test"}, {"question": "Q?", "split": "test"}, id="split"),
        pytest.param(
            {"question": "Q?", "source": "0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331"},
            {
                "question": "Q?",
                "source": {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"},
            },
            id="source-as-text",
        ),
        pytest.param(
            {"question": "Q?", "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
            {"question": "Q?", "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
            id="tools-keep-their-definitions",
        ),
    ],
)  # fmt: skip
def test_a_row_becomes_an_item(row: Row, expected: Row) -> None:
    made = item_of(row)
    told = shown(table_of([made]).to_pylist()[0])
    assert {name: value for name, value in told.items() if name != "id" and value not in (None, [])} == expected
    assert item_of(told).whole == made.whole, "what goes out comes in as it was"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"level": 3}, "none of the fields question", id="no-field"),
        pytest.param({"question": 3}, "'question' is text", id="wrong-shape"),
        pytest.param({"question": "a", "input": "b"}, "both names for 'question'", id="two-names"),
        pytest.param({"question": "a", "tags": {"a": 1}}, "'tags' is a list of texts", id="tags"),
        pytest.param({"question": "a", "source": "x/y"}, "'source' is {trace_id", id="source"),
        pytest.param({"question": "a", "id": " \t"}, "is of blanks alone", id="blank-id"),
        pytest.param({"qestion": "a"}, "'qestion' is none; did you mean 'question'", id="slip"),
        pytest.param({"question": "a", "id": "x" * 501}, "has more than 500 letters", id="long-id"),
        pytest.param([1], "An item is an object", id="list"),
    ],
)
def test_what_is_no_item_is_told(row: Any, told: str) -> None:
    with pytest.raises(UnreadableCaseError, match=told):
        item_of(row)


CSV = 'nr,ask,expected,tags,refrence\n1,"Why?",Because,"a, b",x\n2,"When?",Now,,\n'


def test_columns_are_mapped_and_a_likely_slip_is_told(take: Any) -> None:
    told, rows = take("a.csv", CSV, fields={"id": "nr", "question": "ask"})
    assert {one["column"]: (one["field"], one["near"]) for one in told["columns"]} == {
        "nr": ("id", None), "ask": ("question", None), "expected": ("reference", None), "tags": ("tags", None),
        "refrence": ("metadata", "reference"),
    }  # fmt: skip
    assert [(row["id"], row["question"], row["tags"]) for row in rows] == [
        ("1", "Why?", ["a", "b"]),
        ("2", "When?", []),
    ]
    assert (told["rows"], told["items"], told["new"]) == (2, 2, 2)
    assert told["samples"][0]["asked"] == "Why?"


def test_a_file_of_each_kind_is_read(take: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "input": ["a", "b"]}), tmp_path / "in.parquet")
    for name, content in (
        ("a.jsonl", lines({"id": 1, "input": "a"}, {"id": 2, "input": "b"})),
        ("a.csv", "id,input\n1,a\n2,b\n"), ("a.parquet", (tmp_path / "in.parquet").read_bytes()),
    ):  # fmt: skip
        _, rows = take(name, content)
        assert [(row["id"], row["question"]) for row in rows] == [("1", "a"), ("2", "b")]


def test_rows_that_are_none_are_named_and_none_is_taken(take: Any) -> None:
    with pytest.raises(EvaluatorError, match=r"2 rows cannot be taken, so none was\.\n  line 2: .*\n  line 3: "):
        take("a.jsonl", lines({"input": "a"}, {"input": 3}) + "nonsense\n")
    with pytest.raises(EvaluatorError, match="'quesion' is no field"):
        take("a.jsonl", lines({"input": "a"}), fields={"quesion": "input"})


THERE = [{"id": "a", "question": "Why?"}, {"id": "b", "question": "When?", "reference": "Now"}]
FILE = [
    {"id": "a", "question": "Why?"},  # holds the same
    {"id": "b", "question": "When?", "reference": "Later"},  # its id is taken
    {"id": "c", "question": " WHY? "},  # asks what another asks
    {"id": "d", "question": "Where?"}, {"id": "d", "question": "Where to?"},  # its id comes twice
]  # fmt: skip


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param("skip", [("d", "Where?")], id="skip"),
        pytest.param("keep", [("b-2", "When?"), ("c", " WHY? "), ("d", "Where?"), ("d-2", "Where to?")], id="keep"),
        pytest.param("replace", [("b", "When?"), ("d", "Where to?")], id="replace"),
    ],
)
def test_duplicates_become_what_is_said(take: Any, how: str, expected: list[tuple[str, str]]) -> None:
    told, rows = take("a.jsonl", lines(*FILE), THERE, duplicates=how)
    assert [(row["id"], row["question"]) for row in rows] == expected
    assert (told["unchanged"], told["taken"], told["same"], told["repeated"]) == (1, 1, 1, 1)
    assert told["named"] == {"taken": ["b"], "same": ["c"], "repeated": ["d"]}


@pytest.mark.parametrize(
    ("file", "how", "told"),
    [
        pytest.param({"question": "Why?"}, "replace", "1 item loses reference, metadata, tags.", id="replaced"),
        pytest.param({"question": "Why?"}, "ask", "1 item loses reference, metadata, tags.", id="would-be"),
        pytest.param({"question": "Why?"}, "skip", "", id="left-out"),
        pytest.param(
            {"question": "Why?", "reference": "So", "tags": "x", "metadata": {"b": 1}}, "replace",
            "1 item loses metadata.a.", id="a-member",
        ),
        pytest.param({"question": "Why?", "reference": "So", "tags": "y", "a": 1, "b": 2}, "replace", "", id="nothing"),
    ],
)  # fmt: skip
def test_what_items_lose_by_being_replaced_is_told(take: Any, file: Row, how: str, told: str) -> None:
    there = {"id": "a", "question": "Why?", "reference": "Because", "metadata": {"a": 1, "b": 1}, "tags": ["x"]}
    assert take("a.jsonl", lines({"id": "a"} | file), [there], duplicates=how)[0]["loses"] == told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("empty.jsonl", b"", "empty.jsonl holds no rows", id="empty"),
        pytest.param("head.csv", b"id,question\n", "head.csv holds no rows", id="header-alone"),
        pytest.param("x.parquet", b"no", "x.parquet is no Parquet file", id="parquet"),
        pytest.param("x.jsonl.gz", b"no", "x.jsonl.gz cannot be unpacked", id="packed"),
    ],
)
def test_a_file_that_cannot_be_read_is_called_as_its_owner_calls_it(
    take: Any, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    where = tmp_path / "elsewhere"
    where.mkdir()
    end = name.partition(".")[2]
    (where / f"file.{end}").write_bytes(content)
    write(keys_of([]), str(tmp_path / "keys.arrow"))
    with pytest.raises(EvaluatorError) as error:
        prepared(Order(str(where / f"file.{end}"), name, str(tmp_path / "keys.arrow"), str(tmp_path / "out.arrow")))
    assert str(error.value).startswith(told)
    assert str(tmp_path) not in str(error.value)
    assert ".." not in str(error.value)


ITEMS = [
    {"id": "a", "question": 'Why, "so"?\nReally?', "reference": "Because", "contexts": ["one", "two"],
     "tags": ["x"], "metadata": {"n": 1}, "split": "test"},
    {"id": "b", "messages": [{"role": "user", "content": "Hello"}], "answer": "Hi"},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_goes_out_comes_in_as_it_was(take: Any, tmp_path: Path, kind: Any) -> None:
    write(table_of([item_of(row) for row in ITEMS]), str(tmp_path / "items.arrow"))
    out = tmp_path / f"out.{kind}"
    assert exported(Leaving(str(tmp_path / "items.arrow"), str(out), kind))["items"] == 2
    told, rows = take(f"back.{kind}", out.read_bytes(), ITEMS)
    assert told["unchanged"] == 2
    assert [row["split"] for row in rows] == ["test"], (
        "a split that is named is set; the store sees that it is the same"
    )


def test_openai_takes_conversations_with_an_answer_and_the_rest_is_counted(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    items: list[Row] = [
        {"question": "Why?", "reference": "Because.", "system": "Be short."},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "ai", "content": "Hello"}]},
        {"question": "Look", "reference_tool_calls": [{"name": "look", "arguments": {"a": 1}}], "tools": [tool]},
        {"question": "Look", "reference_tool_calls": [{"name": "look", "arguments": {}}], "tools": ["look"]},
        {"question": "No answer"},
        {"question": "Recorded", "answer": "Yes"},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}], "reference": "A cat."},
        {"reference": "Nothing asked."},
    ]  # fmt: skip
    told = finetuning.write(iter(items), tmp_path / "out", answers=False)
    made = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert made[0] == {"messages": [
        {"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "Because."},
    ]}  # fmt: skip
    assert made[1]["messages"][-1] == {"role": "assistant", "content": "Hello"}
    assert made[2]["tools"] == [tool]
    assert made[2]["messages"][-1]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"a":1}'}
    assert (told["items"], told["left_out"]) == (3, {
        finetuning.NO_DEFINITION: 1, finetuning.NO_ANSWER: 2, finetuning.NOT_TEXT: 1, finetuning.NOTHING_ASKED: 1,
    })  # fmt: skip
    assert "OpenAI demands at least 10 examples; the file has 3." in told["sentences"]
    assert any(one.startswith("1 of these has a recorded answer: to train on it say --answers") for one in
               told["sentences"])  # fmt: skip
    assert finetuning.write(iter(items), tmp_path / "out", answers=True)["items"] == 4


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., tuple[dict[str, Row], Row]]:
    """Check items; returns findings by check, and all that is told."""

    def found(rows: Sequence[Row], **order: Any) -> tuple[dict[str, Row], Row]:
        write(table_of([item_of(row) for row in rows]), str(tmp_path / "items.arrow"))
        told = checked(CheckOrder(str(tmp_path / "items.arrow"), **order))
        return {one["check"]: one for one in told["findings"]}, told

    return found


LONG = "How long does it take until a refund of shoes that were sent back arrives"
LEAKY = [
    {"id": "a", "question": f"{LONG}?", "reference": "14 days", "split": "train", "metadata": {"doc": "d1"}},
    {"id": "b", "question": f"  {LONG.upper()}?", "reference": "30 days", "split": "test", "metadata": {"doc": "d2"}},
    {"id": "c", "question": f"{LONG} at home?", "split": "test", "metadata": {"doc": "d3"}},
    {"id": "d", "question": "Something else", "split": "train", "metadata": {"doc": "d4"}},
    {"id": "e", "question": "Quite another", "split": "test", "metadata": {"doc": "d4"}},
    {"id": "f", "question": "  ", "reference": "x", "split": "train"},
    {"id": "D", "question": "Of a like id", "reference": "", "split": "train"},
]  # fmt: skip


def test_checks_find_what_is_there_and_name_it(check: Any) -> None:
    by, told = check(LEAKY, by="doc", longest=70, near=0.85)
    assert told["items"] == 7
    assert by["exact"]["named"][0]["items"] == ["a", "b"]
    assert by["exact"]["named"][0]["references_differ"]
    assert [one["items"] for one in by["near"]["named"]] == [["a", "c"]]
    assert by["near"]["named"][0]["likeness"] == pytest.approx(0.92, abs=0.05)
    assert [one["items"] for one in by["leak_exact"]["named"]] == [["a", "b"]]
    assert [one["items"] for one in by["leak_near"]["named"]] == [["a", "c"]]
    assert [one["items"] for one in by["leak_cluster"]["named"]] == [["d", "e"]]
    assert [(one["items"], one["field"]) for one in by["empty"]["named"]] == [
        (["f"], "nothing is asked"), (["D"], "reference")
    ]  # fmt: skip
    assert [one["items"] for one in by["long"]["named"]] == [["a"], ["b"], ["c"]]
    assert by["ids"]["named"][0]["items"] == ["d", "D"]
    assert (told["remove"], told["move"]) == ([], {})


@pytest.mark.parametrize(
    ("fix", "remove", "move"),
    [
        pytest.param("drop_exact", ["b"], {}, id="exact"),
        pytest.param("drop_near", ["c"], {}, id="near"),
        pytest.param("drop_empty", ["f"], {}, id="empty"),
        pytest.param("drop_leaks", ["a", "e"], {}, id="drop-leaks"),
        pytest.param("move_leaks", [], {"a": "test", "e": "train"}, id="move-leaks"),
    ],
)
def test_what_is_found_can_be_mended(check: Any, fix: str, remove: list[str], move: Row) -> None:
    _, told = check(LEAKY, by="doc", near=0.85, fix=fix)
    assert (sorted(told["remove"]), told["move"]) == (remove, move)


def test_items_that_are_alike_are_one_group(check: Any) -> None:
    rows = [{"id": name, "question": f"{LONG}?", "contexts": [name], "split": name} for name in "abcd"]
    by, _ = check(rows)
    assert by["exact"]["count"] == 0
    assert by["near"]["sentence"] == "1 group of items is alike by 0.9 or more in their words."
    (group,) = by["near"]["named"]
    assert (group["items"], group["of"], group["differ"], len(group["texts"])) == (list("abcd"), 4, ["contexts"], 1)
    assert by["leak_near"]["count"] == 1


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([{"question": " "}], "1 item asks nothing or holds an empty field.", id="one"),
        pytest.param([{"question": " "}, {"question": "\t"}], "2 items ask nothing or hold", id="two"),
        pytest.param([{"question": "a"}], "No item asks nothing or holds an empty field.", id="none"),
    ],
)
def test_findings_are_worded_by_their_number(check: Any, rows: list[Row], told: str) -> None:
    assert check(rows)[0]["empty"]["sentence"].startswith(told)


def test_what_was_moved_leaks_no_more(check: Any) -> None:
    _, told = check(LEAKY, by="doc", near=0.85, fix="move_leaks")
    mended = [row | {"split": told["move"].get(row["id"], row["split"])} for row in LEAKY]
    by, _ = check(mended, by="doc", near=0.85)
    assert [by[name]["count"] for name in ("leak_exact", "leak_near", "leak_cluster")] == [0, 0, 0]
