"""Prompts over the API: versions, labels with their history and protection, fetching, what is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.client import ApiError, Client
from server.prompt_cache import Kept, PromptCache
from server.prompts import PromptError, content_of

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be {{ tone }}."},
        {"role": "user", "content": "{% for one in passages %}{{ one }}\n{% endfor %}{{ question }}"},
    ],
    "model": "gpt-4o",
    "parameters": {"temperature": 0.2, "max_tokens": 100},
    "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
}


@pytest.fixture(scope="module")
def client(prompted: Any) -> Iterator[Client]:
    with prompted.client() as client:
        yield client


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A prompt of the test's own."""
    return f"tests/{request.node.name.split('[')[0]}-{abs(hash(request.node.name)) % 10_000}"


def refused(act: Callable[[], object]) -> tuple[int | None, str]:
    with pytest.raises(ApiError) as error:
        act()
    return error.value.status, str(error.value)


def test_a_version_says_all_that_was_set(client: Client, name: str) -> None:
    before = datetime.now(UTC)
    assert client.set_prompt(name, CHAT, note="first", author="ada") == {"name": name, "version": 1, "new": True}
    told = client.prompt(name)
    assert {key: told[key] for key in CHAT} == CHAT
    assert (told["type"], told["variables"]) == ("chat", ["passages", "question", "tone"])
    assert (told["note"], told["author"], told["label"], told["version"]) == ("first", "ada", "latest", 1)
    assert before <= datetime.fromisoformat(told["set_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("second", "new"),
    [
        pytest.param(CHAT, False, id="equal"),
        pytest.param(CHAT | {"parameters": {"max_tokens": 100, "temperature": 0.2}}, False, id="keys-in-another-order"),
        pytest.param(CHAT | {"model": "gpt-4o-mini"}, True, id="model"),
        pytest.param(CHAT | {"parameters": {"temperature": 0.2}}, True, id="parameters"),
        pytest.param(CHAT | {"tools": []}, True, id="tools"),
        pytest.param(CHAT | {"messages": CHAT["messages"][::-1]}, True, id="order-of-messages"),
    ],
)
def test_only_what_differs_is_a_new_version(client: Client, name: str, second: dict[str, Any], new: bool) -> None:
    client.set_prompt(name, CHAT)
    assert client.set_prompt(name, second, note="again") == {"name": name, "version": 1 + new, "new": new}
    assert {key: client.prompt(name, version=1)[key] for key in CHAT} == CHAT


def test_a_version_comes_back_as_a_new_one(client: Client, name: str) -> None:
    for text in ("a", "b", "a"):
        client.set_prompt(name, {"text": text})
    told = client.prompt_versions(name)["versions"]
    assert [one["version"] for one in told] == [3, 2, 1]
    assert told[0]["hash"] == told[2]["hash"] != told[1]["hash"]


def test_who_sets_what_another_has_changed_is_told(client: Client, name: str) -> None:
    client.set_prompt(name, {"text": "a"}, based_on=0)
    client.set_prompt(name, {"text": "b"}, based_on=1)
    status, said = refused(lambda: client.set_prompt(name, {"text": "c"}, based_on=1))
    assert (status, client.prompt(name)["text"]) == (409, "b")
    assert "The newest version of" in said
    assert "is 2 by now" in said
    assert said.endswith("then set it with `based_on: 2`.")


def test_a_draft_is_compared_with_a_version(client: Client, name: str) -> None:
    client.set_prompt(name, {"text": "be kind"})
    client.set_prompt(name, {"text": "be brief"})
    found = client.prompt_draft_diff(name, {"text": "be kind"})
    assert (found["older"], found["newer"], found["equal"]) == (2, None, False)
    assert found["texts"][0]["parts"] == [["same", "be"], ["out", " brief"], ["in", " kind"]]
    assert client.prompt_draft_diff(name, {"text": "be kind"}, 1)["equal"]
    assert refused(lambda: client.prompt_draft_diff(name, {"text": "{{ a }"}))[0] == 422


@pytest.mark.parametrize(
    "wrong",
    ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "é", "a@1", "a.yaml", "a.yml/b", "x" * 201],
    ids=lambda one: one[:8] or "empty",
)
def test_a_name_has_a_rule(client: Client, wrong: str) -> None:
    status, said = refused(lambda: client.set_prompt(wrong, {"text": "a"}))
    assert status in {404, 405, 422}
    if wrong:
        assert "cannot name a prompt. A name has 1 to 200 letters" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param({}, "a prompt has a text, or messages: one of them.", id="nothing"),
        pytest.param({"text": "a", "messages": CHAT["messages"]}, "one of them.", id="both"),
        pytest.param({"text": " \n"}, "it says nothing: write a text.", id="blank"),
        pytest.param({"messages": []}, "it says nothing: write a text.", id="no-message"),
        pytest.param({"text": "a\n\nb {{ c }"}, "text, line 3: it is no template: unexpected '}'.", id="template"),
        pytest.param({"text": "{% for a in b %}"}, "text, line 1: it is no template: Unexpected end", id="open-loop"),
        pytest.param({"text": "a\nb\x00"}, "text, line 2: it holds the control character '\\x00'.", id="control"),
        pytest.param({"messages": [{"role": "robot", "content": "a"}]}, "messages.0.role: Input should be", id="role"),
        pytest.param({"text": "a", "modle": "x"}, "modle: there is no such key; did you mean 'model'?.", id="key"),
        pytest.param({"text": "a", "tools": ["x"]}, "tools.0: Input should be a valid", id="tool"),
    ],
)
def test_what_cannot_be_is_told(client: Client, content: dict[str, Any], said: str) -> None:
    status, told = refused(lambda: client.set_prompt("tests/refused", content))
    assert (status, said in told) == (422, True), told
    assert [one["problem"] for one in client.check_prompt(content)["problems"]]
    assert refused(lambda: client.prompt("tests/refused"))[0] == 404


