"""The page Agreement over a real server: its states, links, and what adjudication decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from labelled import PEOPLE, pandalm
from streamlit.testing.v1 import AppTest

from app import adjudication, agreement_words, charts_agreement

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
BETTER: dict[str, Any] = {"labels": 3, "fields": [{"name": "better", "kind": "preference", "title": "Which is better"}]}


def item(at: int) -> dict[str, Any]:
    sides = [{"key": key, "answer": f"answer {key} to {at}"} for key in "ab"]
    return {"content": {"question": f"question {at}", "sides": sides}, "attributes": {"model": f"m{at % 2}"}}


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any]) -> Iterator[Any]:
    """60 pairs of answers with the labels of PandaLM's people; a queue with one label; an empty one."""
    served = serve("agreement-pages")
    with served.client() as client:
        for name, items in (("pandalm", 60), ("one", 1), ("fresh", 0)):
            client.set_queue(name, BETTER, "eve")
            if items:
                client.add_items(name, [item(at) for at in range(1, items + 1)], "eve")
        rows = [
            {"number": number, "labeller": author, "answers": {"better": answer}, "comment": f"{author} says {answer}"}
            for number, author, answer in pandalm(60)
        ]
        client.import_labels("pandalm", rows, "eve")
        client.import_labels("one", rows[:1], "eve")
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.subheader, *page.text)
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def test_the_sentence_comes_first_then_figures_and_tables(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "agreement", queue="pandalm", by="model")
    assert not shown.exception
    assert "Any two of 3 people agree on" in shown.markdown[0].value or "Any two of 3 people" in words(shown)
    assert "Krippendorff (2004" in words(shown)
    charts = {part.proto.id.rpartition("$")[2].split("-", 1)[-1] for part in shown.get("plotly_chart")}
    assert len(charts) >= 4
    rows = listed(shown, "What people differ on")
    assert rows[0]["href"].startswith("agreement?queue=pandalm&field=better&part=adjudicate&disputed=all&a=")
    assert [row["Person"] for row in listed(shown, "People")] == list(PEOPLE)
    assert {row["Drift"] for row in listed(shown, "People")} <= {"no drift", "drift"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"queue": "one"}, "No item has labels of two people; 1 item has one.", id="one-label"),
        pytest.param({"queue": "fresh"}, "Nobody has labelled this field yet.", id="no-label"),
        pytest.param({"queue": "gone"}, "There is no queue named gone.", id="no-such-queue"),
        pytest.param(
            {"queue": "one", "part": "adjudicate"}, "None is open: people agree, or somebody decided.", id="no-dispute"
        ),
        pytest.param(
            {"queue": "pandalm", "first": "annotator1", "second": "annotator2"},
            "annotator1 and annotator2 agree on",
            id="two",
        ),
    ],
)
def test_states(page: Open, told: Any, query: dict[str, str], says: str) -> None:
    shown = page(told.note.api_url, "agreement", **query)
    assert not shown.exception
    assert says in words(shown)


def test_a_silent_server_is_told_with_what_still_works(page: Open) -> None:
    shown = page("http://127.0.0.1:9", "agreement")
    assert not shown.exception
    assert "The agreement did not come." in words(shown)
    assert "Labels stay as they are" in words(shown)


def test_without_queues_the_page_says_what_makes_one(page: Open, empty_url: str) -> None:
    assert "There is no queue yet." in words(page(empty_url, "agreement"))


