"""Datasets on their page, and traces that are added to them, over a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import dataset_item, dataset_work, datasets, wordings

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
HOSTILE = "<img src=x onerror=alert(1)> [x](http://a)"


@pytest.fixture(scope="module")
def told(choices: Any) -> Any:
    """A dataset of 60 items in three versions, with duplicates in two splits, beside traces; and an empty one."""
    with choices.client() as client:
        client.create_dataset("page", "Questions to support", "ada")
        made = [
            {"id": f"q{place:02}", "question": f"Is order {place} of this {place * 7} fine?", "reference": "yes",
             "tags": ["odd"] if place % 2 else [], "split": "test" if place % 3 else "train"}
            for place in range(60)
        ]  # fmt: skip
        made[5] |= {"question": HOSTILE, "contexts": [f"One {HOSTILE}"]}
        made[7] |= {"question": made[8]["question"].upper()}
        content = b"".join(json.dumps(row).encode() + b"\n" for row in made)
        client.import_dataset("page", "a.jsonl", content, duplicates="keep", note="First import", author="ada")
        item = client.dataset_item("page", "q03")["item"] | {"reference": "no, not yet"}
        client.change_dataset("page", {"base": 1, "set": [item], "note": "Corrected", "author": "ben"})
        client.change_dataset("page", {"base": 2, "remove": ["q04"], "note": "Out"})
        client.create_dataset("bare")
    return choices


def words(page: AppTest) -> str:
    parts = (*page.title, *page.subheader, *page.markdown, *page.caption, *page.text, *page.error, *page.warning,
             *page.success)  # fmt: skip
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def drawn(page: AppTest) -> str:
    return "".join(part.proto.body for part in page.get("html"))


def test_datasets_are_listed_with_their_newest_change(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "datasets")
    assert not shown.exception
    found = {row["Dataset"]: row for row in listed(shown)}
    assert (found["page"]["Items"], found["page"]["Version"]) == ("59", "3")
    assert found["page"]["Newest change"] == "1 removed: Out"
    assert found["page"]["Splits"] == "test 39, train 20"
    assert found["bare"]["Newest change"] == "made, without items yet"


def test_the_list_is_searched_and_comes_by_pages(page: Open, told: Any, listed: Listed) -> None:
    with told.client() as client:
        client.add_project("many")
    with told.client("many") as other:
        for place in range(52):
            other.create_dataset(f"set-{place:02}", "Last ones" if place > 49 else "")
    first = page(told.note.api_url, "datasets", project="many")
    assert len(listed(first)) == 50
    assert "Datasets 1 to 50 of 52" in words(first)
    assert first.get("download_button")
    second = page(told.note.api_url, "datasets", project="many", start="50")
    assert [row["Dataset"] for row in listed(second)] == ["set-50", "set-51"]
    found = page(told.note.api_url, "datasets", project="many", dataset_find="LAST")
    assert len(listed(found)) == 2
    assert "None of 52 matches" in words(page(told.note.api_url, "datasets", project="many", dataset_find="nix"))


def test_items_are_filtered_by_the_url_and_come_by_pages(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page")
    assert not shown.exception
    assert "Items 1 to 50 of 59" in words(shown)
    rows = listed(shown)
    assert (rows[0]["Id"], rows[0]["Split"], rows[0]["As of"], rows[3]["As of"]) == ("q00", "train", "v1", "v2")
    assert rows[4]["Asks"] == HOSTILE
    second = page(told.note.api_url, "datasets", dataset="page", after="50")
    assert "Items 51 to 59 of 59" in words(second)
    odd = page(told.note.api_url, "datasets", dataset="page", of_tag="odd", of_split="train")
    assert {row["Id"] for row in listed(odd)} == {f"q{place:02}" for place in range(3, 60, 6)}
    assert [row["Id"] for row in listed(page(told.note.api_url, "datasets", dataset="page", find="NOT YET"))] == ["q03"]
    old = page(told.note.api_url, "datasets", dataset="page", version="1", find="q04")
    assert len(listed(old)) == 1
    assert "None matches the filters" in words(page(told.note.api_url, "datasets", dataset="page", find="nothing such"))


def test_an_item_shows_its_history_word_by_word_and_is_changed(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", item="q03")
    assert not shown.exception
    assert "Version 2" in words(shown)
    assert "Corrected" in words(shown)
    html = drawn(shown)
    assert "<del" in html
    assert ">yes</del>" in html
    area = next(one for one in shown.text_area if one.label == "Reference")
    area.set_value("no, not before May")
    next(one for one in shown.text_input if one.label == "Note").set_value("Again")
    shown.button(key="save-item").click().run()
    assert not shown.exception
    assert "Saved as version 4." in words(shown)
    with told.client() as client:
        history = client.dataset_item("page", "q03")["history"]
        assert (history[0]["item"]["reference"], history[0]["note"]) == ("no, not before May", "Again")


def test_who_saves_what_another_changed_meanwhile_is_told(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", item="q10")
    with told.client() as client:
        item = client.dataset_item("page", "q10")["item"] | {"reference": "theirs"}
        base = client.dataset("page")["version"]
        client.change_dataset("page", {"base": base, "set": [item]})
        next(one for one in shown.text_area if one.label == "Reference").set_value("mine")
        shown.run()
        assert "It was changed since you opened it" in words(shown)
        shown.button(key="save-item").click().run()
        assert "1 of these items was changed since version" in words(shown)
        assert client.dataset_item("page", "q10")["item"]["reference"] == "theirs"
        shown.button(key="take-newest").click().run()
        assert next(one for one in shown.text_area if one.label == "Reference").value == "theirs"


def test_an_item_is_added_and_removed(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", item=dataset_item.NEW)
    assert not shown.exception
    next(one for one in shown.text_input if one.label == "Id").set_value("made")
    next(one for one in shown.text_area if one.label == "Question").set_value("Is it made?")
    next(one for one in shown.text_area if one.label == "Other fields, JSON").set_value("{nonsense")
    shown.button(key="save-item").click().run()
    assert "The other fields are no JSON" in words(shown)
    next(one for one in shown.text_area if one.label == "Other fields, JSON").set_value('{"contexts": ["So."]}')
    shown.button(key="save-item").click().run()
    with told.client() as client:
        assert client.dataset_item("page", "made")["item"]["contexts"] == ["So."]
        opened = page(told.note.api_url, "datasets", dataset="page", item="made")
        opened.button(key="remove-item").click().run()
        assert client.dataset_item("page", "made")["item"] is None
    gone = page(told.note.api_url, "datasets", dataset="page", item="made")
    assert "has none of this id; its history tells" in words(gone)


def test_hostile_text_stays_text(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", item="q05")
    assert not shown.exception
    assert "<img" not in drawn(shown)
    assert any(HOSTILE in str(one.value) for one in shown.text)


def test_versions_tell_what_differs(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", view="Versions", version="3")
    assert not shown.exception
    rows = listed(shown, "Versions")
    first = rows[-1]
    assert (first["Version"], first["Added"], first["By"], first["Note"]) == ("1", "60", "ada", "First import")
    shown.selectbox(key="newer-page").set_value(3)
    shown.selectbox(key="older-page").set_value(1)
    shown.run()
    assert "From version 1 to 3: 0 added, 1 changed, 1 removed." in words(shown)


def test_checks_name_what_they_find_and_mend_it(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", view="Checks")
    shown.button(key="run-checks").click().run()
    assert not shown.exception
    assert "1 item asks exactly what an earlier one asks" in words(shown)
    shown.button(key="fix-exact-drop_exact").click().run()
    assert "1 removed." in words(shown)
    with told.client() as client:
        assert client.dataset("page")["versions"][0]["note"] == "Checks: drop exact."


def test_splits_are_made_by_a_rule(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", view="Splits")
    shown.text_input(key="split-parts").set_value("a 0.5, b 0.5")
    shown.run()
    shown.button(key="split-go").click().run()
    assert not shown.exception
    assert "Rule: a 0.5, b 0.5, by the id, seed 0." in words(shown)
    shown.text_input(key="split-parts").set_value("a, b")
    shown.run()
    assert "Write each part as its name and share" in words(shown)


def test_a_version_is_exported(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "datasets", dataset="page", view="Export")
    shown.selectbox(key="export-format").set_value("openai")
    shown.run()
    assert "OpenAI demands at least 10 examples." in words(shown)
    shown.button(key="export-make").click().run()
    assert not shown.exception
    assert "items of version" in words(shown)
    assert "by its name" in words(page(told.note.api_url, "datasets", dataset="page", view="Runs"))


def test_traces_are_added_and_twice_is_once(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "traces", range="all")
    shown.button(key="add-to-dataset").click().run()
    assert not shown.exception
    assert shown.selectbox(key="adding-dataset").value is None, "what is added to is chosen"
    name = "page"
    shown.session_state["adding-last"] = name
    shown.run()
    shown.button(key="add-to-dataset").click().run()
    assert shown.selectbox(key="adding-dataset").value == name, "the one that was added to last"
    with told.client() as client:
        before = client.dataset(name)["items"]
        assert "Would add" in words(shown)
        shown.button(key="adding-go").click().run()
        assert not shown.exception
        assert client.dataset(name)["items"] > before
        trace = next(one["source"]["trace_id"] for one in client.dataset_rows(name, client.dataset(name)["version"])
                     if one.get("source"))  # fmt: skip
    single = page(told.note.api_url, "trace", trace=trace)
    single.session_state["adding-last"] = name
    single.button(key="add-to-dataset").click().run()
    assert "1 is there already" in words(single)
    assert single.button(key="adding-go").disabled


def test_without_datasets_it_says_what_to_do(page: Open, empty_url: str, told: Any) -> None:
    shown = page(empty_url, "datasets")
    assert not shown.exception
    assert "None was made yet." in words(shown)
    assert [code.value for code in shown.code] == [datasets.COMMAND]
    assert "There is none named nix" in words(page(told.note.api_url, "datasets", dataset="nix"))
    for version in ("99", "abc", "0", "²"):
        away = page(told.note.api_url, "datasets", dataset="page", version=version)
        assert f"page has no version {version}; the newest is " in words(away)
    assert "The datasets did not come." in words(page("http://127.0.0.1:9", "datasets"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("a b c", "a x c", 'a <del style="">b</del><ins style="">x</ins> c', id="a-word"),
        pytest.param("", "new", '<ins style="">new</ins>', id="all-new"),
        pytest.param("old", "", '<del style="">old</del>', id="all-gone"),
        pytest.param("same", "same", "same", id="the-same"),
        pytest.param("<b>", "<i>", '&lt;<del style="">b</del><ins style="">i</ins>&gt;', id="escaped"),
    ],
)
def test_texts_are_compared_word_by_word(
    before: str, after: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_TEXT", "_GONE", "_NEW"):
        monkeypatch.setattr(wordings, name, "")
    assert wordings.compared(before, after) == f'<div style="">{expected}</div>'


def test_long_texts_are_cut_where_they_are_equal_and_compared_at_all() -> None:
    same = " ".join(f"word{number}" for number in range(200))
    told = wordings.compared(f"{same} end", f"{same} other")
    assert "word199" in told
    assert "word50 " not in told
    assert wordings.compared("a " * 5000, "b").count("<del") == 1


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("train 0.8, test 0.2", {"train": 0.8, "test": 0.2}, id="shares"),
        pytest.param("a set 80%, b 20%", {"a set": 80.0, "b": 20.0}, id="percent"),
        pytest.param("train, test", None, id="no-share"),
        pytest.param("train -1", None, id="negative"),
        pytest.param("0.5", None, id="no-name"),
    ],
)
def test_parts_are_read_as_they_are_typed(typed: str, expected: dict[str, float] | None) -> None:
    assert dataset_work.parts_of(typed) == expected
