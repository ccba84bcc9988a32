"""One .sql file, one typed function, one name.

A module per topic holds the functions; `@query(right="read")` makes one answerable by name, through `ReaderPool.run`
and the API. It takes the connection, the project id and then its parameters, whose names and types come from the
signature, so that text of a URL can be checked against them. A function with a parameter `max_rows` gets one more than
the answer may hold (the last row then says that it was cut) and binds it in `limit $max_rows`. Times are UTC, no zone.

What several queries start from stands in a file of its own, a part, and they write `/* part <name> */` where its text
goes; `/* part <name> since=opened */` has `$opened` where the part says `$since`. Parameters that several functions
share stand in a TypedDict of optional keys: `**filters: Unpack[CallFilters]`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import threading
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeVar, Union, Unpack, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.errors import UnknownQueryError
from store.finding.conditions import Condition

Right = Literal["ingest", "read", "label", "edit", "admin"]
Function = TypeVar("Function", bound=Callable[..., pa.Table])
MAX_ROWS = "max_rows"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query."""

    name: str
    types: tuple[Any, ...]  # without None
    optional: bool  # null is allowed
    default: object  # inspect.Parameter.empty: none

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is inspect.Parameter.empty

    def parse(self, value: object) -> object:
        """Turn text (or JSON values) into what the function takes.

        Raises:
            ValueError: it is none of the types.
        """
        if value is None:
            if self.optional:
                return None
            raise ValueError("it may not be null")
        for kind in self.types:
            try:
                return _convert(kind, value)
            except (ValueError, TypeError, OverflowError):
                continue
        message = f"{value!r} is not {' or '.join(map(_type_name, self.types))}"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Query:
    """One question that can be asked by name."""

    name: str
    right: Right
    function: Callable[..., pa.Table]
    parameters: tuple[Parameter, ...]
    bounded: bool  # takes `max_rows`
    doc: str

    def parse(self, given: Mapping[str, object]) -> dict[str, object]:
        """Check and convert parameters.

        Raises:
            UnknownQueryError: one is unknown, missing, or of the wrong type; or the window ends before it begins.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                takes = ", ".join(known) or "no parameters"
                message = f"Query {self.name} has no parameter {name!r}.{_hint(name, known)} It takes: {takes}."
                raise UnknownQueryError(message)
        parsed = {name: self._value(known[name], given) for name in known if name in given or known[name].required}
        since, until = parsed.get("since"), parsed.get("until")
        if isinstance(since, datetime) and isinstance(until, datetime) and until < since:
            raise UnknownQueryError(f"Query {self.name}: {backwards(since, until)}")
        return parsed

    def _value(self, parameter: Parameter, given: Mapping[str, object]) -> object:
        if parameter.name not in given:
            message = f"Query {self.name} needs parameter {parameter.name!r}."
            raise UnknownQueryError(message)
        try:
            return parameter.parse(given[parameter.name])
        except ValueError as error:
            message = f"Parameter {parameter.name!r} of query {self.name}: {error}."
            raise UnknownQueryError(message) from error


_registry: dict[str, Query] = {}
_loading = threading.Lock()


def query(*, right: Right) -> Callable[[Function], Function]:
    """Make a function answerable by its name, to whoever has the right."""

    def register(function: Function) -> Function:
        parameters = _parameters(function)
        names = {parameter.name for parameter in parameters}
        public = tuple(parameter for parameter in parameters if parameter.name != MAX_ROWS)
        name = function.__name__
        _registry[name] = Query(name, right, function, public, MAX_ROWS in names, inspect.getdoc(function) or "")
        return function

    return register


def _parameters(function: Callable[..., pa.Table]) -> list[Parameter]:
    hints = get_type_hints(function)
    listed = list(inspect.signature(function).parameters.values())
    if [parameter.name for parameter in listed[:2]] != ["con", "project_id"]:
        message = f"{function.__name__} must take con and project_id first"
        raise TypeError(message)
    return [one for parameter in listed[2:] for one in _told(parameter, hints[parameter.name])]


def _told(parameter: inspect.Parameter, hint: Any) -> list[Parameter]:
    """The parameter, or those that a TypedDict of optional keys stands for."""
    if get_origin(hint) is not Unpack:
        return [_parameter(parameter.name, hint, parameter.default)]
    return [_parameter(name, kind, None) for name, kind in get_type_hints(get_args(hint)[0]).items()]


def _parameter(name: str, hint: Any, default: object) -> Parameter:
    choices = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    kinds = tuple(choice for choice in choices if choice is not types.NoneType)
    return Parameter(name, kinds, len(kinds) < len(choices), default)


def _convert(kind: Any, value: object) -> object:
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise ValueError
    if get_origin(kind) is list:
        return [_convert(get_args(kind)[0], item) for item in _items(value)]
    return _CONVERTERS[kind](value)


def _items(value: object) -> list[Any]:
    """A list: as such, as JSON, or as text between commas."""
    if isinstance(value, str):
        parsed = json.loads(value) if value.startswith("[") else [part for part in value.split(",") if part]
        return _items(parsed)
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError


def _time(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - UTC without a zone is what the store holds
    if not isinstance(value, datetime):
        raise TypeError
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return float(value)


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "1", "false", "0"}:
        return value.lower() in {"true", "1"}
    raise TypeError


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(_text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


_CONVERTERS: dict[Any, Callable[[object], object]] = {
    datetime: _time,
    int: _whole,
    float: _number,
    bool: _truth,
    UUID: _uuid,
    str: _text,
}
_NAMES = {datetime: "an ISO 8601 time", int: "a whole number", float: "a number", bool: "true or false", UUID: "an id"}


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if get_origin(kind) is list:
        return f"a list of {_type_name(get_args(kind)[0])}"
    return _NAMES.get(kind, "text")


def names() -> list[str]:
    """Names of all queries, sorted."""
    return sorted(_loaded())


def get(name: str) -> Query:
    """One query.

    Raises:
        UnknownQueryError: there is none of this name.
    """
    known = _loaded()
    if name not in known:
        message = f"No query is named {name!r}.{_hint(name, known)} Known: {', '.join(sorted(known))}."
        raise UnknownQueryError(message)
    return known[name]


def _hint(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


@cache
def _load_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def _loaded() -> dict[str, Query]:
    with _loading:
        _load_all()
    return _registry


def backwards(since: datetime, until: datetime) -> str:
    """What is wrong with a window that ends before it begins."""
    return f"'until' ({until.isoformat()}) is earlier than 'since' ({since.isoformat()})."


def within(name: str, number: int, most: int) -> None:
    """Raises ValueError unless a parameter is between 1 and `most`."""
    if not 1 <= number <= most:
        message = f"{name} must be between 1 and {most}, not {number}"
        raise ValueError(message)


def score_named(filters: Mapping[str, object], score: str) -> None:
    """Raises ValueError when a bound of a score is given, such as `score_at_least`, and not the name of the score."""
    bound = next((name for name in filters if name.startswith(f"{score}_") and filters[name] is not None), None)
    if bound is not None and not filters.get(score):
        message = f"{bound} needs the name of a score, as {score!r}"
        raise ValueError(message)


@cache
def sql(name: str, others: frozenset[str] = frozenset()) -> str:
    """The text of `<name>.sql`, with the parts that it names, or those of `others` that may stand in their place."""
    text = (resources.files(__name__) / f"{name}.sql").read_text("utf-8")
    return PART.sub(lambda found: _part(found, others), text)


PART = re.compile(r"/\* part (\w+)((?: \w+=\w+)*) \*/")


OTHERS: dict[str, tuple[str, ...]] = {
    "told_apart": ("told_by_tag", "told_by_model", "told_by_none"), "placed": ("placed_by_join", "placed_by_tag"),
    "trace_scored": ("trace_any_score",), "call_scored": ("call_any_score",), "call_filters": ("call_any",),
    "monitor_told": ("monitor_told_twice",), "monitor_sliced": ("monitor_whole",),
    "monitor_near": ("monitor_anywhere",), "hardware_slot": ("hardware_one_slot",),
}  # fmt: skip
"""Parts, and others of which one stands in their place, and is faster, for some parameters."""


def _part(found: re.Match[str], others: frozenset[str]) -> str:
    renamed = dict(word.split("=") for word in found[2].split())
    other = next((name for name in OTHERS.get(found[1], ()) if name in others), found[1])
    text = sql(other, others)
    return f"(\n{PARAMETER.sub(lambda one: '$' + renamed.get(one[1], one[1]), text)}\n)"


PARAMETER = re.compile(r"\$(\w+)")


def ask(con: DuckDBPyConnection, name: str, params: Mapping[str, object]) -> pa.Table:
    """Run `<name>.sql` with bound parameters; the whole result, drained."""
    text, bound = _asked(name, params)
    return con.sql(text, params=bound).to_arrow_table()


def ask_few(con: DuckDBPyConnection, name: str, params: Mapping[str, object]) -> pa.Table:
    """`ask` for answers of some thousand rows: planned once, not twice, which spares 5 to 25 ms; rows are copied."""
    text, bound = _asked(name, params)
    return con.execute(text, bound).to_arrow_table()


def _asked(name: str, params: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The statement and what is bound in it. In the place of `$q` stands the condition that a line asks for."""
    text, named = _statement(name, _faster(params))
    bound = {one: params[one] for one in named if one not in CONDITIONS}
    for one in CONDITIONS & named:
        told = cast("Condition | None", params[one])
        sql = "true" if told is None else f"({_with_parts(told.sql)})"
        text = re.sub(rf"\${one}\b", lambda _, sql=sql: sql, text)  # type: ignore[misc]  # mypy cannot infer the default
        bound |= {} if told is None else dict(told.params)
    return text, bound


