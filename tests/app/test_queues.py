"""Queues: what is typed into the form, the words of the pages, and the pages over a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import queue, queue_filling, queue_item, queue_preview, queue_terms, queues
from server.client import Client
from server.labelling.terms import Terms

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]

QUEUE: dict[str, Any] = {
    "name": "refunds", "open": True, "items": 10, "gold_items": 0, "done": 4, "labels": 9, "labels_needed": 20,
    "overdue": False, "pace": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param([QUEUE], "1 queue; 11 labels are missing in 1 of them.", id="one"),
        pytest.param(
            [QUEUE, QUEUE | {"name": "done", "labels": 20}],
            "2 queues; 11 labels are missing in 1 of them.", id="one-of-two",
        ),
        pytest.param([QUEUE | {"labels": 20}], "1 queue; no label is missing.", id="ready"),
        pytest.param(
            [QUEUE | {"overdue": True}], "1 queue; 11 labels are missing in 1 of them; 1 is overdue: refunds.",
            id="late",
        ),
    ],
)  # fmt: skip
def test_the_sentence_tells_what_is_left_and_what_is_late(found: list[Any], says: str) -> None:
    assert queues.finding(found) == says


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "open"), ({"open": False}, "closed"), ({"items": 0}, "empty"), ({"overdue": True}, "overdue"),
        ({"labels": 20}, "ready"), ({"items": 0, "gold_items": 3, "labels_needed": 0}, "ready"),
    ],
)  # fmt: skip
def test_how_a_queue_stands_in_a_word(change: dict[str, Any], word: str) -> None:
    assert queues.state_of(QUEUE | change)[0] == word


@pytest.mark.parametrize(
    "text",
    ["yes\nno", "bad = -1\nfair = 0\ngood = 2.5", "a | as it is shown\nb", "p = 1 | one\nq = 2 | two", "a=b\nc d"],
)
def test_choices_are_typed_as_they_are_told(text: str) -> None:
    assert queue_terms.lines(queue_terms.choices(text)) == text


def test_choices_of_lines() -> None:
    found = queue_terms.choices("good = 2 | well done\n\n  bad  \n", [{"value": "bad", "help": "wrong"}])
    assert found == [
        {"value": "good", "number": 2.0, "title": "well done", "help": None},
        {"value": "bad", "number": None, "title": None, "help": "wrong"},
    ]


@pytest.mark.parametrize("start", list(queue_terms.STARTS))
def test_each_beginning_is_taken_by_the_server(start: str) -> None:
    told = queue_terms.begun(start)
    fields = [queue_terms.field(queue_terms.whole(one)) for one in told["fields"]]
    terms = Terms.model_validate(told | {"fields": fields})
    assert [one.name for one in terms.fields] == [one["name"] for one in told["fields"]]
    assert all(queue_preview.answered(queue_terms.whole(one)) for one in told["fields"])


@pytest.mark.parametrize("kind", list(queues.KINDS))
def test_a_field_of_each_kind_is_taken_by_the_server(kind: str) -> None:
    choices = ["a", "b"] if kind in queue_terms.CHOOSING else []
    told = queue_terms.whole({"name": "f", "kind": kind, "choices": choices})
    (field,) = Terms.model_validate({"fields": [queue_terms.field(told)]}).fields
    assert field.kind == kind


def test_a_field_keeps_what_it_says_when_it_is_edited_and_saved() -> None:
    told = {"fields": [{"name": "q", "kind": "ordinal", "choices": ["low", {"value": "high", "number": 9, "help": "h"}],
                        "judges": ["quality"], "better": "higher"}]}  # fmt: skip
    before = Terms.model_validate(told).model_dump(mode="json")["fields"]
    shown = [queue_terms.whole(one) for one in before]
    typed = [one | {"choices": queue_terms.choices(queue_terms.lines(one["choices"]), one["choices"])} for one in shown]
    after = Terms.model_validate({"fields": [queue_terms.field(one) for one in typed]}).model_dump(mode="json")[
        "fields"
    ]
    assert after == before


TOLD = {
    "service": "shop", "has_errors": True, "min_duration_ns": 5, "user_id": "0042", "variant": "1_000", "text": "true",
    "several": ["a", "b"], "better": "two\nlines", "marks": [{"part": "answer", "start": 0, "end": 4}], "n": 0.1,
}  # fmt: skip


def test_lines_that_nobody_touched_say_what_they_said() -> None:
    assert queue_terms.of_lines(queue_terms.told_lines(TOLD), TOLD) == TOLD


def test_lines_that_are_typed_are_text_unless_they_are_json() -> None:
    typed = 'service = shop\n\nuser_id = 42\nseveral = ["a", "b"]\ntext = [x'
    assert queue_terms.of_lines(typed) == {"service": "shop", "user_id": "42", "several": ["a", "b"], "text": "[x"}
    with pytest.raises(ValueError, match="'service' lacks an equals sign"):
        queue_terms.of_lines("service")


def test_choices_that_nobody_touched_say_what_they_said() -> None:
    told = [
        {"value": "a | b", "number": None, "title": None, "help": "h"},
        {"value": "c = 2", "number": None, "title": None, "help": None},
        {"value": "d", "number": 1234567.25, "title": "e = 3", "help": None},
    ]  # fmt: skip
    assert queue_terms.choices(queue_terms.lines(told), told) == told
    assert queue_terms.choices(queue_terms.lines(told[2:])) == told[2:]


def test_a_queue_that_is_opened_and_saved_says_what_it_said(url: str, page: Open) -> None:
    """Also what the form has no place for, and numbers that are no round percents."""
    terms = {
        "fields": [
            {
                "name": "topic", "kind": "categorical", "choices": [{"value": "a", "number": 1234567}, "b"],
                "better": "higher",
            },
        ],
        "examples": [{"title": "one", "text": "t", "answers": {"topic": ["a", "b"], "n": 4}}],
        "gold_share": 0.07, "lease_minutes": 0.5, "labellers": ["ann", "bob"], "deadline": "2026-12-15T18:00:00Z",
        "feeds": [{"filter": {"user_id": "0042", "has_errors": True}, "share": 0.0005, "quiet_s": 60, "priority": 2.0}],
    }  # fmt: skip
    with Client(url) as client:
        client.set_queue("kept", terms, "ann")
        before = client.queue("kept")
        shown = page(url, "queues", edit="kept")
        assert not shown.exception
        shown.text_input(key="alerts-author").input("ann").run()
        shown.button(key="queue-form-save").click().run()
        assert not shown.exception
        after = client.queue("kept")
    assert (after["terms"], after["version"]) == (before["terms"], before["version"])


def test_who_saves_over_anothers_version_is_told(url: str, page: Open) -> None:
    terms = {"fields": [{"name": "correct", "kind": "binary"}]}
    with Client(url) as client:
        client.set_queue("raced", terms, "ann")
        shown = page(url, "queues", edit="raced")
        shown.text_input(key="alerts-author").input("ann").run()
        client.set_queue("raced", terms | {"guidelines": "of bob"}, "bob")
        next(one for one in shown.text_area if one.label == "Guidelines").input("of ann").run()
        shown.button(key="queue-form-save").click().run()
        assert "version" in " ".join(one.value for one in shown.error)
        assert client.queue("raced")["terms"]["guidelines"] == "of bob"
    assert next(one for one in shown.text_area if one.label == "Guidelines").value == "of ann"


def test_what_was_typed_outlives_another_kind_and_another_start(url: str, page: Open) -> None:
    shown = page(url, "queues", make="1")
    field("Choices", shown.text_area).input("fine\nawful").run()
    field("Kind", shown.selectbox).select("numeric").run()
    field("Kind", shown.selectbox).select("ordinal").run()
    assert field("Choices", shown.text_area).value == "fine\nawful"
    field("Question", shown.text_input).input("How is it?").run()
    start = next(one for one in shown.get("button_group") if "a scale" in one.options)
    start.select("a scale").run()
    assert field("Question", shown.text_input).value == "How good is the answer?"
    next(one for one in shown.get("button_group") if "a scale" in one.options).select("right or wrong").run()
    assert (field("Question", shown.text_input).value, field("Choices", shown.text_area).value) == (
        "How is it?",
        "fine\nawful",
    )
    assert not shown.exception


def test_an_example_without_a_title_is_not_thrown_away(url: str, page: Open) -> None:
    shown = page(url, "queues", make="1")
    shown.text_input(key="queue-form-name").input("untitled")
    shown.text_input(key="alerts-author").input("ann").run()
    next(one for one in shown.button if one.label == "Add an example").click().run()
    field("What is labelled", shown.text_area).input("some text").run()
    assert shown.button(key="queue-form-save").disabled
    assert "Example 1 needs a title" in " ".join(one.value for one in shown.caption)


def test_a_form_that_was_left_begins_anew(url: str, page: Open) -> None:
    terms = {"fields": [{"name": name, "kind": "binary"} for name in ("one", "two")]}
    with Client(url) as client:
        client.set_queue("left", terms, "ann")
    shown = page(url, "queues", edit="left")
    next(one for one in shown.button if (one.key or "").endswith("-drop") and not one.disabled).click().run()
    assert [one.value for one in shown.text_input if one.label == "Name"] == ["two"]
    shown.query_params.clear()
    shown.query_params["queue"] = "left"
    shown.run()
    shown.query_params.clear()
    shown.query_params["edit"] = "left"
    shown.run()
    assert [one.value for one in shown.text_input if one.label == "Name"] == ["one", "two"]


def field(label: str, among: Any) -> Any:
    """The first widget whose label begins so."""
    return next(one for one in among if one.label.startswith(label))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"correct": "yes", "topic": ["a", "b"]}, "correct: yes; topic: a, b"),
        ({"order": [["b"], ["a", "c"]]}, "order: b > a and c"),
        (
            {"wrong": [{"side": "a", "part": "answer", "start": 0, "end": 4, "label": "fact"}]},
            "wrong: fact in answer from 0 to 4",
        ),
        ({}, "nothing"),
    ],
)
def test_answers_in_words(told: dict[str, Any], says: str) -> None:
    assert queue_item.answers(told) == says


def test_scores_stand_under_who_gave_them() -> None:
    """Labels of the queue itself stand above, and neither reviewers nor end users are judges."""
    given = {"value": 1.0, "label": None, "explanation": None, "evaluator_version": "1", "error_type": None}
    told = [
        given | {"name": name, "source": source, "evaluator": evaluator, "author": author}
        for name, source, evaluator, author in (
            ("mine", "human", "refunds", "ann"), ("theirs", "human", "other", "bob"), ("judged", "llm", "judge", None),
            ("computed", "code", "rule", None), ("user_feedback", "user", None, "kim"),
        )
    ]  # fmt: skip
    taken_back = told[4] | {"error_type": "withdrawn", "value": None}
    found = [(title, [one["name"] for one in own]) for title, own in queue_item.scored("refunds", [*told, taken_back])]
    assert found == [
        ("Scores of judges", ["judged", "computed"]), ("Labels given elsewhere", ["theirs"]),
        ("Feedback of end users", ["user_feedback"]),
    ]  # fmt: skip


def test_a_queue_is_offered_what_it_takes() -> None:
    """Pairs go to queues that compare, and one answer to those that do not."""
    kinds = {"pairs": "preference", "order": "ranking", "plain": "binary", "shut": "binary"}
    found = [
        {"name": name, "open": name != "shut", "terms": {"fields": [{"name": "f", "kind": kind}]}}
        for name, kind in kinds.items()
    ]
    assert queue_filling.fitting(found, {"kind": "run", "compare": ["a", "b"]}) == ["pairs", "order"]
    assert queue_filling.fitting(found, {"kind": "filter"}) == ["plain"]
    assert queue_filling.sources(found[0]) == ["run"]
    assert queue_filling.sources(found[2]) == list(queue_filling.KINDS)


@pytest.mark.parametrize("kind", ["filter", "score", "disagreement", "run", "dataset"])
def test_each_source_of_items_opens_without_a_fault(url: str, page: Open, kind: str) -> None:
    shown = page(url, "queues", queue="refunds")
    shown.button(key="queue-add").click().run()
    next(one for one in shown.get("button_group") if one.key == "filling-kind-5").select(kind).run()
    assert not shown.exception
    assert not shown.error


def test_gold_in_words() -> None:
    assert queue.gold({"n": 4, "right": 3, "low": 0.3, "high": 0.95}) == "75 % of 4 (30 % to 95 %)"
    assert queue.gold(None) == "none answered"


@pytest.fixture(scope="module")
def url(serve_for_all: Callable[[str], Any]) -> str:
    """A server with one queue of 55 items, of which one has a label and one is gold, and an empty one."""
    served = serve_for_all("queue-pages")
    with served.client() as client:
        terms = {"fields": [{"name": "correct", "kind": "binary"}], "labels": 2, "description": "Is it <b>right</b>?"}
        client.set_queue("refunds", terms, "ann")
        client.set_queue("nothing", terms, "ann")
        items: list[dict[str, Any]] = [
            {
                "content": {"question": f"Question {place} <script>", "sides": [{"answer": "[x](http://a)"}]},
                "key": f"k{place}",
            }
            for place in range(55)
        ]
        items[1] |= {"gold": {"correct": "yes"}}
        client.add_items("refunds", items, "ann")
        said = {"key": "k0", "labeller": "bob", "answers": {"correct": "no"}, "comment": "too late"}
        client.import_labels("refunds", [said], "ann")
    address: str = served.note.api_url
    return address


def test_the_list_leads_to_each_queue(url: str, page: Open, listed: Listed) -> None:
    shown = page(url, "queues")
    assert not shown.exception
    rows = {row["Queue"]: row for row in listed(shown)}
    assert rows["refunds"] | {"Deadline": "none"} == rows["refunds"]
    assert (rows["refunds"]["Labels"], rows["nothing"]["State"]) == ("1 of 108", "empty")
    assert rows["refunds"]["href"] == queues.path("refunds")


def test_one_queue_lists_its_items_by_state(url: str, page: Open, listed: Listed) -> None:
    shown = page(url, "queues", queue="refunds")
    assert not shown.exception
    rows = listed(shown, "Items")
    assert len(rows) == 50
    assert (rows[0]["State"], rows[0]["Labels"], rows[1]["State"]) == ("started", "1 of 2", "gold")
    assert len(listed(page(url, "queues", queue="refunds", after="50"), "Items")) == 5
    assert len(listed(page(url, "queues", queue="refunds", state="started"), "Items")) == 1
    (person,) = listed(page(url, "queues", queue="refunds", part="people"), "People")
    assert (person["Who"], person["Labels"]) == ("bob", "1")


def test_an_item_shows_what_was_said_of_it_as_letters(url: str, page: Open) -> None:
    shown = page(url, "queues", queue="refunds", item="1")
    assert not shown.exception
    texts = [one.value for one in shown.text]
    assert {"Question 0 <script>", "[x](http://a)", "correct: no", "too late"} <= set(texts)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"queue": "nothing"}, "Its items would be listed here", id="empty-queue"),
        pytest.param({"queue": "missing"}, "did not come", id="no-such-queue"),
        pytest.param({"queue": "refunds", "item": "99"}, "did not come", id="no-such-item"),
    ],
)
def test_what_is_not_there_is_told(url: str, page: Open, query: dict[str, str], says: str) -> None:
    shown = page(url, "queues", **query)
    assert not shown.exception
    assert says in " ".join(one.value for one in (*shown.markdown, *shown.error, *shown.caption, *shown.info))


def test_a_queue_is_set_by_the_form_and_edited(url: str, page: Open) -> None:
    shown = page(url, "queues", make="1")
    shown.text_input(key="queue-form-name").input("made-here")
    shown.text_input(key="alerts-author").input("ann")
    shown.run()
    shown.button(key="queue-form-save").click().run()
    assert not shown.exception
    assert "made\\-here" in [one.value for one in shown.subheader]
    edited = page(url, "queues", edit="made-here")
    assert not edited.exception
    assert [one.value for one in edited.text_input if one.label == "Name"] == ["correct"]
