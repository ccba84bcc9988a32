"""The answer as JSON: by a schema, or against the reference's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NoReturn, cast

from evaluators.case import Case, Json
from evaluators.checks.outcome import SHARE_CHECKED, checked, counted, form, listed
from evaluators.protocol import Card
from evaluators.values import Tolerance, same, several
from evaluators.verdict import Highlight, Verdict, failed, not_applicable

TIMEOUT_S = 0.5  # of one pattern of a schema on one text
_FENCE = re.compile(r"\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)


class NotJsonError(ValueError):
    """The text is no JSON: why, and the character at which that is seen."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why, self.at = why, at


def parsed(text: str, *, fenced: bool = True) -> Json:
    """The value of a JSON text, also within one fence of Markdown if `fenced`.

    Stricter than Python's reader: NaN, Infinity and a key twice in one object are refused, as other readers do.

    Raises:
        NotJsonError: it is none.
    """
    fence = _FENCE.fullmatch(text) if fenced else None
    start, body = (fence.start(1), fence[1]) if fence else (0, text)
    try:
        return cast("Json", json.loads(body, parse_constant=_no_constant, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        at = start + error.pos
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise NotJsonError(f"{error.msg}, at line {line}, column {column}", at) from error
    except RecursionError as error:
        raise NotJsonError("It is nested too deep", start) from error
    except ValueError as error:
        raise NotJsonError(str(error), start) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise ValueError(f"The key {twice!r} stands twice in one object")
    return made


def _no_json(error: NotJsonError, text: str) -> Verdict:
    at = min(error.at, max(len(text) - 1, 0))
    spans = (Highlight(at, at + 1, error.why),) if text else ()
    return checked(False, f"The answer is no JSON: {error.why}.", spans=spans, details={"parse_error": error.why})


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """Whether the answer is JSON of a schema."""

    schema: Mapping[str, Json] | None = None  # null: the row's `schema`, in its metadata
    fenced: bool = True  # False: JSON in a Markdown fence is none

    card: ClassVar[Card] = Card(
        "json_schema",
        "1",
        "checks",
        "The answer is JSON that the schema admits.",
        ("answer",),
        takes=("metadata",),
        scale=SHARE_CHECKED,
        limits=(
            "A `$ref` to another address is not fetched: such a schema is an error.",
            "`format` is not checked, as the specification has it by default.",
            f"A pattern that takes longer than {TIMEOUT_S:g} s is an error, neither pass nor fail.",
            "That bound does not hold for patterns of properties in subschemas beside `unevaluatedProperties`.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a schema that is none."""
        if self.schema is not None:
            _validator(self.schema)

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail with every fault and its place."""
        schema = case.metadata.get("schema") if self.schema is None else self.schema
        if not isinstance(schema, Mapping):
            return not_applicable("No schema is given, neither as an option nor as the row's `schema`.")
        answer = case.answer or ""
        try:
            value = parsed(answer, fenced=self.fenced)
        except NotJsonError as error:
            return _no_json(error, answer)
        return _by_schema(schema, value)


def _by_schema(schema: Mapping[str, Json], value: Json) -> Verdict:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as below

    try:
        faults = [f"{one.json_path}: {one.message}" for one in _validator(schema).iter_errors(value)]
    except TimeoutError as error:
        return failed("timeout", str(error))
    except (ValueError, Unresolvable) as error:
        return failed("schema", f"The schema cannot be used: {error}")
    if faults:
        return checked(False, f"{listed(faults)}.", details={"faults": [*faults]})
    return checked(True, "The schema admits it.")


def _validator(schema: Mapping[str, Json]) -> Any:
    """Raises ValueError for a schema that is none. With a registry of its own the library fetches no address."""
    from jsonschema import SchemaError  # noqa: PLC0415 - 0.1 s, for who asks for it
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema({**schema})
    except SchemaError as error:
        raise ValueError(f"It is no JSON schema: {error.json_path}: {error.message}") from error
    return _timed(kind)(schema, registry=Registry())


@cache
def _timed(kind: Any) -> Any:
    """The validator with patterns that can be stopped: the library's own `re` may take minutes for 30 letters."""
    from jsonschema import validators  # noqa: PLC0415 - as above

    own, extend = kind.VALIDATORS, cast("Callable[..., Any]", validators.extend)  # it has no types

    def by_settled(keyword: str) -> Any:
        return lambda validator, value, instance, schema: own[keyword](
            validator, value, instance, _settled(schema, instance)
        )

    others = {one: by_settled(one) for one in ("additionalProperties", "unevaluatedProperties") if one in own}
    return extend(kind, {"pattern": _pattern, "patternProperties": _pattern_properties, **others})


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError  # noqa: PLC0415 - as above

    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, schema in patterns.items():
            for key in instance:
                if _found(pattern, key):
                    yield from validator.descend(instance[key], schema, path=key, schema_path=pattern)


def _settled(schema: Mapping[str, Any], instance: Any) -> Mapping[str, Any]:
    """The schema with the keys that its patterns find among its `properties`, and no patterns."""
    patterns = schema.get("patternProperties", {})
    if not patterns or not isinstance(instance, dict):
        return schema
    found: dict[str, Any] = {key: {} for key in instance if any(_found(pattern, key) for pattern in patterns)}
    bare = {name: value for name, value in schema.items() if name != "patternProperties"}
    return {**bare, "properties": {**found, **schema.get("properties", {})}}


def _found(pattern: str, text: str) -> bool:
    """Raises TimeoutError for a pattern that takes too long, ValueError for one that is none."""
    import regex  # noqa: PLC0415 - 30 ms, for who asks for it

    try:
        return regex.search(pattern, text, timeout=TIMEOUT_S) is not None
    except TimeoutError as error:
        raise TimeoutError(f"The pattern {pattern!r} of the schema took longer than {TIMEOUT_S:g} s.") from error
    except regex.error as error:
        raise ValueError(f"The pattern {pattern!r} is none: {error}") from error


@dataclass(frozen=True, slots=True)
class JsonMatch:
    """How much of the reference's JSON the answer's has, value by value."""

    ordered: bool = True  # False: lists are compared without regard to order
    ignored: Sequence[str] | str = ()  # keys that do not count, wherever they stand
    tolerance: float = 0.0  # relative, of numbers
    fenced: bool = True

    card: ClassVar[Card] = Card(
        "json_match",
        "1",
        "checks",
        "The share of single values, of those in the answer's JSON or the reference's, that both have at one place.",
        ("answer", "reference"),
        scale=SHARE_CHECKED,
        limits=("In a list, one value more at the front moves all others; `ordered=False` helps for plain values.",),
    )

    def __call__(self, case: Case) -> Verdict:
        """1 and pass when all values are equal; else the share, and the places that differ."""
        try:
            reference = parsed(case.reference or "", fenced=True)
        except NotJsonError as error:
            return failed("reference", f"The reference is no JSON: {error.why}.")
        try:
            answer = parsed(case.answer or "", fenced=self.fenced)
        except NotJsonError as error:
            return _no_json(error, case.answer or "")
        return self._compared(dict(self._leaves(answer, "$")), dict(self._leaves(reference, "$")))

    def _compared(self, said: dict[str, Json], due: dict[str, Json]) -> Verdict:
        places = sorted(said.keys() | due.keys())
        off = [place for place in places if not self._equal(place, said, due)]
        if not off:
            return checked(True, f"Equal: {len(places)} of {counted(len(places), 'value')}.")
        differ = form(len(off), "differs", "differ")
        reason = f"{len(off)} of {counted(len(places), 'value')} {differ}: {listed(off)}."
        return checked(False, reason, 1 - len(off) / len(places), details={"off": [*off]})

    def _equal(self, place: str, said: dict[str, Json], due: dict[str, Json]) -> bool:
        if place not in said or place not in due:
            return False
        return same(said[place], due[place], Tolerance(relative=self.tolerance))

    def _leaves(self, value: Json, place: str) -> Iterator[tuple[str, Json]]:
        """Single values by their place; an empty object or list is one."""
        if isinstance(value, dict) and value:
            for key, one in value.items():
                if key not in several(self.ignored):
                    yield from self._leaves(one, f"{place}.{key}")
        elif isinstance(value, list) and value:
            for at, one in enumerate(value if self.ordered else sorted(value, key=_canonical)):
                yield from self._leaves(one, f"{place}[{at}]")
        else:
            yield place, value


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
