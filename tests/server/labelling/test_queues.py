"""Queues over HTTP and from the shell: set, filled, labelled by many, followed, taken away."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import shell

from server.client import ApiError, Client

TRACE = "0af7651916cd43dd8448eb211c80319c"
CORRECT = {"name": "correct", "kind": "binary"}
QUALITY = {"name": "quality", "kind": "ordinal", "choices": ["bad", "fair", "good"], "required": False}
QUEUES = """queues:
- name: shell
  fields:
  - {name: correct, kind: binary}
  - {name: tags, kind: categorical, choices: [short, rude], several: true, required: false}
  labels: 2
"""
CSV = 'item,labeller,correct,tags,at\none,ann,yes,"[""rude""]",2026-01-01T10:00Z\none,bob,no,,\nnine,ann,no,,\n'


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any]) -> Any:
    return serve("queues")


@pytest.fixture(scope="module")
def client(served: Any) -> Iterator[Client]:
    with served.client() as door:
        yield door


def item(at: int, **told: Any) -> dict[str, Any]:
    return {"content": {"question": f"What is {at}?", "sides": [{"answer": f"It is {at}."}]}, "key": f"k{at}", **told}


def pair(**told: Any) -> dict[str, Any]:
    sides = [
        {"key": key, "answer": f"Answer {key}", "name": f"model {key}", "trace_id": f"{number:032x}"}
        for key, number in (("a", 0xA), ("b", 0xB))
    ]
    return {"content": {"question": "Which?", "sides": sides}, **told}


def label(number: int, who: str, correct: str = "yes", **told: Any) -> dict[str, Any]:
    answers = {"correct": correct, **told.pop("answers", {})}
    return {
        "label_id": str(uuid4()),
        "labeller": who,
        "number": number,
        "answers": answers,
        "fields_version": 1,
        **told,
    }


def refused(status: int, work: Callable[[], object]) -> str:
    with pytest.raises(ApiError) as caught:
        work()
    assert caught.value.status == status
    return caught.value.message


def test_from_an_empty_queue_to_a_label(client: Client) -> None:
    made = client.set_queue("first", {"fields": [CORRECT, QUALITY], "labels": 2}, "boss")
    assert (made["version"], made["sentence"]) == (1, "It has no items yet.")
    assert client.take_items("first", "ann")["why_none"] == "done"
    assert client.add_items("first", [item(1, trace_id=TRACE), item(2)], "boss")["added"] == [1, 2]
    (taken,) = client.take_items("first", "ann")["items"]
    assert (taken["number"], taken["order"], taken["answers"], taken["draft"]) == (1, ["a"], None, None)
    assert taken["content"]["question"] == "What is 1?"
    told = label(1, "ann", answers={"quality": "good"}, comment="Because.", seconds=4.5, take=1)
    saved = client.save_label("first", told)
    assert (saved["edit"], saved["place"], saved["next"][0]["number"]) == (1, "kept", 2)
    assert saved["progress"]["mine"]["seconds_median"] == 4.5
    assert (saved["progress"]["labels"], saved["progress"]["labels_needed"]) == (1, 4)
    scores = client.queue_item("first", 1)["scores"]
    assert {(one["name"], one["value"], one["label"], one["source"], one["author"]) for one in scores} == {
        ("correct", 1.0, "yes", "human", "ann"), ("quality", 3.0, "good", "human", "ann"),
    }  # fmt: skip
    assert {(one["evaluator"], one["evaluator_version"], one["explanation"]) for one in scores} == {
        ("first", "1", "Because.")
    }


def test_saving_again_corrects_and_sending_again_changes_nothing(client: Client) -> None:
    client.set_queue("edits", {"fields": [CORRECT, QUALITY]}, "boss")
    client.add_items("edits", [item(1, trace_id=f"{0xE:032x}")])
    told = label(1, "ann", answers={"quality": "bad"})
    client.save_label("edits", told)
    assert client.save_label("edits", told)["edit"] == 1
    assert client.save_label("edits", label(1, "ann", "no"))["edit"] == 2
    found = client.queue_item("edits", 1)
    assert [one["edit"] for one in found["labels"]] == [2]
    assert [one["answers"] for one in found["labels"][0]["edits"]] == [{"correct": "yes", "quality": "bad"}]
    values = {one["name"]: (one["value"], one["error_type"]) for one in found["scores"]}
    assert values == {"correct": (0.0, None), "quality": (None, "withdrawn")}
    rows = client.queue_labels("edits").frame
    assert rows[["author", "edit", "field", "answer", "value"]].to_numpy().tolist() == [
        ["ann", 2, "correct", "no", 0.0]
    ]
    assert "is another one" in refused(409, lambda: client.save_label("edits", told | {"labeller": "bob"}))


def test_a_name_in_other_letters_is_the_same_person(client: Client) -> None:
    client.set_queue("names", {"fields": [CORRECT], "labels": 2}, "boss")
    client.add_items("names", [item(1)])
    client.save_label("names", label(1, "Ann Lee", comment="Mine."))
    assert client.take_items("names", " ann  lee")["why_none"] == "done"
    assert client.save_label("names", label(1, "ANN LEE", "no"))["edit"] == 2
    assert client.queue_item("names", 1, "ann lee")["hidden"] is False
    assert client.queue_progress("names", "ann LEE ")["mine"]["labels"] == 1
    assert [one["author"] for one in client.queue("names")["labellers"]] == ["Ann Lee"]


def test_undo_takes_back_and_brings_the_item_with_what_was_said(client: Client) -> None:
    client.set_queue("undone", {"fields": [CORRECT]}, "boss")
    client.add_items("undone", [item(1, trace_id=f"{0xF:032x}"), item(2)])
    assert client.undo_label("undone", "ann")["item"] is None
    client.save_label("undone", label(1, "ann", comment="Hm.", seconds=3))
    back = client.undo_label("undone", "ann")
    assert back["item"]["number"] == 1
    assert back["item"]["draft"] == {"answers": {"correct": "yes"}, "comment": "Hm.", "seconds": 3.0}
    assert (back["progress"]["labels"], back["progress"]["can_undo"]) == (0, False)
    (score,) = client.queue_item("undone", 1)["scores"]
    assert (score["value"], score["label"], score["error_type"]) == (None, None, "withdrawn")
    assert client.queue_labels("undone").frame.empty


def test_a_skip_is_not_offered_again_until_it_is_put_back(client: Client) -> None:
    client.set_queue("skipped", {"fields": [CORRECT]}, "boss")
    client.add_items("skipped", [item(1)])
    for who in ("ann", "bob", "cy"):
        told = {"label_id": str(uuid4()), "labeller": who, "number": 1, "reason": "I cannot tell.", "take": 1}
        assert client.skip_item("skipped", told)["why_none"] == "done"
    assert client.take_items("skipped", "dan")["why_none"] == "done"
    (found,) = client.queue_items("skipped", "skipped")["items"]
    assert (found["number"], found["skips"]) == (1, 3)
    assert client.queue("skipped")["skipped"] == 1
    assert client.change_item("skipped", 1, {"back": True})["state"] == "waiting"
    assert client.take_items("skipped", "ann")["items"][0]["number"] == 1
    client.save_label("skipped", label(1, "ann"))
    told = {"label_id": str(uuid4()), "labeller": "ann", "number": 1, "reason": ""}
    assert "Undo that, and then skip it" in refused(409, lambda: client.skip_item("skipped", told))


def test_blind_labelling_is_answered_without_what_others_said(client: Client) -> None:
    fields = [CORRECT, {"name": "better", "kind": "preference"}]
    client.set_queue("blind", {"fields": fields, "labels": 2}, "boss")
    client.add_items("blind", [pair()])
    taken = client.take_items("blind", "ann")["items"][0]
    assert sorted(taken["order"]) == ["a", "b"]
    assert "model" not in json.dumps(taken["content"])
    client.save_label("blind", label(1, "ann", answers={"better": "b"}, comment="My word."))
    hidden = client.queue_item("blind", 1, "bob")
    assert hidden["hidden"] is True
    assert (hidden["labels"], hidden["scores"]) == ([], [])
    assert not any(word in json.dumps(hidden) for word in ("My word.", "model a", "better"))
    saved = client.save_label("blind", label(1, "bob", answers={"better": "tie"}))
    assert [one["comment"] for one in saved["others"]["labels"]] == ["My word."]
    shown = client.queue_item("blind", 1, "bob")
    assert [one["name"] for one in shown["content"]["sides"]] == ["model a", "model b"]
    worth = {(one["side"], one["author"]): one["value"] for one in shown["scores"] if one["name"] == "better"}
    assert worth == {("a", "ann"): 0.0, ("b", "ann"): 1.0, ("a", "bob"): 0.5, ("b", "bob"): 0.5}


def test_gold_is_handed_to_everybody_and_told_to_nobody(client: Client) -> None:
    client.set_queue("gold", {"fields": [CORRECT], "gold_share": 0.5}, "boss")
    client.add_items("gold", [item(at) for at in range(2)] + [item(9, gold={"correct": "no"}, why="It is known.")])
    for who, said in (("ann", "no"), ("bob", "yes")):
        for _ in range(2):
            taken = client.take_items("gold", who)["items"][0]
            answer = said if taken["number"] == 3 else "yes"
            assert not any(word in json.dumps(taken) for word in ("gold", "known"))
            client.save_label("gold", label(taken["number"], who, answer))
    assert not any(word in json.dumps(client.queue_item("gold", 3, "zoe")).replace('"gold":null', "").replace(
        '"gold": null', "") for word in ("gold", "known"))  # fmt: skip
    found = client.queue("gold")
    assert (found["items"], found["gold_items"], found["done"], found["labels"]) == (2, 1, 2, 2)
    right = {one["author"]: one["gold"]["right"] for one in found["labellers"]}
    assert right == {"ann": 1.0, "bob": 0.0}


def test_a_form_that_changed_and_an_item_that_is_gone(client: Client) -> None:
    client.set_queue("changed", {"fields": [CORRECT], "guidelines": "One."}, "boss")
    client.add_items("changed", [item(1), item(2)])
    again = client.set_queue("changed", {"fields": [CORRECT], "guidelines": "Two."}, "boss")
    assert (again["version"], again["fields_version"], again["guidelines_version"]) == (2, 1, 2)
    client.save_label("changed", label(1, "ann"))
    anew = client.set_queue("changed", {"fields": [CORRECT, QUALITY]}, "boss", upon=2)
    assert (anew["version"], anew["fields_version"]) == (3, 3)
    assert "version 3" in refused(409, lambda: client.save_label("changed", label(2, "ann", comment="Kept.")))
    assert client.take_items("changed", "ann", number=2)["items"][0]["draft"]["comment"] == "Kept."
    assert "is version 3 now" in refused(409, lambda: client.set_queue("changed", {"fields": [CORRECT]}, upon=1))
    client.change_item("changed", 2, {"removed": True})
    told = label(2, "bob") | {"fields_version": 3}
    assert "was removed" in refused(409, lambda: client.save_label("changed", told))
    client.close_queue("changed")
    assert client.take_items("changed", "bob")["why_none"] == "closed"
    assert "is closed" in refused(409, lambda: client.save_label("changed", told | {"number": 1}))
    assert "choose one of yes, no" in refused(
        422, lambda: client.save_label("changed", told | {"answers": {"correct": "maybe"}})
    )


def test_a_lease_that_is_over_goes_to_somebody_else(client: Client) -> None:
    client.set_queue("leases", {"fields": [CORRECT], "lease_minutes": 0.02}, "boss")
    client.add_items("leases", [item(1)])
    first = client.take_items("leases", "ann")["items"][0]
    assert client.take_items("leases", "bob")["why_none"] == "all taken"
    until = time.monotonic() + 30
    while not (got := client.take_items("leases", "bob")["items"]) and time.monotonic() < until:
        time.sleep(0.1)
    assert got[0]["number"] == 1
    assert "somebody else has it" in refused(409, lambda: client.save_label("leases", label(1, "ann", comment="Late.")))
    assert client.renew_leases("leases", "ann", [first["lease_id"]])["leases"] == []
    assert client.release_leases("leases", "bob", [got[0]["lease_id"]])["released"] == [1]
    back = client.take_items("leases", "ann")["items"][0]
    assert back["draft"]["comment"] == "Late."
    assert client.save_label("leases", label(1, "ann"))["place"] == "kept"


@dataclass
class Crowd:
    """People who label a queue beside one another until nothing is left for them."""

    served: Any
    queue: str
    sent: list[tuple[int, str]] = field(default_factory=list)  # item and person of each label that was acknowledged
    refused: set[int | None] = field(default_factory=set)

    def run(self, people: int) -> None:
        threads = [threading.Thread(target=self.person, args=(seed,)) for seed in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def person(self, seed: int) -> None:
        rng, who, until = random.Random(seed), f"person {seed}", time.monotonic() + 60
        with self.served.client() as door:
            while time.monotonic() < until:
                taken = door.take_items(self.queue, who, rng.randint(1, 3))
                if taken["why_none"] == "done":
                    return
                if not taken["items"]:
                    time.sleep(0.2)  # until a lease of somebody who left is over
                for one in taken["items"]:
                    if rng.random() < 0.1:
                        break  # gone, with what they had
                    self.label(door, rng, who, one)

    def label(self, door: Client, rng: random.Random, who: str, one: dict[str, Any]) -> None:
        told = label(one["number"], who, rng.choice(["yes", "no"]), lease_id=one["lease_id"])
        try:
            door.save_label(self.queue, told)
        except ApiError as error:
            self.refused.add(error.status)
            return
        self.sent.append((one["number"], who))
        if rng.random() < 0.2:
            assert door.save_label(self.queue, told)["edit"] == 1, "no answer came, so it is sent again"


def test_eight_people_with_crashes_and_leases_that_run_out(served: Any, client: Client) -> None:
    """Each item gets three labels by three people, though some leave in the middle and answers are sent twice."""
    client.set_queue("many", {"fields": [CORRECT], "labels": 3, "lease_minutes": 0.02, "order": "random"}, "boss")
    client.add_items("many", [item(at) for at in range(6)])
    crowd = Crowd(served, "many")
    crowd.run(8)
    rows = client.queue_labels("many").frame
    found = list(zip(rows["number"], rows["author"], strict=True))
    assert Counter(number for number, _ in found) == dict.fromkeys(range(1, 7), 3)
    assert len(set(found)) == 18
    assert crowd.refused <= {409}, "a place that somebody else has got is the only thing that was refused"
    assert sorted(found) == sorted(crowd.sent), "what was acknowledged is there, and nothing else"
    far = client.queue_progress("many", "person 1")
    assert (far["done"], far["labels"], far["left_for_me"]) == (6, 18, 0)


def test_labels_of_elsewhere_come_in_and_all_go_out(served: Any, tmp_path: Path) -> None:
    environment = {"ASSAY_API_URL": served.note.api_url}

    def assay(*arguments: str, stdin: str | None = None) -> Any:
        return shell.run(tmp_path, arguments, environment, stdin)

    assert "asks correct (binary), tags (categorical); 2 labels" in assay("queue", "set", "-", stdin=QUEUES).stdout
    items = "\n".join(json.dumps(item(at, key=key, attributes={"model": key})) for at, key in ((1, "one"), (2, "two")))
    assert assay("queue", "add", "shell", "-", stdin=items).stdout == "2 items added, 0 there already, 0 refused.\n"
    ended = assay("queue", "import", "shell", "-", "--json", stdin=CSV)
    assert ended.returncode == 1
    assert json.loads(ended.stdout) == {
        "added": 2, "there": 0, "refused": [{"at": 2, "why": "the queue has no item with key 'nine'"}],
    }  # fmt: skip
    again = assay("queue", "import", "shell", "-", stdin=CSV).stdout
    assert again.startswith("0 labels added, 2 there already, 1 refused.\nRow 3: the queue has no item")
    out = assay("queue", "labels", "shell", "--csv", "--field", "correct").stdout.splitlines()
    assert out[0] == "item,labeller,label,field,value,comment,seconds,time,gold,decided,attribute.model"
    assert out[1].startswith("one,ann,yes,correct,1.0,,,2026-01-01 10:00:00+00:00,False,,one")
    agreed = assay("agreement", "-", "--json", stdin="\n".join(out)).stdout.splitlines()
    assert json.loads(agreed[0])["value"] == 0
    listed = [json.loads(line) for line in assay("queue", "list", "--json").stdout.splitlines()]
    assert next(one for one in listed if one["name"] == "shell")["done"] == 1
    assert "1 of 2 items are done" in assay("queue", "show", "shell").stdout
    assert "is closed" in assay("queue", "close", "shell").stdout
    assert "is open" in assay("queue", "open", "shell").stdout
    assert "two" in assay("queue", "items", "shell", "--state", "waiting").stdout
    assert "is deleted" in assay("queue", "delete", "shell").stdout
    gone = assay("queue", "show", "shel")
    assert (gone.returncode, "No queue is named 'shel'" in gone.stderr) == (2, True)
