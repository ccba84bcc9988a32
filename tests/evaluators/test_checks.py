"""Plain checks: tables of cases; figures of overlap are those of the papers and of the libraries' own tests."""

from __future__ import annotations

import asyncio
import json
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluators.case import Case, Usage
from evaluators.checks.embedding import cosine
from evaluators.checks.language import LANGUAGES, Language
from evaluators.checks.limits import Cost, Latency, Length, Tokens
from evaluators.checks.matching import Contains, ExactMatch, NormalisedMatch, Regex, normalised
from evaluators.checks.numeric import Numeric, numbers
from evaluators.checks.overlap import Bleu, Chrf, Rouge
from evaluators.checks.sql import SqlEquivalence
from evaluators.checks.structured import JsonMatch, JsonSchema
from evaluators.scoring import begun, judged
from evaluators.verdict import Verdict


def said(evaluator: Any, answer: str | None = None, reference: str | None = None, **rest: Any) -> Verdict:
    """What the runner would get, so that scale and needs are checked too."""
    return asyncio.run(judged(evaluator, Case(answer=answer, reference=reference, **rest)))


def found(verdict: Verdict, text: str) -> list[str]:
    return [text[one.start : one.end] for one in verdict.spans]


# Matching


def test_exact() -> None:
    assert said(ExactMatch(), "a", "a").label == "pass"
    assert said(ExactMatch(), "a", "A").value == 0
    assert said(ExactMatch(), "a").status == "not_applicable"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        pytest.param("The Eiffel Tower!", "eiffel  tower", True, id="squad"),
        pytest.param("\uff26\uff55\uff4c\uff4c width", "full width", True, id="nfkc"),
        pytest.param("Cafe\u0301", "café", True, id="composed"),
        pytest.param("STRASSE", "straße", True, id="casefold"),
        pytest.param("3.5", "35", False, id="decimal-point-stays"),
        pytest.param("-5", "5", False, id="minus-stays"),
        pytest.param("\u22125", "-5", True, id="minus-sign"),
        pytest.param("1,000", "1000", True, id="thousands"),
        pytest.param("well-known", "wellknown", True, id="hyphen-goes"),
        pytest.param("U.S.", "US", True, id="abbreviation"),
        pytest.param("$5", "€5", False, id="symbols-stay"),
        pytest.param("theatre", "atre", False, id="articles-are-words"),
    ],
)
def test_normalised(a: str, b: str, same: bool) -> None:
    assert (said(NormalisedMatch(), a, b).label == "pass") is same


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_more_of_spaces(text: str) -> None:
    once = normalised(text, articles=True)
    assert once == " ".join(once.split())


@given(st.text(alphabet=string.ascii_letters + string.digits + " "))
def test_normalising_is_done_once(text: str) -> None:
    once = normalised(text, articles=True)
    assert normalised(once, articles=True) == once


@pytest.mark.parametrize(
    ("options", "answer", "value", "label", "spans"),
    [
        pytest.param({"texts": ["Paris", "Rome"]}, "paris and rome", 1, "pass", ["paris", "rome"], id="all"),
        pytest.param({"texts": ["Paris", "Rome"]}, "Paris", 0.5, "fail", ["Paris"], id="all-half"),
        pytest.param({"texts": ["Paris", "Rome"], "how": "any"}, "Rome!", 1, "pass", ["Rome"], id="any"),
        pytest.param({"texts": ["x", "y"], "how": "none"}, "abc", 1, "pass", [], id="none"),
        pytest.param({"texts": "as an AI", "how": "none"}, "As an AI, no", 0, "fail", ["As an AI"], id="none-found"),
        pytest.param({"texts": "cat", "words": True}, "category", 0, "fail", [], id="words"),
        pytest.param({"texts": "cat", "case": True}, "Cat", 0, "fail", [], id="case"),
        pytest.param({"texts": 42}, "It is 42.", 1, "pass", ["42"], id="number"),
        pytest.param({"texts": "a+b"}, "a+b aab", 1, "pass", ["a+b"], id="no-pattern"),
    ],
)
def test_contains(options: dict[str, Any], answer: str, value: float, label: str, spans: list[str]) -> None:
    verdict = said(Contains(**options), answer)
    assert (verdict.value, verdict.label, found(verdict, answer)) == (value, label, spans)


