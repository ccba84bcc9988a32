"""Agreement, consensus, disputes and decisions of a queue over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from labelled import pandalm

from server.client import ApiError, Client

OK: dict[str, Any] = {"fields": [{"name": "ok", "kind": "binary"}, {"name": "why", "kind": "text", "required": False}]}


def item(at: int, **more: Any) -> dict[str, Any]:
    sides = [{"key": key, "answer": f"answer {key} to {at}"} for key in more.pop("sides", "a")]
    return {"content": {"question": f"question {at}", "sides": sides}, "key": f"k{at}", **more}


def label(client: Client, queue: str, rows: Sequence[tuple[Any, ...]], field: str = "ok") -> None:
    """Number, author, answer and, where there is one, comment."""
    version = client.queue(queue)["fields_version"]
    for number, author, answer, *comment in rows:
        client.save_label(queue, {
            "label_id": str(uuid4()), "labeller": author, "number": number, "answers": {field: answer},
            "comment": comment[0] if comment else None, "fields_version": version,
        })  # fmt: skip


def queue(client: Client, name: str, terms: dict[str, Any], items: Sequence[dict[str, Any]]) -> None:
    client.set_queue(name, {"labels": 3, **terms}, "eve")
    client.add_items(name, items, "eve")


ROWS = [
    (1, "ann", "yes", "it answers"), (1, "bob", "no", "it is rude"), (2, "ann", "yes"), (2, "bob", "yes"),
    (3, "ann", "no"), (3, "bob", "yes"), (4, "ann", "yes"), (4, "bob", "yes"), (5, "ann", "yes"),
]  # fmt: skip


@pytest.fixture(scope="module")
def small(client: Client) -> str:
    """Five items, of which two are disputed; item 4 is gold, and says that both are wrong."""
    items = [item(at, attributes={"model": f"m{at % 2}"}, gold={"ok": "no"} if at == 4 else None) for at in range(1, 6)]
    queue(client, "small", OK, items)
    label(client, "small", ROWS)
    return "small"


def test_the_people_of_pandalm_agree_as_published(client: Client) -> None:
    """Published: Cohen's kappas of .85 to .88, of imported labels of all 553 pairs of answers."""
    rows = pandalm()
    queue(client, "pandalm", {"fields": [{"name": "better", "kind": "preference"}]},
          [item(at, sides="ab") for at in range(1, 554)])  # fmt: skip
    told = [{"number": number, "labeller": author, "answers": {"better": said}} for number, author, said in rows]
    for first in (0, 1_000):
        client.import_labels("pandalm", told[first : first + 1_000], "eve")
    (found,) = client.queue_agreement("pandalm", "better")["fields"]
    kappas = {tuple(row["labellers"]): row["value"] for row in found["pairs"] if row["coefficient"] == "cohen_kappa"}
    assert len(kappas) == 3
    assert all(0.85 <= kappa <= 0.88 for kappa in kappas.values())
    assert found["rows"][0]["n_items"] == 553


def test_an_answer_tells_fields_slices_people_and_what_is_left_out(client: Client, small: str) -> None:
    found = client.queue_agreement(small, by="model")
    ok, why = found["fields"]
    assert {row["coefficient"]: row["value"] for row in ok["rows"]}["percent_agreement"] == pytest.approx(1 / 3)
    assert {row["slice"] for row in ok["by"]} == {"m0", "m1"}
    assert [(row["author"], row["gold"]["right"]) for row in ok["labellers"]] == [("ann", 0), ("bob", 0)]
    assert why["why"].startswith("labels are texts")
    assert found["left_out"] == [
        {"field": "ok", "n": 2, "why": "their items are gold, which tells accuracy and no agreement"}
    ]
    assert found["attributes"] == [{"name": "model", "labels": 9}]
    assert found["sentence"].startswith("ok: ann and bob agree on 33% of 3 items; ")


