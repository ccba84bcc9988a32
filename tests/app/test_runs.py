"""Suites and runs on their pages, over a real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_runs
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_runs, run_gates, run_manifest, run_rows, runs, suite, suites

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
HOSTILE = "<img src=x onerror=alert(1)> [x](http://a)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("suites")
    (made / "items.jsonl").write_text("\n".join(made_runs.items(4)))
    (made / "filed.yaml").write_text(made_runs.SUITE.format(name="filed", file="items.jsonl"))
    return made


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any], folder: Path, telling: Any) -> Any:
    """A run that passed, one of three answers each that failed against it, one without an end, one that goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        served = serve("runs-pages")
    made = made_runs.rows(40, 3, flaky=(5,), failed=(7,))
    made[3]["answer"] = f"Refunds {HOSTILE} take long."
    made[3]["verdicts"]["groundedness"] |= {"passed": False, "value": 0.1}
    trace_id = made[3]["measured"]["trace_id"]
    served.send(telling(bytes.fromhex(trace_id), time.time_ns() - 10**10).span(1, "answer", 0, 90).body())
    served.settle()
    with served.client() as client:
        served.first = made_runs.tell(client, made_runs.rows(40), suite="support")
        served.second = made_runs.tell(client, made, "failed", "support", repeats=3, seed=9)
        more = client.run(served.second)
        theirs = {"run_id": served.first, "started_at": "2026-11-01T10:00:00+00:00", "shared": 40, "only_here": 0,
                  "only_there": 0, "changed": 0}  # fmt: skip
        flips = [{"item": "q5", "evaluator": "groundedness", "passed": 2, "of": 3, "labels": []}]
        summary = more["summary"] | {"baseline": theirs, "flaky_items": flips, "flaky_count": 1}
        client.end_run(served.second, summary, more["manifest"])
        served.broken = begun(client, "broken")
        client.end_run(served.broken, None, None, "line 6: No evaluator is named 'exactmatch'.")
        client.set_suite("edited", made_runs.SUITE.format(name="edited", file="items.jsonl"), "ada")
        client.set_suite("edited", made_runs.SUITE.format(name="edited", file="items.jsonl") + "seed: 3\n")
    return served


def begun(client: Any, name: str) -> str:
    manifest = made_runs.manifest(suite=name)
    client.begin_run({"run_id": manifest["run_id"], "suite": name, "manifest": manifest, "document": "suite: x"})
    return str(manifest["run_id"])


def words(page: AppTest) -> str:
    parts = (*page.title, *page.subheader, *page.markdown, *page.caption, *page.text, *page.error, *page.warning,
             *page.success)  # fmt: skip
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def drawn(page: AppTest) -> str:
    return "".join(part.proto.body for part in page.get("html"))


def test_runs_are_listed_with_what_came_of_them(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "runs")
    assert not shown.exception
    assert "3 runs of 2 suites: 1 passed, 1 failed, 1 could not run." in words(shown)
    row = next(row for row in listed(shown) if told.second in row["href"])
    assert (row["Suite"], row["Outcome"], row["Items"]) == ("support", "failed", "40 \u00d7 3")
    assert (row["Gates"], row["Cost"]) == ("1 missed, 1 undecided, 1 met", "≥ $0.0117")
    broken = next(row for row in listed(shown) if told.broken in row["href"])
    assert broken["Finding"] == "line 6: No evaluator is named 'exactmatch'."


def test_filters_come_from_the_url_and_links_keep_them(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "runs", of="support", outcome="passed")
    (row,) = listed(shown)
    assert row["href"] == f"runs?run={told.first}&back=of%3Dsupport%26outcome%3Dpassed"
    assert "None matches the filters" in words(page(told.note.api_url, "runs", of="nothing"))


def test_a_run_says_its_outcome_first_and_shows_what_it_rests_on(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "runs", run=told.second)
    assert not shown.exception
    said = words(shown)
    assert "**1 of 3 gates is missed.**" in said
    assert "Compared with the run of 2026-11-01T10:00: 40 items hold the same" in said
    assert "Differs from the baseline in: repeats, seed." in said
    assert [metric.value for metric in shown.metric] == ["1 of 3", "3 of 120", "≥ $0.0117", "205 ms", "1"]
    gates = shown.table[0].value
    assert gates["State"].tolist() == ["undecided", "met", "missed, fails", "met"]
    rows = listed(shown, "Rows")
    assert (rows[0]["Item"], rows[0]["Answer no."], rows[0]["groundedness"]) == ("q0", "1", "0.2 · fails")
    lost = next(row for row in rows if row["Item"] == "q7")
    assert (lost["Answer"], lost["Why"]) == ("no answer: timeout", "It took longer than 60 s.")
    assert listed(shown, "Flaky items")[0]["Answers"] == "passes in 2 of 3"


