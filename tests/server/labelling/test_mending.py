"""What becomes of labels when forms, places, names and items change under the people who label."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from made_queues import item, made_queue

from server.core import Core
from server.labelling import adding, importing, listing, queues, saving, taking, telling
from server.labelling.adding import NewItem
from server.labelling.answers import AnswerError
from server.labelling.content import Content, Side
from server.labelling.gold import accuracies
from server.labelling.importing import Told
from server.labelling.people import known_as
from server.labelling.progress import progress
from server.labelling.queues import QueueError, UnknownQueueError, terms_of
from server.labelling.refusals import FieldsChangedError, LabelIdError, PlaceTakenError, QueueClosedError
from server.labelling.saving import Saying
from server.labelling.terms import Asked, Terms
from server.when import utc_now
from store import queries
from store import queue_items as items
from store.queues import Queue
from store.target_scores import Target, scores

MAYBE = Asked.model_validate({"name": "correct", "kind": "categorical", "choices": ["yes", "no", "maybe"]})
NOW = datetime(2026, 3, 1)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def says(number: int, who: str, version: int = 1, **answers: Any) -> Saying:
    return Saying(uuid4(), who, number, {"correct": "yes", **answers}, version)


def save(core: Core, queue: Queue, told: Saying, now: datetime = NOW) -> int:
    return saving.save(core, queue, told, now).edit


def changed(core: Core, queue: Queue, **told: Any) -> Queue:
    """The queue with other terms."""
    terms = Terms.model_validate({**terms_of(queue).model_dump(), **told})
    return queues.put(core, "default", queue.name, terms, "boss")


def far(core: Core, queue: Queue, who: str) -> dict[str, Any]:
    with core.readers.read() as cursor:
        return progress(cursor, queue, taking.read_standing(cursor, queue, who, NOW), who, NOW)


def draft(core: Core, queue: Queue, who: str, number: int) -> str | None:
    with core.readers.read() as cursor:
        kept = items.drafts(cursor, queue.queue_id, who, [number])
    return kept[number].answers if number in kept else None


def traced(core: Core, queue: Queue) -> UUID:
    """A trace that a new item of the queue is of."""
    trace_id = uuid4()
    adding.add(core, queue, [NewItem(Content(sides=(Side(answer="It is."),)), "trace", trace_id)], "boss")
    return trace_id


def told_scores(core: Core, trace_id: UUID) -> dict[tuple[str, str], tuple[float | None, str | None, str | None]]:
    with core.readers.read() as cursor:
        found = scores(cursor, 1, Target(trace_id))
    return {(one["name"], one["evaluator_version"]): (one["value"], one["label"], one["error_type"]) for one in found}


# Forms that change.


def test_scores_of_an_earlier_form_are_taken_back_with_a_correction_and_with_undo(core: Core) -> None:
    queue = made_queue(core, 0)
    corrected, undone = traced(core, queue), traced(core, queue)
    for number in (1, 2):
        save(core, queue, says(number, "ann"))
    queue = changed(core, queue, fields=[MAYBE])
    assert save(core, queue, says(1, "ann", 2, correct="maybe"), NOW + timedelta(hours=1)) == 2
    assert told_scores(core, corrected) == {
        ("correct", "1"): (None, None, "withdrawn"), ("correct", "2"): (None, "maybe", None),
    }  # fmt: skip
    with core.readers.read() as cursor:
        newest = max(scores(cursor, 1, Target(corrected)), key=lambda one: one["time"])
    assert newest["label"] == "maybe", "who looks at the newest of a person must not find what was taken back"
    for number in (1, 2):
        done = saving.undo(core, queue, "ann", NOW + timedelta(hours=2))
        assert done is not None
        assert done.label.number == number
    assert {one[2] for trace in (corrected, undone) for one in told_scores(core, trace).values()} == {"withdrawn"}


def test_a_label_that_is_sent_again_after_the_form_changed_was_kept(core: Core) -> None:
    queue = made_queue(core, 2)
    told = says(1, "ann")
    save(core, queue, told)
    queue = changed(core, queue, fields=[MAYBE])
    assert save(core, queue, told) == 1
    assert draft(core, queue, "ann", 1) is None
    with pytest.raises(FieldsChangedError):
        save(core, queue, says(2, "ann"))
    assert draft(core, queue, "ann", 2) is not None


def test_versions_of_a_name_go_on_after_its_queue_was_taken_away(core: Core) -> None:
    queue = changed(core, made_queue(core, 1), guidelines="More.")
    queues.delete(core, "default", queue.name, "boss")
    again = queues.put(core, "default", queue.name, Terms(fields=(MAYBE,)), "boss", upon=0)
    assert (again.version, again.fields_version, again.guidelines_version) == (4, 4, 4)
    assert again.queue_id != queue.queue_id
    with pytest.raises(UnknownQueueError):
        adding.add(core, queue, [item(1)], "boss")


def test_a_queue_of_a_used_name_knows_nothing_of_the_labels_of_the_one_before(core: Core) -> None:
    queue = made_queue(core, 0)

    def drawn() -> list[str]:
        rows = core.readers.run("judge_labels", 1, {"labels": ["correct"]}).table.to_pylist()
        return sorted(str(row["sampling"]) for row in rows if row["queue"] == queue.name)

    found = []
    for sampling in ("random", "informative"):
        new = NewItem(Content(sides=(Side(answer="It is."),)), "trace", uuid4(), attributes={"sampling": sampling})
        adding.add(core, queue, [new], "boss")
        save(core, queue, says(1, "ann", queue.fields_version))
        found.append(drawn())
        queues.delete(core, "default", queue.name, "boss")
        queue = queues.put(core, "default", queue.name, terms_of(queue), "boss")
    assert found == [["random"], ["None", "informative"]]


# Places.


def test_who_has_an_item_that_needs_no_more_labels_is_handed_another(core: Core) -> None:
    queue = made_queue(core, 2, labels=2)
    for who in ("ann", "bob"):
        assert [one.number for one in taking.take(core, queue, who, 1, NOW).leases] == [1]
    save(core, queue, says(1, "ann"))
    queue = changed(core, queue, labels=1)
    with pytest.raises(PlaceTakenError, match="Item 1 has no place for you any more"):
        save(core, queue, says(1, "bob", note="Mine."))
    assert json.loads(draft(core, queue, "bob", 1) or "")["note"] == "Mine."
    assert [one.number for one in taking.take(core, queue, "bob", 1, NOW).leases] == [2]


def test_a_closed_queue_keeps_what_was_filled_in(core: Core) -> None:
    queue = made_queue(core, 1)
    taking.take(core, queue, "ann", 1, NOW)
    queues.set_open(core, "default", queue.name, is_open=False)
    with pytest.raises(QueueClosedError):
        save(core, queue, says(1, "ann", note="Long."))
    queue = queues.set_open(core, "default", queue.name, is_open=True)
    (lease,) = taking.take(core, queue, "ann", 1, NOW).leases
    with core.readers.read() as cursor:
        (handed,) = telling.handed(cursor, queue, "ann", [lease])
    assert handed["draft"]["answers"] == {"correct": "yes", "note": "Long."}


@pytest.mark.parametrize(
    ("after", "fits"),
    [
        pytest.param(timedelta(minutes=15) - timedelta(microseconds=1), False, id="a-moment-before-its-end"),
        pytest.param(timedelta(minutes=15), True, id="at-its-end"),
    ],
)
def test_a_lease_ends_at_its_end(core: Core, after: timedelta, fits: bool) -> None:
    queue = made_queue(core, 1)
    taking.take(core, queue, "ann", 1, NOW)
    assert bool(taking.take(core, queue, "bob", 1, NOW + after).leases) is fits


def test_a_clock_that_steps_back_gives_no_place_twice(core: Core) -> None:
    queue = made_queue(core, 1)
    taking.take(core, queue, "ann", 1, NOW)
    assert taking.take(core, queue, "bob", 1, NOW + timedelta(hours=1)).leases
    save(core, queue, says(1, "ann"), NOW + timedelta(minutes=1))  # both leases are live again
    with pytest.raises(PlaceTakenError):
        save(core, queue, says(1, "bob"), NOW + timedelta(minutes=2))


# What is taken back.


def test_nothing_of_a_removed_item_is_taken_back(core: Core) -> None:
    queue = made_queue(core, 2)
    for number in (1, 2):
        save(core, queue, says(number, "ann"), NOW + timedelta(minutes=number))
    listing.change(core, queue, 2, {"removed": True})
    done = saving.undo(core, queue, "ann", NOW + timedelta(hours=1))
    assert done is not None
    assert done.label.number == 1
    assert saving.undo(core, queue, "ann", NOW + timedelta(hours=1)) is None
    assert far(core, queue, "ann")["can_undo"] is False
    assert [one.number for one in taking.take(core, queue, "ann", 5, NOW + timedelta(hours=1)).leases] == [1]


@pytest.mark.parametrize(
    ("steps", "can"),
    [
        pytest.param(["import"], False, id="imported"),
        pytest.param(["import", "save"], True, id="imported-and-corrected"),
        pytest.param(["save", "import"], False, id="corrected-by-an-import"),
        pytest.param(["import", "save", "other", "undo"], True, id="an-earlier-correction-stands"),
        pytest.param(["other", "undo"], False, id="undone"),
    ],
)
def test_what_can_be_undone_is_what_was_said_here(core: Core, steps: list[str], can: bool) -> None:
    queue, now = made_queue(core, 2), utc_now()
    for at, step in enumerate(steps):
        now += timedelta(seconds=1)
        match step:
            case "import":
                told = Told("ann", {"correct": "no"}, number=1, at=now - timedelta(days=1))
                told = told if at == 0 else Told("ann", {"correct": "no"}, number=1)
                assert importing.bring(core, queue, [told]).refused == []
            case "undo":
                assert saving.undo(core, queue, "ann", now) is not None
            case _:
                number = 2 if step == "other" else 1
                save(core, queue, says(number, "ann"), now - timedelta(hours=1) if "import" in steps[at:] else now)
    assert far(core, queue, "ann")["can_undo"] is can
    assert (saving.undo(core, queue, "ann", now) is not None) is can


def test_an_undo_that_is_sent_again_takes_nothing_more_back(core: Core) -> None:
    queue, label_id = made_queue(core, 2), uuid4()
    for number in (1, 2):
        save(core, queue, says(number, "ann"), NOW + timedelta(minutes=number))
    told = [saving.undo(core, queue, "ann", NOW + timedelta(minutes=3), label_id) for _ in range(2)]
    assert [[one.number for one in done.leases] for done in told if done is not None] == [[2], [2]]
    assert far(core, queue, "ann")["mine"]["labels"] == 1
    with pytest.raises(LabelIdError):
        saving.undo(core, queue, "bob", NOW, label_id)


def test_who_skips_again_what_was_put_back_is_not_offered_it(core: Core) -> None:
    queue, now = made_queue(core, 1), utc_now()
    saving.skip(core, queue, uuid4(), "ann", 1, "", now - timedelta(hours=1))
    listing.change(core, queue, 1, {"back": True})
    later = utc_now() + timedelta(seconds=1)
    save(core, queue, says(1, "ann"), later)
    done = saving.undo(core, queue, "ann", later)
    assert done is not None
    saving.skip(core, queue, uuid4(), "ann", 1, "", later)
    assert taking.take(core, queue, "ann", 1, later).why_none == "done"


def test_labels_of_elsewhere_that_come_back_have_ids_of_their_own(core: Core) -> None:
    queue = made_queue(core, 1)
    for said in ("yes", "no", "yes"):
        assert importing.bring(core, queue, [Told("ann", {"correct": said}, number=1)]).added == 1
    with core.readers.read() as cursor:
        (told,) = listing.detail(cursor, queue, 1, None)["labels"]
    assert len({told["label_id"], *(one["label_id"] for one in told["edits"])}) == 3


# People.


@pytest.mark.parametrize(
    ("told", "known"),
    [
        pytest.param("Ann Lee", "Ann Lee", id="as-known"),
        pytest.param("  ann   LEE ", "Ann Lee", id="case-and-blanks"),
        pytest.param("Zoë", "Zoë", id="new"),
        pytest.param("Zoë", "Zoë", id="composed"),
        pytest.param("bo", "Bo", id="has-an-item"),
    ],
)
def test_one_person_has_one_name(core: Core, told: str, known: str) -> None:
    queue = made_queue(core, 3)
    save(core, queue, says(1, "Ann Lee"))
    taking.take(core, queue, "Bo", 1, NOW)
    with core.readers.read() as cursor:
        assert known_as(cursor, queue, told) == known


def test_names_that_a_queue_lists_are_the_spelling(core: Core) -> None:
    queue = made_queue(core, 1, labellers=[" Ann  Lee ", "Bo", "Bo"])
    assert terms_of(queue).labellers == ("Ann Lee", "Bo")
    with core.readers.read() as cursor:
        assert known_as(cursor, queue, "ann lee") == "Ann Lee"
    with pytest.raises(QueueError, match="needs 3 labels by different people, and 2 may label"):
        changed(core, queue, labels=3)


def test_a_name_that_is_listed_later_is_the_spelling_of_who_labelled_before(core: Core) -> None:
    queue = made_queue(core, 1)
    save(core, queue, says(1, "ann lee"))
    found = []
    for listed in ([], ["Ann Lee", "Bo", "Cid"]):
        queue = changed(core, queue, labellers=listed)
        with core.readers.read() as cursor:
            found += [known_as(cursor, queue, "ann lee") for _ in range(2)]
    assert found == ["ann lee", "ann lee", "Ann Lee", "Ann Lee"]


# Gold.


def test_no_number_of_the_progress_tells_a_gold_item(core: Core) -> None:
    queue = made_queue(core, 12, 4, gold_share=0.3)
    before, steps = far(core, queue, "ann"), set()
    names = ("items", "done", "labels", "labels_needed", "left_for_me")
    while leases := taking.take(core, queue, "ann", 1, NOW).leases:
        save(core, queue, says(leases[0].number, "ann"))
        after = far(core, queue, "ann")
        steps.add(tuple(after[name] - before[name] for name in names))
        before = after
    assert steps == {(0, 1, 1, 0, -1)}
    assert before["left_for_me"] == 0
    assert before["done"] == before["items"] > 8, "gold items were among them"


def test_an_item_for_a_labeller_tells_neither_gold_nor_the_trace_of_a_side(core: Core) -> None:
    queue = made_queue(core, 2, 1)
    for who in ("ann", "bob", "cy"):
        save(core, queue, says(2, who))
    sides = tuple(Side(key=key, answer=key, trace_id=uuid4().hex) for key in "ab")
    compared = made_queue(core, 0, fields=[{"name": "better", "kind": "preference"}])
    pair = NewItem(Content(sides=sides), "pair", UUID(hex=sides[0].trace_id or ""))
    adding.add(core, compared, [pair], "boss")
    with core.readers.read() as cursor:
        told = listing.detail(cursor, queue, 2, "dan")
        hidden = listing.detail(cursor, compared, 1, "dan")
    assert (told["state"], told["gold"], told["added_at"]) == ("done", None, None)
    assert not any(side.trace_id in json.dumps(hidden, default=str) for side in sides)


def test_right_answers_are_compared_as_labels_are_written(core: Core) -> None:
    fields = [{"name": "order", "kind": "ranking"}, {"name": "tags", "kind": "categorical", "several": True,
                                                     "choices": ["x", "y"], "required": False}]  # fmt: skip
    queue = made_queue(core, 0, fields=fields)
    content = Content(sides=tuple(Side(key=key, answer=key) for key in "abc"))
    gold = {"order": ["b", "c", "a"], "tags": ["y", "x"]}
    assert adding.add(core, queue, [NewItem(content, "ranking", gold=gold)], "boss").added == [1]
    save(core, queue, Saying(uuid4(), "ann", 1, {"order": [["b"], ["c"], ["a"]], "tags": ["x", "y"]}, 1))
    with core.readers.read() as cursor:
        assert accuracies(cursor, queue)["ann"]["right"] == 1.0
    queue = changed(core, queue, fields=[{"name": "order", "kind": "text"}, fields[1] | {"choices": ["x", "z"]}])
    with core.readers.read() as cursor:
        assert accuracies(cursor, queue) == {}, "nobody is asked this any more"


def test_another_right_answer_makes_another_state(core: Core) -> None:
    queue = made_queue(core, 2, 1)

    def state() -> dict[str, Any]:
        with core.readers.read() as cursor:
            return dict(queries.get("queue_state").function(cursor, 1, queue.name).to_pylist()[0])

    before = state()
    listing.change(core, queue, 2, {"gold": {"correct": "no"}})
    again = state()
    listing.change(core, queue, 2, {"removed": True})
    assert len({one["gold"] for one in (before, again, state())}) == 3
    assert before["which"] == again["which"] != state()["which"]


# Values that cannot be kept.


def test_half_a_surrogate_pair_hinders_nobody(core: Core) -> None:
    queue = made_queue(core, 2)
    save(core, queue, says(1, "ann", note="So \ud800."))
    saving.draft(core, queue, "ann", 2, {"note": "\udfff"}, None, None, NOW)
    assert draft(core, queue, "ann", 2) == '{"note": "?"}'
    with core.readers.read() as cursor:
        rows = queries.get("queue_labels").function(cursor, 1, queue.name).to_pylist()
    assert {one["field"]: one["answer"] for one in rows} == {"correct": "yes", "note": "So ?."}


def test_an_item_may_show_half_a_surrogate_pair(core: Core) -> None:
    side = {"answer": "x", "steps": [{"name": "find", "result": {"a": ["\ud800"]}}]}
    content = Content.model_validate({"sides": [side], "history": [{"role": "user", "parts": ["\udfff"]}]})
    queue = made_queue(core, 0, feeds=[{"filter": {"text": "\ud800"}}])
    assert adding.add(core, queue, [NewItem(content, "own")], "boss").added == [1]
    assert content.sides[0].steps[0].result == {"a": ["?"]}


@pytest.mark.parametrize(
    ("asked", "value", "rule"),
    [
        pytest.param({"kind": "numeric"}, 10**400, "give a number", id="more-than-a-float"),
        pytest.param({"kind": "spans", "choices": ["x"]},
                     [{"part": "answer", "start": 0, "end": 7, "label": "x"}], "has 6 characters", id="behind-the-end"),
        pytest.param({"kind": "spans", "choices": ["x"]},
                     [{"part": "contexts.0", "start": 0, "end": 1, "label": "x"}], "has 0 contexts", id="no-document"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_item_is_refused(core: Core, asked: dict[str, Any], value: Any, rule: str) -> None:
    queue = made_queue(core, 0, fields=[{"name": "told", **asked}])
    adding.add(core, queue, [NewItem(Content(sides=(Side(answer="It is."),)), "own")], "boss")
    with pytest.raises(AnswerError, match=rule):
        save(core, queue, Saying(uuid4(), "ann", 1, {"told": value}, 1))


def test_an_item_that_shows_too_much_is_refused(core: Core) -> None:
    queue = made_queue(core, 0)
    long = NewItem(Content(sides=(Side(answer="a" * 2_000_001),)), "own")
    (refused,) = adding.add(core, queue, [long], "boss").refused
    assert "2,000,000 is the most" in refused["why"]
