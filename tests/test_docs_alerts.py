"""What docs/alerts.md shows works: the check of signatures, the fields of a webhook, the commands."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer.main

from server.cli import app
from server.notify import telling
from server.notify.sending import signature
from store.alerts import Alert
from store.deliveries import Delivery

PAGE = Path(__file__).parents[1] / "docs" / "alerts.md"
AT = datetime(2026, 11, 27, 14, 5)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("key", "age_s", "body", "good"),
    [
        pytest.param("key", 0, b'{"id": 1}', True, id="good"),
        pytest.param("other", 0, b'{"id": 1}', False, id="another-key"),
        pytest.param("key", 0, b'{"id": 2}', False, id="another-body"),
        pytest.param("key", 900, b'{"id": 1}', False, id="played-back"),
    ],
)
def test_its_check_of_signatures(key: str, age_s: int, body: bytes, good: bool) -> None:
    held: dict[str, Any] = {}
    exec(blocks("python")[0], held)  # noqa: S102 - the page's own
    assert held["verified"](key, signature("key", int(time.time()) - age_s, b'{"id": 1}'), body) is good


def test_its_webhook_has_the_fields_that_are_sent() -> None:
    verdict = json.loads(blocks("json")[0])["alerts"][0]["verdict"]
    alert = Alert(
        1, UUID(int=1), 12, UUID(int=2), "shop-errors", 3, "warning", "firing", AT, AT.replace(minute=0), None, None,
        "release:1.8", verdict, AT, "ada", None, None, None, None, None, None, None,
    )  # fmt: skip
    message = telling.worded(alert, "opened", "default", "https://assayline.example")
    delivery = Delivery(
        1,
        UUID(int=3),
        UUID(int=4),
        "ops",
        alert.alert_id,
        "opened",
        json.dumps(message),
        "waiting",
        AT,
        AT,
        AT,
        0,
        None,
    )
    sent = json.loads(telling.composed([delivery]).body)
    shown = json.loads(blocks("json")[0])
    assert sent.keys() == shown.keys()
    assert sent["alerts"][0].keys() == shown["alerts"][0].keys()
    assert {name: sent[name] for name in ("title", "link", "created_at")} == {
        name: shown[name] for name in ("title", "link", "created_at")
    }
    more = replace(delivery, message=json.dumps({**message, "severity": "critical"}))
    assert telling.composed([delivery, more]).severity == "critical"


def test_its_commands_are_those_that_there_are() -> None:
    told = [
        shlex.split(line.split("|")[-1]) for line in blocks("bash")[1 - 1].splitlines() + blocks("bash")[1].splitlines()
    ]
    tree: Any = typer.main.get_command(app)
    for words in (words for words in told if words[0] == "assay"):
        group = tree.commands[words[1]]
        parsed = group.commands[words[2]].make_context(words[2], [*words[3:]], resilient_parsing=True)
        assert parsed.params
