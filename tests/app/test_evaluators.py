"""Evaluators, scoring jobs, “Score these” and the scores of a trace, over real servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import evaluators, jobs, ruler, scores, scoring, state, trial
from app.marking import Mark
from server.worker import Worker

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
TRACE = "05" * 16
CARD = {
    "name": "unbacked", "version": "7", "family": "hallucination", "measures": "Words.", "needs": ["answer"],
    "takes": [], "cost": "free", "quality": [], "limits": [], "options": ["min_length"],
    "scale": {"low": 0.0, "high": 1.0, "labels": ["fail", "pass"], "better": "higher", "unit": None},
}  # fmt: skip
JUDGE = CARD | {"name": "judge", "cost": "judge", "needs": ["reference"], "family": "judges"}


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


@pytest.fixture(scope="module")
def scored(serve_with_plugin: Callable[[str], Any], telling: Any) -> Any:
    """One trace that retrieved and answered, and one that only exploded; both scored by a worker, one by a person."""
    served, now = serve_with_plugin("scored"), time.time_ns()
    call = {"gen_ai__operation__name": "chat", "gen_ai__response__id": "r1"}
    told = telling(bytes([5]) * 16, now - 60 * 10**9).span(1, "search", 0, 20, openinference__span__kind="RETRIEVER",
           retrieval__documents__0__document__content="Refunds take fourteen days.")  # fmt: skip
    told.span(2, "chat", 30, 500, **call, gen_ai__input__messages=said("user", "How long?"),
              gen_ai__output__messages=said("assistant", "Refunds take thirty days."))  # fmt: skip
    burst = telling(bytes([6]) * 16, now - 50 * 10**9).span(1, "search", 0, 20, openinference__span__kind="RETRIEVER",
            retrieval__documents__0__document__content="Nothing.")  # fmt: skip
    burst.span(2, "chat", 30, 500, **call, gen_ai__output__messages=said("assistant", "I explode."))
    served.send(told.body() + burst.body())
    served.settle()
    with served.client() as client:
        order = {"trace_ids": [TRACE, "06" * 16]}
        wanted = [{"name": "unbacked"}, {"name": "unbacked", "options": {"min_length": 5}}, {"name": "exact_match"}]
        client.add_job(order | {"evaluators": wanted, "author": "ada"})
        assert Worker(served.note.api_url).turn(0)
        client.add_scores(
            [{"response_id": "r1", "name": "helpful", "value": 4, "source": "human", "author": "[x](http://a)"}]
        )
        client.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.title, *page.subheader, *page.markdown, *page.caption, *page.text, *page.error, *page.warning)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_the_list_says_how_many_and_what_they_cost(page: Open, scored: Any, listed: Listed) -> None:
    shown = page(scored.note.api_url, "evaluators")
    assert not shown.exception
    assert "need nothing but this machine" in words(shown)
    row = next(row for row in listed(shown) if row["Name"] == "unbacked")
    assert (row["Needs"], row["Cost"], row["Quality"]) == ("answer, contexts", "free", "AUROC 0.81 (naive 0.5)")
    assert row["href"] == "evaluators?evaluator=unbacked"


def test_filters_come_from_the_url_and_links_keep_them(page: Open, scored: Any, listed: Listed) -> None:
    shown = page(scored.note.api_url, "evaluators", family="hallucination", find="contexts words")
    (row,) = listed(shown)
    assert row["href"] == "evaluators?evaluator=unbacked&back=family%3Dhallucination%26find%3Dcontexts%2Bwords"
    none = page(scored.note.api_url, "evaluators", find="no such thing")
    assert "matches the search and the filters" in words(none)


def test_a_card_tells_scale_options_quality_and_limits(page: Open, scored: Any) -> None:
    shown = page(scored.note.api_url, "evaluators", evaluator="unbacked")
    assert not shown.exception
    told = words(shown)
    for part in (
        "The contexts have the answer's words.",
        "worst to best: unbacked, backed",
        "It knows words alone.",
        "min_length",
    ):
        assert part in told
    assert "It reads <b>no</b> meaning." in told  # escaped, see `words`
    (quality,) = shown.table
    assert quality.value.to_numpy().tolist() == [
        ["AUROC", "made\\-up rows", "0\\.81", "0\\.75 to 0\\.87", "always backed\\: 0\\.5", "200"],
        ["F1", "other rows", "0\\.4", "", "", "50"],
    ]
    assert [part.label.replace("\\", "") for part in shown.text_area] == [
        "Question (if given)", "Contexts, a blank line between two", "Answer", "Options, JSON; there are: min_length"
    ]  # fmt: skip


def test_an_evaluator_that_there_is_not(page: Open, scored: Any) -> None:
    assert "None is named nonsense here." in words(page(scored.note.api_url, "evaluators", evaluator="nonsense"))


def field(shown: AppTest, part: str) -> Any:
    return shown.text_area(key=f"trial-unbacked-{part}")


def test_trying_says_value_reason_and_marks(page: Open, scored: Any) -> None:
    shown = page(scored.note.api_url, "evaluators", evaluator="unbacked")
    field(shown, "answer").set_value("Refunds take thirty days.")
    field(shown, "contexts").set_value("Refunds take long.\n\nFourteen days.")
    shown.button[0].click().run()
    assert not shown.exception
    assert "1 of 4 words are in no context." in words(shown)
    assert "**0.75**" in words(shown)
    drawn = "".join(part.proto.body for part in shown.get("html"))
    assert ">thirty</mark>" in drawn
    assert "No context says &#x27;thirty&#x27;." in drawn


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param("{", "Options is no JSON: Expecting property name", id="no-json"),
        pytest.param("[]", "Options is an object", id="no-object"),
        pytest.param('{"max": 1}', "has no option 'max'", id="no-option"),
        pytest.param('{"min_length": 0}', "min_length is at least 1", id="no-value"),
    ],
)
def test_trying_says_what_is_wrong(page: Open, scored: Any, typed: str, says: str) -> None:
    shown = page(scored.note.api_url, "evaluators", evaluator="unbacked")
    field(shown, "options").set_value(typed)
    shown.button[0].click().run()
    assert not shown.exception
    assert says in words(shown)


def test_a_row_without_what_is_needed_is_not_applicable(page: Open, scored: Any) -> None:
    shown = page(scored.note.api_url, "evaluators", evaluator="unbacked")
    field(shown, "contexts").set_value("")
    shown.button[0].click().run()
    assert "The row has no contexts." in words(shown)
    assert "not applicable" in words(shown)


def test_without_a_server_it_says_what_still_works(page: Open) -> None:
    shown = page("http://127.0.0.1:9", "evaluators")
    assert not shown.exception
    assert "The evaluators did not come." in words(shown)


def test_without_jobs_it_says_where_they_are_given(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "evaluators", tab="scoring jobs")
    assert not shown.exception
    assert "None was given yet." in words(shown)


def test_jobs_tell_what_came_of_them(page: Open, scored: Any, listed: Listed) -> None:
    shown = page(scored.note.api_url, "evaluators", tab="scoring jobs")
    row = next(row for row in listed(shown) if row["By"] == "ada")
    assert row["Evaluators"] == "unbacked, unbacked, exact_match"
    assert [row[name] for name in ("State", "Done", "Scored", "Not applicable", "Failed")] == [
        "done", "2 / 2", "2", "2", "2"
    ]  # fmt: skip
    job = row["href"].split("job=")[1]
    one = page(scored.note.api_url, "evaluators", tab="scoring jobs", job=job)
    assert "2 scored, 2 not applicable, 2 failed" in words(one)
    assert not [button for button in one.button if button.label in {"Cancel", "Go on"}]


def test_a_job_is_cancelled_and_goes_on(page: Open, scored: Any) -> None:
    with scored.client() as client:
        made = client.add_job({"evaluators": [{"name": "exact_match"}], "trace_ids": [TRACE]})["job_id"]
        shown = page(scored.note.api_url, "evaluators", tab="scoring jobs")
        shown.button(key=f"cancel-{made}").click().run()
        assert client.job(made)["state"] == "cancelled"
        shown = page(scored.note.api_url, "evaluators", tab="scoring jobs", job=made)
        shown.button(key=f"retry-{made}").click().run()
        assert client.job(made)["state"] == "waiting"
        client.cancel_job(made)


def test_a_trace_tells_its_scores_by_target_newest_first(page: Open, scored: Any) -> None:
    shown = page(scored.note.api_url, "trace", trace=TRACE)
    assert not shown.exception
    assert "4 scores, 1 not applicable; newest first." in words(shown)
    told = next(table.value for table in shown.dataframe if "verdict" in table.value.columns)
    assert told[["name", "of", "number", "ruler", "verdict", "from"]].to_numpy().tolist() == [
        ["unbacked", "trace", "0.5", "0 to 1 ↑", "unbacked", "code"],
        ["unbacked", "trace", "0.75", "0 to 1 ↑", "unbacked", "code"],
        ["helpful", "chat", "4", "unknown", "", "person"],
    ]
    versions = told["by"].tolist()
    assert versions[0].startswith("version 7+")
    assert versions[1] == "version 7"


def test_an_evaluator_that_failed_says_so_and_has_no_value(page: Open, scored: Any) -> None:
    shown = page(scored.note.api_url, "trace", trace="06" * 16)
    assert "2 failed" in words(shown)
    told = next(table.value for table in shown.dataframe if "verdict" in table.value.columns)
    failed = told[told["name"] == "unbacked"]
    assert set(failed["verdict"]) == {"failed: RuntimeError"}
    assert set(failed["number"]) == {""}


def score_these(page: Open, served: Any, *chosen: str, options: str = "{}") -> AppTest:
    """The list with the dialog open. A test cannot rerun a dialog alone, so what is chosen is set before it opens."""
    shown = page(served.note.api_url, "traces", range="1h", text="search")
    shown.session_state["scoring-evaluators"] = list(chosen)
    shown.session_state["scoring-options"] = options
    shown.button(key="score-these").click().run()
    assert not shown.exception
    return shown


def test_score_these_asks_for_a_choice_first(page: Open, scored: Any) -> None:
    shown = score_these(page, scored)
    assert "2 traces of the last hour: with “search” in names or errors." in words(shown)
    assert "Choose at least one evaluator." in words(shown)
    assert shown.number_input(key="scoring-most").value == 2


def test_score_these_says_what_would_be_done(page: Open, scored: Any) -> None:
    shown = score_these(page, scored, "unbacked", "exact_match")
    assert "Will score 2 traces by 2 evaluators: 4 verdicts; no model is asked, so it costs nothing." in words(shown)
    assert "exact_match needs answer, reference. None of the traces looked at has that" in words(shown)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param('{"unbacked": {"max": 1}}', "has no option 'max'", id="no-option"),
        pytest.param("{", "Options is no JSON", id="no-json"),
        pytest.param("[1]", "Options is an object", id="no-object"),
        pytest.param('{"unbaked": {}}', "told of unbaked, which is not chosen", id="misspelt"),
    ],
)
def test_options_that_do_not_do_are_refused_before_the_start(
    page: Open, scored: Any, options: str, says: str
) -> None:  # fmt: skip
    shown = score_these(page, scored, "unbacked", options=options)
    assert says in words(shown)
    assert not [button for button in shown.button if button.key == "scoring-start"]


def test_starting_gives_the_order(page: Open, scored: Any) -> None:
    shown = score_these(page, scored, "unbacked")
    shown.button(key="scoring-start").click().run()
    assert not shown.exception
    with scored.client() as client:
        job = client.jobs()[0]
        assert job["order"]["evaluators"] == [{"name": "unbacked", "options": {}}]
        assert (job["state"], job["order"]["filter"]["text"]) == ("waiting", "search")
        client.cancel_job(job["job_id"])


@pytest.mark.parametrize("part", trial._ORDER)
def test_what_an_example_shows_is_read_back(part: str) -> None:
    value = trial._REFUND[part]
    assert trial.read(part, trial.shown(part, value)) == value


@pytest.mark.parametrize(
    ("scale", "told", "short"),
    [
        (CARD["scale"], "0 to 1, higher is better; worst to best: fail, pass", "0 to 1 ↑"),
        ({"low": 0, "high": None, "better": "lower", "unit": "ms"}, "from 0 ms, lower is better", "from 0 ms ↓"),
        ({"low": None, "high": None, "labels": ["a", "b"]},
         "any number, neither end is better; labels: a, b", "any number"),
        (None, "unknown", "unknown"),
    ],
)  # fmt: skip
def test_a_ruler_in_words(scale: dict[str, Any] | None, told: str, short: str) -> None:
    assert (ruler.words(scale), ruler.short(scale)) == (told, short)


def test_a_ruler_is_drawn_where_it_has_both_ends() -> None:
    assert "left:calc(25.00%" in ruler.drawn({"low": 0, "high": 4, "better": "lower"}, 1)
    assert ruler.drawn({"low": 0, "high": None}, 1) == ""
    assert [ruler.tone(label, CARD["scale"]) for label in ("pass", "fail", "other", None)] == [
        "green", "red", "gray", "gray"
    ]  # fmt: skip


def test_the_best_figure_is_that_farthest_above_its_naive_rule() -> None:
    pairs = ((0.9, 0.85), (0.7, 0.5), (1.0, None))
    figures = [{"value": value, "naive_value": naive} for value, naive in pairs]
    assert evaluators.best({"quality": figures}) == figures[1]
    assert evaluators.best({"quality": figures[2:]}) == figures[2]
    assert evaluators.best({"quality": []}) is None


def test_the_sentence_of_an_order_names_what_judges_may_cost() -> None:
    told, order = {"targets": 120, "matching": 500}, {"unit": "trace"}
    assert scoring.sentence(told, order, [CARD, JUDGE], 1.5) == (
        "Will score 120 traces, the newest of 500, by 2 evaluators: 240 verdicts; 120 of them ask a model, "
        "at most about $1.50."
    )
    assert "without a bound" in scoring.sentence(told, {"unit": "call"}, [JUDGE], None)


def test_what_traces_lack_is_said() -> None:
    has = {"answer": 3}
    assert scoring.label(CARD, has) == "unbacked · free"
    assert scoring.label(JUDGE, has) == "judge · judge · no reference here"
    assert scoring.lacking(CARD | {"needs": [], "takes": ["steps", "answer"]}, has) == []
    assert scoring.lacking(CARD | {"needs": [], "takes": ["steps"]}, has) == ["steps"]


def test_the_filters_of_an_order_lead_back_to_its_traces() -> None:
    chosen = {"service": "shop", "session": "s1", "errors": "with", "min_s": 1.5, "text": "x"}
    since, until = datetime(2026, 5, 4, 10, 30, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    params = state.filter_params(chosen) | {"since": since, "until": until, "sort": "newest"}
    kept = scoring.order_of(params, "trace", 10, [CARD], {"unbacked": {"min_length": 2}}, None)
    assert kept["evaluators"] == [{"name": "unbacked", "options": {"min_length": 2}}]
    assert "sort" not in kept["filter"]
    assert state.traces_scope(kept["filter"]) == {
        "service": "shop", "session": "s1", "errors": "with", "min_s": "1.5", "text": "x", "range": "custom",
        "from": "2026-05-04T10:30Z", "to": "2026-05-05T00:00Z",
    }  # fmt: skip
    assert state.traces_scope({}) == {}


def test_a_job_that_nobody_takes_says_how_to_start_a_worker() -> None:
    waiting = {"state": "waiting", "created_at": "2026-05-04T10:30:00Z", "fault": None, "part_fault": None}
    assert "assay worker" in jobs.faults(waiting)[0]
    assert jobs.faults(waiting | {"state": "stopped", "fault": "Its budget of $1 is used up."}) == [
        "Its budget of $1 is used up."
    ]


def test_marks_with_one_reason_are_told_together() -> None:
    found = [Mark(0, 1, ("a",), None), Mark(2, 3, ("a",), None), Mark(4, 5, ("<b>",), None), Mark(6, 7, ("a",), None)]
    told = scores.reasons(found, 4)
    assert "<b>4 to 5, 7</b> a</li>" in told
    assert "<b>6</b> &lt;b&gt;</li>" in told


def test_metadata_that_is_none_of_ours_does_no_harm() -> None:
    row = {
        "name": "n", "value": 1.0, "label": None, "explanation": None, "source": "api", "evaluator": None,
        "evaluator_version": None, "author": None, "error_type": None, "time": pd.Timestamp("2026-05-04", tz="UTC"),
        "span_id": None, "metadata": [("scale", "[1]"), ("spans", '[3, {"start": 0}]'), ("status", "odd")],
    }  # fmt: skip
    spans = pd.DataFrame({"span_id": ["1"], "name": ["a"]})
    (told,) = scores.rows(pd.DataFrame([row]), spans)
    assert (told["status"], told["scale"], told["highlights"], told["ruler"]) == ("ok", None, [{"start": 0}], "unknown")
