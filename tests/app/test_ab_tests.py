"""A/B tests: the words of the page, what is typed into its form, and the page over a test with traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from ab_written import WRITTEN
from made_ab_tests import fill
from streamlit.testing.v1 import AppTest

from app import ab_arms, ab_figures, ab_form, ab_list, ab_tests, charts_ab
from server.ab_tests import Terms


@pytest.mark.parametrize(("value", "unit", "amount", "apart"), WRITTEN)
def test_values_have_their_units(value: float | None, unit: str | None, amount: str, apart: str) -> None:
    assert (ab_figures.amount(value, unit), ab_figures.apart(value, unit)) == (amount, apart)


def test_an_interval_that_is_not_there_says_so() -> None:
    assert ab_figures.interval({"low": None, "high": None}, "s") == "no interval yet"
    assert ab_figures.interval({"low": -0.01, "high": 0.03}, "share") == "\u22121 pp to +3 pp"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("control 50\nnew 50", [0.5, 0.5], id="halves"),
        pytest.param("\n control 33.33 \nb 33.33%\nc 33.34\n", [0.3333, 0.3333, 0.3334], id="thirds"),
    ],
)
def test_variants_are_read_line_by_line(typed: str, expected: list[float]) -> None:
    found = ab_form.variants_of(typed)
    assert [one["weight"] for one in found] == expected
    Terms(metric="cost", mde=1, variants=found)  # type: ignore[arg-type]  # as JSON tells them


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("control 50", "Name two variants at least"), ("a 50\nb 40", "add up to 90 %, and must to 100"),
        ("a 50\nb", "Line 2 is written as a name and a number, such as control 50; not 'b'"), ("a 50\nb -1", "Line 2"),
    ],
)  # fmt: skip
def test_what_are_no_variants_is_told(typed: str, says: str) -> None:
    with pytest.raises(ab_form.NoLineError, match=says):
        ab_form.variants_of(typed)


def test_guardrails_are_read_line_by_line() -> None:
    assert ab_form.guardrails_of("error 0.01\n my score 2") == [
        {"metric": "error", "margin": 0.01}, {"metric": "my score", "margin": 2.0},
    ]  # fmt: skip
    assert ab_form.guardrails_of("") == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "none of these has begun"),
        ({"low": None, "high": None}, "too few units to say"),
        ({"low": -0.1, "high": 0.1}, "no change is shown"),
        ({"low": 0.1, "high": 0.3}, "it changed by"),
    ],
)
def test_novelty_in_words(found: dict[str, Any] | None, says: str) -> None:
    told = found and {"first_days": 7, "early": 0.1, "late": 0.3, "difference": 0.2} | found
    assert says in ab_tests.novelty(told, None)


@pytest.mark.parametrize(
    ("variants", "rails", "says"),
    [
        (2, 0, "The chance of any wrong finding is 5 % at most."),
        (2, 1, "shared by 2 comparisons of metric and guardrails: each interval is one of 97.5 %."),
        (3, 2, "shared by 6 comparisons of metric and guardrails: each interval is one of 99.17 %."),
    ],
)
def test_the_page_says_how_alpha_is_shared(variants: int, rails: int, says: str) -> None:
    assert ab_tests.alpha({"alpha": 0.05, "variants": [{}] * variants, "guardrails": [{}] * rails}).endswith(says)


def test_the_axis_cuts_the_wide_bands_of_the_first_days() -> None:
    series = [
        {"day": f"2026-03-0{n}", "control_units": n, "units": n, "difference": 0.1, "low": low, "high": high}
        for n, (low, high) in enumerate(((None, None), (-9.0, 9.0), (0.05, 0.15)), 1)
    ]
    frame = ab_tests.days({"series": series}, None)
    assert frame["told"][0] == "2026-03-01: +0.1 (no interval yet)<br>n = 2 units"
    figure = charts_ab.difference(frame, ("new", "control"), ab_figures.scale(None), "n = 6", "light")
    low, high = figure.layout.yaxis.range
    assert low < 0
    assert 0.15 < high < 1


@pytest.fixture(scope="module")
def traffic(serve: Callable[[str], Any], telling: Any) -> str:
    served = serve("ab-page")
    fill(served, telling)
    return str(served.note.api_url)


def test_an_empty_project_leads_to_the_form(page: Callable[..., AppTest], empty_url: str) -> None:
    shown = page(empty_url, "ab_tests")
    assert not shown.exception
    assert "None is registered yet." in shown.caption[0].value


def test_the_list_leads_to_a_test(page: Callable[..., AppTest], traffic: str, listed: Any) -> None:
    shown = page(traffic, "ab_tests")
    (row,) = listed(shown)
    assert shown.markdown[0].value.replace("\\", "") == "new is better in shown. 1 test, 1 running."
    assert row | {"Start": ""} == {
        "href": "ab_tests?test=shown", "Test": "shown", "State": "running", "Finding": "better",
        "Variants": "control 50 %, new 50 %", "Metric": "helpful", "Wanted": "+0.2",
        "Guardrails": "error, latency", "Start": "", "Stop": "open",
    }  # fmt: skip


def test_a_test_says_first_what_came_of_it(page: Callable[..., AppTest], traffic: str, listed: Any) -> None:
    shown = page(traffic, "ab_tests", test="shown")
    assert not shown.exception
    assert shown.markdown[1].value.replace("\\", "").startswith("new is better than control: helpful differs by")
    assert [one.label for one in shown.metric] == [
        "Difference", "Finding", "Units with a value", "Assignment"
    ], "nothing is needed still"  # fmt: skip
    assert (shown.metric[1].value, shown.metric[3].value) == ("better", "as meant")
    arms = listed(shown, "Arms")
    assert [one["Variant"] for one in arms] == ["control", "new"]
    assert all(" to " in one["Interval"] for one in arms)
    asked = dict(parse_qsl(urlsplit(arms[1]["href"]).query))
    assert (asked["variant"], asked["range"]) == ("shown:new", "custom")
    assert asked["from"] < asked["to"]
    assert [one["State"] for one in listed(shown, "Guardrails")] == ["undecided", "kept"]
    assert "without a unit id" in shown.warning[0].value


def _told(*kinds: str) -> dict[str, Any]:
    found = [
        {"variant": f"v{n}", "advice": {"kind": kind}, "difference": 0.1, "low": 0.0, "high": 0.2, "n": 9}
        for n, kind in enumerate(kinds, 1)
    ]
    return {"comparisons": found, "units": 9}


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        ({"a": ("win",), "b": ("go_on",)}, "v1 is better in a. 2 tests, 2 running."),
        ({"a": ("mismatch", "mismatch")}, "units came otherwise than meant in a. 1 test, 1 running."),
        ({"a": ("go_on",)}, "Nothing is decided yet. 1 test, 1 running."),
        (
            {"a": ("win", "loss", "win"), "b": ("loss", "win")},
            "v1 is better in a; v2 is worse in a; v3 is better in a; v1 is worse in b; and 1 more. 2 tests, 2 running.",
        ),
    ],
)
def test_the_list_says_what_is_decided(kinds: dict[str, tuple[str, ...]], says: str) -> None:
    tests = [{"name": name, "state": "running"} for name in kinds]
    assert ab_list.finding(tests, {name: _told(*told) for name, told in kinds.items()}) == says


def test_the_list_as_a_file_has_a_row_for_each_variant_against_the_control() -> None:
    variants = [{"name": name} for name in ("control", "v1", "v2")]
    test = {
        "name": "a", "state": "running", "unit": "user", "metric": "m", "better": "lower", "mde": 0.5, "start": "x",
        "stop": None, "variants": variants,
    }  # fmt: skip
    frame = ab_list.table([test], {"a": _told("win", "go_on")})
    assert list(frame["finding"]) == ["better", "undecided"]
    assert list(frame["wanted"]) == [-0.5, -0.5]
    assert ab_list.table([test], {"a": None})["low"].isna().all()


def test_an_arm_leads_to_the_traces_of_what_it_is_traced_as() -> None:
    told = {"since": "2026-03-01T10:00:30", "until": "2026-03-02T10:00:30"}
    asked = dict(parse_qsl(urlsplit(ab_arms.traces("flag&on", told)).query))
    assert asked == {"range": "custom", "from": "2026-03-01T10:00Z", "to": "2026-03-02T10:01Z", "variant": "flag&on"}


def test_a_test_that_is_not_there_says_so(page: Callable[..., AppTest], traffic: str) -> None:
    assert "None is named nosuch" in page(traffic, "ab_tests", test="nosuch").caption[0].value


def test_the_form_says_what_is_missing_and_registers(page: Callable[..., AppTest], traffic: str) -> None:
    form = page(traffic, "ab_tests", make="1")
    assert form.button(key="ab-save").disabled
    form.text_input(key="ab-form-name").input("made").run()
    metric = form.selectbox(key="ab-form-metric")
    assert metric.options == ["cost", "latency", "error", "helpful"]
    metric.set_value("latency").run()
    assert "Say which gain" in form.caption[-1].value
    form.number_input(key="ab-form-mde").set_value(0.5).run()
    form.button(key="ab-save").click().run()
    assert "Test made is registered" in form.success[0].value
    again = page(traffic, "ab_tests", test="made")
    assert "No trace carries a variant of made yet" in again.markdown[1].value


@pytest.mark.parametrize(("name", "refused"), [("..", True), ("a b", True), (".v1.2", False)])
def test_a_name_in_the_form_is_one_that_a_path_can_have(name: str, *, refused: bool) -> None:
    typed = {"variants": "a 50\nb 50", "guardrails": "", "metric": "cost", "mde": 0.1}
    problem, held = ab_form._read(name, typed)
    assert (problem.startswith("Give it a name"), held is None) == (refused, refused)
