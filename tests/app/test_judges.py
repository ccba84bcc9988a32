"""The page Judges, and the badge of trust on other pages: what labels say of what scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import trust

BEGAN = datetime.now(UTC) - timedelta(hours=5)
SCALE = {"scale": json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []})}
Opened = Callable[..., AppTest]


def scores(name: str, many: int, right: float, version: str = "1") -> list[dict[str, Any]]:
    """Of a judge that is right so often; people say yes to every other trace."""
    return [
        {"trace_id": f"{at + 1:032x}", "name": name, "evaluator": "checker", "evaluator_version": version,
         "value": 0.9 - 0.8 * ((at % 2 == 1) == (at % 10 < 10 * right)) + at / 1e4, "source": "llm", "metadata": SCALE,
         "time": (BEGAN + timedelta(seconds=at, hours=int(version))).isoformat()}
        for at in range(many)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def judged(serve: Callable[[str], Any]) -> Any:
    """A judge that is nearly always right, one that changed since, and one that nobody labelled."""
    served = serve("judged-page")
    with served.client() as client:
        client.add_scores(scores("sound", 60, 1.0))
        client.add_scores([*scores("changed", 60, 1.0), *scores("changed", 3, 1.0, "2")])
        client.add_scores(scores("unseen", 5, 1.0))
        for name in ("sound", "changed"):
            client.add_scores([
                {"trace_id": f"{at + 1:032x}", "name": name, "evaluator": name, "author": "ann", "source": "human",
                 "value": float(at % 2 == 0)}
                for at in range(3, 60)
            ])  # fmt: skip
    return served


def texts(shown: AppTest) -> str:
    """What is told, without the marks that keep it from being Markdown."""
    return " ".join(str(one.value) for one in [*shown.markdown, *shown.caption, *shown.text]).replace("\\", "")


def test_an_empty_project_says_what_to_do(serve: Callable[[str], Any], page: Opened) -> None:
    shown = page(serve("judges-empty").note.api_url, "judges")
    assert not shown.exception
    assert "Nothing was scored in this project" in texts(shown)


def test_the_list_tells_who_can_be_trusted(judged: Any, page: Opened) -> None:
    shown = page(judged.note.api_url, "judges")
    assert not shown.exception
    assert "1 of 4 judges and evaluators has high or moderate trust; 1 expired, 2 without labels." in texts(shown)


def test_a_card_tells_how_far_people_say_the_same(judged: Any, page: Opened) -> None:
    shown = page(judged.note.api_url, "judges", score="sound")
    assert not shown.exception
    assert {one.label: one.value for one in shown.metric}["Kappa"] == "1"
    assert ":green-badge" in texts(shown) or "high trust" in str(shown)
    assert "What people would say of all 60 scored items" in texts(shown)


def test_a_card_of_a_judge_that_changed_says_so_and_offers_to_score_again(judged: Any, page: Opened) -> None:
    shown = page(judged.note.api_url, "judges", score="changed", version="1")
    assert not shown.exception
    assert "Computed for version 1; now scores are by 2." in texts(shown)
    shown.button(key="judge-recheck-dry").click().run()
    assert not shown.exception
    assert "no evaluator of this name is installed here" in texts(shown)


def test_a_plan_is_told_in_a_sentence(judged: Any, page: Opened) -> None:
    shown = page(judged.note.api_url, "judges", score="sound")
    shown.button(key="judge-plan").click().run()
    assert not shown.exception
    assert "An interval 0.1 wide is not within reach" in texts(shown)


def test_a_score_that_nobody_labelled_says_what_to_do(judged: Any, page: Opened) -> None:
    shown = page(judged.note.api_url, "judges", score="unseen")
    assert not shown.exception
    assert "Nobody labelled what unseen scored" in texts(shown)


def test_a_server_that_is_silent_is_told(page: Opened) -> None:
    shown = page("http://127.0.0.1:9", "judges")
    assert not shown.exception
    assert "What labels say of judges did not come." in " ".join(str(one.value) for one in shown.error)


@pytest.mark.parametrize("word", list(trust.WORDS))
def test_each_badge_has_its_words_its_colour_and_its_icon(word: str) -> None:
    assert trust.TONES[word]
    assert trust.ICONS[word].startswith(":material/")
    assert trust.cell_of({"badge": word, "sentence": "s"}).text == word
