"""The command `assay`, with a server and without."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from server.client import ApiError, Client
from server.settings import Settings
from server.when import parse_time, told_time

Serving = Any  # of conftest.py
Command = Callable[..., subprocess.CompletedProcess[str]]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": 7}


@pytest.fixture(scope="module")
def folder(shared: Serving, otlp: Callable[..., bytes]) -> Path:
    """The store of a server that holds two traces."""
    for trace in (1, 2):
        shared.post(otlp(trace, spans=2, **CALL))
    return Path(shared.folder)


def lines(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_every_answer_is_the_same_with_and_without_a_server(
    start: Callable[..., Serving], otlp: Any, command: Command, command_process: Command
) -> None:
    serving = start()
    for trace in (1, 2):
        serving.post(otlp(trace, spans=2, **CALL))
    questions = [
        ("totals", "--json"),
        ("totals", "--json", "--trace-id", f"{2:032x}", "--since", "1h"),
        ("ledger", "--json"),
        ("sql", "--json", "select count(*) as n from spans"),
    ]
    with_server = [lines(command(serving.folder, *question)) for question in questions]
    assert lines(command_process(serving.folder, *questions[0])) == with_server[0]
    assert serving.end() == 0
    assert [lines(command(serving.folder, *question)) for question in questions] == with_server
    assert lines(command_process(serving.folder, *questions[0])) == with_server[0]
    totals, one, ledger, counted = with_server
    assert [row["trace_id"] for row in totals] == [f"{1:032x}", f"{2:032x}"]
    assert one == totals[1:]
    assert (one[0]["spans"], one[0]["model_calls_ok"], one[0]["input_tokens"], one[0]["cost_usd"]) == (2, 2, 14, None)
    assert [(row["received"], row["stored"]) for row in ledger] == [(4, 4)]
    assert counted == [{"n": 4}]


def test_the_status_without_a_server_is_the_file_s(start: Callable[..., Serving], otlp: Any, command: Command) -> None:
    serving = start()
    serving.post(otlp(1, spans=2))
    with serving.client() as client:
        client.settle()
        running = client.status()
    assert (running["running"], running["pid"], running["ingest"]["stored"]) == (True, serving.note.pid, 2)
    assert serving.end() == 0
    (stopped,) = lines(command(serving.folder, "status", "--json"))
    assert (stopped["running"], stopped["watermark"]) == (False, running["watermark"])
    assert not {"pid", "ingest", "writer", "addresses", "memory_bytes"} & set(stopped)
    assert command(serving.folder, "status").stdout.startswith(f"No server runs on {serving.folder}; ")


def test_people_get_tables(folder: Path, command: Command, command_process: Command) -> None:
    shown = command_process(folder, "totals").stdout
    assert f"{1:032x}" in shown
    assert "unknown" in shown
    assert "http-protobuf" in command(folder, "ledger").stdout
    assert "http-protobuf" in command(folder, "ledger", "--since", "1m").stdout
    assert command(folder, "ledger", "--until", "2020-01-01").stdout == "Nothing was received in these hours.\n"
    assert "commit_seq" in command(folder, "status").stdout
    assert command(folder, "totals", "--until", "2020-01-01").stdout == "No traces in this window.\n"


def test_a_project_is_made_once(folder: Path, command: Command) -> None:
    made = [lines(command(folder, "projects", "--add", "web", "--json")) for _ in range(2)]
    assert made[0] == made[1]
    assert {row["name"] for row in lines(command(folder, "projects", "--json"))} == {"default", "web"}
    assert lines(command(folder, "totals", "--json", "--project", "web")) == []


def test_an_export_is_parquet(folder: Path, command: Command, tmp_path: Path) -> None:
    ended = command(folder, "export", str(tmp_path / "out"), "--since", "1d")
    assert ended.returncode == 0, ended.stderr
    assert pq.read_table(tmp_path / "out" / "spans.parquet").num_rows == 4
    assert json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["tables"]["spans"]["rows"] == 4


def test_sql_prints_in_three_forms(folder: Path, command: Command) -> None:
    query = "select name, count(*) as n, null as nothing from spans group by name order by name"
    rows = lines(command(folder, "sql", "--json", query))
    assert rows == [{"name": "step 1", "n": 2, "nothing": None}, {"name": "step 2", "n": 2, "nothing": None}]
    read = list(csv.DictReader(io.StringIO(command(folder, "sql", "--csv", query).stdout)))
    assert read[0] == {"name": "step 1", "n": "2", "nothing": ""}
    assert "step 2" in command(folder, "sql", query).stdout
    assert command(folder, "sql", "--csv", "select 1 as a, 2 as b where false").stdout == "a,b\n"
    long = "select 12345678901234567890123::hugeint as n, [12345678901234567890123::hugeint] as l"
    assert lines(command(folder, "sql", "--json", long)) == [
        {"n": 12345678901234567890123, "l": [12345678901234567890123]}
    ]
    assert "[12345678901234567890123]" in command(folder, "sql", long).stdout


def test_the_prompt_takes_statements_one_by_one(folder: Path, command: Command, command_process: Command) -> None:
    typed = "select 1\nas one;\ndrop table spans;\n.tables\nselect count(*) as n from spans"
    ended = command_process(folder, "sql", "--json", stdin=typed)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert rows[0] == {"one": 1}
    assert {"calls", "main.spans", "main.logs"} <= {row["table_name"] for row in rows[1:-1]}
    assert rows[-1] == {"n": 4}
    assert ended.stderr.startswith("DROP is refused")
    assert ended.returncode == 2  # of a pipe: a script must notice
    assert command(folder, "sql", "--json", stdin="select 1 as one;\n.quit").returncode == 0


def test_settings_tell_where_they_come_from(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "own.toml"
    file.write_text("drain_s = 3.0\nretry_after_s = 5.0\n", "utf-8")
    ended = command(
        tmp_path, "settings", "--json", "--data-dir", str(tmp_path), config_file=file, retry_after_s=9, host=""
    )
    rows = {row["setting"]: row for row in lines(ended)}
    assert set(rows) == set(Settings.model_fields)
    told = {name: (rows[name]["value"], rows[name]["source"]) for name in ("drain_s", "retry_after_s", "host")}
    assert told == {
        "drain_s": (3.0, str(file)),
        "retry_after_s": (9.0, "environment"),
        "host": ("127.0.0.1", "default"),
    }
    assert rows["data_dir"]["source"] == "flag"
    assert (rows["host"]["value"], rows["host"]["source"]) == ("127.0.0.1", "default")  # an empty variable is unset
    assert all(row["description"] for row in rows.values())


def test_a_mistyped_variable_is_told(tmp_path: Path, command_process: Command) -> None:
    """And no error: the environment is not ours alone."""
    ended = command_process(tmp_path, "settings", "--json", datadir="x", of_another_tool=1, config_file="")
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, len(Settings.model_fields))
    assert ended.stderr.splitlines() == [
        "assay: ASSAY_DATADIR is no setting. Did you mean ASSAY_DATA_DIR?",
        "assay: ASSAY_OF_ANOTHER_TOOL is no setting.",
    ]


@pytest.mark.parametrize("text", ["soon", "99999999999d", "0001-01-01T00:00+14:00", "2026-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_time(text, NOW)


OWN_PROCESS = {"serve", "nonsense"}  # it listens to signals and keeps a log, or there is no command


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "told"),
    [
        pytest.param(["totals"], {}, 2, "No store in", id="no-store"),
        pytest.param(["totals"], {"api_url": "http://127.0.0.1:9"}, 1, "No server answers", id="no-server"),
        pytest.param(["totals", "--since", "soon"], {}, 2, "'soon' is no time", id="bad-time"),
        pytest.param(["serve", "--api-port", "99999"], {}, 2, "api_port", id="bad-port"),
        pytest.param(["serve", "--host", ""], {}, 2, "host cannot be ''", id="empty-host"),
        pytest.param(["serve"], {"variant_keys": "a,b"}, 2, "JSON", id="bad-list"),
        pytest.param(["serve"], {"memory_limit": "lots"}, 2, "such as 512MB", id="bad-memory"),
        pytest.param(["serve"], {"log_level": "chatty"}, 2, "'CHATTY'", id="bad-log-level"),
        pytest.param(["serve"], {"host": "no.such.invalid"}, 1, "ASSAY_HOST", id="bad-host"),
        pytest.param(["serve", "--data-dir", "in-the-way"], {}, 1, "ASSAY_DATA_DIR", id="file-in-the-way"),
        pytest.param(["serve", "--data-dir", "/dev/null/x"], {}, 1, "ASSAY_DATA_DIR", id="no-folder"),
        pytest.param(["serve", "--data-dir", "garbage"], {}, 1, "(?s)not a valid DuckDB.*backup copy", id="garbage"),
        pytest.param(["serve", "--data-dir", "orphan"], {}, 1, "is gone", id="log-without-its-file"),
        pytest.param(["ledger", "--data-dir", "orphan"], {}, 1, "is gone", id="log-without-its-file-read"),
        pytest.param(["serve"], {"config_file": "nowhere.toml"}, 2, "nowhere.toml", id="no-file"),
        pytest.param(["serve"], {"config_file": "cut.toml"}, 2, "cut.toml", id="cut-file"),
        pytest.param(["serve"], {"config_file": "misspelt.toml"}, 2, "did you mean api_port", id="misspelt-setting"),
        pytest.param(["settings"], {"config_file": "latin.toml"}, 2, "latin.toml cannot be read", id="not-utf-8"),
        pytest.param(["nonsense"], {}, 2, "No such command", id="no-command"),
    ],
)
def test_a_mistake_is_one_sentence(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    arguments: list[str],
    settings: dict[str, object],
    code: int,
    told: str,
) -> None:
    (tmp_path / "in-the-way").touch()
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "assayline.duckdb").write_text("this is no store", "utf-8")
    (tmp_path / "orphan").mkdir()
    (tmp_path / "orphan" / "assayline.duckdb.wal").write_bytes(b"spans")
    (tmp_path / "cut.toml").write_text('host = "127', "utf-8")
    (tmp_path / "misspelt.toml").write_text("api_prot = 1", "utf-8")
    (tmp_path / "latin.toml").write_bytes('host = "zwölf"'.encode("latin-1"))
    command: Command = request.getfixturevalue("command_forked" if arguments[0] in OWN_PROCESS else "command")
    ended = command(tmp_path, *arguments, **settings)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert re.search(told, ended.stderr)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["totals", "--project", "nowhere"], "Known: default"),
        (["totals", "--trace-id", "xyz"], "trace_id"),
        (["sql", "delete from spans"], "DELETE is refused"),
        (["projects", "--add", "two words"], "'two words'"),
    ],
)
def test_what_the_server_refuses_is_a_mistake_of_the_user(
    folder: Path, command: Command, arguments: list[str], told: str
) -> None:
    ended = command(folder, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr


def test_an_address_where_another_program_answers_is_named(folder: Path, command: Command, shared: Serving) -> None:
    ended = command(folder, "totals", api_url=shared.note.otlp_http_url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert shared.note.otlp_http_url in ended.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from server import cli\n"
        "try: cli.app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'duckdb', 'pyarrow', 'pandas', 'fastapi', 'grpc', 'httpx', 'pydantic', 'rich'} & set(sys.modules)\n"
        "print(heavy, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "renormalise" in ended.stdout
    assert ended.stderr.strip() == "set()"


def test_the_list_of_commands_cuts_no_sentence() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "server.cli", "--help"],
        env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    commands = told.stdout.partition("Commands:")[2].strip().splitlines()
    assert len(commands) > 12
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


def test_the_version_is_the_package_s(tmp_path: Path, command_process: Command) -> None:
    assert command_process(tmp_path, "version").stdout.count(".") == 2


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T09:00", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24T09:00:00+02:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        ("2026-11-24T09:00Z", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 24, 10, 30, tzinfo=UTC)),
        ("2 D", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("1w", datetime(2026, 11, 17, 12, tzinfo=UTC)),
    ],
)
def test_times_as_people_type_them(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


OWN_PRICES = "# by contract\nprices:\n  - {model: mine, usd_per_million: {input: 1, output: 2}}\n"


def test_prices_are_set_and_stored_calls_priced_anew(
    start: Callable[..., Serving], otlp: Any, command: Command, command_process: Command, tmp_path: Path
) -> None:
    serving = start()
    told = CALL | {"gen_ai__request__model": "mine", "gen_ai__usage__output_tokens": 3}
    serving.post(otlp(1, spans=2, **told))
    with serving.client() as client:
        client.settle()
    file = tmp_path / "own.yaml"
    file.write_text(OWN_PRICES)
    none = command(serving.folder, "prices")
    assert (none.stdout, "No own prices are set" in none.stderr) == ("", True)
    (unpriced,) = lines(command(serving.folder, "prices", "--unpriced", "--json"))
    assert (unpriced["model"], unpriced["calls"]) == ("mine", 2)
    said = command(serving.folder, "prices", "--set", str(file), "--author", "ada")
    assert said.stdout == (
        "Version 1 of the own prices has 1 entry. New calls are priced by it. 2 of 2 calls would have another cost: "
        "`assay reprice` applies it, and keeps the old figures.\n"
    )
    assert command(serving.folder, "prices").stdout == OWN_PRICES
    (dry,) = lines(command(serving.folder, "reprice", "--dry-run", "--json"))
    assert (dry["changed"], dry["repricing_id"]) == (2, None)
    assert serving.end() == 0
    done = command_process(serving.folder, "reprice", "--reason", "contract")  # the file itself, without a server
    assert done.stdout == (
        "2 of 2 calls have another cost; before unknown US dollars and after 0.000026 US dollars, over the calls that "
        "count. The old figures stand under repricing 1: `assay prices --history`.\n"
    )
    (total,) = lines(command(serving.folder, "totals", "--json"))
    assert (total["cost_usd"], total["unpriced_calls"]) == (pytest.approx(26e-6), 0)
    history = lines(command(serving.folder, "prices", "--history", "--json"))
    assert [(row["event"], row["number"]) for row in history] == [("repriced", 1), ("prices set", 1)]
    assert history[1]["author"] == "ada"


def test_a_price_list_that_breaks_a_rule_is_refused_before_a_server_is_asked(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("prices:\n  - model: a\n    discount: 3\n")
    said = command(tmp_path / "nowhere", "prices", "--set", str(file))
    assert said.returncode == 2
    assert said.stderr.startswith(f"assay: {file}, line 3, entry 1: discount: ")


@pytest.mark.parametrize(
    ("told", "printed"),
    [
        pytest.param("2026-11-27T22:51:07.123456Z", "2026-11-27 22:51 UTC", id="utc"),
        pytest.param("2026-11-28T00:51:07+02:00", "2026-11-27 22:51 UTC", id="offset"),
        pytest.param("2026-11-27T22:51:07", "2026-11-27 22:51 UTC", id="naive-is-utc"),
        pytest.param(None, "", id="null"),
    ],
)
def test_times_are_printed_in_one_form(told: str | None, printed: str) -> None:
    assert told_time(told) == printed


@pytest.mark.parametrize(
    ("params", "advice"),
    [
        pytest.param({"since": "2026-05-04T10:30Z"}, "Narrow the time range, or try again.", id="of-a-range"),
        pytest.param({}, "It may be busy or hang: try again.", id="of-none"),
    ],
)
def test_what_helps_against_silence_depends_on_what_was_asked(params: dict[str, str], advice: str) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    with Client("http://127.0.0.1:1", transport=httpx.MockTransport(silent)) as client, pytest.raises(ApiError) as told:
        client._json("/api/prompts", params)
    assert str(told.value).endswith(advice)
