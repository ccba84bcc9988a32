"""Feedback of end users: what becomes of it, who may send it, and that it is not mixed with reviewers' labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import Request
from scipy import stats
from starlette.types import Message

from collectors.normalising.identity import hashed_authors, hashed_user
from server.api.feedback import _body
from server.api.problems import ProblemError
from server.client import Client
from server.feedback import keys
from server.feedback.keys import FeedbackKeyError
from server.feedback.pace import MOST_SENDERS, Pace
from server.feedback.said import Feedback

Serving = Any  # of conftest.py
TRACE = "0f" * 16
PAGE = "https://app.example"
UP = {"kind": "thumbs", "trace_id": TRACE, "thumb": "up"}


@pytest.fixture(scope="module")
def http(shared: Serving, otlp: Callable[..., bytes]) -> Iterator[httpx.Client]:
    shared.post(otlp(int(TRACE, 16), gen_ai__operation__name="chat", gen_ai__response__id="chatcmpl-7"))
    with shared.client() as made:
        made.settle()
    with httpx.Client(base_url=shared.note.api_url, timeout=30) as plain:
        yield plain


@pytest.fixture(scope="module")
def client(shared: Serving, http: httpx.Client) -> Iterator[Client]:
    with shared.client() as made:
        yield made


@pytest.fixture(scope="module")
def key(client: Client) -> str:
    made = client.add_feedback_key("shop", [f"{PAGE}/", "http://localhost:3000"], 600, "ann")
    assert (made["origins"], made["shown"]) == ([PAGE, "http://localhost:3000"], made["key"][:13])
    return str(made["key"])


def said(client: Client, **chosen: Any) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return client.rows("feedback", since=now - timedelta(hours=1), until=now + timedelta(hours=1), **chosen)


def send(http: httpx.Client, body: object, **headers: str) -> httpx.Response:
    return http.post("/api/feedback", content=json.dumps(body), headers=headers)


CASES = [
    pytest.param({**UP, "comment": "just right"}, ("user_feedback", 1.0, "up", "just right"), id="thumb"),
    pytest.param({**UP, "thumb": "down"}, ("user_feedback", 0.0, "down", None), id="the-other-thumb"),
    pytest.param({"kind": "stars", "stars": 2, "trace_id": TRACE}, ("user_stars", 2.0, None, None), id="stars"),
    pytest.param(
        {"kind": "text", "text": "Too long.", "trace_id": TRACE, "name": "user_tone"},
        ("user_tone", None, "text", "Too long."), id="text",
    ),
    pytest.param(
        {"kind": "correction", "text": "Paris.", "comment": "not Lyon", "trace_id": TRACE},
        ("user_correction", None, "correction", "Paris.\n\nnot Lyon"), id="correction",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_what_is_said_becomes_a_score_of_its_own_source(
    client: Client, body: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    user = f"u-{expected[0]}-{expected[1]}"
    client.add_feedback({**body, "user": user})
    (score,) = [row for row in client.rows("trace_scores", trace_id=TRACE) if row["author"] == user]
    assert (score["name"], score["value"], score["label"], score["explanation"]) == expected
    assert score["source"] == "user"


def test_the_latest_of_a_user_counts(client: Client) -> None:
    for thumb in ("up", "down"):
        client.add_feedback({**UP, "thumb": thumb, "user": "kim"})
    (row,) = [row for row in said(client) if row["user_id"] == "kim"]
    assert (row["label"], row["there"], row["trace_id"].replace("-", "")) == ("down", True, TRACE)
    users = [{row["user_id"] for row in said(client, low=low)} for low in (True, False)]
    assert ["kim" in found for found in users] == [True, False]


def test_what_a_user_takes_back_is_gone_until_it_is_said_again(client: Client) -> None:
    told = {**UP, "user": "lou"}
    seen = []
    for one in (
        told,
        {"kind": "thumbs", "trace_id": TRACE, "user": "lou", "withdrawn": True},
        {**told, "thumb": "down"},
    ):
        client.add_feedback(one)
        seen.append([row["label"] for row in said(client) if row["user_id"] == "lou"])
    assert seen == [["up"], [], ["down"]]


def test_traces_are_not_found_by_what_was_taken_back(client: Client) -> None:
    now = datetime.now(UTC)
    asked = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1), "score": "user_gone"}
    while client.rows("trace_summary", trace_id=TRACE) == []:  # it is resolved after it was answered
        pass
    counts = []
    for change in ({"thumb": "up"}, {"withdrawn": True}):
        client.add_feedback({"kind": "thumbs", "trace_id": TRACE, "user": "lou", "name": "user_gone", **change})
        counts.append([len(client.rows("traces", **asked, score_failed=failed)) for failed in (None, True, False)])
    assert counts == [[1, 0, 1], [0, 0, 0]]


def test_a_response_id_finds_its_call_and_an_unknown_one_waits(client: Client) -> None:
    for response in ("chatcmpl-7", "chatcmpl-none"):
        client.add_feedback({"kind": "thumbs", "thumb": "up", "response_id": response, "user": response})
    found = {row["user_id"]: row for row in said(client)}
    assert found["chatcmpl-7"]["trace_id"].replace("-", "") == TRACE
    assert (found["chatcmpl-none"]["trace_id"], found["chatcmpl-none"]["there"]) == (None, False)


def test_a_retry_with_a_time_adds_nothing(client: Client) -> None:
    body = {**UP, "user": "again", "time": datetime.now(UTC).isoformat()}
    for _ in range(2):
        client.add_feedback(body)
    assert len([row for row in client.rows("trace_scores", trace_id=TRACE) if row["author"] == "again"]) == 1


def test_sums_are_those_of_the_list_with_their_intervals(client: Client) -> None:
    for place, stars in enumerate((5, 4, 4, 1, 3)):
        client.add_feedback(
            {"kind": "stars", "stars": stars, "trace_id": TRACE, "name": "user_rated", "user": f"s{place}"}
        )
    for place in range(10):
        client.add_feedback({**UP, "thumb": "down" if place < 3 else "up", "name": "user_liked", "user": f"t{place}"})
    now = datetime.now(UTC)
    window = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    sums = {row["name"]: row for row in client.rows("feedback_sums", **window)}
    rated, liked = sums["user_rated"], sums["user_liked"]
    assert (rated["n"], rated["calls"], rated["low"], rated["high"], rated["users"]) == (5, 5, 1, 5, 5)
    t = stats.ttest_1samp([5, 4, 4, 1, 3], 0).confidence_interval(0.95)
    assert (rated["mean"], rated["mean_low"], rated["mean_high"]) == pytest.approx((3.4, *t))
    wilson = stats.binomtest(7, 10).proportion_ci(0.95, "wilson")
    assert (liked["share"], liked["share_low"], liked["share_high"]) == pytest.approx((0.7, *wilson))
    buckets = client.rows("feedback_sums", **window, score="user_liked", step_us=60_000_000)
    assert sum(row["n"] for row in buckets) == 10


REFUSED = [
    pytest.param({"kind": "thumbs", "thumb": "up"}, "name what it is of", id="of-nothing"),
    pytest.param({**UP, "response_id": "r"}, "name what it is of", id="of-two-things"),
    pytest.param({**UP, "thumb": "sideways"}, "thumb", id="no-such-thumb"),
    pytest.param({**UP, "stars": 3}, "kind thumbs takes thumb, and not stars", id="two-verdicts"),
    pytest.param({"kind": "stars", "stars": 6, "trace_id": TRACE}, "less than or equal to 5", id="six-stars"),
    pytest.param({"kind": "text", "text": "x" * 20_001, "trace_id": TRACE}, "20000", id="long"),
    pytest.param({**UP, "value": 1}, "Extra inputs", id="unknown-field"),
    pytest.param({**UP, "name": "groundedness"}, "user_", id="the-name-of-a-judge"),
    pytest.param({**UP, "withdrawn": True}, "leave out thumb", id="taken-back-and-said"),
    pytest.param([UP], "no JSON object", id="a-list"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_what_is_no_feedback_is_refused_with_the_rule(http: httpx.Client, body: object, reason: str) -> None:
    answer = send(http, body)
    assert (answer.status_code, answer.json()["kind"]) == (422, "invalid")
    assert reason in answer.json()["detail"]


def test_a_body_beyond_the_limit_is_refused(http: httpx.Client) -> None:
    assert send(http, {**UP, "comment": "x" * 140_000}).status_code == 413


def test_no_more_than_the_limit_is_read() -> None:
    """Whoever has the key of a page would else have the server hold what they like."""
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 65_536
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    with pytest.raises(ProblemError, match="at most 131,072 bytes"):
        asyncio.run(_body(Request({"type": "http", "method": "POST", "headers": []}, receive)))
    assert read == 3 * 65_536


def test_a_page_sends_with_its_key_as_a_browser_does(http: httpx.Client, key: str, client: Client) -> None:
    asked = http.options(
        "/api/feedback",
        headers={
            "origin": PAGE, "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-assay-key",
        },
    )  # fmt: skip
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, "*")
    sent = send(http, {**UP, "user": "page"}, **{"origin": PAGE, "sec-fetch-site": "cross-site", "x-assay-key": key})
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (200, "*")
    beacon = send(http, {**UP, "user": "beacon", "key": key}, **{"origin": PAGE, "content-type": "text/plain"})
    assert beacon.status_code == 200
    assert {"page", "beacon"} <= {row["user_id"] for row in said(client) if row["key"] == "shop"}


FORBIDDEN = [
    pytest.param({"origin": PAGE}, "foreign_origin", id="no-key"),
    pytest.param({"sec-fetch-site": "cross-site"}, "foreign_origin", id="no-key-and-no-origin"),
    pytest.param({"origin": "https://evil.example", "x-assay-key": "KEY"}, "bad_key", id="another-page"),
    pytest.param({"origin": "null", "x-assay-key": "KEY"}, "bad_key", id="a-page-without-origin"),
    pytest.param({"origin": PAGE, "x-assay-key": "assay-fb-none"}, "bad_key", id="no-such-key"),
]


@pytest.mark.parametrize(("headers", "kind"), FORBIDDEN)
def test_who_may_not_send_is_told(http: httpx.Client, key: str, headers: dict[str, str], kind: str) -> None:
    answer = send(http, UP, **{name: key if value == "KEY" else value for name, value in headers.items()})
    assert (answer.status_code, answer.json()["kind"]) == (403, kind)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/scores"), ("POST", "/api/feedback-keys"), ("DELETE", "/api/queues/q"), ("POST", "/api/sql"),
        ("PUT", "/api/feedback"),
    ],
)  # fmt: skip
def test_a_key_opens_nothing_else(http: httpx.Client, key: str, method: str, path: str) -> None:
    answer = http.request(method, path, json={}, headers={"origin": PAGE, "x-assay-key": key})
    assert answer.status_code in {403, 405}
    assert "access-control-allow-origin" not in answer.headers


def test_pages_of_others_cannot_read(http: httpx.Client, key: str) -> None:
    answer = http.get("/api/feedback-keys", headers={"origin": PAGE, "x-assay-key": key})
    assert "access-control-allow-origin" not in answer.headers
    assert key not in answer.text


def test_a_revoked_key_opens_nothing_and_what_it_brought_stays(http: httpx.Client, client: Client) -> None:
    made = client.add_feedback_key("brief", [], 600, "ann")
    headers = {"x-assay-key": made["key"]}
    assert send(http, {**UP, "user": "brief"}, **headers).status_code == 200
    client.revoke_feedback_key(made["key_id"], "ann")
    assert send(http, UP, **headers).json()["kind"] == "bad_key"
    assert "brief" in {row["user_id"] for row in said(client)}
    (kept,) = [one for one in client.feedback_keys() if one["name"] == "brief"]
    assert kept["revoked_by"] == "ann"


def test_a_full_minute_is_told_with_when_to_come_again(http: httpx.Client, client: Client) -> None:
    headers = {"x-assay-key": client.add_feedback_key("slow", [], 1, "ann")["key"]}
    assert send(http, UP, **headers).status_code == 200
    answer = send(http, UP, **headers)
    assert (answer.status_code, answer.json()["kind"]) == (429, "too_fast")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("key", [None, b"secret"])
def test_who_says_it_is_hashed_where_user_ids_are(key: bytes | None) -> None:
    author = Feedback.model_validate({**UP, "user": "kim"}).facts(key, {}).author
    assert author == ("kim" if key is None else hashed_user("kim", b"secret"))


def test_end_users_of_other_scores_are_hashed_and_reviewers_are_not() -> None:
    told = Feedback.model_validate({**UP, "user": "kim"}).facts(None, {})
    given = [told, replace(told, source="human"), replace(told, author=None)]
    assert [one.author for one in hashed_authors(given, b"secret")] == [hashed_user("kim", b"secret"), "kim", None]


def test_users_of_feedback_and_of_other_scores_are_hashed_alike(start: Callable[..., Serving]) -> None:
    with start(hash_user_ids=True).client() as client:
        client.add_feedback({**UP, "user": "kim"})
        client.add_scores([{"trace_id": TRACE, "name": "n", "value": 1, "source": "user", "author": "kim"}])
        rows = client.rows("trace_scores", trace_id=TRACE)
    authors = {row["author"] for row in rows}
    assert (len(rows), len(authors)) == (2, 1)
    assert "kim" not in authors


def test_a_bucket_fills_again_over_a_minute() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert [pace.wait_s("a", 2) for _ in range(3)] == [0.0, 0.0, 30.0]
    now[0] = 30.0
    assert [pace.wait_s("a", 2), pace.wait_s("a", 2), pace.wait_s("b", 2)] == [0.0, 30.0, 0.0]


def test_senders_that_are_remembered_are_bounded() -> None:
    pace = Pace(lambda: 0.0)
    for number in range(MOST_SENDERS + 5):
        pace.wait_s(number, 1)
    assert pace.wait_s(0, 1) == 0.0
    assert pace.wait_s(MOST_SENDERS + 4, 1) > 0


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ("https://app.example:443", "https://app.example"), ("http://app.example:80/", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"), ("HTTPS://App.Example", "https://app.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)  # fmt: skip
def test_an_origin_is_kept_as_browsers_send_it(told: str, sent: str) -> None:
    assert keys.origin(told) == sent


@pytest.mark.parametrize(
    "path", ["/api/feedback/", "//api/feedback", "/api//feedback", "/api/feedback/x", "/API/feedback"]
)
def test_no_other_path_takes_what_pages_send(http: httpx.Client, key: str, path: str) -> None:
    answer = http.post(path, json=UP, headers={"origin": PAGE, "x-assay-key": key})
    assert answer.status_code in {403, 404}
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_a_name_that_is_not_the_servers_is_refused(http: httpx.Client, key: str, method: str) -> None:
    headers = {"host": "evil.example", "origin": PAGE, "x-assay-key": key, "access-control-request-method": "POST"}
    assert http.request(method, "/api/feedback", headers=headers).status_code == 403


def test_a_page_may_read_why_it_was_refused_and_when_to_come_again(http: httpx.Client, client: Client) -> None:
    key = client.add_feedback_key("once", [PAGE], 1, "ann")["key"]
    answers = [send(http, UP, **{"origin": PAGE, "x-assay-key": key}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 429]
    assert answers[1].headers["access-control-allow-origin"] == "*"
    assert "retry-after" in answers[1].headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("told", ["app.example", "https://app.example/path", "https://*.example", "null", "*"])
def test_what_is_no_origin_is_refused(told: str) -> None:
    with pytest.raises(FeedbackKeyError, match="is no origin"):
        keys.origin(told)


def test_the_shell_makes_lists_and_revokes(shared: Serving, http: httpx.Client, command: Callable[..., Any]) -> None:
    made = command(shared.folder, "feedback", "add", "cli", "--origin", PAGE, "--json")
    key = json.loads(made.stdout)["key"]
    assert send(http, {**UP, "user": "cli"}, **{"x-assay-key": key}).status_code == 200
    rows = [json.loads(line) for line in command(shared.folder, "feedback", "list", "--json").stdout.splitlines()]
    assert "cli" in {row["user_id"] for row in rows}
    assert "is revoked" in command(shared.folder, "feedback", "revoke", "cli").stdout
    assert key not in command(shared.folder, "feedback", "keys").stdout
    assert command(shared.folder, "feedback", "revoke", "cli").returncode == 2
