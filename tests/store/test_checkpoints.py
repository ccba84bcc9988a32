"""Reads go on while the log is folded into the file, and hold that up no longer than they last."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from store import writer
from store.database import Database
from store.resolved import resolved_seq, set_resolved_seq


def resolve_upto(store: Any, upto: int) -> None:
    store.writer.call(lambda con: set_resolved_seq(con, upto)).result(10)


def test_a_read_of_before_a_pass_holds_up_no_checkpoint(store: Any) -> None:
    with store.readers.read() as before:
        assert resolved_seq(before) == 0
        for upto in (1, 2, 3):
            resolve_upto(store, upto)
            store.database.checkpoint()
        assert resolved_seq(before) == 0
    assert store.rows("from resolver_state") == [("resolved_seq", 3)]


def test_how_far_is_resolved_is_read_back_from_the_log(store: Any, tmp_path: Path) -> None:
    for upto in range(1, 31):
        resolve_upto(store, upto)
        if upto == 15:
            store.database.checkpoint()
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy, ignore=lambda *_: ["copy"])
    database = Database.open(copy)
    with database.lease() as cursor:
        assert cursor.execute("from resolver_state").fetchall() == [("resolved_seq", 30)]
    database.close()


def test_a_checkpoint_that_waits_for_a_read_comes_soon_after_it(
    open_store: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_BUSY_S", 0.05)
    caplog.set_level(logging.INFO, "store.writer")
    store = open_store(checkpoint_bytes=1)
    with store.readers.read() as before:
        resolved_seq(before)
        store.writer.call(lambda con: con.execute("update resolver_state set value = 7")).result(10)
        until(lambda: "waits for reads" in caplog.text, 10)
        assert store.database.wal_bytes()
    until(lambda: store.writer.call(lambda _: None).result(10) or not store.database.wal_bytes(), 10)
