"""Questions in SQL over HTTP, and dashboards of them: kept by version, as files, told by the shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.client import ApiError, Client

MAY = datetime(2026, 5, 1, tzinfo=UTC)
CHART = {"name": "Calls", "sql": "select count(*) as calls from calls where start_time >= :since", "kind": "number"}
FILE = """\
dashboards:
- name: From a file
  charts:
  - name: By day
    sql: |-
      select date_trunc('day', start_time) as day, count(*) as traces
      from traces group by day order by day
    kind: line
    y: [traces]
    wide: true
  - name: One
    sql: select 1 as one
"""


def test_a_range_and_a_limit_are_taken(client: Client) -> None:
    (row,) = client.sql_rows("select :since as since, :until - :since as apart", MAY, MAY.replace(day=2)).rows
    assert row == {"since": "2026-05-01T00:00:00Z", "apart": "1 day"}
    cut = client.sql("select * from range(10) t(i)", max_rows=3)
    assert (len(cut.frame), cut.truncated) == (3, True)


def test_a_refusal_tells_the_place(client: Client) -> None:
    with pytest.raises(ApiError, match='"nosuch" not found') as refused:
        client.sql("select nosuch from calls")
    assert (refused.value.at, refused.value.length) == (7, 6)
    with pytest.raises(ApiError, match="DROP is refused") as refused:
        client.sql("drop table spans")
    assert refused.value.at is None


def test_the_schema_has_views_tables_and_limits(client: Client) -> None:
    told = client.sql_schema()
    names = [one["name"] for one in told["relations"]]
    assert names[:4] == ["calls", "scores", "sessions", "traces"]
    assert "main.spans" in names
    assert told["limits"] == {"seconds": 20.0, "rows": 100_000}
    (cost,) = [one for one in told["relations"][0]["columns"] if one["name"] == "cost_usd"]
    assert (cost["type"], "US dollars" in cost["comment"]) == ("DOUBLE", True)


def test_a_dashboard_is_made_changed_and_removed(client: Client) -> None:
    made = client.add_dashboard("Costs", [CHART], "ann")
    assert (made["version"], made["made_by"], [one["name"] for one in made["charts"]]) == (1, "ann", ["Calls"])
    key = made["dashboard_id"]
    more = [*made["charts"], CHART | {"name": "Again", "author": "bob"}]
    changed = client.change_dashboard(key, 1, "Costs of calls", more, "bob")
    assert (changed["version"], changed["made_by"], changed["changed_by"]) == (2, "ann", "bob")
    assert client.dashboard(key) == changed
    assert [(one["name"], one["charts"]) for one in client.dashboards()] == [("Costs of calls", 2)]
    client.remove_dashboard(key, 2)
    with pytest.raises(ApiError, match="no dashboard") as gone:
        client.dashboard(key)
    assert gone.value.status == 404


def test_who_saw_an_older_version_is_told(client: Client) -> None:
    made = client.add_dashboard("Contended")
    client.change_dashboard(made["dashboard_id"], 1, "Contended", [CHART], "ann")
    for late in (
        lambda: client.change_dashboard(made["dashboard_id"], 1, "Contended", [], "bob"),
        lambda: client.remove_dashboard(made["dashboard_id"], 1),
    ):
        with pytest.raises(ApiError, match="changed by ann since you read it") as stale:
            late()
        assert stale.value.status == 409
    assert client.dashboard(made["dashboard_id"])["charts"][0]["name"] == "Calls"


def test_a_name_is_had_once_in_a_project(client: Client) -> None:
    first, second = client.add_dashboard("Taken"), client.add_dashboard("Free")
    for taking in (
        lambda: client.add_dashboard("Taken"),
        lambda: client.change_dashboard(second["dashboard_id"], 1, "Taken", []),
    ):
        with pytest.raises(ApiError, match="has a dashboard 'Taken' already"):
            taking()
    assert client.change_dashboard(first["dashboard_id"], 1, "Taken", [CHART])["version"] == 2, "its own name"
    client.add_project("other")
    with Client(client.base_url, "other") as other:
        assert other.add_dashboard("Taken")["version"] == 1
        with pytest.raises(ApiError, match="no dashboard"):
            other.dashboard(first["dashboard_id"])


@pytest.mark.parametrize(
    ("name", "chart", "reason"),
    [
        pytest.param("  ", CHART, "at least 1 character", id="no-name"),
        pytest.param("a\nb", CHART, "no control characters", id="two-lines"),
        pytest.param("a", CHART | {"sql": "drop table spans"}, "DROP is refused", id="no-question"),
        pytest.param("a", CHART | {"sql": "select * from read_csv('x')"}, r"read_csv\(\) is refused", id="a-file"),
        pytest.param("a", CHART | {"kind": "pie"}, "'histogram'", id="no-such-kind"),
        pytest.param("a", CHART | {"colour": "red"}, "Extra inputs", id="unknown-member"),
    ],
)
def test_what_is_no_dashboard_is_refused(client: Client, name: str, chart: dict[str, Any], reason: str) -> None:
    with pytest.raises(ApiError, match=reason) as refused:
        client.add_dashboard(name, [chart])
    assert refused.value.status == 422


def test_the_shell_takes_files_in_and_out(client: Client, command: Callable[..., Any], tmp_path: Path) -> None:
    def shell(*words: str, **more: Any) -> Any:
        return command(tmp_path, "dashboards", *words, "--project", "files", "--api-url", client.base_url, **more)

    client.add_project("files")
    assert "Pin a chart in Operate > SQL" in shell("list").stdout
    (tmp_path / "told.yaml").write_text(FILE)
    assert shell("import", "told.yaml", "--author", "ann").stdout == (
        "Dashboard From a file is at version 1 with 2 charts.\n"
    )
    assert shell("import", "told.yaml").stdout.startswith("Dashboard From a file is at version 2")
    assert "From a file" in shell("list").stdout
    out = shell("export").stdout
    assert yaml.safe_load(out) == yaml.safe_load(FILE)
    assert "sql: |" in out, "texts of several lines stay readable"
    assert shell("import", "-", stdin=out).returncode == 0
    assert "There is no dashboard 'x'. There are: From a file." in shell("export", "x").stderr
    (tmp_path / "told.yaml").write_text(FILE.replace("select 1 as one", "drop table spans"))
    refused = shell("import", "told.yaml")
    assert refused.returncode == 2
    assert "told.yaml, line 12" in refused.stderr
    assert "DROP is refused" in refused.stderr


def test_a_question_of_the_shell_has_its_range(client: Client, command: Callable[..., Any], tmp_path: Path) -> None:
    asked = "sql", "--json", "select :since::date as day", "--since", "2026-05-01", "--api-url", client.base_url
    assert command(tmp_path, *asked).stdout == '{"day":"2026-05-01"}\n'