def test_contains_looks_for_the_reference() -> None:
    assert said(Contains(), "It is Paris.", "Paris").label == "pass"
    assert said(Contains(), "It is Paris.").status == "not_applicable"


def test_regex() -> None:
    verdict = said(Regex(pattern=r"\d{3}-\d{4}"), "Call 555-1234 or 555-9876.")
    assert (verdict.label, found(verdict, "Call 555-1234 or 555-9876.")) == ("pass", ["555-1234", "555-9876"])
    assert said(Regex(pattern="a", absent=True), "bab").label == "fail"
    assert said(Regex(pattern="[a-z]+", whole=True), "abc1").label == "fail"
    assert said(Regex(pattern="ABC", ignore_case=True, whole=True), "abc").label == "pass"


def test_a_pattern_that_would_take_for_ever_is_stopped() -> None:
    began = time.monotonic()
    verdict = said(Regex(pattern=r"(a|aa)+$", timeout_s=0.1), "a" * 5000 + "b")
    assert (verdict.status, verdict.error_type) == ("error", "timeout")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Regex, {"pattern": "("}),
        (Regex, {}),
        (Contains, {"how": "most"}),
        (Contains, {"texts": [""]}),
        (Numeric, {"which": "best"}),
        (Numeric, {"relative": -1}),
        (Length, {"least": 5, "most": 4}),
        (Latency, {"limit_ms": -1}),
        (Tokens, {"of": "all"}),
        (Rouge, {"kind": "rouge9"}),
        (Bleu, {"tokenize": "flores"}),
        (Chrf, {"word_order": -1}),
        (Language, {"expected": "klingon"}),
        (JsonSchema, {"schema": {"type": "thing"}}),
        (SqlEquivalence, {"dialect": "cobol"}),
    ],
)
def test_options_that_do_not_do_are_refused(make: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        make(**options)


# JSON

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("answer", "label", "told"),
    [
        pytest.param('{"name": "Ann", "age": 3}', "pass", "admits", id="valid"),
        pytest.param('```json\n{"name": "Ann"}\n```', "pass", "admits", id="fenced"),
        pytest.param('{"name": 5, "age": -1}', "fail", "$.name", id="path"),
        pytest.param("{}", "fail", "'name' is a required property", id="required"),
        pytest.param('{"name": "Ann",\n "age": }', "fail", "line 2, column 9", id="parse-error"),
        pytest.param('{"name": "Ann", "age": NaN}', "fail", "NaN", id="nan"),
        pytest.param('{"name": "Ann", "name": "Bob"}', "fail", "twice", id="twice"),
        pytest.param("", "fail", "no JSON", id="empty"),
        pytest.param("[" * 100_000, "fail", "no JSON", id="deep"),
    ],
)
def test_json_schema(answer: str, label: str, told: str) -> None:
    verdict = said(JsonSchema(schema=PERSON), answer)
    assert verdict.label == label
    assert told in verdict.reason


def test_json_schema_of_the_row_and_faults_of_schemas() -> None:
    assert said(JsonSchema(), "3", metadata={"schema": {"type": "integer"}}).label == "pass"
    assert said(JsonSchema(), "3").status == "not_applicable"
    assert said(JsonSchema(), "3", metadata={"schema": {"type": "thing"}}).error_type == "schema"


LONG = "a" * 40 + "!"
SLOW = "^(a+)+$|^(a|aa)+$"


