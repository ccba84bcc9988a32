"""The page Import over a real server: a file is dropped, looked at, imported, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from waiting import until

from app import imports

Open = Callable[..., AppTest]
ROWS = b"when,prompt,response,team\n2026-11-01T10:00:00Z,hello,<script>alert(1)</script>,core\nsoon,a,b,core\n"
NOW = datetime(2026, 11, 28, 10, 2, tzinfo=UTC)
ONE: dict[str, Any] = {
    "ended_at": "2026-11-28T10:00:00Z", "fault": None, "received": 12, "stored": 12, "duplicate": 0, "rejected": 0,
    "read_bytes": 50, "bytes": 100, "started_at": "2026-11-28T10:00:00Z", "last_at": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said", "state"),
    [
        pytest.param({}, "12 of 12 spans, log records and scores are stored.", "whole", id="whole"),
        pytest.param(
            {"stored": 7, "duplicate": 4, "rejected": 1},
            "7 of 12 spans, log records and scores are stored; 4 were there before, 1 could not be taken.", "whole",
            id="some",
        ),
        pytest.param(
            {"ended_at": None},
            "It is being read, by the server or the command that began it. You may leave this page.", "50% read",
            id="going",
        ),
        pytest.param(
            {"ended_at": None, "last_at": "2026-11-28T10:01:30Z", "started_at": "2026-11-28T08:00:00Z"},
            "It is being read, by the server or the command that began it. You may leave this page.", "50% read",
            id="going-since-long",
        ),
        pytest.param(
            {"ended_at": None, "fault": "It is cut."}, "It could not be read to its end: It is cut.", "failed",
            id="failed",
        ),
    ],
)  # fmt: skip
def test_what_became_of_a_file_is_a_sentence(changed: dict[str, Any], said: str, state: str) -> None:
    assert imports.sentence(ONE | changed, NOW) == said
    assert imports.standing(ONE | changed, NOW)[0] == state


def test_an_import_that_nobody_reads_any_more_says_how_it_goes_on() -> None:
    left = ONE | {"ended_at": None, "last_at": "2026-11-28T09:58:00Z"}
    assert imports.standing(left, NOW) == ("broke off", "orange")
    assert "broke off at 50%" in imports.sentence(left, NOW)
    assert "Run the same command again" in imports.sentence(left, NOW)


def test_says_what_to_do_before_anything_was_imported(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "imports")
    assert "Imports would be listed here." in shown.markdown[-1].value
    assert any("assay import FILE" in one.value for one in shown.caption)


def test_a_file_of_calls_is_looked_at_and_imported(page: Open, serve_for_all: Any, listed: Callable[..., Any]) -> None:
    served = serve_for_all("imports")
    shown = page(served.note.api_url, "imports")
    shown.file_uploader[0].upload("calls.csv", ROWS, "text/csv").run()
    assert not shown.exception
    assert "Choose one in the table" in shown.warning[0].value
    assert shown.button(key="import-go").disabled
    mapped = ROWS.replace(b"when", b"time")
    shown.file_uploader[0].upload("calls.csv", mapped, "text/csv").run()
    assert [one.value for one in shown.selectbox] == ["calls"]
    shown.button(key="import-go").click().run()
    import_id = str(shown.query_params[imports.CHOSEN])
    with served.client() as client:
        until(lambda: client.one_import(import_id)["ended_at"])
    shown.run()
    assert any("1 of 2 spans" in one.value for one in shown.markdown)
    assert "row 2: time 'soon'" in json.dumps(listed(shown, "Rejected"))
