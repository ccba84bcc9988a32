"""The What-if page: its words, numbers and states."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from app import charts, charts_whatif, estimates, whatif_carbon
from app import format as fmt
from app.estimates import MINUS

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
DAY = {"range": "24h"}


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def tiles(page: AppTest) -> dict[str, tuple[str, str]]:
    return {tile.label: (tile.value, tile.delta.replace("\\", "")) for tile in page.metric}


def figures(page: AppTest) -> list[dict[str, Any]]:
    return [json.loads(part.proto.spec) for part in page.get("plotly_chart")]


def test_caching_says_what_each_would_have_saved(page: Open, choices: Any) -> None:
    shown = page(choices.note.api_url, "whatif", **DAY)
    assert not shown.exception
    told = words(shown)
    assert "Caching shared prefixes would have saved $0.159 (95 % interval $0.15" in told
    assert "of $0.339 of input in the last 24 hours; a cache of answers $0.0763 (95 % interval" in told
    assert "with another answer for 0 % (95 % interval 0 % to 9.2 %) of its hits." in told
    assert "Computed over 160 of 160 calls." in told
    assert tiles(shown)["Exact repeats would save"] == ("$0.0763", "$0.0621 to 0.0906, n = 160")
    assert tiles(shown)["False hits of near repeats"] == ("0 %", "0 to 9.2 %, n = 38")
    table = shown.dataframe[0].value.set_index("Cache")
    assert table.loc["Exact repeats", "Time"].startswith("32 s (")
    assert table.loc["Shared prefixes (at the provider)", "Time"] == "unknown"


def test_the_similarity_of_the_url_counts_and_pairs_lead_to_their_call(
    page: Open, choices: Any, listed: Listed
) -> None:
    shown = page(choices.note.api_url, "whatif", similarity="80", kept="1 h", **DAY)
    assert shown.slider(key="similarity").value == 80
    assert tiles(shown)["False hits of near repeats"][0] == "51 %"
    assert "Near repeats from 80%" in shown.dataframe[0].value["Cache"].tolist()
    rows = listed(shown)
    assert {row["Answers"] for row in rows} == {"differ"}
    link = urlsplit(rows[0]["href"])
    assert (link.path, parse_qs(link.query)["span"]) == ("trace", [f"{1:016x}"])


def test_routing_says_what_moving_would_do_and_exports_it(page: Open, choices: Any, listed: Listed) -> None:
    shown = page(choices.note.api_url, "whatif", view="routing", **DAY)
    assert not shown.exception
    told = words(shown)
    assert "Moving 80 calls to another model would have saved $0.338 (95 % interval $0.285 to $0.391) of $0.382" in told
    assert "while right is no worse: gpt-4o to gpt-4o-mini on level 1 (better)." in told
    assert next((row["From"], row["To"], row["Verdict"]) for row in listed(shown)) == (
        "gpt-4o",
        "gpt-4o-mini",
        "better",
    )
    (front,) = (figure for figure in figures(shown) if "Cost against" in str(figure["layout"]["title"]))
    assert {"as it was", "all gpt-4o", "all gpt-4o-mini"} == {note["text"] for note in front["layout"]["annotations"]}
    button = next(part for part in shown.get("download_button") if part.proto.label == "Export as YAML")
    assert button.proto.url
    assert tiles(shown)["No worse, or better"] == ("1", "of 2 moves")


def test_topics_part_the_levels_and_show_their_words_and_calls(page: Open, choices: Any, listed: Listed) -> None:
    shown = page(choices.note.api_url, "whatif", view="routing", topics="2", **DAY)
    assert not shown.exception
    assert shown.number_input(key="topics").value == 2
    told = words(shown)
    assert "Found in 160 texts by the words that go together; no model is asked." in told
    assert re.search("gpt-4o to gpt-4o-mini on level 1, topic [12] [(](better|no worse)[)]", told)
    topics = [row for row in listed(shown, "Topics") if row["Topic"]]
    assert {(row["Topic"], row["Calls"], row["Share"]) for row in topics} == {("1", "80", "50 %"), ("2", "80", "50 %")}
    assert {"why" in row["Its words, the most telling first"] for row in topics} == {True, False}
    link = urlsplit(topics[0]["href"])
    assert (link.path, parse_qs(link.query)["span"]) == ("trace", [f"{1:016x}"])
    groups = [row["Level, topic"] for row in listed(shown, "Moves")]
    assert {group[:4] for group in groups} == {"1, 1", "1, 2"}


def test_topics_that_cannot_be_told_apart_are_told() -> None:
    def script() -> None:
        from app import whatif_topics  # noqa: PLC0415 - runs as a script of its own

        found = {"most": 5, "texts": 7, "agreement": None, "untold": 2, "rows": []}
        whatif_topics.section(found)
        row = {"topic": "1", "calls": 7, "sampled": 7, "share": 1, "words": ["a"], "by_model": {}, "examples": []}
        whatif_topics.section(found | {"agreement": 0.3, "rows": [row]})

    shown = AppTest.from_function(script).run(timeout=20)
    assert not shown.exception
    assert "No two can be told apart in 7 texts of what users said last. 2 calls of the sample told no" in words(shown)
    assert "hardly told apart by their words" in shown.warning[0].value


def test_without_scores_the_page_says_what_to_do(page: Open, choices: Any) -> None:
    shown = page(choices.note.api_url, "whatif", view="routing", score="never", **DAY)
    assert not shown.exception
    assert "Quality cannot be judged." in words(shown)
    assert "No call of the sample has a score of the name never. Send scores" in words(shown)
    assert "for 2 of 2 moves there is not enough evidence" in words(shown)


def test_a_measure_that_is_none_is_told(page: Open, choices: Any) -> None:
    shown = page(choices.note.api_url, "whatif", view="routing", tokens="9,1", **DAY)
    assert not shown.exception
    assert "The thresholds of input_tokens must be rising numbers" in words(shown) + str([e.value for e in shown.error])


def test_one_model_alone_cannot_be_compared(page: Open, choices: Any) -> None:
    shown = page(choices.note.api_url, "whatif", view="routing", model="gpt-4o", **DAY)
    assert "One model alone served the calls: gpt-4o." in words(shown)


def test_carbon_is_ranges_only(page: Open, choices: Any) -> None:
    shown = page(choices.note.api_url, "whatif", view="carbon", **DAY)
    assert not shown.exception
    assert "160 calls in the last 24 hours took 5.74 to 10.2 Wh and emitted" in words(shown)
    assert "EcoLogits" in words(shown)
    for label in ("Energy", "CO2 equivalents", "Energy of a call"):
        assert " to " in tiles(shown)[label][0]
    table = shown.dataframe[0].value
    assert table["Energy"].str.contains(" to ").all()
    sweden = page(choices.note.api_url, "whatif", view="carbon", zone="SWE", **DAY)
    assert tiles(sweden)["Energy"] == tiles(shown)["Energy"]
    assert tiles(sweden)["CO2 equivalents"] != tiles(shown)["CO2 equivalents"], "of other electricity"


def test_models_that_nobody_knows_are_counted(page: Open, filled: Any) -> None:
    shown = page(filled.note.api_url, "whatif", view="carbon", range="1h")
    assert not shown.exception
    assert "Unknown to EcoLogits" in words(shown)
    assert "gpt-x (" in words(shown)


@pytest.mark.parametrize("view", ["caching", "routing", "carbon"])
def test_hostile_text_stays_text(page: Open, filled: Any, view: str, hostile: str) -> None:
    shown = page(filled.note.api_url, "whatif", view=view, range="1h", topics="4")
    assert not shown.exception
    for part in (*shown.markdown, *shown.caption, *shown.metric):
        assert hostile not in str(getattr(part, "value", "")) + str(getattr(part, "label", ""))


def test_calls_without_texts_say_how_to_record_them(page: Open, few: Any) -> None:
    shown = page(few.note.api_url, "whatif", range="1h")
    assert not shown.exception
    assert "None of 1 call that were looked at told what was sent to the model." in words(shown)


@pytest.mark.parametrize("view", ["caching", "routing", "carbon"])
def test_an_empty_store_says_what_to_do(page: Open, empty_url: str, view: str) -> None:
    shown = page(empty_url, "whatif", view=view)
    assert not shown.exception
    assert "Nothing has arrived yet." in words(shown)


def test_a_server_that_does_not_answer_is_told(page: Open) -> None:
    shown = page("http://127.0.0.1:9", "whatif")
    assert not shown.exception
    assert "The server does not answer." in str([part.value for part in shown.error])


def test_a_slow_answer_has_a_bar_with_the_time_that_is_left() -> None:
    def script() -> None:
        import time as clock  # noqa: PLC0415 - runs as a script of its own

        import streamlit as st  # noqa: PLC0415

        from app import widgets  # noqa: PLC0415

        drawn: list[str] = []

        class Place:
            def empty(self) -> object:
                return self

            def progress(self, _: float, text: str) -> None:
                drawn.append(text)

        st.text(widgets.patiently(Place(), "Reading", lambda: clock.sleep(0.8) or "read", 0.6))  # type: ignore[arg-type]  # as a container
        st.text(f"{drawn[0]} / {drawn[-1]}")

    began = time.monotonic()
    shown = AppTest.from_function(script).run(timeout=20)
    assert [part.value for part in shown.text] == ["read", "Reading, about 1 s left / Reading, longer than usual"]
    assert time.monotonic() - began >= 0.8


def test_an_error_of_a_slow_question_is_raised_where_it_was_asked() -> None:
    def script() -> None:
        import streamlit as st  # noqa: PLC0415

        from app import widgets  # noqa: PLC0415

        def ask() -> str:
            raise LookupError("gone")

        try:
            widgets.patiently(st.container(), "Reading", ask)
        except LookupError as error:
            st.text(str(error))

    assert AppTest.from_function(script).run().text[0].value == "gone"


@pytest.mark.parametrize(
    ("found", "form", "text"),
    [
        ((1.5, 1.25, 1.75), estimates.usd, "$1.50 ($1.25 to $1.75)"),
        ((-0.002, -0.003, 0.001), estimates.usd, f"{MINUS}$0.002 ({MINUS}$0.003 to $0.001)"),
        ((0.0, None, None), estimates.usd, "$0"),
        ((None, None, None), estimates.usd, "unknown"),
        ((0.125, 0.1, 0.2), estimates.share, "12 % (10 % to 20 %)"),
        ((-1.5, -2.0, 0.5), estimates.seconds, f"{MINUS}1.5 s ({MINUS}2 s to 500 ms)"),
        ((0.0, -0.1, 0.1), estimates.signed, f"0 ({MINUS}0.1 to +0.1)"),
    ],
)
def test_estimates_are_written_with_their_interval(found: tuple[Any, ...], form: Any, text: str) -> None:
    assert estimates.cell(dict(zip(("value", "low", "high"), found, strict=True)), form) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1300.0, 2500.0, "1.3 to 2.5 MWh"),
        (0.0004, 0.002, "0.4 to 2 Wh"),
        (None, None, fmt.UNKNOWN),
        (0.0, 0.0, "0 to 0 mWh"),
    ],
)
def test_energy_is_written_as_a_range(low: float | None, high: float | None, text: str) -> None:
    assert whatif_carbon.energy(low, high) == text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_of_odd_numbers_are_drawn(theme: charts.Theme) -> None:
    money = {"a <b>": {"value": -1.0, "low": -2.0, "high": 0.5}, "none": {"value": None, "low": None, "high": None}}
    assert len(charts_whatif.savings(money, "", theme).data) == 1