@pytest.mark.parametrize(
    ("schema", "value", "outcome"),
    [
        pytest.param({"pattern": SLOW}, LONG, "timeout", id="pattern"),
        pytest.param({"patternProperties": {SLOW: {}}}, {LONG: 1}, "timeout", id="properties"),
        pytest.param(
            {"additionalProperties": False, "patternProperties": {SLOW: {}}}, {LONG: 1}, "timeout", id="additional"
        ),
        pytest.param(
            {"unevaluatedProperties": False, "patternProperties": {SLOW: {}}}, {LONG: 1}, "timeout", id="unevaluated"
        ),
        pytest.param({"pattern": "^a+$"}, "aa", "pass", id="found"),
        pytest.param({"pattern": "^a+$"}, "ab", "fail", id="not-found"),
        pytest.param(
            {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False},
            {"ab": 1}, "pass", id="named",
        ),
        pytest.param({"patternProperties": {"^a": {"type": "integer"}}}, {"ab": "1"}, "fail", id="named-wrong"),
        pytest.param(
            {"patternProperties": {"^a": {}}, "additionalProperties": False}, {"b": 1}, "fail", id="not-named"
        ),
        pytest.param(
            {"patternProperties": {"^a": {}}, "unevaluatedProperties": False}, {"ab": 1}, "pass", id="evaluated"
        ),
    ],
)  # fmt: skip
def test_json_schema_stops_its_patterns(schema: Any, value: Any, outcome: str) -> None:
    verdict = said(JsonSchema(schema=schema), json.dumps(value))
    assert outcome in {verdict.label, verdict.error_type}, verdict


def test_json_schema_fetches_nothing() -> None:
    with server(200, {"type": "integer"}) as (address, asked):
        verdict = said(JsonSchema(schema={"$ref": f"{address}/schema.json"}), "3")
    assert (verdict.error_type, asked) == ("schema", [])


@pytest.mark.parametrize(
    ("options", "answer", "reference", "value"),
    [
        pytest.param({}, '{"a": 1, "b": [1, 2]}', '{"b": [1, 2.0], "a": 1}', 1, id="equal"),
        pytest.param({}, '{"a": 1, "b": 2}', '{"a": 1, "b": 3}', 0.5, id="half"),
        pytest.param({}, '{"a": true}', '{"a": 1}', 0, id="true-is-not-1"),
        pytest.param({}, "{}", '{"a": 1}', 0, id="empty"),
        pytest.param({}, "[2, 1]", "[1, 2]", 0, id="ordered"),
        pytest.param({"ordered": False}, "[2, 1]", "[1, 2]", 1, id="unordered"),
        pytest.param({"ignored": ("id",)}, '{"id": 1, "x": 2}', '{"id": 9, "x": 2}', 1, id="ignored"),
        pytest.param({"ignored": ("id",)}, '{"id": 1}', '{"id": 9}', 1, id="nothing-left"),
        pytest.param({"tolerance": 0.01}, "100", "100.5", 1, id="tolerance"),
        pytest.param({}, "nothing", "1", 0, id="no-json"),
    ],
)
def test_json_match(options: dict[str, Any], answer: str, reference: str, value: float) -> None:
    assert said(JsonMatch(**options), answer, reference).value == value


# Numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $5.2 million in 2023.", [(5.2e6, "dollars"), (2023, None)]),
        ("-5 degrees; 1,234,567.89 people", [(-5, None), (1234567.89, None)]),
        ("12 % or 0.12", [(12, "share"), (0.12, None)]),
        ("version 1.2.3, A1, 7th", []),
        ("3 km and 500 m", [(3, "length"), (500, "length")]),
        ("-$5, $-5, 5 €", [(-5, "dollars"), (-5, "dollars"), (5, "euros")]),
        ("1e-3 and 10-20", [(0.001, None), (10, None), (20, None)]),
        ("1 234 567 or 1'000", [(1234567, None), (1000, None)]),
        ("3, 4, and 5.", [(3, None), (4, None), (5, None)]),
        ("- 3 items; 5k; 10GB", [(3, None), (5000, None), (10, "data")]),
    ],
)
def test_numbers_are_read(text: str, expected: list[tuple[float, str | None]]) -> None:
    assert [(one.value, one.kind) for one in numbers(text)] == expected