def test_rows_are_filtered_by_the_url_and_come_by_pages(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "runs", run=told.second, rows="flaky")
    assert [row["Item"] for row in listed(shown, "Rows")] == ["q1"] * 3 + ["q5"] * 3
    found = page(told.note.api_url, "runs", run=told.second, rows="all", words="order 39 ")
    assert {row["Item"] for row in listed(found, "Rows")} == {"q39"}
    none = page(told.note.api_url, "runs", run=told.second, words="no such words")
    assert "None matches the search and the evaluator." in words(none)
    assert len(listed(page(told.note.api_url, "runs", run=told.second, rows="all"), "Rows")) == run_rows.PAGE


def test_an_item_shows_every_answer_its_marks_and_its_trace(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "runs", run=told.second, item="q1")
    assert not shown.exception
    html = drawn(shown)
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img" not in html
    assert html.count("Refunds of order 1 take fourteen days.") == 3, "two answers and a context"
    assert "How long does a refund of order 1 take?" in html
    links = [part.proto.page for part in shown.get("page_link") if part.proto.label == "Its trace"]
    assert len(links) == 1, "the store has one trace of three"
    lost = page(told.note.api_url, "runs", run=told.second, item="q7")
    assert "No answer: timeout" in words(lost)
    assert "None is named" not in words(lost)
    assert "The run has none named q99." in words(page(told.note.api_url, "runs", run=told.second, item="q99"))


def test_a_run_without_an_end_says_why_and_how_to_go_on(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "runs", run=told.broken)
    assert not shown.exception
    assert "The run could not be carried out." in words(shown)
    assert "line 6: No evaluator is named 'exactmatch'." in words(shown)
    assert "There is none of the id" in words(page(told.note.api_url, "runs", run="0" * 32))
    with told.client() as client:
        run_id = begun(client, "open")
        client.tell_run(run_id, {"done": 30, "total": 120, "seconds_left": 61, "cost_usd": 0.5})
        going = page(told.note.api_url, "runs", run=run_id)
        client.end_run(run_id, None, None)
        cut = page(told.note.api_url, "runs", run=run_id)
        client.forget_run(run_id)
    assert not going.exception
    assert "cost so far $0.5000" in words(going)
    assert "It was cut off before its end." in words(cut)


def test_a_run_is_deleted(page: Open, told: Any) -> None:
    with told.client() as client:
        run_id = made_runs.tell(client, made_runs.rows(2), suite="away")
        shown = page(told.note.api_url, "runs", run=run_id)
        assert not shown.exception
        client.forget_run(run_id)


def test_without_runs_or_suites_it_says_what_to_do(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "runs")
    assert not shown.exception
    assert "None was told yet." in words(shown)
    assert [code.value for code in shown.code] == ["assay eval run SUITE.yaml"]
    assert "ASSAY_SUITES_DIR" in words(page(empty_url, "suites"))


@pytest.mark.parametrize("path", ["runs", "suites"])
def test_without_a_server_it_says_what_still_works(page: Open, path: str) -> None:
    shown = page("http://127.0.0.1:9", path)
    assert not shown.exception
    assert f"The {path} did not come." in words(shown)


def test_suites_are_listed_with_their_newest_run(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "suites")
    assert not shown.exception
    found = {row["Suite"]: row for row in listed(shown)}
    assert (found["filed"]["From"], found["filed"]["Newest run"]) == ("filed.yaml", "never run")
    assert found["edited"]["From"] == "version 2"
    assert "2 suites: 2 were never run." in words(shown)


