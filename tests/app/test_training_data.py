"""The page Training data over a real server: its states, what it counts, and what it puts into a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]
FIELDS = [
    {"name": "ok", "kind": "binary", "title": "Is it right?"},
    {"name": "better", "kind": "correction", "required": False},
    {"name": "note", "kind": "text", "required": False},
]


@pytest.fixture(scope="module")
def fresh(serve: Callable[[str], Any]) -> Any:
    """A server without labels, which the first test looks at before `told` fills it."""
    return serve("training-pages")


@pytest.fixture(scope="module")
def told(fresh: Any) -> Any:
    """A queue of twelve labelled items, every third of them wrong and corrected."""
    with fresh.client() as client:
        client.set_queue("answers", {"fields": FIELDS}, "eve")
        items = [
            {"content": {"question": f"what{at} is it{at}", "sides": [{"answer": f"It is {at}."}]}} for at in range(12)
        ]
        client.add_items("answers", items, "eve")
        labels = [
            {"number": at, "labeller": "ann", "answers": {"ok": "yes"} if at % 3 else {"ok": "no", "better": f"{at}!"}}
            for at in range(1, 13)
        ]
        client.import_labels("answers", labels, "eve")
    return fresh


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def test_without_labels_it_says_where_they_come_from(page: Open, fresh: Any) -> None:
    shown = page(fresh.note.api_url, "training_data")
    assert not shown.exception
    assert "No queue has a label yet." in words(shown)
    shown = page(fresh.note.api_url, "training_data", queue="~feedback")
    assert not shown.exception
    assert "0 rows of 0 items" in words(shown)
    assert "There is no row to train on" in words(shown)


def test_it_counts_what_the_files_would_hold(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "training_data", queue="answers", field="ok", format="kto")
    assert not shown.exception
    assert "12 rows of 12 items: " in words(shown)
    assert "An answer is a good one where ok is yes." in words(shown)
    assert "Say the licence or consent first." in words(shown)
    shown.text_area(key="licence").set_value("Ours.").run()
    assert not shown.exception
    assert "Say the licence" not in words(shown)
    shown.multiselect(key="good-ok").set_value(["no"]).run()
    assert "An answer is a good one where ok is no." in words(shown)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        pytest.param("better", "4 rows of 4 items: ", id="corrections"),
        pytest.param("note", "Labels of kind text make no training file.", id="texts"),
    ],
)
def test_a_field_makes_what_its_kind_can(page: Open, told: Any, field: str, says: str) -> None:
    shown = page(told.note.api_url, "training_data", queue="answers", field=field)
    assert not shown.exception
    assert says in words(shown)


def test_a_golden_set_is_put_into_a_dataset_once(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "training_data", queue="answers", field="ok", part="golden set")
    assert not shown.exception
    assert "12 items: no 4, yes 8." in words(shown)
    button = next(one for one in shown.button if one.label == "Put into the dataset")
    button.click().run()
    assert not shown.exception
    assert "Version 1: 12 added, 0 changed." in words(shown)
    with told.client() as client:
        assert client.dataset("answers-ok")["items"] == 12


def test_examples_are_told_as_a_prompt_has_them(page: Open, told: Any) -> None:
    shown = page(
        told.note.api_url, "training_data", queue="answers", field="ok", part="examples", **{"each-answer": "5"}
    )
    assert not shown.exception
    assert "no has 4 of 5" in words(shown)
    assert shown.code[0].value.count("Verdict: yes") == 5