def test_numbers_with_a_decimal_comma() -> None:
    assert [one.value for one in numbers("1.234,56 € und 3,5 %", ",")] == [1234.56, 3.5]


@given(st.integers(-(10**12), 10**12))
def test_numbers_with_thousands_are_the_number(number: int) -> None:
    assert [one.value for one in numbers(f"It is {number:,} now.")] == [number]


@pytest.mark.parametrize(
    ("options", "answer", "reference", "value", "label"),
    [
        pytest.param({}, "It is 42.", "42", 1, "pass", id="in-a-sentence"),
        pytest.param({}, "It is 41.", "42", 0, "fail", id="another"),
        pytest.param({"relative": 0.05}, "about 41", "42", 1, "pass", id="relative"),
        pytest.param({"absolute": 1}, "41", "42", 1, "pass", id="absolute"),
        pytest.param({}, "1500 m", "1.5 km", 1, "pass", id="units"),
        pytest.param({}, "1.5 kg", "1.5 km", 0, "fail", id="other-units"),
        pytest.param({}, "12%", "0.12", 1, "pass", id="percent-is-a-share"),
        pytest.param({}, "12%", "12", 1, "pass", id="percent-without-its-sign"),
        pytest.param({}, "3 and 5", "3, 4", 0.5, "fail", id="half"),
        pytest.param({"which": "last"}, "not 42 but 7", "42", 0, "fail", id="last"),
        pytest.param({"which": "all"}, "42 or 7", "42", 1, "fail", id="no-others"),
    ],
)
def test_numeric(options: dict[str, Any], answer: str, reference: str, value: float, label: str) -> None:
    verdict = said(Numeric(**options), answer, reference)
    assert (verdict.value, verdict.label) == (value, label)


def test_numeric_does_not_apply_without_a_number() -> None:
    assert said(Numeric(), "42", "none").status == "not_applicable"


# SQL


@pytest.mark.parametrize(
    ("answer", "reference", "label"),
    [
        ("select a, b from t where x>5 and y=2", "SELECT t.a AS z, t.b FROM t WHERE 2=t.y AND 5<t.x", "equivalent"),
        ("select a.x from a join b on a.id=b.id", "select a.x from b, a where b.id=a.id", "equivalent"),
        ("select count(*) from t where a in (2,1)", "select count(1) from t where a=1 or a=2", "equivalent"),
        ("with c as (select a, b from t) select a from c", "select a from t", "equivalent"),
        ("select distinct a from t", "select a from t group by a", "equivalent"),
        ("select a from t where a between 1 and 2", "select a from t where a>=1 and a<=2", "equivalent"),
        ("select a from t where not (a>5 or b=2)", "select a from t where a<=5 and b<>2", "equivalent"),
        ("```sql\nselect * from t where a>1;\n```", "SELECT * FROM T WHERE 1 < A", "equivalent"),
        ("select a from t order by a", "select a from t", "equivalent"),
        ("select a from t", "select a from t order by a", "different"),
        ("select a from t where a>5", "select a from t where a>=5", "different"),
        ("select a from t where a>5", "select a from t where a>6", "different"),
        ("select a from t where a>5", "select a from t where a>=6", "cannot_tell"),
        ("select a from t where a>5", "select a from t where a<5", "different"),
        ("select a from t", "select b from t", "different"),
        ("select a from t", "select a from u", "different"),
        ("select a from t", "select a, b from t", "different"),
        ("select a from t limit 3", "select a from t limit 4", "different"),
        ("select sum(x) from t", "select avg(x) from t", "different"),
        ("select a from t where b in (select b from u)", "select t.a from t join u on t.b=u.b", "cannot_tell"),
        ("select a.id from a join b on a.id=b.id", "select b.id from a join b on a.id=b.id", "cannot_tell"),
        ("select a.x from a left join b on a.i=b.i", "select a.x from a join b on a.i=b.i", "cannot_tell"),
        ("select b from t where not (b < 2) and b >= 1", "select b from t where not (b < 2) and b > 2", "different"),
        ("select b from t where not (b < 2) and b > 2", "select b from t where b > 2", "equivalent"),
        ("select a from t where 0 <= a and a >= 0", "select a from t where 0 <= a and a > 0", "different"),
        ("Here it is:\n```sql\nselect a from t\n```\nIt reads `t`.", "```\nselect a from t\n```", "equivalent"),
        ("Run\n```sh\nduckdb\n```\nand\n```SQL\nselect b from t;\n```", "select a from t", "different"),
        ("```sql\nselect a from t\n```\nor\n```sql\nselect b from t\n```", "select a from t", "no_query"),
        ("selec a from", "select a from t", "no_query"),
        ("Sorry, I cannot help.", "select a from t", "no_query"),
        ("Sorry", "select a from t", "no_query"),
        ("no idea", "select a from t", "no_query"),
        ("", "select a from t", "no_query"),
        ("select 1; select 2", "select 1", "no_query"),
        ("drop table t", "select a from t", "different"),
    ],
)
def test_sql(answer: str, reference: str, label: str) -> None:
    verdict = said(SqlEquivalence(), answer, reference)
    assert verdict.label == label, verdict
    assert verdict.value == {"equivalent": 1, "different": 0, "no_query": 0, "cannot_tell": None}[label]


