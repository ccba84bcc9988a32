"""The labelling page over a real server: what is told to it, what becomes of what it tells, what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from app import labelling_words
from app.data_labelling import Door
from app.labelling_work import Work, begin, settle
from server.client import Client

Open = Callable[..., AppTest]
FIELDS = [
    {"name": "correct", "kind": "binary"},
    {"name": "note", "kind": "text", "required": False},
]


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any]) -> Any:
    return serve("labelling")


@pytest.fixture
def client(served: Any) -> Iterator[Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def queue(client: Client) -> str:
    """A queue of its own with five items, one label each."""
    name = f"q-{uuid4().hex[:8]}"
    client.set_queue(name, {"fields": FIELDS, "guidelines": "Be *fair*."})
    client.add_items(name, [{"content": content(n)} for n in range(5)])
    return name


def content(n: int) -> dict[str, Any]:
    return {"question": f"What of {n}?", "sides": [{"answer": f"It is {n}.", "name": "variant-x"}]}


def save(item: dict[str, Any], said: str = "yes") -> dict[str, Any]:
    return {
        "id": str(uuid4()), "op": "save", "number": item["number"], "lease_id": item["lease_id"],
        "answers": {"correct": said}, "comment": None, "seconds": 4.0, "fields_version": 1,
    }  # fmt: skip


def test_what_is_told_twice_is_done_once(client: Client, queue: str) -> None:
    work, door = Work(), Door(client, queue, "ann")
    begin(work, door)
    first, second = work.hand[:2]
    ops = [save(first), {"id": str(uuid4()), "op": "skip", "number": second["number"], "reason": "I cannot tell"},
           {"id": "d", "op": "draft", "number": work.hand[2]["number"], "answers": {"correct": "no"}}]  # fmt: skip
    settle(work, ops, door)
    settle(work, ops, door)
    settle(Work(), ops, door)  # after a reload nothing is known of what was answered
    far = client.queue_progress(queue, "ann")
    assert (far["mine"]["labels"], far["mine"]["skipped"], far["done"]) == (1, 1, 1)
    assert [one["number"] for one in work.hand] == [3, 4, 5]
    assert work.hand[0]["draft"]["answers"] == {"correct": "no"}
    assert work.answers[ops[0]["id"]]["others"] == {"labels": [], "scores": []}


def test_the_last_one_comes_back_with_what_was_said(client: Client, queue: str) -> None:
    work, door = Work(), Door(client, queue, "ann")
    begin(work, door)
    number, first, second = work.hand[0]["number"], str(uuid4()), str(uuid4())
    settle(work, [save(work.hand[0], "no"), {"id": first, "op": "undo"}], door)
    assert work.answers[first] == {"number": number}
    assert work.hand[0]["number"] == number
    assert work.hand[0]["draft"]["answers"] == {"correct": "no"}
    settle(work, [{"id": second, "op": "undo"}], door)
    assert work.answers[second] == {"number": None}


def test_a_lost_place_is_told_and_what_was_said_stays_a_draft(client: Client, queue: str) -> None:
    ann, ben = Work(), Work()
    begin(ann, Door(client, queue, "ann"), 2)
    begin(ben, Door(client, queue, "ben"))
    assert 2 not in {one["number"] for one in ben.hand}
    settle(ann, [save(ann.hand[0])], Door(client, queue, "ann"))
    op = {**save({"number": 2, "lease_id": None}), "answers": {"correct": "no", "note": "but"}}
    settle(ben, [op], Door(client, queue, "ben"))
    assert ben.answers[op["id"]]["refused"].startswith("Item 2 is not saved. ")
    assert ben.stale
    assert ben.failing == ""


def test_an_item_of_a_link_comes_first_or_it_is_said_why_not(client: Client, queue: str) -> None:
    ann, ben = Work(), Work()
    begin(ann, Door(client, queue, "ann"), 4)
    assert [one["number"] for one in ann.hand] == [4, 1, 2]
    begin(ben, Door(client, queue, "ben"), 4)
    assert ben.answers == {"-": {"refused": "Item 4 is not free: others have it before them."}}
    assert 4 not in {one["number"] for one in ben.hand}


def test_while_no_server_answers_nothing_is_lost(client: Client, queue: str) -> None:
    work = Work()
    begin(work, Door(client, queue, "ann"))
    op = save(work.hand[0])
    with Client("http://127.0.0.1:9", timeout_s=1) as nobody:
        settle(work, [op], Door(nobody, queue, "ann"))
    assert work.answers == {}
    assert "No server answers" in work.failing
    settle(work, [op], Door(client, queue, "ann"))
    assert work.failing == ""
    assert client.queue_progress(queue, "ann")["mine"]["labels"] == 1


def test_items_that_others_have_by_now_are_marked(client: Client, queue: str) -> None:
    work, door = Work(), Door(client, queue, "ann")
    begin(work, door)
    client.release_leases(queue, "ann", [work.hand[1]["lease_id"]])
    settle(work, [{"id": "r", "op": "renew"}], door)
    assert [one["lost"] for one in work.hand] == [False, True, False]


def test_where_nothing_is_hidden_what_others_said_comes_with_the_item(client: Client, queue: str) -> None:
    client.set_queue(queue, {"fields": FIELDS, "blind": False, "labels": 2})
    ann, ben = Work(blind=False), Work(blind=False)
    begin(ann, Door(client, queue, "ann"), 1)
    assert ann.said[1] == {"labels": [], "scores": []}
    settle(ann, [save(ann.hand[0], "no")], Door(client, queue, "ann"))
    begin(ben, Door(client, queue, "ben"), 1)
    assert [(one["author"], one["answers"]) for one in ben.said[1]["labels"]] == [("ann", {"correct": "no"})]
    assert set(ben.said) == {one["number"] for one in ben.hand}


@pytest.mark.parametrize(
    ("mine", "left", "said"),
    [
        pytest.param({"labels": 34, "seconds_median": 41.2}, 166, "34 of 200, 41 s each, about 2 h left", id="usual"),
        pytest.param({"labels": 0, "seconds_median": None}, 12, "0 of 12", id="none-yet"),
        pytest.param({"labels": 3, "seconds_median": None}, 1, "3 of 4", id="time-unknown"),
        pytest.param({"labels": 5, "seconds_median": 95.0}, 0, "5 of 5, 1 min 35 s each", id="all"),
        pytest.param({"labels": 5, "seconds_median": 7.5}, 6, "5 of 11, 8 s each, less than 1 min left", id="soon"),
        pytest.param({"labels": 5, "seconds_median": 0.2}, 9, "5 of 14, less than 1 s each, less than 1 min left",
                     id="below-a-second"),
    ],
)  # fmt: skip
def test_course(mine: dict[str, Any], left: int, said: str) -> None:
    assert labelling_words.course({"mine": mine, "left_for_me": left}) == said


@pytest.mark.parametrize(
    ("why", "far", "said"),
    [
        pytest.param("closed", {"items": 0}, "This queue is closed.", id="closed"),
        pytest.param("not a labeller", {"items": 4}, "ann is not among the labellers of this queue.", id="not-named"),
        pytest.param("all taken", {"items": 4}, "Others have the last items before them.", id="taken"),
        pytest.param("done", {"items": 0}, "This queue has no items yet.", id="empty"),
        pytest.param("done", {"items": 4, "done": 4}, "Every item has its labels.", id="done"),
        pytest.param("done", {"items": 4, "done": 3}, "Nothing is left for you.", id="done-for-me"),
    ],
)
def test_why_nothing_is_left(why: str, far: dict[str, Any], said: str) -> None:
    assert labelling_words.none_left(why, far, "ann")[0] == said


def told(shown: AppTest) -> dict[str, Any]:
    """What the component is handed."""
    (part,) = (one for one in shown.get("bidi_component") if one.proto.component_name == "assayline_labelling")
    found: dict[str, Any] = json.loads(part.proto.json)
    return found


def test_the_desk_is_handed_items_without_what_is_hidden(page: Open, served: Any, queue: str) -> None:
    shown = page(served.note.api_url, "labelling", queue=queue, labeller="ann", item="2")
    assert not shown.exception
    found = told(shown)
    assert [one["number"] for one in found["hand"]] == [2, 1, 3]
    assert found["course"] == "0 of 5"
    assert (found["queue"]["guidelines"], found["wanted"], found["failing"]) == ("Be *fair*.", 2, "")
    assert "variant-x" not in json.dumps(found)


def test_queues_are_listed_and_lead_to_their_items(page: Open, served: Any, queue: str, listed: Any) -> None:
    shown = page(served.note.api_url, "labelling", labeller="ann b")
    row = next(one for one in listed(shown) if one["Queue"] == queue)
    assert (row["Done"], row["Labels"]) == ("0 of 5", "0 of 5")
    assert row["href"] == f"labelling?queue={queue}&labeller=ann+b"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param({"queue": "there"}, "Who labels there?", id="nobody-has-said-who-labels"),
        pytest.param({"queue": "nowhere", "labeller": "ann"}, "nowhere", id="no-such-queue"),
    ],
)
def test_what_stands_in_place_of_items(page: Open, served: Any, query: dict[str, str], said: str) -> None:
    shown = page(served.note.api_url, "labelling", **query)
    assert not shown.exception
    assert said in "".join(str(one.value) for one in (*shown.markdown, *shown.error)).replace("\\", "")
