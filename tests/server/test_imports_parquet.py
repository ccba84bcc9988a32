"""The round trip of an export: what comes back equals what left, column by column."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from server.client import Client

Serving = Any  # of conftest.py
Command = Callable[..., Any]
GIVEN = {"project_id", "commit_seq", "received_at", "resolved_seq"}  # by whoever stores
KEYS = {"spans": ["trace_id", "span_id"], "logs": ["log_id"], "scores": ["score_id"], "origins": ["origin_id"],
        "tool_definitions": ["tool_definitions_id"]}  # fmt: skip
DERIVED = {"calls": ["trace_id", "span_id"], "trace_summaries": ["trace_id"], "span_derived": ["trace_id", "span_id"]}


@pytest.fixture(scope="module")
def exported(filled: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a store with captures of many dialects, logs, scores and hostile text."""
    folder = tmp_path_factory.mktemp("export")
    with filled.client() as client:
        now = datetime.now(UTC).isoformat()
        trace = client.rows("traces", since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC))[0]
        client.add_scores(
            [{"trace_id": trace["trace_id"].replace("-", ""), "name": f"n{value}", "value": value, "label": "no",
              "source": "human", "author": "ann", "explanation": "\u202e<b>", "metadata": {"a": "1"}, "time": now}
             for value in (0.0, 0.25, None)]
        )  # fmt: skip
        client.settle()
        client.export(str(folder))
    return folder


@pytest.fixture(scope="module")
def brought(shared: Serving, exported: Path, command: Command) -> dict[str, Any]:
    told = command(exported.parent, "import", str(exported), "--json", api_url=shared.note.api_url)
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.fixture(scope="module")
def again(shared: Serving, brought: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again")
    with shared.client() as client:
        client.settle()
        client.export(str(folder))
    return folder


def rows(folder: Path, table: str, keys: list[str]) -> dict[str, list[Any]]:
    found = pq.read_table(folder / f"{table}.parquet").to_pandas(maps_as_pydicts="lossy").astype(object)
    found = found.drop(columns=[name for name in found.columns if name in GIVEN]).sort_values(keys)
    return {name: [repr(value) for value in found[name]] for name in found.columns}


@pytest.mark.parametrize("table", list(KEYS))
def test_every_column_comes_back(table: str, exported: Path, again: Path) -> None:
    before, after = rows(exported, table, KEYS[table]), rows(again, table, KEYS[table])
    assert len(next(iter(before.values()))) > 0
    assert {name: after[name] == before[name] for name in before} == dict.fromkeys(before, True)


@pytest.mark.parametrize("table", list(DERIVED))
def test_what_is_derived_is_derived_alike(table: str, exported: Path, again: Path) -> None:
    before, after = rows(exported, table, DERIVED[table]), rows(again, table, DERIVED[table])
    assert len(next(iter(before.values()))) > 0
    assert [name for name in before if after[name] != before[name]] == []


def test_the_ledger_counts_rows(brought: dict[str, Any], shared: Serving, exported: Path) -> None:
    number = sum(pq.read_metadata(exported / f"{table}.parquet").num_rows for table in ("spans", "logs", "scores"))
    assert (brought["received"], brought["stored"], brought["rejected"]) == (number, number, 0)
    with shared.client() as client:
        told = [row for row in client.ledger() if row["source"] == "import:parquet"]
    assert {row["signal"] for row in told} == {"traces", "logs", "scores"}
    assert all(row["received"] == row["stored"] for row in told)


def test_imported_again_all_are_duplicates(
    brought: dict[str, Any], exported: Path, shared: Serving, command: Command
) -> None:
    told = json.loads(command(exported.parent, "import", str(exported), "--json", api_url=shared.note.api_url).stdout)
    assert (told["received"], told["duplicate"]) == (brought["received"], brought["received"])


@pytest.mark.usefixtures("brought")
def test_of_several_projects_one_is_named(shared: Serving, tmp_path: Path, command: Command, otlp: Any) -> None:
    with shared.client() as client:
        client.add_project("other")
    shared.post(otlp(77), **{"x-assayline-project": "other"})
    with shared.client() as client:
        client.export(str(tmp_path / "two"))
    asked = ("import", str(tmp_path / "two"), "--project", "other", "--json")
    told = command(tmp_path, *asked, api_url=shared.note.api_url)
    assert told.returncode != 0
    assert "has rows of the projects default, other" in told.stderr
    named = command(tmp_path, *asked, "--from-project", "other", api_url=shared.note.api_url)
    assert json.loads(named.stdout)["duplicate"] == 1
    wrong = command(tmp_path, *asked, "--from-project", "odd", api_url=shared.note.api_url)
    assert "has no project 'odd'" in wrong.stderr


def test_users_are_hashed_where_a_server_hashes_them(start: Any, exported: Path, command: Command) -> None:
    serving = start(hash_user_ids="true")
    told = command(exported.parent, "import", str(exported), "--json", api_url=serving.note.api_url)
    assert json.loads(told.stdout)["rejected"] == 0
    with Client(serving.note.api_url) as client:
        users = client.sql("select distinct user_id from spans where user_id is not null").frame["user_id"]
        plain = client.sql("select count(*) n from spans where attributes['user.id'] = 'u1'").frame["n"]
    assert len(users) > 0
    assert all(user.startswith("uid:") for user in users)
    assert list(plain) == [0]
