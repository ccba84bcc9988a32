"""The SQL of a tree. Values are bound; what is written into the text are names of columns and parameters of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from store.finding.fields import OF_SPAN, PROVIDER, Field, Source
from store.finding.tree import All, Any, Exactly, Has, Like, Meets, Node, Not, Says, Spans, Value

_JOINS: dict[Source, str] = {
    "derived": "left join found_derived d on d.trace_id = s.trace_id and d.span_id = s.span_id",
    "calls": "left join found_calls c on c.trace_id = s.trace_id and c.span_id = s.span_id",
    "origins": "left join origins o on o.project_id = s.project_id and o.origin_id = s.origin_id",
}
Writes = Callable[[Node], str]
_DERIVED: frozenset[Source] = frozenset({"derived"})
_NAMES = ("s.name", "coalesce(d.error_type, s.error_type)", "coalesce(d.error_message, s.error_message)")
_WORDS = (*OF_SPAN["input"].columns, *OF_SPAN["output"].columns)
_SENT = (
    "input",
    "output",
    "prompt",
    "completion",
    "message",
    "argument",
    "result",
    "query",
    "content",
    "value",
    "document",
)
"""What a key has that may name the attribute which stands in `input` or `output`, and so not among the attributes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a row of `trace_summaries` and its parameters; it names `$project_id` and parts of queries too."""

    sql: str
    params: Mapping[str, object]


def condition(node: Node, prefix: str = "q") -> Condition:
    """The condition of a tree; `prefix`: of its parameters. What it asks of spans stands on `search_met.sql`."""
    writer = _Writer(prefix)
    return Condition(writer.trace(node), writer.params)


class _Writer:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.params: dict[str, object] = {}

    def bind(self, value: object) -> str:
        name = f"{self.prefix}_{len(self.params)}"
        self.params[name] = value
        return f"${name}"

    def trace(self, node: Node) -> str:
        match node:
            case All() | Any() | Not():
                return self._joined(node, self.trace)
            case Spans():
                return self._spans(node.of)
            case Has():
                return self._has_of_trace(node)
            case Meets() if node.field.kind == "score":
                return self._scored(node.key, self._score_test(node))
            case Meets() if node.field is PROVIDER:
                told = self._test(node)
                return f"trace_id in (select trace_id from trace_calls where project_id = $project_id and {told})"
            case Meets():
                return self._test(node)
        raise TypeError(node)

    def _joined(self, node: All | Any | Not, write: Writes) -> str:
        if isinstance(node, Not):
            return f"not {write(node.of)}"
        if not node.parts:
            return "true" if isinstance(node, All) else "false"
        word = " and " if isinstance(node, All) else " or "
        return f"({word.join(write(part) for part in node.parts)})"

    def _spans(self, node: Node) -> str:
        joins = " ".join(_JOINS[source] for source in sorted(_sources(node)))
        return f"""trace_id in (select s.trace_id from spans s {joins}
            where s.project_id = $project_id and s.start_time >= make_timestamp($found_since_us)
            and s.start_time <= make_timestamp($found_until_us) and s.rowid in (select place from found_places)
            and {self.span(node)})"""

    def span(self, node: Node) -> str:
        match node:
            case All() | Any() | Not():
                return self._joined(node, self.span)
            case Says():
                return self._says(node.text)
            case Has():
                return _either(_told(column, listed=False) for column in self._columns(node.field, node.key))
            case Meets():
                return self._test(node)
        raise TypeError(node)

    def _says(self, text: str) -> str:
        plain, *others = [self.bind(spelling) for (spelling,) in _spellings((text,))]
        told = [f"contains(lower({column}), {plain})" for column in (*_NAMES, *_WORDS)]
        return _either([*told, *(f"contains(lower({column}), {one})" for column in _WORDS for one in others)])

    def _columns(self, field: Field, key: str) -> list[str]:
        if field.kind != "attribute":
            return list(field.columns)
        bound = self.bind(key)
        found = [column.format(key=bound) for column in field.columns]
        if any(word in key.lower() for word in _SENT):  # else the texts of all spans would be unpacked
            found += [f"case when s.{side}_key = {bound} then s.{side} end" for side in ("input", "output")]
        return found

    def _test(self, node: Meets) -> str:
        field = node.field
        return _either(
            self._met(field, column, node.operator, value)
            for column in self._columns(field, node.key)
            for value in node.values
        )

    def _met(self, field: Field, column: str, operator: str, value: Value) -> str:
        if field.listed:
            return (
                f"len(list_filter({column}, lambda one: {self._equal('one', value)})) > 0"
                if isinstance(value, Like)
                else f"list_contains({column}, {self._bound(value)})"
            )
        if field.kind == "words":
            wanted = value.stretches if isinstance(value, Like) else (str(self._plain(value)),)
            patterns = (self.bind(_pattern(("", *one, ""))) for one in _spellings(wanted))
            return " or ".join(f"{column} ilike {pattern} escape '\\'" for pattern in patterns)
        if field.kind == "attribute" and operator != ":":
            return f"try_cast({column} as double) {operator} {self._bound(value)}"
        if operator != ":":
            return f"{column} {operator} {self._bound(value)}"
        return self._equal(column, value)

    def _equal(self, column: str, value: Value) -> str:
        if isinstance(value, Like):
            return f"{column} ilike {self.bind(_pattern(value.stretches))} escape '\\'"
        cast = "::uuid" if column == "trace_id" else ""
        return f"{column} = {self._bound(value)}{cast}"

    def _bound(self, value: Value) -> str:
        return self.bind(self._plain(value))

    @staticmethod
    def _plain(value: Value) -> object:
        return value.text if isinstance(value, Exactly) else value

    def _score_test(self, node: Meets) -> str:
        told = [
            f"{_newest('value')} {'=' if node.operator == ':' else node.operator} {self._bound(value)}"
            if isinstance(value, int | float)
            else self._equal(_newest("label"), value)
            for value in node.values
        ]
        return _either(told)

    def _scored(self, name: str, test: str) -> str:
        """Of the newest score of each target that has this name, '' of any: of the trace, a span of it, its session.

        Scores that were taken back are none: as in `scores_met`, by which the filter `score` goes.
        """
        named = f"name = {self.bind(name)}" if name else "true"
        traces, sessions, responses = (
            f"(select {target} from /* part scores_standing */ standing where {named} and {where} "
            f"group by name, {target}, span_id having {test})"
            for target, where in (
                ("trace_id", "response_id is null and trace_id is not null"),
                ("session_id", "response_id is null and session_id is not null"),
                ("response_id", "response_id is not null"),
            )
        )
        called = f"(select trace_id from spans where project_id = $project_id and response_id in {responses})"
        return f"(trace_id in {traces} or coalesce(session_id in {sessions}, false) or trace_id in {called})"

    def _has_of_trace(self, node: Has) -> str:
        field = node.field
        if field.kind == "score":
            return self._scored(node.key, "true")
        if field is PROVIDER:
            return (
                "trace_id in (select trace_id from trace_calls where project_id = $project_id and provider is not null)"
            )
        if field.told:
            return f"({field.told})"
        return _either(_told(column, listed=field.listed) for column in self._columns(field, node.key))


def _newest(column: str) -> str:
    return f"arg_max_null({column}, commit_seq)"


def _told(column: str, *, listed: bool) -> str:
    return f"len({column}) > 0" if listed else f"({column} is not null and {column}::varchar <> '')"


def _either(told: Iterable[str]) -> str:
    """Unknown is not met: so what is left out by `not` has it."""
    return f"coalesce({' or '.join(told)}, false)"


def _spellings(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    r"""Texts in small letters, then, where it differs, as JSON has them, in which messages stand: `\"`, `\u00e9`.

    An escape has one case of its letter: it is taken as typed, small and large.
    """
    return list(dict.fromkeys(tuple(map(way, parts)) for way in _WAYS))


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1].lower()


_WAYS: tuple[Callable[[str], str], ...] = (
    str.lower,
    lambda text: json.dumps(text.lower(), ensure_ascii=False)[1:-1],
    _escaped,
    lambda text: _escaped(text.lower()),
    lambda text: _escaped(text.upper()),
)


def _pattern(stretches: tuple[str, ...]) -> str:
    return "%".join(re.sub(r"([\\%_])", r"\\\1", stretch) for stretch in stretches)


def _sources(node: Node) -> set[Source]:
    match node:
        case Says():
            return set(_DERIVED)
        case Meets() | Has():
            return set(node.field.sources)
        case Not():
            return _sources(node.of)
        case All() | Any():
            return set().union(*map(_sources, node.parts))
    return set()