def test_sql_with_a_schema_knows_stars() -> None:
    tables = {"t": {"a": "int", "b": "int"}}
    assert said(SqlEquivalence(tables=tables), "select * from t", "select a, b from t").label == "equivalent"
    assert said(SqlEquivalence(), "select 1", "selec nonsense from").error_type == "reference"


CONDITIONS = st.recursive(
    st.one_of(
        st.builds(
            "{} {} {}".format,
            st.sampled_from("ab"),
            st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
            st.integers(0, 2),
        ),
        st.builds("{} between {} and {}".format, st.sampled_from("ab"), st.integers(0, 1), st.integers(1, 2)),
        st.builds("{} in ({}, {})".format, st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2)),
        st.sampled_from(["a = b", "a is null", "b is not null", "0 < a", "1 >= b"]),
    ),
    lambda inner: st.one_of(
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=3,
)


@given(CONDITIONS, CONDITIONS, st.booleans())
def test_queries_called_equivalent_give_the_same_rows(one: str, other: str, within: bool) -> None:
    """On every pair of null, 0, 1 and 2, as DuckDB has it; `within` makes pairs that are often equivalent."""
    a = f"select a, b from t where {one}"
    b = f"select a, b from t where {f'({one}) or (({one}) and ({other}))' if within else other}"
    if said(SqlEquivalence(), a, b).label == "equivalent":
        with duckdb.connect() as con:
            values = "(values (null), (0), (1), (2))"
            con.execute(f"create table t as select a, b from {values} x(a), {values} y(b)")
            rows = [con.execute(f"{query} order by a, b").fetchall() for query in (a, b)]
        assert rows[0] == rows[1]


def test_sql_takes_no_long_time() -> None:
    began = time.process_time()
    for many in (" or ".join(f"a = {n}" for n in range(5000)), "not " * 500 + "a = 1", "(" * 500 + "a = 1" + ")" * 500):
        assert (
            said(SqlEquivalence(), f"select a from t where {many}", "select a from t where a = 1").label
            == "cannot_tell"
        )
    assert time.process_time() - began < 5


# Overlap


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        ("rougeL", "police kill the gunman", 3 / 4),
        ("rougeL", "the gunman kill police", 2 / 4),
        ("rouge2", "police kill the gunman", 1 / 3),
        ("rouge2", "the gunman kill police", 1 / 3),
    ],
)
def test_rouge_of_its_paper(kind: Any, answer: str, value: float) -> None:
    """Lin 2004, section 3: S1 is the reference."""
    assert said(Rouge(kind, stem=False), answer, "police killed the gunman").value == pytest.approx(value)