def test_a_prompt_has_an_end() -> None:
    with pytest.raises(PromptError, match="text: String should have at most 200000 characters"):
        content_of({"text": "a" * 200_001})
    with pytest.raises(PromptError, match="its messages have 200,001 letters; 200,000 are the most"):
        content_of({"messages": [{"role": "user", "content": "a" * 100_000}] * 2 + [{"role": "user", "content": "a"}]})
    with pytest.raises(PromptError, match="longer than 200,000 letters of JSON"):
        content_of({"text": "a", "parameters": {"stop": ["a" * 200_000]}})


def test_labels_move_with_a_history(client: Client, name: str) -> None:
    for text in ("a", "b"):
        client.set_prompt(name, {"text": text})
    client.move_label(name, "production", 1, author="ada", reason="start")
    client.move_label(name, "production", 2, author="bob", reason="better")
    client.move_label(name, "production", 2)  # where it is already
    assert client.prompt(name, "production")["text"] == "b"
    client.remove_label(name, "production", reason="over")
    told = client.prompt_versions(name)
    assert told["labels"] == []
    assert [(one["from_version"], one["version"], one["author"], one["reason"]) for one in told["history"]] == [
        (2, None, None, "over"), (1, 2, "bob", "better"), (None, 1, "ada", "start"),
    ]  # fmt: skip
    assert refused(lambda: client.prompt(name, "production")) == (
        404, f"The prompt {name!r} has no label 'production'; it has: latest.",
    )  # fmt: skip


@pytest.mark.parametrize("label", ["latest", "LATEST", "1", "a b", "-a", "x" * 51])
def test_a_label_has_a_rule(client: Client, name: str, label: str) -> None:
    client.set_prompt(name, {"text": "a"})
    status, said = refused(lambda: client.move_label(name, label, 1))
    assert status == 422
    assert ("always the newest version" if label.lower() == "latest" else "A label has 1 to 50 letters") in said


def test_a_protected_label_asks_for_its_name(client: Client, name: str) -> None:
    for text in ("a", "b"):
        client.set_prompt(name, {"text": text})
    client.move_label(name, "production", 1, protected=True)
    said = (
        f"The label 'production' of {name!r} is protected and names version 1. To change it name it "
        "once more: `--confirm production` in the shell, `confirm` in the API."
    )
    for act in (
        lambda: client.move_label(name, "production", 2),
        lambda: client.move_label(name, "production", 2, confirm="staging"),
        lambda: client.move_label(name, "production", 1, protected=False),
        lambda: client.remove_label(name, "production"),
        lambda: client.set_prompt(name, {"text": "c"}, label="production"),
        lambda: client.take_prompt_files(
            [{"path": "a.yaml", "text": f"prompt: {name}\ntext: c\n"}], label="production"
        ),
    ):
        assert refused(act) == (409, said)
    assert client.prompt(name)["version"] == 2  # nothing of what was refused is kept
    assert refused(lambda: client.forget_prompt(name))[0] == 409
    client.move_label(name, "production", 2, confirm="production")
    assert client.prompt_versions(name)["labels"][0]["protected"] is True
    client.remove_label(name, "production", confirm="production")
    client.move_label(name, "production", 1)
    assert client.prompt_versions(name)["labels"][0]["protected"] is False


