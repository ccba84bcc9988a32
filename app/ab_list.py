"""The list of A/B tests, and what came of them in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import ab_tests, data, data_ab, listing, widgets
from app import format as fmt
from app.ab_figures import apart
from app.ab_tests import KINDS, MAKE, NAME, PATH, UNDECIDED, Test
from app.listing import Cell, Column

Json = Mapping[str, Any]
Found = Mapping[str, Json | None]
"""Name of a test -> what came of it; null: it was not read. Empty: it did not come."""

READ = 50  # tests of which the list says what came of them, running ones first
TOLD = 4  # findings that the sentence names
BADGES: Mapping[str, str] = {"win": "green", "loss": "red", "hurt": "red", "mismatch": "orange"}

COLUMNS = (
    Column("Test", "minmax(120px, 1.2fr)", link=True),
    Column("State", "80px"),
    Column("Finding", "minmax(130px, 1.2fr)", help="Of each variant against the control"),
    Column("Variants", "minmax(150px, 1.4fr)", help="The first is the control"),
    Column("Metric", "minmax(90px, 1fr)"),
    Column("Wanted", "88px", "right", "The smallest gain that is wanted"),
    Column("Guardrails", "minmax(90px, 1fr)"),
    Column("Start", "104px"),
    Column("Stop", "104px"),
)


def overview(tests: Sequence[Test]) -> None:
    """All tests of the project."""
    if not tests:
        widgets.empty(
            "A/B tests on live traffic would be listed here.",
            "None is registered yet. A test names its variants with their shares, what decides it, and what must not "
            "get worse.",
            lambda: st.page_link(PATH, label="Register a test", icon=":material/add:", query_params={MAKE: "1"}),
        )
        return
    with st.skeleton(height=120):
        found = _results(tests)
    st.markdown(fmt.plain(finding(tests, found), 1_000))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(PATH, label="Register a test", icon=":material/add:", query_params={MAKE: "1"})
        st.space("stretch")
        widgets.csv(table(tests, found), "ab-tests")
    listing.listing("ab-tests", "A/B tests", COLUMNS, [_line(test, found) for test in tests])
    st.caption(f"Times in {widgets.zone()}. Keys: j k move, Enter opens.")


def _results(tests: Sequence[Test]) -> Found:
    """Of the tests that have begun, at most so many; without an answer the list stands without findings."""
    try:
        return data_ab.found(tests, READ)
    except data.ApiError:
        return {}


def finding(tests: Sequence[Test], found: Found) -> str:
    """What is decided, as `short is better in answer-style.`, and how many there are."""
    news = [text for test in tests for text in _news(test["name"], found.get(test["name"]))]
    more = f"; and {len(news) - TOLD:,} more" if len(news) > TOLD else ""
    decided = f"{'; '.join(news[:TOLD])}{more}." if news else "Nothing is decided yet."
    running = sum(test["state"] == "running" for test in tests)
    return f"{decided} {fmt.plural(len(tests), 'test')}, {running:,} running."


def _news(name: str, told: Json | None) -> list[str]:
    words = {
        "mismatch": "units came otherwise than meant in {test}", "win": "{variant} is better in {test}",
        "loss": "{variant} is worse in {test}", "hurt": "{variant} hurts a guardrail in {test}",
        "futile": "{variant} gains less than wanted in {test}",
    }  # fmt: skip
    said = [
        words[one["advice"]["kind"]].format(test=name, variant=one["variant"])
        for one in (told or {"comparisons": ()})["comparisons"]
        if one["advice"]["kind"] in words
    ]
    return list(dict.fromkeys(said))  # a mismatch is of the whole test


def _finding(test: Test, found: Found) -> Cell:
    if test["state"] == "planned":
        return Cell("not begun", quiet=True)
    if not found:
        return Cell(fmt.UNKNOWN, "What came of the tests did not come", quiet=True)
    told = found[test["name"]]
    if told is None:
        return Cell("open to see", f"This list reads what came of {READ} tests", quiet=True)
    if not told["units"]:
        return Cell("no traces yet", quiet=True)
    kinds = {one["variant"]: one["advice"]["kind"] for one in told["comparisons"]}
    if len(kinds) > 1:
        said = ", ".join(f"{variant}: {KINDS[kind]}" for variant, kind in kinds.items())
        return Cell(fmt.clip(said, 200), said, quiet=all(kind in UNDECIDED for kind in kinds.values()))
    (kind,) = kinds.values()
    return Cell(KINDS[kind], tone=BADGES.get(kind, ""), quiet=kind in UNDECIDED)


def _line(test: Test, found: Found) -> listing.Row:
    rails = ", ".join(one["metric"] for one in test["guardrails"])
    shares = ab_tests.shares(test)
    return listing.Row(
        f"ab_tests?{urlencode({NAME: test['name']})}",
        [
            Cell(test["name"], test["description"]),
            Cell(test["state"], tone=ab_tests.TONES[test["state"]]),
            _finding(test, found),
            Cell(fmt.clip(shares, 200), f"{shares} of {test['unit']}s"),
            Cell(fmt.clip(test["metric"], 60)),
            Cell(apart(ab_tests.wanted(test), test["unit_of"])),
            Cell(fmt.clip(rails, 100) or "none", quiet=not rails),
            _moment(test["start"]),
            _moment(test["stop"]),
        ],
    )


def table(tests: Sequence[Test], found: Found) -> pd.DataFrame:
    """The list as a table: a row per test and variant against the control, exact values; null: not known yet."""
    return pd.DataFrame([row for test in tests for row in _rows(test, found.get(test["name"]))])


def _rows(test: Test, told: Json | None) -> list[dict[str, Any]]:
    whole = {
        "test": test["name"], "state": test["state"], "unit": test["unit"], "metric": test["metric"],
        "wanted": ab_tests.wanted(test), "start": test["start"], "stop": test["stop"],
    }  # fmt: skip
    control, *others = (one["name"] for one in test["variants"])
    by_variant = {one["variant"]: one for one in (told or {"comparisons": ()})["comparisons"]}
    return [whole | {"control": control, "variant": name} | _figures(by_variant.get(name)) for name in others]


def _figures(one: Json | None) -> dict[str, Any]:
    ends = {name: one and one[name] for name in ("difference", "low", "high", "n")}
    return {"finding": one and KINDS[one["advice"]["kind"]]} | ends


def _moment(told: str | None) -> Cell:
    if told is None:
        return Cell("open", quiet=True)
    at = datetime.fromisoformat(told)
    return Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at))
