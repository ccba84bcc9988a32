"""What a line asks of traces: grammar, errors, what may be typed on. tests/server/test_finding.py: what it finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.finding import completion, fields
from store.finding.errors import AskedError
from store.finding.grammar import parse
from store.finding.tree import All, Exactly, Has, Like, Meets, Not, Says, Spans
from store.finding.tree import Any as Either


@pytest.mark.parametrize(
    ("line", "at", "length", "says"),
    [
        pytest.param("modle:x", 0, 5, "no field 'modle'. Did you mean model?", id="near"),
        pytest.param("status:ok  frob:x", 11, 4, "no field 'frob'. Fields: service", id="unknown"),
        pytest.param("duration>2", 9, 1, "'2' has no unit. A duration is written as 2s", id="no-unit"),
        pytest.param("duration>2parsec", 9, 7, "no unit 'parsec'", id="wrong-unit"),
        pytest.param("tokens>many", 7, 4, "'many' is no count, such as 1200", id="no-number"),
        pytest.param("tokens>$5", 7, 2, "'$5' is no count", id="money-of-tokens"),
        pytest.param("cost>1e999", 5, 5, "too large", id="too-large"),
        pytest.param("score.x>good", 8, 4, "'good' is no number", id="score-beyond-a-word"),
        pytest.param("score:1", 0, 5, "score goes on with a name", id="score-without-name"),
        pytest.param("attr.:1", 0, 5, "attr goes on with a name", id="attribute-without-name"),
        pytest.param("status>ok", 6, 1, "status takes : and !=, not '>'", id="text-beyond"),
        pytest.param("spans>=1,2", 9, 1, "takes one value", id="several-beyond"),
        pytest.param("model:", 0, 6, "A value is missing after model:", id="no-value"),
        pytest.param("model:a,", 0, 8, "A value is missing after model:", id="no-second-value"),
        pytest.param(":x", 0, 1, "':' has no field before it", id="no-field"),
        pytest.param("a or", 4, 1, "A condition is missing here", id="nothing-after-or"),
        pytest.param("or a", 0, 2, "A condition is missing before 'or'", id="nothing-before-or"),
        pytest.param("a or or b", 5, 2, "A condition is missing before 'or'", id="or-or"),
        pytest.param("()", 1, 1, "A condition is missing here", id="nothing-in-brackets"),
        pytest.param("(a b", 0, 1, "'(' is not closed", id="open"),
        pytest.param("a) b", 1, 1, "')' closes nothing", id="closed"),
        pytest.param("{tool:x", 0, 1, "'{' is not closed", id="open-brace"),
        pytest.param("{tool:x {a}}", 8, 1, "none stand within braces", id="brace-in-brace"),
        pytest.param("{user:x}", 1, 4, "user is told by the trace", id="of-the-trace-in-braces"),
        pytest.param('a "b c', 2, 4, "has no end", id="open-quote"),
        pytest.param("- a", 0, 1, "right before what it leaves out", id="lone-minus"),
        pytest.param("has>error", 3, 1, "takes ':' and a field", id="has-beyond"),
        pytest.param("no:", 0, 3, "A field is missing after no:", id="no-nothing"),
        pytest.param("has:errror", 4, 6, "Did you mean error?", id="has-near"),
        pytest.param("status:failed", 7, 6, "'failed' is no status. Write ok, recovered or error.", id="no-status"),
        pytest.param('error:*"rate limit', 7, 11, "has no end", id="open-quote-after-a-star"),
        pytest.param("a ***", 2, 3, "text to look for is empty", id="stars-alone"),
        pytest.param("trace:xyz", 6, 3, "'xyz' is no trace id", id="no-id"),
        pytest.param("(" * 21 + "a" + ")" * 21, 20, 1, "20 deep", id="deep"),
        pytest.param("a " * 61, 120, 1, "60 conditions", id="many"),
        pytest.param("a" * 2001, 2000, 1, "2,001 characters", id="long"),
    ],
)
def test_an_error_points_at_what_is_wrong(line: str, at: int, length: int, says: str) -> None:
    with pytest.raises(AskedError) as told:
        parse(line)
    assert says in str(told.value)
    assert (told.value.at, told.value.length) == (at, length)


def shown(node: object) -> object:
    """A tree as tuples, without places."""
    told: object = None
    match node:
        case All(parts) | Either(parts):
            told = ("and" if isinstance(node, All) else "or", *map(shown, parts))
        case Not(of) | Spans(of=of):
            told = ("not" if isinstance(node, Not) else "span", shown(of))
        case Says(text=text):
            told = text
        case Has(field=field, key=key):
            told = ("has", field.name, key) if key else ("has", field.name)
        case Meets(field=field, operator=operator, values=values, key=key):
            plain = tuple(value.text if isinstance(value, Exactly) else value for value in values)
            told = (field.name + (f".{key}" if key else ""), operator, *plain)
    return told


TOOL, LONG = ("kind", ":", "tool"), ("duration", ">", 2 * 10**9)


@pytest.mark.parametrize(
    ("line", "tree"),
    [
        pytest.param("  ", None, id="nothing"),
        pytest.param("refund", ("span", "refund"), id="word"),
        pytest.param('"a b" or "a \\"b\\" \\\\"', ("or", ("span", "a b"), ("span", 'a "b" \\')), id="quotes"),
        pytest.param("a b or c", ("or", ("and", ("span", "a"), ("span", "b")), ("span", "c")), id="and-before-or"),
        pytest.param("a and (b or c)", ("and", ("span", "a"), ("or", ("span", "b"), ("span", "c"))), id="brackets"),
        pytest.param("-status:ok", ("not", ("status", ":", "ok")), id="minus"),
        pytest.param("NOT status=ok", ("not", ("status", ":", "ok")), id="not"),
        pytest.param("user!=bob", ("not", ("user", ":", "bob")), id="not-equal"),
        pytest.param('model:a,b,"c, d"', ("model", ":", "a", "b", "c, d"), id="either"),
        pytest.param("model:gpt-4*", ("model", ":", Like(("gpt-4", ""))), id="star"),
        pytest.param('name:"a*"', ("name", ":", "a*"), id="star-in-quotes"),
        pytest.param('error:*"rate limit, *"*', ("error", ":", Like(("", "rate limit, *", ""))), id="stars-and-quotes"),
        pytest.param('error:"a b"*,x*"c"', ("error", ":", Like(("a b", "")), Like(("x", "c"))), id="star-after-quotes"),
        pytest.param('error:x"a b"', ("and", ("error", ":", "x"), ("span", "a b")), id="quotes-without-star"),
        pytest.param('user:"ann"or *b*', ("or", ("user", ":", "ann"), ("span", "b")), id="stars-around-a-text"),
        pytest.param("duration>=1.5min", ("duration", ">=", 90_000_000_000), id="minutes"),
        pytest.param("duration<0.1ms", ("duration", "<", 100_000), id="whole-nanoseconds"),
        pytest.param("cost>$0.01", ("cost", ">", 0.01), id="dollars"),
        pytest.param("tokens>1.2k", ("tokens", ">", 1200), id="thousands"),
        pytest.param("score.correct>-0.5", ("score.correct", ">", -0.5), id="negative"),
        pytest.param("score.tone:rude", ("score.tone", ":", "rude"), id="label"),
        pytest.param('score."my score":1', ("score.my score", ":", 1.0), id="quoted-name"),
        pytest.param("attr.http.route:/a:b", ("span", ("attr.http.route", ":", "/a:b")), id="attribute"),
        pytest.param("{kind:tool duration>2s}", ("span", ("and", TOOL, LONG)), id="braces"),
        pytest.param("kind:tool duration>2s", ("and", ("span", TOOL), LONG), id="no-braces"),
        pytest.param("span.duration>2s", ("span", LONG), id="span-dot"),
        pytest.param("no:user has:score.x", ("and", ("not", ("has", "user")), ("has", "score", "x")), id="flags"),
        pytest.param("has:score", ("has", "score"), id="any-score"),
        pytest.param("order and-then", ("and", ("span", "order"), ("span", "and-then")), id="words-like-joins"),
    ],
)  # fmt: skip
def test_what_a_line_means(line: str, tree: object) -> None:
    found = parse(line)
    assert (found and shown(found)) == tree


PIECES = st.sampled_from(
    [" ", "(", ")", "{", "}", '"', "-", "or ", "not ", "and ", "model", "duration", "score.x", "attr.k", "has", ":",
     ">", "!=", ",", "2s", "1k", "a", "*", "\\", "é", "\x00"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join), st.integers(0, 40))
def test_any_line_has_a_meaning_or_an_error_within_it(line: str, at: int) -> None:
    completion.typing(line, at)
    fault = None
    try:
        parse(line)
    except AskedError as error:
        fault = error
    assert fault is None or (0 <= fault.at <= len(line) and fault.length >= 1)


@given(st.text(min_size=1, max_size=80))
def test_what_is_completed_means_what_was_offered(value: str) -> None:
    found = parse(f"user:{completion.written(value)} attr.{completion.written(value, key=True)}:x")
    assert isinstance(found, All)
    user, attribute = found.parts
    assert isinstance(user, Meets)
    assert isinstance(attribute, Spans)
    assert user.values == (Exactly(value),)
    assert isinstance(attribute.of, Meets)
    assert attribute.of.key == value


def test_a_value_that_was_cut_is_offered_with_what_may_follow() -> None:
    (whole, cut) = completion.values([("a b", 2), ("x y" * 167, 1)])
    assert (whole.text, cut.text[-4:]) == ('"a b"', ' y"*')
    assert parse(f"user:{cut.text}")


def test_every_field_that_is_offered_can_be_asked() -> None:
    for within in (False, True):
        for name in fields.known(within=within):
            if name in fields.FLAGS:
                continue
            field, _ = fields.found(f"{name}x" if name.endswith(".") else name, within=within) or pytest.fail(name)
            value = {"duration": "1s", "id": "0" * 32}.get(field.kind, (*field.choices, "1")[0])
            line = f"{name}{'x' if name.endswith('.') else ''}:{value}"
            assert parse(f"{{{line}}}" if within else line)


@pytest.mark.parametrize(
    ("line", "start", "part", "field"),
    [
        pytest.param("", 0, "", None, id="nothing"),
        pytest.param("mod", 0, "mod", None, id="name"),
        pytest.param("status:ok ", 10, "", None, id="after-a-blank"),
        pytest.param("status:ok -mod", 11, "mod", None, id="after-a-minus"),
        pytest.param("model:gpt", 6, "gpt", "model", id="value"),
        pytest.param("model:a,b", 8, "b", "model", id="second-value"),
        pytest.param('model:"a b', 6, "a b", "model", id="value-in-open-quotes"),
        pytest.param('model:*"a b', 6, "a b", "model", id="value-in-open-quotes-after-a-star"),
        pytest.param("{kind:tool na", 11, "na", None, id="in-braces"),
        pytest.param("attr.http.rou", 0, "attr.http.rou", None, id="attribute-name"),
        pytest.param("attr.a:x", 7, "x", "attr", id="attribute-value"),
    ],
)
def test_what_is_typed(line: str, start: int, part: str, field: str | None) -> None:
    told = completion.typing(line, len(line))
    assert told is not None
    assert (told.start, told.part, told.field and told.field.name) == (start, part, field)


@pytest.mark.parametrize("line", ['"a text', "nofield:x", '"a"'])
def test_there_is_nothing_to_complete_in(line: str) -> None:
    assert completion.typing(line, len(line)) is None


def test_names_that_begin_so_come_first() -> None:
    told = completion.typing("{st", 3)
    assert told is not None
    assert [one.text for one in completion.names(told)][:1] == ["status:"]
    told = completion.typing("no:us", 5)
    assert told is not None
    assert [one.text for one in completion.names(told)][:1] == ["user"]
