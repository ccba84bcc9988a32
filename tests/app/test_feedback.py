"""Feedback: the words of the page, and the page over a real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from streamlit.testing.v1 import AppTest

from app import feedback
from server.client import Client

Open = Callable[..., AppTest]
TRACE = "0f" * 16
Listed = Callable[..., list[dict[str, str]]]

THUMBS: dict[str, Any] = {
    "name": "user_feedback", "kind": "thumbs", "n": 4, "calls": 4, "share": 0.75, "share_low": 0.3, "share_high": 0.95,
    "mean": 0.75, "mean_low": 0.2, "mean_high": 1.3, "low": 0.0, "high": 1.0, "texts": 1, "users": 3,
}  # fmt: skip
STARS = THUMBS | {
    "name": "user_stars", "kind": "stars", "mean": 4.25, "mean_low": 3.4, "mean_high": 5.0, "low": 3.0, "high": 5.0,
    "texts": 0,
}  # fmt: skip
ONE_STAR = STARS | {"n": 1, "calls": 1, "mean": 3.0, "mean_low": None, "mean_high": None, "high": 3.0}
SENT = STARS | {"name": "liked", "kind": None, "low": -1.0, "high": 1.0}  # by telemetry
WORDS = THUMBS | {"name": "user_comment", "kind": "text", "n": 2, "calls": 0, "share": None, "texts": 2}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param(
            [THUMBS], "4 pieces of feedback in June: user_feedback 75 % good (30 % to 95 %). 1 has words.", id="one"
        ),
        pytest.param(
            [THUMBS, STARS],
            "8 pieces of feedback in June: user_feedback 75 % good (30 % to 95 %); user_stars 4.25 on average "
            "(3.4 to 5). 1 has words.", id="two",
        ),
        pytest.param(
            [ONE_STAR], "1 piece of feedback in June: user_stars 3 on average. None has words.", id="no-interval"
        ),
        pytest.param([WORDS], "2 pieces of feedback in June. 2 have words.", id="words-alone"),
    ],
)  # fmt: skip
def test_the_sentence_tells_how_much_how_good_and_how_sure(rows: list[Any], says: str) -> None:
    assert feedback.finding(rows, "June") == says


@pytest.mark.parametrize(("row", "stars"), [(THUMBS, False), (STARS, True), (ONE_STAR, True), (SENT, True)])
def test_a_share_is_told_of_what_is_yes_or_no_alone(row: dict[str, Any], stars: bool) -> None:
    assert feedback.is_stars(row) == stars


def test_an_answer_is_sent_once() -> None:
    """Of which both the trace and its call were told: the trace. What is not here is left out."""
    a, b = "0a" * 16, "0b" * 16
    told = (
        (a, "01", True),
        (a, None, True),
        (a, None, True),
        (b, "02", True),
        (b, "03", True),
        ("0c" * 16, None, False),
    )
    rows = [{"trace_id": trace, "span_id": span, "there": there} for trace, span, there in told]
    found = [(one["trace_id"].replace("-", ""), one["span_id"]) for one in feedback.targets(rows)]
    assert found == [(a, None), (b, "02"), (b, "03")]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"kind": "stars", "value": 4.0, "label": None}, "4 of 5"),
        ({"kind": "thumbs", "value": 0.0, "label": "down"}, "down"),
        ({"kind": None, "value": 0.8, "label": None}, "0.8"),
        ({"kind": None, "value": None, "label": None}, "unknown"),
    ],
)
def test_what_one_said_in_a_word(row: dict[str, Any], says: str) -> None:
    assert feedback.said(row) == says


def trace() -> bytes:
    """An OTLP request of the trace `TRACE`, of one span."""
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add(name="chat", trace_id=bytes.fromhex(TRACE))
    span.span_id, span.start_time_unix_nano = b"12345678", time.time_ns()
    span.end_time_unix_nano = span.start_time_unix_nano + 1
    return made.SerializeToString()


@pytest.fixture(scope="module")
def url(serve_for_all: Callable[[str], Any]) -> str:
    served = serve_for_all("feedback-page")
    served.send(trace())
    with served.client() as client:
        for place in range(55):
            body = {"kind": "thumbs", "thumb": "down" if place % 5 == 0 else "up", "trace_id": f"{place + 1:032x}"}
            client.add_feedback({**body, "user": f"u{place}"})
        client.add_feedback({"kind": "correction", "text": "<b>[x](http://a)</b>", "response_id": "r"})
    address: str = served.note.api_url
    return address


def test_the_page_says_what_was_said_and_pages_through_it(url: str, page: Open, listed: Listed) -> None:
    shown = page(url, "feedback")
    assert not shown.exception
    assert "56 pieces of feedback in the last 24 hours: user_feedback 80 % good" in shown.markdown[0].value.replace(
        "\\", ""
    )
    rows = listed(shown)
    assert (len(rows), rows[0]["Said"], rows[0]["In their words"]) == (50, "correction", "<b>[x](http://a)</b>")
    assert rows[0]["Trace"] == "not here"
    assert len(listed(page(url, "feedback", page="2"))) == 6
    assert {row["Said"] for row in listed(page(url, "feedback", page="1", low="low"))} == {"down"}


def test_another_page_keeps_the_window_and_another_choice_begins_at_the_first(
    url: str, page: Open, listed: Listed
) -> None:
    shown = page(url, "feedback", range="7d")
    (following,) = [one for one in shown.get("page_link") if one.proto.label == "Next"]
    assert set(following.proto.query_string.split("&")) == {"range=7d", "page=2"}
    second = page(url, "feedback", range="7d", page="2")
    second.selectbox(key="compare-low").select("low").run()
    assert not second.exception
    assert {row["Said"] for row in listed(second)} == {"down"}


def test_what_is_listed_is_sent_to_a_queue(url: str, page: Open) -> None:
    """What all that matches is of, those that are not here left out, each once."""
    with Client(url) as client:
        for place in range(3):  # two of one answer
            client.add_feedback({"kind": "stars", "stars": 1, "trace_id": TRACE, "user": f"s{place // 2}"})
        client.add_feedback({"kind": "thumbs", "thumb": "down", "trace_id": TRACE, "user": "other"})
        client.set_queue("bad-ones", {"fields": [{"name": "correct", "kind": "binary"}]}, "ann")
    shown = page(url, "feedback", low="low")
    shown.button(key="send-to-queue").click().run()
    assert not shown.exception
    assert "1 answer that this was said of" in " ".join(one.value for one in shown.markdown)


def test_what_was_taken_back_is_no_failure_of_its_trace(url: str, page: Open) -> None:
    with Client(url) as client:
        client.add_feedback({"kind": "stars", "stars": 4, "trace_id": TRACE, "user": "lou"})
        said = {"kind": "text", "trace_id": TRACE, "user": "lou"}
        client.add_feedback(said | {"text": "Too long."})
        assert "user_comment" in scores_of(page(url, "trace", trace=TRACE))
        client.add_feedback(said | {"withdrawn": True})
    told = scores_of(page(url, "trace", trace=TRACE))
    assert "user_stars" in told
    assert "user_comment" not in told


def scores_of(shown: AppTest) -> str:
    assert not shown.exception
    return " ".join(one.value.to_csv() for one in shown.dataframe)


def test_an_empty_project_says_how_to_begin(empty_url: str, page: Open) -> None:
    shown = page(empty_url, "feedback")
    assert not shown.exception
    assert "would be here" in " ".join(one.value for one in (*shown.markdown, *shown.caption, *shown.info))


def test_a_key_is_shown_once(url: str, page: Open, listed: Listed) -> None:
    with Client(url) as client:
        key = client.add_feedback_key("shop", ["https://app.example"], 60, "ann")["key"]
    shown = page(url, "feedback", part="keys")
    (row,) = listed(shown)
    assert (row["Key"], row["Pages that may use it"], row["State"]) == ("shop", "https://app.example", "in use")
    assert key not in str([one.value for one in (*shown.markdown, *shown.code)])