def test_a_deleted_prompt_leaves_its_versions(client: Client, name: str) -> None:
    client.set_prompt(name, {"text": "a"}, tags=["x"], label="production")
    client.forget_prompt(name)
    assert name not in [one["name"] for one in client.prompts()]
    assert client.prompt(name, version=1)["text"] == "a"
    assert "was deleted" in refused(lambda: client.prompt(name, "production"))[1]
    assert refused(lambda: client.move_label(name, "production", 1))[0] == 404
    assert client.set_prompt(name, {"text": "a"}) == {"name": name, "version": 1, "new": False}
    told = client.prompt_versions(name)
    assert (told["away"], told["tags"], told["labels"]) == (False, ["x"], [])


def test_files_set_many_at_once(client: Client) -> None:
    def take(*texts: str, **more: Any) -> list[tuple[str, int, str, bool]]:
        files = [
            {"path": f"{at}", "text": f"prompt: many/{at}\ntags: [t]\ntext: {text}\n"} for at, text in enumerate(texts)
        ]
        rows = client.take_prompt_files(files, author="ada", **more)
        return [(one["name"], one["version"], one["change"], one["moved"]) for one in rows]

    assert take("a", "b") == [("many/0", 1, "new", False), ("many/1", 1, "new", False)]
    assert take("a", "c", label="live") == [("many/0", 1, "same", True), ("many/1", 2, "version", True)]
    assert take("a", "c", label="live") == [("many/0", 1, "same", False), ("many/1", 2, "same", False)]
    client.forget_prompt("many/0")
    assert take("a", "d", label="live") == [("many/0", 1, "new", True), ("many/1", 3, "version", True)]
    told = client.prompt_versions("many/1")
    assert [(one["from_version"], one["version"]) for one in told["history"]] == [(2, 3), (None, 2)]
    assert (told["tags"], [one["author"] for one in told["versions"]]) == (["t"], ["ada"] * 3)
    assert client.prompt("many/0", "live")["version"] == 1
    client.set_prompt("many/0", {"text": "a"}, tags=["u"])
    assert take("a", "d") == [("many/0", 1, "tags", False), ("many/1", 3, "same", False)]
    assert [one["text"] for one in client.prompt_files(label="live") if one["name"] == "many/1"] == [
        "prompt: many/1\ntags:\n  - t\ntext: d\n"
    ]


def test_search(client: Client) -> None:
    client.set_prompt("search/one", {"text": "Alpha beta"}, tags=["t1"], label="staging")
    client.set_prompt("search/two", {"text": "gamma"}, tags=["t1", "t2"])
    client.set_prompt("search/two", {"text": "delta ünïcode"})

    def found(*asked: Any) -> list[str]:
        return [one["name"] for one in client.prompts(*asked) if one["name"].startswith("search/")]

    assert found("ALPHA B") == ["search/one"]
    assert found("gamma") == []  # the newest version counts
    assert found("ÜNÏ") == ["search/two"]
    assert found("search/") == found(None, "t1") == ["search/one", "search/two"]
    assert found(None, None, "staging") == ["search/one"]


def test_missing_names_suggest_near_ones(client: Client) -> None:
    client.set_prompt("near/answer", {"text": "a"})
    assert "Did you mean 'near/answer'?" in refused(lambda: client.prompt("near/anser"))[1]
    assert refused(lambda: client.prompt("near/answer", version=7))[1].endswith("has no version 7; its newest is 1.")
    assert refused(lambda: client.prompt("near/answer", "a", 1))[0] == 422


def test_projects_are_apart(client: Client, prompted: Any, name: str) -> None:
    client.add_project("other")
    client.set_prompt(name, {"text": "a"})
    with prompted.client("other") as other:
        assert refused(lambda: other.prompt(name))[0] == 404
        assert other.prompts() == []


def test_a_prompt_is_filled_in_by_the_server(client: Client, name: str) -> None:
    client.set_prompt(name, CHAT)
    told = client.render_prompt(name, {"tone": "kind", "passages": ["p1", "p2"], "question": "{{ tone }}?"})
    assert told["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "p1\np2\n{{ tone }}?"},  # values are no templates
    ]
    status, said = refused(lambda: client.render_prompt(name, {"tone": "kind", "passages": []}))
    assert (status, said) == (
        422, "messages.1: there is no value of 'question'. Variables without a value: question.",
    )  # fmt: skip
    client.set_prompt(name, {"text": "{{ 'a' * 100000000 }}"})
    assert "it works out more than" in refused(lambda: client.render_prompt(name, {}))[1]