def _with_parts(condition: str) -> str:
    """A condition with the parts that it names."""
    return COMMENT.sub("", PART.sub(lambda part: _part(part, frozenset()), condition))


CONDITIONS = frozenset({"q", "met"})
"""Parameters whose values are conditions: what a line asks, and in a search what of it spans decide."""


@cache
def _statement(name: str, others: frozenset[str]) -> tuple[str, frozenset[str]]:
    """The text of a query without its comments, and the parameters that it names: DuckDB takes no others."""
    text = COMMENT.sub("", sql(name, others))
    return text, frozenset(PARAMETER.findall(text))


COMMENT = re.compile(r"--.*")


warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)  # the copy is what `ask_few` is about
FEW_VALUES = 16


def _faster(params: Mapping[str, object]) -> frozenset[str]:
    """The parts among `OTHERS` to take for these parameters."""
    values = params.get("values")
    by_join = isinstance(values, list) and len(values) > FEW_VALUES
    by_tag = params.get("dimension") == "tag"
    placed_by_tag = by_tag and not by_join and "slots" in params
    any_score = {
        other: name in params and params[name] is None
        for name, other in (("score", "trace_any_score"), ("with_score", "call_any_score"))
    }
    placed = {"placed_by_join": by_join, "placed_by_tag": placed_by_tag}
    filters = PARAMETER.findall(sql("call_filters", frozenset({"call_any_score"})))
    unfiltered = all(name in params and params[name] is None for name in filters)
    whole = params.get("sliced") is False
    others = {"told_by_tag": by_tag and not placed_by_tag, "call_any": unfiltered, **placed, **any_score}
    others |= {
        "hardware_one_slot": params.get("width") == 1 and len(cast("list[str]", params["versions"])) == 1,
        "told_by_model": params.get("dimension") == "model",
        "told_by_none": "dimension" in params and params["dimension"] is None,
        "monitor_whole": whole,
        "monitor_anywhere": whole,
        "monitor_told_twice": params.get("with_person") is True,
    }
    return frozenset(name for name, holds in others.items() if holds)