def test_rouge_has_all_of_it_in_its_details() -> None:
    """From the tests of rouge-score."""
    verdict = said(Rouge("rouge1"), "testing", "testing one two")
    assert verdict.details["rouge1"] == {"f1": 0.5, "precision": 1.0, "recall": pytest.approx(1 / 3)}
    assert said(Rouge(measure="recall"), "tests", "testing").value == 1
    assert said(Rouge(), "", "").status == "not_applicable"


@pytest.mark.parametrize(
    ("answer", "reference", "status"),
    [
        ("Мост открыт в мае.", "Мост открыли весной.", "not_applicable"),
        ("这座桥于五月开放。", "The bridge opened in May.", "not_applicable"),
        ("The bridge opened in May.", "这座桥于五月开放。", "not_applicable"),
        ("Мост открыт в 1987.", "1987", "not_applicable"),
        ("", "The bridge opened in May.", "ok"),
        ("?", "The bridge opened in May.", "ok"),
        ("Die Brücke öffnete im Mai.", "Die Brücke wurde im Mai eröffnet.", "ok"),
    ],
)
def test_rouge_needs_words_that_it_sees(answer: str, reference: str, status: str) -> None:
    assert said(Rouge(), answer, reference).status == status


BLEU_ANSWER = "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;"
BLEU_REFERENCE = "producţia de zahăr brut se exprimă în zahăr alb;"


@pytest.mark.parametrize(("tokenize", "percent"), [("13a", 8.493), ("none", 7.347), ("intl", 8.493), ("char", 40.8759)])
def test_bleu_of_its_library(tokenize: str, percent: float) -> None:
    """From the tests of sacrebleu for single sentences."""
    assert said(Bleu(tokenize), BLEU_ANSWER, BLEU_REFERENCE).value == pytest.approx(percent / 100, abs=1e-5)
    assert said(Bleu(), "this is a cat", "okay thanks").value == 0


@pytest.mark.parametrize(
    ("answer", "reference", "percent"),
    [
        (
            "Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře.",
            "Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře.",
            39.14078509,
        ),
        (
            "Lapali po dechu, jejich životy skončily dřív, než skutečně začaly.",
            "Lapali po dechu a pak jejich život skončil - dřív, než skutečně mohl začít, připomněli.",
            57.15704367,
        ),
    ],
)
def test_chrf_of_its_library(answer: str, reference: str, percent: float) -> None:
    """From the tests of sacrebleu for single sentences, which smooth by an epsilon as we do not."""
    assert said(Chrf(), answer, reference).value == pytest.approx(percent / 100, abs=1e-5)


def test_chrf_at_its_ends() -> None:
    assert said(Chrf(word_order=2), "the same words", "the same words").value == 1
    assert said(Chrf(), "abc", "xyz").value == 0
    assert said(Chrf(), " ", "").status == "not_applicable"


# What it took

USAGE = Usage(latency_ms=120.0, ttft_ms=30.0, cost_usd=0.002, input_tokens=100, output_tokens=20)


@pytest.mark.parametrize(
    ("evaluator", "value", "label"),
    [
        (Latency(limit_ms=200), 120, "pass"),
        (Latency(limit_ms=100), 120, "fail"),
        (Latency(first_token=True, limit_ms=30), 30, "pass"),
        (Latency(), 120, None),
        (Cost(limit_usd=0.001), 0.002, "fail"),
        (Tokens(limit=120), 120, "pass"),
        (Tokens(limit=10, of="output"), 20, "fail"),
        (Tokens(of="input"), 100, None),
    ],
)
def test_amounts(evaluator: Any, value: float, label: str | None) -> None:
    verdict = said(evaluator, usage=USAGE)
    assert (verdict.value, verdict.label) == (value, label)


@pytest.mark.parametrize("evaluator", [Latency(), Cost(limit_usd=1), Tokens(limit=1)])
def test_an_unknown_amount_is_not_zero(evaluator: Any) -> None:
    assert said(evaluator, usage=Usage(input_tokens=3)).status == "not_applicable"


