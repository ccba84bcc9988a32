"""Parts of one span that are drawn as often as it has them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _long_events() -> None:
    from app import span  # noqa: PLC0415 - the script of a page of its own

    event = {"time": "2026-05-04", "name": "gen_ai.prompt", "attributes": {"content": "x" * 30_000}}
    span._events({"span_id": "1", "events": [event, event]})


def _long_trails() -> None:
    from app import span  # noqa: PLC0415 - likewise

    event = {"name": "exception", "attributes": {"exception.stacktrace": "at x\n" * 10_000}}
    span._error({"span_id": "1", "status": "error", "error_message": "y" * 50_000, "events": [event, event]})


def test_long_events_can_each_be_shown_whole() -> None:
    shown = AppTest.from_function(_long_events).run()
    assert not shown.exception
    assert len(shown.toggle) == 2


def test_long_messages_and_stack_traces_are_cut_until_asked_for() -> None:
    shown = AppTest.from_function(_long_trails).run()
    assert not shown.exception
    assert [len(one.value) for one in shown.code] == [20_002] * 3
    whole = shown.toggle[0].set_value(True).run()
    assert len(whole.code[0].value) == 50_000