def test_a_suite_is_checked_saved_and_told_apart_by_version(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "suites", suite="edited")
    assert not shown.exception
    editor = shown.text_area[0]
    assert editor.value.startswith("suite: edited")
    shown.button(key="check-suite").click().run()
    assert "4 items in 4 clusters, 4 answers, 1 evaluator, 1 gate. It can be run." in words(shown)
    shown.text_area[0].set_value(
        editor.value.replace("at_least: 1", "at_most: 1").replace("repeats", "x") + "repeets: 2\n"
    )
    shown.run()
    shown.button(key="check-suite").click().run()
    assert "It cannot be run as it is." in words(shown)
    assert "repeets: 2" in [code.value for code in shown.code]
    shown.button(key="save-suite").click().run()
    assert "It cannot be run as it is." in words(shown)
    shown.text_area[0].set_value(made_runs.SUITE.format(name="edited", file="items.jsonl") + "seed: 4\n")
    shown.run()
    shown.button(key="save-suite").click().run()
    assert "Saved as version 3." in words(shown)
    assert shown.button(key="save-suite").disabled
    with told.client() as client:
        assert client.suite("edited")["document"].endswith("seed: 4\n")


def test_a_new_suite_begins_with_a_text_that_can_be_read(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "suites", suite="brand-new", new="blank")
    assert not shown.exception
    assert shown.text_area[0].value.startswith("suite: brand-new\n")
    assert "There is none named nothing" in words(page(told.note.api_url, "suites", suite="nothing"))
    with told.client() as client:
        found = client.check_suite(suites.SKELETON.format(name="a"))
    assert found["problem"] is None, found


def test_a_run_that_was_ordered_is_followed_and_cancelled(page: Open, told: Any) -> None:
    with told.client() as client:
        made = client.run_suite("filed", {})
        shown = page(told.note.api_url, "suites", suite="filed")
        assert not shown.exception
        shown.button(key=f"cancel-{made['run_id']}").click().run()
        assert client.run(made["run_id"])["state"] == "cancelled"
        shown = page(told.note.api_url, "runs", run=made["run_id"])
        assert "It was cancelled before its end." in words(shown)
        shown.button(key="again").click().run()
        assert client.run(made["run_id"])["state"] == "waiting"
        client.cancel_run(made["run_id"])


def test_gates_are_drawn_so_that_what_holds_lies_right_of_the_bound() -> None:
    made = made_runs.summary(made_runs.rows(8), "failed")
    change = {"margin": 0.02, "bound": None, "effect": made_runs.interval(-0.01, 0.02, 8)}
    made["gates"].append(made_runs.gate("groundedness mean not worse than the baseline", "undecided", **change))
    made["gates"].append(made_runs.gate("exact mean >= 1", "no_data", estimate=None))
    rows = run_gates.gate_rows(made)
    assert rows["better"].tolist() == [1, 1, -1, 1, 1]
    assert rows["bound"].tolist()[:4] == [0.7, 0.5, 0.01, -0.02]
    assert rows["value_text"].tolist() == [
        "0.72 [0.67, 0.77]", "0.75 [0.65, 0.85]", "0.12 [0.07, 0.17]", "-0.01 [-0.03, 0.01]", "no value"
    ]  # fmt: skip
    figure = charts_runs.gates(rows, "8 items", "light")
    points = {trace.y[0]: trace.x[0] for trace in figure.data if trace.mode == "markers"}
    assert {place: x > 0 for place, x in points.items()} == {4: True, 3: True, 2: False, 1: True}


def test_manifests_that_differ_are_told_in_words() -> None:
    ours, theirs = made_runs.manifest("1" * 32), made_runs.manifest("2" * 32)
    assert run_manifest.differences(ours, theirs) == []
    theirs["packages"], theirs["target"] = {"numpy": "2.3.0"}, {"kind": "http", "ruler": "x", "pinned": False}
    theirs["evaluators"]["groundedness"] = {"version": "2"}
    assert run_manifest.differences(ours, theirs) == ["target", "evaluator groundedness", "numpy"]
    assert run_manifest.differences(ours, None) == ["what is not known: the baseline has no manifest"]


def test_words_of_runs_and_versions() -> None:
    waiting = {"state": "waiting", "answers_done": 0, "answers_total": None, "seconds_left": None}
    assert runs.progress(waiting) == "It waits for a worker."
    assert runs.progress(waiting | {"state": "running"}) == "It begins"
    assert runs.word({"state": "done", "outcome": "passed"}) == "passed"
    assert suite.diff("a\nb\n", "a\nc\n") == "@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert suite.diff("a", "a") == ""
    assert run_rows.flip_words({"passed": None, "of": 3, "labels": ["a", "b", "a"]}) == "a 2 times, b 1 times"
    assert isinstance(run_gates.gate_rows({"evaluators": [], "gates": []}), pd.DataFrame)