@pytest.mark.parametrize(
    ("options", "value", "label"),
    [
        ({"most": 3}, 3, "pass"),
        ({"least": 4}, 3, "fail"),
        ({"by": "characters", "most": 10}, 13, "fail"),
        ({"by": "lines", "most": 2}, 2, "pass"),
    ],
)
def test_length(options: dict[str, Any], value: float, label: str) -> None:
    verdict = said(Length(**options), "one two\nthree")
    assert (verdict.value, verdict.label) == (value, label)


# Languages

# Article 1 of the Universal Declaration of Human Rights, as the United Nations publish it.
ARTICLE_1 = {
    "en": "All human beings are born free and equal in dignity and rights.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах.",  # noqa: RUF001 - Russian is meant
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах.",  # noqa: RUF001 - Ukrainian is meant
    "zh": "人人生而自由,在尊严和权利上一律平等。",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.",
}


@pytest.mark.parametrize("code", ARTICLE_1)
def test_language(code: str) -> None:
    verdict = said(Language(expected=code), ARTICLE_1[code])
    assert (verdict.label, verdict.details["language"]) == ("pass", code)
    assert said(Language(expected="fi"), ARTICLE_1[code]).label == "fail"


def test_language_is_that_of_the_row_or_the_question() -> None:
    assert said(Language(), ARTICLE_1["fr"], question=ARTICLE_1["fr"]).label == "pass"
    assert said(Language(), ARTICLE_1["en"], question=ARTICLE_1["fr"]).label == "fail"
    assert said(Language(), ARTICLE_1["pt"], metadata={"language": "pt-BR"}).label == "pass"
    assert said(Language(), ARTICLE_1["en"]).status == "not_applicable"
    assert said(Language(), ARTICLE_1["en"], metadata={"language": "la"}).status == "not_applicable"


def test_language_does_not_guess() -> None:
    assert said(Language(expected="en"), "Paris").status == "not_applicable"
    assert said(Language(expected="en"), "```python\nfor word in sentence: print(word)\n```").status == "not_applicable"
    assert len(set(LANGUAGES)) == len(LANGUAGES)


# Embeddings


class Answering(BaseHTTPRequestHandler):
    status: ClassVar[int]
    body: ClassVar[Any]
    asked: ClassVar[list[Any]]

    def do_POST(self) -> None:
        self.asked.append(
            (self.path, json.loads(self.rfile.read(int(self.headers["content-length"]))), dict(self.headers))
        )
        self._answer()

    def do_GET(self) -> None:
        self.asked.append((self.path, None, {}))
        self._answer()

    def _answer(self) -> None:
        if self.status == 0:  # a hang
            time.sleep(0.6)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        self.send_response(self.status or 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server(status: int, body: Any) -> Iterator[tuple[str, list[Any]]]:
    """A real server on a free port that always gives this answer; what it was asked."""
    asked: list[Any] = []
    handler = type("Handler", (Answering,), {"status": status, "body": body, "asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()
        thread.join()


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
@example([0.0, 0.0, 1e-188], [0.0, 0.0, 1e-188])
def test_cosine_is_symmetric_and_bounded(a: list[float], b: list[float]) -> None:
    value = cosine(a, b)
    assert value == cosine(b, a)
    assert value is None or -1 <= value <= 1


def test_every_check_names_itself_and_scores_on_its_scale() -> None:
    evaluators = [
        ExactMatch(), NormalisedMatch(), Contains(), Regex("a"), JsonSchema({}), JsonMatch(), Numeric(),
        SqlEquivalence(), Rouge(), Bleu(), Chrf(), Length(), Language("en"),
    ]  # fmt: skip
    names = [one.card.name for one in evaluators]
    assert len(set(names)) == len(names)
    for one in evaluators:
        verdict = begun(one, Case(answer="1", reference="1", usage=USAGE))
        assert isinstance(verdict, Verdict)
        assert verdict.status in {"ok", "not_applicable"} or verdict.error_type == "reference", (one, verdict)
