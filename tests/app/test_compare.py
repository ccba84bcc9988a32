"""The page Compare over a real server: what it says first, its states, and the way there from Runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import made_runs
import pytest
from streamlit.testing.v1 import AppTest

from app import adding_item, compare_words, labelling, wordings

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
HOSTILE = "<img src=x onerror=alert(1)> [x](http://a)"


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any], telling: Any) -> Any:
    """A run, a worse one that names it as its baseline, one of another ruler, one of other items, and a trace."""
    served = serve("compare-pages")
    march, june = made_runs.rows(40), made_runs.rows(40)
    for row in june:
        row["verdicts"]["groundedness"] |= {"value": 0.3, "passed": False}
    june[1]["answer"] = f"Refunds {HOSTILE} take thirty days."
    trace_id = june[1]["measured"]["trace_id"]
    served.send(telling(bytes.fromhex(trace_id), time.time_ns() - 10**10).span(1, "answer", 0, 90).body())
    newer = {"groundedness": {"evaluator": "groundedness", "version": "4", "cost": "free", "options": {}}}
    moved = made_runs.rows(40)
    for row in moved:
        row["content"] = f"{row['place'] + 1000:012x}"
    with served.client() as client:
        served.march = made_runs.tell(client, march, suite="march")
        served.june = made_runs.tell(client, june, "failed", suite="june")
        run = client.run(served.june)
        baseline = {"run_id": served.march, "started_at": "2026-11-01T10:00:00+00:00", "shared": 40, "only_here": 0,
                    "only_there": 0, "changed": 0}  # fmt: skip
        client.end_run(served.june, run["summary"] | {"baseline": baseline}, run["manifest"])
        served.ruled = made_runs.tell(client, made_runs.rows(40), suite="ruled", evaluators=newer)
        served.moved = made_runs.tell(client, moved, suite="moved")
        untold = made_runs.rows(40)
        for row in untold:
            row["measured"]["trace_id"] = None
        served.untold = made_runs.tell(client, untold, suite="untold")
    served.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.markdown, *page.caption, *page.info, *page.warning, *page.error)
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def links(page: AppTest) -> list[str]:
    return [f"{part.proto.page}?{part.proto.query_string} {part.proto.label}" for part in page.get("page_link")]


def test_the_verdict_comes_first_and_names_the_worse(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "compare", runs=f"{told.march},{told.june}")
    assert not shown.exception
    verdict = next(part.value for part in shown.markdown if "**" in part.value)
    assert verdict.replace("\\", "").startswith(
        ":red-badge[:material/trending_down: worse] **june answers 75 points worse than march (groundedness passes"
    )
    assert "Groundedness passes: june is 75 points lower than march" in words(shown)
    assert [one.label for one in shown.metric] == [
        "Groundedness passes", "Cost of an answer", "Latency p95", "Failed answers", "Shared items",
    ]  # fmt: skip
    assert {part.proto.id.rpartition("-")[2] for part in shown.get("plotly_chart")} >= {"forest", "levels", "scatter"}
    rows = listed(shown, "Rows")
    assert len(rows) == 20
    assert rows[0]["Change"] == "\u2212100 points"


def test_an_item_shows_both_answers_escaped_with_their_trace(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "compare", runs=f"{told.march},{told.june}", item="q1")
    drawn = "".join(part.proto.body for part in shown.get("html"))
    assert not shown.exception
    assert "<img" not in drawn
    assert "<ins" in drawn
    assert any("Its trace" in link for link in links(shown))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param({}, "Choose two to ten above", id="none-chosen"),
        pytest.param({"runs": "march"}, "One run is chosen.", id="one-variant"),
        pytest.param({"runs": "march,ruled"}, "Values of different rulers are not compared", id="refused-measure"),
        pytest.param({"runs": "march,moved"}, "moved and march share 0 items of 40 and 40", id="other-items"),
        pytest.param({"runs": "march,gone"}, "has no run", id="no-such-run"),
        pytest.param({"runs": "march,june", "quality": "bleu"}, "'bleu' is not measured", id="no-such-measure"),
        pytest.param({"source": "live traffic", "range": "all"}, "No call tells its prompt", id="no-traffic"),
    ],
)
def test_states_say_what_to_do(page: Open, told: Any, query: dict[str, str], said: str) -> None:
    ids = {"march": told.march, "june": told.june, "ruled": told.ruled, "moved": told.moved, "gone": "ab" * 16}
    runs = ",".join(ids[name] for name in query.get("runs", "").split(",") if name)
    shown = page(told.note.api_url, "compare", **{**query, **({"runs": runs} if runs else {})})
    assert not shown.exception
    assert said in words(shown)
    if query == {"runs": "march,moved"}:
        assert "not enough data: march and moved have no item in common" in words(shown)


def test_what_is_stated_comes_from_the_address_and_goes_there(page: Open, told: Any) -> None:
    runs = f"{told.march},{told.june}"
    shown = page(told.note.api_url, "compare", runs=runs, margins="groundedness.passed=90 points")
    assert not shown.exception
    assert "june answers not worse than march by 90 points or more" in words(shown)
    assert "Differences that do not matter, as stated: 90 points of groundedness passes." in words(shown)
    assert shown.text_input(key="stated-runs-margin-groundedness.passed").value == "90 points"
    shown.text_input(key="stated-runs-margin-groundedness.passed").set_value("")
    shown.selectbox(key="stated-runs-better-groundedness.passed").set_value("lower")
    next(one for one in shown.button if one.label == "Compare so").click().run()
    assert dict(shown.query_params) == {"runs": runs, "lower": "groundedness.passed"}
    assert "june answers 75 points better than march" in words(shown)
    wrong = page(told.note.api_url, "compare", runs=runs, margins="groundedness.passed=2%")
    assert "write 2 points for '2%'" in words(wrong)
    assert any("Without directions and margins" in link for link in links(wrong))


def test_what_people_say_of_an_answer_stands_beside_its_verdicts(page: Open, told: Any) -> None:
    target = labelling.Target(f"{201:032x}", "the answer of june to q2")
    score = labelling.score(target, "correct", 0.0, "ada", label="fail", comment=HOSTILE)
    with told.client() as client:
        client.add_scores([score])
        (found,) = client.query("trace_scores", trace_id=target.trace_id).frame.to_dict("records")
    assert {name: found[name] for name in ("name", "value", "label", "source", "evaluator", "author")} == {
        "name": "correct", "value": 0.0, "label": "fail", "source": "human", "evaluator": "correct", "author": "ada",
    }  # fmt: skip
    shown = page(told.note.api_url, "compare", runs=f"{told.march},{told.june}", item="q2")
    assert "by ada" in words(shown)
    assert HOSTILE in [part.value for part in shown.text]
    shown.button(key="label-1-0").click().run()
    assert not shown.exception
    assert shown.selectbox(key="labelling-name").value == "correct"
    assert shown.button(key="labelling-save").disabled
    assert "Say who labels" in words(shown)


def test_an_answer_becomes_what_an_item_expects(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "compare", runs=f"{told.march},{told.june}", item="q5")
    shown.session_state["adding-last"] = "hard"
    with told.client() as client:
        client.create_dataset("hard")
        shown.run()
        shown.button(key="add-0-0").click().run()
        assert shown.text[-1].value == "Refunds of order 5 take fourteen days."
        shown.button(key="adding-go").click().run()
        assert not shown.exception
        (item,) = client.dataset_rows("hard", 1)
    assert (item["question"], item["reference"]) == (
        "How long does a refund of order 5 take?", "Refunds of order 5 take fourteen days.",
    )  # fmt: skip
    assert len(item["contexts"]) == 2
    shown.button(key="add-0-0").click().run()
    assert f"Its item {item['id']} asks the same." in words(shown)


def test_an_answer_without_a_trace_has_no_label_and_says_why(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "compare", runs=f"{told.march},{told.untold}", item="q0")
    assert "No label: the run tells no trace of this answer" in words(shown)
    keys = [one.key for one in shown.button]
    assert ("label-0-0" in keys, "label-1-0" in keys, "which-0" in keys) == (True, False, False)


CASE = {"question": "a?", "reference": "b", "contexts": ["c"], "metadata": {}, "answer": "d", "other": 1}


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        pytest.param(adding_item.AS_WAS, {"question": "a?", "reference": "b", "contexts": ["c"]}, id="as-it-was"),
        pytest.param(adding_item.ANSWER, {"question": "a?", "reference": "d", "contexts": ["c"]}, id="the-answer"),
        pytest.param(adding_item.NOTHING, {"question": "a?", "contexts": ["c"]}, id="nothing"),
    ],
)
def test_what_an_item_expects(expected: str, found: dict[str, Any]) -> None:
    item = adding_item.item_of(CASE, "d", expected)
    assert len(item.pop("id")) == 12
    assert item == found


def test_both_answers_have_a_score_of_which_is_better() -> None:
    targets = labelling.Target("a" * 32, "one"), labelling.Target("b" * 32, "other", "c" * 16)
    told = labelling.pair_scores(targets, "preference", 0.0, "ada", "")
    assert [(one["trace_id"][0], one["span_id"], one["value"], one["label"]) for one in told] == [
        ("a", None, 0.0, "not preferred"), ("b", "c" * 16, 1.0, "preferred"),
    ]  # fmt: skip
    assert [one["metadata"]["against"][0] for one in told] == ["b", "a"]
    assert [one["value"] for one in labelling.pair_scores(targets, "x", 0.5, "ada", "")] == [0.5, 0.5]


def test_nothing_to_compare_says_how_to_come_to_runs(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "compare")
    assert not shown.exception
    assert "No run has ended yet." in words(shown)


def test_runs_lead_to_the_comparison_with_their_baseline(page: Open, told: Any) -> None:
    wanted = f"runs={told.march}%2C{told.june}"
    for shown, label in (
        (page(told.note.api_url, "runs"), "Compare june with march"),
        (page(told.note.api_url, "runs", run=told.june), "Compare with baseline"),
    ):
        assert any(wanted in link and label in link for link in links(shown))


@pytest.mark.parametrize(
    ("first", "second", "left", "right"),
    [
        pytest.param("a b c", "a x c", "<del>b</del>", "<ins>x</ins>", id="one-word"),
        pytest.param("a b", "a b", "a b", "a b", id="the-same"),
        pytest.param(
            "a <b> c d", "a <i> c d", "a &lt;<del>b</del>&gt; c d", "a &lt;<ins>i</ins>&gt; c d", id="escaped"
        ),
        pytest.param("one two three", "vier", "one two three", "vier", id="nothing-in-common"),
        pytest.param("a " * 3000, "b", "a a", "b", id="too-long"),
    ],
)
def test_words_that_differ_are_marked(first: str, second: str, left: str, right: str) -> None:
    found = [plain(text) for text in wordings.beside(first, second)]
    assert (left in found[0], right in found[1]) == (True, True)


def plain(html: str) -> str:
    """Without styles."""
    head, _, rest = html.partition('">')
    assert head.startswith("<div style=")
    text = rest
    for tag in ("del", "ins"):
        parts = text.split(f"<{tag} style=")
        text = parts[0] + "".join(f"<{tag}>" + part.partition('">')[2] for part in parts[1:])
    return text


@pytest.mark.parametrize(
    ("measure", "gap", "said"),
    [
        pytest.param({"statistic": "share", "unit": None}, -0.313, "\u221231.3 points", id="share"),
        pytest.param({"statistic": "p95", "unit": "ms"}, 1250.0, "+1.25 s", id="latency"),
        pytest.param({"statistic": "mean", "unit": "USD"}, -0.0132, "\u2212$0.0132", id="cost"),
        pytest.param({"statistic": "mean", "unit": None}, None, "unknown", id="unknown"),
    ],
)
def test_differences_have_units_and_signs(measure: dict[str, Any], gap: float | None, said: str) -> None:
    assert compare_words.apart(measure, gap) == said