def get(prompted: Any, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{prompted.note.api_url}/api/prompts/{path}", headers=headers, trust_env=False)


def test_an_etag_spares_the_answer(client: Client, prompted: Any) -> None:
    client.set_prompt("http/one", {"text": "a"}, label="production")
    first = get(prompted, "http/one?label=production")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, max-age=5, stale-if-error=86400"
    for told in (etag, f'"x", W/{etag}', "*"):
        again = get(prompted, "http/one?label=production", **{"if-none-match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    client.set_prompt("http/one", {"text": "b"})
    assert get(prompted, "http/one?label=production", **{"if-none-match": etag}).status_code == 304
    client.move_label("http/one", "production", 2)
    moved = get(prompted, "http/one?label=production", **{"if-none-match": etag})
    assert (moved.status_code, moved.json()["text"]) == (200, "b")
    by_number = get(prompted, "http/one?version=1")
    assert by_number.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert get(prompted, "http/one").json()["version"] == 2
    missing = get(prompted, "http/none")
    assert (missing.status_code, missing.json()["kind"]) == (404, "unknown_prompt")


def test_what_was_asked_before_needs_no_store() -> None:
    cache, reads = PromptCache(most_bytes=10), []

    def read(body: bytes) -> Callable[[], bytes]:
        return lambda: (reads.append(body), body)[1]

    one, two = (1, "a", "latest"), (1, "b", 3)
    assert cache.get(one, read(b"12345")) == cache.get(one, read(b"other")) == Kept.of(b"12345")
    cache.get(two, read(b"6789"))
    assert reads == [b"12345", b"6789"]
    cache.forget(1, "a")
    cache.get(one, read(b"new"))
    assert cache.get(two, read(b"never")).body == b"6789"
    cache.get((2, "c", None), read(b"123456"))  # room for it: what was asked for longest ago goes
    assert cache.get(one, read(b"again")).body == b"again"


def test_what_changes_while_it_is_read_is_not_kept() -> None:
    cache = PromptCache()

    def overtaken() -> bytes:
        cache.forget(1, "a")
        return b"old"

    assert cache.get((1, "a", "latest"), overtaken).body == b"old"
    assert cache.get((1, "a", "latest"), lambda: b"new").body == b"new"


def test_fetching_needs_no_writer(client: Client, prompted: Any) -> None:
    """While every thread that writes is busy: the answer is one of memory."""
    client.set_prompt("http/kept", {"text": "a"}, label="production")
    get(prompted, "http/kept?label=production")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            client.set_prompt("http/busy", {"text": str(number)})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        began = time.perf_counter()
        assert [get(prompted, "http/kept?label=production").json()["text"] for _ in range(20)] == ["a"] * 20
        assert time.perf_counter() - began < 10
    finally:
        stop.set()
        thread.join()


def test_usage_is_counted_by_version(client: Client, prompted: Any, telling: Any) -> None:
    start = time.time_ns() - 60_000_000_000
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o", "gen_ai__usage__input_tokens": 100}
    for number in range(6):
        stamped = {"gen_ai__prompt__name": "used/one", "gen_ai__prompt__version": str(1 + number % 2)}
        trace = telling(bytes([11]) * 15 + bytes([number]), start + number)
        trace.span(1, "chat", 0, 100 * (number + 1), error="boom" if number == 0 else None, **call, **stamped)
        prompted.send(trace.body())
    client.add_scores(
        [
            {"trace_id": (bytes([11]) * 15 + bytes([number])).hex(), "name": "right", "value": float(number > 2),
             "source": "code", "evaluator": "check"}
            for number in range(6)
        ]
    )  # fmt: skip
    client.settle()
    now = datetime.now(UTC)
    told = client.prompt_usage(now - timedelta(hours=1), now + timedelta(minutes=1), "used/one")
    rows = {one["version"]: one for one in told["rows"]}
    assert told["cut"] is False
    assert {version: (one["calls"], one["failed"], one["input_tokens"]) for version, one in rows.items()} == {
        "1": (3, 1, 300), "2": (3, 0, 300),
    }  # fmt: skip
    assert rows["2"]["p50"] == 400e6
    assert rows["1"]["error_rate"] == pytest.approx(1 / 3)
    assert {version: one["scores"]["right"]["value"] for version, one in rows.items()} == {
        "1": pytest.approx(1 / 3), "2": pytest.approx(2 / 3),
    }  # fmt: skip
    narrowed = client.traces(since=now - timedelta(hours=1), until=now, prompt="used/one@1").frame
    assert sorted(str(one)[-2:] for one in narrowed["trace_id"]) == ["00", "02", "04"]
    offers = client.rows("trace_filters", since=now - timedelta(hours=1), until=now)
    assert ("prompt", "used/one@2", 3) in [(one["field"], one["value"], one["traces"]) for one in offers]
    assert client.prompt_usage(now - timedelta(days=9), now - timedelta(days=8))["rows"] == []