def test_a_dispute_shows_both_reasons_and_is_decided(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "agreement", queue="pandalm", part="adjudicate", labeller="eve")
    assert not shown.exception
    with told.client() as client:
        first, second = client.queue_disputes("pandalm", state="open")["items"][:2]
    said = words(shown)
    assert f"question {first['number']}" in said
    assert all(f"{one['author']} says {one['answer']}" in said for one in first["answers"])
    shown.button(key=f"choose-pandalm-better-{first['number']}-2").click().run()
    shown.text_area(key=f"why-pandalm-better-{first['number']}").set_value("both say the same").run()
    shown.button(key="adjudicate-decide").click().run()
    assert not shown.exception
    assert f"question {second['number']}" in words(shown)
    assert f"Item {first['number']} is decided: tie." in words(shown)
    with told.client() as client:
        (made,) = client.queue_item("pandalm", first["number"])["decisions"]
        assert (made["answer"], made["why"], made["author"]) == ("tie", "both say the same", "eve")
    shown.button(key="adjudicate-back").click().run()
    assert f"question {first['number']}" in words(shown)
    with told.client() as client:
        assert client.queue_disputes("pandalm", state="decided")["total"] == 0


def test_a_cell_opens_its_items(page: Open, told: Any, listed: Listed) -> None:
    rows = listed(page(told.note.api_url, "agreement", queue="pandalm"), "What people differ on")
    query = dict(part.split("=") for part in rows[0]["href"].partition("?")[2].split("&"))
    shown = page(told.note.api_url, "agreement", **query)
    assert not shown.exception
    assert f"of {rows[0]['Items']}, " in words(shown)


@pytest.mark.parametrize(
    ("asked", "answers", "expected"),
    [
        pytest.param({"kind": "preference", "ties": True}, ["a", "b"], ["a (p0)", "tie", "b (p1)"], id="preference"),
        pytest.param({"kind": "binary", "choices": ["yes", "no"]}, ["no", "no"], ["yes", "no (p0, p1)"], id="binary"),
        pytest.param({"kind": "numeric"}, [1.5, 2.0], ["1.5 (p0)", "2 (p1)"], id="numbers-that-were-given"),
        pytest.param({"kind": "ranking"}, [[["a"], ["b", "c"]]], ["a > b = c (p0)"], id="rankings-that-were-given"),
        pytest.param(
            {"kind": "categorical", "several": True}, [["x", "y"], []], ["x, y (p0)", "nothing (p1)"], id="sets"
        ),
    ],
)
def test_what_can_be_chosen(asked: dict[str, Any], answers: list[Any], expected: list[str]) -> None:
    choices = [{"value": one, "title": None} for one in asked.get("choices", ())]
    asked = {"several": False, "ties": True, "name": "f", **asked, "choices": choices}
    row = {"answers": [{"author": f"p{at}", "answer": one} for at, one in enumerate(answers)]}
    assert [said for _, said in adjudication.options(asked, row)] == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.714, ".71"), (1.0, "1"), (-0.05, "−.05"), (0.0, ".00"), (None, "unknown"), (0.999, "1"), (-0.001, ".00")],  # noqa: RUF001 - a minus sign
)
def test_coefficients_are_written_as_is_usual(value: float | None, text: str) -> None:
    assert agreement_words.decimal(value) == text


def test_names_in_figures_are_no_markup(hostile: str) -> None:
    figure = charts_agreement.confusion({(hostile, hostile): 3}, [hostile], (hostile, ""), ("What", "n"), "light")
    assert "<" not in str(figure.layout.yaxis.ticktext) + str(figure.layout.yaxis.title.text)
    people = charts_agreement.pairs({(hostile, "b"): (0.5, 3)}, [hostile, "b"], "Who", "n", "dark")
    assert "<" not in str(people.layout.xaxis.ticktext)


def test_a_course_has_guidelines_as_verticals() -> None:
    at = pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-19"])
    parts = pd.DataFrame(
        {"since": at[:2], "until": at[1:], "value": [0.5, 0.8], "low": [0.3, 0.6], "high": [0.7, None], "n": [20, 30]}
    )
    figure = charts_agreement.over_time(parts, [(at[0] + pd.Timedelta(days=3), "guidelines 2")], "t", "s", "light")
    assert [one.text for one in figure.layout.annotations] == ["guidelines 2"]
    assert len(figure.layout.shapes) == 3