def test_a_new_label_changes_the_answer(client: Client) -> None:
    queue(client, "growing", OK, [item(1)])
    label(client, "growing", [(1, "ann", "yes")])
    assert client.queue_agreement("growing", "ok")["sentence"].startswith("No item has labels of two people")
    label(client, "growing", [(1, "bob", "yes")])
    assert client.queue_agreement("growing", "ok")["sentence"].startswith("ann and bob agree on 100% of 1 item")
    client.undo_label("growing", "bob")
    assert client.queue_agreement("growing", "ok")["sentence"].startswith("No item has labels of two people")


def test_disputes_show_what_each_said_and_why(client: Client, small: str) -> None:
    found = client.queue_disputes(small)
    assert (found["field"], found["total"]) == ("ok", 2)
    first = found["items"][0]
    assert (first["number"], first["title"], first["consensus"], first["by"]) == (1, "question 1", None, "tied")
    assert [(one["author"], one["answer"], one["comment"]) for one in first["answers"]] == [
        ("ann", "yes", "it answers"), ("bob", "no", "it is rude"),
    ]  # fmt: skip
    assert [one["number"] for one in client.queue_disputes(small, "ok", after=1)["items"]] == [3]
    assert [one["number"] for one in client.queue_disputes(small, "ok", numbers=[3, 2])["items"]] == [3]


def test_a_decision_counts_until_it_is_taken_back(client: Client) -> None:
    queue(client, "deciding", OK, [item(1)])
    label(client, "deciding", [(1, "ann", "yes"), (1, "bob", "no")])
    made = client.decide("deciding", 1, "ok", "no", "rude is not ok", "eve")
    assert (made["answer"], made["why"], made["author"]) == ("no", "rude is not ok", "eve")
    assert [(row["answer"], row["by"]) for row in client.queue_consensus("deciding", "ok")] == [("no", "decision")]
    assert client.queue_disputes("deciding", state="open") == {"field": "ok", "total": 0, "open": 0, "items": []}
    assert client.queue_item("deciding", 1)["decisions"][0]["answer"] == "no"
    client.decide("deciding", 1, "ok", None, "not sure", "eve")
    assert [(row["answer"], row["by"]) for row in client.queue_consensus("deciding", "ok")] == [(None, "tied")]
    assert client.queue_disputes("deciding", state="open")["total"] == 1


def test_labels_of_another_form_are_left_out_and_told(client: Client) -> None:
    terms: dict[str, Any] = {"fields": [{"name": "ok", "kind": "categorical", "choices": ["good", "bad", "so-so"]}]}
    queue(client, "changed", terms, [item(1), item(2)])
    label(client, "changed", [(1, "ann", "good"), (1, "bob", "so-so"), (2, "ann", "bad"), (2, "bob", "bad")])
    client.set_queue("changed", {"labels": 3, "fields": [terms["fields"][0] | {"choices": ["good", "bad"]}]}, "eve")
    found = client.queue_agreement("changed")
    assert found["fields"][0]["rows"][0]["n_items"] == 1
    assert found["left_out"] == [{"field": "ok", "n": 1, "why": "they do not fit the field as it is asked now"}]
    assert len(found["fields"][0]["guidelines"]) == 1


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        pytest.param(lambda c: c.queue_agreement("smal"), "Did you mean 'small'", id="queue"),
        pytest.param(lambda c: c.queue_agreement("small", "okay"), "no field 'okay'. It has ok, why", id="field"),
        pytest.param(lambda c: c.queue_agreement("small", weights="cubic"), "quadratic", id="weights"),
        pytest.param(lambda c: c.decide("small", 1, "ok", "maybe", None, "eve"), "choose one of yes, no", id="answer"),
        pytest.param(lambda c: c.decide("small", 1, "okay", "yes", None, "eve"), "no such field", id="no-field"),
        pytest.param(lambda c: c.decide("small", 99, "ok", "yes", None, "eve"), "no item 99", id="item"),
        pytest.param(lambda c: c.decide("small", 1, "ok", "yes", None, ""), "author", id="nobody"),
    ],
)
def test_refusals_say_what_and_why(client: Client, small: str, ask: Any, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        ask(client)
    assert refused.value.kind == "refused"
    assert says in str(refused.value)
