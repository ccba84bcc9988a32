"""Comparisons of runs and of live traffic over a real server; statistics against scipy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import made_runs
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from server.client import ApiError
from server.compare import report
from server.compare.answer import Question, Read, composed
from server.compare.measures import Measure

SMALL = 60  # calls of a variant
HOSTILE = "<img src=x onerror=alert(1)>"


def rows(shift: float, *, seed: int, items: int = 40) -> list[made_runs.Json]:
    """Rows whose groundedness is near normal about 0.5 and the shift; items have topics, and are their own clusters."""
    made, drawn = made_runs.rows(items), np.random.default_rng(seed)
    hard = np.random.default_rng(9).normal(0, 0.1, items)
    for at, row in enumerate(made):
        value = float(np.clip(0.5 + hard[at] + shift + drawn.normal(0, 0.05), 0, 1))
        row["verdicts"]["groundedness"] |= {"value": value, "passed": value >= 0.5}
        row["cluster"] = row["item"]
        row["case"]["metadata"] = {"topic": "refunds" if at % 2 else "orders"}
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any) -> Any:
    """Runs that are alike, worse, of another ruler, of other items; and calls of two models."""
    served = serve("compare")
    with served.client() as client:
        served.march_rows, served.june_rows = rows(0.1, seed=1), rows(-0.1, seed=2)
        served.june_rows[3]["answer"] = HOSTILE
        served.march = made_runs.tell(client, served.march_rows, suite="march")
        served.june = made_runs.tell(client, served.june_rows, suite="june")
        newer = {"groundedness": {"evaluator": "groundedness", "version": "4", "cost": "free", "options": {}}}
        served.ruled = made_runs.tell(client, rows(0, seed=3), suite="ruled", evaluators=newer)
        moved = rows(0, seed=4)
        for row in moved[10:]:
            row["content"] = f"{row['place'] + 1000:012x}"
        served.moved = made_runs.tell(client, moved, suite="moved")
    began = time.time_ns() - 3600 * 10**9
    served.tokens = {name: np.random.default_rng(at).normal(400 + 40 * at, 30, SMALL).astype(int).tolist()
                     for at, name in enumerate(("gpt-4o", "gpt-4o-mini"))}  # fmt: skip
    bodies, ids = [], []
    for name, drawn in served.tokens.items():
        for at, tokens in enumerate(drawn):
            trace_id = uuid4().bytes
            ids.append((trace_id.hex(), name))
            told = telling(trace_id, began + at * 10**9).span(
                1, "chat", 0, 100 + at + (200 if name == "gpt-4o-mini" else 0), gen_ai__operation__name="chat",
                gen_ai__request__model=name, gen_ai__usage__input_tokens=int(tokens), gen_ai__usage__output_tokens=20,
            )  # fmt: skip
            bodies.append(told.body())
    for at in range(20):
        told = telling(uuid4().bytes, began + at * 10**9).span(
            1, "chat", 0, 100 + at, gen_ai__operation__name="chat", gen_ai__request__model=f"own-{at % 2}",
            session__id=f"{at // 4}", gen_ai__usage__input_tokens=100 + at,
        )  # fmt: skip
        bodies.append(told.body())
    served.send(b"".join(bodies))
    served.settle()
    served.ids = ids
    scores = [
        {"trace_id": trace, "name": "helpfulness", "value": 0.9 if model == "gpt-4o" else 0.6, "evaluator": "x"}
        for trace, model in ids
    ]
    scores[0] = {"trace_id": ids[0][0], "name": "helpfulness", "error_type": "timeout", "evaluator": "x"}
    served.window = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    with served.client() as client:
        client.add_scores(scores)
    served.settle()
    return served


def pair(found: dict[str, Any], metric: str) -> dict[str, Any]:
    (one,) = (one for one in found["pairs"] if one["metric"] == metric)
    return one


def test_runs_are_compared_item_by_item_as_scipy_does(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.june], quality="groundedness")
    a, b = (
        np.array([row["verdicts"]["groundedness"]["value"] for row in made])
        for made in (served.march_rows, served.june_rows)
    )
    one, oracle = pair(found, "groundedness"), stats.ttest_rel(b, a)
    assert (one["a"], one["b"], one["n_a"], one["test"]) == ("march", "june", 40, "paired t test")
    assert one["difference"] == pytest.approx(float((b - a).mean()))
    assert one["p"] == pytest.approx(float(oracle.pvalue), rel=1e-6)
    low, high = oracle.confidence_interval()
    assert (one["ci_low"], one["ci_high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert (one["verdict"], one["tone"]) == ("worse", "bad")
    assert re.match(r"groundedness: june is 0\.\d+ lower than march .* which is worse", one["sentence"])
    assert re.fullmatch(
        r"june answers 0\.\d+ worse than march \(groundedness, 95% CI -0\.\d+ to -0\.\d+, adjusted p < 0\.001\), "
        r"cost unchanged, too little data on p95; enough data otherwise\.",
        found["headlines"][0]["sentence"],
    )
    passed = pair(found, "groundedness.passed")
    only_a, only_b = int(((a >= 0.5) & (b < 0.5)).sum()), int(((a < 0.5) & (b >= 0.5)).sum())
    assert passed["p"] == pytest.approx(float(stats.binomtest(only_b, only_a + only_b).pvalue))
    assert found["shared"][0]["sentence"] == "june and march have the same 40 items."


def test_the_variants_stand_on_their_own_with_intervals(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.june])
    assert found["quality"] == "groundedness.passed"
    assert {one["variant"] for one in found["own"] if one["measure"] == "groundedness"} == {"march", "june"}
    share = next(one for one in found["own"] if (one["measure"], one["variant"]) == ("groundedness.passed", "march"))
    assert 0 <= share["low"] < share["value"] < share["high"] <= 1
    assert [one["front"] for one in found["front"]] == [True, False]
    assert {one["key"] for one in found["measures"]} >= {"failed", "cost_usd", "latency_ms.p95", "output_tokens"}


def test_the_baseline_is_who_is_asked_for(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.june], baseline=served.june, quality="groundedness")
    assert pair(found, "groundedness")["verdict"] == "better"
    assert [one["name"] for one in found["variants"]] == ["june", "march"]


def test_margins_and_directions_are_as_stated(served: Any) -> None:
    with served.client() as client:
        asked = {"quality": "groundedness", "margins": "groundedness=0.5,groundedness.passed=90 points"}
        found = client.compare_runs([served.march, served.june], **asked)
        even = client.compare_runs([served.march, served.june], **asked, equivalence=True)
        turned = client.compare_runs([served.march, served.june], quality="groundedness", lower="groundedness")
        rows = client.compare_rows([served.march, served.june], quality="groundedness", lower="groundedness")
        told = client.compare_report("runs", "markdown", runs=f"{served.march},{served.june}", **asked)
    assert (pair(found, "groundedness")["verdict"], pair(found, "groundedness.passed")["margin"]) == (
        "non-inferior",
        0.9,
    )
    assert re.match(
        r"june answers not worse than march by 0\.5 or more \(groundedness", found["headlines"][0]["sentence"]
    )
    assert "groundedness: june is as good as march, within 0.5: it is" in pair(even, "groundedness")["sentence"]
    assert (pair(turned, "groundedness")["verdict"], turned["stated"]) == (
        "better", ["Lower is better of groundedness, as stated."],
    )  # fmt: skip
    assert rows["regressed"] < 20
    assert "Differences that do not matter, as stated: 0.5 of groundedness, 90 points of groundedness passes." in told


def test_another_ruler_is_not_compared_and_said(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.ruled, served.june])
    assert {one["b"] for one in found["pairs"] if one["metric"] == "groundedness"} == {"june"}
    assert "groundedness is groundedness 3 in march and groundedness 4 in ruled" in found["refused"][0]["why"]
    assert {one["variant"] for one in found["refused"]} == {"ruled"}


def test_only_items_that_hold_the_same_are_paired(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.moved], quality="groundedness")
    assert found["shared"][0]["sentence"] == (
        "moved and march share 10 items of 40 and 40; 30 of the same id ask something else. Only shared items are "
        "compared."
    )
    assert (pair(found, "groundedness")["n_a"], pair(found, "groundedness")["unpaired_a"]) == (10, 30)


def test_slices_are_decided_together(served: Any) -> None:
    with served.client() as client:
        found = client.compare_runs([served.march, served.june], slice="topic", quality="groundedness")
        assert found["slices"] == ["topic"]
    assert [one["slice"] for one in found["sliced"] if one["metric"] == "groundedness"] == ["orders", "refunds"]
    assert all(one["n_a"] == 20 for one in found["sliced"] if one["metric"] == "groundedness")


def test_repeats_are_averaged_in_their_item(served: Any) -> None:
    with served.client() as client:
        three = made_runs.tell(client, made_runs.rows(40, 3, flaky=(5,)), suite="three")
        once = made_runs.tell(client, made_runs.rows(40), suite="once")
        found = client.compare_runs([once, three], quality="groundedness.passed")
    one = pair(found, "groundedness.passed")
    assert (one["n_a"], one["n_b"], one["difference"]) == (40, 40, pytest.approx((2 / 3 - 1) / 40))
    assert found["variants"][1]["rows"] == 120


def test_a_total_that_its_slices_deny_is_told() -> None:
    """Kidney stones (Charig et al. 1986, BMJ 292), ten times as many: a is better of small and of large ones."""
    counts = {
        ("a", "small"): (81, 87),
        ("a", "large"): (192, 263),
        ("b", "small"): (234, 270),
        ("b", "large"): (55, 80),
    }
    rows = pd.DataFrame([
        {"variant": name, "label": size, "cured": float(at < 10 * cured)}
        for (name, size), (cured, of) in counts.items() for at in range(10 * of)
    ])  # fmt: skip
    rows["item"] = rows["cluster"] = range(len(rows))
    measures = [Measure("cured", "cured", "quality", "higher")]
    read = Read(rows, measures, [{"name": "a"}, {"name": "b"}], paired=False, slice="label")
    found = composed(read, Question("a"), {})
    assert found["pairs"][0]["difference"] > 0
    assert all(one["difference"] < 0 for one in found["sliced"])
    assert "Simpson's paradox. Judge by the slices." in found["paradoxes"][0]


def test_names_of_variants_are_escaped_in_reports() -> None:
    names = [HOSTILE, "[x](http://a) @all"]
    rows = pd.DataFrame({"variant": names * 20, "score": np.arange(40.0)})
    rows["item"] = rows["cluster"] = range(40)
    variants = [{"name": name, "rows": 20, "calls": 20} for name in names]
    read = Read(rows, [Measure("score", "score", "quality", "higher")], variants, paired=False)
    found = composed(read, Question(HOSTILE), {})
    assert "<img" not in report.html(found)
    assert "&lt;img" in report.html(found)
    told = report.markdown(found).replace("\\<", "").replace("\\[", "")
    assert [mark for mark in ("<img", "[x]", "@all") if mark in told] == []


def test_the_shell_compares_stored_runs_and_writes_reports(
    served: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    to = ("--api-url", served.note.api_url)
    asked = ("eval", "compare", served.march, served.june, "--quality", "groundedness", *to)
    done = command(tmp_path, *asked, "--html", "out.html", "--markdown", "out.md")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("june answers 0.")
    assert "\ngroundedness: june is 0." in done.stdout
    assert "which is worse" in (tmp_path / "out.html").read_text()
    assert (tmp_path / "out.md").read_text().startswith("## june against march")
    lines = [json.loads(line) for line in command(tmp_path, *asked, "--json").stdout.splitlines()]
    assert (lines[0]["metric"], lines[0]["verdict"]) == ("groundedness", "worse")
    refused = command(tmp_path, "eval", "compare", served.march, *to)
    assert refused.returncode
    assert "2 to 10 runs" in refused.stderr


def test_traffic_is_sliced_by_what_calls_tell(served: Any) -> None:
    with served.client() as client:
        found = client.compare_traffic("model", ["gpt-4o", "gpt-4o-mini"], slice="service", **served.window)
    score = [one for one in found["sliced"] if one["metric"] == "score.helpfulness"]
    assert [(one["slice"], one["n_a"], one["n_b"]) for one in score] == [("shop", SMALL - 1, SMALL)]
    assert "model" not in found["slices"]


def test_rows_that_got_worse_come_first(served: Any) -> None:
    with served.client() as client:
        found = client.compare_rows([served.march, served.june], quality="groundedness")
        changes = [row["change"] for row in found["rows"]]
        assert (found["matching"], len(changes), found["variants"]) == (40, 20, ["march", "june"])
        assert changes == sorted(changes)
        worse = client.compare_rows([served.march, served.june], quality="groundedness", worse=True, page=1)
        assert worse["matching"] == found["regressed"]
        (one,) = client.compare_rows([served.march, served.june], item="q3")["rows"]
    assert [answers[0]["item"] for answers in one["answers"]] == ["q3", "q3"]
    assert one["case"]["question"] == "How long does a refund of order 3 take?"
    assert one["answers"][1][0]["answer"] == HOSTILE


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        pytest.param(lambda c, s: c.compare_runs([s.march]), "of 2 to 10 runs, and 1 was given", id="one"),
        pytest.param(lambda c, s: c.compare_runs([s.march, "x"]), "'x' is no id of a run", id="no-id"),
        pytest.param(lambda c, s: c.compare_runs([s.march, uuid4().hex]), "has no run", id="no-run"),
        pytest.param(
            lambda c, s: c.compare_runs([s.march, s.june], baseline=s.moved), "none of the runs", id="no-baseline"
        ),
        pytest.param(
            lambda c, s: c.compare_runs([s.march, s.june], quality="bleu"), "'bleu' is not measured", id="no-measure"
        ),
        pytest.param(
            lambda c, s: c.compare_traffic("model", ["gpt-4o"], **s.window), "2 to 10 variants", id="one-value"
        ),
        pytest.param(
            lambda c, s: c.compare_runs([s.march, s.june], margins="bleu=1"),
            "'bleu' is not measured",
            id="no-margin-of",
        ),
        pytest.param(
            lambda c, s: c.compare_runs([s.march, s.june], lower="[1]"), "'[1]' is no list of texts", id="no-list"
        ),
        pytest.param(
            lambda c, s: c.compare_runs([s.march, s.june], equivalence=True),
            "is of a margin: state one",
            id="no-margin",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(served: Any, ask: Callable[..., Any], said: str) -> None:
    with served.client() as client, pytest.raises(ApiError, match=re.escape(said)) as refused:
        ask(client, served)
    assert refused.value.kind == "refused"


def test_live_traffic_is_compared_as_scipy_does(served: Any) -> None:
    with served.client() as client:
        found = client.compare_traffic("model", ["gpt-4o", "gpt-4o-mini"], **served.window)
    one = pair(found, "input_tokens")
    oracle = stats.ttest_ind(served.tokens["gpt-4o-mini"], served.tokens["gpt-4o"], equal_var=False)
    assert (one["test"], one["paired"], one["n_a"]) == ("Welch's t test", False, SMALL)
    assert one["p"] == pytest.approx(float(oracle.pvalue), rel=1e-6)
    low, high = oracle.confidence_interval()
    assert (one["ci_low"], one["ci_high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert pair(found, "latency_ms.p50")["verdict"] == "worse"
    assert [one["calls"] for one in found["variants"]] == [SMALL, SMALL]
    course = found["course"]
    assert [one["variant"] for one in course] == ["gpt-4o-mini"] * 12
    assert (course[0]["low"], course[-1]["n_a"]) == (None, SMALL - 1)  # too few calls for bounds; one score failed
    fixed = pair(found, found["quality"])
    assert (course[-1]["difference"], course[-1]["high"] >= fixed["ci_high"]) == (fixed["difference"], True)


def test_failed_scores_are_out_and_counted(served: Any) -> None:
    with served.client() as client:
        found = client.compare_traffic("model", ["gpt-4o", "gpt-4o-mini"], **served.window)
    score = pair(found, "score.helpfulness")
    assert (score["n_a"], score["n_b"]) == (SMALL - 1, SMALL)
    assert found["quality"] == "score.helpfulness"
    assert "helpfulness: 1 score failed or had no value, of 120 drawn; in no figure." in found["notes"]
    assert (score["missing_a"], score["missing_b"]) == (1, 0)
    calls = pair(found, "input_tokens")  # of which scores are no rows
    assert (calls["missing_a"], calls["missing_b"]) == (0, 0)
    assert [note for note in found["notes"] if "without a value" in note] == [
        "helpfulness: left out are 1 row without a value of gpt-4o."
    ]


def test_calls_of_a_session_vary_together_and_those_without_a_price_are_counted(served: Any) -> None:
    with served.client() as client:
        found = client.compare_traffic("model", ["own-0", "own-1"], **served.window)
    one = pair(found, "input_tokens")
    assert (one["n_a"], one["clusters_a"], one["clusters_b"]) == (10, 5, 5)
    assert "cost_usd" not in {measure["key"] for measure in found["measures"]}
    assert [variant["unpriced"] for variant in found["variants"]] == [10, 10]


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_report_stands_alone(served: Any, form: Any) -> None:
    with served.client() as client:
        asked = {"runs": f"{served.march},{served.june}", "slice": "topic"}
        told = client.compare_report("runs", form, **asked)
    assert "june" in told
    assert "which is worse" in told
    assert "refunds" in told
    assert not re.search(r"(src|href)=|https?://", told)


def test_the_description_names_the_right(served: Any) -> None:
    told = httpx.get(f"{served.note.api_url}/openapi.json", trust_env=False).json()
    assert told["paths"]["/api/compare/runs"]["get"]["x-assay-right"] == "read"


def test_scores_of_another_version_are_left_out_and_told(served: Any) -> None:
    table = served.ids
    told = [{"trace_id": trace, "name": "tone", "value": at % 2, "evaluator": "tone", "evaluator_version": "1"}
            for at, (trace, _) in enumerate(table)]  # fmt: skip
    newer = [{"trace_id": trace, "name": "tone", "value": 1, "evaluator": "tone", "evaluator_version": "2"}
             for trace, _ in table[:20]]  # fmt: skip
    with served.client() as client:
        client.add_scores(told)
        client.add_scores(newer)
        client.add_scores([{"trace_id": table[-1][0], "name": "tone", "value": 1, "source": "human", "author": "ada"}])
        found = client.compare_traffic("model", ["gpt-4o", "gpt-4o-mini"], **served.window)
    one = pair(found, "score.tone")
    assert (one["n_a"], one["n_b"]) == (SMALL - 20, SMALL - 1)
    assert (
        "tone: 99 scores of tone 1 are compared; left out are 1 of a person, 20 of tone 2, as values of different "
        "rulers are not compared."
    ) in found["notes"]
