"""Datasets by version: old ones stay as they were, a change costs what it changes, nobody overwrites another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.dataset_items import item_of, table_of
from store import dataset_changes, datasets
from store.dataset_changes import Change, ChangedElsewhereError
from store.dataset_splits import Rule
from store.datasets import Version


@pytest.fixture
def made(store: Any) -> Any:
    """A store with an empty dataset."""
    store.of = store.writer.call(lambda cursor: datasets.create(cursor, 1, "faq", "Questions", "ada")).result(20)
    return store


def item(name: str, question: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "question": question or f"What is {name}?", "reference": f"It is {name}.", **more}


def commit(store: Any, base: int, *rows: dict[str, Any], **more: Any) -> Version | None:
    change = Change(base, "A note.", "ada", table_of([item_of(row) for row in rows]), **more)
    done: Version | None = store.writer.call(
        lambda cursor: dataset_changes.commit(cursor, 1, store.of.dataset_id, change)
    ).result(20)
    return done


def held(store: Any, version: int, **by: Any) -> list[tuple[Any, ...]]:
    params = {"dataset_id": store.of.dataset_id, "version": version, "page_size": 1000, **by}
    rows = store.readers.run("dataset_items", 1, params).table.to_pylist()
    return [(row["item"], row["row"], row["split"], tuple(row["tags"])) for row in rows]


def names(store: Any, version: int, **by: Any) -> list[str]:
    return [row[0] for row in held(store, version, **by)]


def test_each_change_is_a_version_and_old_ones_stay(made: Any) -> None:
    first = commit(made, 0, item("a"), item("b"), item("c"))
    assert first is not None
    assert (first.version, first.items, first.added, first.author, first.note) == (1, 3, 3, "ada", "A note.")
    before = held(made, 1)
    second = commit(made, 1, item("b", "What else?", tags=["x"]), item("d"), removed=["a"])
    assert second is not None
    assert (second.items, second.added, second.changed, second.removed) == (3, 1, 1, 1)
    assert names(made, 2) == ["b", "c", "d"], "an item keeps its place"
    assert held(made, 1) == before
    assert second.content != first.content
    assert made.rows("select count(*) from dataset_items") == [(5,)], "a row for each state, and no copy"


def test_what_changes_nothing_is_no_version_and_what_is_the_same_has_one_hash(made: Any) -> None:
    first = commit(made, 0, item("a"), item("b"))
    assert commit(made, 1, item("b"), item("a")) is None
    commit(made, 1, item("a", "Other?"))
    back = commit(made, 2, item("a"))
    assert first is not None
    assert back is not None
    assert back.content == first.content


@pytest.mark.parametrize(
    ("mine", "refused"),
    [
        pytest.param({"rows": [item("a", "Mine?")]}, ["a"], id="both-changed"),
        pytest.param({"rows": [item("a", "Theirs?")]}, [], id="both-changed-it-alike"),
        pytest.param({"removed": ["a"]}, ["a"], id="removed-what-they-changed"),
        pytest.param({"rows": [item("b", "Mine?")]}, ["b"], id="changed-what-they-removed"),
        pytest.param({"removed": ["b"]}, [], id="both-removed"),
        pytest.param({"rows": [item("n", "Mine?")]}, ["n"], id="both-added-one-id"),
        pytest.param({"rows": [item("c", "Mine?")], "removed": ["d"]}, [], id="others"),
        pytest.param({"splits": {"a": "test"}}, ["a"], id="moved-what-they-changed"),
        pytest.param({"splits": {"c": "test"}}, [], id="moved-another"),
        pytest.param({"rows": [item("c", "Mine?"), item("a", "Mine?")]}, ["a"], id="one-of-two"),
    ],
)
def test_two_people_never_overwrite_each_other(made: Any, mine: dict[str, Any], refused: list[str]) -> None:
    commit(made, 0, *map(item, "abcd"))
    commit(made, 1, item("a", "Theirs?"), item("n", "New?"), removed=["b"])
    theirs = held(made, 2)
    rows = mine.get("rows", [])
    others = {key: value for key, value in mine.items() if key != "rows"}
    if refused:
        with pytest.raises(ChangedElsewhereError, match="the newest is 2") as told:
            commit(made, 1, *rows, **others)
        assert list(told.value.items) == refused
        assert names(made, 3) == names(made, 2), "nothing of it was made"
    else:
        commit(made, 1, *rows, **others)
        kept = {row[0]: row for row in held(made, 3)}
        assert all(kept.get(row[0]) == row for row in theirs if row[0] in {"a", "n"}), "what they did stays"


def test_a_difference_names_what_was_added_removed_and_changed(made: Any) -> None:
    commit(made, 0, *map(item, "abc"))
    commit(made, 1, item("b", "Other?"))
    commit(made, 2, item("b"), item("d"), removed=["c"])

    def differing(older: int, newer: int) -> list[tuple[str, str]]:
        params = {"dataset_id": made.of.dataset_id, "older": older, "newer": newer}
        rows = made.readers.run("dataset_diff", 1, params).table.to_pylist()
        return [(row["item"], row["change"]) for row in rows]

    assert differing(0, 1) == [("a", "added"), ("b", "added"), ("c", "added")]
    assert differing(1, 2) == [("b", "changed")]
    assert differing(1, 3) == [("c", "removed"), ("d", "added")], "what was changed back is no difference"


def test_splits_keep_clusters_together_and_items_that_come_later_move_none(made: Any) -> None:
    def told(count: int) -> list[dict[str, Any]]:
        return [item(f"q{place}", metadata={"doc": f"d{place // 4}"}) for place in range(count)]

    commit(made, 0, *told(400))
    rule = Rule("doc", 7, (("train", 0.75), ("test", 0.25)))
    split = commit(made, 1, rule=rule)
    assert split is not None
    assert split.rule == rule.text
    before = {name: part for name, _, part, _ in held(made, 2)}
    assert 0.65 < sum(part == "train" for part in before.values()) / 400 < 0.85
    assert all(before[f"q{place}"] == before[f"q{place - place % 4}"] for place in range(400))
    commit(made, 2, *told(800))
    after = {name: part for name, _, part, _ in held(made, 3)}
    assert {name: after[name] for name in before} == before
    assert None not in after.values(), "new items get theirs by the rule"
    assert all(after[f"q{place}"] == after[f"q{place - place % 4}"] for place in range(800))
    assert names(made, 1, split="") == [f"q{place}" for place in range(400)], "an old version knows no splits"


def test_a_split_that_was_set_by_hand_can_be_kept(made: Any) -> None:
    commit(made, 0, item("a", split="gold"), item("b"))
    halves = (("train", 0.5), ("test", 0.5))
    commit(made, 1, rule=Rule(None, 0, halves), keep=True)
    parts = {name: part for name, _, part, _ in held(made, 2)}
    assert parts["a"] == "gold"
    assert parts["b"] in {"train", "test"}
    commit(made, 2, item("a", "Other?"))
    assert {row[0]: row[2] for row in held(made, 3)}["a"] == "gold", "what is not said of stays"
    commit(made, 3, item("a", "Other?", split=""))
    assert {row[0]: row[2] for row in held(made, 4)}["a"] is None


def test_items_are_found_by_text_tag_and_split_and_come_by_pages(made: Any) -> None:
    commit(made, 0, *(item(f"q{place}", tags=["odd"] if place % 2 else [], split="test") for place in range(10)))
    assert names(made, 1, tag="odd") == ["q1", "q3", "q5", "q7", "q9"]
    assert names(made, 1, text="WHAT IS Q7") == ["q7"]
    assert names(made, 1, split="train") == []
    assert names(made, 1, page_size=3, after_place=2) == ["q3", "q4", "q5"]
    assert names(made, 1, page_size=3, after_place=3, backward=True) == ["q0", "q1", "q2"]
    commit(made, 1, item("quote", 'He said "so", once'))
    assert names(made, 2, text='said "so"') == ["quote"]


def test_a_dataset_is_forgotten_whole_and_is_of_its_project(made: Any) -> None:
    commit(made, 0, item("a"))
    with made.readers.read() as cursor:
        assert datasets.dataset(cursor, 2, "faq") is None
    made.writer.call(lambda cursor: datasets.remove(cursor, 1, made.of.dataset_id)).result(20)
    for table in ("datasets", "dataset_versions", "dataset_items"):
        assert made.rows(f"select count(*) from {table}") == [(0,)]


CHANGES = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["One?", "Two?", "Three?"]), max_size=4),
        st.sets(st.sampled_from("abcde"), max_size=2),
    ),
    max_size=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_every_version_is_what_its_changes_come_to(made: Any, changes: list[tuple[dict[str, str], set[str]]]) -> None:
    """The same changes of a plain dict are the oracle; every version is read at the end."""
    (count,) = made.rows("select count(*) from datasets")[0]
    made.of = made.writer.call(lambda cursor: datasets.create(cursor, 1, f"law-{count}", "", None)).result(20)
    now: dict[str, str] = {}
    wanted: list[dict[str, str]] = [{}]
    for told, gone in changes:
        kept = {name: text for name, text in told.items() if name not in gone}
        after = {name: text for name, text in (now | kept).items() if name not in gone}
        version = commit(made, len(wanted) - 1, *(item(name, text) for name, text in kept.items()), removed=list(gone))
        assert (version is None) == (after == now)
        if version is not None:
            wanted.append(after)
            assert version.items == len(after)
        now = after
    for number, state in enumerate(wanted[1:], 1):
        assert {name: item_of(item(name, text)).row for name, text in state.items()} == {
            row[0]: row[1] for row in held(made, number)
        }  # fmt: skip


CHANGES = (
    Change(0, "First.", "ada", table_of([item_of(item(f"q{n}", metadata={"doc": f"d{n // 3}"})) for n in range(20)])),
    Change(1, "Split.", "ada", rule=Rule("doc", 1, (("train", 0.5), ("test", 0.5)))),
    Change(
        2, "All.", "ada", table_of([item_of(item(f"q{n}", "Else?", tags=["x"])) for n in range(14, 26)]),
        ["q0", "q1", "q3", "q5", "nosuch"], {f"q{n}": "gold" for n in range(6, 16)},
    ),
    Change(3, "Kept.", "ada", rule=Rule(None, 2, (("a", 0.5), ("b", 0.5))), keep=True),
    Change(4, "Nothing.", "ada", removed=["nosuch"]),
)  # fmt: skip
TOLD = ("version", "items", "added", "changed", "removed", "content", "rule", "base")


def test_a_change_by_steps_is_what_it_is_at_once_and_nobody_sees_half_of_it(made: Any) -> None:
    twin = made.writer.call(lambda cursor: datasets.create(cursor, 1, "twin", "", None)).result(20).dataset_id
    for number, change in enumerate(CHANGES):
        seen = held(made, number), counts(made)
        under = begun(made, change)
        for step in dataset_changes.steps(under, change, 3):
            made.writer.call(step).result(20)
            assert (held(made, number), counts(made)) == seen
        with made.readers.read() as cursor:
            sums = dataset_changes.summed(cursor, under)
        stepped = made.writer.call(lambda cursor: dataset_changes.booked(cursor, under, change, sums)).result(20)  # noqa: B023
        whole = made.writer.call(lambda cursor: dataset_changes.commit(cursor, 1, twin, change)).result(20)  # noqa: B023
        assert [getattr(stepped, name, None) for name in TOLD] == [getattr(whole, name, None) for name in TOLD]
        params = {"dataset_id": twin, "version": number + 1, "page_size": 1000}
        other = made.readers.run("dataset_items", 1, params).table.to_pylist()
        assert sorted(row[:3] for row in held(made, number + 1)) == sorted(
            (row["item"], row["row"], row["split"]) for row in other
        )


def begun(store: Any, change: Change) -> dataset_changes.Begun:
    under: dataset_changes.Begun = store.writer.call(
        lambda cursor: dataset_changes.begun(cursor, 1, store.of.dataset_id, change)
    ).result(20)
    return under


def counts(store: Any) -> dict[str, int]:
    """Items of each split, as the list of datasets has them."""
    with store.readers.read() as cursor:
        return datasets.split_counts(cursor, 1).get(store.of.dataset_id, {})


def test_what_a_change_left_that_broke_off_is_gone_with_the_next(made: Any) -> None:
    commit(made, 0, *map(item, "abcdef"))
    broken = Change(1, "", None, table_of([item_of(item("a", "Lost?")), item_of(item("z"))]), removed=["b", "c"])
    steps = list(dataset_changes.steps(begun(made, broken), broken, 1))
    for step in steps[:3]:
        made.writer.call(step).result(20)
    done = commit(made, 1, item("d", "Other?"))
    assert done is not None
    assert (done.version, done.items, done.added, done.changed, done.removed) == (2, 6, 0, 1, 0)
    assert [row for row in held(made, 2) if row[0] != "d"] == [row for row in held(made, 1) if row[0] != "d"]
    with pytest.raises(dataset_changes.DeletedMeanwhileError, match="Nothing of it was kept"):
        made.writer.call(steps[3]).result(20)
